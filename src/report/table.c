/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/report/table.h"
#include "format.h"
#include "table_impl.h"

#include "railgauge/base/mem.h"
#include "railgauge/report/pairs.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define GROUP_WIDTH  54 /* of time to n, as printed below */
#define RATIO_WIDTH  22
#define TARGET_WIDTH 24 /* at least */

static void choose_layout(struct rg_table *t)
{
	const struct rg_table_plan *plan = &t->plan;

	if (plan->ntargets == 1 && plan->out_of_place && plan->in_place) {
		t->layout = LAYOUT_PLACES;
		t->groups[t->ngroups++] = (struct group){.target = plan->targets[0]};
		t->groups[t->ngroups++] = (struct group){plan->targets[0], .in_place = true};
	} else if (plan->ntargets <= GROUPS_MAX) {
		t->layout = LAYOUT_TARGETS;
		for (uint32_t i = 0; i < plan->ntargets; i++)
			t->groups[t->ngroups++] = (struct group){
				plan->targets[i], .any_place = true,
				.ratio = plan->ntargets > 1 && plan->targets[i] != t->baseline};
	} else {
		t->layout = LAYOUT_LINES;
		t->target_width = TARGET_WIDTH;
		for (uint32_t i = 0; i < plan->ntargets; i++) {
			if ((int)strlen(plan->targets[i]) > t->target_width)
				t->target_width = (int)strlen(plan->targets[i]);
		}
		t->groups[t->ngroups++] = (struct group){NULL, .any_place = true, .ratio = true};
	}
	t->buffers = plan->access[RG_ACCESS_PRIVATE] && plan->access[RG_ACCESS_WINDOW];
}

static bool has_place_column(const struct rg_table *t)
{
	return t->layout != LAYOUT_PLACES;
}

/* A line under construction: written without blanks at its end. */
struct line {
	char text[1024]; /* three groups take 300 */
	size_t n;
};

__attribute__((format(printf, 2, 3))) static void add(struct line *line, const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(line->text + line->n, sizeof(line->text) - line->n, fmt, args);
	va_end(args);
	if (n > 0)
		line->n += (size_t)n;
	if (line->n >= sizeof(line->text))
		line->n = sizeof(line->text) - 1;
}

static void end_line(struct line *line, FILE *out)
{
	while (line->n && line->text[line->n - 1] == ' ')
		line->n--;
	fprintf(out, "%.*s\n", (int)line->n, line->text);
	line->n = 0;
}

/* The two lines of column names. */
static void print_titles(const struct rg_table *t)
{
	struct line row = {.n = 0}, *line = &row;
	int keys = 12 + 13 + 9 + 5 + 5 + (has_place_column(t) ? 6 : 0) + (t->buffers ? 8 : 0) + 6 +
		   (t->target_width ? 1 + t->target_width : 0);

	add(line, "#%*s", keys - 1, "");
	for (uint32_t g = 0; g < t->ngroups; g++) {
		const struct group *group = &t->groups[g];
		const char *name = t->layout == LAYOUT_LINES	 ? ""
				   : t->layout == LAYOUT_TARGETS ? group->target
				   : group->in_place		 ? "in place"
								 : "out of place";

		add(line, " | %-*s", GROUP_WIDTH + (group->ratio ? RATIO_WIDTH : 0), name);
	}
	end_line(line, t->out);
	add(line, "#%11s%13s%9s%5s%5s", "size", "count", "type", "op", "root");
	if (has_place_column(t))
		add(line, "%6s", "place");
	if (t->buffers)
		add(line, "%8s", "buffers");
	add(line, "%6s", "k");
	if (t->target_width)
		add(line, " %-*s", t->target_width, "target");
	for (uint32_t g = 0; g < t->ngroups; g++) {
		add(line, " | %9s%7s%8s%8s%8s%7s%7s", "time", "+-%", "algbw", "busbw", "bound%",
		    "wrong", "n");
		if (t->groups[g].ratio)
			add(line, "%8s%14s", "ratio", "interval");
	}
	end_line(line, t->out);
	add(line, "#%11s%13s%9s%5s%5s", "(B)", "(elements)", "", "", "");
	add(line, "%*s", keys - 44, "");
	for (uint32_t g = 0; g < t->ngroups; g++) {
		add(line, " | %9s%7s%8s%8s%8s%7s%7s", "(us)", "", "(GB/s)", "(GB/s)", "", "", "");
		if (t->groups[g].ratio)
			add(line, "%*s", RATIO_WIDTH, "");
	}
	end_line(line, t->out);
}

