/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One rank of railgauge pairs. All ranks do the same, in the same order; what can fail on one of
 * them alone is followed by an agreement, so that all go on or all give up.
 */
#include "config.h"

#include "pairs.h"

#include "railgauge/base/log.h"
#include "railgauge/base/mem.h"
#include "railgauge/base/units.h"
#include "railgauge/measure/tournament.h"
#include "railgauge/report/progress.h"
#include "railgauge/transport/transport.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct rank {
	const struct pairs *pairs; /* borrowed */
	struct ranks_member m;
	struct rg_endpoint *ep;		   /* owned; NULL: the lane needs none */
	struct rg_lane *lane;		   /* owned */
	struct rg_pairs *measuring;	   /* owned */
	struct rg_pairs_outcome *outcomes; /* owned, [nranks] */
	struct rg_nic_job *counters;	   /* owned; NULL: none are read */
	struct pairs_out *out;		   /* owned; rank 0 */
	struct rg_progress progress;	   /* silent but on rank 0 */
	uint32_t done, total;		   /* points */
	bool interrupted;
};

/* --- before --- */

static int check_ranks(const struct rank *r, struct rg_err *err)
{
	uint32_t n = r->m.rdv->nranks;

	if (r->pairs->two && n != 2)
		return rg_err_set(err, RG_ERR_INVALID,
				  "pingpong is between 2 ranks, and %u %s started; railgauge pairs "
				  "measures all pairs of more",
				  n, n == 1 ? "was" : "were");
	if (n < 2)
		return rg_err_set(err, RG_ERR_INVALID,
				  "a pair has 2 ranks, and 1 was started: mpirun -np N railgauge "
				  "pairs, or --threads N");
	return 0;
}

/* A part of the time that the others wait for this rank, so that they hear why it gave up. */
static uint64_t wait_ns(const struct rank *r)
{
	return r->m.ranks->timeout_ns / 2;
}

static int open_verbs(struct rank *r, struct rg_err *err)
{
	const struct rg_lane_verbs_config config = {
		.options = &r->pairs->verbs,
		.op = r->pairs->options.op,
		.local = ranks_local(&r->m),
		.nlocal = ranks_nlocal(&r->m),
		.max_bytes = r->pairs->max_bytes,
		.wait_ns = wait_ns(r),
		.deadline_ns = r->m.ranks->timeout_ns,
	};

	return rg_lane_verbs_open(r->m.rdv, &config, &r->lane, err);
}

static int open_transport(struct rank *r, const struct rg_transport_ops *ops, struct rg_err *err)
{
	const struct pairs_options *o = &r->pairs->options;
	const struct rg_transport_config config = {
		.geometry = rg_geometry_for(ops, r->m.rdv->nranks),
		.patience = r->m.crowded ? rg_patience_shared_core : rg_patience_own_core,
		.timeout_ns = r->m.ranks->timeout_ns,
		.interface = o->interface,
		.congestion = o->congestion,
		.verbs = &r->pairs->verbs,
		.local = ranks_local(&r->m),
		.nlocal = ranks_nlocal(&r->m),
	};
	int rc = ranks_agree(&r->m, ops->probe(&config, err), err);

	if (!rc)
		rc = ops->open(r->m.rdv, &config, &r->ep, err);
	if (rc)
		return rc;
	return rg_lane_transport_open(r->ep, r->pairs->max_bytes, wait_ns(r), &r->lane, err);
}

static int open_lane(struct rank *r, struct rg_err *err)
{
	const struct pairs_options *o = &r->pairs->options;
	const struct ranks_network network = {
		.verbs = &r->pairs->verbs, .interface = o->interface, .congestion = o->congestion};
	const struct rg_transport_ops *ops = NULL;
	bool verbs = !strcmp(o->transport, PAIRS_VERBS);
	int rc = 0;

	if (!strcmp(o->transport, "auto"))
		rc = ranks_verbs_suit(&r->m, &network, r->pairs->max_bytes, &verbs, err);
	if (!rc && verbs)
		return open_verbs(r, err);
	if (!rc)
		rc = ranks_transport(&r->m, o->transport, NULL, &ops, err);
	rc = ranks_agree(&r->m, rc, err);
	return rc ? rc : open_transport(r, ops, err);
}

