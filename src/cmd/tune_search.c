/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One function after the other: launches as the search wants them, within the time.
 *
 * Time is what launches took, those from the journal included, and nothing else: so a tuning that
 * goes on from its journal stops where it would have stopped without the interruption.
 */
#include "config.h"

#include "driver.h"
#include "tune.h"

#include "railgauge/base/log.h"
#include "railgauge/base/mem.h"
#include "railgauge/base/units.h"

#include <stdio.h>
#include <string.h>

#define RESOLUTION 1.1

/* Of one size in one launch, whatever is left of the time: for less it is not worth launching. */
#define POINT_MIN_NS ((uint64_t)30000000)

/* For guessing how long all takes: launches of a function that was not begun. */
#define LAUNCHES_GUESS 12

/* One function's search while it runs. */
struct work {
	struct tune *t;
	const struct rg_ompi_function *function;
	uint32_t index;
	struct rg_search *search;
	uint64_t sizes[TUNE_SIZES_MAX];
	uint32_t old;	   /* where its next entry from before may be */
	uint64_t ends_ns;  /* of t->used_ns: its share of the time */
	uint32_t launches; /* of its own */
	int failed;	   /* code: nothing can be found out */
	bool given_up; /* before there was a choice: launches fail, and nobody knows whose fault */
};

/* --- what the library has, as far as it is known here --- */

static uint32_t segments_of(void *arg, const struct rg_choice *choice, uint64_t *sizes,
			    uint32_t room)
{
	static const uint64_t tried[] = {8 << 10, 64 << 10, 512 << 10};
	const struct work *w = arg;
	const struct rg_ompi_algorithm *a = rg_ompi_algorithm_by_id(w->function, choice->id);
	uint32_t n = 0;

	while (a && a->segments && n < sizeof(tried) / sizeof(tried[0]) && n < room) {
		sizes[n] = tried[n];
		n++;
	}
	return n;
}

static uint32_t known_of(void *arg, struct rg_choice *choices, uint32_t room)
{
	const struct work *w = arg;
	uint32_t n = 0;

	for (const struct rg_ompi_algorithm *a = w->function->algorithms; a && a->name; a++) {
		if (!a->id || n == room || !rg_ompi_algorithm_in(a, &w->t->version) ||
		    (a->only_ranks && a->only_ranks != w->t->decisions->nranks))
			continue;
		choices[n] = (struct rg_choice){.id = a->id};
		snprintf(choices[n].algorithm, sizeof(choices[n].algorithm), "%s", a->name);
		n++;
	}
	return n;
}

/* --- launches --- */

/* The next entry of this function from before; NULL: none is left. */
static const json_t *old_entry(struct work *w)
{
	while (w->old < w->t->nold) {
		const json_t *entry = w->t->old[w->old++];
		const char *function = json_string_value(json_object_get(entry, "function"));

		if (function && !strcmp(function, w->function->mpi))
			return entry;
	}
	return NULL;
}

/*
 * The time for each point of a launch: what is left, over what is still to be made, but no more
 * than its share of --per-size.
 */
static uint64_t point_budget(const struct work *w, const struct rg_search_launch *launch)
{
	uint64_t left_ns = w->ends_ns > w->t->used_ns ? w->ends_ns - w->t->used_ns : 0;
	uint64_t each_ns = left_ns / (launch->left + 1), overhead_ns = w->t->overhead_ns;
	uint64_t point_ns = (each_ns > overhead_ns ? each_ns - overhead_ns : 0) / launch->npoints;
	uint64_t most_ns = (uint64_t)((double)w->t->options.per_size_ns * launch->share);

	if (point_ns > most_ns)
		point_ns = most_ns;
	if (point_ns < POINT_MIN_NS)
		point_ns = POINT_MIN_NS;
	return point_ns < w->t->options.per_size_ns ? point_ns : w->t->options.per_size_ns;
}

