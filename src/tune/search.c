/* SPDX-License-Identifier: BSD-3-Clause */
/* Phases: what a launch's outcome leads to. */
#include "config.h"

#include "search_impl.h"

#include "railgauge/base/mem.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define SEGMENTS_MAX 16 /* of one algorithm */

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
			if (p->choice)
				p->cells[p->choice].state = CELL_ACTIVE;
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
	uint32_t nplanned = search_plan(s);
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