int rg_table_open(const struct rg_result *head, const struct rg_table_plan *plan, FILE *out,
		  struct rg_table **table_out, struct rg_err *err)
{
	struct rg_table *t;
	uint32_t baseline = 0;
	int rc = 0;

	if (plan->ntargets)
		rc = rg_baseline_find(plan->targets, plan->ntargets, plan->baseline, &baseline,
				      err);
	if (rc)
		return rc;
	t = rg_zalloc(1, sizeof(*t));
	if (!t)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for the table");
	t->out = out;
	t->plan = *plan;
	t->baseline = plan->ntargets ? plan->targets[baseline] : "";
	choose_layout(t);
	rg_table_legend(t, head);
	print_titles(t);
	rc = rg_stream_check(out, err);
	if (rc) {
		rg_free(t);
		return rc;
	}
	*table_out = t;
	return 0;
}

static int add_ratio(struct line *line, const struct rg_result_point *point,
		     const struct rg_result_point *baseline, struct rg_err *err)
{
	char text[CELL_BYTES];
	struct rg_ratio ratio;
	int rc;

	if (!baseline || !baseline->n || !point->n || point == baseline) {
		add(line, "%8s%14s", "-", "-");
		return 0;
	}
	rc = rg_points_ratio(baseline, point, &ratio, err);
	if (rc)
		return rc;
	add(line, "%8s", rg_cell_ratio(ratio.ratio, text));
	add(line, "%14s", rg_cell_interval(&ratio, text));
	return 0;
}

static void add_group(struct line *line, const struct rg_result_point *point)
{
	char text[CELL_BYTES];

	if (!point || !point->n) {
		add(line, " | %9s%7s%8s%8s%8s%7s%7s", "-", "", "", "", "", "", point ? "0" : "");
		return;
	}
	add(line, " | %9s", rg_cell_us(point->median_ns, text));
	add(line, "%7s", rg_cell_spread(point, text));
	if (point->size_bytes) {
		add(line, "%8s", rg_cell_GBps(point->algbw_Bps, text));
		add(line, "%8s", rg_cell_GBps(point->busbw_Bps, text));
	} else {
		add(line, "%8s%8s", "-", "-");
	}
	if (point->bound_ns > 0)
		snprintf(text, sizeof(text), "%.0f%s", 100 * point->fraction,
			 point->fraction > RG_BOUND_ERROR ? "!" : "");
	else
		snprintf(text, sizeof(text), "-");
	add(line, "%8s", text);
	if (point->checked)
		add(line, "%7" PRIu64, point->wrong);
	else
		add(line, "%7s", "-");
	add(line, "%7" PRIu64, point->n);
}

/* What the points of the next lines share and no column says. */
static void print_section(struct rg_table *t, const struct rg_result_point *point)
{
	bool semantics = point->buffers == RG_ACCESS_WINDOW;
	/* Of private buffers it says nothing. */
	bool persistent = semantics   ? point->persistent
			  : t->titled ? t->persistent
				      : t->plan.persistent && !t->plan.on_request;

	if (t->titled && t->coll == point->coll && t->persistent == persistent &&
	    t->cache == point->cache)
		return;
	t->titled = true;
	t->coll = point->coll;
	t->persistent = persistent;
	t->cache = point->cache;
	fprintf(t->out, "# %s", rg_coll_name(point->coll));
	if (point->traffic)
		fprintf(t->out, ", traffic %s", point->traffic);
	fprintf(t->out, ", caches %s", rg_cache_words[point->cache]);
	if (semantics || t->buffers)
		fprintf(t->out, ", windows %s", persistent ? "persistent" : "clear to send");
	if (!t->buffers)
		fprintf(t->out, ", buffers %s", rg_access_words[point->buffers]);
	fputc('\n', t->out);
}

