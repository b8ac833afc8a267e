/* SPDX-License-Identifier: BSD-3-Clause */
/* Phases: which launch comes next, and what its outcome leads to. */
#include "config.h"

#include "search_impl.h"

#include "railgauge/base/mem.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define SEGMENTS_MAX 16 /* of one algorithm */

/* So often is a candidate screened, if no repetition of it counts. */
#define SCREENINGS_MAX 2

static int check(const struct rg_search_config *c, struct rg_err *err)
{
	bool ascending = c->nsizes > 0 && c->unit_bytes > 0;

	for (uint32_t i = 1; i < c->nsizes; i++)
		ascending = ascending && c->sizes[i] > c->sizes[i - 1];
	if (!ascending)
		return rg_err_set(err, RG_ERR_INVALID, "sizes that do not ascend");
	if (c->launches < 2 || c->launches > RG_SEARCH_LAUNCHES_MAX)
		return rg_err_set(err, RG_ERR_INVALID, "%u launches: expected 2 to %d", c->launches,
				  RG_SEARCH_LAUNCHES_MAX);
	if (!(c->resolution > 1))
		return rg_err_set(err, RG_ERR_INVALID, "a resolution of %g: expected more than 1",
				  c->resolution);
	return 0;
}

int rg_search_open(const struct rg_search_config *config, struct rg_search **out,
		   struct rg_err *err)
{
	static const struct rg_choice usual = {.algorithm = "default"};
	struct rg_search *s;
	struct point *p;
	int rc = check(config, err);

	if (rc)
		return rc;
	s = rg_zalloc(1, sizeof(*s));
	if (!s)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for a search");
	s->config = *config;
	s->config.exhaustive = config->exhaustive || config->one_range;
	rc = cells_add_candidate(s, &usual, err);
	for (uint32_t i = 0; !rc && i < config->nsizes; i++)
		rc = cells_add_point(s, config->sizes[i], &p, err);
	if (!rc)
		rc = cells_reserve(s, err);
	if (rc)
		rg_search_close(s);
	else
		*out = s;
	return rc;
}

void rg_search_close(struct rg_search *search)
{
	if (!search)
		return;
	cells_release(search);
	rg_free(search);
}

/* --- which launch comes next --- */

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

/* Fills the plan with who has a part in the stage's launch, or with the suspect's part of it. */
static uint32_t fill_plan(struct rg_search *s)
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

#define SCREEN_SHARE   0.15
#define CONFIRM_SHARE  0.25
#define BOUNDARY_SHARE 0.125

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
		.npoints = fill_plan(s),
		.points = s->plan,
		.left = launches_left(s),
	};
	out->share = share_of(s, out);
	return true;
}

/* --- what comes of it --- */

void search_exclude(struct rg_search *s, uint32_t c, const char *why)
{
	if (s->candidates[c].excluded)
		return;
	s->candidates[c].excluded = true;
	cells_text(s->candidates[c].why, why);
	for (uint32_t i = 0; i < s->npoints; i++) {
		struct point *p = &s->points[i];

		if (p->boundary && (p->choice == c || p->first == c || p->second == c)) {
			p->decided = false;
			p->dropped = true;
			p->choice = 0;
		} else if (p->choice == c) {
			p->choice = s->stage == STAGE_BOUNDARY ? judge_best(s, p) : 0;
		}
	}
}

void search_refuse(struct point *p, uint32_t c, const char *why)
{
	p->cells[c].state = CELL_REFUSED;
	cells_text(p->cells[c].why, why);
}

static int take_sample(struct rg_search *s, const struct rg_search_sample *sample,
		       struct rg_err *err)
{
	struct point *p = cells_point(s, sample->size_bytes);
	uint32_t c = cells_candidate(s, &sample->choice);
	const struct shot shot = {.launch = s->nlaunches,
				  .screen = s->stage <= STAGE_SCREEN,
				  .median_ns = sample->median_ns,
				  .lo_ns = sample->lo_ns,
				  .hi_ns = sample->hi_ns,
				  .n = sample->n};

