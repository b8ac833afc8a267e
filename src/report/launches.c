/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/report/compare.h"
#include "differences.h"
#include "format.h"

#include "railgauge/base/mem.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* What the lines need; arrays of numbers are [n], one per launch. */
struct launches {
	struct rg_result *const *results; /* borrowed, [n] */
	uint32_t n;
	const char **targets; /* owned */
	uint32_t ntargets;
	const char *baseline;  /* borrowed */
	double *mine, *theirs; /* owned */
	double *overall;       /* owned */
};

/* The medians of a point in every launch; false if one has none. */
static bool medians(const struct launches *l, const struct rg_result_point *like,
		    const char *target, double *medians_out)
{
	for (uint32_t i = 0; i < l->n; i++) {
		const struct rg_result *r = l->results[i];
		const struct rg_result_point *p =
			rg_point_find(r->points, r->npoints, like, target, like->in_place);

		if (!p || !p->n)
			return false;
		medians_out[i] = p->median_ns;
	}
	return true;
}

static void print_point(const struct launches *l, const struct rg_result_point *p, FILE *out)
{
	bool is_baseline = !strcmp(p->target, l->baseline);
	char text[CELL_BYTES];
	struct rg_ratio ratio;
	double least = l->mine[0], most = l->mine[0];

	for (uint32_t i = 1; i < l->n; i++) {
		least = l->mine[i] < least ? l->mine[i] : least;
		most = l->mine[i] > most ? l->mine[i] : most;
	}
	fprintf(out, "%12" PRIu64 "%9s%5s %-14s%-20s%6s%8s%6s", p->size_bytes,
		rg_type_name(p->type), rg_coll_reduces(p->coll) ? rg_op_name(p->op) : "-",
		rg_coll_name(p->coll), p->target, p->in_place ? "in" : "out",
		rg_access_words[p->buffers], rg_cache_words[p->cache]);
	fprintf(out, "%10s", rg_cell_us(rg_stats_geomean(l->mine, l->n), text));
	fprintf(out, "%10s", rg_cell_us(least, text));
	fprintf(out, "%10s", rg_cell_us(most, text));
	if (!is_baseline && medians(l, p, l->baseline, l->theirs)) {
		ratio = rg_ratio_of_launches(l->theirs, l->mine, l->n);
		fprintf(out, "%8s", rg_cell_ratio(ratio.ratio, text));
		fprintf(out, "%14s  %s", rg_cell_interval(&ratio, text),
			!rg_ratio_significant(&ratio) ? "level"
			: ratio.ratio > 1	      ? "faster"
						      : "slower");
	}
	fputc('\n', out);
}

/* Of each launch the geometric mean over all points, and of these the interval over launches. */
static void print_overall(const struct launches *l, const char *target, FILE *out)
{
	const struct rg_result *first = l->results[0];
	char text[CELL_BYTES];
	struct rg_ratio ratio;
	uint32_t points = 0;

	for (uint32_t i = 0; i < l->n; i++)
		l->overall[i] = 0;
	for (uint32_t k = 0; k < first->npoints; k++) {
		const struct rg_result_point *like = &first->points[k];

		if (strcmp(like->target, target) || !medians(l, like, target, l->mine) ||
		    !medians(l, like, l->baseline, l->theirs))
			continue;
		points++;
		for (uint32_t i = 0; i < l->n; i++)
			l->overall[i] += log(l->theirs[i] / l->mine[i]);
	}
	if (!points)
		return;
	for (uint32_t i = 0; i < l->n; i++) {
		l->overall[i] = exp(l->overall[i] / points);
		l->mine[i] = 1;
	}
	ratio = rg_ratio_of_launches(l->overall, l->mine, l->n);
	fprintf(out, "#   %s: %s times as fast as %s in geometric mean of %u point%s", target,
		rg_cell_ratio(ratio.ratio, text), l->baseline, points, points == 1 ? "" : "s");
	fprintf(out, ", interval %s\n", rg_cell_interval(&ratio, text));
}

