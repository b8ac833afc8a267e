/* SPDX-License-Identifier: BSD-3-Clause */
/* Files in which one rule fails whenever it is used: are they read, and is that rule? */
#include "config.h"

#include "openmpi_impl.h"

#include "railgauge/base/io.h"
#include "railgauge/base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX_BYTES ((size_t)1 << 24)
#define POISON	       99 /* no function has so many algorithms */

/* The rule of the file that the range's calls use. NULL: another one than was decided, in words. */
static struct rg_rule *rule_of(const struct rg_rules *rules, const struct rg_decisions *all,
			       uint32_t index, const struct rg_decision_range *range,
			       struct rg_err *err)
{
	const struct rg_decision *d = &all->decisions[index];
	const struct rg_ompi_function *f =
		rg_ompi_function_of(d->coll, d->other ? RG_MPI_OTHER : RG_MPI_USUAL);
	const struct rg_rule *rule = f ? rg_rules_lookup(rules, f->id, all->nranks,
							 rg_ompi_rule_bytes(f, range->from_bytes))
				       : NULL;
	const struct rg_ompi_algorithm *a = f ? rg_ompi_algorithm_by_id(f, range->choice.id) : NULL;
	char text[RG_CHOICE_TEXT_BYTES];

	if (!rule || !a || rule->algorithm != range->choice.id || rule->fanout != a->fanout ||
	    rule->segment_bytes != (int64_t)range->choice.segment_bytes) {
		rg_err_set(err, RG_ERR_MISMATCH,
			   "the rules have not what was decided for %s from %llu bytes on: %s",
			   d->function, (unsigned long long)range->from_bytes,
			   rg_choice_text(&range->choice, text));
		return NULL;
	}
	return (struct rg_rule *)rule; /* rules is ours */
}

static int print_to(const struct rg_rules *rules, const char *path, struct rg_err *err)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	int rc;

	if (!out)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "%s: no memory for it", path);
	rg_rules_print(rules, out);
	rc = fclose(out) ? rg_err_set(err, RG_ERR_NO_MEMORY, "%s: no memory for it", path)
			 : rg_io_replace_file(path, text, len, err);
	free(text);
	return rc;
}

/* Reads a file of rules, and finds the range's. *rules_out is to be released on failure, too. */
static int find_rule(const struct rg_decisions *all, const char *from, uint32_t index,
		     const struct rg_decision_range *range, struct rg_rules *rules_out,
		     struct rg_rule **out, struct rg_err *err)
{
	struct rg_file_findings findings = {0};
	struct rg_ompi_version v;
	char *text = NULL;
	bool ok = false;
	size_t len;
	int rc = rg_ompi_version_of(all->library, &v, err);

	if (!rc)
		rc = rg_io_read_file(from, FILE_MAX_BYTES, &text, &len, err);
	if (!rc)
		rc = rg_rules_parse(text, len, &v, rules_out, &ok, &findings, err);
	if (!rc && !ok)
		rc = rg_err_set(err, RG_ERR_MISMATCH, "%s: %s", from,
				findings.n ? findings.list[findings.n - 1].text
					   : "not taken by Open MPI");
	if (!rc) {
		*out = rule_of(rules_out, all, index, range, err);
		rc = *out ? 0 : RG_ERR_MISMATCH;
	}
	rg_file_findings_release(&findings);
	rg_free(text);
	return rc;
}

static int poison_rules(const struct rg_decisions *all, const char *from, uint32_t index,
			const struct rg_decision_range *range, const char *to, struct rg_err *err)
{
	struct rg_rules rules = {0};
	struct rg_rule *rule;
	int rc = find_rule(all, from, index, range, &rules, &rule, err);

	if (!rc) {
		rule->algorithm = POISON;
		rc = print_to(&rules, to, err);
	}
	rg_rules_release(&rules);
	return rc;
}