static int open_measuring(struct rank *r, struct rg_err *err)
{
	const struct pairs_options *o = &r->pairs->options;
	const struct rg_pairs_config config = {
		.iterations = (uint64_t)o->iterations,
		.duration_ns = o->duration_ns,
		.warmups = (uint64_t)o->warmups,
		.deadline_ns = r->m.ranks->timeout_ns,
		.check = o->check,
		.interrupted = r->m.ranks->interrupted,
	};
	int rc = rg_pairs_open(r->m.rdv, r->lane, &config, &r->measuring, err);

	if (rc)
		return rc;
	r->outcomes = rg_zalloc(r->m.rdv->nranks, sizeof(*r->outcomes));
	if (!r->outcomes)
		rc = rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for %u ranks", r->m.rdv->nranks);
	else if (r->m.rdv->rank == 0)
		rc = pairs_out_open(r->pairs, &r->m, r->lane, &r->out, err);
	return ranks_agree(&r->m, rc, err);
}

static int prepare(struct rank *r, struct rg_err *err)
{
	const struct pairs *p = r->pairs;
	const void *const bases[] = PAIRS_BASES(p);
	int rc;

	if (r->m.ranks->refused && err)
		*err = r->m.ranks->why;
	rc = ranks_agree(&r->m, r->m.ranks->refused, err);
	if (!rc)
		rc = ranks_meet(&r->m, p->command, bases, &p->origins, NULL, err);
	if (!rc)
		rc = ranks_agree(&r->m, check_ranks(r, err), err);
	if (!rc)
		rc = open_lane(r, err);
	if (!rc)
		rc = ranks_counters_open(&r->m, p->options.counters, r->lane->nics, false,
					 &r->counters, err);
	return rc ? rc : open_measuring(r, err);
}

/* --- the rounds --- */

static bool is_one_way(enum rg_pairs_test test)
{
	return test == RG_PAIRS_BANDWIDTH || test == RG_PAIRS_RATE;
}

static int measure_point(struct rank *r, uint32_t round, const struct rg_pairs_point *point,
			 struct rg_err *err)
{
	char what[96], size[RG_UNITS_BYTES];
	uint32_t n;
	int rc;

	snprintf(what, sizeof(what), "%s of %s", rg_pairs_test_words[point->test],
		 rg_format_size(point->load.size_bytes, size));
	rg_progress_step(&r->progress, r->done, r->total, what, 0);
	rc = rg_pairs_measure(r->measuring, point, r->outcomes, &n, &r->interrupted, err);
	r->done++;
	if (!rc && r->counters)
		rc = rg_nic_job_read(r->counters, err);
	if (rc)
		return rc;
	if (r->out)
		rc = pairs_out_add(r->out, point, round, r->outcomes, n, r->counters, err);
	return ranks_agree(&r->m, rc, err);
}

/* All pairs of the round, or one after the other. */
static int measure_pairs(struct rank *r, uint32_t round, struct rg_pairs_point *point,
			 struct rg_err *err)
{
	uint32_t n = r->m.rdv->nranks;
	int rc = 0;

	point->alone = RG_TOURNAMENT_NOBODY;
	if (!r->pairs->options.alone)
		return measure_point(r, round, point, err);
	for (uint32_t a = 0; !rc && !r->interrupted && a < n; a++) {
		uint32_t b = rg_tournament_opponent(n, round, a);

		point->alone = a;
		if (b != RG_TOURNAMENT_NOBODY && a < b)
			rc = measure_point(r, round, point, err);
	}
	return rc;
}

static int measure_rail(struct rank *r, uint32_t round, int32_t rail, struct rg_err *err)
{
	const struct pairs_options *o = &r->pairs->options;
	int rc = 0;

	for (uint32_t i = 0; !rc && !r->interrupted && i < r->pairs->nitems; i++) {
		const struct pairs_item *item = &r->pairs->items[i];
		bool stream = item->test != RG_PAIRS_LATENCY;
		struct rg_pairs_point point = {
			.test = item->test,
			.load = {.op = o->op,
				 .size_bytes = item->size_bytes,
				 .rail = rail,
				 .outstanding = stream ? r->pairs->outstanding : 1,
				 .post_list = stream ? (uint32_t)o->post_list : 1,
				 .stream = stream},
		};

		/* A message has one rail. */
		if (!stream && rail == RG_LANE_ALL_RAILS)
			continue;
		rc = measure_pairs(r, round, &point, err);
		point.reverse = true;
		if (!rc && !r->interrupted && is_one_way(item->test))
			rc = measure_pairs(r, round, &point, err);
	}
	return rc;
}

