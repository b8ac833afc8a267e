/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/emit/params.h"
#include "params_read.h"

#include "railgauge/base/io.h"
#include "railgauge/base/mem.h"
#include "railgauge/emit/rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define PREFIX	       "coll_tuned_"
#define FILE_MAX_BYTES ((size_t)1 << 24)

/* What a file sets of coll/tuned; lines are 0 where it does not. */
struct settings {
	uint32_t use_line, rules_line, forced_line;
	bool use;
	char rules[4096];
	char forced[128]; /* the first one's name */
};

struct judging {
	const struct rg_ompi_version *version;
	struct rg_file_findings *findings;
	struct settings set;
};

#define WARN(j, line, ...) \
	rg_file_findings_add((j)->findings, RG_FINDING_WARNING, line, __VA_ARGS__)
#define ERROR(j, line, ...) rg_file_findings_add((j)->findings, RG_FINDING_ERROR, line, __VA_ARGS__)

static bool is_one_of(const char *text, const char *const *words)
{
	for (; *words; words++) {
		if (!strcasecmp(text, *words))
			return true;
	}
	return false;
}

/* As mca_base_var_enum.c of 4.1.4 reads them. False: it is none. */
static bool read_bool(const char *text, bool *out)
{
	static const char *const yes[] = {"true", "t", "enabled", "yes", "y", NULL};
	static const char *const no[] = {"false", "f", "disabled", "no", "n", NULL};
	char *end;
	long number = strtol(text, &end, 10);

	if (end != text && !*end)
		*out = number != 0;
	else if (is_one_of(text, yes))
		*out = true;
	else if (is_one_of(text, no))
		*out = false;
	else
		return false;
	return true;
}

/* The function of coll_tuned_FUNCTION_algorithm..., and what follows; NULL: it is none. */
static const struct rg_ompi_function *function_of(const char *name, const char **rest_out)
{
	for (const struct rg_ompi_function *f = rg_ompi_functions; f->name; f++) {
		size_t n = strlen(f->name);

		if (!strncmp(name, f->name, n) && !strncmp(name + n, "_algorithm", 10) &&
		    f->algorithms[0].name) {
			*rest_out = name + n + 10;
			return f;
		}
	}
	return NULL;
}

static bool is_variable(const char *name)
{
	static const char *const others[] = {"use_dynamic_rules",
					     "dynamic_rules_filename",
					     "priority",
					     "init_tree_fanout",
					     "init_chain_fanout",
					     "alltoall_small_msg",
					     "alltoall_large_msg",
					     "alltoall_min_procs",
					     "alltoall_intermediate_msg",
					     "scatter_min_procs",
					     "scatter_large_msg",
					     "scatter_intermediate_msg",
					     "scatter_blocking_send_ratio",
					     "verbose",
					     NULL};
	static const char *const suffixes[] = {"",
					       "_segmentsize",
					       "_tree_fanout",
					       "_chain_fanout",
					       "_max_requests",
					       "_knomial_radix",
					       "_count",
					       NULL};
	const char *rest;

	if (is_one_of(name, others))
		return true;
	return function_of(name, &rest) && is_one_of(rest, suffixes);
}

/* coll_tuned_FUNCTION_algorithm: a name or a number. */
static void judge_forced(struct judging *j, const struct params_line *l,
			 const struct rg_ompi_function *f)
{
	const struct rg_ompi_algorithm *a = rg_ompi_algorithm_by_name(f, l->value);
	char *end;
	long number = strtol(l->value, &end, 0);
	bool is_number = end != l->value && !*end;

	if (!strcmp(l->value, "ignore") || (is_number && !number))
		return;
	if (is_number && number > 0 && number < 1000)
		a = rg_ompi_algorithm_by_id(f, (int)number);
	if (!a || !rg_ompi_algorithm_in(a, j->version))
		ERROR(j, l->line, "%s has no algorithm %.60s in Open MPI %u.%u.%u", f->mpi,
		      l->value, j->version->major, j->version->minor, j->version->release);
	if (!j->set.forced_line) {
		j->set.forced_line = l->line;
		snprintf(j->set.forced, sizeof(j->set.forced), "%s", l->name);
	}
}

static void judge_quotes(struct judging *j, const struct params_line *l)
{
	size_t n = strlen(l->value);
	const char *behind = strstr(l->value, " #");

	if (n > 1 && strchr("'\"", l->value[0]) && l->value[n - 1] == l->value[0])
		ERROR(j, l->line, "the quotes of %.100s are part of the value", l->value);
	else if (behind)
		WARN(j, l->line, "\"%.60s\" is no comment but part of the value", behind + 1);
}

