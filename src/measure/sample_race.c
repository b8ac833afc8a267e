/* SPDX-License-Identifier: BSD-3-Clause */
/* Who leaves a race: see sample.h. */
#include "config.h"

#include "sample_impl.h"

#include "railgauge/measure/stats.h"

#include <math.h>

/* What is known of one candidate that is in the race. */
struct runner {
	double least, greatest; /* of two repetitions or more; else 0 and INFINITY */
	double lo, hi;		/* of the median, if it is known; else likewise */
};

static struct runner look_at(const struct rg_samples *x, bool thorough, double *scratch)
{
	struct runner r = {0, INFINITY, 0, INFINITY};
	struct rg_stats stats;

	if (x->n < 2)
		return r;
	r.least = r.greatest = x->ns[0];
	for (uint64_t i = 1; i < x->n; i++) {
		r.least = fmin(r.least, x->ns[i]);
		r.greatest = fmax(r.greatest, x->ns[i]);
	}
	if (!thorough || x->n < SAMPLE_MIN_ROUNDS)
		return r;
	rg_stats_of(x->ns, x->n, scratch, &stats);
	if (stats.reached) {
		r.lo = stats.lo;
		r.hi = stats.hi;
	}
	return r;
}

static bool same_lane(const struct rg_candidate *a, const struct rg_candidate *b)
{
	return a->in_place == b->in_place && a->buffers == b->buffers;
}

/* The candidates of one kind of buffers and place, of which `first` is the first one that runs. */
static bool race_lane(const struct opened *opened, struct rg_samples *samples, uint32_t n,
		      uint32_t first, bool dear, bool thorough, double *scratch)
{
	const struct rg_candidate *lane = opened[first].candidate;
	struct runner best = {0, INFINITY, 0, INFINITY};
	bool any = false;

	for (uint32_t i = first; i < n; i++) {
		struct runner r;

		if (!rg_sample_is_in(&opened[i], &samples[i]) ||
		    !same_lane(opened[i].candidate, lane))
			continue;
		r = look_at(&samples[i], thorough, scratch);
		best.greatest = fmin(best.greatest, r.greatest);
		best.hi = fmin(best.hi, r.hi);
	}
	for (uint32_t i = first + 1; i < n; i++) {
		struct runner r;

		if (!rg_sample_is_in(&opened[i], &samples[i]) ||
		    !same_lane(opened[i].candidate, lane))
			continue;
		r = look_at(&samples[i], thorough, scratch);
		if (r.lo > RG_SAMPLE_RACE_MARGIN * best.hi ||
		    (dear && r.least > RG_SAMPLE_HOPELESS * best.greatest))
			samples[i].stop = RG_STOP_BEATEN;
		else
			any = true;
	}
	return any;
}

bool rg_sample_race(const struct opened *opened, struct rg_samples *samples, uint32_t n, bool dear,
		    bool thorough, double *scratch)
{
	bool racing = false, any_left = false;

	for (uint32_t i = 0; i < n; i++) {
		bool first = opened[i].target != NULL;

		for (uint32_t k = 0; k < i; k++)
			first &= !opened[k].target ||
				 !same_lane(opened[k].candidate, opened[i].candidate);
		if (first)
			racing |= race_lane(opened, samples, n, i, dear, thorough, scratch);
	}
	for (uint32_t i = 0; i < n; i++)
		any_left |= samples[i].stop == RG_STOP_BEATEN;
	return any_left && !racing;
}