/* About how long so many launches take, as those until now did; not beyond the budget. */
static uint64_t guess_ns(const struct tune *t, uint64_t launches)
{
	uint64_t left_ns =
		t->options.budget_ns > t->used_ns ? t->options.budget_ns - t->used_ns : 1;
	uint64_t made = t->nlaunches + t->replayed;

	if (made && t->used_ns / made * launches < left_ns)
		return t->used_ns / made * launches;
	return left_ns;
}

static void show(const struct work *w, const struct rg_search_launch *launch)
{
	static const char *const words[] = {[RG_SEARCH_SCREEN] = "screening",
					    [RG_SEARCH_ISOLATE] = "finding out who fails",
					    [RG_SEARCH_CONFIRM] = "confirming",
					    [RG_SEARCH_BOUNDARY] = "finding boundaries"};
	struct tune *t = w->t;
	uint64_t later = (uint64_t)(t->nfunctions - w->index - 1) * LAUNCHES_GUESS;

	rg_progress_step(&t->progress, w->launches, w->launches + 1 + launch->left,
			 words[launch->phase], guess_ns(t, launch->left + 1 + later));
}

/* What a launch took beyond the time for its points is what the next one will take, too. */
static void learn_overhead(struct tune *t, uint64_t points_ns, uint64_t took_ns)
{
	uint64_t beyond_ns = took_ns > points_ns ? took_ns - points_ns : 0;

	t->overhead_ns = t->overhead_ns / 2 + beyond_ns / 2;
}

/* An outcome from before, or of a launch that is made now and kept. */
static int get_outcome(struct work *w, const struct rg_search_launch *launch,
		       struct tune_outcome *out, struct rg_err *err)
{
	const json_t *entry = old_entry(w);
	uint64_t budget_ns;
	int rc;

	if (entry) {
		w->t->replayed++;
		return tune_outcome_from_json(entry, out, err);
	}
	rc = driver_interrupted(err);
	if (rc)
		return rc;
	show(w, launch);
	budget_ns = point_budget(w, launch);
	rc = tune_launch(w->t, w->function, launch, budget_ns, out, err);
	if (rc)
		return rc;
	learn_overhead(w->t, budget_ns * launch->npoints, out->took_ns);
	rc = rg_journal_add(w->t->journal, tune_outcome_to_json(out, w->function->mpi), err);
	if (rc)
		tune_outcome_release(out);
	return rc;
}

/* Until the search has all that it wants, or time runs out. */
static int run(struct work *w, char *note, size_t room, struct rg_err *err)
{
	struct rg_search_launch launch;
	bool failed = false; /* the launch before, which was of all together */
	int rc = 0;

	while (!rc && rg_search_next(w->search, &launch)) {
		struct rg_err why = {0};
		struct tune_outcome outcome;
		bool refused;

		/* The list is always made: without it nothing is known about the function. */
		if (w->t->used_ns >= w->ends_ns && !launch.list_all) {
			rg_search_stop(w->search, "the time was up; the same command with a larger "
						  "--budget goes on");
			failed = false;
			break;
		}
		rc = get_outcome(w, &launch, &outcome, err);
		if (rc)
			break;
		w->t->used_ns += outcome.took_ns;
		w->launches++;
		refused = outcome.outcome.refused;
		failed = outcome.outcome.failed &&
			 (launch.phase == RG_SEARCH_SCREEN || launch.phase == RG_SEARCH_CONFIRM);
		rc = rg_search_feed(w->search, &outcome.outcome, &why);
		tune_outcome_release(&outcome);
		if (rc == RG_ERR_UNSUPPORTED || rc == RG_ERR_LIMIT) {
			snprintf(note, room, "%.*s", (int)room - 1, why.text);
			w->failed = rc == RG_ERR_LIMIT || refused ? rc : RG_ERR_PEER;
			return 0;
		}
		if (rc)
			rg_err_set(err, rc, "%s", why.text);
	}
	w->given_up = failed;
	return rc;
}

