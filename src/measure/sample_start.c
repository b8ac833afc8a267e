/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "sample_impl.h"

#include "railgauge/base/clock.h"

#include <stdlib.h>

/*
 * The agreed time comes so many times later than the last rank's word reaches everybody in nine of
 * ten exchanges. More would only make repetitions rarer, and a rank that is held up for longer than
 * the most by the scheduler is late anyhow.
 */
#define MARGIN_TIMES	2
#define MARGIN_LEAST_NS 200u
#define MARGIN_MOST_NS	50000u

/* Processors of one host may read the clock that much apart; other hosts started at other times. */
#define CLOCK_TOLERANCE_NS 10000u

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
	uint64_t now = rg_clock_ns(), last = 0;
	int rc = rg_meet_exchange(s->meet, &now, s->ready, sizeof(now), err);

	/*
	 * Once more for a common clock: who has waited long for the others was asleep and learns of
	 * the last one's word too late to begin at the agreed time. Now all have only just come.
	 */
	if (!rc && s->start.kind == RG_START_CLOCK) {
		now = rg_clock_ns();
		rc = rg_meet_exchange(s->meet, &now, s->ready, sizeof(now), err);
	}
	if (rc)
		return rc;
	if (s->start.kind != RG_START_CLOCK) {
		*agreed_out = 0;
		*began_out = rg_clock_ns();
		return 0;
	}
	for (uint32_t r = 0; r < s->job->rdv->nranks; r++)
		last = s->ready[r] > last ? s->ready[r] : last;
	last += s->start.margin_ns;
	while ((now = rg_clock_ns()) < last) {
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

/*
 * One rank's view is not enough: everybody must have seen the same. Memory is needed for a start by
 * the clock, since other exchanges end too far apart for a common time soon after.
 */
static int find_kind(struct rg_sampler *s, struct rg_err *err)
{
	uint32_t n = s->job->rdv->nranks;
	uint64_t came = rg_clock_ns(), had, agreed, common;
	int rc;

	s->start.kind = RG_START_APART;
	rc = rg_sample_begin(s, &agreed, &had, err);
	if (!rc)
		rc = rg_sample_begin(s, &agreed, &had, err);
	if (rc)
		return rc;
	common = clocks_agree(s, came, had);
	rc = rg_meet_exchange(s->meet, &common, s->ready, sizeof(common), err);
	for (uint32_t r = 0; !rc && r < n; r++)
		common &= s->ready[r];
	if (common)
		s->start.kind = !s->config.crowded && rg_meet_is_quick(s->meet) ? RG_START_CLOCK
										: RG_START_BARRIER;
	return rc;
}

static uint64_t latest(const struct rg_sampler *s)
{
	uint64_t last = 0;

	for (uint32_t r = 0; r < s->job->rdv->nranks; r++)
		last = s->ready[r] > last ? s->ready[r] : last;
	return last;
}

/* How long after the last rank's word everybody has it. */
static int find_margin(struct rg_sampler *s, struct rg_err *err)
{
	double reach[TRIES];
	uint64_t mine, now;
	int rc = 0;

	for (int i = 0; i < TRIES; i++) {
		now = rg_clock_ns();
		rc = rg_meet_exchange(s->meet, &now, s->ready, sizeof(now), err);
		if (rc)
			return rc;
		now = rg_clock_ns();
		reach[i] = now > latest(s) ? (double)(now - latest(s)) : 0;
	}
	qsort(reach, TRIES, sizeof(reach[0]), compare_doubles);
	mine = (uint64_t)reach[TRIES * 9 / 10];
	rc = rg_meet_exchange(s->meet, &mine, s->ready, sizeof(mine), err);
	if (rc)
		return rc;
	mine = MARGIN_TIMES * latest(s);
	s->start.margin_ns = mine < MARGIN_LEAST_NS  ? MARGIN_LEAST_NS
			     : mine > MARGIN_MOST_NS ? MARGIN_MOST_NS
						     : mine;
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
	s->start.skew_ns = all[0];
	s->start.timer_cost_ns = all[1];
	/* Twice what must be: the uncertainty is a median itself, and some starts are worse. */
	s->start.min_ns = 2 * RG_SAMPLE_MIN_RATIO * (2 * s->start.timer_cost_ns + s->start.skew_ns);
	if (s->start.min_ns < RG_SAMPLE_MIN_RATIO * FIRST_NS)
		s->start.min_ns = RG_SAMPLE_MIN_RATIO * FIRST_NS;
	return 0;
}