	if (!p || c == UINT32_MAX)
		return 0; /* nobody asked for it */
	if (sample->wrong && c == 0)
		return rg_err_set(err, RG_ERR_UNSUPPORTED,
				  "the library's own choice gives wrong data%s%s",
				  sample->why ? ": " : "", sample->why ? sample->why : "");
	if (sample->wrong) {
		search_exclude(s, c, sample->why ? sample->why : "wrong data");
		return 0;
	}
	if (sample->refused) {
		search_refuse(p, c, sample->why);
		return 0;
	}
	if (s->apart)
		return 0; /* without the default beside it a time tells nothing */
	if (!sample->n || !(sample->median_ns > 0)) {
		p->cells[c].nsilent++; /* a busy machine's: the next launch may say more */
		return 0;
	}
	if (sample->left && c > 0)
		p->cells[c].state = CELL_BEATEN;
	return cells_add_shot(&p->cells[c], &shot, err);
}

static bool has_sample(const struct rg_search_outcome *outcome, uint64_t size_bytes,
		       const struct rg_choice *choice)
{
	for (uint32_t i = 0; i < outcome->nsamples; i++) {
		const struct rg_search_sample *sample = &outcome->samples[i];

		if (sample->size_bytes == size_bytes && sample->choice.id == choice->id &&
		    sample->choice.segment_bytes == choice->segment_bytes)
			return true;
	}
	return false;
}

/* What was asked for and is not there: refused. The plan is that of the launch that was made. */
static void take_missing(struct rg_search *s, const struct rg_search_outcome *outcome,
			 uint32_t nplanned)
{
	for (uint32_t i = 0; i < nplanned; i++) {
		const struct rg_search_point *at = &s->plan[i];

		if (!s->apart)
			cells_point(s, at->size_bytes)->nlaunches++;
		for (uint32_t k = 0; k < at->nchoices; k++) {
			if (!has_sample(outcome, at->size_bytes, &at->choices[k]))
				search_refuse(cells_point(s, at->size_bytes),
					      cells_candidate(s, &at->choices[k]),
					      "the launch says nothing about it");
		}
	}
}

static int take_samples(struct rg_search *s, const struct rg_search_outcome *outcome,
			struct rg_err *err)
{
	uint32_t nplanned = fill_plan(s);
	int rc = 0;

	for (uint32_t i = 0; !rc && i < outcome->nsamples; i++)
		rc = take_sample(s, &outcome->samples[i], err);
	if (!rc)
		take_missing(s, outcome, nplanned);
	return rc;
}

/* Adds what algorithm c is to be tried with, too. */
static int add_segments(struct rg_search *s, uint32_t c, struct rg_err *err)
{
	struct rg_choice choice = s->candidates[c].choice;
	uint64_t sizes[SEGMENTS_MAX];
	uint32_t n = s->config.segments(s->config.arg, &choice, sizes, SEGMENTS_MAX);
	int rc = 0;

	assert(n <= SEGMENTS_MAX);
	for (uint32_t i = 0; !rc && i < n; i++) {
		choice.segment_bytes = sizes[i];
		if (cells_candidate(s, &choice) == UINT32_MAX)
			rc = cells_add_candidate(s, &choice, err);
	}
	return rc;
}

/* A segment that is as long as the message is none. */
static void refuse_long_segments(struct rg_search *s)
{
	for (uint32_t i = 0; i < s->npoints; i++) {
		for (uint32_t c = 1; c < s->ncandidates; c++) {
			uint64_t segment_bytes = s->candidates[c].choice.segment_bytes;

			if (segment_bytes && segment_bytes >= s->points[i].size_bytes)
				search_refuse(&s->points[i], c, "the message is no longer");
		}
	}
}

/* Algorithms are known: with the segment sizes they are all that there is to choose from. */
static int complete_candidates(struct rg_search *s, struct rg_err *err)
{
	uint32_t nalgorithms = s->ncandidates;
	int rc = 0;

	s->complete = true;
	for (uint32_t c = 1; !rc && s->config.segments && c < nalgorithms; c++)
		rc = s->candidates[c].excluded ? 0 : add_segments(s, c, err);
	if (rc)
		return rc;
	refuse_long_segments(s);
	return cells_reserve(s, err);
}

static int take_list(struct rg_search *s, const struct rg_search_outcome *outcome,
		     struct rg_err *err)
{
	int rc = 0;

