/* SPDX-License-Identifier: BSD-3-Clause */
/* One launch: what bench is told, and what came of it. */
#include "config.h"

#include "driver.h"
#include "tune.h"

#include "railgauge/base/log.h"
#include "railgauge/base/mem.h"
#include "railgauge/base/units.h"
#include "railgauge/measure/target.h"
#include "railgauge/tune/trial.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* bench itself says in more words than a launcher who hangs where: it must come first. */
#define TIMEOUT_SHARE  4
#define TIMEOUT_MAX_NS ((uint64_t)30000000000)

#define LABEL_BYTES 96 /* struct rg_target_spec's */

/*
 * "mpi:chain:64K", as bench has it. Where there are segments their size is always said, 0 as well:
 * else it would be what a variable of the user's says, and rules say it.
 */
static void label_of(const struct rg_ompi_function *function, const struct rg_choice *choice,
		     char label[LABEL_BYTES])
{
	const struct rg_ompi_algorithm *algorithm = rg_ompi_algorithm_by_id(function, choice->id);
	char size[RG_UNITS_BYTES];

	if (!choice->id)
		snprintf(label, LABEL_BYTES, "%s", function->target);
	else if (!choice->segment_bytes && !(algorithm && algorithm->segments))
		snprintf(label, LABEL_BYTES, "%s:%s", function->target, choice->algorithm);
	else
		snprintf(label, LABEL_BYTES, "%s:%s:%s", function->target, choice->algorithm,
			 rg_format_size(choice->segment_bytes, size));
}

