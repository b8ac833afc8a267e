/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Clocks of different hosts: what time is it at rank 0, by this rank's own clock?
 *
 * A trip is a question to somebody who knows the common time, and the answer:
 *
 *      asked --------------> told            common = told when own was between asked and heard
 *      heard <--------------
 *
 * Halfway is the best guess, and half of the trip the most that it can be wrong, however unequal
 * the two ways are [Cristian89]; so the shortest trip of several is believed, as NTP does
 * [RFC5905, section 10]. What the teller may be wrong itself is added.
 *
 * Two clocks drift apart: quartzes by up to 50 millionths each, and who disciplines one bends it.
 * Drift is not extrapolated, since two comparisons with such errors, a fraction of a second apart,
 * know less about it than is gained; clocks are compared anew often instead, as in [Hunold16]
 * before every measurement. What a comparison finds changed is added to the bound of what was timed
 * before it (past_error_ns): that needs nothing assumed about drift. Something is assumed between
 * comparisons, and where an earlier one is kept: at most RG_CLOCKS_DRIFT, which quartzes keep, and
 * those that are held in step. While NTP makes up for an offset a clock may run 500 millionths
 * wrong, or more by configuration, and times be wrong by more than is said until the next
 * comparison.
 *
 * Pure functions; what asks is meet.h. Times are modulo 2^64, so clocks may be any time apart.
 */
#ifndef RAILGAUGE_MEASURE_CLOCKS_H
#define RAILGAUGE_MEASURE_CLOCKS_H

#include <stdbool.h>
#include <stdint.h>

struct rg_clock_trip {
	uint64_t asked_ns, heard_ns; /* own clock */
	uint64_t told_ns;	     /* the common clock, at some time in between */
};

/* Zeroed: nothing is known, and the own clock taken for the common one. */
struct rg_common_clock {
	bool known;
	uint64_t ahead_ns;    /* common time minus own, modulo 2^64 */
	double error_ns;      /* the most that common times are wrong by, at the last comparison */
	double past_error_ns; /* the same since the comparison before the last, or at it */
	uint64_t compared_ns; /* own time of the last comparison */
};

/* For the rank whose clock is the common one. */
void rg_common_clock_own(struct rg_common_clock *clock);

/*
 * A comparison: n >= 1 trips, one after the other, to somebody who is wrong by up to told_error_ns.
 * If the shortest was so long that what is known from before is better even if the clocks drifted
 * apart at RG_CLOCKS_DRIFT since, and does not contradict it, that is kept, with an error that has
 * grown so.
 */
#define RG_CLOCKS_DRIFT 100e-6
void rg_common_clock_compare(struct rg_common_clock *clock, const struct rg_clock_trip *trips,
			     uint32_t n, double told_error_ns);

static inline uint64_t rg_common_clock_of(const struct rg_common_clock *clock, uint64_t own_ns)
{
	return own_ns + clock->ahead_ns;
}

/*
 * How far two of the n ranks' clocks may be apart, if each is wrong by up to errors_ns[n] against
 * the common one: the sum of the two largest.
 */
double rg_common_clocks_apart(const double *errors_ns, uint32_t n);

#endif
