/* SPDX-License-Identifier: BSD-3-Clause */
/* Sampling: who is measured when, when it is enough, and what comes of it. */
#include "config.h"

#include "sample_impl.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/mem.h"
#include "railgauge/measure/stats.h"

#include <stdio.h>
#include <string.h>

/* A median of fewer has no 95 % interval (stats.h). */
#define MIN_ROUNDS 6
/* More of the same launch say nothing new; they bound memory and sorting. */
#define MAX_ROUNDS 20000
/* The part of the budget that passes before an interval is believed. */
#define EARLIEST 10

/* Rank 0's state while it directs a point. */
struct director {
	struct rg_sampler *s;	     /* borrowed, as all pointers here but order and scratch */
	const struct opened *opened; /* [n] */
	struct rg_samples *samples;  /* [n] */
	uint32_t n;
	uint64_t random;
	uint64_t began_ns;
	double op_ns; /* the fastest candidate's time per operation, from the warm-up */

	/* Warm-up: one candidate after the other, `turn` repetitions of each. */
	bool warm;
	uint32_t candidate, turn;
	double own_ns;		/* of this candidate */
	uint64_t warm_began_ns; /* likewise; 0: not begun */

	/* Measuring: the order of this round, and how far it is. */
	uint32_t *order; /* owned, [n] */
	uint32_t norder, place;
	uint64_t rounds, next_look;
	double *scratch; /* owned, grows */
	uint64_t room;
};

void rg_samples_release(struct rg_samples *samples)
{
	rg_free(samples->ns);
	rg_free(samples->ranks_ns);
	*samples = (struct rg_samples){0};
}

static void close_lane(const struct rg_sampler *s, struct lane *lane)
{
	if (lane->window)
		s->job->ep->ops->window_close(lane->window);
	rg_buffer_close(&lane->buffer);
	rg_free(lane->src_number);
	rg_free(lane->dst_number);
	*lane = (struct lane){0};
}

void rg_sampler_close(struct rg_sampler *s)
{
	if (!s)
		return;
	for (int a = 0; a < 2; a++)
		close_lane(s, &s->lanes[a]);
	rg_meet_close(s->meet);
	rg_data_close(s->data);
	rg_buffer_close(&s->walk);
	rg_free(s->ready);
	rg_free(s->reports);
	rg_free(s->commands);
	rg_free(s);
}

static uint64_t walk_bytes(const struct rg_sampler_config *c)
{
	if (c->cache != RG_CACHE_COLD)
		return 0;
	return c->llc_bytes ? 2 * c->llc_bytes : (uint64_t)64 << 20;
}

uint64_t rg_sampler_extra_bytes(const struct rg_sampler_config *config)
{
	return walk_bytes(config) + ((uint64_t)1 << 20);
}

/* Everything that one rank can do alone. */
static int open_local(struct rg_sampler *s, struct rg_err *err)
{
	const struct rg_rendezvous *rdv = s->job->rdv;
	const struct rg_data_problem p = {
		.coll = s->config.coll,
		.type = s->config.type,
		.op = s->config.op,
		.nranks = rdv->nranks,
		.rank = rdv->rank,
		.seed = s->config.seed,
	};
	int rc = rg_data_open(&p, &s->data, err);

	for (int a = 0; !rc && a < 2; a++) {
		struct lane *lane = &s->lanes[a];

		if (!s->config.access[a])
			continue;
		lane->src_number = rg_zalloc(RG_PLAN_MAX_OPS + 1, sizeof(uint64_t));
		lane->dst_number = rg_zalloc(RG_PLAN_MAX_OPS + 1, sizeof(uint64_t));
		if (!lane->src_number || !lane->dst_number)
			return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for a sampler");
		rc = rg_buffer_open(a == RG_ACCESS_WINDOW ? RG_MEMORY_SHARED : RG_MEMORY_HOST,
				    s->config.pairs_bytes, 0, -1, &lane->buffer, err);
		lane->pairs.base = lane->buffer.base;
	}
	if (!rc && walk_bytes(&s->config))
		rc = rg_buffer_open(RG_MEMORY_HOST, walk_bytes(&s->config), 0, -1, &s->walk, err);
	return rc;
}

