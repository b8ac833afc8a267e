/* SPDX-License-Identifier: BSD-3-Clause */
/* Which results, on which machines, under which conditions; and what is different about them. */
#include "config.h"

#include "html_impl.h"
#include "counters.h"
#include "differences.h"

#include "railgauge/base/units.h"

#include <inttypes.h>
#include <string.h>

#define RANKS_SHOWN 32

/* --- differences --- */

/* A sink that makes rows of one table. */
struct rows {
	struct rg_difference_sink sink; /* first */
	FILE *out;
	const char *first; /* what they are compared with */
	uint32_t pairs, same;
	bool open;
};

static void print_row(struct rg_difference_sink *sink, const char *what, const char *a,
		      const char *b)
{
	struct rows *rows = (struct rows *)sink;
	FILE *out = rows->out;

	if (!rows->open) {
		fputs("<div class=\"wide\"><table><thead><tr>", out);
		rg_html_title(out, "", NULL, false);
		rg_html_title(out, "what", NULL, false);
		rg_html_title(out, rows->first, NULL, false);
		rg_html_title(out, "this one", NULL, false);
		fputs("</tr></thead><tbody>\n", out);
		rows->open = true;
	}
	fputs("<tr>", out);
	rg_html_element(out, "th scope=\"row\" class=\"w\"",
			sink->found == 1 ? sink->names[1] : "");
	rg_html_element(out, a ? "td" : "td colspan=\"3\"", what);
	if (a) {
		rg_html_element(out, "td", a);
		rg_html_element(out, "td", b);
	}
	fputs("</tr>\n", out);
}

/* Warnings are listed elsewhere. */
static int compare_pair(const struct rg_page *page, struct rows *rows, const struct rg_result *a,
			const struct rg_result *b, const char *name, struct rg_err *err)
{
	const char *const names[2] = {rows->first, name};
	int rc;

	rows->sink =
		(struct rg_difference_sink){.tell = print_row, .names = names, .no_warnings = true};
	rc = rg_differences_find(a, b, page->report->options, &rows->sink, err);
	rows->pairs++;
	rows->same += !rows->sink.found;
	return rc;
}

static void close_rows(struct rows *rows)
{
	FILE *out = rows->out;

	if (rows->open)
		fputs("</tbody></table></div>\n", out);
	if (!rows->same)
		return;
	fputs("<p>", out);
	if (rows->pairs == 1)
		rg_html_printf(out, "The conditions are those of %s", rows->first);
	else
		rg_html_printf(out, "%u of the %u others have the conditions of %s", rows->same,
			       rows->pairs, rows->first);
	rg_html_printf(out, ", as far as they are recorded.");
	fputs("</p>\n", out);
}

void rg_html_document_name(const struct rg_page *page, const struct rg_side *side, uint32_t launch,
			   char *text)
{
	bool sides = page->report->nsides > 1, launches = side->n > 1;

	snprintf(text, RG_HTML_NAME_BYTES, "%.8s%s%s", sides ? side->name : "",
		 sides && launches ? ", " : "", launches ? "launch " : "");
	if (launches)
		snprintf(text + strlen(text), 16, "%u", launch + 1);
}

/* The launches of a side, each with its first one. */
static int compare_launches(const struct rg_page *page, const struct rg_side *side,
			    struct rg_err *err)
{
	char first[RG_HTML_NAME_BYTES], name[RG_HTML_NAME_BYTES];
	struct rows rows = {.out = page->out, .first = first};
	int rc = 0;

	rg_html_document_name(page, side, 0, first);
	for (uint32_t i = 1; !rc && i < side->n; i++) {
		rg_html_document_name(page, side, i, name);
		rc = compare_pair(page, &rows, side->results[0], side->results[i], name, err);
	}
	close_rows(&rows);
	return rc;
}

int rg_html_differences(const struct rg_page *page, struct rg_err *err)
{
	const struct rg_report *report = page->report;
	const struct rg_side *a = &report->sides[0];
	struct rows rows = {.out = page->out, .first = a->name};
	int rc = 0;

	if (report->nsides == 1 && a->n == 1)
		return 0;
	fputs("<section>\n<h2>What is different</h2>\n", page->out);
	for (uint32_t s = 1; !rc && s < report->nsides; s++)
		rc = compare_pair(page, &rows, a->results[0], report->sides[s].results[0],
				  report->sides[s].name, err);
	close_rows(&rows);
	for (uint32_t s = 0; !rc && s < report->nsides; s++)
		rc = compare_launches(page, &report->sides[s], err);
	fputs("</section>\n", page->out);
	return rc;
}

