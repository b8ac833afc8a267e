/* SPDX-License-Identifier: BSD-3-Clause */
/* Pairs of ranks in a page: a heat map per matrix, and a table of what two ranks did. */
#include "config.h"

#include "format.h"
#include "html_impl.h"
#include "pairs_matrix.h"

#include "railgauge/base/units.h"

#include <inttypes.h>
#include <math.h>

#define NUMBERS_SHOWN 16 /* ranks up to which cells hold their numbers */
#define WIDTH	      720
#define MARGIN	      34

/* 0: as good as the best; 1: nothing of it. */
static double badness(const struct rg_pairs_matrix *m, const struct rg_result_pair *p)
{
	double best = rg_pairs_value(m->best), value = rg_pairs_value(p);
	double share = p->test == RG_PAIRS_LATENCY ? best / value : value / best;

	return fmin(1, fmax(0, 1 - share));
}

/* From white to dark blue, so that it is seen without colours as well. */
static void print_cell(FILE *out, const struct rg_pairs_matrix *m, uint32_t from, uint32_t to,
		       double side)
{
	const struct rg_result_pair *p = m->at[(size_t)from * m->nranks + to];
	double x = MARGIN + to * side, y = MARGIN + from * side, bad;
	char text[PAIRS_CELL_BYTES];

	if (!p || !(rg_pairs_value(p) > 0))
		return;
	bad = badness(m, p);
	rg_pairs_cell(p->test, rg_pairs_value(p), text);
	fprintf(out,
		"<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" "
		"fill=\"rgb(%.0f,%.0f,%.0f)\" stroke=\"#ccc\" stroke-width=\".5\">"
		"<title>%u to %u: %s %s</title></rect>\n",
		x, y, side, side, 255 - 235 * bad, 255 - 195 * bad, 255 - 125 * bad, from, to, text,
		rg_pairs_unit(p->test));
	if (m->nranks <= NUMBERS_SHOWN)
		fprintf(out,
			"<text x=\"%.1f\" y=\"%.1f\" font-size=\"11\" text-anchor=\"middle\" "
			"fill=\"%s\">%s</text>\n",
			x + side / 2, y + side / 2 + 4, bad > 0.5 ? "#fff" : "#111", text);
}

static void print_map(FILE *out, const struct rg_pairs_matrix *m)
{
	double side = fmin(44, (double)(WIDTH - MARGIN) / m->nranks);
	double extent = MARGIN + side * m->nranks + 2;
	uint32_t step = side >= 14 ? 1 : (uint32_t)ceil(14 / side);

	fprintf(out, "<svg viewBox=\"0 0 %.0f %.0f\" role=\"img\" style=\"max-width: %.0fpx\">\n",
		extent, extent, extent);
	for (uint32_t r = 0; r < m->nranks; r += step) {
		double at = MARGIN + (r + 0.5) * side;

		fprintf(out,
			"<text x=\"%.1f\" y=\"%d\" font-size=\"11\" text-anchor=\"middle\">%u"
			"</text><text x=\"%d\" y=\"%.1f\" font-size=\"11\" text-anchor=\"end\">%u"
			"</text>\n",
			at, MARGIN - 6, r, MARGIN - 6, at + 4, r);
	}
	for (uint32_t from = 0; from < m->nranks; from++) {
		for (uint32_t to = 0; to < m->nranks; to++)
			print_cell(out, m, from, to, side);
	}
	fputs("</svg>\n", out);
}

static void print_matrix(FILE *out, const struct rg_pairs_matrix *m)
{
	char title[PAIRS_TITLE_BYTES], median[PAIRS_CELL_BYTES], best[PAIRS_CELL_BYTES],
		worst[PAIRS_CELL_BYTES];
	enum rg_pairs_test test = m->like->test;

	if (!m->best)
		return;
	fputs("<figure><figcaption>", out);
	rg_html_text(out, rg_pairs_title(m->like, title));
	rg_html_printf(out, ": %s", rg_pairs_unit(test));
	fputs("</figcaption>\n", out);
	print_map(out, m);
	fputs("<p>", out);
	rg_html_printf(out,
		       "From the rank at the left to the rank above; the darker, the worse. "
		       "Median of %u: %s; best %u to %u with %s; worst %u to %u with %s.",
		       m->n, rg_pairs_cell(test, m->median, median), m->best->from, m->best->to,
		       rg_pairs_cell(test, rg_pairs_value(m->best), best), m->worst->from,
		       m->worst->to, rg_pairs_cell(test, rg_pairs_value(m->worst), worst));
	fputs("</p></figure>\n", out);
}

