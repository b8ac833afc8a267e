/* SPDX-License-Identifier: BSD-3-Clause */
/* Launches of a proof: one, and in pairs. */
#include "config.h"

#include "prove.h"

#include "driver.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/mem.h"
#include "railgauge/mpi/glue.h"

#include <stdio.h>
#include <string.h>

/* Times that a launch is made before it counts as failed. */
#define TRIES 2

static const char *const side_words[] = {"without the files", "with the files"};

static uint64_t limit_of(const struct prove *p, const struct prove_launch *l)
{
	const struct prove_function *f = l->function;
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < f->npoints; i++)
		bytes += p->points[f->first_point + i].size_bytes;
	return driver_limit(p->options.limit_ns, l->once ? 0 : l->npoints * p->options.budget_ns,
			    bytes);
}

int prove_launch(const struct prove *p, const struct prove_launch *l, struct rg_trial *trial_out,
		 struct rg_err *err)
{
	const struct rg_decisions *ds = p->decisions;
	const struct driver_bench bench = {.coll = l->function->decision->coll,
					   .points = l->points,
					   .type = ds->type,
					   .op = ds->op,
					   .in_place = ds->in_place,
					   .once = l->once,
					   .budget_ns = p->options.budget_ns,
					   .seed = l->seed};
	char **args = driver_bench_args(&bench);
	const struct rg_trial_spec spec = {.launcher = p->launcher,
					   .program = p->program,
					   .args = args,
					   .env_file = l->env_file,
					   .env = l->env_file ? NULL : p->variables,
					   .limit_ns = limit_of(p, l),
					   .interrupted = p->interrupted};
	int rc;

	if (!args)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for a command line");
	rc = rg_trial_run(&spec, trial_out, err);
	driver_args_free(args);
	return rc;
}

bool prove_measured(const struct rg_trial *trial, const struct prove_launch *l, double *medians,
		    size_t stride, const char **why_out)
{
	uint32_t n = 0;

	*why_out = trial->why;
	if (trial->end != RG_TRIAL_DONE)
		return false;
	for (uint32_t i = 0; i < trial->result->npoints; i++) {
		const struct rg_result_point *point = &trial->result->points[i];

		if (point->coll != l->function->decision->coll ||
		    strcmp(point->target, l->function->target) != 0)
			continue;
		*why_out = point->note ? point->note : "a point was not measured";
		if (n == l->npoints || !point->n)
			return false;
		if (medians)
			medians[n * stride] = point->median_ns;
		n++;
	}
	*why_out = "its result has other points than were asked for";
	return n == l->npoints;
}

int prove_see(const struct prove *p, bool *seen_out, char *words, size_t room, struct rg_err *err)
{
	/* A line that begins so is what a trial takes for the words of a rank. */
	static const char script[] = "test -r \"$0\" || { echo \"railgauge bench: $(uname -n): "
				     "$0 cannot be read there\" >&2; exit 3; }";
	char *const args[] = {(char *)"-c", (char *)script, p->file, NULL};
	const struct rg_trial_spec spec = {.launcher = p->launcher,
					   .program = "sh",
					   .args = args,
					   .limit_ns = driver_limit(p->options.limit_ns, 0, 0),
					   .interrupted = p->interrupted};
	struct rg_trial trial;
	int rc = rg_trial_run(&spec, &trial, err);

	if (rc)
		return rc;
	*seen_out = trial.end == RG_TRIAL_FAILED && !trial.exit_code; /* but for the document */
	snprintf(words, room, "%s", *seen_out ? "" : trial.why);
	rg_trial_release(&trial);
	return 0;
}

/* Are the rules that the job had those of its side: this folder's, or none? */
static int check_rules(const struct prove *p, const struct prove_launch *l, const char *label,
		       const struct rg_result *result, struct rg_err *err)
{
	const char *rules = result->run.rules ? result->run.rules : "unknown";

	if (!strcmp(rules, l->env_file ? p->file : RG_MPI_NO_RULES))
		return 0;
	if (l->env_file)
		return rg_err_set(err, RG_ERR_MISMATCH,
				  "%s: the job goes by other rules (%.200s) than those of %.200s",
				  label, rules, p->file);
	return rg_err_set(err, RG_ERR_MISMATCH,
			  "%s: the job goes by rules all the same (%.200s), so nothing can be "
			  "compared: take what sets coll_tuned's variables out of the environment, "
			  "the launcher's words or the file of parameters "
			  "($HOME/.openmpi/mca-params.conf?)",
			  label, rules);
}