	for (uint32_t i = 0; !rc && i < outcome->nsamples; i++) {
		if (cells_candidate(s, &outcome->samples[i].choice) == UINT32_MAX)
			rc = cells_add_candidate(s, &outcome->samples[i].choice, err);
	}
	if (!rc)
		rc = take_samples(s, outcome, err);
	if (rc)
		return rc;
	for (uint32_t i = 0; i < s->npoints; i++) {
		const struct rg_choice *usual = &s->candidates[0].choice;

		if (!has_sample(outcome, s->points[i].size_bytes, usual))
			search_refuse(&s->points[i], 0, "the launch says nothing about it");
	}
	s->stage = STAGE_SCREEN;
	return cells_reserve(s, err);
}

static int list_failed(struct rg_search *s, const struct rg_search_outcome *outcome,
		       struct rg_err *err)
{
	struct rg_choice known[RG_SEARCH_CANDIDATES_MAX - 1];
	uint32_t n = 0;
	int rc = 0;

	if (s->config.known && !outcome->refused)
		n = s->config.known(s->config.arg, known, RG_SEARCH_CANDIDATES_MAX - 1);
	if (n == 0)
		return rg_err_set(err, RG_ERR_UNSUPPORTED, "its algorithms cannot be listed: %s",
				  outcome->why ? outcome->why : "the launch failed");
	for (uint32_t i = 0; !rc && i < n; i++)
		rc = cells_add_candidate(s, &known[i], err);
	if (!rc)
		rc = cells_reserve(s, err);
	if (rc)
		return rc;
	s->stage = STAGE_SCREEN;
	apart_begin(s, outcome->why);
	return 0;
}

/* The present stage has nothing to be launched: on to the next step. */
static int step(struct rg_search *s, struct rg_err *err)
{
	int rc = 0;

	switch (s->stage) {
	case STAGE_SCREEN:
		if (!s->complete)
			return complete_candidates(s, err);
		judge_screen(s);
		s->stage = STAGE_CONFIRM;
		break;
	case STAGE_CONFIRM:
		judge_choices(s);
		s->stage = STAGE_BOUNDARY;
		break;
	case STAGE_BOUNDARY:
		rc = boundary_add(s, err);
		if (!rc && !search_wants_any(s, 0))
			s->stage = STAGE_END;
		break;
	case STAGE_LIST:
	case STAGE_END:
		assert(false);
	}
	return rc;
}

static int settle(struct rg_search *s, struct rg_err *err)
{
	int rc = 0;

	if (s->stage == STAGE_CONFIRM)
		judge_confirm(s);
	if (s->stage == STAGE_BOUNDARY) {
		boundary_judge(s);
		rc = boundary_add(s, err);
	}
	while (!rc && s->stage != STAGE_END && !search_wants_any(s, 0)) {
		rc = step(s, err);
		s->nfailed = 0;
	}
	return rc;
}

static int feed_stage(struct rg_search *s, const struct rg_search_outcome *outcome,
		      struct rg_err *err)
{
	int rc;

	if (outcome->failed && s->stage == STAGE_LIST)
		return list_failed(s, outcome, err);
	if (outcome->failed) {
		apart_begin(s, outcome->why);
		return 0;
	}
	s->nfailed = 0;
	rc = s->stage == STAGE_LIST ? take_list(s, outcome, err) : take_samples(s, outcome, err);
	if (rc)
		return rc;
	s->nconfirm += s->stage == STAGE_CONFIRM;
	return 0;
}

int rg_search_feed(struct rg_search *s, const struct rg_search_outcome *outcome, struct rg_err *err)
{
	int rc = 0;

	s->nlaunches++;
	if (s->apart) {
		if (!outcome->failed)
			rc = take_samples(s, outcome, err);
		if (!rc)
			rc = apart_feed(s, outcome, err);
	} else {
		rc = feed_stage(s, outcome, err);
	}
	if (!rc && !s->apart)
		rc = settle(s, err);
	return rc;
}

void rg_search_stop(struct rg_search *s, const char *why)
{
	if (s->stage == STAGE_END)
		return;
	if (s->stage <= STAGE_CONFIRM)
		judge_choices(s);
	snprintf(s->note, sizeof(s->note), "%s: %.*s",
		 s->stage == STAGE_BOUNDARY ? "boundaries are not as exact as asked for"
					    : "not wholly searched",
		 100, why);
	s->stage = STAGE_END;
	s->apart = false;
}
