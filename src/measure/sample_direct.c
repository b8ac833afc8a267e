/* SPDX-License-Identifier: BSD-3-Clause */
/* Rank 0 directs: who is measured when, when it is enough, and what comes of it. */
#include "config.h"

#include "sample_impl.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/mem.h"
#include "railgauge/measure/stats.h"

/* More of the same launch say nothing new; they bound memory and sorting. */
#define MAX_ROUNDS 20000
/* The part of the budget that passes before an interval is believed. */
#define EARLIEST 10
/* An operation that takes this part of the budget is slow. */
#define SLOW_PART 1000
/*
 * So many times SAMPLE_MIN_ROUNDS rounds of repetitions fit into the budget at least: each has an
 * untimed lap beside it, and as much again for exchanges and checks.
 */
#define SHARES 4

/*
 * What moves in a repetition of one operation, in units of source and destination: the source is
 * filled and the destination checked (together one), and two operations, the untimed one and the
 * timed one, take one and a half each.
 */
#define REPETITION_PASSES 4
#define MEMORY_Bpns	  2 /* 2 GB/s: a slow core, or one that shares its memory */
/* Exchanges of a repetition, a share of the operations of short ones, their checks. */
#define REPETITION_LEAST_NS 50000u

struct director {
	struct rg_sampler *s;	     /* borrowed, as all pointers here but order and scratch */
	const struct opened *opened; /* [n] */
	struct rg_samples *samples;  /* [n] */
	uint32_t n;
	uint64_t random;
	uint64_t began_ns;
	double op_ns;	/* the fastest candidate's time per operation, from the warm-up */
	double min_ns;	/* what a repetition should last */
	double late_ns; /* beginning later than that after the agreed time is too late */

	/* Warm-up: one candidate after the other, `turn` repetitions of each. */
	bool warm;
	uint32_t candidate, turn;
	double own_ns;		/* of this candidate */
	uint64_t warm_began_ns; /* likewise; 0: not begun */

	/* Measuring: the order of this round, and how far it is. */
	uint32_t *order; /* owned, [n] */
	uint32_t norder, place;
	uint32_t ops; /* k */
	uint64_t rounds, next_look, next_race;
	double *scratch; /* owned, grows */
	uint64_t room;
};

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

/* From when rank's time counts: see enum rg_start. */
static uint64_t origin(const struct director *d, uint64_t agreed, uint32_t rank)
{
	uint64_t first = UINT64_MAX;

	if (agreed)
		return agreed;
	if (d->s->start.kind == RG_START_APART)
		return d->s->reports[rank].start_ns;
	for (uint32_t r = 0; r < d->s->job->rdv->nranks; r++)
		first = d->s->reports[r].start_ns < first ? d->s->reports[r].start_ns : first;
	return first;
}

/* How long the repetition took: until the last rank's end. */
static double duration_of(const struct director *d, uint64_t agreed)
{
	uint64_t longest = 0;

	for (uint32_t r = 0; r < d->s->job->rdv->nranks; r++) {
		uint64_t ns = d->s->reports[r].end_ns - origin(d, agreed, r);

		longest = ns > longest ? ns : longest;
	}
	return (double)longest;
}

/* Did somebody begin too late after the agreed time? Before it is the same: times are unsigned. */
static bool is_late(const struct director *d, uint64_t agreed)
{
	for (uint32_t r = 0; agreed && r < d->s->job->rdv->nranks; r++) {
		if ((double)(d->s->reports[r].start_ns - agreed) > d->late_ns)
			return true;
	}
	return false;
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
		uint64_t took_ns = d->s->reports[r].end_ns - origin(d, agreed, r);

		x->ranks_ns[x->n * nranks + r] = (double)took_ns / d->s->ops;
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
	return rg_plan_ops(d->s->point, d->own_ns, d->min_ns);
}

/*
 * Two of the size that seems right, after all singles; fewer where operations are slow and the
 * warm-up takes longer than a tenth of the budget. By the fastest of at least two, since the first
 * one touches memory for the first time, and a busy machine must not make short operations look
 * like long ones: k would come out too small. In a race one repetition may do, see sample.h.
 */
