/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "sample_impl.h"

#include "railgauge/base/clock.h"
#include "railgauge/launch/process.h"

#include <stdlib.h>
#include <string.h>

/*
 * The agreed time comes so many times later than the last rank's word reaches everybody in nine of
 * ten exchanges. More would only make repetitions rarer, and a rank that is held up for longer than
 * the most by the scheduler, or by the network, is late anyhow.
 */
#define MARGIN_TIMES	   2
#define MARGIN_LEAST_NS	   200u
#define MARGIN_MOST_NS	   50000u
#define MARGIN_MOST_FAR_NS 1000000u

/*
 * Nobody waits longer for the agreed time: a clock has jumped since the last comparison, as that of
 * a virtual machine that was away. Who begins before the time makes the repetition invalid.
 */
#define START_PATIENCE_NS 100000000u

/* Processors of one host may read the clock that much apart; other hosts started at other times. */
#define CLOCK_TOLERANCE_NS 10000u

/*
 * How often clocks are compared, if they have to be. In between they drift apart by some
 * microseconds at the most, mostly by less than a comparison errs; and for each four-fold of ranks
 * it takes about a millisecond.
 */
#define COMPARE_EVERY_NS 100000000u
#define COMPARE_AT_FIRST 4

/*
 * The first operation after a check finds the level-1 caches and the predictors of branches full of
 * other things, which costs it up to half a microsecond: 8 KiB of MPI's all-reduce, one at a time,
 * took 1.16 times as long as in a loop of them, and 1.02 times in repetitions of 10 us.
 */
#define FIRST_NS 500u

#define TRIES 33

const char *const rg_start_words[] = {
#define WORD(name, word) word,
	RG_START_LIST(WORD)
#undef WORD
};

int rg_sample_begin(struct rg_sampler *s, uint64_t *agreed_out, uint64_t *began_out,
		    struct rg_err *err)
{
	uint64_t now = rg_sample_now(s), last = 0, came;
	int rc = rg_meet_exchange(s->meet, &now, s->ready, sizeof(now), err);

	/*
	 * Once more for a common clock: who has waited long for the others was asleep and learns of
	 * the last one's word too late to begin at the agreed time. Now all have only just come.
	 */
	if (!rc && s->start.kind == RG_START_CLOCK) {
		now = rg_sample_now(s);
		rc = rg_meet_exchange(s->meet, &now, s->ready, sizeof(now), err);
	}
	if (rc)
		return rc;
	if (s->start.kind != RG_START_CLOCK) {
		*agreed_out = 0;
		*began_out = rg_sample_now(s);
		return 0;
	}
	for (uint32_t r = 0; r < s->job->rdv->nranks; r++)
		last = s->ready[r] > last ? s->ready[r] : last;
	last += s->start.margin_ns;
	came = rg_sample_now(s);
	while ((now = rg_sample_now(s)) < last && now - came < START_PATIENCE_NS) {
#if defined(__x86_64__)
		__builtin_ia32_pause();
#endif
	}
	*agreed_out = last;
	*began_out = now;
	return 0;
}

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/*
 * Do all ranks read one clock? Their words of an exchange were said after this rank had come to the
 * exchange before it, and before this rank had them all. However long it was held up in between,
 * on one clock that is so.
 */
static bool clocks_agree(const struct rg_sampler *s, uint64_t came_ns, uint64_t had_ns)
{
	for (uint32_t r = 0; r < s->job->rdv->nranks; r++) {
		uint64_t t = s->ready[r];

		if (t + CLOCK_TOLERANCE_NS < came_ns || t > had_ns + CLOCK_TOLERANCE_NS)
			return false;
	}
	return true;
}

/* What a rank says of its clock. */
struct view {
	uint64_t agrees;
	char kernel[40]; /* as in struct rg_process; empty: unknown */
};
_Static_assert(sizeof(struct view) <= sizeof(struct report), "reports have room for views");

/*
 * One rank's view is not enough: everybody must have seen the same. And hosts that were started
 * together may have clocks so near to each other that they look like one.
 */
static int find_clocks(struct rg_sampler *s, bool *common_out, struct rg_err *err)
{
	const struct view *all = (const struct view *)(void *)s->reports;
	uint64_t came = rg_clock_ns(), had, agreed;
	struct rg_process here;
	struct view mine;
	int rc;

	s->start.kind = RG_START_APART;
	rc = rg_sample_begin(s, &agreed, &had, err);
	if (!rc)
		rc = rg_sample_begin(s, &agreed, &had, err);
	if (rc)
		return rc;
	rg_process_here(&here);
	mine.agrees = clocks_agree(s, came, had);
	memcpy(mine.kernel, here.kernel, sizeof(mine.kernel));
	rc = rg_meet_exchange(s->meet, &mine, s->reports, sizeof(mine), err);
	*common_out = true;
	for (uint32_t r = 0; !rc && r < s->job->rdv->nranks; r++)
		*common_out &= all[r].agrees &&
			       !memcmp(all[r].kernel, all[0].kernel, sizeof(all[r].kernel));
	return rc;
}

/*
 * A start by the clock needs a quick way to agree on a time, since other exchanges end too far
 * apart for a common time soon after.
 */
