/* SPDX-License-Identifier: BSD-3-Clause */
/* Before the figures, how it came out; behind them, notes and what the columns mean. */
#include "config.h"

#include "html_impl.h"
#include "total.h"

#include "railgauge/base/units.h"

#include <inttypes.h>
#include <string.h>

/* --- all points --- */

/* Nothing if there is no point. Returns whether there is one. */
static bool print_total(FILE *out, const char *what, const struct rg_total *total, bool launches)
{
	const struct rg_tally *tally = &total->tally;
	char text[CELL_BYTES];

	if (!tally->n)
		return false;
	fputs("<li>", out);
	rg_html_text(out, what);
	rg_html_printf(out, ": ratio %s in geometric mean of %u point%s",
		       rg_cell_ratio(rg_tally_mean(tally), text), tally->n,
		       tally->n == 1 ? "" : "s");
	if (total->all.ratio > 0)
		rg_html_printf(out, ", interval over launches %s; faster in %u, slower in %u",
			       rg_cell_interval(&total->all, text), tally->above, tally->below);
	else if (!launches)
		rg_html_printf(out, "; the interval is above 1 in %u, below 1 in %u", tally->above,
			       tally->below);
	fputs("</li>\n", out);
	return true;
}

static void print_none(FILE *out)
{
	fputs("<li>There is no point in common.</li>\n", out);
}

static int print_targets(const struct rg_page *page, struct rg_err *err)
{
	const struct rg_side *side = &page->report->sides[0];
	struct rg_total total;
	bool any = false;
	int rc = 0;

	if (page->ntargets < 2)
		return 0;
	fputs("<p>Against <b>", page->out);
	rg_html_text(page->out, page->baseline);
	fprintf(page->out, "</b>%s. A ratio above 1: this target took less.</p>\n<ul>\n",
		side->n == 1 ? ", in this launch; whether it is so in others, several launches tell"
			     : " in the same launches");
	for (uint32_t t = 0; !rc && t < page->ntargets; t++) {
		if (!strcmp(page->targets[t], page->baseline))
			continue;
		rc = rg_total_of_target(page->report, side, page->targets[t], page->baseline,
					&total, err);
		if (!rc)
			any |= print_total(page->out, page->targets[t], &total, side->n > 1);
	}
	if (!any)
		print_none(page->out);
	fputs("</ul>\n", page->out);
	return rc;
}

static int print_sides(const struct rg_page *page, struct rg_err *err)
{
	const struct rg_side *a = &page->report->sides[0];
	struct rg_total total;
	bool any = false;
	char what[128];
	int rc = 0;

	fputs("<p>", page->out);
	rg_html_printf(page->out,
		       "Time of %s / time of the others. Above 1: the other one took "
		       "less.",
		       a->name);
	fputs("</p>\n<ul>\n", page->out);
	for (uint32_t s = 1; !rc && s < page->report->nsides; s++) {
		const struct rg_side *b = &page->report->sides[s];

		for (uint32_t t = 0; !rc && t < page->ntargets; t++) {
			rc = rg_total_of_sides(page->report, a, b, page->targets[t], &total, err);
			snprintf(what, sizeof(what), "%.8s / %.8s, %.90s", a->name, b->name,
				 page->targets[t]);
			if (!rc)
				any |= print_total(page->out, what, &total, a->n > 1 || b->n > 1);
		}
	}
	if (!any)
		print_none(page->out);
	fputs("</ul>\n", page->out);
	return rc;
}

/* --- is it whole, and is it right? --- */

static void print_checks(const struct rg_page *page)
{
	uint64_t checked = 0, wrong = 0;
	uint32_t incomplete = 0, documents = 0;

	for (uint32_t s = 0; s < page->report->nsides; s++) {
		const struct rg_side *side = &page->report->sides[s];

		for (uint32_t i = 0; i < side->n; i++) {
			const struct rg_result *r = side->results[i];

			documents++;
			incomplete += !r->complete;
			for (uint32_t k = 0; k < r->npoints; k++) {
				checked += r->points[k].checked;
				wrong += r->points[k].wrong;
			}
		}
	}
	fprintf(page->out, "<p%s>", wrong ? " class=\"alarm\"" : "");
	if (wrong)
		rg_html_printf(page->out, "WRONG: %" PRIu64 " of %" PRIu64 " checked elements.",
			       wrong, checked);
	else if (checked)
		rg_html_printf(page->out, "All %" PRIu64 " checked elements are right.", checked);
	else
		rg_html_printf(page->out, "Results were not checked.");
	fputs("</p>\n", page->out);
	if (!incomplete)
		return;
	fputs("<p class=\"alarm\">", page->out);
	rg_html_printf(page->out, "INCOMPLETE: %u of %u runs %s interrupted.", incomplete,
		       documents, incomplete == 1 ? "was" : "were");
	fputs("</p>\n", page->out);
}

