/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/report/compare.h"
#include "compare_impl.h"
#include "format.h"

#include <inttypes.h>

void rg_csv_key_names(FILE *out)
{
	fputs("collective,size_bytes,count,type,op,root,in_place,target,buffers,persistent,cache,"
	      "traffic,",
	      out);
}

void rg_csv_key(const struct rg_result_point *p, FILE *out)
{
	fprintf(out, "%s,%" PRIu64 ",%" PRIu64 ",%s,%s,", rg_coll_name(p->coll), p->size_bytes,
		p->count, rg_type_name(p->type), rg_op_name(p->op));
	if (p->root_rotates && rg_coll_has_root(p->coll))
		fputs("all", out);
	else
		fprintf(out, "%u", p->root);
	fprintf(out, ",%s,", p->in_place ? "true" : "false");
	rg_csv_text(p->target, out);
	fprintf(out, ",%s,%s,%s,", rg_access_words[p->buffers], p->persistent ? "true" : "false",
		rg_cache_words[p->cache]);
	rg_csv_text(p->traffic ? p->traffic : "", out);
	fputc(',', out);
}

void rg_csv_value(const struct side_value *value, FILE *out)
{
	fprintf(out, ",%.12g,%.12g,%.12g,%.12g,%.12g", value->ns, value->lo_ns, value->hi_ns,
		value->least_ns, value->most_ns);
}

void rg_csv_ratio(const struct rg_ratio *ratio, FILE *out)
{
	if (ratio->n > 1 && !ratio->reached) /* too few launches for an interval */
		fprintf(out, ",%.6g,,,%s\r\n", ratio->ratio, rg_ratio_word(ratio));
	else if (ratio->ratio > 0)
		fprintf(out, ",%.6g,%.6g,%.6g,%s\r\n", ratio->ratio, ratio->lo, ratio->hi,
			rg_ratio_word(ratio));
	else
		fputs(",,,,\r\n", out);
}

static void print_two(const struct rg_report *report, struct side_pair *pair, FILE *out)
{
	const struct rg_side *a = &report->sides[0], *b = &report->sides[1];

	rg_csv_key_names(out);
	fputs("a_median_ns,b_median_ns,ratio,ratio_lo,ratio_hi,verdict\r\n", out);
	for (uint32_t i = 0; i < a->results[0]->npoints; i++) {
		const struct rg_result_point *p = &a->results[0]->points[i];
		struct side_value x, y;
		struct rg_ratio ratio;

		if (!rg_side_ratio(pair, a, b, p, &x, &y, &ratio))
			continue;
		rg_csv_key(p, out);
		fprintf(out, "%.12g,%.12g", x.ns, y.ns);
		rg_csv_ratio(&ratio, out);
	}
}

/* One side's line of a point; ratio is all zero for the first side. */
static void print_side(const struct rg_result_point *p, const struct rg_side *side,
		       const struct side_value *value, const struct rg_ratio *ratio, FILE *out)
{
	rg_csv_key(p, out);
	fprintf(out, "%s,%u", side->name, side->n);
	rg_csv_value(value, out);
	rg_csv_ratio(ratio, out);
}

static void print_many(const struct rg_report *report, struct side_pair *pair, FILE *out)
{
	const struct rg_side *a = &report->sides[0];

	rg_csv_key_names(out);
	fputs("side,launches,time_ns,time_lo_ns,time_hi_ns,least_ns,most_ns,ratio,ratio_lo,"
	      "ratio_hi,verdict\r\n",
	      out);
	for (uint32_t i = 0; i < a->results[0]->npoints; i++) {
		const struct rg_result_point *p = &a->results[0]->points[i];
		struct side_value x = rg_side_value(a, p, p->target, pair->medians_a), y;
		struct rg_ratio ratio = {0};

		if (!x.first)
			continue;
		print_side(p, a, &x, &ratio, out);
		for (uint32_t s = 1; s < report->nsides; s++) {
			if (rg_side_ratio(pair, a, &report->sides[s], p, &x, &y, &ratio))
				print_side(p, &report->sides[s], &y, &ratio, out);
		}
	}
}

int rg_compare_csv(const struct rg_report *report, FILE *out, struct rg_err *err)
{
	struct side_pair pair;
	int rc = rg_refuse_twins(report, err);

	if (!rc)
		rc = rg_side_pair_init(&pair, report, err);
	if (rc)
		return rc;
	if (report->nsides == 2 && !rg_report_has_groups(report))
		print_two(report, &pair, out);
	else
		print_many(report, &pair, out);
	rg_side_pair_release(&pair);
	return rg_stream_check(out, err);
}
