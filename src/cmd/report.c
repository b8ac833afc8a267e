/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "bench.h"
#include "cmd.h"
#include "pairs.h"

#include "railgauge/base/mem.h"
#include "railgauge/base/opt.h"
#include "railgauge/measure/result.h"
#include "railgauge/report/compare.h"
#include "railgauge/report/csv.h"
#include "railgauge/report/file.h"
#include "railgauge/report/html.h"
#include "railgauge/report/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SIDES_MAX 26 /* A to Z */
#define VERSUS	  "vs"

enum format { FORMAT_TABLE, FORMAT_CSV, FORMAT_JSON };
static const char *const format_words[] = {"table", "csv", "json", NULL};

struct config {
	enum format format;
	const char *csv, *html;
	const char *baseline;
	bool launches, compare;
};

static const struct rg_opt options[] = {
	{.name = "format",
	 RG_OPT_FIELD(CHOICE, struct config, format),
	 .value = "FORMAT",
	 .dflt = "table",
	 .choices = format_words,
	 .help = "what standard output gets"},
	{.name = "csv",
	 RG_OPT_FIELD(STRING, struct config, csv),
	 .value = "FILE",
	 .help = "write the numbers as CSV to FILE as well, a line per point"},
	{.name = "html",
	 RG_OPT_FIELD(STRING, struct config, html),
	 .value = "FILE",
	 .help = "write a page with conditions, tables and plots (by gnuplot) to FILE as well"},
	{.name = "baseline",
	 RG_OPT_FIELD(STRING, struct config, baseline),
	 .value = "TARGET",
	 .help = "what the ratios are relative to (mpi if it is there, else the first target)"},
	{.name = "launches",
	 RG_OPT_FIELD(FLAG, struct config, launches),
	 .help = "take two documents as launches of one measurement, as more than two always are"},
	{.name = "compare",
	 RG_OPT_FIELD(FLAG, struct config, compare),
	 .help = "compare each document with the first one, as two always are"},
	{NULL},
};

static const struct rg_opt *const tables[] = {options, NULL};

static const struct rg_opt_command command = {
	.name = "railgauge report",
	.args = "A.json [B.json ...] [vs C.json ...]",
	.summary = "Print a result document again, compare some, or sum up several launches.",
	.details =
		"With one document its table is printed. With two (or more with --compare), first "
		"what is different about their conditions, then the ratio A / B of each point with "
		"its 95 % interval; those that only one has are named. More than two (or two with "
		"--launches) are launches of one measurement, the unit of replication: each "
		"target's ratio to the baseline is given with its interval over the launches. The "
		"word vs stands between sides of several launches, each of which is compared with "
		"the first: railgauge report old/*.json vs new/*.json.",
	.tables = tables,
};

/* What the operands say. */
struct operands {
	uint32_t n;		    /* documents */
	const char **paths;	    /* owned, [n] */
	struct rg_result **results; /* owned, [n], with what is in them */
	struct rg_side sides[SIDES_MAX];
	uint32_t nsides;
	bool versus; /* the word stands between them */
};

/* --- which documents belong together --- */

static int open_side(struct operands *o, uint32_t first, struct rg_err *err)
{
	static const char *const names[SIDES_MAX] = {"A", "B", "C", "D", "E", "F", "G", "H", "I",
						     "J", "K", "L", "M", "N", "O", "P", "Q", "R",
						     "S", "T", "U", "V", "W", "X", "Y", "Z"};

	if (o->nsides == SIDES_MAX)
		return rg_err_set(err, RG_ERR_INVALID,
				  "more than %d results to compare: name fewer", SIDES_MAX);
	o->sides[o->nsides] = (struct rg_side){
		.name = names[o->nsides], .paths = o->paths + first, .results = o->results + first};
	o->nsides++;
	return 0;
}

/* Fills in the sides; each document is one if each is true and no word separates them. */
static int group(struct operands *o, char *const *words, uint32_t nwords, bool each,
		 struct rg_err *err)
{
	bool fresh = true;
	int rc = 0;

