/* SPDX-License-Identifier: BSD-3-Clause */
/* The decision as others read it: points with their evidence, and ranges. */
#include "config.h"

#include "search_impl.h"

#include "railgauge/base/mem.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const struct rg_ratio none = {.ratio = 1, .lo = 1, .hi = 1};

/* A size in between that was not finished is left out. */
static bool is_shown(const struct point *p)
{
	return !p->boundary || p->decided;
}

static bool is_silent(const struct cell *cell)
{
	return cell->state == CELL_ACTIVE && cell->nshots == 0 && cell->nsilent > 0;
}

/* Is there anything to say about the candidate at this size? */
static bool has_evidence(const struct rg_search *s, const struct point *p, uint32_t c)
{
	const struct cell *cell = &p->cells[c];

	return c == 0 || cell->nshots > 0 || is_silent(cell) ||
	       (!p->boundary && (cell->state == CELL_REFUSED || s->candidates[c].excluded));
}

/* Time, and in how many launches, of confirm where there were such, else of the screening. */
static void sum_up(const struct point *p, uint32_t c, struct rg_evidence *e)
{
	const struct cell *cell = &p->cells[c];
	bool screen = cells_count(p, c, false) == 0;
	double sum = 0;

	for (uint32_t i = 0; i < cell->nshots; i++) {
		const struct shot *shot = &cell->shots[i];

		if (shot->screen != screen)
			continue;
		sum += log(shot->median_ns);
		e->launches++;
		e->samples += shot->n;
	}
	e->time_ns = e->launches ? exp(sum / e->launches) : 0;
	if (c > 0)
		e->gain = cells_ratio(p, 0, c, screen, RG_STATS_LEVEL);
	else if (e->launches)
		e->gain = none;
}

static void fill_evidence(const struct rg_search *s, const struct point *p, uint32_t c,
			  struct rg_evidence *e)
{
	*e = (struct rg_evidence){.choice = s->candidates[c].choice};
	sum_up(p, c, e);
	if (s->candidates[c].excluded) {
		e->fate = RG_FATE_EXCLUDED;
		snprintf(e->why, sizeof(e->why), "%s", s->candidates[c].why);
	} else if (p->cells[c].state == CELL_REFUSED) {
		e->fate = RG_FATE_REFUSED;
		snprintf(e->why, sizeof(e->why), "%s", p->cells[c].why);
	} else if (is_silent(&p->cells[c])) {
		e->fate = RG_FATE_REFUSED;
		snprintf(e->why, sizeof(e->why), "no repetition counted in %u launch%s",
			 p->cells[c].nsilent, p->cells[c].nsilent == 1 ? "" : "es");
	} else {
		e->fate = p->cells[c].state == CELL_BEATEN ? RG_FATE_BEATEN : RG_FATE_MEASURED;
	}
}

static int fill_point(const struct rg_search *s, const struct point *p,
		      struct rg_decision_point *out)
{
	*out = (struct rg_decision_point){.size_bytes = p->size_bytes,
					  .boundary = p->boundary,
					  .choice = s->candidates[p->choice].choice,
					  .gain = none};
	if (p->choice)
		out->gain = judge_gain(s, p, p->choice);
	out->evidence = rg_zalloc(s->ncandidates, sizeof(*out->evidence));
	if (!out->evidence)
		return RG_ERR_NO_MEMORY;
	for (uint32_t c = 0; c < s->ncandidates; c++) {
		if (has_evidence(s, p, c))
			fill_evidence(s, p, c, &out->evidence[out->nevidence++]);
	}
	return 0;
}

/* --- ranges --- */

/* Points first .. last of the search, all with one choice; those that count for the range. */
struct run {
	const struct rg_search *s;
	uint32_t first, last;
	bool boundaries; /* none of the sizes that were asked for is in it: those in between count
			  */
};

static bool counts(const struct run *run, uint32_t i)
{
	return cells_count_for(&run->s->points[i], run->boundaries);
}

/* At the level for as many candidates as the choice was made of anywhere in the range. */
static double level_of(const struct run *run)
{
	uint32_t compared = 0;

	for (uint32_t c = 1; c < run->s->ncandidates; c++) {
		bool any = false;

		for (uint32_t i = run->first; !any && i <= run->last; i++)
			any = counts(run, i) && cells_count(&run->s->points[i], c, false) > 0;
		compared += any;
	}
	return judge_level(run->s, run->boundaries, compared);
}

/* Over launches that all points of the range were in with the choice: each counts once. */
static struct rg_ratio common_gain(const struct run *run, uint32_t choice)
{
	double gains[RG_SEARCH_LAUNCHES_MAX];
	uint32_t n = cells_gains(run->s, run->first, run->last, run->boundaries, choice, gains);

	return rg_ratio_of_launches_at(level_of(run), gains, NULL, n);
}

/*
 * Where each size has its own choice each one's gain was judged for itself, some over more
 * launches than others: the means of their ratios and of their limits. The points are not
 * independent of each other, so this interval is rather too wide.
 */
static struct rg_ratio mean_gain(const struct run *run, uint32_t choice)
{
	struct rg_ratio mean = {.n = UINT32_MAX, .reached = true};
	uint32_t points = 0;

