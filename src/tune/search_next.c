/* SPDX-License-Identifier: BSD-3-Clause */
/* Which launch comes next. */
#include "config.h"

#include "search_impl.h"

/* So often is a candidate screened, if no repetition of it counts. */
#define SCREENINGS_MAX 2

/* Has a candidate other than the default a part there, for its own sake? */
static bool is_asked_for(const struct rg_search *s, const struct point *p, uint32_t c)
{
	const struct cell *cell = &p->cells[c];

	if (!cells_usable(s, p, c))
		return false;
	switch (s->stage) {
	case STAGE_SCREEN:
		return !p->boundary && cell->state == CELL_ACTIVE && cell->nshots == 0 &&
		       cell->nsilent < SCREENINGS_MAX;
	case STAGE_CONFIRM:
		return !p->boundary && (cell->state == CELL_ACTIVE || s->config.exhaustive) &&
		       (s->nconfirm < s->config.launches ||
			(cell->again && s->nconfirm < judge_looks_launches(s)));
	case STAGE_BOUNDARY:
		return boundary_is_open(p) && (c == p->first || c == p->second);
	case STAGE_LIST:
	case STAGE_END:
		break;
	}
	return false;
}

bool search_wants(const struct rg_search *s, const struct point *p, uint32_t c)
{
	bool any = false;

	if (!cells_usable(s, p, 0))
		return false;
	if (c > 0)
		return is_asked_for(s, p, c);
	for (uint32_t other = 1; !any && other < s->ncandidates; other++)
		any = is_asked_for(s, p, other);
	return any;
}

bool search_wants_any(const struct rg_search *s, uint32_t c)
{
	for (uint32_t i = 0; i < s->npoints; i++) {
		if (search_wants(s, &s->points[i], c))
			return true;
	}
	return false;
}

static uint32_t launches_left(const struct rg_search *s)
{
	uint32_t boundaries = boundary_left(s);
	uint32_t look =
		s->nconfirm < s->config.launches ? s->config.launches : judge_looks_launches(s);
	uint32_t confirm = look - s->nconfirm, apart = 0;

	for (uint32_t c = s->suspect; s->apart && c < s->ncandidates; c++)
		apart += search_wants_any(s, c);
	switch (s->stage) {
	case STAGE_LIST:
		return 1 + confirm + boundaries;
	case STAGE_SCREEN:
		return apart + confirm + boundaries;
	case STAGE_CONFIRM:
		return apart + confirm - 1 + boundaries;
	case STAGE_BOUNDARY:
		return apart + boundaries;
	case STAGE_END:
		break;
	}
	return 0;
}

uint32_t search_plan(struct rg_search *s)
{
	struct rg_choice *choice = s->choices;
	uint32_t n = 0;

	for (uint32_t i = 0; i < s->npoints; i++) {
		struct rg_search_point at = {.size_bytes = s->points[i].size_bytes,
					     .choices = choice};

		for (uint32_t c = 0; c < s->ncandidates; c++) {
			if (!search_wants(s, &s->points[i], c) || (s->apart && c != s->suspect))
				continue;
			*choice++ = s->candidates[c].choice;
			at.nchoices++;
		}
		if (at.nchoices > 0 || s->stage == STAGE_LIST)
			s->plan[n++] = at;
	}
	return n;
}

#define SCREEN_SHARE   0.10
#define CONFIRM_SHARE  0.15
#define BOUNDARY_SHARE 0.06

static double share_of(const struct rg_search *s, const struct rg_search_launch *l)
{
	uint32_t all = 0, here = 0;
	double share = 1;

	for (uint32_t c = 0; c < s->ncandidates; c++)
		all += !s->candidates[c].excluded;
	for (uint32_t i = 0; i < l->npoints; i++)
		here += l->points[i].nchoices;
	if (!l->list_all && here < all * l->npoints)
		share = (double)here / (all * l->npoints);
	if (s->config.exhaustive)
		return share;
	if (l->race)
		return share * SCREEN_SHARE;
	return share * (l->phase == RG_SEARCH_BOUNDARY ? BOUNDARY_SHARE : CONFIRM_SHARE);
}

bool rg_search_next(struct rg_search *s, struct rg_search_launch *out)
{
	static const enum rg_search_phase phases[] = {
		[STAGE_LIST] = RG_SEARCH_SCREEN,
		[STAGE_SCREEN] = RG_SEARCH_SCREEN,
		[STAGE_CONFIRM] = RG_SEARCH_CONFIRM,
		[STAGE_BOUNDARY] = RG_SEARCH_BOUNDARY,
	};

	if (s->stage == STAGE_END)
		return false;
	*out = (struct rg_search_launch){
		.phase = s->apart ? RG_SEARCH_ISOLATE : phases[s->stage],
		.list_all = s->stage == STAGE_LIST,
		.race = !s->apart && !s->config.exhaustive && phases[s->stage] == RG_SEARCH_SCREEN,
		.once = s->apart && s->nfailed < 2,
		.npoints = search_plan(s),
		.points = s->plan,
		.left = launches_left(s),
	};
	out->share = share_of(s, out);
	return true;
}