	for (uint32_t i = 0; !rc && i < nwords; i++) {
		if (!strcmp(words[i], VERSUS)) {
			if (fresh || i + 1 == nwords)
				return rg_err_set(err, RG_ERR_INVALID,
						  VERSUS ": no document %s it (a file of that name "
							 "is ./" VERSUS ")",
						  fresh ? "before" : "behind");
			fresh = true;
			continue;
		}
		if (fresh || (each && !o->versus))
			rc = open_side(o, o->n, err);
		if (rc)
			return rc;
		o->paths[o->n++] = words[i];
		o->sides[o->nsides - 1].n++;
		fresh = false;
	}
	return 0;
}

static int take_operands(struct operands *o, const struct config *config, char *const *words,
			 uint32_t nwords, struct rg_err *err)
{
	uint32_t n = nwords;

	for (uint32_t i = 0; i < nwords; i++) {
		o->versus |= !strcmp(words[i], VERSUS);
		n -= !strcmp(words[i], VERSUS);
	}
	if (!n)
		return rg_err_set(err, RG_ERR_INVALID,
				  "no document named; see railgauge report --help");
	if (o->versus && (config->launches || config->compare))
		return rg_err_set(err, RG_ERR_INVALID,
				  "--%s: of no use with the word " VERSUS
				  ", which says already what belongs together",
				  config->launches ? "launches" : "compare");
	if (config->launches && config->compare)
		return rg_err_set(err, RG_ERR_INVALID,
				  "--launches and --compare contradict each other");
	if (n < 2 && (config->launches || config->compare))
		return rg_err_set(err, RG_ERR_INVALID, "--%s: needs at least two documents",
				  config->launches ? "launches" : "compare");
	o->paths = rg_zalloc(n, sizeof(*o->paths));
	o->results = rg_zalloc(n, sizeof(struct rg_result *));
	if (!o->paths || !o->results)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory");
	return group(o, words, nwords, config->compare || (n == 2 && !config->launches), err);
}

static void release_operands(struct operands *o)
{
	for (uint32_t i = 0; o->results && i < o->n; i++)
		rg_result_close(o->results[i]);
	rg_free(o->results);
	rg_free(o->paths);
}

/* --- what goes together --- */

/* A file that is written is not one that is read, nor another one that is written. */
static int check_file(const struct operands *o, const char *name, const char *path,
		      struct rg_err *err)
{
	if (path && !*path)
		return rg_err_set(err, RG_ERR_INVALID, "--%s: the name of the file is empty", name);
	for (uint32_t i = 0; path && i < o->n; i++) {
		if (rg_cmd_same_file(path, o->paths[i]))
			return rg_err_set(err, RG_ERR_INVALID,
					  "--%s: %s is a document that is to be read", name, path);
	}
	return 0;
}

static int check(const struct operands *o, const struct config *config, struct rg_err *err)
{
	int rc = check_file(o, "csv", config->csv, err);

	if (!rc)
		rc = check_file(o, "html", config->html, err);
	if (rc)
		return rc;
	if (config->csv && config->html && rg_cmd_same_file(config->csv, config->html))
		return rg_err_set(err, RG_ERR_INVALID,
				  "--csv and --html both name the file %s: they need one each",
				  config->html);
	if (o->n > 1 && config->format == FORMAT_JSON)
		return rg_err_set(err, RG_ERR_INVALID,
				  "--format: json is for one document, not for several");
	if (o->nsides > 1 && config->baseline)
		return rg_err_set(err, RG_ERR_INVALID,
				  "--baseline: of no use when documents are compared");
	return 0;
}

/* Pairs are matrices of their own: there are no targets or sides in them. */
static int check_pairs(const struct operands *o, const struct config *config, struct rg_err *err)
{
	for (uint32_t i = 0; i < o->n; i++) {
		if (!o->results[i]->npairs)
			continue;
		if (o->n > 1)
			return rg_err_set(err, RG_ERR_INVALID,
					  "%s: pairs of ranks are reported one document at a time",
					  o->paths[i]);
		if (config->baseline)
			return rg_err_set(err, RG_ERR_INVALID,
					  "--baseline: %s has pairs of ranks, and no targets",
					  o->paths[i]);
	}
	return 0;
}