	for (uint32_t i = run->first; i <= run->last; i++) {
		struct rg_ratio gain = judge_gain(run->s, &run->s->points[i], choice);

		if (!counts(run, i) || !gain.n)
			continue;
		mean.ratio += log(gain.ratio);
		mean.lo += log(gain.lo);
		mean.hi += log(gain.hi);
		mean.n = gain.n < mean.n ? gain.n : mean.n;
		mean.reached = mean.reached && gain.reached;
		points++;
	}
	if (points == 0)
		return none;
	mean.ratio = exp(mean.ratio / points);
	mean.lo = exp(mean.lo / points);
	mean.hi = exp(mean.hi / points);
	return mean;
}

static struct rg_ratio range_gain(const struct run *run, uint32_t choice)
{
	if (!choice)
		return none;
	return run->s->config.one_range ? common_gain(run, choice) : mean_gain(run, choice);
}

/* How much slower than the choice a candidate is over the range; 0: not measured everywhere. */
static double slower_by(const struct run *run, uint32_t choice, uint32_t c)
{
	uint32_t points = 0;
	double sum = 0;

	for (uint32_t i = run->first; i <= run->last; i++) {
		const struct point *p = &run->s->points[i];
		struct rg_ratio r;

		if (!counts(run, i))
			continue;
		if (!cells_usable(run->s, p, c))
			return 0;
		r = cells_ratio(p, c, choice, false, RG_STATS_LEVEL);
		if (!r.n)
			r = cells_ratio(p, c, choice, true, RG_STATS_LEVEL);
		if (!r.n)
			return 0;
		sum += log(r.ratio);
		points++;
	}
	return points ? exp(sum / points) : 0;
}

static void find_runner_up(const struct run *run, uint32_t choice, struct rg_decision_range *out)
{
	for (uint32_t c = 0; c < run->s->ncandidates; c++) {
		double ratio = c == choice ? 0 : slower_by(run, choice, c);

		if (!(ratio > 0) || (out->has_runner_up && ratio >= out->runner_up_ratio))
			continue;
		out->has_runner_up = true;
		out->runner_up = run->s->candidates[c].choice;
		out->runner_up_ratio = ratio;
	}
}

/* The last point of the run of one choice that begins at first. */
static uint32_t end_of_run(const struct rg_search *s, uint32_t first)
{
	uint32_t last = first;

	for (uint32_t i = first + 1; i < s->npoints; i++) {
		const struct point *p = &s->points[i];

		if (!is_shown(p))
			continue;
		if (p->choice != s->points[first].choice)
			break;
		last = i;
	}
	return last;
}

static uint32_t next_shown(const struct rg_search *s, uint32_t from)
{
	while (from < s->npoints && !is_shown(&s->points[from]))
		from++;
	return from;
}

/* The next range, which begins behind the one before. */
static struct rg_decision_range *add_range(struct rg_decision *out, uint64_t to_bytes)
{
	struct rg_decision_range *range = &out->ranges[out->nranges];

	*range = (struct rg_decision_range){
		.from_bytes = out->nranges ? range[-1].to_bytes + 1 : 0,
		.to_bytes = to_bytes,
		.choice = {.algorithm = "default"},
		.gain = none,
	};
	out->nranges++;
	return range;
}

static void fill_range(const struct run *run, struct rg_decision_range *range)
{
	uint32_t choice = run->s->points[run->first].choice;

	range->choice = run->s->candidates[choice].choice;
	range->gain = range_gain(run, choice);
	for (uint32_t i = run->first; i <= run->last; i++)
		range->npoints += is_shown(&run->s->points[i]) && cells_alive(&run->s->points[i]);
	find_runner_up(run, choice, range);
}

/* A choice holds where it was measured; below the first size and above the last is the default's,
 * unless there must be one choice for all. */
static void fill_ranges(const struct rg_search *s, struct rg_decision *out)
{
	uint32_t first = next_shown(s, 0), last, next;

	if (!s->config.one_range && s->points[first].choice && s->points[first].size_bytes)
		add_range(out, s->points[first].size_bytes - 1);
	for (; first < s->npoints; first = next) {
		struct run run = {s, first, last = end_of_run(s, first), true};

		for (uint32_t i = first; i <= last; i++)
			run.boundaries = run.boundaries &&
					 (s->points[i].boundary || !cells_alive(&s->points[i]));
		next = next_shown(s, last + 1);
		fill_range(&run, add_range(out, next < s->npoints ? s->points[next].size_bytes - 1
								  : UINT64_MAX));
		if (next == s->npoints && !s->config.one_range && s->points[first].choice) {
			out->ranges[out->nranges - 1].to_bytes = s->points[last].size_bytes;
			add_range(out, UINT64_MAX);
		}
	}
	assert(out->nranges > 0); /* what was asked for is shown */
}

int rg_search_decide(const struct rg_search *s, struct rg_decision *out, struct rg_err *err)
{
	struct rg_decision made = {0};
	int rc = 0;

	made.points = rg_zalloc(s->npoints, sizeof(*made.points));
	made.ranges = rg_zalloc(s->npoints + 2, sizeof(*made.ranges));
	if (!made.points || !made.ranges)
		rc = RG_ERR_NO_MEMORY;
	for (uint32_t i = 0; !rc && i < s->npoints; i++) {
		if (is_shown(&s->points[i]))
			rc = fill_point(s, &s->points[i], &made.points[made.npoints++]);
	}
	if (rc) {
		rg_decision_release(&made);
		return rg_err_set(err, rc, "no memory for a decision");
	}
	fill_ranges(s, &made);
	out->npoints = made.npoints;
	out->points = made.points;
	out->nranges = made.nranges;
	out->ranges = made.ranges;
	snprintf(out->note, sizeof(out->note), "%s", s->note);
	return 0;
}
