/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/report/pairs.h"
#include "counters.h"
#include "format.h"
#include "pairs_matrix.h"
#include "table_impl.h"

#include "railgauge/base/units.h"

#include <inttypes.h>
#include <string.h>

#define RANKS_SHOWN 32 /* of a matrix */

/* --- two ranks: lines --- */

static void print_columns(FILE *out)
{
	fprintf(out,
		"# Columns\n"
		"#   test, size     what was measured, with messages of so many bytes\n"
		"#   median         of n durations: latency one way (of a read there and back), "
		"else "
		"the time of\n"
		"#                  a block of messages / the messages in it; +-%%: its 95 %% "
		"interval within this\n"
		"#                  launch, the longer side\n"
		"#   mean .. max    of the same durations: mean, standard deviation, what 99 and "
		"99.9 %% of them\n"
		"#                  do not exceed, the greatest\n"
		"#   GB/s, Mmsg/s   all bytes, all messages / all time; bidirectional: both "
		"directions together\n"
		"#   bound%%         how near it comes to what the line allows; - none is known\n"
		"#   wrong          bytes of received messages that are not what they must be; - "
		"not "
		"checked\n#\n");
	fprintf(out, "#%13s %8s %5s %9s | %9s%6s%9s%9s%9s%9s%9s | %8s%8s%9s%7s | %6s%8s\n", "test",
		"from->to", "rail", "size", "median", "+-%", "mean", "stdev", "p99", "p99.9", "max",
		"GB/s", "Gbit/s", "Mmsg/s", "bound%", "wrong", "n");
	fprintf(out, "#%13s %8s %5s %9s | %9s%6s%9s%9s%9s%9s%9s |\n", "", "", "", "(B)", "(us)", "",
		"(us)", "(us)", "(us)", "(us)", "(us)");
}

static void print_time(FILE *out, double ns)
{
	char text[CELL_BYTES];

	fprintf(out, "%9s", rg_cell_us(ns, text));
}

static void print_rates(FILE *out, const struct rg_result_pair *p)
{
	char text[PAIRS_CELL_BYTES];

	if (!(p->rate_Bps > 0)) {
		fprintf(out, " | %8s%8s%9s", "-", "-", "-");
	} else {
		fprintf(out, " | %8s", rg_pairs_cell(RG_PAIRS_BANDWIDTH, p->rate_Bps, text));
		fprintf(out, "%8s", rg_pairs_cell(RG_PAIRS_BANDWIDTH, 8 * p->rate_Bps, text));
		fprintf(out, "%9s", rg_pairs_cell(RG_PAIRS_RATE, p->messages_ps, text));
	}
	snprintf(text, sizeof(text), "-");
	if (p->bound_ns > 0)
		snprintf(text, sizeof(text), "%.0f%s", 100 * p->fraction,
			 p->fraction > RG_BOUND_ERROR ? "!" : "");
	fprintf(out, "%7s", text);
}

static void print_line(FILE *out, const struct rg_result_pair *p)
{
	double up = p->hi_ns - p->median_ns, down = p->median_ns - p->lo_ns;
	char text[CELL_BYTES], size[RG_UNITS_BYTES];

	snprintf(text, sizeof(text), "%u%s%u", p->from,
		 p->test == RG_PAIRS_BIDIRECTIONAL ? "<->" : "->", p->to);
	fprintf(out, " %13s %8s", rg_pairs_test_words[p->test], text);
	snprintf(text, sizeof(text), "%d", p->rail);
	fprintf(out, " %5s %9s |", p->rail == RG_LANE_ALL_RAILS ? "all" : text,
		rg_format_size(p->size_bytes, size));
	if (p->n) {
		fputc(' ', out);
		print_time(out, p->median_ns);
		fprintf(out, "%6.1f", 100 * (up > down ? up : down) / p->median_ns);
		print_time(out, p->mean_ns);
		print_time(out, p->stdev_ns);
		print_time(out, p->p99_ns);
		print_time(out, p->p999_ns);
		print_time(out, p->max_ns);
	} else {
		fprintf(out, " %9s%6s%9s%9s%9s%9s%9s", "-", "", "", "", "", "", "");
	}
	print_rates(out, p);
	if (p->checked)
		fprintf(out, " | %6" PRIu64, p->wrong);
	else
		fprintf(out, " | %6s", "-");
	fprintf(out, "%8" PRIu64 "\n", p->n);
}

/* --- more ranks: matrices --- */

static void print_end(FILE *out, const char *what, const struct rg_result_pair *p)
{
	char text[PAIRS_CELL_BYTES];

	fprintf(out, "; %s %u -> %u with %s", what, p->from, p->to,
		rg_pairs_cell(p->test, rg_pairs_value(p), text));
}

static void print_matrix(FILE *out, const struct rg_pairs_matrix *m)
{
	char title[PAIRS_TITLE_BYTES], text[PAIRS_CELL_BYTES];
	enum rg_pairs_test test = m->like->test;

	fprintf(out, "# %s: %s\n", rg_pairs_title(m->like, title), rg_pairs_unit(test));
	if (m->nranks <= RANKS_SHOWN) {
		fprintf(out, "# from \\ to");
		for (uint32_t to = 0; to < m->nranks; to++)
			fprintf(out, "%8u", to);
		fputc('\n', out);
	}
	for (uint32_t from = 0; m->nranks <= RANKS_SHOWN && from < m->nranks; from++) {
		fprintf(out, "%11u", from);
		for (uint32_t to = 0; to < m->nranks; to++) {
			const struct rg_result_pair *p = m->at[(size_t)from * m->nranks + to];

			fprintf(out, "%8s", p ? rg_pairs_cell(test, rg_pairs_value(p), text) : "-");
		}
		fputc('\n', out);
	}
	if (!m->best)
		return;
	fprintf(out, "#   median of %u %s", m->n, rg_pairs_cell(test, m->median, text));
	print_end(out, "best", m->best);
	print_end(out, "worst", m->worst);
	fprintf(out, " %s\n#\n", rg_pairs_unit(test));
}

static int print_matrices(const struct rg_result *result, FILE *out, struct rg_err *err)
{
	struct rg_pairs_matrix *matrices;
	uint32_t n;
	int rc = rg_pairs_matrices_open(result, &matrices, &n, err);

	if (rc)
		return rc;
	fprintf(out, "#\n# Latency is the median one way (of a read there and back); rates are all "
		     "bytes or messages / all\n# time, of bidirectional both directions together. "
		     "Percentiles and the rest are in the document\n# (--json, --csv).\n#\n");
	for (uint32_t i = 0; i < n; i++)
		print_matrix(out, &matrices[i]);
	rg_pairs_matrices_close(matrices, n);
	return 0;
}

int rg_pairs_print(const struct rg_result *result, FILE *out, struct rg_err *err)
{
	int rc = 0;

	rg_table_head(out, result);
	if (result->run.nranks > 2) {
		rc = print_matrices(result, out, err);
	} else {
		print_columns(out);
		for (uint32_t i = 0; i < result->npairs; i++)
			print_line(out, &result->pairs[i]);
	}
	if (rc)
		return rc;
	for (uint32_t i = 0; i < result->npairs; i++) {
		if (result->pairs[i].note)
			fprintf(out, "# note: %u -> %u: %s\n", result->pairs[i].from,
				result->pairs[i].to, result->pairs[i].note);
	}
	rc = rg_counters_print(result, out, err);
	if (rc)
		return rc;
	rg_table_foot(out, result);
	return rg_stream_check(out, err);
}
