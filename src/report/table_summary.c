/* SPDX-License-Identifier: BSD-3-Clause */
/* The text below a table. */
#include "config.h"

#include "counters.h"
#include "format.h"
#include "network.h"
#include "table_impl.h"

#include "railgauge/base/units.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* How one target stands against the baseline over all points that both have. */
static int compare_target(const struct rg_table *t, const struct rg_result *result,
			  const char *target, struct rg_err *err)
{
	struct rg_tally tally = {0};
	char text[CELL_BYTES];

	for (uint32_t i = 0; i < result->npoints; i++) {
		const struct rg_result_point *point = &result->points[i], *baseline;
		struct rg_ratio ratio;
		int rc;

		if (!point->n || strcmp(point->target, target))
			continue;
		baseline = rg_point_find(result->points, result->npoints, point, t->baseline,
					 point->in_place);
		if (!baseline || !baseline->n)
			continue;
		rc = rg_points_ratio(baseline, point, &ratio, err);
		if (rc)
			return rc;
		rg_tally_add(&tally, &ratio);
	}
	if (tally.n)
		fprintf(t->out,
			"#   %s: ratio %s in geometric mean of %u point%s; the interval is above 1 "
			"in %u, below 1 in %u\n",
			target, rg_cell_ratio(rg_tally_mean(&tally), text), tally.n,
			tally.n == 1 ? "" : "s", tally.above, tally.below);
	else
		fprintf(t->out, "#   %s: no point in common\n", target);
	return 0;
}

static void print_checks(FILE *out, const struct rg_result *result)
{
	uint64_t checked = 0, wrong = 0, invalid = 0;
	uint32_t points = 0;

	for (uint32_t i = 0; i < result->npoints; i++) {
		checked += result->points[i].checked;
		wrong += result->points[i].wrong;
		points += result->points[i].wrong > 0;
		invalid += result->points[i].invalid;
	}
	if (wrong)
		fprintf(out,
			"# WRONG: %" PRIu64 " of %" PRIu64 " checked elements, in %u point%s\n",
			wrong, checked, points, points == 1 ? "" : "s");
	else if (checked)
		fprintf(out, "# All %" PRIu64 " checked elements are right\n", checked);
	else
		fprintf(out, "# Results were not checked\n");
	if (invalid)
		fprintf(out,
			"# Repetitions that did not count because a rank started late: %" PRIu64
			"\n",
			invalid);
}

static bool same_note(const struct rg_result_point *a, const struct rg_result_point *b)
{
	return a->note && b->note && !strcmp(a->note, b->note) && !strcmp(a->target, b->target);
}

/* Each note of a target once, with the sizes that it is about. */
static void print_notes(FILE *out, const struct rg_result *result)
{
	bool any = false;

	for (uint32_t i = 0; i < result->npoints; i++) {
		const struct rg_result_point *first = &result->points[i];
		uint64_t min = first->size_bytes, max = first->size_bytes;
		char low[RG_UNITS_BYTES], high[RG_UNITS_BYTES];
		uint32_t n = 0, k = 0;

		while (k < i && !same_note(&result->points[k], first))
			k++;
		if (!first->note || k < i)
			continue;
		for (; k < result->npoints; k++) {
			const struct rg_result_point *point = &result->points[k];

			if (!same_note(point, first))
				continue;
			n++;
			min = point->size_bytes < min ? point->size_bytes : min;
			max = point->size_bytes > max ? point->size_bytes : max;
		}
		if (!any)
			fprintf(out, "# Notes\n");
		any = true;
		fprintf(out, "#   %s, %s%s", first->target, rg_format_size(min, low),
			first->coll == RG_COLL_BARRIER ? "" : "B");
		if (max > min)
			fprintf(out, " to %sB (%u points)", rg_format_size(max, high), n);
		fprintf(out, "%s: %s\n",
			first->stop == RG_STOP_NOT_RUN	? ", not run"
			: first->stop == RG_STOP_FAILED ? ", failed"
							: "",
			first->note);
	}
}

void rg_table_foot(FILE *out, const struct rg_result *result)
{
	if (result->nwarnings)
		fprintf(out, "# Warnings\n");
	for (uint32_t i = 0; i < result->nwarnings; i++)
		fprintf(out, "#   %s: %s\n", result->warnings[i].code, result->warnings[i].text);
	if (!result->complete)
		fprintf(out, "# INCOMPLETE: the run was interrupted, points so far: %u\n",
			result->npoints + result->npairs);
}

int rg_table_summary(const struct rg_table *t, const struct rg_result *result, struct rg_err *err)
{
	int rc = 0;

	fprintf(t->out, "#\n");
	if (t->plan.ntargets > 1)
		fprintf(t->out,
			"# Against %s, in this launch; whether it is so in others, several "
			"launches tell\n",
			t->baseline);
	for (uint32_t i = 0; !rc && t->plan.ntargets > 1 && i < t->plan.ntargets; i++) {
		if (t->plan.targets[i] != t->baseline)
			rc = compare_target(t, result, t->plan.targets[i], err);
	}
	if (rc)
		return rc;
	print_checks(t->out, result);
	rg_network_print_sendrecv(result, t->out);
	print_notes(t->out, result);
	rc = rg_counters_print(result, t->out, err);
	if (!rc)
		rg_table_foot(t->out, result);
	return rc;
}