/* --- decisions --- */

/* All stays as it is. */
static int decide_nothing(struct rg_decision *d)
{
	d->ranges = rg_zalloc(1, sizeof(*d->ranges));
	if (!d->ranges)
		return RG_ERR_NO_MEMORY;
	d->nranges = 1;
	d->ranges[0] = (struct rg_decision_range){.to_bytes = UINT64_MAX,
						  .choice = {.algorithm = "default"},
						  .gain = {.ratio = 1, .lo = 1, .hi = 1}};
	return 0;
}

static bool has_choice(const struct rg_decision *d)
{
	for (uint32_t i = 0; i < d->nranges; i++) {
		if (d->ranges[i].choice.id)
			return true;
	}
	return false;
}

static int search_function(struct tune *t, uint32_t index, struct rg_decision *out, int *failed_out,
			   struct rg_err *err)
{
	const struct rg_ompi_function *function = t->functions[index];
	uint64_t left_ns =
		t->options.budget_ns > t->used_ns ? t->options.budget_ns - t->used_ns : 0;
	struct work w = {.t = t,
			 .function = function,
			 .index = index,
			 .ends_ns = t->used_ns + left_ns / (t->nfunctions - index)};
	struct rg_search_config config = {.sizes = w.sizes,
					  .launches = (uint32_t)t->options.launches,
					  .resolution = RESOLUTION,
					  .exhaustive = t->options.exhaustive,
					  .one_range = function->sizeless || function->one_rule,
					  .segments = segments_of,
					  .known = known_of,
					  .arg = &w};
	char stage[64];
	int rc = tune_sizes(t, function, w.sizes, &config.nsizes, &config.unit_bytes, err);

	*failed_out = 0;
	snprintf(stage, sizeof(stage), "%s (%u of %u) and what follows", function->mpi, index + 1,
		 t->nfunctions);
	rg_progress_stage(&t->progress, stage,
			  guess_ns(t, (uint64_t)(t->nfunctions - index) * LAUNCHES_GUESS));
	snprintf(out->function, sizeof(out->function), "%s", function->mpi);
	out->coll = function->coll;
	out->other = function->variant == RG_MPI_OTHER;
	if (!rc)
		rc = rg_search_open(&config, &w.search, err);
	if (rc)
		return rc;
	rc = run(&w, out->note, sizeof(out->note), err);
	if (!rc && w.failed)
		rc = decide_nothing(out) ? rg_err_set(err, RG_ERR_NO_MEMORY, "no memory") : 0;
	else if (!rc)
		rc = rg_search_decide(w.search, out, err);
	if (!rc && w.given_up && !has_choice(out))
		w.failed = RG_ERR_PEER;
	t->given_up[index] = w.given_up || w.failed == RG_ERR_PEER;
	*failed_out = w.failed;
	rg_search_close(w.search);
	return rc;
}

int tune_search_all(struct tune *t, struct rg_err *err)
{
	struct rg_decisions *d = t->decisions;
	int rc = 0, failed = 0, code;
	bool some = false;

	d->decisions = rg_zalloc(t->nfunctions, sizeof(*d->decisions));
	if (!d->decisions)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for the decisions");
	for (uint32_t i = 0; !rc && i < t->nfunctions; i++) {
		d->ndecisions = i + 1;
		rc = search_function(t, i, &d->decisions[i], &code, err);
		some = some || !code;
		failed = failed == RG_ERR_PEER ? failed : code;
	}
	rg_progress_hide(&t->progress);
	d->seconds = (double)t->used_ns / 1e9;
	if (!rc && !some)
		rc = rg_err_set(err, failed, "%s: %s%s", d->decisions[0].function,
				d->decisions[0].note,
				failed == RG_ERR_PEER ? "; --fresh tries again" : "");
	return rc;
}
