/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/report/compare.h"
#include "compare_impl.h"
#include "differences.h"
#include "total.h"

#include "railgauge/base/mem.h"
#include "railgauge/base/units.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* "allreduce 8B float sum, mpi, in place, private, clear to send, warm" */
static void print_identity(FILE *out, const struct rg_result_point *p)
{
	char size[RG_UNITS_BYTES];

	fprintf(out, "%s %sB %s%s%s, %s, %s, %s, %s, %s\n", rg_coll_name(p->coll),
		rg_format_size(p->size_bytes, size), rg_type_name(p->type),
		rg_coll_reduces(p->coll) ? " " : "",
		rg_coll_reduces(p->coll) ? rg_op_name(p->op) : "", p->target,
		p->in_place ? "in place" : "out of place", rg_access_words[p->buffers],
		rg_semantics(p), rg_cache_words[p->cache]);
}

const char *rg_semantics(const struct rg_result_point *p)
{
	if (p->buffers == RG_ACCESS_PRIVATE)
		return "-";
	return p->persistent ? "persistent" : "clear-to-send";
}

static const struct rg_result_point *partner(const struct rg_result *b,
					     const struct rg_result_point *point)
{
	return rg_point_find(b->points, b->npoints, point, point->target, point->in_place);
}

static bool has(const struct rg_side *side, const struct rg_result_point *p)
{
	for (uint32_t i = 0; i < side->n; i++) {
		const struct rg_result_point *q = partner(side->results[i], p);

		if (!q || !q->n)
			return false;
	}
	return true;
}

/* Points of a that b does not have at all, and with both, those that one of them did not run. */
static void print_unmatched(const struct rg_side *a, const struct rg_side *b, bool both, bool two,
			    FILE *out)
{
	const struct rg_result *from = a->results[0];

	for (uint32_t i = 0; i < from->npoints; i++) {
		const struct rg_result_point *p = &from->points[i];
		const struct rg_side *lacks = has(a, p) ? b : a;
		bool known = partner(b->results[0], p);

		if (known && (!both || (has(a, p) && has(b, p))))
			continue;
		if (!known && two)
			fprintf(out, "# only in %s: ", a->name);
		else if (!known)
			fprintf(out, "# in %s, but not in %s: ", a->name, b->name);
		else
			fprintf(out, "# not run in %s%s: ", lacks->n > 1 ? "all launches of " : "",
				lacks->name);
		print_identity(out, p);
	}
}

/* --- conditions --- */

static void print_heading(const struct rg_side *side, FILE *out)
{
	uint32_t incomplete = 0;

	for (uint32_t i = 0; i < side->n; i++)
		incomplete += !side->results[i]->complete;
	if (side->n == 1) {
		fprintf(out, "# %s: %s, begun %s%s\n", side->name, side->paths[0],
			side->results[0]->started, incomplete ? ", INCOMPLETE" : "");
		return;
	}
	fprintf(out, "# %s: %u launches, %s to %s, the first begun %s", side->name, side->n,
		side->paths[0], side->paths[side->n - 1], side->results[0]->started);
	if (incomplete)
		fprintf(out, ", %u INCOMPLETE", incomplete);
	fputc('\n', out);
}

int rg_side_print_differences(const struct rg_report *report, const struct rg_side *side, FILE *out,
			      struct rg_err *err)
{
	const char *prefix = report->nsides > 1 ? side->name : "";
	const char *comma = report->nsides > 1 ? ", " : "";
	char title[96], first[32], name[32];
	uint32_t found;
	int rc = 0;

	snprintf(first, sizeof(first), "%.8s%slaunch 1", prefix, comma);
	for (uint32_t i = 1; !rc && i < side->n; i++) {
		snprintf(name, sizeof(name), "%.8s%slaunch %u", prefix, comma, i + 1);
		snprintf(title, sizeof(title), "Other conditions, %s -> launch %u", first, i + 1);
		rc = rg_differences_print(side->results[0], side->results[i],
					  (const char *const[2]){first, name}, title,
					  report->options, &found, out, err);
	}
	return rc;
}

