/* SPDX-License-Identifier: BSD-3-Clause */
/* What a point could take at best: by memory or by network, whichever is more. */
#include "config.h"

#include "bench.h"

#include "railgauge/base/matrix.h"

void bench_bound_blocks(const struct bench_job *job, const struct rg_plan_point *point,
			struct rg_bound_problem *problem)
{
	uint64_t elem = rg_type_bytes((enum rg_type)job->bench->options.type), total;

	if (!point->counts)
		return;
	total = rg_matrix_total(point->counts, job->nranks);
	problem->total_bytes = total * elem;
	problem->others_bytes = (total - rg_matrix_diagonal(point->counts, job->nranks)) * elem;
	problem->mutual = rg_matrix_mutual(point->counts, job->nranks);
}

static struct rg_bound by_memory(const struct bench_job *job, const struct rg_rates *rates,
				 const struct rg_candidate *c, const struct rg_plan_point *point,
				 uint32_t ops)
{
	struct rg_bound_problem problem = {
		.coll = job->bench->coll,
		.size_bytes = point->size_bytes,
		.nranks = job->nranks,
		.in_place = c->in_place,
		.access = c->buffers,
		.ops = rg_plan_pairs(ops), /* what is touched before anything is touched again */
		.cold = job->bench->options.cache == RG_CACHE_COLD,
	};

	bench_bound_blocks(job, point, &problem);
	return rg_bound_of(&problem, rates);
}

static struct rg_bound by_network(const struct bench_job *job, const struct rg_network *network,
				  const struct rg_plan_point *point, uint32_t ops,
				  double clock_error_ns)
{
	const struct bench_options *options = &job->bench->options;
	const struct rg_network_problem problem = {
		.coll = job->bench->coll,
		.size_bytes = point->size_bytes,
		.counts = point->counts,
		.elem_bytes = (uint32_t)rg_type_bytes((enum rg_type)options->type),
		.root = options->root >= 0 ? (uint32_t)options->root : 0,
		.root_rotates = options->root < 0,
		.multicast = job->multicast,
		.ops = ops,
		.clock_error_ns = clock_error_ns,
	};

	return rg_bound_network(&problem, network);
}

struct rg_bound bench_bound(const struct bench_job *job, const struct rg_calibration *calibration,
			    const struct rg_network *network, const struct rg_candidate *c,
			    const struct rg_plan_point *point, uint32_t ops, double clock_error_ns)
{
	struct rg_bound memory = {0}, net = {0};

	if (calibration)
		memory = by_memory(job, &calibration->rates, c, point, ops);
	/* An MPI library may know other ways between nodes than the one that was calibrated. */
	if (network && c->spec->ops == &rg_target_railgauge)
		net = by_network(job, network, point, ops, clock_error_ns);
	return net.bound_ns > memory.bound_ns ? net : memory;
}