static bool warm_done(const struct director *d)
{
	/* Each repetition has an untimed one beside it. */
	double six_rounds_ns = 2.0 * SAMPLE_MIN_ROUNDS * d->n * d->own_ns;

	uint32_t singles = d->s->config.warmups ? d->s->config.warmups : 1;
	double slow_ns = (double)d->s->config.budget_ns / SLOW_PART;

	if (d->turn > singles + 1)
		return true;
	if (d->s->config.race && d->turn > 0 && d->op_ns > 0 &&
	    d->own_ns > RG_SAMPLE_HOPELESS * d->op_ns &&
	    six_rounds_ns > (double)d->s->config.budget_ns)
		return true;
	return d->turn > 1 && d->own_ns >= d->min_ns && d->own_ns >= slow_ns &&
	       rg_clock_ns() - d->warm_began_ns > d->s->config.budget_ns / EARLIEST;
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
		if (rg_sample_is_in(&d->opened[i], &d->samples[i]))
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

/* All that is fixed for the point when the warm-up is over. */
static void begin_measuring(struct director *d)
{
	const struct rg_sampler_start *start = &d->s->start;
	double uncertain_ns = 2 * start->timer_cost_ns + start->skew_ns, lasts_ns;

	d->warm = false;
	d->ops = rg_plan_ops(d->s->point, d->op_ns, d->min_ns);
	lasts_ns = d->ops * d->op_ns;
	d->late_ns = lasts_ns / RG_SAMPLE_MIN_RATIO;
	for (uint32_t i = 0; i < d->n; i++)
		d->samples[i].hasty = lasts_ns < RG_SAMPLE_MIN_RATIO * uncertain_ns;
	shuffle(d);
	d->began_ns = rg_clock_ns();
}

/* Room for the statistics of any candidate. */
static int make_room(struct director *d, struct rg_err *err)
{
	uint64_t room = d->room;
	double *more;

	for (uint32_t i = 0; i < d->n; i++)
		room = d->samples[i].room > room ? d->samples[i].room : room;
	if (room == d->room)
		return 0;
	more = rg_realloc(d->scratch, room * sizeof(double));
	if (!more)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for samples");
	d->scratch = more;
	d->room = room;
	return 0;
}

static bool all_precise(struct director *d)
{
	bool precise = true;

	for (uint32_t i = 0; precise && i < d->n; i++) {
		const struct rg_samples *x = &d->samples[i];
		struct rg_stats stats;

		if (!rg_sample_is_in(&d->opened[i], x))
			continue;
		rg_stats_of(x->ns, x->n, d->scratch, &stats);
		precise = stats.reached && rg_stats_halfwidth(&stats) <= d->s->config.precision;
	}
	return precise;
}

/* The repetitions of the candidate that has fewest. */
static uint64_t fewest_of(const struct director *d)
{
	uint64_t fewest = UINT64_MAX;

	for (uint32_t i = 0; i < d->n; i++) {
		if (rg_sample_is_in(&d->opened[i], &d->samples[i]) && d->samples[i].n < fewest)
			fewest = d->samples[i].n;
	}
	return fewest;
}

/* Lets those go that are beaten. Is it over: have only the first ones stayed? */
static bool race(struct director *d, uint64_t spent)
{
	bool dear = spent / d->rounds > d->s->config.budget_ns / SAMPLE_MIN_ROUNDS;
	bool thorough = d->rounds >= SAMPLE_MIN_ROUNDS && d->rounds >= d->next_race;

	if (!dear && !thorough)
		return false;
	if (thorough)
		d->next_race = d->rounds + d->rounds / 5 + 1;
	return rg_sample_race(d->opened, d->samples, d->n, dear, thorough, d->scratch);
}

/* After a whole round: is it enough? */
static int look(struct director *d, bool *enough_out, enum rg_stop *why_out, struct rg_err *err)
{
	const struct rg_sampler_config *c = &d->s->config;
	uint64_t spent = rg_clock_ns() - d->began_ns, fewest;
	bool decided;
	int rc = make_room(d, err);

	if (rc)
		return rc;
	decided = c->race && race(d, spent);
	fewest = fewest_of(d);
	*enough_out = true;
	*why_out = RG_STOP_BUDGET;
	if (c->repetitions) {
		*why_out = RG_STOP_FIXED;
		if (fewest >= c->repetitions)
			return 0;
		/* Late starters for ever: a machine too busy for what was asked. */
		*why_out = RG_STOP_ROUNDS;
		*enough_out = d->rounds > 10 * c->repetitions + 100;
		return 0;
	}
	if (d->rounds >= MAX_ROUNDS) {
		*why_out = RG_STOP_ROUNDS;
		return 0;
	}
	*why_out = RG_STOP_DECIDED;
	if (decided && fewest >= SAMPLE_MIN_ROUNDS)
		return 0;
	*why_out = RG_STOP_BUDGET;
	if (spent >= c->budget_ns &&
	    (fewest >= SAMPLE_MIN_ROUNDS || d->rounds >= 3 * SAMPLE_MIN_ROUNDS))
		return 0;
	*enough_out = false;
	if (fewest < RG_SAMPLE_MIN_PRECISE || spent < c->budget_ns / EARLIEST ||
	    d->rounds < d->next_look)
		return 0;
	d->next_look = d->rounds + d->rounds / 5 + 1;
	*enough_out = all_precise(d);
	*why_out = RG_STOP_INTERVAL;
	return 0;
}

static void stop_all(struct director *d, enum rg_stop why)
{
	for (uint32_t i = 0; i < d->n; i++) {
		if (rg_sample_is_in(&d->opened[i], &d->samples[i]))
			d->samples[i].stop = why;
	}
}

int rg_sample_direct(struct director *d, struct command *next, struct rg_err *err)
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
		begin_measuring(d);
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
	next->ops = d->ops;
	return rc;
}