static int open_window(struct rg_sampler *s, struct rg_err *err)
{
	struct lane *lane = &s->lanes[RG_ACCESS_WINDOW];
	struct rg_endpoint *ep = s->job->ep;
	int rc;

	/* Without a transport the memory is the same, but nobody is given it. */
	if (!lane->buffer.base || !ep)
		return 0;
	rc = ep->ops->window_open(ep, &lane->buffer, &lane->window, err);
	for (uint32_t r = 0; !rc && r < ep->nranks; r++) {
		if (r != ep->rank && (ep->caps & RG_CAP_MAPPED))
			rc = ep->ops->window_map(lane->window, r, err);
	}
	lane->pairs.window = lane->window;
	return rc;
}

int rg_sampler_open(const struct rg_job *job, const struct rg_sampler_config *config,
		    struct rg_sampler **sampler_out, struct rg_err *err)
{
	struct rg_sampler *s = rg_zalloc(1, sizeof(*s));
	uint32_t n = job->rdv->nranks;
	int rc = 0;

	if (s) {
		s->job = job;
		s->config = *config;
		s->ready = rg_zalloc(n, sizeof(s->ready[0]));
		s->reports = rg_zalloc(n, sizeof(s->reports[0]));
		s->commands = rg_zalloc(n, sizeof(s->commands[0]));
		s->nroots = config->root_fixed || !rg_coll_has_root(config->coll) ? 1 : n;
	}
	if (!s || !s->ready || !s->reports || !s->commands)
		rc = rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for a sampler");
	else
		rc = open_local(s, err);
	rc = rg_rendezvous_agree(job->rdv, rc, rg_clock_ns() + job->deadline_ns, err);
	if (!rc)
		rc = open_window(s, err);
	if (!rc)
		rc = rg_meet_open(job->rdv, job->ep, job->deadline_ns, config->crowded, &s->meet,
				  err);
	if (!rc)
		rc = rg_sample_measure_start(s, err);
	if (rc) {
		rg_sampler_close(s);
		return rc;
	}
	*sampler_out = s;
	return 0;
}

void rg_sampler_start(const struct rg_sampler *sampler, struct rg_sampler_start *start_out)
{
	*start_out = sampler->start;
}

int rg_sampler_line(struct rg_sampler *sampler, double *one_way_ns_out, struct rg_err *err)
{
	return rg_meet_line(sampler->meet, one_way_ns_out, err);
}

/* Is this code a target's "cannot do that", rather than a failure of the run? */
static bool is_refusal(int rc)
{
	return rc == RG_ERR_UNSUPPORTED || rc == RG_ERR_RANGE || rc == RG_ERR_INVALID ||
	       rc == RG_ERR_NOT_FOUND;
}

static int open_candidate(struct rg_sampler *s, const struct rg_candidate *c, struct opened *o,
			  struct rg_samples *samples, struct rg_err *err)
{
	const struct rg_target_problem problem = {
		.coll = s->config.coll,
		.type = s->config.type,
		.op = s->config.op,
		.count = s->point->count,
		.in_place = c->in_place,
		.persistent = s->config.persistent && c->buffers == RG_ACCESS_WINDOW,
		.channels = s->config.channels,
		.first_root = s->config.root,
		.nroots = s->nroots,
		.line_ns = s->line_ns,
		.pairs = &s->lanes[c->buffers].pairs,
	};
	struct rg_err why = {0};
	int rc, all;

	o->candidate = c;
	o->skip_root =
		c->spec->ops->root_keeps_dst && s->config.coll == RG_COLL_BROADCAST && !c->in_place;
	if (c->spec->ops != &rg_target_railgauge)
		rg_sample_busy(s, rg_clock_ns());
	rc = c->spec->ops->open(s->job, c->spec, &problem, &o->target, &why);
	rg_sample_busy(s, 0);
	snprintf(samples->refused, sizeof(samples->refused), "%s", rc ? why.text : "");
	all = rg_rendezvous_agree(s->job->rdv, rc, rg_clock_ns() + s->job->deadline_ns, &why);
	if (!all) {
		c->spec->ops->about(o->target, &samples->about);
		return 0;
	}
	if (!rc) {
		c->spec->ops->close(o->target);
		o->target = NULL;
		snprintf(samples->refused, sizeof(samples->refused), "%s", why.text);
	}
	samples->stop = RG_STOP_NOT_RUN;
	return is_refusal(all) ? 0 : rg_err_set(err, all, "%s", why.text);
}

