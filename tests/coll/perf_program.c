/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One program in a loop, for profilers: not a benchmark (that is `railgauge bench`).
 *
 *	railgauge run -n 2 --bind core -- tests/coll/perf_program COLL ALGORITHM PROTOCOL BYTES
 *[SLICE]
 *
 * RG_PERF_SLOT_BYTES, RG_PERF_SLOTS and RG_PERF_STREAM_SLOTS=1 in the environment change the slots.
 * Prints the least and the median time per operation over 21 batches. PROTOCOL window uses windows,
 * the others private memory. Built by `make tests/coll/perf_program`.
 */
#include "config.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/units.h"
#include "railgauge/coll/executor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCHES 21

static struct rg_err err;

static void must(int rc)
{
	if (rc) {
		fprintf(stderr, "%s\n", err.text);
		exit(1);
	}
}

static int word_index(const char *const *words, const char *word)
{
	for (int i = 0; words[i]; i++) {
		if (!strcmp(words[i], word))
			return i;
	}
	fprintf(stderr, "unknown word %s\n", word);
	exit(2);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void measure(struct rg_endpoint *ep, struct rg_run *run, const struct rg_run_args *args,
		    uint64_t bytes)
{
	uint64_t n = 1 + 20000000 / (200 + bytes / 8);
	double us[BATCHES];

	for (int b = 0; b < BATCHES; b++) {
		must(rg_rendezvous_barrier(ep->rdv, rg_clock_ns() + 10000000000u, &err));
		for (int i = 0; i < 3; i++)
			must(rg_run_once(run, args, &err));
		uint64_t t = rg_clock_ns();

		for (uint64_t i = 0; i < n; i++)
			must(rg_run_once(run, args, &err));
		us[b] = (double)(rg_clock_ns() - t) / (double)n / 1000;
	}
	qsort(us, BATCHES, sizeof(us[0]), by_value);
	if (ep->rank == 0)
		printf("%llu bytes: min %.3f us, median %.3f us (%llu per batch)\n",
		       (unsigned long long)bytes, us[0], us[BATCHES / 2], (unsigned long long)n);
}

static void bind_buffers(struct rg_endpoint *ep, const struct rg_buffer *src,
			 const struct rg_buffer *dst, struct rg_run_args *args)
{
	struct rg_window *sw, *dw;

	*args = (struct rg_run_args){.src = src->base, .dst = dst->base};
	if (src->kind != RG_MEMORY_SHARED)
		return;
	must(ep->ops->window_open(ep, src, &sw, &err));
	must(ep->ops->window_open(ep, dst, &dw, &err));
	for (uint32_t r = 0; r < ep->nranks; r++) {
		must(ep->ops->window_map(sw, r, &err));
		must(ep->ops->window_map(dw, r, &err));
	}
	args->src_window = sw;
	args->dst_window = dw;
}

int main(int argc, char **argv)
{
	struct rg_transport_config config = {
		.geometry = rg_geometry_default,
		.patience = rg_patience_own_core,
		.timeout_ns = 10000000000u,
	};
	const struct rg_algorithm *algorithm;
	struct rg_buffer src, dst;
	struct rg_rendezvous *rdv;
	struct rg_executor *x;
	struct rg_endpoint *ep;
	struct rg_program *prog;
	struct rg_run_args args;
	struct rg_run *run;
	uint64_t bytes;

	if (argc < 5)
		return 2;
	if (getenv("RG_PERF_SLOT_BYTES"))
		config.geometry.slot_bytes =
			(uint32_t)strtoul(getenv("RG_PERF_SLOT_BYTES"), NULL, 10);
	if (getenv("RG_PERF_SLOTS"))
		config.geometry.slots = (uint32_t)strtoul(getenv("RG_PERF_SLOTS"), NULL, 10);
	must(rg_rendezvous_env_open(rg_clock_ns() + 10000000000u, &rdv, NULL, &err));
	must(rg_transport_shm.open(rdv, &config, &ep, &err));
	must(rg_parse_size(argv[4], "BYTES", &bytes, &err));
	struct rg_problem p = {
		.coll = (enum rg_coll)word_index(rg_coll_words, argv[1]),
		.layout = {.nranks = ep->nranks},
		.elem_bytes = 4,
		.caps = ep->caps,
		.geometry = config.geometry,
		.params = {.protocol = (enum rg_protocol)word_index(rg_protocol_words, argv[3]),
			   .channels = 1,
			   .persistent = true,
			   .stream_slots = getenv("RG_PERF_STREAM_SLOTS") != NULL,
			   .slice_bytes = argc > 5 ? (uint32_t)strtoul(argv[5], NULL, 10) : 0},
	};
	enum rg_memory_kind kind = RG_MEMORY_HOST;

	if (p.coll == RG_COLL_ALLTOALLV) {
		fprintf(stderr, "alltoallv needs counts, which this program does not make\n");
		return 2;
	}
	p.count = rg_coll_block_count(p.coll, bytes / 4, ep->nranks);
	if (p.params.protocol == RG_PROTOCOL_WINDOW) {
		p.access = RG_ACCESS_WINDOW;
		kind = RG_MEMORY_SHARED;
	}
	must(rg_algorithm_find(p.coll, argv[2], &algorithm, &err));
	must(rg_program_open(ep, algorithm, &p, RG_TYPE_FLOAT32, RG_OP_SUM, 0,
			     rg_stream_threshold_bytes(32 << 20, ep->nranks), &prog, &err));
	must(rg_executor_open(ep, 1, &x, &err));
	must(rg_run_open(x, prog, &run, &err));
	must(rg_buffer_open(kind, bytes, 0, -1, &src, &err));
	must(rg_buffer_open(kind, bytes, 0, -1, &dst, &err));
	bind_buffers(ep, &src, &dst, &args);
	measure(ep, run, &args, bytes);
	return 0;
}
