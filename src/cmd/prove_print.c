/* SPDX-License-Identifier: BSD-3-Clause */
/* What standard output gets: what will be done, what became of the rules, the points. */
#include "config.h"

#include "prove.h"

#include "cmd.h"

#include "railgauge/base/units.h"

#include <inttypes.h>
#include <string.h>

static const char *plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

int prove_print(const struct prove *p, void (*what)(const struct prove *, FILE *),
		struct rg_err *err)
{
	struct rg_cmd_text text;
	int rc = rg_cmd_text_open(&text, err);

	if (rc)
		return rc;
	what(p, text.out);
	return rg_cmd_text_close(&text, 0, err);
}

/* --- before --- */

void prove_print_plan(const struct prove *p, FILE *out)
{
	const struct rg_decisions *ds = p->decisions;
	uint64_t pairs = (uint64_t)p->options.pairs;

	fprintf(out, "# %s\n# decided %s for %u rank%s with %s\n", p->folder, ds->created,
		ds->nranks, plural(ds->nranks), ds->library);
	if (p->nleft)
		fprintf(out,
			"# %u range%s that %s decided, but that the library cannot be told of (the "
			"files say why)\n",
			p->nleft, plural(p->nleft), p->nleft == 1 ? "was" : "were");
	if (!p->nrules) {
		fputs("# The files are sound, and tell the library nothing\n"
		      "# The default was best already: nothing to prove\n",
		      out);
		return;
	}
	fprintf(out, "# %u function%s with %u rule%s, %u point%s\n", p->nfunctions,
		plural(p->nfunctions), p->nrules, plural(p->nrules), p->npoints,
		plural(p->npoints));
	fprintf(out,
		"# %" PRIu64 " launches: one to look at the job, one for each rule, which is made "
		"to fail in it,\n# and %" PRIu64 " pairs %s%s\n",
		1 + p->nrules + 2 * pairs * p->nfunctions, pairs,
		p->options.same ? "with the files on both sides (--same)"
				: "without and with the files",
		p->nfunctions > 1 ? ", for each function" : "");
}

/* --- rules --- */

/* "64K to 1M", "from 64K on" */
static void print_range(const struct rg_decision_range *r, FILE *out)
{
	char from[RG_UNITS_BYTES], to[RG_UNITS_BYTES];

	rg_format_size(r->from_bytes, from);
	if (r->to_bytes == UINT64_MAX)
		fprintf(out, "from %s on", from);
	else
		fprintf(out, "%s to %s", from, rg_format_size(r->to_bytes, to));
}

/* Why a rule may not be looked at: what the launcher's words tell, or what they cannot. */
static void print_cause(const struct prove *p, FILE *out)
{
	char *const *words = p->launcher;
	uint32_t n = 0, own;

	while (words[n])
		n++;
	own = rg_ompi_own_setting(words, n);
	for (uint32_t i = 1; own == n && i + 1 < n; i++) {
		size_t before = strlen(words[i - 1]);

		if (before >= 3 && !strcmp(words[i - 1] + before - 3, "mca") &&
		    !strcmp(words[i], "coll"))
			own = i;
	}
	if (own > 0 && own + 1 < n) {
		fprintf(out, "#   likely: the launcher's own words decide: %s %s %s\n",
			words[own - 1], words[own], words[own + 1]);
		return;
	}
	fprintf(out,
		"#   likely: another component of coll stands above tuned (hcoll, han, ...), a "
		"file "
		"of\n#   parameters switches the rules off, or %s is not there on all hosts\n",
		p->folder);
}

void prove_print_rules(const struct prove *p, FILE *out)
{
	uint32_t honoured = 0;
	char size[RG_UNITS_BYTES], choice[RG_CHOICE_TEXT_BYTES];

	if (p->note[0])
		fprintf(out, "# Note: %s\n", p->note);
	for (uint32_t i = 0; i < p->nrules; i++)
		honoured += p->rules[i].honoured;
	if (honoured == p->nrules) {
		fprintf(out, "# Honoured: %s rule%s\n", p->nrules == 1 ? "the" : "all",
			plural(p->nrules));
		return;
	}
	if (p->unseen[0])
		fprintf(out, "# NOT HONOURED: not all hosts see the files: %s\n", p->unseen);
	for (uint32_t i = 0; i < p->nrules; i++) {
		const struct prove_rule *rule = &p->rules[i];
		const struct rg_decision *d = rule->function->decision;
		const struct rg_decision_range *range = &d->ranges[rule->range];

		if (rule->honoured || p->unseen[0])
			continue;
		fprintf(out, "# NOT HONOURED: %s, ", d->function);
		print_range(range, out);
		fprintf(out, " (%s): a launch at %s succeeded although the rule was made to fail\n",
			rg_choice_text(&range->choice, choice),
			rg_format_size(rule->size_bytes, size));
	}
	if (!p->unseen[0])
		print_cause(p, out);
	fputs("# Nothing was measured: the files do not reach the library\n", out);
}