static int grow(struct director *d, struct rg_samples *x, struct rg_err *err)
{
	uint32_t nranks = d->s->job->rdv->nranks;
	uint64_t room = x->room ? 2 * x->room : 256;
	double *more = rg_realloc(x->ns, room * sizeof(double));

	if (!more)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for samples");
	x->ns = more;
	if (d->s->config.keep_ranks) {
		more = rg_realloc(x->ranks_ns, room * nranks * sizeof(double));
		if (!more)
			return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for samples");
		x->ranks_ns = more;
	}
	x->room = room;
	return 0;
}

static void account_check(const struct director *d, struct rg_samples *x)
{
	for (uint32_t r = 0; r < d->s->job->rdv->nranks; r++) {
		const struct report *p = &d->s->reports[r];

		if (p->wrong && !x->wrong) {
			x->wrong_rank = r;
			x->first_wrong = p->first;
		}
		x->checked += p->checked;
		x->wrong += p->wrong;
	}
}

/* How long the repetition took: until the last rank's end. False if somebody began too late. */
static bool duration_of(const struct director *d, uint64_t agreed, double *ns_out)
{
	uint64_t longest = 0, latest = 0;

	for (uint32_t r = 0; r < d->s->job->rdv->nranks; r++) {
		const struct report *p = &d->s->reports[r];
		uint64_t ns = p->end_ns - (agreed ? agreed : p->start_ns);

		if (ns > longest)
			longest = ns;
		if (agreed && p->start_ns - agreed > latest)
			latest = p->start_ns - agreed;
	}
	*ns_out = (double)longest;
	return latest * RG_SAMPLE_MIN_RATIO <= longest;
}

static int keep(struct director *d, uint32_t candidate, uint64_t agreed, double ns,
		struct rg_err *err)
{
	struct rg_samples *x = &d->samples[candidate];
	uint32_t nranks = d->s->job->rdv->nranks;

	if (x->n == x->room) {
		int rc = grow(d, x, err);

		if (rc)
			return rc;
	}
	x->ns[x->n] = ns / d->s->ops;
	for (uint32_t r = 0; x->ranks_ns && r < nranks; r++) {
		const struct report *p = &d->s->reports[r];
		uint64_t from = agreed ? agreed : p->start_ns;

		x->ranks_ns[x->n * nranks + r] = (double)(p->end_ns - from) / d->s->ops;
	}
	x->n++;
	return 0;
}

static bool is_interrupted(const struct director *d)
{
	for (uint32_t r = 0; r < d->s->job->rdv->nranks; r++) {
		if (d->s->reports[r].interrupted)
			return true;
	}
	return false;
}

/* --- the warm-up --- */

/* Repetitions of one operation first, then as many as seem right by then. */
static uint32_t warm_ops(const struct director *d)
{
	uint32_t singles = d->s->config.warmups ? d->s->config.warmups : 1;

	if (d->turn < singles)
		return 1;
	return rg_plan_ops(d->s->point, d->own_ns, d->s->start.min_ns);
}

/*
 * Two of the size that seems right, after all singles; fewer where operations are so slow that the
 * warm-up would take longer than a tenth of the budget, since a slow one says all by itself.
 */
static bool warm_done(const struct director *d)
{
	uint32_t singles = d->s->config.warmups ? d->s->config.warmups : 1;
	uint64_t now = rg_clock_ns();

	if (d->turn > singles + 1)
		return true;
	return d->turn > 0 && d->own_ns >= d->s->start.min_ns &&
	       now - d->warm_began_ns > d->s->config.budget_ns / EARLIEST;
}

/* Moves on to the next candidate's warm-up; false when all are done. */
static bool warm_next(struct director *d)
{
	if (d->turn == 0)
		d->warm_began_ns = rg_clock_ns();
	if (warm_done(d)) {
		if (d->op_ns == 0 || d->own_ns < d->op_ns)
			d->op_ns = d->own_ns;
		d->own_ns = 0;
		d->turn = 0;
		d->warm_began_ns = rg_clock_ns();
		d->candidate++;
	}
	while (d->candidate < d->n && !d->opened[d->candidate].target)
		d->candidate++;
	return d->candidate < d->n;
}

static void warm_account(struct director *d, double ns)
{
	double op_ns = ns / d->s->ops;

	if (d->own_ns == 0 || op_ns < d->own_ns)
		d->own_ns = op_ns;
	d->turn++;
}

