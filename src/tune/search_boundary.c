/* SPDX-License-Identifier: BSD-3-Clause */
/* Sizes in between: where does one choice end, and the next one begin? */
#include "config.h"

#include "search_impl.h"

#include <math.h>

/* A difference that one launch alone can tell. */
#define CLEAR 1.10

/* What more launches would not tell need not be told. */
#define LAUNCHES_MAX 3

/* The size in the middle, as it can be measured; 0: there is none. */
static uint64_t middle(const struct rg_search *s, uint64_t lo, uint64_t hi)
{
	uint64_t unit = s->config.unit_bytes;
	uint64_t mid = (uint64_t)(sqrt((double)lo) * sqrt((double)hi) / (double)unit + 0.5) * unit;

	return lo && mid > lo && mid < hi ? mid : 0;
}

/* The last point below `below` that was measured; false: none. */
static bool alive_below(const struct rg_search *s, uint32_t below, uint32_t *out)
{
	while (below-- > 0) {
		if (cells_alive(&s->points[below])) {
			*out = below;
			return true;
		}
	}
	return false;
}

/* The size between two neighbours that still has to be looked at; 0: none. */
static uint64_t between(const struct rg_search *s, const struct point *a, const struct point *b)
{
	if (a->choice == b->choice ||
	    (double)b->size_bytes <= (double)a->size_bytes * s->config.resolution)
		return 0;
	return middle(s, a->size_bytes, b->size_bytes);
}

int boundary_add(struct rg_search *s, struct rg_err *err)
{
	uint32_t hi, lo;

	s->boundaries = true;
	/* From the largest down: a new point moves none of those that are still to be looked at. */
	for (bool more = alive_below(s, s->npoints, &hi); more && alive_below(s, hi, &lo);
	     hi = lo) {
		uint64_t size_bytes = between(s, &s->points[lo], &s->points[hi]);
		uint32_t first = s->points[lo].choice, second = s->points[hi].choice;
		struct point *p;
		int rc;

		if (!size_bytes || cells_point(s, size_bytes))
			continue;
		rc = cells_add_point(s, size_bytes, &p, err);
		if (rc)
			return rc;
		p->boundary = true;
		p->first = first;
		p->second = second;
	}
	return cells_reserve(s, err);
}

static bool is_apart(const struct shot *a, const struct shot *b)
{
	return a->lo_ns > b->hi_ns || b->lo_ns > a->hi_ns;
}

/* Is it known by now which of the two is faster, or that it does not matter? */
static bool is_known(const struct rg_search *s, const struct point *p, const struct rg_ratio *r)
{
	uint32_t most = s->config.launches < LAUNCHES_MAX ? s->config.launches : LAUNCHES_MAX;

	if (s->config.exhaustive)
		return r->n >= s->config.launches;
	if (r->n == 0 || r->n >= most)
		return r->n > 0;
	if (r->n == 1)
		return (r->ratio > CLEAR || r->ratio < 1 / CLEAR) &&
		       is_apart(&p->cells[p->first].shots[0], &p->cells[p->second].shots[0]);
	return r->lo > RG_DECISION_FLOOR || r->hi < 1 / RG_DECISION_FLOOR ||
	       (r->lo > 1 / RG_DECISION_FLOOR && r->hi < RG_DECISION_FLOOR);
}

/* The faster of the two; where they are level the default, if it is one of them. */
static void choose(struct point *p, const struct rg_ratio *r)
{
	p->decided = true;
	if (r->ratio < RG_DECISION_FLOOR && r->ratio > 1 / RG_DECISION_FLOOR)
		p->choice = p->first && p->second ? p->first : 0;
	else
		p->choice = r->ratio < 1 ? p->first : p->second;
}

static void judge_point(const struct rg_search *s, struct point *p)
{
	bool first = cells_usable(s, p, p->first), second = cells_usable(s, p, p->second);
	struct rg_ratio r = cells_ratio(p, p->first, p->second, false, RG_STATS_LEVEL), usual;

	if (!cells_usable(s, p, 0) || (!first && !second)) {
		p->decided = true;
		return;
	}
	if (!first || !second) {
		p->decided = true;
		p->choice = first ? p->first : p->second;
		return;
	}
	if (!is_known(s, p, &r))
		return;
	choose(p, &r);
	/* The library may do something else here than at either end. */
	usual = cells_ratio(p, 0, p->choice, false, RG_STATS_LEVEL);
	if (p->choice && usual.reached && usual.hi < 1)
		p->choice = 0;
}

void boundary_judge(struct rg_search *s)
{
	for (uint32_t i = 0; i < s->npoints; i++) {
		if (s->points[i].boundary && !s->points[i].decided)
			judge_point(s, &s->points[i]);
	}
}

uint32_t boundary_left(const struct rg_search *s)
{
	double widest = 1;
	uint32_t hi, lo;
	bool open = false;

	for (bool more = alive_below(s, s->npoints, &hi); more && alive_below(s, hi, &lo);
	     hi = lo) {
		const struct point *a = &s->points[lo], *b = &s->points[hi];

		/* Before choices are known each pair of neighbours may turn out to be one. */
		if ((!s->boundaries || between(s, a, b)) && a->size_bytes)
			widest = fmax(widest, (double)b->size_bytes / (double)a->size_bytes);
	}
	for (uint32_t i = 0; i < s->npoints; i++)
		open |= s->points[i].boundary && !s->points[i].decided;
	if (widest <= s->config.resolution)
		return open ? 1 : 0;
	return 2 * (uint32_t)ceil(log2(log(widest) / log(s->config.resolution)));
}
