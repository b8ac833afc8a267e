/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/report/compare.h"
#include "differences.h"
#include "format.h"

#include "railgauge/base/mem.h"
#include "railgauge/base/units.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* One launch of either does not say which is faster, only whether these two are apart. */
static const char *verdict(const struct rg_ratio *ratio)
{
	if (!ratio->reached)
		return "unknown";
	return rg_ratio_significant(ratio) ? "apart" : "level";
}

static struct rg_ratio ratio_of(const struct rg_result_point *a, const struct rg_result_point *b)
{
	struct rg_stats x = rg_point_stats(a), y = rg_point_stats(b);

	return rg_ratio_of_medians(&x, &y);
}

/* The point of b that is the same measurement. */
static const struct rg_result_point *partner(const struct rg_result *b,
					     const struct rg_result_point *point)
{
	return rg_point_find(b->points, b->npoints, point, point->target, point->in_place);
}

/* How destinations were handed over; private ones are not. */
static const char *semantics(const struct rg_result_point *p)
{
	if (p->buffers == RG_ACCESS_PRIVATE)
		return "-";
	return p->persistent ? "persistent" : "clear-to-send";
}

/* "allreduce float sum, mpi, in place, private, clear to send, warm" */
static void print_identity(FILE *out, const struct rg_result_point *p)
{
	char size[RG_UNITS_BYTES];

	fprintf(out, "%s %sB %s%s%s, %s, %s, %s, %s, %s", rg_coll_name(p->coll),
		rg_format_size(p->size_bytes, size), rg_type_name(p->type),
		rg_coll_reduces(p->coll) ? " " : "",
		rg_coll_reduces(p->coll) ? rg_op_name(p->op) : "", p->target,
		p->in_place ? "in place" : "out of place", rg_access_words[p->buffers],
		semantics(p), rg_cache_words[p->cache]);
}

static void print_points(const struct rg_result *a, const struct rg_result *b, FILE *out)
{
	char text[CELL_BYTES], time[CELL_BYTES];

	fprintf(out, "#%11s%9s%5s %-14s%-20s%6s%8s%14s%6s%10s%10s%8s%14s\n", "size", "type", "op",
		"collective", "target", "place", "buffers", "semantics", "cache", "A", "B", "A / B",
		"interval");
	fprintf(out, "#%11s%82s%10s%10s\n", "(B)", "", "(us)", "(us)");
	for (uint32_t i = 0; i < a->npoints; i++) {
		const struct rg_result_point *p = &a->points[i], *q = partner(b, p);
		struct rg_ratio ratio;

		if (!q || !p->n || !q->n)
			continue;
		ratio = ratio_of(p, q);
		fprintf(out, "%12" PRIu64 "%9s%5s %-14s%-20s%6s%8s%14s%6s", p->size_bytes,
			rg_type_name(p->type), rg_coll_reduces(p->coll) ? rg_op_name(p->op) : "-",
			rg_coll_name(p->coll), p->target, p->in_place ? "in" : "out",
			rg_access_words[p->buffers], semantics(p), rg_cache_words[p->cache]);
		fprintf(out, "%10s", rg_cell_us(p->median_ns, time));
		fprintf(out, "%10s", rg_cell_us(q->median_ns, time));
		fprintf(out, "%8s", rg_cell_ratio(ratio.ratio, text));
		fprintf(out, "%14s  %s\n", rg_cell_interval(&ratio, text), verdict(&ratio));
	}
}

/* Points of a that b does not have, or that one of them did not run. */
static void print_unmatched(const struct rg_result *a, const struct rg_result *b, const char *name,
			    bool both, FILE *out)
{
	for (uint32_t i = 0; i < a->npoints; i++) {
		const struct rg_result_point *p = &a->points[i], *q = partner(b, p);

		if (q && (!both || (p->n && q->n)))
			continue;
		fprintf(out, q ? "# not run in %s: " : "# only in %s: ",
			!q     ? name
			: p->n ? "B"
			       : "A");
		print_identity(out, p);
		fputc('\n', out);
	}
}