int openmpi_has_rule(const struct rg_decisions *all, const char *folder, uint32_t index,
		     uint32_t range_index, bool *has_out, struct rg_err *err)
{
	const struct rg_decision *d = &all->decisions[index];
	const struct rg_decision_range *range = &d->ranges[range_index];
	struct rg_rules rules = {0};
	struct rg_rule *rule;
	char path[PATH_MAX];
	int rc;

	*has_out = false;
	if (!range->choice.id || openmpi_left_out(d))
		return 0;
	if (!openmpi_path(folder, OPENMPI_RULES, path))
		return rg_err_set(err, RG_ERR_INVALID, "%.200s: too long a path", folder);
	rc = find_rule(all, path, index, range, &rules, &rule, err);
	rg_rules_release(&rules);
	*has_out = !rc;
	return rc;
}

/*
 * Text with every `old` replaced by `with`, *n_out times; to be freed with rg_free; NULL without
 * memory.
 */
static char *replace_all(const char *text, const char *old, const char *with, size_t *n_out)
{
	size_t n = 0, len = strlen(old);
	char *out, *to;

	for (const char *at = strstr(text, old); at; at = strstr(at + len, old))
		n++;
	*n_out = n;
	out = to = rg_alloc(strlen(text) + n * strlen(with) + 1);
	if (!out)
		return NULL;
	for (const char *at; (at = strstr(text, old)); text = at + len) {
		memcpy(to, text, (size_t)(at - text));
		to += at - text;
		memcpy(to, with, strlen(with));
		to += strlen(with);
	}
	memcpy(to, text, strlen(text) + 1);
	return out;
}

/* A file with the path of the rules in it, in plain or as a shell's word. */
static int copy_naming(const char *from, const char *to, const char *old, const char *with,
		       struct rg_err *err)
{
	char *text = NULL, *copy = NULL;
	size_t n = 0;
	int rc = rg_io_read_file(from, FILE_MAX_BYTES, &text, NULL, err);

	if (rc)
		return rc;
	if (old && with)
		copy = replace_all(text, old, with, &n);
	if (!copy)
		rc = rg_err_set(err, RG_ERR_NO_MEMORY, "%s: no memory for it", to);
	else if (!n)
		rc = rg_err_set(err, RG_ERR_MISMATCH, "%s: it does not name %s", from, old);
	else
		rc = rg_io_replace_file(to, copy, strlen(copy), err);
	rg_free(text);
	rg_free(copy);
	return rc;
}

int openmpi_poison(const struct rg_decisions *all, const char *folder, uint32_t index,
		   uint32_t range_index, const char *to, struct rg_err *err)
{
	const struct rg_decision *d = &all->decisions[index];
	const struct rg_decision_range *range = &d->ranges[range_index];
	char old[PATH_MAX], new[PATH_MAX], from_path[PATH_MAX], to_path[PATH_MAX];
	char *old_word, *new_word;
	int rc;

	if (!range->choice.id || openmpi_left_out(d))
		return rg_err_set(err, RG_ERR_INVALID, "%.100s: that range has no rule",
				  d->function);
	if (!openmpi_path(folder, OPENMPI_PARAMS, old) || !openmpi_path(to, OPENMPI_PARAMS, new))
		return rg_err_set(err, RG_ERR_INVALID, "%.200s: too long a path", to);
	openmpi_path(folder, OPENMPI_RULES, old);
	openmpi_path(to, OPENMPI_RULES, new);
	rc = poison_rules(all, old, index, range, new, err);
	if (!rc)
		rc = copy_naming(openmpi_path(folder, OPENMPI_PARAMS, from_path),
				 openmpi_path(to, OPENMPI_PARAMS, to_path), old, new, err);
	old_word = openmpi_shell_word(old);
	new_word = openmpi_shell_word(new);
	if (!rc)
		rc = copy_naming(openmpi_path(folder, OPENMPI_ENV, from_path),
				 openmpi_path(to, OPENMPI_ENV, to_path), old_word, new_word, err);
	rg_free(old_word);
	rg_free(new_word);
	return rc;
}
