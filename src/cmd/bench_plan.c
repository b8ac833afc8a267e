/* SPDX-License-Identifier: BSD-3-Clause */
/* What a rank will measure: sizes, targets and places, and how. */
#include "config.h"

#include "bench_rank.h"

#include "railgauge/base/matrix.h"
#include "railgauge/base/mem.h"

#include <inttypes.h>

/* Rank 0's part: read, and fit for the places that were asked for. */
static int read_traffic(const struct rank *r, struct rg_err *err)
{
	const struct bench_options *o = &r->bench->options;
	uint32_t n = r->job.rdv->nranks;
	struct rg_err why = {0};
	int rc = rg_matrix_read(o->traffic, n, r->weights, err);

	if (rc)
		return rg_err_prefix(err, "--traffic");
	if (o->place == BENCH_PLACE_IN && rg_matrix_check_in_place(r->weights, n, &why))
		return rg_err_set(err, RG_ERR_INVALID, "--place in: --traffic %s: %s", o->traffic,
				  why.text);
	return 0;
}

int bench_plan_traffic(struct rank *r, struct rg_err *err)
{
	size_t n = r->job.rdv->nranks;
	int rc = 0;

	if (!r->bench->options.traffic)
		return 0;
	r->weights = rg_zalloc(n * n, sizeof(*r->weights));
	if (!r->weights)
		rc = rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for the traffic of %zu ranks", n);
	else if (r->job.rdv->rank == 0)
		rc = read_traffic(r, err);
	rc = bench_rank_agree(r, rc, err);
	if (!rc)
		rc = rg_rendezvous_bcast(r->job.rdv, r->weights, n * n * sizeof(*r->weights), 0,
					 bench_rank_deadline(r), err);
	return rc;
}

int bench_plan_open(struct rank *r, struct rg_err *err)
{
	const struct bench_options *o = &r->bench->options;
	uint64_t llc = r->places[r->job.rdv->rank].llc_bytes;
	struct rg_plan_config config = {
		.coll = r->bench->coll,
		.type = (enum rg_type)o->type,
		.nranks = r->job.rdv->nranks,
		.min_bytes = o->min_bytes,
		.max_bytes = o->max_bytes,
		.factor = o->factor,
		.step_bytes = o->step_bytes,
		.weights = r->weights,
	};

	if (o->root >= (int64_t)config.nranks)
		return rg_err_set(err, RG_ERR_RANGE, "--root %" PRId64 ": there are %u ranks",
				  o->root, config.nranks);
	/* An eighth of the cache for the small pairs of all ranks; the same on every rank. */
	config.cached_bytes = (llc ? llc : (uint64_t)32 << 20) / 8 /
			      rg_place_local(r->places, config.nranks, 0, NULL);
	if (config.cached_bytes < (uint64_t)512 << 10)
		config.cached_bytes = (uint64_t)512 << 10;
	return rg_plan_open(&config, &r->plan, err);
}

static void add_candidates(struct rank *r, uint32_t spec, enum rg_access buffers)
{
	const struct bench_options *o = &r->bench->options;

	for (int in_place = 0; in_place < 2; in_place++) {
		if (in_place && (o->place == BENCH_PLACE_OUT || r->bench->coll == RG_COLL_BARRIER))
			continue;
		if (!in_place && o->place == BENCH_PLACE_IN && r->bench->coll != RG_COLL_BARRIER)
			continue;
		r->candidates[r->ncandidates++] =
			(struct rg_candidate){&r->specs[spec], in_place, buffers};
	}
}

int bench_plan_candidates(struct rank *r, struct rg_err *err)
{
	int rc;

	r->specs = rg_zalloc(RG_TARGETS_MAX, sizeof(*r->specs));
	r->candidates = rg_zalloc(BENCH_CANDIDATES_MAX, sizeof(*r->candidates));
	if (!r->specs || !r->candidates)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for the targets");
	rc = rg_target_expand(&r->job, r->bench->coll, r->bench->targets, r->specs, &r->nspecs,
			      err);
	if (rc)
		return rc;
	for (uint32_t i = 0; i < r->nspecs; i++) {
		/* Windows first: the enumeration begins with private. */
		for (int a = 1; a >= 0; a--) {
			if (r->access[a])
				add_candidates(r, i, (enum rg_access)a);
		}
	}
	r->samples = rg_zalloc(r->ncandidates, sizeof(*r->samples));
	return r->samples ? 0 : rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for the samples");
}

void bench_plan_config(struct rank *r)
{
	const struct bench_options *o = &r->bench->options;

	r->config = (struct rg_sampler_config){
		.coll = r->bench->coll,
		.type = (enum rg_type)o->type,
		.op = (enum rg_op)o->op,
		.root_fixed = o->root >= 0,
		.root = o->root >= 0 ? (uint32_t)o->root : 0,
		.cache = (enum rg_cache)o->cache,
		.check = o->check && (!r->job.ep || (r->job.ep->caps & RG_CAP_DATA)),
		.persistent = o->persistent,
		.channels = (uint32_t)o->channels,
		.radix = (uint32_t)o->radix,
		.window = (uint32_t)o->send_window,
		.precision = o->precision_percent / 100,
		.budget_ns = o->budget_ns,
		.repetitions = (uint64_t)o->repetitions,
		.warmups = (uint32_t)o->warmups,
		.seed = (uint64_t)o->seed,
		.crowded = r->crowded,
		.keep_ranks = o->raw,
		.llc_bytes = r->places[r->job.rdv->rank].llc_bytes,
		.access = {r->access[0], r->access[1]},
		.pairs_bytes = r->plan.pairs_bytes,
		.interrupted = r->bench->interrupted,
	};
}
