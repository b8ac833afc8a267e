/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "html_impl.h"
#include "format.h"
#include "plot.h"

#include "railgauge/base/log.h"
#include "railgauge/base/mem.h"
#include "railgauge/report/file.h"

#include <stdlib.h>
#include <string.h>

/*
 * Nothing may be fetched and nothing run, should markup ever get into the page. Colours are only
 * for ease: all that they say is said in words as well.
 */
static const char head[] =
	"<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
	"style-src 'unsafe-inline'\">\n"
	"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
	"<style>\n"
	":root { color-scheme: light; }\n"
	"body { font: 1rem/1.5 system-ui, sans-serif; color: #111; background: #fff; "
	"max-width: 80rem; margin: 0 auto; padding: 1rem 1.5rem; }\n"
	"h1 { font-size: 1.6rem; line-height: 1.2; }\n"
	"h2 { font-size: 1.25rem; margin: 2rem 0 .5rem; border-bottom: 1px solid #999; }\n"
	"h3 { font-size: 1rem; margin: 1rem 0 .25rem; }\n"
	"p, ul, dl { margin: .5rem 0; max-width: 60rem; }\n"
	"dt { font-weight: 600; float: left; clear: left; width: 12rem; }\n"
	"dd { margin: 0 0 .15rem 12.5rem; }\n"
	"code { font-size: .9em; overflow-wrap: anywhere; }\n"
	".option { margin-right: .9em; }\n"
	".option code { font-weight: 600; }\n"
	".alarm { font-weight: 700; }\n"
	".wide { overflow-x: auto; margin: .75rem 0; }\n"
	"table { border-collapse: collapse; font-size: .85rem; line-height: 1.35; "
	"font-variant-numeric: tabular-nums; }\n"
	"caption { text-align: left; font-weight: 600; padding: .25rem 0; }\n"
	"th, td { padding: .15rem .6rem; text-align: left; vertical-align: top; }\n"
	"thead th { border-bottom: 2px solid #111; vertical-align: bottom; }\n"
	"tbody { border-bottom: 1px solid #999; }\n"
	"td code { display: inline-block; }\n"
	".command { min-width: 18rem; }\n"
	".n { text-align: right; }\n"
	".n, .w { white-space: nowrap; }\n"
	".plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(26rem, 100%), "
	"1fr)); gap: 1rem; }\n"
	"figure { margin: 0; }\n"
	"figcaption { font-weight: 600; }\n"
	"svg { display: block; width: 100%; height: auto; max-width: 48rem; }\n"
	"@media print {\n"
	"@page { size: A4 landscape; margin: 12mm; }\n"
	"body { font-size: 9.5pt; max-width: none; padding: 0; }\n"
	"h2, h3, caption, figcaption { break-after: avoid; }\n"
	"table { font-size: 8pt; }\n"
	"tr, figure, .points tbody { break-inside: avoid; }\n"
	".wide { overflow: visible; }\n"
	".plots { grid-template-columns: 1fr 1fr; }\n"
	"}\n"
	"</style>\n";

/* --- title --- */

static void print_title(const struct rg_page *page)
{
	const struct rg_side *a = &page->report->sides[0];
	const struct rg_result *r = a->results[0];
	FILE *out = page->out;
	bool named[RG_COLL_COUNT] = {false};
	const char *glue = ": ";

	rg_html_printf(out, "railgauge");
	if (page->report->nsides > 1)
		rg_html_printf(out, ", %u results compared", page->report->nsides);
	else if (a->n > 1)
		rg_html_printf(out, ", %u launches", a->n);
	for (uint32_t i = 0; i < page->nfigures; i++) {
		enum rg_coll coll = page->figures[i].like->coll;

		if (!named[coll])
			rg_html_printf(out, "%s%s", glue, rg_coll_name(coll));
		named[coll] = true;
		glue = ", ";
	}
	if (r->npairs)
		rg_html_printf(out, ": pairs");
	rg_html_printf(out, ", %u rank%s", r->run.nranks, r->run.nranks == 1 ? "" : "s");
}

static void print_head(const struct rg_page *page)
{
	fputs(head, page->out);
	fputs("<title>", page->out);
	print_title(page);
	fputs("</title>\n</head>\n<body>\n<h1>", page->out);
	print_title(page);
	fputs("</h1>\n", page->out);
}

/* --- figures --- */

/* "allreduce float sum, out of place, private buffers, caches warm" */
static void print_heading(FILE *out, const struct rg_result_point *p)
{
	char root[CELL_BYTES];

	fputs("<h2>", out);
	rg_html_printf(out, "%s", rg_coll_name(p->coll));
	if (p->coll != RG_COLL_BARRIER)
		rg_html_printf(out, " %s", rg_type_name(p->type));
	if (rg_coll_reduces(p->coll))
		rg_html_printf(out, " %s", rg_op_name(p->op));
	if (rg_coll_has_root(p->coll))
		rg_html_printf(out, ", root %s", rg_cell_root(p, root));
	if (p->traffic)
		rg_html_printf(out, ", traffic %s", p->traffic);
	rg_html_printf(out, ", %s, ", p->in_place ? "in place" : "out of place");
	if (p->buffers == RG_ACCESS_WINDOW)
		rg_html_printf(out, "windows (%s)", p->persistent ? "persistent" : "clear to send");
	else
		rg_html_printf(out, "private buffers");
	rg_html_printf(out, ", caches %s", rg_cache_words[p->cache]);
	fputs("</h2>\n", out);
}