static int print_conditions(const struct rg_report *report, FILE *out, struct rg_err *err)
{
	const struct rg_side *a = &report->sides[0];
	uint32_t found, all = 0;
	char title[64];
	int rc = 0;

	for (uint32_t i = 0; i < report->nsides; i++)
		print_heading(&report->sides[i], out);
	for (uint32_t i = 0; !rc && i < report->nsides; i++)
		rc = rg_side_print_differences(report, &report->sides[i], out, err);
	for (uint32_t i = 1; !rc && i < report->nsides; i++) {
		const struct rg_side *b = &report->sides[i];

		snprintf(title, sizeof(title), "Different conditions, %.8s -> %.8s", a->name,
			 b->name);
		rc = rg_differences_print(a->results[0], b->results[0],
					  (const char *const[2]){a->name, b->name}, title,
					  report->options, &found, out, err);
		all += found;
		if (!rc && !found && report->nsides > 2)
			fprintf(out, "# The conditions of %s and %s are the same\n", a->name,
				b->name);
	}
	if (!rc && !all && report->nsides == 2)
		fprintf(out, "# The conditions%s are the same, as far as they are recorded\n",
			rg_report_has_groups(report) ? " of the first launches" : "");
	return rc;
}

/* --- what the words mean --- */

static void explain_two(FILE *out)
{
	fprintf(out,
		"# A / B is the ratio of the medians' times, above 1 where B took less, with "
		"its 95 %% interval\n"
		"# within these two launches. \"level\": the interval holds 1; \"apart\": it does "
		"not; \"unknown\":\n"
		"# too few repetitions. Where nothing differs, still one point in 20 is expected "
		"apart, and launches\n"
		"# differ by more than their own noise: which is faster, several of either tell "
		"(scripts/launches,\n"
		"# railgauge report).\n");
}

static void explain_many(const struct rg_report *report, FILE *out)
{
	const char *a = report->sides[0].name;

	fprintf(out,
		"# time     median of a launch; of several the geometric mean of their medians, "
		"and the\n"
		"#          least and greatest of them\n"
		"# ratio    time of %s / time of this side, above 1 where this one took less, "
		"with its 95 %%\n"
		"#          interval: within these launches, where both sides have one (\"apart\": "
		"it does not\n"
		"#          hold 1, but launches differ by more than their own noise); over "
		"launches, where\n"
		"#          both have several, which need not be pairs (Welch's t on the "
		"logarithms).\n"
		"#          \"level\": it holds 1; \"unknown\": too few repetitions, or only one "
		"side has\n"
		"#          launches. Where nothing differs, still one point in 20 is expected not "
		"to be level\n",
		a);
}

/* --- points --- */

static void print_key(const struct rg_result_point *p, FILE *out)
{
	fprintf(out, "%12" PRIu64 "%9s%5s %-14s%-20s%6s%8s%14s%6s", p->size_bytes,
		rg_type_name(p->type), rg_coll_reduces(p->coll) ? rg_op_name(p->op) : "-",
		rg_coll_name(p->coll), p->target, p->in_place ? "in" : "out",
		rg_access_words[p->buffers], rg_semantics(p), rg_cache_words[p->cache]);
}

static void print_ratio(const struct rg_ratio *ratio, FILE *out)
{
	char text[CELL_BYTES];

	fprintf(out, "%8s", rg_cell_ratio(ratio->ratio, text));
	fprintf(out, "%14s  %s", rg_cell_interval(ratio, text), rg_ratio_word(ratio));
}

/* A and B on one line. */
static void print_two(const struct rg_report *report, struct side_pair *pair, FILE *out)
{
	const struct rg_side *a = &report->sides[0], *b = &report->sides[1];
	char time[CELL_BYTES];

	fprintf(out, "#%11s%9s%5s %-14s%-20s%6s%8s%14s%6s%10s%10s%8s%14s\n", "size", "type", "op",
		"collective", "target", "place", "buffers", "semantics", "cache", "A", "B", "A / B",
		"interval");
	fprintf(out, "#%11s%82s%10s%10s\n", "(B)", "", "(us)", "(us)");
	for (uint32_t i = 0; i < a->results[0]->npoints; i++) {
		const struct rg_result_point *p = &a->results[0]->points[i];
		struct side_value x, y;
		struct rg_ratio ratio;

		if (!rg_side_ratio(pair, a, b, p, &x, &y, &ratio))
			continue;
		print_key(p, out);
		fprintf(out, "%10s", rg_cell_us(x.ns, time));
		fprintf(out, "%10s", rg_cell_us(y.ns, time));
		print_ratio(&ratio, out);
		fputc('\n', out);
	}
}