static void judge_tuned(struct judging *j, const struct params_line *l)
{
	const char *name = l->name + strlen(PREFIX), *rest = "";
	const struct rg_ompi_function *f = function_of(name, &rest);

	if (!is_variable(name)) {
		WARN(j, l->line, "%s: there is no such variable, and Open MPI ignores it", l->name);
	} else if (!strcmp(name, "use_dynamic_rules")) {
		j->set.use_line = l->line;
		j->set.use = false;
		if (!read_bool(l->value, &j->set.use))
			ERROR(j, l->line, "%s = %.60s: expected 0 or 1", l->name, l->value);
	} else if (!strcmp(name, "dynamic_rules_filename")) {
		j->set.rules_line = l->line;
		memcpy(j->set.rules, l->value, sizeof(j->set.rules));
	} else if (f && !*rest) {
		judge_forced(j, l, f);
	}
}

/* The rules file; its findings become ours, with its line in the words. */
static int judge_rules(struct judging *j, struct rg_err *err)
{
	const char *slash = strrchr(j->set.rules, '/');
	struct rg_file_findings findings = {0};
	struct rg_rules rules;
	char *text;
	size_t len;
	bool ok;
	int rc = rg_io_read_file(j->set.rules, FILE_MAX_BYTES, &text, &len, NULL);

	if (rc == RG_ERR_NO_MEMORY)
		return rg_err_set(err, rc, "%s: no memory to read it", j->set.rules);
	if (rc) {
		ERROR(j, j->set.rules_line,
		      "%.150s cannot be read: Open MPI goes on without rules, and without a word",
		      j->set.rules);
		return 0;
	}
	rc = rg_rules_parse(text, len, j->version, &rules, &ok, &findings, err);
	for (uint32_t i = 0; i < findings.n; i++)
		rg_file_findings_add(j->findings, findings.list[i].severity, j->set.rules_line,
				     "%.80s, line %u: %s", slash ? slash + 1 : j->set.rules,
				     findings.list[i].line, findings.list[i].text);
	j->findings->lost = j->findings->lost || findings.lost;
	rg_file_findings_release(&findings);
	rg_rules_release(&rules);
	rg_free(text);
	return rc;
}

static void judge_both(struct judging *j)
{
	const struct settings *s = &j->set;
	bool forced_first = rg_ompi_version_reaches(j->version, 5, 0, 0);

	if (s->rules_line && !s->use)
		ERROR(j, s->rules_line,
		      "without coll_tuned_use_dynamic_rules = 1 Open MPI does not look at the "
		      "rules file");
	if (s->forced_line && !s->use)
		ERROR(j, s->forced_line,
		      "without coll_tuned_use_dynamic_rules = 1 Open MPI ignores %s", s->forced);
	if (s->use && !s->rules_line && !s->forced_line)
		WARN(j, s->use_line,
		     "dynamic rules are on, but no rules file is named and no algorithm is set");
	if (s->forced_line && s->rules_line)
		WARN(j, s->forced_line,
		     "beside a rules file %s counts %s in Open MPI %u.%u.%u: set one or the other",
		     s->forced,
		     forced_first ? "before the file's rules" : "only where the file has no rule",
		     j->version->major, j->version->minor, j->version->release);
}

int rg_params_judge(const char *text, const struct rg_ompi_version *version,
		    struct rg_file_findings *findings, struct rg_err *err)
{
	struct judging *j = rg_zalloc(1, sizeof(*j));
	struct params_line *l = rg_alloc(sizeof(*l));
	uint32_t line = 1;
	int rc = 0;

	if (!j || !l) {
		rg_free(j);
		rg_free(l);
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for parameters");
	}
	j->version = version;
	j->findings = findings;
	while (params_next(&text, &line, l, findings)) {
		judge_quotes(j, l);
		if (!strncmp(l->name, "OMPI_MCA_", 9))
			ERROR(j, l->line,
			      "%s: OMPI_MCA_ belongs to names of the environment; in a file Open "
			      "MPI ignores this",
			      l->name);
		else if (!strncmp(l->name, PREFIX, strlen(PREFIX)))
			judge_tuned(j, l);
	}
	judge_both(j);
	if (j->set.rules_line && j->set.rules[0] != '/')
		WARN(j, j->set.rules_line,
		     "%.150s is a relative path: each process looks for it from its own folder",
		     j->set.rules);
	if (j->set.rules_line)
		rc = judge_rules(j, err);
	rg_free(j);
	rg_free(l);
	return rc;
}
