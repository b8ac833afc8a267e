/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of a figure: per size a line for each target and side. */
#include "config.h"

#include "html_impl.h"
#include "format.h"

#include "railgauge/base/units.h"

#include <inttypes.h>
#include <string.h>

/* Is there something to be relative to? */
static bool has_ratio(const struct rg_page *page)
{
	return page->report->nsides > 1 || page->ntargets > 1;
}

static bool has_word(const struct rg_page *page)
{
	return page->report->nsides > 1 || page->groups;
}

static void print_head(const struct rg_page *page)
{
	FILE *out = page->out;

	fputs("<div class=\"wide\"><table class=\"points\"><thead><tr>", out);
	rg_html_title(out, "size", "B", true);
	rg_html_title(out, "target", NULL, false);
	if (page->report->nsides > 1)
		rg_html_title(out, "side", NULL, false);
	rg_html_title(out, "algorithm", NULL, false);
	rg_html_title(out, "k", NULL, true);
	rg_html_title(out, page->groups ? "launches" : "n", NULL, true);
	rg_html_title(out, "time", "\u00b5s", true);
	rg_html_title(out, "95 % interval", "\u00b5s", true);
	if (page->groups)
		rg_html_title(out, "least to most", "\u00b5s", true);
	rg_html_title(out, "algbw", "GB/s", true);
	rg_html_title(out, "busbw", "GB/s", true);
	rg_html_title(out, "bound", "%", true);
	rg_html_title(out, "wrong", NULL, true);
	if (has_ratio(page)) {
		rg_html_title(out, "ratio", NULL, true);
		rg_html_title(out, "interval", NULL, true);
	}
	if (has_word(page))
		rg_html_title(out, "", NULL, false);
	fputs("</tr></thead>\n", out);
}

/* --- cells --- */

static void print_range(FILE *out, double lo_ns, double hi_ns, bool reached)
{
	char lo[CELL_BYTES], hi[CELL_BYTES];

	rg_html_number(out, "%s\u2013%s%s", rg_cell_us(lo_ns, lo), rg_cell_us(hi_ns, hi),
		       reached ? "" : "?");
}

static void print_algorithm(FILE *out, const struct rg_result_point *p)
{
	if (!p->algorithm) {
		rg_html_element(out, "td", NULL);
		return;
	}
	fputs("<td class=\"w\">", out);
	rg_html_text(out, p->algorithm);
	if (p->protocol) {
		fputs(", ", out);
		rg_html_text(out, p->protocol);
	}
	fputs("</td>", out);
}

static void print_bandwidths(FILE *out, const struct side_value *v, uint32_t nranks)
{
	double bytes = (double)v->first->size_bytes;
	char text[CELL_BYTES];

	if (!v->first->size_bytes) {
		rg_html_element(out, "td class=\"n\"", NULL);
		rg_html_element(out, "td class=\"n\"", NULL);
		return;
	}
	rg_html_number(out, "%s", rg_cell_GBps(bytes / v->ns * 1e9, text));
	rg_html_number(out, "%s",
		       rg_cell_GBps(bytes / v->ns * 1e9 * rg_result_bus_factor(v->first, nranks),
				    text));
}

static void print_judgement(FILE *out, const struct side_value *v)
{
	double fraction = v->bound_ns / v->ns;

	if (v->bound_ns > 0)
		rg_html_number(out, "%.0f%s", 100 * fraction, fraction > RG_BOUND_ERROR ? "!" : "");
	else
		rg_html_element(out, "td class=\"n\"", NULL);
	if (v->wrong) {
		fputs("<td class=\"n alarm\">", out);
		rg_html_printf(out, "%" PRIu64 " WRONG", v->wrong);
		fputs("</td>", out);
	} else if (v->checked) {
		rg_html_number(out, "0");
	} else {
		rg_html_element(out, "td class=\"n\"", NULL);
	}
}

static void print_interval(FILE *out, const struct rg_ratio *ratio)
{
	char lo[CELL_BYTES], hi[CELL_BYTES];

	if (ratio->n > 1 && !ratio->reached) /* too few launches for one */
		rg_html_element(out, "td class=\"n\"", NULL);
	else
		rg_html_number(out, "%s\u2013%s%s", rg_cell_ratio(ratio->lo, lo),
			       rg_cell_ratio(ratio->hi, hi), ratio->reached ? "" : "?");
}

static void print_ratio(const struct rg_page *page, const struct rg_ratio *ratio)
{
	char text[CELL_BYTES];
	FILE *out = page->out;

	if (!has_ratio(page))
		return;
	if (ratio->ratio > 0) {
		rg_html_number(out, "%s", rg_cell_ratio(ratio->ratio, text));
		print_interval(out, ratio);
	} else {
		fputs("<td></td><td></td>", out);
	}
	if (has_word(page))
		rg_html_element(out, "td", ratio->ratio > 0 ? rg_ratio_word(ratio) : "");
}

