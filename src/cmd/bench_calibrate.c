/* SPDX-License-Identifier: BSD-3-Clause */
/* What memory and network can do, for the bounds of the points that are planned. */
#include "config.h"

#include "bench.h"

#include "railgauge/base/clock.h"
#include "railgauge/model/bound.h"

/* Footprints of the machine's caches first, then of the points. */
#define LIST_MAX 256

static uint32_t list_footprints(const struct bench_job *job, uint64_t *list)
{
	const struct bench *b = job->bench;
	uint32_t sharers = rg_place_llc_sharers(job->m->places, job->nranks, 0);
	uint32_t npoints = job->plan->npoints, step = 2 * npoints / (LIST_MAX - 8) + 1;
	struct rg_result_machine m;
	uint32_t n;

	rg_result_machine_here(&m);
	n = rg_calibrate_footprints(m.l1d_bytes, m.l2_bytes, m.llc_bytes, sharers, list);
	/* From the largest point down; of very many, every step-th will do. */
	for (uint32_t i = 0; i < npoints; i += step) {
		for (int a = 0; a < 2; a++) {
			const struct rg_plan_point *point = &job->plan->points[npoints - 1 - i];
			struct rg_bound_problem p = {
				.coll = b->coll,
				.size_bytes = point->size_bytes,
				.nranks = job->nranks,
				.access = (enum rg_access)a,
				.ops = rg_plan_pairs(1),
			};

			bench_bound_blocks(job, point, &p);
			if (job->config->access[a])
				list[n++] = rg_bound_footprint_bytes(&p);
		}
	}
	return rg_calibrate_merge(list, n);
}

struct bench_calibrate_cost bench_calibrate_cost(const struct bench_job *job)
{
	struct bench_calibrate_cost cost = {0};
	uint64_t list[LIST_MAX] = {0};
	struct rg_calibrate_config config = {0};

	if (!job->bench->options.calibrate)
		return cost;
	cost.network_ns = rg_calibrate_network_cost_ns(job->nnodes);
	if (job->bench->coll == RG_COLL_BARRIER)
		return cost;
	config.nfootprints = list_footprints(job, list);
	cost.memory_bytes = list[config.nfootprints - 1];
	cost.memory_ns = rg_calibrate_cost_ns(&config);
	return cost;
}

int bench_calibrate(const struct bench_job *job, struct rg_rendezvous *rdv,
		    struct rg_sampler *sampler, struct rg_calibration *out, struct rg_err *err)
{
	uint64_t timeout_ns = job->bench->options.timeout_ns;
	uint64_t list[LIST_MAX] = {0};
	struct rg_calibrate_config config = {
		.footprint_bytes = list,
		.numa_node = -1,
		.deadline_ns = timeout_ns,
	};
	int rc;

	config.nfootprints = list_footprints(job, list);
	/* Rank 0's list counts: another host may have other caches. */
	rc = rg_rendezvous_bcast(rdv, &config.nfootprints, sizeof(config.nfootprints), 0,
				 rg_clock_ns() + timeout_ns, err);
	if (!rc)
		rc = rg_rendezvous_bcast(rdv, list, sizeof(list), 0, rg_clock_ns() + timeout_ns,
					 err);
	if (!rc)
		rc = rg_calibrate(rdv, &config, out, err);
	return rc ? rc : rg_sampler_line(sampler, &out->rates.line_ns, err);
}

static void show_round(void *arg, uint32_t done, uint32_t total)
{
	struct rg_progress *progress = arg;

	rg_progress_step(progress, done, total, NULL, 0);
}

int bench_calibrate_network(const struct bench_job *job, struct rg_endpoint *ep,
			    struct rg_progress *progress, struct rg_network *out,
			    struct rg_err *err)
{
	const struct rg_network_config config = {
		.deadline_ns = job->bench->options.timeout_ns,
		.crowded = job->m->crowded,
		.one_host = job->m->one_host,
		.progress = show_round,
		.progress_arg = progress,
	};

	return rg_calibrate_network(ep, &config, out, err);
}
