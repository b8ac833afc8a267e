/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/measure/clocks.h"

void rg_common_clock_own(struct rg_common_clock *clock)
{
	*clock = (struct rg_common_clock){.known = true};
}

static uint64_t length(const struct rg_clock_trip *trip)
{
	return trip->heard_ns - trip->asked_ns;
}

static const struct rg_clock_trip *shortest(const struct rg_clock_trip *trips, uint32_t n)
{
	const struct rg_clock_trip *best = trips;

	for (uint32_t i = 1; i < n; i++)
		best = length(&trips[i]) < length(best) ? &trips[i] : best;
	return best;
}

/* |a - b|, where they are nearer to each other than half of all times. */
static double distance(uint64_t a, uint64_t b)
{
	uint64_t d = a - b;

	return (double)(d >> 63 ? -d : d);
}

void rg_common_clock_compare(struct rg_common_clock *c, const struct rg_clock_trip *trips,
			     uint32_t n, double told_error_ns)
{
	const struct rg_clock_trip *best = shortest(trips, n);
	uint64_t now = trips[n - 1].heard_ns;
	uint64_t ahead = best->told_ns - (best->asked_ns + length(best) / 2);
	/* 1: of a nanosecond. What drifts since the trip began is beyond what it tells. */
	double error = ((double)length(best) + 1) / 2 + told_error_ns +
		       RG_CLOCKS_DRIFT * (double)(now - best->asked_ns);
	double shift = distance(ahead, c->ahead_ns);
	double aged = c->error_ns + RG_CLOCKS_DRIFT * (double)(now - c->compared_ns);
	double past = c->known && c->error_ns > error + shift ? c->error_ns : error + shift;

	if (c->known && error > aged && shift <= error + aged) {
		c->error_ns = c->past_error_ns = aged;
		c->compared_ns = now;
		return;
	}
	*c = (struct rg_common_clock){
		.known = true,
		.ahead_ns = ahead,
		.error_ns = error,
		.past_error_ns = c->known ? past : error,
		.compared_ns = now,
	};
}

double rg_common_clocks_apart(const double *errors_ns, uint32_t n)
{
	double first = 0, second = 0;

	for (uint32_t r = 0; r < n; r++) {
		if (errors_ns[r] > first) {
			second = first;
			first = errors_ns[r];
		} else if (errors_ns[r] > second) {
			second = errors_ns[r];
		}
	}
	return first + second;
}