/* The options of the command that made it, for their units. */
static const struct rg_opt *const *options_of(const struct rg_result *result)
{
	if (!result->npairs)
		return bench_command.tables;
	return result->nargs && !strcmp(result->args[0], "pingpong") ? pingpong_command.tables
								     : pairs_command.tables;
}

/* --- output --- */

static int print_json(const struct rg_result *result, struct rg_err *err)
{
	json_t *root = rg_result_to_json(result);
	int rc = 0;

	if (!root)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for the document");
	if (json_dumpf(root, stdout,
		       JSON_INDENT(1) | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(12)) ||
	    putchar('\n') == EOF || fflush(stdout))
		rc = rg_err_set(err, RG_ERR_SYSTEM, "writing the document failed");
	json_decref(root);
	return rc;
}

static int print_csv(const struct rg_report *report, FILE *out, struct rg_err *err)
{
	if (report->nsides > 1)
		return rg_compare_csv(report, out, err);
	if (report->sides[0].n > 1)
		return rg_launches_csv(report, out, err);
	return rg_csv_print(report->sides[0].results[0], out, err);
}

static int print_table(const struct rg_report *report, FILE *out, struct rg_err *err)
{
	if (report->nsides > 1)
		return rg_compare_print(report, out, err);
	if (report->sides[0].n > 1)
		return rg_launches_print(report, out, err);
	return rg_table_print(report->sides[0].results[0], report->baseline, out, err);
}

/* What a person reads, in whatever format, holds no commands for the terminal. */
static int print_text(const struct rg_report *report, enum format format, struct rg_err *err)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	int rc;

	if (!out)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for the table");
	rc = format == FORMAT_CSV ? print_csv(report, out, err) : print_table(report, out, err);
	if (fclose(out) && !rc)
		rc = rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for the table");
	if (!rc)
		rc = rg_text_print(text, len, stdout, err);
	free(text);
	return rc;
}

static int print(const struct rg_report *report, enum format format, struct rg_err *err)
{
	if (format == FORMAT_JSON)
		return print_json(report->sides[0].results[0], err);
	if (format == FORMAT_CSV && !isatty(STDOUT_FILENO))
		return print_csv(report, stdout, err);
	return print_text(report, format, err);
}

static int write_csv(const struct rg_report *report, const char *path, struct rg_err *err)
{
	struct rg_text_file file;
	int rc = rg_text_file_open(&file, path, err);

	return rc ? rc : rg_text_file_close(&file, print_csv(report, file.out, err), err);
}

int cmd_report(int argc, char **argv)
{
	struct operands o = {.n = 0};
	struct rg_opt_origins origins;
	struct rg_report report;
	struct rg_err err = {0};
	struct config config;
	void *bases[] = {&config};
	int first, rc;

	rc = rg_opt_parse(&command, argc, argv, bases, &origins, &first, &err);
	if (rc)
		return rg_cmd_status("railgauge report", rc, &err);
	rc = take_operands(&o, &config, argv + first, (uint32_t)(argc - first), &err);
	if (!rc)
		rc = check(&o, &config, &err);
	for (uint32_t i = 0; !rc && i < o.n; i++)
		rc = rg_result_read(o.paths[i], &o.results[i], &err);
	if (!rc)
		rc = check_pairs(&o, &config, &err);
	report = (struct rg_report){.sides = o.sides,
				    .nsides = o.nsides,
				    .baseline = config.baseline,
				    .options = rc ? NULL : options_of(o.results[0])};
	if (!rc && config.csv)
		rc = write_csv(&report, config.csv, &err);
	if (!rc && config.html)
		rc = rg_html_write(&report, config.html, &err);
	if (!rc)
		rc = print(&report, config.format, &err);
	release_operands(&o);
	return rg_cmd_status("railgauge report", rc, &err);
}
