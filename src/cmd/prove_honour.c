/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Does each rule reach the library? In a copy of the files it alone is made to fail: a launch that
 * uses it must fail in the library's words, and one that succeeds did not use it.
 */
#include "config.h"

#include "prove.h"

#include "railgauge/base/mem.h"
#include "railgauge/base/units.h"

#include <stdio.h>
#include <string.h>

#define TRIES 2

/*
 * One launch with the copy. *told_out: it failed in the library's words, or measured what it should
 * not have been able to; else words say what happened.
 */
static int try_copy(const struct prove *p, struct prove_rule *rule, const char *copy,
		    bool *told_out, struct rg_err *err)
{
	char size[RG_UNITS_BYTES];
	char *env_file = rg_asprintf("%s/env.sh", copy);
	char *points = rg_asprintf("%s=%s", rg_format_size(rule->size_bytes, size),
				   rule->function->target);
	const struct prove_launch launch = {.function = rule->function,
					    .points = points,
					    .npoints = 1,
					    .once = true,
					    .seed = 1,
					    .env_file = env_file};
	struct rg_trial trial = {0};
	const char *why;
	int rc = RG_ERR_NO_MEMORY;

	if (env_file && points)
		rc = prove_launch(p, &launch, &trial, err);
	else
		rg_err_set(err, rc, "no memory for a launch");
	if (!rc) {
		bool measured = prove_measured(&trial, &launch, NULL, 0, &why);

		rule->honoured =
			trial.end != RG_TRIAL_DONE && strstr(trial.why, p->emitter->poisoned_words);
		*told_out = rule->honoured || measured;
		snprintf(rule->words, sizeof(rule->words), "%s", measured ? "" : why);
	}
	rg_trial_release(&trial);
	rg_free(points);
	rg_free(env_file);
	return rc;
}

static int honour(const struct prove *p, struct prove_rule *rule, struct rg_err *err)
{
	const struct rg_decision *d = rule->function->decision;
	bool told = false;
	char size[RG_UNITS_BYTES], *copy;
	int rc = prove_copy_open(p, rule->function->index, rule->range, &copy, err);

	if (rc)
		return rc;
	for (int i = 0; !rc && !told && i < TRIES; i++)
		rc = try_copy(p, rule, copy, &told, err);
	if (!rc && !told)
		rc = rg_err_set(err, RG_ERR_PEER,
				"%s at %s, with a rule that must fail: it failed otherwise, %d "
				"times, at last: %s",
				d->function, rg_format_size(rule->size_bytes, size), TRIES,
				rule->words);
	prove_copy_close(copy);
	return rc;
}

/*
 * A rule that fails on one host makes the launch fail, whatever the others do. So on several hosts
 * it is asked first whether all see the file.
 */
static int see(struct prove *p, bool *seen_out, struct rg_err *err)
{
	int rc = 0;

	*seen_out = p->nhosts < 2;
	for (int i = 0; !rc && !*seen_out && i < TRIES; i++)
		rc = prove_see(p, seen_out, p->unseen, sizeof(p->unseen), err);
	return rc;
}

int prove_honour(struct prove *p, bool *all_out, struct rg_err *err)
{
	char stage[64], what[96], size[RG_UNITS_BYTES];
	bool all = true, seen;
	int rc = see(p, &seen, err);

	if (rc || !seen) {
		*all_out = false;
		return rc;
	}
	snprintf(stage, sizeof(stage), "%u rule%s: honoured?", p->nrules, p->nrules > 1 ? "s" : "");
	rg_progress_stage(&p->progress, stage, p->nrules * p->launch_ns);
	for (uint32_t i = 0; !rc && i < p->nrules; i++) {
		struct prove_rule *rule = &p->rules[i];

		snprintf(what, sizeof(what), "%s at %s", rule->function->decision->function,
			 rg_format_size(rule->size_bytes, size));
		rg_progress_step(&p->progress, i, p->nrules, what, 0);
		rc = honour(p, rule, err);
		all &= rule->honoured;
	}
	if (!rc)
		*all_out = all;
	return rc;
}