static void print_value(const struct rg_page *page, const struct rg_side *side,
			const struct side_value *v, const struct rg_ratio *ratio)
{
	const struct rg_result_point *p = v->first;
	FILE *out = page->out;
	char text[CELL_BYTES];

	print_algorithm(out, p);
	rg_html_number(out, "%u", p->ops);
	if (page->groups)
		rg_html_number(out, "%u", side->n);
	else
		rg_html_number(out, "%" PRIu64, p->n);
	rg_html_number(out, "%s", rg_cell_us(v->ns, text));
	print_range(out, v->lo_ns, v->hi_ns, v->reached);
	if (page->groups)
		print_range(out, v->least_ns, v->most_ns, true);
	print_bandwidths(out, v, side->results[0]->run.nranks);
	print_judgement(out, v);
	print_ratio(page, ratio);
}

/* --- lines --- */

/* What stands in one line. */
struct entry {
	const struct rg_side *side;
	const struct rg_result_point *point; /* of the side's first launch */
};

/* The point of a side, whether it was run or not; NULL if it is not there. */
static const struct rg_result_point *
point_of(const struct rg_side *side, const struct rg_result_point *size, const char *target)
{
	const struct rg_result *r = side->results[0];

	return rg_point_find(r->points, r->npoints, size, target, size->in_place);
}

/* Counts the lines of a size. */
static uint32_t count_entries(const struct rg_page *page, const struct rg_result_point *size)
{
	uint32_t n = 0;

	for (uint32_t t = 0; t < page->ntargets; t++) {
		for (uint32_t s = 0; s < page->report->nsides; s++)
			n += !!point_of(&page->report->sides[s], size, page->targets[t]);
	}
	return n;
}

/* Of a side's point the ratio that the page is about; of A itself and of the baseline none. */
static int value_of(struct rg_page *page, const struct entry *e, struct side_value *v,
		    struct rg_ratio *ratio, struct rg_err *err)
{
	const struct rg_side *a = &page->report->sides[0];
	struct side_value first;

	if (page->baseline)
		return rg_side_target_ratio(&page->pair, e->side, e->point, page->baseline, v,
					    ratio, err);
	*ratio = (struct rg_ratio){0};
	if (e->side == a)
		*v = rg_side_value(a, e->point, e->point->target, page->pair.medians_a);
	else
		(void)rg_side_ratio(&page->pair, a, e->side, e->point, &first, v, ratio);
	return 0;
}

static int print_entry(struct rg_page *page, const struct entry *e, struct rg_err *err)
{
	FILE *out = page->out;
	struct side_value v;
	struct rg_ratio ratio;
	int rc = value_of(page, e, &v, &ratio, err);

	if (rc)
		return rc;
	rg_html_element(out, "td", e->point->target);
	if (page->report->nsides > 1)
		rg_html_element(out, "td", e->side->name);
	if (v.first) {
		print_value(page, e->side, &v, &ratio);
		return 0;
	}
	fprintf(out, "<td colspan=\"%d\">",
		9 + page->groups + 2 * has_ratio(page) + has_word(page));
	rg_html_printf(out, "not run%s", page->groups ? " in all launches" : "");
	if (e->point->note) {
		fputs(": ", out);
		rg_html_text(out, e->point->note);
	}
	fputs("</td>", out);
	return 0;
}

static int print_size(struct rg_page *page, const struct rg_result_point *size, struct rg_err *err)
{
	uint32_t n = count_entries(page, size);
	char text[RG_UNITS_BYTES];
	FILE *out = page->out;
	bool first = true;
	int rc = 0;

	fputs("<tbody>\n", out);
	for (uint32_t t = 0; !rc && t < page->ntargets; t++) {
		for (uint32_t s = 0; !rc && s < page->report->nsides; s++) {
			struct entry e = {.side = &page->report->sides[s]};

			e.point = point_of(e.side, size, page->targets[t]);
			if (!e.point)
				continue;
			fputs("<tr>", out);
			if (first) {
				fprintf(out, "<th scope=\"rowgroup\" class=\"n\" rowspan=\"%u\">",
					n);
				rg_html_text(out, rg_format_size(size->size_bytes, text));
				fputs("</th>", out);
			}
			first = false;
			rc = print_entry(page, &e, err);
			fputs("</tr>\n", out);
		}
	}
	fputs("</tbody>\n", out);
	return rc;
}

int rg_html_table(struct rg_page *page, const struct rg_figure *figure, struct rg_err *err)
{
	int rc = 0;

	print_head(page);
	for (uint32_t i = 0; !rc && i < figure->nsizes; i++)
		rc = print_size(page, figure->sizes[i], err);
	fputs("</table></div>\n", page->out);
	return rc;
}