/* --- results --- */

static void print_command(FILE *out, const struct rg_result *r)
{
	fputs("<td class=\"command\"><code>", out);
	for (uint32_t i = 0; i < r->nargs; i++) {
		if (i)
			fputc(' ', out);
		rg_html_text(out, r->args[i]);
	}
	fputs("</code></td>", out);
}

/* Opens a table with these heads, the first of which is that of names where there are any. */
static void open_table(const struct rg_page *page, const char *caption, bool names,
		       const char *const *titles)
{
	FILE *out = page->out;

	fputs("<div class=\"wide\"><table><caption>", out);
	rg_html_text(out, caption);
	fputs("</caption><thead><tr>", out);
	if (names)
		rg_html_title(out, "", NULL, false);
	for (; *titles; titles++)
		rg_html_title(out, *titles, NULL, false);
	fputs("</tr></thead>\n<tbody>\n", out);
}

static void close_table(FILE *out)
{
	fputs("</tbody></table></div>\n", out);
}

/* Begins a line, with the name of its side if there are several. */
static void begin_line(const struct rg_page *page, const struct rg_side *side)
{
	fputs("<tr>", page->out);
	if (page->report->nsides > 1)
		rg_html_element(page->out, "th scope=\"row\"", side->name);
}

static void print_result(const struct rg_page *page, const struct rg_side *side, uint32_t launch)
{
	const struct rg_result *r = side->results[launch];
	char text[RG_HTML_NAME_BYTES];
	FILE *out = page->out;

	fputs("<tr>", out);
	rg_html_document_name(page, side, launch, text);
	if (text[0])
		rg_html_element(out, "th scope=\"row\" class=\"w\"", text);
	rg_html_element(out, "td", side->paths[launch]);
	rg_html_element(out, "td class=\"w\"", r->started);
	if (r->complete)
		rg_html_element(out, "td class=\"w\"", r->finished);
	else
		rg_html_element(out, "td class=\"alarm\"", "INCOMPLETE");
	rg_html_element(out, "td", r->version);
	snprintf(text, sizeof(text), "%u", r->run.nranks);
	rg_html_element(out, "td", text);
	rg_html_element(out, "td", r->run.mpi);
	print_command(out, r);
	fputs("</tr>\n", out);
}

static void print_results(const struct rg_page *page)
{
	static const char *const titles[] = {"document", "begun", "finished", "railgauge",
					     "ranks",	 "MPI",	  "command",  NULL};

	open_table(page, "Results", page->report->nsides > 1 || page->groups, titles);
	for (uint32_t s = 0; s < page->report->nsides; s++) {
		const struct rg_side *side = &page->report->sides[s];

		for (uint32_t i = 0; i < side->n; i++)
			print_result(page, side, i);
	}
	close_table(page->out);
}

/* --- machines and ranks of each side's first launch --- */

static void print_machine(FILE *out, const struct rg_result_machine *m)
{
	char l1[RG_UNITS_BYTES], l2[RG_UNITS_BYTES], llc[RG_UNITS_BYTES];

	rg_html_element(out, "td", m->host);
	rg_html_element(out, "td", m->cpu);
	fputs("<td class=\"w\">", out);
	rg_html_printf(out, "%u / %u / %u / %u", m->packages, m->numa_nodes, m->cores, m->threads);
	fputs("</td><td class=\"w\">", out);
	rg_html_printf(out, "%s / %s / %s", rg_format_size(m->l1d_bytes, l1),
		       rg_format_size(m->l2_bytes, l2), rg_format_size(m->llc_bytes, llc));
	fputs("</td><td class=\"w\">", out);
	rg_html_printf(out, "%.1f GiB", (double)m->memory_bytes / (1 << 30));
	fputs("</td>", out);
	rg_html_element(out, "td", m->kernel);
	rg_html_element(out, "td", m->governor);
	rg_html_element(out, "td", m->clocksource);
	rg_html_element(out, "td", m->thp);
	fputs("<td class=\"w\"><code>", out);
	rg_html_printf(out, "%.16s", m->topo_hash ? m->topo_hash : "unknown");
	fputs("</code></td>", out);
}

static void print_machines(const struct rg_page *page)
{
	static const char *const titles[] = {"host",
					     "CPU",
					     "packages / NUMA nodes / cores / threads",
					     "L1d / L2 / last-level cache",
					     "memory",
					     "kernel",
					     "governor",
					     "clock source",
					     "huge pages",
					     "topology",
					     NULL};

	open_table(page, "Machines", page->report->nsides > 1, titles);
	for (uint32_t s = 0; s < page->report->nsides; s++) {
		const struct rg_side *side = &page->report->sides[s];

		for (uint32_t i = 0; i < side->results[0]->nmachines; i++) {
			begin_line(page, side);
			print_machine(page->out, &side->results[0]->machines[i]);
			fputs("</tr>\n", page->out);
		}
	}
	close_table(page->out);
}