static int find_kind(struct rg_sampler *s, struct rg_err *err)
{
	bool quick = rg_meet_way(s->meet) != RG_MEET_RENDEZVOUS || s->job->rdv->nranks == 1;
	bool common;
	int rc = find_clocks(s, &common, err);

	if (rc || (!common && !quick))
		return rc;
	s->start.kind = !s->config.crowded && quick ? RG_START_CLOCK : RG_START_BARRIER;
	s->compares = !common;
	for (int i = 0; i < COMPARE_AT_FIRST && s->compares && !rc; i++) {
		s->start.clock_ns = 0; /* what is known counts from the last of them on */
		rc = rg_sample_compare_clocks(s, err);
	}
	return rc;
}

static uint64_t latest(const struct rg_sampler *s)
{
	uint64_t last = 0;

	for (uint32_t r = 0; r < s->job->rdv->nranks; r++)
		last = s->ready[r] > last ? s->ready[r] : last;
	return last;
}

/* All that follows from what is uncertain about the start. */
static void set_skew(struct rg_sampler *s)
{
	struct rg_sampler_start *start = &s->start;

	start->skew_ns = s->late_ns + s->apart_ns;
	/* Twice what must be: the uncertainty is a median itself, and some starts are worse. */
	start->min_ns = 2 * RG_SAMPLE_MIN_RATIO * (2 * start->timer_cost_ns + start->skew_ns);
	if (start->min_ns < RG_SAMPLE_MIN_RATIO * FIRST_NS)
		start->min_ns = RG_SAMPLE_MIN_RATIO * FIRST_NS;
}

bool rg_sample_clocks_due(const struct rg_sampler *s)
{
	return s->compares && rg_clock_ns() - s->compared_ns > COMPARE_EVERY_NS;
}

int rg_sample_compare_clocks(struct rg_sampler *s, struct rg_err *err)
{
	double *all = (double *)(void *)s->reports;
	uint32_t n = s->job->rdv->nranks;
	double past;
	int rc = rg_meet_compare_clocks(s->meet, &s->clock, err);

	if (rc)
		return rc;
	rc = rg_meet_exchange(s->meet, &s->clock.error_ns, all, sizeof(double), err);
	if (rc)
		return rc;
	s->compared_ns = rg_clock_ns();
	s->apart_ns = rg_common_clocks_apart(all, n);
	rc = rg_meet_exchange(s->meet, &s->clock.past_error_ns, all, sizeof(double), err);
	if (rc)
		return rc;
	past = rg_common_clocks_apart(all, n);
	if (s->start.clock_ns < past)
		s->start.clock_ns = past;
	set_skew(s);
	return 0;
}

/* How long after the last rank's word everybody has it. */
static int find_margin(struct rg_sampler *s, struct rg_err *err)
{
	double reach[TRIES];
	bool far = rg_meet_way(s->meet) != RG_MEET_BOARDS;
	uint64_t most = far ? MARGIN_MOST_FAR_NS : MARGIN_MOST_NS, mine, now;
	int rc = 0;

	for (int i = 0; i < TRIES; i++) {
		now = rg_sample_now(s);
		rc = rg_meet_exchange(s->meet, &now, s->ready, sizeof(now), err);
		if (rc)
			return rc;
		now = rg_sample_now(s);
		reach[i] = now > latest(s) ? (double)(now - latest(s)) : 0;
	}
	qsort(reach, TRIES, sizeof(reach[0]), compare_doubles);
	mine = (uint64_t)reach[TRIES * 9 / 10];
	rc = rg_meet_exchange(s->meet, &mine, s->ready, sizeof(mine), err);
	if (rc)
		return rc;
	mine = MARGIN_TIMES * latest(s);
	s->start.margin_ns = mine < MARGIN_LEAST_NS ? MARGIN_LEAST_NS : mine > most ? most : mine;
	return 0;
}

/* How far apart the ranks began, or how long after the agreed time the last one did. */
static double lateness(const struct rg_sampler *s, uint64_t agreed)
{
	uint64_t first = UINT64_MAX;

	if (s->start.kind == RG_START_APART)
		return 0;
	for (uint32_t r = 0; r < s->job->rdv->nranks; r++)
		first = s->ready[r] < first ? s->ready[r] : first;
	return (double)(latest(s) - (agreed ? agreed : first));
}

int rg_sample_measure_start(struct rg_sampler *s, struct rg_err *err)
{
	double late[TRIES];
	double mine[2] = {0, (double)rg_clock_cost_ns()};
	double *all;
	int rc = find_kind(s, err);

	if (!rc && s->start.kind == RG_START_CLOCK)
		rc = find_margin(s, err);
	for (int i = 0; !rc && i < TRIES; i++) {
		uint64_t agreed, began;

		rc = rg_sample_begin(s, &agreed, &began, err);
		if (!rc)
			rc = rg_meet_exchange(s->meet, &began, s->ready, sizeof(began), err);
		if (!rc)
			late[i] = lateness(s, agreed);
	}
	if (rc)
		return rc;
	qsort(late, TRIES, sizeof(late[0]), compare_doubles);
	mine[0] = late[TRIES / 2];
	/* Rank 0's numbers count, so that k comes out equal everywhere. */
	_Static_assert(sizeof(mine) <= sizeof(struct report), "reports have room for the numbers");
	all = (double *)(void *)s->reports;
	rc = rg_meet_exchange(s->meet, mine, all, sizeof(mine), err);
	if (rc)
		return rc;
	s->late_ns = all[0];
	s->start.timer_cost_ns = all[1];
	set_skew(s);
	return 0;
}
