/* SPDX-License-Identifier: BSD-3-Clause */
/* Who leaves, and which choices sizes are given. */
#include "config.h"

#include "search_impl.h"

#include <math.h>
#include <string.h>

/* A gain that is worth a second look. */
#define WORTH_A_LOOK 1.05

/*
 * So much slower in the one launch of the screening that others would not tell otherwise: in a few
 * launches the ratio of two algorithms was 1.65 times what it was in all others of the machine
 * (results/2026-11-tune).
 */
#define TOLD_AT_ONCE 1.75

/* The screening of a candidate, relative to the default's of the same launch. */
struct relative {
	double ratio, lo, hi; /* of times: below 1 is faster; ratio 0: it was not measured */
};

static struct relative screened(const struct point *p, uint32_t c)
{
	const struct cell *own = &p->cells[c], *usual = &p->cells[0];

	for (uint32_t i = 0; i < own->nshots; i++) {
		const struct shot *u = &own->shots[i];

		for (uint32_t k = 0; u->screen && k < usual->nshots; k++) {
			const struct shot *v = &usual->shots[k];

			if (u->launch == v->launch)
				return (struct relative){u->median_ns / v->median_ns,
							 u->lo_ns / v->median_ns,
							 u->hi_ns / v->median_ns};
		}
	}
	return (struct relative){0};
}

static void judge_screened(struct rg_search *s, struct point *p)
{
	double best = HUGE_VAL, best_hi = HUGE_VAL;

	for (uint32_t c = 0; c < s->ncandidates; c++) {
		struct relative r = screened(p, c);

		if (!cells_usable(s, p, c) || !(r.ratio > 0) || r.ratio >= best)
			continue;
		best = r.ratio;
		best_hi = r.hi;
	}
	for (uint32_t c = 1; c < s->ncandidates; c++) {
		if (p->cells[c].state == CELL_ACTIVE && screened(p, c).lo > TOLD_AT_ONCE * best_hi)
			p->cells[c].state = CELL_BEATEN;
	}
}

void judge_screen(struct rg_search *s)
{
	for (uint32_t i = 0; !s->config.exhaustive && i < s->npoints; i++)
		judge_screened(s, &s->points[i]);
}

/* The fastest over the launches of confirm, the default among them. */
static uint32_t fastest(const struct rg_search *s, const struct point *p)
{
	double least = 1;
	uint32_t best = 0;

	for (uint32_t c = 1; c < s->ncandidates; c++) {
		struct rg_ratio r = cells_ratio(p, c, 0, false, RG_STATS_LEVEL);

		if (!cells_usable(s, p, c) || p->cells[c].state != CELL_ACTIVE || !r.n)
			continue;
		if (r.ratio < least) {
			least = r.ratio;
			best = c;
		}
	}
	return best;
}

static void judge_confirmed(const struct rg_search *s, struct point *p)
{
	uint32_t best = fastest(s, p);

	for (uint32_t c = 1; c < s->ncandidates; c++) {
		struct rg_ratio behind = cells_ratio(p, c, best, false, RG_STATS_LEVEL);
		struct rg_ratio gain = cells_ratio(p, 0, c, false, RG_STATS_LEVEL);

		if (p->cells[c].state != CELL_ACTIVE || !gain.reached)
			continue;
		if ((behind.reached && behind.lo > 1) || gain.hi < RG_DECISION_FLOOR)
			p->cells[c].state = CELL_BEATEN;
	}
}

/* Launches of the second look; 0: there is none. */
static uint32_t second_look(const struct rg_search *s)
{
	uint32_t room = RG_SEARCH_LAUNCHES_MAX - s->config.launches;

	if (s->config.exhaustive)
		return 0;
	return s->config.launches < room ? s->config.launches : room;
}

/*
 * Who looks better by so much that it is worth as many launches again; unless the one that looks
 * best is known to be better, or one that is as good is.
 */
static void look_again(const struct rg_search *s, struct point *p)
{
	double best = 0, known = 0;

	for (uint32_t c = 1; c < s->ncandidates; c++) {
		struct rg_ratio gain = judge_gain(s, p, c);

		if (!cells_usable(s, p, c) || p->cells[c].state != CELL_ACTIVE ||
		    gain.ratio < WORTH_A_LOOK)
			continue;
		p->cells[c].again = true;
		best = fmax(best, gain.ratio);
		if (gain.reached && gain.lo > 1)
			known = fmax(known, gain.ratio);
	}
	for (uint32_t c = 1; known * RG_DECISION_FLOOR > best && c < s->ncandidates; c++)
		p->cells[c].again = false;
}

void judge_confirm(struct rg_search *s)
{
	for (uint32_t i = 0; !s->config.exhaustive && i < s->npoints; i++) {
		judge_confirmed(s, &s->points[i]);
		if (s->nconfirm == s->config.launches)
			look_again(s, &s->points[i]);
	}
}

uint32_t judge_looks_launches(const struct rg_search *s)
{
	return s->config.launches + second_look(s);
}

double judge_level(const struct rg_search *s, bool boundary, uint32_t compared)
{
	/* In between the launches are looked at one by one, from the third to the fifth. */
	uint32_t looks = s->config.exhaustive ? 1 : boundary ? 3 : second_look(s) ? 2 : 1;

	return 1 - (1 - RG_STATS_LEVEL) / (looks * (compared ? compared : 1));
}

