/* SPDX-License-Identifier: BSD-3-Clause */
/* What a rank will measure: sizes, targets and places, and how. */
#include "config.h"

#include "bench_rank.h"

#include "railgauge/base/matrix.h"
#include "railgauge/base/mem.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

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
	rc = ranks_agree(&r->m, rc, err);
	if (!rc)
		rc = rg_rendezvous_bcast(r->job.rdv, r->weights, n * n * sizeof(*r->weights), 0,
					 ranks_deadline(&r->m), err);
	return rc;
}

int bench_plan_open(struct rank *r, struct rg_err *err)
{
	const struct bench_options *o = &r->bench->options;
	struct rg_plan_config config = {
		.coll = r->bench->coll,
		.type = (enum rg_type)o->type,
		.nranks = r->job.rdv->nranks,
		.min_bytes = o->min_bytes,
		.max_bytes = o->max_bytes,
		.factor = o->factor,
		.step_bytes = o->step_bytes,
		.nsizes = r->bench->points.n,
		.sizes = r->bench->points.sizes,
		.weights = r->weights,
	};

	if (o->root >= (int64_t)config.nranks)
		return rg_err_set(err, RG_ERR_RANGE, "--root %" PRId64 ": there are %u ranks",
				  o->root, config.nranks);
	/* An eighth of a rank's part of the cache for the small pairs; the same on every rank. */
	config.cached_bytes = rg_place_least_llc_bytes(r->m.places, config.nranks) / 8;
	if (config.cached_bytes < (uint64_t)512 << 10)
		config.cached_bytes = (uint64_t)512 << 10;
	return rg_plan_open(&config, &r->plan, err);
}

/* All ways to measure one target. */
static int add_candidates(struct rank *r, const struct rg_target_spec *spec, uint32_t *room,
			  struct rg_err *err)
{
	bool barrier = r->bench->coll == RG_COLL_BARRIER; /* it has no place */
	int place = barrier ? BENCH_PLACE_OUT : r->bench->options.place;

	if (r->ncandidates + 4 > *room) {
		uint32_t more = *room ? 2 * *room : 64;
		struct rg_candidate *c = rg_realloc(r->candidates, more * sizeof(*c));

		if (!c)
			return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for the targets");
		r->candidates = c;
		*room = more;
	}
	/* Windows first: the enumeration begins with private. */
	for (int a = 1; a >= 0; a--) {
		enum rg_access access = (enum rg_access)a;

		if (r->access[a] && place != BENCH_PLACE_IN)
			r->candidates[r->ncandidates++] =
				(struct rg_candidate){spec, false, access};
		if (r->access[a] && place != BENCH_PLACE_OUT)
			r->candidates[r->ncandidates++] = (struct rg_candidate){spec, true, access};
	}
	return 0;
}

/* The spec of that label among all; if it is a new one, as last. NULL: there are too many. */
static const struct rg_target_spec *share_spec(struct rank *r, const struct rg_target_spec *spec)
{
	for (uint32_t i = 0; i < r->nspecs; i++) {
		if (!strcmp(r->specs[i].label, spec->label))
			return &r->specs[i];
	}
	if (r->nspecs == RG_TARGETS_MAX)
		return NULL;
	r->specs[r->nspecs] = *spec;
	return &r->specs[r->nspecs++];
}

/* A list of targets becomes the candidates of a span. */
static int add_list(struct rank *r, const char *list, const char *what, uint32_t *room,
		    struct bench_span *span, struct rg_err *err)
{
	struct rg_target_spec specs[RG_TARGETS_MAX];
	uint32_t n = 0;
	int rc = rg_target_expand(&r->job, r->bench->coll, list, what, specs, &n, err);

	span->at = r->ncandidates;
	for (uint32_t i = 0; !rc && i < n; i++) {
		const struct rg_target_spec *spec = share_spec(r, &specs[i]);

		rc = spec ? add_candidates(r, spec, room, err)
			  : rg_err_set(err, RG_ERR_LIMIT, "%s: more than %d targets", what,
				       RG_TARGETS_MAX);
	}
	span->n = r->ncandidates - span->at;
	return rc;
}

static int fill_spans(struct rank *r, struct rg_err *err)
{
	const struct bench_points *points = &r->bench->points;
	uint32_t room = 0;
	char what[64];
	int rc = 0;

	for (uint32_t i = 0; !rc && i < r->plan.npoints; i++) {
		snprintf(what, sizeof(what), "--points: point %u", i + 1);
		if (points->n)
			rc = add_list(r, points->targets[i], what, &room, &r->spans[i], err);
		else if (i == 0)
			rc = add_list(r, r->bench->targets, "--target", &room, &r->spans[0], err);
		else
			r->spans[i] = r->spans[0];
		if (r->spans[i].n > r->nsamples)
			r->nsamples = r->spans[i].n;
	}
	return rc;
}

int bench_plan_candidates(struct rank *r, struct rg_err *err)
{
	uint32_t most;
	int rc;

	r->specs = rg_zalloc(RG_TARGETS_MAX, sizeof(*r->specs));
	r->spans = rg_zalloc(r->plan.npoints, sizeof(*r->spans));
	if (!r->specs || !r->spans)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for the targets");
	rc = fill_spans(r, err);
	most = r->nsamples;
	r->nsamples = 0; /* until they are there */
	if (rc)
		return rc;
	r->samples = rg_zalloc(most, sizeof(*r->samples));
	if (!r->samples)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for the samples");
	r->nsamples = most;
	return 0;
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
		.race = o->race,
		.warmups = (uint32_t)o->warmups,
		.seed = (uint64_t)o->seed,
		.crowded = r->m.crowded,
		.keep_ranks = o->raw,
		.llc_bytes = r->m.places[r->job.rdv->rank].llc_bytes,
		.access = {r->access[0], r->access[1]},
		.pairs_bytes = r->plan.pairs_bytes,
		.interrupted = r->bench->ranks.interrupted,
	};
}