/* --- two ranks --- */

static void print_row(FILE *out, const struct rg_result_pair *p)
{
	const double times[] = {p->median_ns, p->mean_ns, p->stdev_ns,
				p->p99_ns,    p->p999_ns, p->max_ns};
	char text[PAIRS_CELL_BYTES], size[RG_UNITS_BYTES];

	fputs("<tr>", out);
	rg_html_element(out, "td", rg_pairs_test_words[p->test]);
	snprintf(text, sizeof(text), "%u to %u", p->from, p->to);
	rg_html_element(out, "td class=\"w\"", text);
	rg_html_element(out, "td", p->from_device);
	rg_html_number(out, "%s", rg_format_size(p->size_bytes, size));
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
		rg_html_number(out, "%s", p->n ? rg_cell_us(times[i], text) : "-");
	rg_html_number(out, "%s",
		       p->rate_Bps > 0 ? rg_pairs_cell(RG_PAIRS_BANDWIDTH, p->rate_Bps, text)
				       : "-");
	rg_html_number(out, "%s",
		       p->messages_ps > 0 ? rg_pairs_cell(RG_PAIRS_RATE, p->messages_ps, text)
					  : "-");
	snprintf(text, sizeof(text), "-");
	if (p->bound_ns > 0)
		snprintf(text, sizeof(text), "%.0f", 100 * p->fraction);
	rg_html_number(out, "%s", text);
	rg_html_number(out, "%" PRIu64, p->wrong);
	rg_html_number(out, "%" PRIu64, p->n);
	fputs("</tr>\n", out);
}

static void print_rows(FILE *out, const struct rg_result *r)
{
	static const char *const times[] = {"median", "mean", "stdev", "p99", "p99.9", "max"};

	fputs("<div class=\"wide\"><table><thead><tr>", out);
	rg_html_title(out, "test", NULL, false);
	rg_html_title(out, "ranks", NULL, false);
	rg_html_title(out, "device", NULL, false);
	rg_html_title(out, "size", "B", true);
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
		rg_html_title(out, times[i], "\xc2\xb5s", true);
	rg_html_title(out, "rate", "GB/s", true);
	rg_html_title(out, "messages", "million/s", true);
	rg_html_title(out, "bound", "%", true);
	rg_html_title(out, "wrong", "B", true);
	rg_html_title(out, "n", NULL, true);
	fputs("</tr></thead>\n<tbody>\n", out);
	for (uint32_t i = 0; i < r->npairs; i++)
		print_row(out, &r->pairs[i]);
	fputs("</tbody></table></div>\n", out);
}

int rg_html_pairs(const struct rg_page *page, struct rg_err *err)
{
	const struct rg_result *r = page->report->sides[0].results[0];
	struct rg_pairs_matrix *matrices;
	uint32_t n;
	int rc;

	if (!r->npairs)
		return 0;
	fputs("<section>\n<h2>Pairs of ranks</h2>\n", page->out);
	if (r->run.nranks == 2) {
		print_rows(page->out, r);
		fputs("</section>\n", page->out);
		return 0;
	}
	rc = rg_pairs_matrices_open(r, &matrices, &n, err);
	if (rc)
		return rc;
	fputs("<div class=\"plots\">\n", page->out);
	for (uint32_t i = 0; i < n; i++)
		print_matrix(page->out, &matrices[i]);
	fputs("</div>\n</section>\n", page->out);
	rg_pairs_matrices_close(matrices, n);
	return 0;
}