/* Behind the key: one side's time and, but for the first side, its ratio. */
static void print_value(const struct rg_side *side, const struct side_value *v, bool groups,
			const struct rg_ratio *ratio, FILE *out)
{
	char text[CELL_BYTES];

	fprintf(out, "  %-4s", side->name);
	fprintf(out, "%10s", rg_cell_us(v->ns, text));
	if (groups) {
		fprintf(out, "%10s", rg_cell_us(v->least_ns, text));
		fprintf(out, "%10s", rg_cell_us(v->most_ns, text));
	}
	if (ratio)
		print_ratio(ratio, out);
	fputc('\n', out);
}

/* A line per point and side. */
static void print_many(const struct rg_report *report, struct side_pair *pair, FILE *out)
{
	const struct rg_side *a = &report->sides[0];
	bool groups = rg_report_has_groups(report);

	fprintf(out, "#%11s%9s%5s %-14s%-20s%6s%8s%14s%6s  %-4s%10s", "size", "type", "op",
		"collective", "target", "place", "buffers", "semantics", "cache", "side", "time");
	if (groups)
		fprintf(out, "%10s%10s", "least", "most");
	fprintf(out, "%8s%14s\n#%11s%88s%10s", "ratio", "interval", "(B)", "", "(us)");
	if (groups)
		fprintf(out, "%10s%10s", "(us)", "(us)");
	fputc('\n', out);
	for (uint32_t i = 0; i < a->results[0]->npoints; i++) {
		const struct rg_result_point *p = &a->results[0]->points[i];
		bool first = true;

		for (uint32_t s = 1; s < report->nsides; s++) {
			const struct rg_side *b = &report->sides[s];
			struct side_value x, y;
			struct rg_ratio ratio;

			if (!rg_side_ratio(pair, a, b, p, &x, &y, &ratio))
				continue;
			if (first) {
				print_key(p, out);
				print_value(a, &x, groups, NULL, out);
			}
			first = false;
			print_key(p, out);
			print_value(b, &y, groups, &ratio, out);
		}
	}
}

/* --- all points --- */

static void print_total(const struct rg_side *a, const struct rg_side *b, const char *target,
			const struct rg_total *total, FILE *out)
{
	const struct rg_tally *tally = &total->tally;
	char text[CELL_BYTES];

	if (!tally->n)
		return;
	fprintf(out, "# %s: %s / %s %s in geometric mean of %u point%s", target, a->name, b->name,
		rg_cell_ratio(rg_tally_mean(tally), text), tally->n, tally->n == 1 ? "" : "s");
	if (total->all.ratio > 0)
		fprintf(out, ", interval %s; %s is faster in %u, slower in %u\n",
			rg_cell_interval(&total->all, text), b->name, tally->above, tally->below);
	else if (a->n == 1 && b->n == 1)
		fprintf(out, "; the interval is above 1 in %u, below 1 in %u\n", tally->above,
			tally->below);
	else
		fputc('\n', out);
}

static int print_summary(const struct rg_report *report, FILE *out, struct rg_err *err)
{
	const struct rg_side *a = &report->sides[0];
	const char **targets;
	uint32_t ntargets;
	int rc = rg_targets_of(a->results[0], &targets, &ntargets, err);

	if (rc)
		return rc;
	for (uint32_t s = 1; !rc && s < report->nsides; s++) {
		const struct rg_side *b = &report->sides[s];

		for (uint32_t t = 0; !rc && t < ntargets; t++) {
			struct rg_total total;

			rc = rg_total_of_sides(report, a, b, targets[t], &total, err);
			if (!rc)
				print_total(a, b, targets[t], &total, out);
		}
	}
	rg_free(targets);
	return rc;
}

int rg_compare_print(const struct rg_report *report, FILE *out, struct rg_err *err)
{
	bool two = report->nsides == 2 && !rg_report_has_groups(report);
	struct side_pair pair;
	int rc = rg_refuse_twins(report, err);

	if (!rc)
		rc = print_conditions(report, out, err);
	if (!rc)
		rc = rg_side_pair_init(&pair, report, err);
	if (rc)
		return rc;
	if (two) {
		explain_two(out);
		print_two(report, &pair, out);
	} else {
		explain_many(report, out);
		print_many(report, &pair, out);
	}
	for (uint32_t i = 1; i < report->nsides; i++) {
		print_unmatched(&report->sides[0], &report->sides[i], true, report->nsides == 2,
				out);
		print_unmatched(&report->sides[i], &report->sides[0], false, report->nsides == 2,
				out);
	}
	rg_side_pair_release(&pair);
	rc = print_summary(report, out, err);
	return rc ? rc : rg_stream_check(out, err);
}