/* One line per target of A. */
static int print_summary(const struct rg_result *a, const struct rg_result *b, FILE *out,
			 struct rg_err *err)
{
	double *ratios = rg_zalloc((size_t)a->npoints + 1, sizeof(*ratios));
	const char **targets;
	uint32_t ntargets;
	int rc = ratios ? rg_targets_of(a, &targets, &ntargets, err)
			: rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for the report");

	if (rc) {
		rg_free(ratios);
		return rc;
	}
	for (uint32_t t = 0; t < ntargets; t++) {
		uint32_t n = 0, above = 0, below = 0;
		char text[CELL_BYTES];

		for (uint32_t i = 0; i < a->npoints; i++) {
			const struct rg_result_point *p = &a->points[i], *q = partner(b, p);
			struct rg_ratio ratio;

			if (!q || !p->n || !q->n || strcmp(p->target, targets[t]))
				continue;
			ratio = ratio_of(p, q);
			ratios[n++] = ratio.ratio;
			above += rg_ratio_significant(&ratio) && ratio.ratio > 1;
			below += rg_ratio_significant(&ratio) && ratio.ratio < 1;
		}
		if (n)
			fprintf(out,
				"# %s: A / B %s in geometric mean of %u point%s; the interval is "
				"above 1 in %u, below 1 in %u\n",
				targets[t], rg_cell_ratio(rg_stats_geomean(ratios, n), text), n,
				n == 1 ? "" : "s", above, below);
	}
	rg_free(targets);
	rg_free(ratios);
	return 0;
}

int rg_compare_print(const struct rg_result *a, const char *name_a, const struct rg_result *b,
		     const char *name_b, FILE *out, struct rg_err *err)
{
	static const char *const names[2] = {"A", "B"};
	uint32_t found;
	int rc;

	fprintf(out, "# A: %s, begun %s%s\n# B: %s, begun %s%s\n", name_a, a->started,
		a->complete ? "" : ", INCOMPLETE", name_b, b->started,
		b->complete ? "" : ", INCOMPLETE");
	rc = rg_differences_print(a, b, names, "Different conditions, A -> B", &found, out, err);
	if (rc)
		return rc;
	if (!found)
		fprintf(out, "# The conditions are the same, as far as they are recorded\n");
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
	print_points(a, b, out);
	print_unmatched(a, b, "A", true, out);
	print_unmatched(b, a, "B", false, out);
	rc = print_summary(a, b, out, err);
	return rc ? rc : rg_stream_check(out, err);
}

int rg_compare_csv(const struct rg_result *a, const struct rg_result *b, FILE *out,
		   struct rg_err *err)
{
	fputs("collective,size_bytes,count,type,op,root,in_place,target,buffers,persistent,cache,"
	      "a_median_ns,b_median_ns,ratio,ratio_lo,ratio_hi,verdict\r\n",
	      out);
	for (uint32_t i = 0; i < a->npoints; i++) {
		const struct rg_result_point *p = &a->points[i], *q = partner(b, p);
		struct rg_ratio ratio;

		if (!q || !p->n || !q->n)
			continue;
		ratio = ratio_of(p, q);
		fprintf(out, "%s,%" PRIu64 ",%" PRIu64 ",%s,%s,%u,%s,%s,%s,%s,%s,", //
			rg_coll_name(p->coll), p->size_bytes, p->count, rg_type_name(p->type),
			rg_op_name(p->op), p->root, p->in_place ? "true" : "false", p->target,
			rg_access_words[p->buffers], p->persistent ? "true" : "false",
			rg_cache_words[p->cache]);
		fprintf(out, "%.12g,%.12g,%.6g,%.6g,%.6g,%s\r\n", p->median_ns, q->median_ns,
			ratio.ratio, ratio.lo, ratio.hi, verdict(&ratio));
	}
	return rg_stream_check(out, err);
}