/*
 * Makes a launch that must succeed, again if it does not; label stands before the words. *trial_out
 * is to be released.
 */
static int launch_well(const struct prove *p, const struct prove_launch *l, const char *label,
		       double *medians, size_t stride, struct rg_trial *trial_out,
		       struct rg_err *err)
{
	for (int tries = 1;; tries++) {
		struct rg_trial trial = {0};
		const char *why;
		int rc = prove_launch(p, l, &trial, err);

		if (rc)
			return rc;
		if (prove_measured(&trial, l, medians, stride, &why)) {
			rc = check_rules(p, l, label, trial.result, err);
			if (rc)
				rg_trial_release(&trial);
			else
				*trial_out = trial;
			return rc;
		}
		if (tries == TRIES)
			rc = rg_err_set(err, RG_ERR_PEER, "%s: failed %d times, at last: %s", label,
					TRIES, why);
		rg_trial_release(&trial);
		if (rc)
			return rc;
	}
}

int prove_look(struct prove *p, struct rg_err *err)
{
	const struct prove_function *f = &p->functions[0];
	struct prove_launch launch = {.function = f, .npoints = 1, .once = true, .seed = 1};
	struct rg_trial trial;
	char *points = rg_asprintf("%.*s", (int)strcspn(f->points, ";"), f->points);
	int rc;

	if (!points)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for points");
	launch.points = points;
	rg_progress_stage(&p->progress, "looking at the job", 0);
	rc = launch_well(p, &launch, "the first launch, without the files", NULL, 0, &trial, err);
	rg_free(points);
	if (rc)
		return rc;
	p->launch_ns = trial.took_ns;
	p->nhosts = trial.result->nmachines;
	rc = driver_same_job(p->decisions, p->launcher, trial.result, p->note, sizeof(p->note),
			     err);
	rg_trial_release(&trial);
	return rc;
}

/* One side of one pair, for one function. */
static int launch_side(struct prove *p, uint32_t function, uint32_t pair, enum prove_side side,
		       struct rg_err *err)
{
	const struct prove_function *f = &p->functions[function];
	uint32_t npairs = (uint32_t)p->options.pairs;
	const struct prove_launch launch = {
		.function = f,
		.points = f->points,
		.npoints = f->npoints,
		.seed = pair + 1,
		.env_file = side == PROVE_WITH || p->options.same ? p->env_file : NULL};
	size_t first = 2 * (size_t)npairs * f->first_point + (size_t)side * npairs + pair;
	struct rg_trial trial;
	char label[160];
	int rc;

	snprintf(label, sizeof(label), "pair %u of %u, %s, %s", pair + 1, npairs,
		 f->decision->function,
		 p->options.same ? "with the files on both sides" : side_words[side]);
	rc = launch_well(p, &launch, label, p->medians + first, 2 * (size_t)npairs, &trial, err);
	if (!rc)
		rg_trial_release(&trial);
	return rc;
}

/* What all pairs take, if all points use up their budget. */
static uint64_t expected_ns(const struct prove *p)
{
	return 2 * (uint64_t)p->options.pairs *
	       (p->nfunctions * p->launch_ns + p->npoints * p->options.budget_ns);
}

/*
 * The two launches of a function's pair stand directly after each other, whatever other functions
 * there are: a machine that becomes slower, by heat or by its neighbours, then does so by one
 * launch's worth between the two. With all functions of a side first, it would be by as many as
 * there are functions. Which side begins alternates over pairs, so that what drift there is cancels
 * in the mean, and from function to function, so that not all favour the same side.
 */
int prove_pairs(struct prove *p, struct rg_err *err)
{
	uint32_t npairs = (uint32_t)p->options.pairs, done = 0;
	uint32_t total = 2 * npairs * p->nfunctions;
	char stage[64], what[128];
	int rc = 0;

	snprintf(stage, sizeof(stage), "%u pairs of launches%s", npairs,
		 p->nfunctions > 1 ? " of each function" : "");
	rg_progress_stage(&p->progress, stage, expected_ns(p));
	for (uint32_t pair = 0; !rc && pair < npairs; pair++) {
		for (uint32_t i = 0; !rc && i < 2 * p->nfunctions; i++) {
			uint32_t function = i / 2;
			enum prove_side side = (enum prove_side)((i + pair + function) % 2);

			snprintf(what, sizeof(what), "%s %s",
				 p->functions[function].decision->function, side_words[side]);
			rg_progress_step(&p->progress, done++, total, what, 0);
			rc = launch_side(p, function, pair, side, err);
		}
	}
	return rc;
}
