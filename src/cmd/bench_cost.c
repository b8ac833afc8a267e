/* SPDX-License-Identifier: BSD-3-Clause */
/* What a measurement will take, before it begins: memory and time. */
#include "config.h"

#include "bench.h"
#include "cmd.h"

#include "railgauge/base/units.h"
#include "railgauge/device/buffer.h"

#include <inttypes.h>
#include <stdio.h>

static uint64_t rank_bytes(const struct bench_job *job)
{
	uint64_t kinds = (uint64_t)job->config->access[0] + job->config->access[1];
	uint64_t links = (uint64_t)job->link_bytes * job->nranks;

	return kinds * job->plan->pairs_bytes + rg_sampler_extra_bytes(job->config) + links +
	       bench_calibrate_cost(job).memory_bytes;
}

/* In MiB, above 10 GiB in GiB: nobody reads bytes. */
static char *format_memory(uint64_t bytes, char *text)
{
	uint64_t unit = bytes >> 30 > 10 ? (uint64_t)1 << 30 : (uint64_t)1 << 20;

	return rg_format_size(bytes / unit * unit, text);
}

int bench_cost_check(const struct bench_job *job, uint32_t rank, struct rg_err *err)
{
	char need_text[RG_UNITS_BYTES], left_text[RG_UNITS_BYTES];
	uint32_t local = rg_place_local(job->m->places, job->nranks, rank, NULL);
	uint64_t need = rank_bytes(job) * local;
	const char *limit = NULL;
	uint64_t left = rg_memory_available_bytes(&limit);

	if (need <= left)
		return 0;
	return rg_err_set(err, RG_ERR_NO_MEMORY,
			  "%u rank%s on %s would need %s, and %s are left (%s): use a smaller -e",
			  local, local > 1 ? "s" : "", job->m->places[rank].host,
			  format_memory(need, need_text), format_memory(left, left_text),
			  limit ? limit : "memory");
}

uint64_t bench_cost_points_ns(const struct bench_job *job, uint32_t first)
{
	uint64_t sum = 0;

	for (uint32_t i = first; i < job->plan->npoints; i++)
		sum += rg_sampler_point_ns(job->config, &job->plan->points[i], job->spans[i].n);
	return sum;
}

static const char *plural(uint32_t n)
{
	return n == 1 ? "" : "s";
}

/* How many points there are, and of what. */
static void print_points(const struct bench_job *job)
{
	uint32_t nsizes = job->plan->npoints, n = 0;

	for (uint32_t i = 0; i < nsizes; i++)
		n += job->spans[i].n;
	printf("%u size%s x ", nsizes, plural(nsizes));
	if (job->bench->points.n)
		printf("the combinations of target, buffers and place of each");
	else
		printf("%u combination%s of target, buffers and place", job->ncandidates,
		       plural(job->ncandidates));
	printf(" = %u point%s on %u rank%s\n", n, plural(n), job->nranks, plural(job->nranks));
	for (uint32_t i = 0; i < job->nspecs; i++)
		printf("  target %s\n", job->specs[i].label);
}

int bench_cost_print(const struct bench_job *job, struct rg_err *err)
{
	char size[RG_UNITS_BYTES], time[RG_UNITS_BYTES];
	const struct bench_calibrate_cost cost = bench_calibrate_cost(job);
	uint64_t points_ns = bench_cost_points_ns(job, 0);
	double all_ns = (double)(points_ns + cost.memory_ns + cost.network_ns);

	print_points(job);
	printf("time: about %s; ", rg_format_time(all_ns, time));
	if (job->config->repetitions)
		printf("%" PRIu64 " repetitions per point", job->config->repetitions);
	else
		printf("at most the budget of %s per size, but at least six repetitions",
		       rg_format_time((double)job->config->budget_ns, time));
	printf(", besides the warm-up");
	if (cost.memory_ns)
		printf(" and %s to calibrate the memory",
		       rg_format_time((double)cost.memory_ns, time));
	if (cost.network_ns)
		printf(" and %s to calibrate the network",
		       rg_format_time((double)cost.network_ns, time));
	putchar('\n');
	printf("memory: %s per rank\n", format_memory(rank_bytes(job) + ((1 << 20) - 1), size));
	return rg_cmd_output_check(err);
}