/* --- points --- */

struct prove_count prove_count(const struct prove *p)
{
	struct prove_count c = {0};

	for (uint32_t i = 0; i < p->npoints; i++) {
		const struct rg_prove_point *point = &p->points[i];

		c.better += point->verdict == RG_PROVE_BETTER;
		c.worse += point->verdict == RG_PROVE_WORSE;
		c.level += point->verdict == RG_PROVE_LEVEL;
		c.not_kept += point->verdict == RG_PROVE_LEVEL && rg_prove_is_promised(point);
		if (point->verdict == RG_PROVE_BETTER &&
		    (!c.best || point->ratio.ratio > c.best->ratio.ratio))
			c.best = point;
	}
	return c;
}

static void print_legend(const struct prove *p, FILE *out)
{
	double percent = 100 * (1 - (1 - RG_STATS_LEVEL) / p->npoints);

	fprintf(out,
		"# without, with  geometric mean of the medians of %u launches each%s\n"
		"# ratio          without / with, above 1 where the files help: geometric mean "
		"over "
		"pairs, with\n"
		"#                its %.4g %% interval (Student's t on the logarithms; 95 %% for "
		"all "
		"%u point%s together)\n"
		"# promised       the gain that was decided on\n"
		"# verdict        better, worse: the interval lies wholly beyond %.3g, or below "
		"its "
		"inverse; better\n"
		"#                only where that was promised: a gain of as much, with its "
		"interval above 1\n",
		(uint32_t)p->options.pairs, p->options.same ? ", with the files on both sides" : "",
		percent, p->npoints, plural(p->npoints), RG_DECISION_FLOOR);
	fprintf(out, "# %-25s %8s %-28s %10s %10s %6s %13s %8s  verdict\n", "function", "size",
		"choice", "without", "with", "ratio", "interval", "promised");
}

static void print_point(const struct rg_prove_point *p, FILE *out)
{
	static const char *const words[] = {"level", "better", "WORSE"};
	char size[RG_UNITS_BYTES], without[RG_UNITS_BYTES], with[RG_UNITS_BYTES];
	char choice[RG_CHOICE_TEXT_BYTES], interval[48], promised[32] = "-";

	snprintf(interval, sizeof(interval), "%.2f-%.2f", p->ratio.lo, p->ratio.hi);
	if (p->promised.n)
		snprintf(promised, sizeof(promised), "%.2f", p->promised.ratio);
	fprintf(out, "  %-25s %8s %-28s %10s %10s %6.2f %13s %8s  %s\n", p->function,
		rg_format_size(p->size_bytes, size), rg_choice_text(&p->choice, choice),
		rg_format_time(p->without_mean_ns, without), rg_format_time(p->with_mean_ns, with),
		p->ratio.ratio, interval, promised, words[p->verdict]);
}

void prove_print_points(const struct prove *p, FILE *out)
{
	struct prove_count c = prove_count(p);
	char size[RG_UNITS_BYTES];

	print_legend(p, out);
	for (uint32_t i = 0; i < p->npoints; i++)
		print_point(&p->points[i], out);
	fprintf(out, "# Better at %u point%s", c.better, plural(c.better));
	if (c.best)
		fprintf(out, " (up to %.2fx: %s at %s)", c.best->ratio.ratio, c.best->function,
			rg_format_size(c.best->size_bytes, size));
	fprintf(out, ", level at %u, worse at %u\n", c.level, c.worse);
	if (c.not_kept)
		fprintf(out, "# Promised better, and level: %u point%s\n", c.not_kept,
			plural(c.not_kept));
	for (uint32_t i = 0; i < p->npoints; i++) {
		const struct rg_prove_point *point = &p->points[i];

		if (point->verdict == RG_PROVE_WORSE)
			fprintf(out, "# WORSE: %s at %s, %.2fx\n", point->function,
				rg_format_size(point->size_bytes, size), point->ratio.ratio);
	}
	if (p->options.same)
		fputs("# The files were on both sides: in 5 % of such proofs something is not "
		      "level\n",
		      out);
}