/* --- measuring --- */

/* A new random order of the candidates, by exchanging [Knuth97, algorithm P]. */
static void shuffle(struct director *d)
{
	d->norder = 0;
	for (uint32_t i = 0; i < d->n; i++) {
		if (d->opened[i].target)
			d->order[d->norder++] = i;
	}
	for (uint32_t i = d->norder; i > 1; i--) {
		uint32_t j, held;

		d->random = d->random * 6364136223846793005u + 1442695040888963407u;
		j = (uint32_t)((d->random >> 33) % i);
		held = d->order[i - 1];
		d->order[i - 1] = d->order[j];
		d->order[j] = held;
	}
	d->place = 0;
}

static int all_precise(struct director *d, bool *precise_out, struct rg_err *err)
{
	bool precise = true;

	for (uint32_t i = 0; precise && i < d->n; i++) {
		const struct rg_samples *x = &d->samples[i];
		struct rg_stats stats;

		if (!d->opened[i].target)
			continue;
		if (x->n > d->room) {
			double *more = rg_realloc(d->scratch, x->room * sizeof(double));

			if (!more)
				return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for samples");
			d->scratch = more;
			d->room = x->room;
		}
		rg_stats_of(x->ns, x->n, d->scratch, &stats);
		precise = stats.reached && rg_stats_halfwidth(&stats) <= d->s->config.precision;
	}
	*precise_out = precise;
	return 0;
}

/* After a whole round: is it enough? */
static int look(struct director *d, bool *enough_out, enum rg_stop *why_out, struct rg_err *err)
{
	const struct rg_sampler_config *c = &d->s->config;
	uint64_t spent = rg_clock_ns() - d->began_ns;
	uint64_t fewest = UINT64_MAX;
	bool precise = false;
	int rc;

	for (uint32_t i = 0; i < d->n; i++) {
		if (d->opened[i].target && d->samples[i].n < fewest)
			fewest = d->samples[i].n;
	}
	*enough_out = true;
	*why_out = RG_STOP_BUDGET;
	if (c->repetitions) {
		*why_out = RG_STOP_FIXED;
		if (fewest >= c->repetitions)
			return 0;
		/* Late starters for ever: a machine too busy for what was asked. */
		*why_out = RG_STOP_BUDGET;
		*enough_out = d->rounds > 10 * c->repetitions + 100;
		return 0;
	}
	if (d->rounds >= MAX_ROUNDS ||
	    (spent >= c->budget_ns && (fewest >= MIN_ROUNDS || d->rounds >= 3 * MIN_ROUNDS)))
		return 0;
	*enough_out = false;
	if (fewest < MIN_ROUNDS || spent < c->budget_ns / EARLIEST || d->rounds < d->next_look)
		return 0;
	d->next_look = d->rounds + d->rounds / 5 + 1;
	rc = all_precise(d, &precise, err);
	*enough_out = precise;
	*why_out = RG_STOP_INTERVAL;
	return rc;
}

static void stop_all(struct director *d, enum rg_stop why)
{
	for (uint32_t i = 0; i < d->n; i++) {
		if (d->opened[i].target)
			d->samples[i].stop = why;
	}
}

/* What comes next. */
static int direct(struct director *d, struct command *next, struct rg_err *err)
{
	bool enough = false;
	enum rg_stop why = RG_STOP_NOT_RUN;
	int rc = 0;

	*next = (struct command){0};
	if (is_interrupted(d)) {
		stop_all(d, RG_STOP_INTERRUPTED);
		*next = (struct command){.stop = 1, .interrupted = 1};
		return 0;
	}
	if (d->warm) {
		if (warm_next(d)) {
			next->candidate = d->candidate;
			next->ops = warm_ops(d);
			return 0;
		}
		d->warm = false;
		shuffle(d);
		d->began_ns = rg_clock_ns();
	}
	if (d->place == d->norder) {
		d->rounds++;
		rc = look(d, &enough, &why, err);
		shuffle(d);
	}
	if (enough || d->norder == 0) {
		stop_all(d, why);
		next->stop = 1;
		return rc;
	}
	next->candidate = d->order[d->place++];
	next->ops = rg_plan_ops(d->s->point, d->op_ns, d->s->start.min_ns);
	return rc;
}

