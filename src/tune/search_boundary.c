/* SPDX-License-Identifier: BSD-3-Clause */
/* Sizes in between: where does one choice end, and the next one begin? */
#include "config.h"

#include "search_impl.h"

#include "railgauge/measure/sample.h"

#include <math.h>

/* A difference that one launch alone can tell: by more than launches differ. */
#define CLEAR RG_SAMPLE_RACE_MARGIN

/* To know the faster of two: what more launches would not tell need not be told. */
#define FASTER_MAX 3

/* To know that something is better than the default. */
#define LAUNCHES_MAX 5

/* Launches more than these, where repetitions of one of the two did not count. */
#define SILENT_MAX 2

/*
 * A launch costs its start, whatever it measures: so several sizes between two are looked at in
 * one, as long as that saves launches. Those that turn out not to matter are dropped.
 */
#define SECTIONS_MAX 4

/* Rounds until ends whose ratio is so large are less than the resolution apart. */
static uint32_t rounds(const struct rg_search *s, double ratio)
{
	double steps = log(ratio) / log(s->config.resolution);

	return steps > 1 ? (uint32_t)ceil(log(steps) / log(SECTIONS_MAX)) : 0;
}

/* Into so many sections, all alike: the fewest that need no more rounds than the most would. */
static uint32_t sections(const struct rg_search *s, double ratio)
{
	double steps = log(ratio) / log(s->config.resolution);
	uint32_t n = 2;

	while (n < SECTIONS_MAX && pow(n, rounds(s, ratio)) < steps)
		n++;
	return n;
}

bool boundary_is_open(const struct point *p)
{
	return p->boundary && !p->decided && !p->dropped;
}

/* The last point below `below` but those that were not measured yet; false: none. */
static bool of_use_below(const struct rg_search *s, uint32_t below, uint32_t *out)
{
	while (below-- > 0) {
		const struct point *p = &s->points[below];

		if (!p->dropped && (!boundary_is_open(p) || cells_alive(p))) {
			*out = below;
			return true;
		}
	}
	return false;
}

/* Is there still a boundary to be found between two neighbours? */
static bool is_between(const struct rg_search *s, const struct point *a, const struct point *b)
{
	return !boundary_is_open(a) && !boundary_is_open(b) && a->choice != b->choice &&
	       a->size_bytes &&
	       (double)b->size_bytes > (double)a->size_bytes * s->config.resolution;
}

/* A size between a first and a second choice, to be looked at. */
static int add_between(struct rg_search *s, uint64_t size_bytes, uint32_t first, uint32_t second,
		       struct rg_err *err)
{
	struct point *p = cells_point(s, size_bytes);

	if (!p) {
		int rc = cells_add_point(s, size_bytes, &p, err);

		if (rc)
			return rc;
		p->boundary = true;
	}
	if (p->dropped)
		p->nlaunches = 0;
	p->dropped = false;
	p->first = first;
	p->second = second;
	return 0;
}

/* Sizes between two neighbours, geometrically, in units; from the largest down. */
static int add_sections(struct rg_search *s, uint32_t lo, uint32_t hi, struct rg_err *err)
{
	uint64_t from = s->points[lo].size_bytes, to = s->points[hi].size_bytes, last = to;
	uint32_t first = s->points[lo].choice, second = s->points[hi].choice;
	double ratio = (double)to / (double)from, unit = (double)s->config.unit_bytes;
	uint32_t n = sections(s, ratio);
	int rc = 0;

	for (uint32_t i = n - 1; !rc && i > 0; i--) {
		double at = (double)from * pow(ratio, (double)i / n);
		uint64_t size_bytes = (uint64_t)(at / unit + 0.5) * s->config.unit_bytes;

		if (size_bytes <= from || size_bytes >= last)
			continue;
		rc = add_between(s, size_bytes, first, second, err);
		last = size_bytes;
	}
	return rc;
}

int boundary_add(struct rg_search *s, struct rg_err *err)
{
	uint32_t hi, lo;
	int rc = 0;

	s->boundaries = true;
	/* From the largest down: a new point moves none of those that are still to be looked at. */
	for (bool more = of_use_below(s, s->npoints, &hi); !rc && more && of_use_below(s, hi, &lo);
	     hi = lo) {
		if (is_between(s, &s->points[lo], &s->points[hi]))
			rc = add_sections(s, lo, hi, err);
	}
	return rc ? rc : cells_reserve(s, err);
}

/* In the only launch that both were in: do their intervals leave a gap, and do they differ? */
static bool is_clear(const struct point *p, uint32_t a, uint32_t b, const struct rg_ratio *r)
{
	const struct cell *x = &p->cells[a], *y = &p->cells[b];

	if (r->n != 1 || (r->ratio < CLEAR && r->ratio > 1 / CLEAR))
		return false;
	for (uint32_t i = 0, k = 0; i < x->nshots && k < y->nshots;) {
		const struct shot *u = &x->shots[i], *v = &y->shots[k];

		if (u->launch == v->launch)
			return u->lo_ns > v->hi_ns || v->lo_ns > u->hi_ns;
		i += u->launch < v->launch;
		k += v->launch < u->launch;
	}
	return false;
}

static uint32_t at_most(const struct rg_search *s, uint32_t launches)
{
	return s->config.exhaustive || s->config.launches < launches ? s->config.launches
								     : launches;
}