static int print_line(struct rg_table *t, const struct rg_result_point *points, uint32_t npoints,
		      const struct rg_result_point *first, struct rg_err *err)
{
	struct line row = {.n = 0}, *line = &row;
	char text[CELL_BYTES];
	int rc = 0;

	print_section(t, first);
	add(line, "%12" PRIu64 "%13" PRIu64 "%9s%5s", first->size_bytes, first->count,
	    first->coll == RG_COLL_BARRIER ? "-" : rg_type_name(first->type),
	    rg_coll_reduces(first->coll) ? rg_op_name(first->op) : "-");
	add(line, "%5s", rg_cell_root(first, text));
	if (has_place_column(t))
		add(line, "%6s", first->in_place ? "in" : "out");
	if (t->buffers)
		add(line, "%8s", rg_access_words[first->buffers]);
	add(line, "%6u", first->ops);
	if (t->target_width)
		add(line, " %-*s", t->target_width, first->target);
	for (uint32_t g = 0; !rc && g < t->ngroups; g++) {
		const struct group *group = &t->groups[g];
		bool in_place = group->any_place ? first->in_place : group->in_place;
		const struct rg_result_point *point = first;

		if (group->target)
			point = rg_point_find(points, npoints, first, group->target, in_place);
		add_group(line, point);
		if (group->ratio && point)
			rc = add_ratio(line, point,
				       rg_point_find(points, npoints, point, t->baseline, in_place),
				       err);
		else if (group->ratio)
			add(line, "%*s", RATIO_WIDTH, "");
	}
	if (!rc)
		end_line(line, t->out);
	return rc;
}

/* Do two points stand on one line? */
static bool same_line(const struct rg_table *t, const struct rg_result_point *a,
		      const struct rg_result_point *b)
{
	struct rg_result_point like = *b;

	if (t->layout == LAYOUT_LINES)
		return false;
	like.target = a->target;
	if (t->layout == LAYOUT_PLACES)
		like.in_place = a->in_place;
	return rg_result_point_same(a, &like);
}

int rg_table_add(struct rg_table *t, const struct rg_result_point *points, uint32_t npoints,
		 struct rg_err *err)
{
	int rc = 0;

	for (uint32_t i = 0; !rc && i < npoints; i++) {
		uint32_t k = 0;

		while (k < i && !same_line(t, &points[k], &points[i]))
			k++;
		if (k == i)
			rc = print_line(t, points, npoints, &points[i], err);
	}
	return rc ? rc : rg_stream_check(t->out, err);
}

int rg_table_close(struct rg_table *t, const struct rg_result *result, struct rg_err *err)
{
	int rc = 0;

	if (!t)
		return 0;
	if (result) {
		rc = rg_table_summary(t, result, err);
		if (!rc)
			rc = rg_stream_check(t->out, err);
	}
	rg_free(t);
	return rc;
}

int rg_table_print(const struct rg_result *result, const char *baseline, FILE *out,
		   struct rg_err *err)
{
	struct rg_table_plan plan = {.baseline = baseline};
	struct rg_table *table = NULL;
	const char **targets;
	int rc;

	if (result->npairs)
		return rg_pairs_print(result, out, err);
	rc = rg_targets_of(result, &targets, &plan.ntargets, err);
	if (rc)
		return rc;
	plan.targets = targets;
	for (uint32_t i = 0; i < result->npoints; i++) {
		const struct rg_result_point *point = &result->points[i];

		plan.out_of_place |= !point->in_place;
		plan.in_place |= point->in_place;
		plan.access[point->buffers] = true;
		plan.persistent |= point->persistent;
		plan.on_request |= point->buffers == RG_ACCESS_WINDOW && !point->persistent;
		plan.cache[point->cache] = true;
	}
	rc = rg_table_open(result, &plan, out, &table, err);
	if (!rc)
		rc = rg_table_add(table, result->points, result->npoints, err);
	if (rc)
		rg_table_close(table, NULL, NULL);
	else
		rc = rg_table_close(table, result, err);
	rg_free(targets);
	return rc;
}
