/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/measure/target.h"

#include "railgauge/base/opt.h"
#include "railgauge/base/units.h"

#include <stdio.h>
#include <string.h>

const struct rg_target_ops *const rg_targets[] = {
	&rg_target_railgauge,
	&rg_target_mpi,
	&rg_target_mpi_v,
	NULL,
};

#define WORD_BYTES 96

/* Copies the next item of a comma-separated list; *rest is moved behind it. False at the end. */
static int next_item(const char **rest, const char *what, char item[WORD_BYTES], struct rg_err *err)
{
	size_t len = strcspn(*rest, ",");

	if (len == 0)
		return rg_err_set(err, RG_ERR_INVALID, "%s: an empty name in the list of targets",
				  what);
	if (len >= WORD_BYTES)
		return rg_err_set(err, RG_ERR_INVALID, "%s: %.20s...: too long", what, *rest);
	memcpy(item, *rest, len);
	item[len] = '\0';
	*rest += len;
	if (**rest == ',')
		(*rest)++;
	else
		*rest = NULL;
	return 0;
}

/* Splits "mpi:ring" in item into the ops and the words behind the colon (empty if none). */
static int find_target(char *item, const char *what, const struct rg_target_ops **ops_out,
		       const char **words_out, struct rg_err *err)
{
	const char *names[sizeof(rg_targets) / sizeof(rg_targets[0])] = {NULL};
	char *colon = strchr(item, ':');
	const char *nearest;
	size_t n = 0;

	if (colon)
		*colon = '\0';
	for (; rg_targets[n]; n++) {
		names[n] = rg_targets[n]->name;
		if (strcmp(item, names[n]) != 0)
			continue;
		*ops_out = rg_targets[n];
		*words_out = colon ? colon + 1 : "";
		return 0;
	}
	nearest = rg_opt_nearest(item, names);
	if (nearest)
		return rg_err_set(err, RG_ERR_INVALID, "%s: %s: no such target; did you mean %s?",
				  what, item, nearest);
	return rg_err_set(err, RG_ERR_INVALID,
			  "%s: %s: no such target; there are railgauge, mpi and mpi-v", what, item);
}

int rg_target_parse(const char *list, const char *what, enum rg_coll coll, bool *mpi_out,
		    bool *algorithms_out, struct rg_err *err)
{
	bool mpi = false, algorithms = false;

	for (const char *rest = list; rest;) {
		const struct rg_target_ops *ops;
		char item[WORD_BYTES];
		const char *words;
		int rc = next_item(&rest, what, item, err);

		if (!rc)
			rc = find_target(item, what, &ops, &words, err);
		if (rc)
			return rc;
		rc = ops->check(coll, words, err);
		if (rc)
			return rg_err_prefix(err, "%s", what);
		if (ops == &rg_target_railgauge)
			continue;
		mpi = true;
		algorithms |= *words && strcmp(words, "default") != 0;
	}
	*mpi_out = mpi;
	*algorithms_out = algorithms;
	return 0;
}

/* Makes the label of specs[n] unique among those before it. */
static void make_label(struct rg_target_spec *specs, uint32_t n, const char *base)
{
	uint32_t same = 1;

	for (uint32_t i = 0; i < n; i++) {
		size_t len = strlen(base);

		if (!strncmp(specs[i].label, base, len) &&
		    (specs[i].label[len] == '\0' || specs[i].label[len] == '#'))
			same++;
	}
	if (same > 1)
		snprintf(specs[n].label, sizeof(specs[n].label), "%.80s#%u", base, same);
	else
		snprintf(specs[n].label, sizeof(specs[n].label), "%.90s", base);
}

static void label_spec(struct rg_target_spec *specs, uint32_t n)
{
	const struct rg_target_spec *s = &specs[n];
	char base[WORD_BYTES + 64], size[RG_UNITS_BYTES];
	int used = snprintf(base, sizeof(base), "%s", s->ops->name);

	if (s->algorithm[0] || s->protocol >= 0)
		used += snprintf(base + used, sizeof(base) - (size_t)used, ":%s",
				 s->algorithm[0] ? s->algorithm : "auto");
	if (s->protocol >= 0)
		snprintf(base + used, sizeof(base) - (size_t)used, ":%s",
			 rg_protocol_name((enum rg_protocol)s->protocol));
	if (s->ops != &rg_target_railgauge && s->mpi_segment_bytes >= 0)
		snprintf(base + used, sizeof(base) - (size_t)used, ":%s",
			 rg_format_size((uint64_t)s->mpi_segment_bytes, size));
	make_label(specs, n, base);
}

int rg_target_expand(const struct rg_job *job, enum rg_coll coll, const char *list,
		     const char *what, struct rg_target_spec *specs, uint32_t *count_out,
		     struct rg_err *err)
{
	uint32_t n = 0;

	for (const char *rest = list; rest;) {
		const struct rg_target_ops *ops;
		char item[WORD_BYTES];
		const char *words;
		uint32_t more = 0;
		int rc = next_item(&rest, what, item, err);

		if (!rc)
			rc = find_target(item, what, &ops, &words, err);
		if (rc)
			return rc;
		rc = ops->expand(job, coll, words, specs + n, RG_TARGETS_MAX - n, &more, err);
		if (rc)
			return rc;
		if (more > RG_TARGETS_MAX - n)
			return rg_err_set(err, RG_ERR_LIMIT, "%s: more than %d targets", what,
					  RG_TARGETS_MAX);
		for (uint32_t i = 0; i < more; i++)
			label_spec(specs, n + i);
		n += more;
	}
	*count_out = n;
	return 0;
}