/* --points of a launch; NULL without memory, freed with free. */
static char *points_of(const struct rg_ompi_function *function,
		       const struct rg_search_launch *launch)
{
	char *text = NULL, label[LABEL_BYTES];
	size_t len;
	FILE *out = open_memstream(&text, &len);

	for (uint32_t i = 0; out && i < launch->npoints; i++) {
		const struct rg_search_point *p = &launch->points[i];

		fprintf(out, "%s%" PRIu64 "=", i ? ";" : "", p->size_bytes);
		if (launch->list_all)
			fprintf(out, "%s:all", function->target);
		for (uint32_t c = 0; c < p->nchoices; c++) {
			label_of(function, &p->choices[c], label);
			fprintf(out, "%s%s", c ? "," : "", label);
		}
	}
	if (out && fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}

/* --points, each with all that is measured there: what a launch has to move, once. */
static uint64_t bytes_of(const struct rg_ompi_function *function,
			 const struct rg_search_launch *launch)
{
	uint64_t bytes = 0, nalgorithms = 1;

	for (const struct rg_ompi_algorithm *a = function->algorithms; a->name; a++)
		nalgorithms++;
	for (uint32_t i = 0; i < launch->npoints; i++)
		bytes += launch->points[i].size_bytes *
			 (launch->list_all ? nalgorithms : launch->points[i].nchoices);
	return bytes;
}

int tune_trial(struct tune *t, const struct tune_measure *what, struct rg_trial *out,
	       struct rg_err *err)
{
	uint64_t timeout_ns = what->limit_ns / TIMEOUT_SHARE;
	const struct driver_bench bench = {
		.coll = what->function->coll,
		.points = what->points,
		.type = rg_type_words[t->options.type],
		.op = rg_op_words[t->options.op],
		.in_place = t->options.place == TUNE_PLACE_IN,
		.once = what->once,
		.race = what->race,
		.budget_ns = what->budget_ns,
		.timeout_ns = timeout_ns < TIMEOUT_MAX_NS ? timeout_ns : TIMEOUT_MAX_NS,
		.seed = (uint64_t)t->options.seed + t->nlaunches + t->nold,
	};
	char **args = driver_bench_args(&bench);
	struct rg_trial_spec spec = {.launcher = t->launcher,
				     .program = t->program,
				     .args = args,
				     .limit_ns = what->limit_ns,
				     .interrupted = t->interrupted};
	int rc;

	if (!args)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for a command line");
	rc = rg_trial_run(&spec, out, err);
	driver_args_free(args);
	return rc;
}

/* What bench called "mpi:chain:64K"; false: none of the library's algorithms that are known. */
static bool choice_of(const struct rg_ompi_function *function, const char *label,
		      struct rg_choice *out)
{
	size_t target_len = strlen(function->target);
	const struct rg_ompi_algorithm *algorithm;
	const char *name = label + target_len, *segment;

	*out = (struct rg_choice){.algorithm = "default"};
	if (strncmp(label, function->target, target_len) != 0)
		return false;
	if (!*name || !strcmp(name, ":default"))
		return true;
	if (*name++ != ':')
		return false;
	segment = strchr(name, ':');
	snprintf(out->algorithm, sizeof(out->algorithm), "%.*s",
		 (int)(segment ? segment - name : (long)strlen(name)), name);
	if (segment && rg_parse_size(segment + 1, "segment", &out->segment_bytes, NULL))
		return false;
	algorithm = rg_ompi_algorithm_by_name(function, out->algorithm);
	out->id = algorithm ? algorithm->id : 0;
	return algorithm;
}

static bool runs_other(const struct rg_result_point *p)
{
	return p->note && !strncmp(p->note, RG_TARGET_RUNS_OTHER, strlen(RG_TARGET_RUNS_OTHER));
}

static void judge_point(const struct rg_result_point *p, struct rg_search_sample *out, char *why,
			size_t room)
{
	out->size_bytes = p->size_bytes;
	out->n = p->n;
	out->median_ns = p->median_ns;
	out->lo_ns = p->lo_ns;
	out->hi_ns = p->hi_ns;
	out->wrong = p->wrong > 0;
	/* Where the library runs another algorithm, that one is a candidate itself. */
	out->refused = p->stop == RG_STOP_NOT_RUN || runs_other(p);
	why[0] = '\0';
	if (out->wrong)
		snprintf(why, room,
			 "%" PRIu64 " of %" PRIu64 " elements of %" PRIu64 " bytes are wrong",
			 p->wrong, p->checked, p->size_bytes);
	else if (out->refused)
		snprintf(why, room, "%s", p->note ? p->note : "it was not run");
}

static int take_result(const struct rg_ompi_function *function, const struct rg_result *result,
		       struct tune_outcome *o)
{
	char why[160];

	o->samples = rg_zalloc(result->npoints + 1, sizeof(*o->samples));
	if (!o->samples)
		return RG_ERR_NO_MEMORY;
	o->outcome.samples = o->samples;
	for (uint32_t i = 0; i < result->npoints; i++) {
		struct rg_search_sample *sample = &o->samples[o->outcome.nsamples];

		if (!choice_of(function, result->points[i].target, &sample->choice)) {
			rg_log(RG_LOG_WARN, "%s: %s is not known here, and left out", function->mpi,
			       result->points[i].target);
			continue;
		}
		judge_point(&result->points[i], sample, why, sizeof(why));
		if (why[0] && !(sample->why = tune_outcome_keep(o, why)))
			return RG_ERR_NO_MEMORY;
		o->outcome.nsamples++;
	}
	return 0;
}

/* Status 5 is wrong data: the document says whose. */
static bool is_whole(const struct rg_trial *trial)
{
	return trial->end == RG_TRIAL_DONE ||
	       (trial->end == RG_TRIAL_FAILED && trial->result && trial->result->complete &&
		trial->exit_code == rg_err_exit(RG_ERR_WRONG_DATA));
}

static int take_trial(const struct rg_ompi_function *function, const struct rg_trial *trial,
		      struct tune_outcome *o)
{
	o->took_ns = trial->took_ns;
	if (is_whole(trial))
		return take_result(function, trial->result, o);
	o->outcome.failed = true;
	o->outcome.refused = trial->end == RG_TRIAL_FAILED &&
			     trial->exit_code == rg_err_exit(RG_ERR_UNSUPPORTED);
	o->outcome.why = tune_outcome_keep(o, trial->why);
	return o->outcome.why ? 0 : RG_ERR_NO_MEMORY;
}

int tune_launch(struct tune *t, const struct rg_ompi_function *function,
		const struct rg_search_launch *launch, uint64_t budget_ns, struct tune_outcome *out,
		struct rg_err *err)
{
	char *points = points_of(function, launch);
	const struct tune_measure what = {
		.function = function,
		.points = points,
		.once = launch->once,
		.race = launch->race,
		.budget_ns = budget_ns,
		.limit_ns = driver_limit(t->options.limit_ns,
					 launch->once ? 0 : launch->npoints * budget_ns,
					 bytes_of(function, launch)),
	};
	struct tune_outcome o = {0};
	struct rg_trial trial;
	int rc;

	if (!points)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for a launch's points");
	rc = tune_trial(t, &what, &trial, err);
	free(points);
	if (rc)
		return rc;
	t->nlaunches++;
	rc = take_trial(function, &trial, &o);
	rg_trial_release(&trial);
	if (rc) {
		tune_outcome_release(&o);
		return rg_err_set(err, rc, "no memory for a launch's outcome");
	}
	*out = o;
	return 0;
}
