/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/report/compare.h"
#include "compare_impl.h"
#include "total.h"

#include "railgauge/base/mem.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* What the lines need. */
struct launches {
	const struct rg_report *report; /* borrowed */
	const struct rg_side *side;	/* its only one */
	const char **targets;		/* owned */
	uint32_t ntargets;
	const char *baseline;  /* borrowed from targets */
	struct side_pair pair; /* owned */
};

static int open_launches(const struct rg_report *report, struct launches *l, struct rg_err *err)
{
	uint32_t at = 0;
	int rc;

	*l = (struct launches){.report = report, .side = &report->sides[0], .baseline = ""};
	if (l->side->n < 2)
		return rg_err_set(err, RG_ERR_INVALID, "one launch alone cannot be compared");
	rc = rg_refuse_twins(report, err);
	if (rc)
		return rc;
	rc = rg_targets_of(l->side->results[0], &l->targets, &l->ntargets, err);
	if (rc)
		return rc;
	if (l->ntargets)
		rc = rg_baseline_find(l->targets, l->ntargets, report->baseline, &at, err);
	if (!rc)
		rc = rg_side_pair_init(&l->pair, report, err);
	if (rc) {
		rg_free(l->targets);
		return rc;
	}
	if (l->ntargets)
		l->baseline = l->targets[at];
	return 0;
}

static void close_launches(struct launches *l)
{
	rg_side_pair_release(&l->pair);
	rg_free(l->targets);
}

/* A point in all launches; false if not all have it. *ratio_out is 0 of the baseline. */
static bool point_value(struct launches *l, const struct rg_result_point *p,
			struct side_value *value_out, struct rg_ratio *ratio_out)
{
	/* Cannot fail with several launches. */
	return !rg_side_target_ratio(&l->pair, l->side, p, l->baseline, value_out, ratio_out,
				     NULL) &&
	       value_out->first;
}

static void print_point(const struct rg_result_point *p, const struct side_value *value,
			const struct rg_ratio *ratio, FILE *out)
{
	char text[CELL_BYTES];

	fprintf(out, "%12" PRIu64 "%9s%5s %-14s%-20s%6s%8s%6s", p->size_bytes,
		rg_type_name(p->type), rg_coll_reduces(p->coll) ? rg_op_name(p->op) : "-",
		rg_coll_name(p->coll), p->target, p->in_place ? "in" : "out",
		rg_access_words[p->buffers], rg_cache_words[p->cache]);
	fprintf(out, "%10s", rg_cell_us(value->ns, text));
	fprintf(out, "%10s", rg_cell_us(value->least_ns, text));
	fprintf(out, "%10s", rg_cell_us(value->most_ns, text));
	if (ratio->ratio > 0) {
		fprintf(out, "%8s", rg_cell_ratio(ratio->ratio, text));
		fprintf(out, "%14s  %s", rg_cell_interval(ratio, text), rg_ratio_word(ratio));
	}
	fputc('\n', out);
}

static int print_overall(const struct launches *l, const char *target, FILE *out,
			 struct rg_err *err)
{
	struct rg_total total;
	char text[CELL_BYTES];
	int rc = rg_total_of_target(l->report, l->side, target, l->baseline, &total, err);

	if (rc || !total.tally.n)
		return rc;
	fprintf(out, "#   %s: %s times as fast as %s in geometric mean of %u point%s", target,
		rg_cell_ratio(total.all.ratio, text), l->baseline, total.tally.n,
		total.tally.n == 1 ? "" : "s");
	fprintf(out, ", interval %s\n", rg_cell_interval(&total.all, text));
	return 0;
}

static int print(struct launches *l, FILE *out, struct rg_err *err)
{
	const struct rg_result *first = l->side->results[0];
	uint32_t left_out = 0;
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
		l->side->n, first->started, l->baseline);
	rc = rg_side_print_differences(l->report, l->side, out, err);
	if (rc)
		return rc;
	fprintf(out, "#%11s%9s%5s %-14s%-20s%6s%8s%6s%10s%10s%10s%8s%14s\n", "size", "type", "op",
		"collective", "target", "place", "buffers", "cache", "time", "least", "most",
		"ratio", "interval");
	fprintf(out, "#%11s%68s%10s%10s%10s\n", "(B)", "", "(us)", "(us)", "(us)");
	for (uint32_t i = 0; i < first->npoints; i++) {
		struct side_value value;
		struct rg_ratio ratio;

		if (point_value(l, &first->points[i], &value, &ratio))
			print_point(&first->points[i], &value, &ratio, out);
		else
			left_out++;
	}
	if (left_out)
		fprintf(out, "# Left out, because not all launches have them: %u point%s\n",
			left_out, left_out == 1 ? "" : "s");
	if (l->ntargets > 1)
		fprintf(out, "# All points\n");
	for (uint32_t i = 0; !rc && i < l->ntargets; i++) {
		if (strcmp(l->targets[i], l->baseline))
			rc = print_overall(l, l->targets[i], out, err);
	}
	return rc ? rc : rg_stream_check(out, err);
}

int rg_launches_print(const struct rg_report *report, FILE *out, struct rg_err *err)
{
	struct launches l;
	int rc = open_launches(report, &l, err);

	if (rc)
		return rc;
	rc = print(&l, out, err);
	close_launches(&l);
	return rc;
}

int rg_launches_csv(const struct rg_report *report, FILE *out, struct rg_err *err)
{
	const struct rg_result *first;
	struct launches l;
	int rc = open_launches(report, &l, err);

	if (rc)
		return rc;
	first = l.side->results[0];
	rg_csv_key_names(out);
	fputs("launches,time_ns,time_lo_ns,time_hi_ns,least_ns,most_ns,baseline,ratio,ratio_lo,"
	      "ratio_hi,verdict\r\n",
	      out);
	for (uint32_t i = 0; i < first->npoints; i++) {
		struct side_value value;
		struct rg_ratio ratio;

		if (!point_value(&l, &first->points[i], &value, &ratio))
			continue;
		rg_csv_key(&first->points[i], out);
		fprintf(out, "%u", l.side->n);
		rg_csv_value(&value, out);
		fputc(',', out);
		rg_csv_text(l.baseline, out);
		rg_csv_ratio(&ratio, out);
	}
	close_launches(&l);
	return rg_stream_check(out, err);
}
