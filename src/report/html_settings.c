/* SPDX-License-Identifier: BSD-3-Clause */
/* What few readers look for, and those who want to repeat it need: at the end of the page. */
#include "config.h"

#include "html_impl.h"
#include "network.h"

#include "railgauge/base/mem.h"
#include "railgauge/base/units.h"

#include <string.h>

static void print_run(FILE *out, const struct rg_result *r)
{
	const struct rg_result_run *run = &r->run;
	const struct {
		const char *name, *value;
	} words[] = {{"build", r->build},
		     {"ranks met through", run->rendezvous},
		     {"MPI", run->mpi},
		     {"its rules", run->rules},
		     {"network", run->network},
		     {"vector instructions", run->isa},
		     {"start of repetitions", run->start},
		     {"memory", run->memory}};

	fputs("<dl>\n", out);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		rg_html_element(out, "dt", words[i].name);
		rg_html_element(out, "dd", words[i].value);
	}
	fputs("<dt>alignment</dt><dd>", out);
	rg_html_printf(out, "%llu bytes", (unsigned long long)run->align_bytes);
	fputs("</dd><dt>cost of the clock</dt><dd>", out);
	rg_html_printf(out, "%.1f ns", run->timer_cost_ns);
	fputs("</dd><dt>skew of the start</dt><dd>", out);
	rg_html_printf(out, "%.1f ns", run->start_skew_ns);
	if (run->clock_error_ns > 0) {
		fputs("</dd><dt>the ranks' clocks, compared, may be apart by</dt><dd>", out);
		rg_html_printf(out, "%.1f ns", run->clock_error_ns);
	}
	fputs("</dd><dt>seed</dt><dd>", out);
	rg_html_printf(out, "%llu", (unsigned long long)run->seed);
	fputs("</dd></dl>\n", out);
}

/* Those that somebody set, or the others. */
static int print_options(const struct rg_page *page, const struct rg_result *r, bool set,
			 struct rg_err *err)
{
	FILE *out = page->out;
	json_t *option;
	size_t i;

	fprintf(out, "<p>%s", set ? "Options that were set: " : "Defaults: ");
	json_array_foreach(r->config, i, option)
	{
		const char *name = json_string_value(json_object_get(option, "name"));
		const char *origin = json_string_value(json_object_get(option, "origin"));
		const struct rg_opt *const *tables = page->report->options;
		char *value;

		if (!name || !origin || (strcmp(origin, "default") != 0) != set)
			continue;
		value = rg_opt_value_text(tables ? rg_opt_find(tables, name) : NULL,
					  json_object_get(option, "value"));
		if (!value)
			return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for the page");
		fputs("<span class=\"option\">", out);
		rg_html_element(out, "code", name);
		fputc(' ', out);
		rg_html_text(out, value);
		if (set)
			rg_html_printf(out, " (%s)", origin);
		fputs("</span> ", out);
		rg_free(value);
	}
	fputs("</p>\n", out);
	return 0;
}

static void print_calibration(FILE *out, const struct rg_result *r)
{
	const struct rg_rates *rates = &r->calibration.rates;
	char size[RG_UNITS_BYTES];

	if (!r->calibrated) {
		fputs("<p>The memory was not calibrated, so it sets no bounds.</p>\n", out);
		return;
	}
	fputs("<div class=\"wide\"><table><caption>Calibration: highest rates that were seen, "
	      "bytes read plus bytes written per rank, GB/s</caption><thead><tr>",
	      out);
	rg_html_title(out, "footprint", "bytes per rank", true);
	for (enum rg_mix m = 0; m < RG_MIX_COUNT; m++)
		rg_html_title(out, rg_mix_words[m], NULL, true);
	fputs("</tr></thead>\n<tbody>\n", out);
	for (uint32_t i = 0; i < rates->nfootprints; i++) {
		fputs("<tr>", out);
		rg_html_number(out, "%s", rg_format_size(rates->footprint_bytes[i], size));
		for (enum rg_mix m = 0; m < RG_MIX_COUNT; m++) {
			if (rates->rate_Bps[i][m] > 0)
				rg_html_number(out, "%.1f", rates->rate_Bps[i][m] / 1e9);
			else
				rg_html_element(out, "td class=\"n\"", NULL);
		}
		fputs("</tr>\n", out);
	}
	fputs("</tbody></table></div>\n<p>", out);
	if (rates->line_ns > 0)
		rg_html_printf(out, "A cache line takes %.1f ns one way between two ranks. ",
			       rates->line_ns);
	rg_html_printf(out,
		       "At %s bytes per rank the mix \"add\" reached %.1f GB/s, an independent "
		       "plain loop %.1f GB/s: the check %s.",
		       rg_format_size(r->calibration.check_bytes, size),
		       r->calibration.check_own_Bps / 1e9, r->calibration.check_plain_Bps / 1e9,
		       r->calibration.check_passed ? "passed" : "did NOT pass");
	fputs("</p>\n", out);
}

int rg_html_settings(const struct rg_page *page, struct rg_err *err)
{
	int rc = 0;

	fputs("<section>\n<h2>Settings and calibration</h2>\n", page->out);
	for (uint32_t s = 0; !rc && s < page->report->nsides; s++) {
		const struct rg_side *side = &page->report->sides[s];
		char name[RG_HTML_NAME_BYTES];

		rg_html_document_name(page, side, 0, name);
		if (name[0])
			rg_html_element(page->out, "h3", name);
		print_run(page->out, side->results[0]);
		rc = print_options(page, side->results[0], true, err);
		if (!rc)
			rc = print_options(page, side->results[0], false, err);
		if (rc)
			break;
		print_calibration(page->out, side->results[0]);
		rg_html_network(page->out, side->results[0]);
	}
	fputs("</section>\n", page->out);
	return rc;
}
