/* SPDX-License-Identifier: BSD-3-Clause */
/* What was measured: candidates, sizes, and each candidate's launches at each size. */
#include "config.h"

#include "search_impl.h"

#include "railgauge/base/mem.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

void cells_text(char text[SEARCH_WHY_BYTES], const char *why)
{
	snprintf(text, SEARCH_WHY_BYTES, "%.*s", SEARCH_WHY_BYTES - 1,
		 why && why[0] ? why : "no reason was given");
}

uint32_t cells_candidate(const struct rg_search *s, const struct rg_choice *choice)
{
	for (uint32_t c = 0; c < s->ncandidates; c++) {
		const struct rg_choice *known = &s->candidates[c].choice;

		if (known->id == choice->id && known->segment_bytes == choice->segment_bytes)
			return c;
	}
	return UINT32_MAX;
}

int cells_add_candidate(struct rg_search *s, const struct rg_choice *choice, struct rg_err *err)
{
	if (s->ncandidates == RG_SEARCH_CANDIDATES_MAX)
		return rg_err_set(err, RG_ERR_LIMIT, "more than %d algorithms and segment sizes",
				  RG_SEARCH_CANDIDATES_MAX);
	s->candidates[s->ncandidates++].choice = *choice;
	return 0;
}

struct point *cells_point(const struct rg_search *s, uint64_t size_bytes)
{
	for (uint32_t i = 0; i < s->npoints; i++) {
		if (s->points[i].size_bytes == size_bytes)
			return &s->points[i];
	}
	return NULL;
}

int cells_add_point(struct rg_search *s, uint64_t size_bytes, struct point **out,
		    struct rg_err *err)
{
	struct cell *cells;
	uint32_t at = 0;

	if (s->npoints == s->points_room) {
		uint32_t room = s->points_room ? 2 * s->points_room : s->config.nsizes;
		struct point *more = rg_realloc(s->points, room * sizeof(*more));

		if (!more)
			return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for another size");
		s->points = more;
		s->points_room = room;
	}
	cells = rg_zalloc(RG_SEARCH_CANDIDATES_MAX, sizeof(*cells));
	if (!cells)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for another size");
	while (at < s->npoints && s->points[at].size_bytes < size_bytes)
		at++;
	memmove(&s->points[at + 1], &s->points[at], (s->npoints - at) * sizeof(*s->points));
	s->points[at] = (struct point){.size_bytes = size_bytes, .cells = cells};
	s->npoints++;
	*out = &s->points[at];
	return 0;
}

void cells_release(struct rg_search *s)
{
	for (uint32_t i = 0; i < s->npoints; i++) {
		for (uint32_t c = 0; c < RG_SEARCH_CANDIDATES_MAX; c++)
			rg_free(s->points[i].cells[c].shots);
		rg_free(s->points[i].cells);
	}
	rg_free(s->points);
	rg_free(s->plan);
	rg_free(s->choices);
}

int cells_reserve(struct rg_search *s, struct rg_err *err)
{
	size_t nchoices = (size_t)s->npoints * (s->ncandidates ? s->ncandidates : 1);
	struct rg_search_point *plan = rg_realloc(s->plan, s->npoints * sizeof(*plan));
	struct rg_choice *choices;

	if (plan)
		s->plan = plan;
	choices = plan ? rg_realloc(s->choices, nchoices * sizeof(*choices)) : NULL;
	if (!choices)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for a launch's plan");
	s->choices = choices;
	return 0;
}

int cells_add_shot(struct cell *cell, const struct shot *shot, struct rg_err *err)
{
	if (cell->nshots == cell->room) {
		uint32_t room = cell->room ? 2 * cell->room : 8;
		struct shot *more = rg_realloc(cell->shots, room * sizeof(*more));

		if (!more)
			return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for a measurement");
		cell->shots = more;
		cell->room = room;
	}
	cell->shots[cell->nshots++] = *shot;
	return 0;
}

bool cells_usable(const struct rg_search *s, const struct point *p, uint32_t c)
{
	return !s->candidates[c].excluded && p->cells[c].state != CELL_REFUSED;
}

struct rg_ratio cells_ratio(const struct point *p, uint32_t a, uint32_t b, bool screen,
			    double level)
{
	const struct cell *x = &p->cells[a], *y = &p->cells[b];
	/* Two screenings, and what was to be confirmed, or a few launches of a boundary. */
	double of_a[RG_SEARCH_LAUNCHES_MAX + 2], of_b[RG_SEARCH_LAUNCHES_MAX + 2];
	uint32_t n = 0;

	for (uint32_t i = 0, k = 0; i < x->nshots && k < y->nshots;) {
		const struct shot *u = &x->shots[i], *v = &y->shots[k];

		if (u->launch == v->launch && u->screen == screen &&
		    n < sizeof(of_a) / sizeof(of_a[0])) {
			of_a[n] = u->median_ns;
			of_b[n++] = v->median_ns;
		}
		i += u->launch <= v->launch;
		k += v->launch <= u->launch;
	}
	return rg_ratio_of_launches_at(level, of_a, of_b, n);
}

uint32_t cells_count(const struct point *p, uint32_t c, bool screen)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < p->cells[c].nshots; i++)
		n += p->cells[c].shots[i].screen == screen;
	return n;
}

bool cells_alive(const struct point *p)
{
	return p->cells[0].nshots > 0 && p->cells[0].state != CELL_REFUSED;
}

bool cells_count_for(const struct point *p, bool boundary)
{
	return p->boundary == boundary && cells_alive(p) && (!boundary || p->decided);
}

/* The default's time over the candidate's in one launch, as a logarithm; false: it was not in it.
 */
static bool gain_in_launch(const struct point *p, uint32_t c, uint32_t launch, double *out)
{
	const struct shot *own = NULL, *usual = NULL;

	for (uint32_t i = 0; i < p->cells[c].nshots; i++) {
		if (p->cells[c].shots[i].launch == launch)
			own = &p->cells[c].shots[i];
	}
	for (uint32_t i = 0; i < p->cells[0].nshots; i++) {
		if (p->cells[0].shots[i].launch == launch)
			usual = &p->cells[0].shots[i];
	}
	if (!own || !usual || own->screen)
		return false;
	*out = log(usual->median_ns / own->median_ns);
	return true;
}

uint32_t cells_gains(const struct rg_search *s, uint32_t first, uint32_t last, bool boundary,
		     uint32_t c, double gains[RG_SEARCH_LAUNCHES_MAX])
{
	uint32_t n = 0;

	for (uint32_t launch = 1; launch <= s->nlaunches && n < RG_SEARCH_LAUNCHES_MAX; launch++) {
		uint32_t points = 0;
		double sum = 0, gain;
		bool all = true;

		for (uint32_t i = first; all && i <= last; i++) {
			if (!cells_count_for(&s->points[i], boundary))
				continue;
			all = gain_in_launch(&s->points[i], c, launch, &gain);
			sum += all ? gain : 0;
			points++;
		}
		if (all && points)
			gains[n++] = exp(sum / points);
	}
	return n;
}