static void print_no_plots(const struct rg_page *page, const char *why)
{
	fputs("<p>No plots: ", page->out);
	rg_html_text(page->out, why);
	fputs(".</p>\n", page->out);
}

/* Why there will be no plots, from the first one that failed. */
static int keep_failure(struct rg_page *page, int rc, const struct rg_err *why, struct rg_err *err)
{
	if (rc == RG_ERR_INTERRUPTED || rc == RG_ERR_NO_MEMORY)
		return rg_err_set(err, rc, "%s", why->text);
	snprintf(page->no_plots, sizeof(page->no_plots), "%s%s", why->text,
		 rc == RG_ERR_NOT_FOUND ? " (package gnuplot-nox or gnuplot)" : "");
	rg_log(RG_LOG_WARN, "the page has no plots: %s", page->no_plots);
	return 0;
}

static int print_plot(struct rg_page *page, const struct rg_plot *plot, struct rg_err *err)
{
	struct rg_err why = {0};
	const char *unfit;
	char *svg;
	int rc;

	if (page->no_plots[0])
		return 0;
	rc = rg_plot_unfit(plot, &unfit, err);
	if (rc)
		return rc;
	if (unfit) {
		fprintf(page->out, "<p>No plot of the bandwidth: %s.</p>\n", unfit);
		return 0;
	}
	rc = rg_plot_draw(plot, &svg, &why);
	if (rc)
		return keep_failure(page, rc, &why, err);
	fprintf(page->out, "<figure><figcaption>%s</figcaption>\n%s</figure>\n",
		plot->kind == RG_PLOT_LATENCY ? "Latency over size" : "Bus bandwidth over size",
		svg);
	free(svg);
	return 0;
}

static int print_plots(struct rg_page *page, const struct rg_figure *figure, struct rg_err *err)
{
	char prefix[32];
	struct rg_plot plot = {.report = page->report,
			       .figure = figure,
			       .targets = page->targets,
			       .ntargets = page->ntargets,
			       .prefix = prefix};
	const char *unfit;
	int rc = rg_plot_unfit(&plot, &unfit, err);

	/* What has no latency has no bandwidth; the other way round it may have. */
	if (rc)
		return rc;
	if (unfit) {
		print_no_plots(page, unfit);
		return 0;
	}
	fputs("<div class=\"plots\">\n", page->out);
	for (int kind = RG_PLOT_LATENCY; !rc && kind <= RG_PLOT_BANDWIDTH; kind++) {
		plot.kind = (enum rg_plot_kind)kind;
		snprintf(prefix, sizeof(prefix), "p%td-%d-", figure - page->figures, kind);
		rc = print_plot(page, &plot, err);
	}
	fputs("</div>\n", page->out);
	if (page->no_plots[0])
		print_no_plots(page, page->no_plots);
	return rc;
}

static int print_figures(struct rg_page *page, struct rg_err *err)
{
	int rc = 0;

	for (uint32_t i = 0; !rc && i < page->nfigures; i++) {
		fputs("<section>\n", page->out);
		print_heading(page->out, page->figures[i].like);
		rc = print_plots(page, &page->figures[i], err);
		if (!rc)
			rc = rg_html_table(page, &page->figures[i], err);
		fputs("</section>\n", page->out);
	}
	return rc;
}

/* --- the page --- */

static int open_page(struct rg_page *page, const struct rg_report *report, struct rg_err *err)
{
	uint32_t at = 0;
	int rc = rg_refuse_twins(report, err);

	*page = (struct rg_page){.report = report, .groups = rg_report_has_groups(report)};
	if (rc)
		return rc;
	rc = rg_report_targets(report, &page->targets, &page->ntargets, err);
	if (rc)
		return rc;
	if (report->nsides == 1 && page->ntargets)
		rc = rg_baseline_find(page->targets, page->ntargets, report->baseline, &at, err);
	if (rc)
		goto free_targets;
	if (report->nsides == 1)
		page->baseline = page->ntargets ? page->targets[at] : "";
	rc = rg_side_pair_init(&page->pair, report, err);
	if (rc)
		goto free_targets;
	rc = rg_figures_open(report, &page->figures, &page->nfigures, err);
	if (!rc)
		return 0;
	rg_side_pair_release(&page->pair);
free_targets:
	rg_free(page->targets);
	return rc;
}

static void close_page(struct rg_page *page)
{
	rg_figures_close(page->figures, page->nfigures);
	rg_side_pair_release(&page->pair);
	rg_free(page->targets);
}

static int print_page(struct rg_page *page, struct rg_err *err)
{
	int rc;

	print_head(page);
	rc = rg_html_differences(page, err);
	if (!rc)
		rc = rg_html_summary(page, err);
	if (rc)
		return rc;
	rc = rg_html_conditions(page, err);
	if (!rc)
		rc = rg_html_pairs(page, err);
	if (!rc)
		rc = print_figures(page, err);
	if (rc)
		return rc;
	rg_html_notes(page);
	if (page->nfigures)
		rg_html_legend(page);
	rc = rg_html_settings(page, err);
	fputs("</body>\n</html>\n", page->out);
	return rc;
}

int rg_html_write(const struct rg_report *report, const char *path, struct rg_err *err)
{
	struct rg_text_file file;
	struct rg_page page;
	int rc = open_page(&page, report, err);

	if (rc)
		return rc;
	rc = rg_text_file_open(&file, path, err);
	if (!rc) {
		page.out = file.out;
		rc = rg_text_file_close(&file, print_page(&page, err), err);
	}
	close_page(&page);
	return rc;
}