/*
 * The default or the candidate, which has to show that it is better. What does not look better
 * after as many launches as tell the faster of two is not looked at any longer: its range begins a
 * little later.
 */
static void judge_against_default(const struct rg_search *s, struct point *p, uint32_t c)
{
	struct rg_ratio gain = judge_gain(s, p, c);
	bool clear = is_clear(p, 0, c, &gain);
	bool good = gain.reached && gain.lo > 1 && gain.ratio >= RG_DECISION_FLOOR;

	if (gain.n >= at_most(s, LAUNCHES_MAX))
		p->decided = true;
	else if (s->config.exhaustive)
		return;
	else if (gain.n >= FASTER_MAX && gain.ratio < RG_DECISION_FLOOR)
		p->decided = true;
	else
		p->decided = clear || (gain.reached && (gain.lo > RG_DECISION_FLOOR ||
							gain.hi < RG_DECISION_FLOOR));
	if (p->decided && (good || (clear && gain.ratio > 1)))
		p->choice = c;
}

/* Is it known by now which of the two is faster, or that it does not matter? */
static bool is_known(const struct point *p, const struct rg_ratio *r)
{
	if (r->n < 2)
		return is_clear(p, p->first, p->second, r);
	return r->lo > RG_DECISION_FLOOR || r->hi < 1 / RG_DECISION_FLOOR ||
	       (r->lo > 1 / RG_DECISION_FLOOR && r->hi < RG_DECISION_FLOOR);
}

/*
 * The faster of two that are both better than the default at their own ends; but the library may do
 * something else here: where the choice does not look better than the default, one launch is not
 * enough.
 */
static void judge_two(const struct rg_search *s, struct point *p)
{
	struct rg_ratio r = cells_ratio(p, p->first, p->second, false, RG_STATS_LEVEL);
	bool level = r.ratio < RG_DECISION_FLOOR && r.ratio > 1 / RG_DECISION_FLOOR;
	uint32_t c = level || r.ratio < 1 ? p->first : p->second;
	double behind = cells_ratio(p, c, 0, false, RG_STATS_LEVEL).ratio;
	bool doubtful = behind > 1 / RG_DECISION_FLOOR;

	if (r.n == 0 || !cells_alive(p) ||
	    (r.n < at_most(s, FASTER_MAX) &&
	     (s->config.exhaustive || doubtful || !is_known(p, &r))))
		return;
	p->decided = true;
	p->choice = behind > RG_DECISION_FLOOR ? 0 : c;
}

static void judge_point(const struct rg_search *s, struct point *p)
{
	/* What is no candidate here leaves the place to the default. */
	uint32_t first = cells_usable(s, p, p->first) ? p->first : 0;
	uint32_t second = cells_usable(s, p, p->second) ? p->second : 0;

	if (!cells_usable(s, p, 0) || first == second)
		p->decided = true;
	else if (first && second)
		judge_two(s, p);
	else
		judge_against_default(s, p, first ? first : second);
	if (p->nlaunches >= at_most(s, LAUNCHES_MAX) + SILENT_MAX)
		p->decided = true;
}

/* The choice of the next point on that side that is not open. */
static uint32_t choice_beside(const struct rg_search *s, uint32_t i, int step)
{
	do
		i += (uint32_t)step;
	while (boundary_is_open(&s->points[i]) || s->points[i].dropped);
	return s->points[i].choice;
}

/* Does what was measured there say the opposite of that choice? */
static bool contradicts(const struct point *p, uint32_t choice)
{
	struct rg_ratio r = cells_ratio(p, p->first, p->second, false, RG_STATS_LEVEL);

	if (!r.n || (choice != p->first && choice != p->second))
		return false;
	return choice == p->first ? r.ratio > 1 : r.ratio < 1;
}

/* What lies between two of one choice, and agrees with them, is no boundary. */
static void drop(struct rg_search *s)
{
	/* The ends were asked for: there is always a point on both sides. */
	for (uint32_t i = 1; i + 1 < s->npoints; i++) {
		struct point *p = &s->points[i];
		uint32_t below, above;

		if (!boundary_is_open(p))
			continue;
		below = choice_beside(s, i, -1);
		above = choice_beside(s, i, 1);
		p->dropped = below == above && !contradicts(p, below);
	}
}

void boundary_judge(struct rg_search *s)
{
	for (uint32_t i = 0; i < s->npoints; i++) {
		if (boundary_is_open(&s->points[i]))
			judge_point(s, &s->points[i]);
	}
	if (!s->config.exhaustive)
		drop(s);
}

uint32_t boundary_left(const struct rg_search *s)
{
	uint32_t most = 0, hi, lo;
	bool open = false;

	for (bool more = of_use_below(s, s->npoints, &hi); more && of_use_below(s, hi, &lo);
	     hi = lo) {
		const struct point *a = &s->points[lo], *b = &s->points[hi];
		uint32_t n = a->size_bytes
				     ? rounds(s, (double)b->size_bytes / (double)a->size_bytes)
				     : 0;

		/* Before choices are known each pair of neighbours may turn out to be one. */
		if ((!s->boundaries || boundary_is_open(a) || boundary_is_open(b) ||
		     is_between(s, a, b)) &&
		    n > most)
			most = n;
	}
	for (uint32_t i = 0; i < s->npoints; i++)
		open |= boundary_is_open(&s->points[i]);
	return most ? most * at_most(s, LAUNCHES_MAX) : open;
}
