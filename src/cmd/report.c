/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "cmd.h"

#include "railgauge/base/mem.h"
#include "railgauge/base/opt.h"
#include "railgauge/measure/result.h"
#include "railgauge/report/compare.h"
#include "railgauge/report/csv.h"
#include "railgauge/report/table.h"

#include <stdio.h>
#include <unistd.h>

enum format { FORMAT_TABLE, FORMAT_CSV, FORMAT_JSON };
static const char *const format_words[] = {"table", "csv", "json", NULL};

struct config {
	enum format format;
	const char *csv;
	const char *baseline;
	bool launches;
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
	 .help = "write the points of the document as CSV to FILE as well"},
	{.name = "baseline",
	 RG_OPT_FIELD(STRING, struct config, baseline),
	 .value = "TARGET",
	 .help = "what the ratios are relative to (mpi if it is there, else the first target)"},
	{.name = "launches",
	 RG_OPT_FIELD(FLAG, struct config, launches),
	 .help = "take two documents as launches of one measurement, as more than two always are"},
	{NULL},
};

static const struct rg_opt *const tables[] = {options, NULL};

static const struct rg_opt_command command = {
	.name = "railgauge report",
	.args = "A.json [B.json ...]",
	.summary = "Print a result document again, compare two, or sum up several launches.",
	.details =
		"With one document its table is printed. With two, first what is different about "
		"their conditions, then the ratio A / B of each point with its 95 % interval; "
		"those that only one has are named. More than two (or two with --launches) are "
		"launches of one measurement, the unit of replication: each target's ratio to "
		"the baseline is given with its interval over the launches.",
	.tables = tables,
};

/* Two are compared unless told otherwise; more can only be launches. */
static bool are_launches(const struct config *config, uint32_t n)
{
	return config->launches || n > 2;
}

static int print_one(const struct config *config, const struct rg_result *result,
		     struct rg_err *err)
{
	json_t *root;
	int rc = 0;

	if (config->format == FORMAT_TABLE)
		return rg_table_print(result, config->baseline, stdout, err);
	if (config->format == FORMAT_CSV)
		return rg_csv_print(result, stdout, err);
	root = rg_result_to_json(result);
	if (!root)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for the document");
	if (json_dumpf(root, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(12)) ||
	    putchar('\n') == EOF || fflush(stdout))
		rc = rg_err_set(err, RG_ERR_SYSTEM, "writing the document failed");
	json_decref(root);
	return rc;
}

static int print_all(const struct config *config, char *const *paths, struct rg_result **results,
		     uint32_t n, struct rg_err *err)
{
	if (n == 1)
		return print_one(config, results[0], err);
	if (are_launches(config, n))
		return rg_launches_print(results, n, config->baseline, stdout, err);
	if (config->format == FORMAT_CSV)
		return rg_compare_csv(results[0], results[1], stdout, err);
	return rg_compare_print(results[0], paths[0], results[1], paths[1], stdout, err);
}

/* What goes together. */
static int check(const struct config *config, uint32_t n, struct rg_err *err)
{
	if (!n)
		return rg_err_set(err, RG_ERR_INVALID,
				  "no document named; see railgauge report "
				  "--help");
	if (config->launches && n < 2)
		return rg_err_set(err, RG_ERR_INVALID, "--launches: needs at least two documents");
	if (are_launches(config, n) && config->format != FORMAT_TABLE)
		return rg_err_set(err, RG_ERR_INVALID,
				  "--format: of launches there is a table only");
	if (n > 1 && config->format == FORMAT_JSON)
		return rg_err_set(err, RG_ERR_INVALID,
				  "--format: json is for one document, not for comparisons");
	if (n > 1 && config->csv)
		return rg_err_set(err, RG_ERR_INVALID,
				  "--csv: is for one document; --format csv prints a comparison");
	if (n == 2 && !are_launches(config, n) && config->baseline)
		return rg_err_set(err, RG_ERR_INVALID,
				  "--baseline: of no use when two documents are compared");
	return 0;
}

int cmd_report(int argc, char **argv)
{
	struct rg_opt_origins origins;
	struct rg_result **results;
	struct rg_err err = {0};
	struct config config;
	void *bases[] = {&config};
	uint32_t n = 0;
	int first, rc;

	rc = rg_opt_parse(&command, argc, argv, bases, &origins, &first, &err);
	if (!rc)
		rc = check(&config, (uint32_t)(argc - first), &err);
	if (rc)
		return rg_cmd_status("railgauge report", rc, &err);
	results = rg_zalloc((size_t)(argc - first), sizeof(struct rg_result *));
	if (!results)
		rc = rg_err_set(&err, RG_ERR_NO_MEMORY, "no memory");
	for (; !rc && n < (uint32_t)(argc - first); n += !rc)
		rc = rg_result_read(argv[first + (int)n], &results[n], &err);
	if (!rc && config.csv)
		rc = rg_csv_write(results[0], config.csv, &err);
	if (!rc)
		rc = print_all(&config, argv + first, results, n, &err);
	for (uint32_t i = 0; i < n; i++)
		rg_result_close(results[i]);
	rg_free(results);
	return rg_cmd_status("railgauge report", rc, &err);
}
