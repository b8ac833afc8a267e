/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A series: durations as they are measured one after the other, however many come, and what they
 * say about their distribution.
 *
 *   rg_series_open -> rg_series_add, in the timed path -> rg_series_distribution -> rg_series_close
 *
 * Number, mean, standard deviation, least and greatest are those of all durations. For the rest up
 * to `room` of them are kept in the order of time: while they fit all of them, later every second,
 * fourth ... one, evenly over the whole time. So percentiles are right in a run by number and in
 * one by time alike; with a room of 2^18 at least 131 of those kept are above the 99.9th.
 *
 * One thread per object. Adding neither allocates nor makes a system call; all memory is touched by
 * open.
 */
#ifndef RAILGAUGE_MEASURE_SERIES_H
#define RAILGAUGE_MEASURE_SERIES_H

#include "railgauge/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RG_SERIES_ROOM ((size_t)1 << 18)

/* Contents are private. */
struct rg_series {
	double *kept;	 /* owned, [room], in the order of time */
	double *scratch; /* owned, [room] */
	size_t room, n;	 /* n are kept */
	uint64_t count;	 /* of all */
	uint64_t stride; /* one of so many is kept */
	uint64_t due;	 /* further ones until the next that is kept */
	uint64_t min, max, first;
	double sum, squares; /* of what all differ from the first by */
};

/* room is even, at least 2. RG_ERR_NO_MEMORY. */
int rg_series_open(struct rg_series *series, size_t room, struct rg_err *err);
void rg_series_close(struct rg_series *series); /* a zeroed struct is allowed */
void rg_series_reset(struct rg_series *series); /* no durations */

/* Every second one of those kept goes. Takes a while. */
void rg_series_thin(struct rg_series *series);

/* True where it took so long that a clock that runs on is to be read anew. */
static inline bool rg_series_add(struct rg_series *s, uint64_t ns)
{
	double d;

	if (!s->count)
		s->first = s->min = s->max = ns;
	d = (double)ns - (double)s->first;
	s->sum += d;
	s->squares += d * d;
	s->min = ns < s->min ? ns : s->min;
	s->max = ns > s->max ? ns : s->max;
	s->count++;
	if (s->due--)
		return false;
	s->due = s->stride - 1;
	s->kept[s->n++] = (double)ns;
	if (s->n < s->room)
		return false;
	rg_series_thin(s);
	return true;
}

/* Durations of blocks of a count that grows. All but `done` is kept here. */
struct rg_series_blocks {
	struct rg_series *series; /* borrowed; NULL: nothing is recorded */
	uint64_t block;		  /* at least 1 */
	uint64_t recorded;	  /* blocks that are over; begins with 0 */
	uint64_t before_ns;	  /* when the last of them was: begins with the time */
};

/* The count is `done` by now: blocks that are over since the last call share what they took. */
void rg_series_blocks_over(struct rg_series_blocks *blocks, uint64_t over);
static inline void rg_series_blocks_add(struct rg_series_blocks *b, uint64_t done)
{
	if (b->series && done - b->recorded * b->block >= b->block)
		rg_series_blocks_over(b, done / b->block - b->recorded);
}

/* All 0 if there are no durations. */
struct rg_distribution {
	uint64_t n;    /* durations */
	uint64_t kept; /* of these, those that median, interval and percentiles are of */
	double median; /* with its 95 % interval, as measure/stats.h has it */
	double lo, hi;
	double mean;
	double stdev; /* of the sample, n - 1; 0 of one */
	double min, max;
	double p90, p99, p999; /* the smallest that so many do not exceed */
};

/* In ns times scale (above 0). Changes nothing but scratch memory. */
void rg_series_distribution(const struct rg_series *series, double scale,
			    struct rg_distribution *out);

#endif