static int print(const struct launches *l, FILE *out, struct rg_err *err)
{
	const struct rg_result *first = l->results[0];
	uint32_t left_out = 0, found;
	char title[80], name[32];
	int rc;

	fprintf(out,
		"# %u launches of one measurement; the first began %s\n"
		"# time     geometric mean of the launches' medians, and the least and greatest of "
		"them\n"
		"# ratio    time of %s / time of this target in the same launch: above 1 this one "
		"is "
		"faster.\n"
		"#          Geometric mean over launches, with its 95 %% interval over launches "
		"(Student's t on\n"
		"#          the logarithms); \"level\": the interval holds 1\n",
		l->n, first->started, l->baseline);
	for (uint32_t i = 1; i < l->n; i++) {
		snprintf(title, sizeof(title), "Other conditions, launch 1 -> launch %u", i + 1);
		snprintf(name, sizeof(name), "launch %u", i + 1);
		rc = rg_differences_print(first, l->results[i],
					  (const char *const[2]){"launch 1", name}, title, &found,
					  out, err);
		if (rc)
			return rc;
	}
	fprintf(out, "#%11s%9s%5s %-14s%-20s%6s%8s%6s%10s%10s%10s%8s%14s\n", "size", "type", "op",
		"collective", "target", "place", "buffers", "cache", "time", "least", "most",
		"ratio", "interval");
	fprintf(out, "#%11s%68s%10s%10s%10s\n", "(B)", "", "(us)", "(us)", "(us)");
	for (uint32_t i = 0; i < first->npoints; i++) {
		const struct rg_result_point *p = &first->points[i];

		if (medians(l, p, p->target, l->mine))
			print_point(l, p, out);
		else
			left_out++;
	}
	if (left_out)
		fprintf(out, "# Left out, because not all launches have them: %u point%s\n",
			left_out, left_out == 1 ? "" : "s");
	if (l->ntargets > 1)
		fprintf(out, "# All points\n");
	for (uint32_t i = 0; i < l->ntargets; i++) {
		if (strcmp(l->targets[i], l->baseline))
			print_overall(l, l->targets[i], out);
	}
	return rg_stream_check(out, err);
}

static bool is_twin(const struct rg_result *a, const struct rg_result *b)
{
	json_t *x, *y;
	bool same;

	/* Cheap things first. */
	if (strcmp(a->started, b->started) || a->npoints != b->npoints ||
	    (a->npoints && a->points[0].median_ns != b->points[0].median_ns))
		return false;
	x = rg_result_to_json(a);
	y = rg_result_to_json(b);
	same = x && y && json_equal(x, y);
	json_decref(x);
	json_decref(y);
	return same;
}

/* A document that is named twice would count as a launch and make every interval too narrow. */
static int refuse_twins(struct rg_result *const *results, uint32_t n, struct rg_err *err)
{
	for (uint32_t i = 0; i < n; i++) {
		for (uint32_t k = 0; k < i; k++) {
			if (is_twin(results[k], results[i]))
				return rg_err_set(err, RG_ERR_INVALID,
						  "documents %u and %u are the same launch", k + 1,
						  i + 1);
		}
	}
	return 0;
}

int rg_launches_print(struct rg_result *const *results, uint32_t n, const char *baseline, FILE *out,
		      struct rg_err *err)
{
	struct launches l = {.results = results, .n = n};
	uint32_t at = 0;
	int rc;

	if (n < 2)
		return rg_err_set(err, RG_ERR_INVALID, "one launch alone cannot be compared");
	rc = refuse_twins(results, n, err);
	if (rc)
		return rc;
	rc = rg_targets_of(results[0], &l.targets, &l.ntargets, err);
	if (rc)
		return rc;
	rc = l.ntargets ? rg_baseline_find(l.targets, l.ntargets, baseline, &at, err) : 0;
	if (rc)
		goto free_targets;
	l.baseline = l.ntargets ? l.targets[at] : "";
	l.mine = rg_zalloc(n, sizeof(double));
	l.theirs = rg_zalloc(n, sizeof(double));
	l.overall = rg_zalloc(n, sizeof(double));
	rc = l.mine && l.theirs && l.overall
		     ? print(&l, out, err)
		     : rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for the report");
	rg_free(l.overall);
	rg_free(l.theirs);
	rg_free(l.mine);
free_targets:
	rg_free(l.targets);
	return rc;
}