static int account(struct director *d, uint32_t candidate, uint64_t agreed, struct rg_err *err)
{
	struct rg_samples *x = &d->samples[candidate];
	double ns;
	bool valid = duration_of(d, agreed, &ns);

	account_check(d, x);
	if (d->warm) {
		warm_account(d, ns);
		return 0;
	}
	x->ops = d->s->ops;
	if (!valid) {
		x->invalid++;
		return 0;
	}
	/* Another candidate needs more rounds; this one has what was asked for. */
	if (d->s->config.repetitions && x->n == d->s->config.repetitions)
		return 0;
	return keep(d, candidate, agreed, ns, err);
}

/* --- the loop of all ranks --- */

static int measure(struct rg_sampler *s, struct director *d, const struct opened *opened,
		   bool *interrupted_out, struct rg_err *err)
{
	size_t report_bytes = sizeof(struct report), command_bytes = sizeof(struct command);

	memset(s->reports, 0, s->job->rdv->nranks * report_bytes);
	s->ops = 0;
	for (;;) {
		struct command mine = {0};
		struct report report;
		uint64_t agreed;
		int rc = 0;

		if (d)
			rc = direct(d, &mine, err);
		if (!rc)
			rc = rg_meet_exchange(s->meet, &mine, s->commands, command_bytes, err);
		if (rc)
			return rc;
		*interrupted_out = s->commands[0].interrupted;
		if (s->commands[0].stop)
			return 0;
		if (s->commands[0].ops != s->ops)
			rg_sample_set_ops(s, s->commands[0].ops);
		rc = rg_sample_repeat(s, &opened[s->commands[0].candidate], &report, &agreed, err);
		if (!rc)
			rc = rg_meet_exchange(s->meet, &report, s->reports, report_bytes, err);
		if (!rc && d)
			rc = account(d, s->commands[0].candidate, agreed, err);
		if (rc)
			return rc;
	}
}

static int open_director(struct rg_sampler *s, const struct opened *opened, uint32_t n,
			 struct rg_samples *samples, struct director *d, struct rg_err *err)
{
	*d = (struct director){
		.s = s,
		.opened = opened,
		.samples = samples,
		.n = n,
		.random = s->config.seed ^ s->point->size_bytes,
		.warm = true,
		.order = rg_zalloc(n, sizeof(d->order[0])),
	};
	return d->order ? 0 : rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for a point");
}

int rg_sampler_point(struct rg_sampler *s, const struct rg_plan_point *point,
		     const struct rg_candidate *candidates, uint32_t ncandidates,
		     struct rg_samples *samples_out, bool *interrupted_out, struct rg_err *err)
{
	struct opened *opened = rg_zalloc(ncandidates, sizeof(*opened));
	bool directs = s->job->rdv->rank == 0;
	struct director d = {0};
	int rc = 0;

	s->point = point;
	for (int a = 0; a < 2; a++) {
		s->lanes[a].pairs.stride = point->stride;
		s->lanes[a].pairs.dst_at = point->dst_at;
	}
	if (!opened)
		rc = rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for a point");
	else if (directs)
		rc = open_director(s, opened, ncandidates, samples_out, &d, err);
	rc = rg_rendezvous_agree(s->job->rdv, rc, rg_clock_ns() + s->job->deadline_ns, err);
	/* Anew for each point: a virtual machine's processors move about. */
	if (!rc)
		rc = rg_meet_line(s->meet, &s->line_ns, err);
	for (uint32_t i = 0; !rc && i < ncandidates; i++)
		rc = open_candidate(s, &candidates[i], &opened[i], &samples_out[i], err);
	if (!rc)
		rc = measure(s, directs ? &d : NULL, opened, interrupted_out, err);
	/* Told before anything collective is closed, so that nobody waits for this rank there. */
	if (rc) {
		struct rg_err why = {0};

		rg_err_set(&why, rc, "%s", err ? err->text : rg_err_text(rc));
		rg_meet_leave(s->meet);
		s->job->rdv->ops->abort(s->job->rdv, &why);
	}
	for (uint32_t i = 0; opened && i < ncandidates; i++) {
		if (!opened[i].target)
			continue;
		if (opened[i].target->ops != &rg_target_railgauge)
			rg_sample_busy(s, rg_clock_ns());
		opened[i].target->ops->close(opened[i].target);
		rg_sample_busy(s, 0);
	}
	rg_free(d.order);
	rg_free(d.scratch);
	rg_free(opened);
	return rc;
}
