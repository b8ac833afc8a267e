/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/measure/series.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/mem.h"
#include "railgauge/measure/stats.h"

#include <math.h>
#include <string.h>

int rg_series_open(struct rg_series *s, size_t room, struct rg_err *err)
{
	*s = (struct rg_series){.room = room};
	s->kept = rg_alloc(room * sizeof(*s->kept));
	s->scratch = rg_alloc(room * sizeof(*s->scratch));
	if (!s->kept || !s->scratch) {
		rg_series_close(s);
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for %zu durations", room);
	}
	/* No page is entered for the first time while something is timed. */
	for (size_t i = 0; i < room; i++)
		s->kept[i] = s->scratch[i] = -1;
	rg_series_reset(s);
	return 0;
}

void rg_series_close(struct rg_series *s)
{
	rg_free(s->kept);
	rg_free(s->scratch);
	*s = (struct rg_series){0};
}

void rg_series_reset(struct rg_series *s)
{
	s->n = 0;
	s->count = 0;
	s->stride = 1;
	s->due = 0;
	s->sum = s->squares = 0;
}

void rg_series_thin(struct rg_series *s)
{
	for (size_t i = 0; 2 * i < s->n; i++)
		s->kept[i] = s->kept[2 * i];
	s->n = (s->n + 1) / 2;
	s->stride *= 2;
	/* The last one of an even number went; the next is a stride behind the one before it. */
	s->due = s->stride / 2 - 1;
}

void rg_series_blocks_over(struct rg_series_blocks *b, uint64_t over)
{
	uint64_t now = rg_clock_ns();
	bool thinned = false;

	for (uint64_t i = 0; i < over; i++)
		thinned |= rg_series_add(b->series, (now - b->before_ns) / over);
	b->before_ns = thinned ? rg_clock_ns() : now;
	b->recorded += over;
}

/* The smallest of sorted[n] that a share of them, per mille, does not exceed. */
static double percentile(const double *sorted, size_t n, size_t per_mille)
{
	size_t beyond = n * (1000 - per_mille) / 1000;

	return sorted[n - beyond - 1];
}

void rg_series_distribution(const struct rg_series *s, double scale, struct rg_distribution *out)
{
	double n = (double)s->count, variance = 0;
	struct rg_stats stats;

	*out = (struct rg_distribution){.n = s->count, .kept = s->n};
	if (!s->count)
		return;
	rg_stats_of(s->kept, s->n, s->scratch, &stats);
	if (s->count > 1)
		variance = fmax(0, (s->squares - s->sum * s->sum / n) / (n - 1));
	out->median = scale * stats.median;
	out->lo = scale * stats.lo;
	out->hi = scale * stats.hi;
	out->mean = scale * ((double)s->first + s->sum / n);
	out->stdev = scale * sqrt(variance);
	out->min = scale * (double)s->min;
	out->max = scale * (double)s->max;
	out->p90 = scale * percentile(s->scratch, s->n, 900);
	out->p99 = scale * percentile(s->scratch, s->n, 990);
	out->p999 = scale * percentile(s->scratch, s->n, 999);
}