static void print_ranks(const struct rg_page *page)
{
	static const char *const titles[] = {"rank", "host", "CPUs", "NUMA node", NULL};
	FILE *out = page->out;
	char text[48];

	open_table(page, "Ranks", page->report->nsides > 1, titles);
	for (uint32_t s = 0; s < page->report->nsides; s++) {
		const struct rg_side *side = &page->report->sides[s];
		const struct rg_result *r = side->results[0];

		for (uint32_t i = 0; i < r->nranks && i < RANKS_SHOWN; i++) {
			begin_line(page, side);
			snprintf(text, sizeof(text), "%u", i);
			rg_html_element(out, "td", text);
			rg_html_element(out, "td", r->ranks[i].host);
			rg_html_element(out, "td", r->ranks[i].cpus);
			snprintf(text, sizeof(text), "%d", r->ranks[i].numa_node);
			rg_html_element(out, "td", r->ranks[i].numa_node < 0 ? NULL : text);
			fputs("</tr>\n", out);
		}
		if (r->nranks > RANKS_SHOWN) {
			begin_line(page, side);
			snprintf(text, sizeof(text), "and %u more", r->nranks - RANKS_SHOWN);
			rg_html_element(out, "td colspan=\"4\"", text);
			fputs("</tr>\n", out);
		}
	}
	close_table(out);
}

static void print_warnings(const struct rg_page *page)
{
	bool any = false;

	for (uint32_t s = 0; s < page->report->nsides; s++) {
		const struct rg_side *side = &page->report->sides[s];

		for (uint32_t i = 0; i < side->n; i++) {
			const struct rg_result *r = side->results[i];
			char name[RG_HTML_NAME_BYTES];

			rg_html_document_name(page, side, i, name);
			for (uint32_t k = 0; k < r->nwarnings; k++) {
				if (!any)
					fputs("<h3>Warnings</h3>\n<ul>\n", page->out);
				any = true;
				fputs("<li>", page->out);
				if (name[0])
					rg_html_printf(page->out, "%s: ", name);
				rg_html_element(page->out, "b", r->warnings[k].code);
				fputs(": ", page->out);
				rg_html_text(page->out, r->warnings[k].text);
				fputs("</li>\n", page->out);
			}
		}
	}
	if (any)
		fputs("</ul>\n", page->out);
}

/* A list of what rg_counters_tell says about one document. */
struct counter_list {
	FILE *out;
	const char *name; /* of the document; "" */
	bool open;
};

static void print_counter(void *arg, const char *line, bool heading)
{
	struct counter_list *list = arg;

	if (heading && list->open)
		fputs("</ul>\n", list->out);
	if (!heading && !list->open)
		fputs("<ul>\n", list->out);
	list->open = !heading;
	fputs(heading ? "<p>" : "<li>", list->out);
	if (heading && list->name[0])
		rg_html_printf(list->out, "%s: ", list->name);
	rg_html_text(list->out, line);
	fputs(heading ? "</p>\n" : "</li>\n", list->out);
}

static int print_counters(const struct rg_page *page, struct rg_err *err)
{
	bool any = false;
	int rc = 0;

	for (uint32_t s = 0; s < page->report->nsides; s++) {
		const struct rg_side *side = &page->report->sides[s];

		for (uint32_t i = 0; !rc && i < side->n; i++) {
			char name[RG_HTML_NAME_BYTES];
			struct counter_list list = {.out = page->out, .name = name};

			if (!side->results[i]->counters.nreadings)
				continue;
			if (!any)
				fputs("<h3>Adapters' counters</h3>\n", page->out);
			any = true;
			rg_html_document_name(page, side, i, name);
			rc = rg_counters_tell(side->results[i], print_counter, &list, err);
			if (list.open)
				fputs("</ul>\n", page->out);
		}
	}
	return rc;
}

int rg_html_conditions(const struct rg_page *page, struct rg_err *err)
{
	int rc;

	fputs("<section>\n<h2>Conditions</h2>\n", page->out);
	print_results(page);
	print_machines(page);
	print_ranks(page);
	print_warnings(page);
	rc = print_counters(page, err);
	fputs("</section>\n", page->out);
	return rc;
}