struct rg_ratio judge_gain(const struct rg_search *s, const struct point *p, uint32_t c)
{
	uint32_t compared = 0;

	for (uint32_t other = 1; other < s->ncandidates; other++)
		compared += cells_count(p, other, false) > 0;
	return cells_ratio(p, 0, c, false, judge_level(s, p->boundary, compared));
}

/*
 * Which candidates are as good as any at this size: the default alone, or all that beat it. Where
 * the default was not measured nothing did.
 */
static void find_good(const struct rg_search *s, const struct point *p,
		      bool good[RG_SEARCH_CANDIDATES_MAX])
{
	double best = 0;

	memset(good, 0, RG_SEARCH_CANDIDATES_MAX * sizeof(*good));
	for (uint32_t c = 1; c < s->ncandidates; c++) {
		struct rg_ratio gain = judge_gain(s, p, c);

		good[c] = cells_alive(p) && cells_usable(s, p, c) &&
			  p->cells[c].state == CELL_ACTIVE && gain.reached && gain.lo > 1 &&
			  gain.ratio >= RG_DECISION_FLOOR;
		if (good[c] && gain.ratio > best)
			best = gain.ratio;
	}
	good[0] = best == 0;
	for (uint32_t c = 1; c < s->ncandidates; c++)
		good[c] = good[c] && judge_gain(s, p, c).ratio * RG_DECISION_FLOOR > best;
}

uint32_t judge_best(const struct rg_search *s, const struct point *p)
{
	uint32_t best = 0;
	double most = 0;

	for (uint32_t c = 1; cells_alive(p) && c < s->ncandidates; c++) {
		struct rg_ratio gain = judge_gain(s, p, c);

		if (!cells_usable(s, p, c) || !gain.reached || gain.lo <= 1 ||
		    gain.ratio < RG_DECISION_FLOOR || gain.ratio <= most)
			continue;
		most = gain.ratio;
		best = c;
	}
	return best;
}

/* Of those that are good in all points from first to last, the one that gains most. */
static uint32_t best_of_run(const struct rg_search *s, uint32_t first, uint32_t last,
			    const bool good[RG_SEARCH_CANDIDATES_MAX])
{
	double most = 0;
	uint32_t best = 0;

	for (uint32_t c = 1; c < s->ncandidates; c++) {
		double gain = 0;

		if (!good[c])
			continue;
		for (uint32_t i = first; i <= last; i++)
			gain += log(judge_gain(s, &s->points[i], c).ratio);
		if (gain > most) {
			most = gain;
			best = c;
		}
	}
	return best;
}

/* Narrows good to those that are good here, too; false: there is none, and good is as before. */
static bool narrow(const struct rg_search *s, const struct point *p,
		   bool good[RG_SEARCH_CANDIDATES_MAX])
{
	bool here[RG_SEARCH_CANDIDATES_MAX], any = false;

	find_good(s, p, here);
	for (uint32_t c = 0; c < s->ncandidates; c++) {
		here[c] = here[c] && good[c];
		any |= here[c];
	}
	if (any)
		memcpy(good, here, sizeof(here));
	return any;
}

/* Is the candidate slower than the default at one of the sizes, or no candidate there? */
static bool spoils(const struct rg_search *s, uint32_t c)
{
	for (uint32_t i = 0; i < s->npoints; i++) {
		const struct point *p = &s->points[i];
		struct rg_ratio gain = cells_ratio(p, 0, c, false, RG_STATS_LEVEL);

		if (cells_alive(p) && (!cells_usable(s, p, c) || (gain.reached && gain.hi < 1)))
			return true;
	}
	return false;
}

/* The one choice for all sizes. */
static uint32_t one_choice(const struct rg_search *s)
{
	double level = judge_level(s, false, s->ncandidates - 1);
	double most = 0;
	uint32_t best = 0;

	for (uint32_t c = 1; c < s->ncandidates; c++) {
		double gains[RG_SEARCH_LAUNCHES_MAX];
		uint32_t n = cells_gains(s, 0, s->npoints - 1, false, c, gains);
		struct rg_ratio gain = rg_ratio_of_launches_at(level, gains, NULL, n);

		if (!gain.reached || gain.lo <= 1 || gain.ratio < RG_DECISION_FLOOR ||
		    gain.ratio <= most || spoils(s, c))
			continue;
		most = gain.ratio;
		best = c;
	}
	return best;
}

/* Runs of sizes as long as one candidate is good in all: no other way of cutting has fewer. */
void judge_choices(struct rg_search *s)
{
	if (s->config.one_range) {
		uint32_t choice = one_choice(s);

		for (uint32_t i = 0; i < s->npoints; i++)
			s->points[i].choice = choice;
		return;
	}
	for (uint32_t first = 0, end; first < s->npoints; first = end) {
		bool good[RG_SEARCH_CANDIDATES_MAX];
		uint32_t choice;

		memset(good, 1, sizeof(good));
		for (end = first; end < s->npoints && narrow(s, &s->points[end], good);)
			end++;
		choice = good[0] ? 0 : best_of_run(s, first, end - 1, good);
		for (uint32_t i = first; i < end; i++)
			s->points[i].choice = choice;
	}
}