static int measure_round(struct rank *r, uint32_t round, struct rg_err *err)
{
	enum pairs_rails rails = r->pairs->options.rails;
	uint32_t n = r->lane->nrails;
	int rc = rg_pairs_meet(r->measuring, round, err);

	for (uint32_t i = 0; !rc && !r->interrupted && i < n; i++) {
		if (rails != PAIRS_RAILS_TOGETHER || n == 1)
			rc = measure_rail(r, round, (int32_t)i, err);
	}
	if (!rc && !r->interrupted && n > 1 && rails != PAIRS_RAILS_EACH)
		rc = measure_rail(r, round, RG_LANE_ALL_RAILS, err);
	return rc;
}

/* Points of one rail in one round. */
static uint32_t points_of_rail(const struct rank *r, bool together)
{
	uint32_t points = 0;

	for (uint32_t i = 0; i < r->pairs->nitems; i++) {
		enum rg_pairs_test test = r->pairs->items[i].test;

		if (!together || test != RG_PAIRS_LATENCY)
			points += is_one_way(test) ? 2 : 1;
	}
	return points;
}

static void announce(struct rank *r)
{
	const struct pairs_options *o = &r->pairs->options;
	uint32_t n = r->m.rdv->nranks, rounds = rg_tournament_rounds(n), rails = r->lane->nrails;
	uint32_t each = rails == 1 || o->rails != PAIRS_RAILS_TOGETHER ? rails : 0;
	uint32_t points = each * points_of_rail(r, false);
	char stage[48];

	if (rails > 1 && o->rails != PAIRS_RAILS_EACH)
		points += points_of_rail(r, true);
	r->total = points * (o->alone ? n * (n - 1) / 2 : rounds);
	snprintf(stage, sizeof(stage), "measuring %u pair%s", n * (n - 1) / 2, n > 2 ? "s" : "");
	rg_progress_stage(&r->progress, stage,
			  o->iterations ? 0 : r->total * (o->duration_ns + o->duration_ns / 5));
}

static int conclude(struct rank *r, struct rg_err *err)
{
	double load = 0;
	int rc = ranks_others_load(&r->m, &load, err);

	if (rc)
		return rc;
	rg_progress_hide(&r->progress);
	if (r->out)
		rc = pairs_out_finish(r->out, !r->interrupted, load, err);
	if (!rc && r->interrupted)
		rc = rg_err_set(err, RG_ERR_INTERRUPTED,
				"interrupted; what was measured until then is complete");
	return ranks_agree(&r->m, rc, err);
}

static int measure(struct rank *r, struct rg_err *err)
{
	uint32_t rounds = rg_tournament_rounds(r->m.rdv->nranks);
	int rc = prepare(r, err);

	if (rc)
		return rc;
	announce(r);
	rg_load_read(&r->m.load);
	rc = r->counters ? rg_nic_job_read(r->counters, err) : 0;
	for (uint32_t round = 0; !rc && !r->interrupted && round < rounds; round++)
		rc = measure_round(r, round, err);
	return rc ? rc : conclude(r, err);
}

int pairs_rank(const struct ranks *ranks, struct rg_rendezvous *rdv, bool *agreed_out,
	       struct rg_err *err)
{
	struct rank r = {.pairs = ranks->command, .m = {.ranks = ranks, .rdv = rdv}};
	int rc;

	rg_log_set_rank((int)rdv->rank);
	rg_progress_init(&r.progress, rdv->rank == 0 ? stderr : NULL);
	rc = measure(&r, err);
	rg_progress_hide(&r.progress);
	ranks_end(&r.m, rc, agreed_out, err);
	pairs_out_close(r.out);
	rg_pairs_close(r.measuring);
	rg_nic_job_close(r.counters);
	rg_lane_close(r.lane);
	if (r.ep)
		r.ep->ops->close(r.ep);
	rg_free(r.outcomes);
	ranks_release(&r.m);
	return rc;
}