int rg_html_summary(struct rg_page *page, struct rg_err *err)
{
	int rc;

	fputs("<section>\n<h2>In short</h2>\n", page->out);
	rc = page->baseline ? print_targets(page, err) : print_sides(page, err);
	print_checks(page);
	fputs("</section>\n", page->out);
	return rc;
}

/* --- notes --- */

static bool same_note(const struct rg_result_point *a, const struct rg_result_point *b)
{
	return a->note && b->note && !strcmp(a->note, b->note) && !strcmp(a->target, b->target);
}

/* One note of a target, with the sizes that it is about. */
static void print_note(FILE *out, const struct rg_result *r, uint32_t first)
{
	const struct rg_result_point *like = &r->points[first];
	uint64_t min = like->size_bytes, max = like->size_bytes;
	char low[RG_UNITS_BYTES], high[RG_UNITS_BYTES];

	for (uint32_t i = first; i < r->npoints; i++) {
		if (!same_note(&r->points[i], like))
			continue;
		min = r->points[i].size_bytes < min ? r->points[i].size_bytes : min;
		max = r->points[i].size_bytes > max ? r->points[i].size_bytes : max;
	}
	rg_html_element(out, "b", like->target);
	rg_html_printf(out, ", %sB", rg_format_size(min, low));
	if (max > min)
		rg_html_printf(out, " to %sB", rg_format_size(max, high));
	fputs(": ", out);
	rg_html_text(out, like->note);
}

void rg_html_notes(const struct rg_page *page)
{
	bool any = false;

	for (uint32_t s = 0; s < page->report->nsides; s++) {
		const struct rg_result *r = page->report->sides[s].results[0];
		char name[RG_HTML_NAME_BYTES];

		rg_html_document_name(page, &page->report->sides[s], 0, name);
		for (uint32_t i = 0; i < r->npoints; i++) {
			uint32_t k = 0;

			while (k < i && !same_note(&r->points[k], &r->points[i]))
				k++;
			if (!r->points[i].note || k < i)
				continue;
			if (!any)
				fputs("<section>\n<h2>Notes</h2>\n<ul>\n", page->out);
			any = true;
			fputs("<li>", page->out);
			if (name[0])
				rg_html_printf(page->out, "%s: ", name);
			print_note(page->out, r, i);
			fputs("</li>\n", page->out);
		}
	}
	if (any)
		fputs("</ul>\n</section>\n", page->out);
}

/* --- columns --- */

static void explain(FILE *out, const char *word, const char *meaning)
{
	rg_html_element(out, "dt", word);
	rg_html_element(out, "dd", meaning);
}

static void explain_ratio(const struct rg_page *page)
{
	if (page->report->nsides > 1)
		explain(page->out, "ratio",
			"time of the first side / time of this one, with its 95 % interval: within "
			"the launches where both have one, over launches where both have several "
			"(Welch's t on the logarithms). \"level\": the interval holds 1; "
			"\"apart\": it does not, but one launch of either does not say which is "
			"faster; \"unknown\": too few repetitions, or only one side has several "
			"launches.");
	else if (page->groups)
		explain(page->out, "ratio",
			"time of the baseline / time of this target in the same launch, in "
			"geometric mean over launches, with its 95 % interval over launches "
			"(Student's t on the logarithms). \"level\": the interval holds 1.");
	else if (page->ntargets > 1)
		explain(page->out, "ratio",
			"time of the baseline / time of this target: above 1 this one took less; "
			"with its 95 % interval within this launch (other launches may be "
			"outside).");
}

void rg_html_legend(const struct rg_page *page)
{
	FILE *out = page->out;

	fputs("<section>\n<h2>What the numbers are</h2>\n<dl>\n", out);
	explain(out, "size",
		"bytes of the larger of a rank's two buffers, as nccl-tests has it; K, M and G "
		"are binary.");
	explain(out, "k",
		"operations back to back in one repetition, each on other buffers; all times are "
		"divided by k.");
	explain(out, "time",
		page->groups ? "median over repetitions, each of which counts as the time of its "
			       "slowest rank; of several launches the geometric mean of their "
			       "medians."
			     : "median over n repetitions, each of which counts as the time of its "
			       "slowest rank.");
	explain(out, "95 % interval",
		page->groups ? "of one launch its median's; of several that of their mean, over "
			       "launches (Student's t). A question mark: too few for 95 %."
			     : "of the median within this launch. A question mark: n repetitions "
			       "are too few for 95 %.");
	explain(out, "algbw, busbw",
		"size / time; and that times what makes it comparable with the rate of a link, "
		"whatever the number of ranks (nccl-tests). GB/s is 1e9 bytes per second.");
	explain(out, "bound",
		"the least time that a cache line between two cores, the memory as calibrated, or "
		"(railgauge over sockets) the network as calibrated allows, in percent of the "
		"time. Above 102 (!) the bound is wrong. In the plots it is a line without "
		"points.");
	explain(out, "wrong",
		"elements of results that are not what they must be; a dash: not checked.");
	explain_ratio(page);
	fputs("</dl>\n</section>\n", out);
}