int rg_sample_account(struct director *d, uint32_t candidate, uint64_t agreed, struct rg_err *err)
{
	struct rg_samples *x = &d->samples[candidate];
	double ns = duration_of(d, agreed);

	account_check(d, x);
	if (d->warm) {
		warm_account(d, ns);
		return 0;
	}
	x->ops = d->s->ops;
	if (is_late(d, agreed)) {
		x->invalid++;
		return 0;
	}
	/* Another candidate needs more rounds; this one has what was asked for. */
	if (d->s->config.repetitions && x->n == d->s->config.repetitions)
		return 0;
	return keep(d, candidate, agreed, ns, err);
}

int rg_sample_director_open(struct rg_sampler *s, const struct opened *opened, uint32_t n,
			    struct rg_samples *samples, struct director **director_out,
			    struct rg_err *err)
{
	double most_ns = (double)s->config.budget_ns / (SHARES * SAMPLE_MIN_ROUNDS) / n;
	struct director *d = rg_zalloc(1, sizeof(*d));
	uint32_t *order = rg_zalloc(n, sizeof(order[0]));

	if (!d || !order) {
		rg_free(order);
		rg_free(d);
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for a point");
	}
	*d = (struct director){
		.s = s,
		.opened = opened,
		.samples = samples,
		.n = n,
		.random = s->config.seed ^ s->point->size_bytes,
		.min_ns = s->start.min_ns < most_ns ? s->start.min_ns : most_ns,
		.warm = true,
		.order = order,
	};
	*director_out = d;
	return 0;
}

void rg_sample_director_close(struct director *d)
{
	if (!d)
		return;
	rg_free(d->order);
	rg_free(d->scratch);
	rg_free(d);
}

uint64_t rg_sampler_point_ns(const struct rg_sampler_config *config,
			     const struct rg_plan_point *point, uint32_t ncandidates)
{
	uint64_t moved = REPETITION_PASSES * (uint64_t)(point->src_bytes + point->dst_bytes);
	uint64_t turn_ns = moved / MEMORY_Bpns + REPETITION_LEAST_NS, warm_ns, ns;
	uint64_t warmups = (config->warmups ? config->warmups : 1) + 2;

	if (config->cache == RG_CACHE_COLD)
		turn_ns += rg_sampler_extra_bytes(config) / MEMORY_Bpns;
	/* As warm_done: two of a slow one are enough once a tenth of the budget has passed. */
	warm_ns = warmups * turn_ns;
	if (warm_ns > config->budget_ns / EARLIEST)
		warm_ns = config->budget_ns / EARLIEST;
	if (warm_ns < 2 * turn_ns)
		warm_ns = 2 * turn_ns;
	if (config->repetitions)
		return ncandidates * (warm_ns + config->repetitions * turn_ns);
	ns = ncandidates * SAMPLE_MIN_ROUNDS * turn_ns;
	return ncandidates * warm_ns + (ns > config->budget_ns ? ns : config->budget_ns);
}
