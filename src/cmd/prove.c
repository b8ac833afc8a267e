/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * railgauge prove: do a folder's files help the job that they were made for? A driver: it stays
 * outside of the job and starts the user's launcher as often as it needs.
 */
#include "config.h"

#include "prove.h"

#include "cmd.h"
#include "driver.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/io.h"
#include "railgauge/base/mem.h"
#include "railgauge/base/opt.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Exit statuses. */
enum { WORSE = 1, NOT_HONOURED = 2, COULD_NOT_RUN = 3 };

static const struct rg_opt options[] = {
	{.name = "pairs",
	 RG_OPT_FIELD(INT, struct prove_options, pairs),
	 .value = "N",
	 .dflt = "8",
	 .min = RG_PROVE_PAIRS_MIN,
	 .max = 1000,
	 .help = "pairs of launches, without and with the files"},
	{.name = "same",
	 RG_OPT_FIELD(FLAG, struct prove_options, same),
	 .help = "with the files on both sides: what comes out says how far prove can be trusted"},
	{.name = "budget",
	 RG_OPT_FIELD(TIME, struct prove_options, budget_ns),
	 .value = "TIME",
	 .dflt = "300ms",
	 .min = 1e6,
	 .max = 1e13,
	 .help = "time per point in each launch, after the warm-up"},
	{.name = "limit",
	 RG_OPT_FIELD(TIME, struct prove_options, limit_ns),
	 .value = "TIME",
	 .dflt = "0",
	 .help = "end a launch that takes longer; 0: a minute, ten times what its points may take, "
		 "and the time for their bytes at 100 MB/s"},
	{.name = "json",
	 RG_OPT_FIELD(STRING, struct prove_options, json),
	 .value = "FILE",
	 .help = "write all of it as a document (docs/PROOF.md)"},
	{NULL},
};

static const struct rg_opt *const tables[] = {options, NULL};

static const struct rg_opt_command command = {
	.name = PROVE_NAME,
	.args = "DIR -- LAUNCHER...",
	.summary = "Prove that the files in DIR help the job that they were made for.",
	.details =
		"DIR is a folder of decisions, as railgauge tune and railgauge emit leave it, and "
		"LAUNCHER the words that start the job's ranks, as mpirun -np 16; railgauge's own "
		"bench is put behind them. On several hosts DIR must be at the same place on all "
		"of them, and writable here.\n\n"
		"First each rule is made to fail, in a copy of the files, in a launch of its own: "
		"if that launch fails as the library words it, the rule is honoured. Then there "
		"are pairs of launches without and with the files, in alternating order, of which "
		"each measures the sizes that were asked for, and one in each rule's range that "
		"has none of them. A point is better or worse if the interval of the pairs' ratio, "
		"corrected for the number of points, "
		"is beyond 3 %; it is level else.\n\n"
		"Exit status: 0 all rules are honoured, and nothing is worse; 1 something is "
		"worse; 2 a rule is not honoured; 3 it could not be found out (also: bad "
		"options); 6 interrupted.",
	.tables = tables,
};

/* One line on what kept it from being found out. */
static int could_not(int rc, const struct rg_err *err)
{
	(void)rg_cmd_status(PROVE_NAME, rc, err);
	return rc == RG_ERR_INTERRUPTED ? rg_err_exit(rc) : COULD_NOT_RUN;
}

static int parse(struct prove *p, int argc, char **argv, const char **folder_out,
		 struct rg_err *err)
{
	void *const bases[] = {&p->options};
	struct rg_opt_origins origins;
	int first, rc;

	p->launcher = driver_split(argc, argv, &argc);
	rc = rg_opt_parse(&command, argc, argv, bases, &origins, &first, err);
	if (rc)
		return rc;
	if (first >= argc)
		return rg_err_set(err, RG_ERR_INVALID,
				  "which folder? For example: railgauge prove tuned -- mpirun -np "
				  "16");
	if (first + 1 < argc)
		return rg_err_set(err, RG_ERR_INVALID,
				  "%s: one folder at a time, and then -- and the launcher",
				  argv[first + 1]);
	if (!p->launcher)
		return rg_err_set(err, RG_ERR_INVALID,
				  "no launcher: railgauge prove %s -- mpirun -np 16", argv[first]);
	if (p->options.json && !*p->options.json)
		return rg_err_set(err, RG_ERR_INVALID, "--json: the name of the file is empty");
	*folder_out = argv[first];
	return driver_outside("railgauge prove DIR -- mpirun ...", err);
}

/* The document is written whatever comes out. */
static int finish(const struct prove *p, bool judged, int status)
{
	struct rg_err err = {0};
	int rc = rg_cmd_output_check(&err);

	if (!rc && p->options.json)
		rc = prove_json_write(p, judged, &err);
	return rc ? could_not(rc, &err) : status;
}

/* All before the pairs. *honoured_out: no rule was found that is not. */
static int prepare(struct prove *p, const char *folder, bool *honoured_out, struct rg_err *err)
{
	int rc = prove_folder_open(p, folder, err);

	if (!rc && p->options.json)
		rc = rg_io_try_file(p->options.json, 1, err);
	if (!rc)
		rc = prove_plan_open(p, err);
	if (!rc)
		rc = driver_program(&p->program, err);
	if (!rc)
		rc = prove_print(p, prove_print_plan, err);
	*honoured_out = true;
	if (rc || !p->nrules)
		return rc;
	rc = prove_look(p, err);
	if (!rc)
		rc = prove_honour(p, honoured_out, err);
	rg_progress_hide(&p->progress);
	return rc ? rc : prove_print(p, prove_print_rules, err);
}

static int prove(struct prove *p, const char *folder)
{
	struct rg_err err = {0};
	bool honoured;
	int rc = prepare(p, folder, &honoured, &err);

	if (rc)
		return could_not(rc, &err);
	if (!p->nrules || !honoured)
		return finish(p, false, honoured ? 0 : NOT_HONOURED);
	rc = prove_pairs(p, &err);
	rg_progress_hide(&p->progress);
	if (!rc) {
		rg_prove_judge(p->points, p->npoints);
		rc = prove_print(p, prove_print_points, &err);
	}
	if (rc)
		return could_not(rc, &err);
	return finish(p, true, prove_count(p).worse ? WORSE : 0);
}

static void release(struct prove *p)
{
	prove_plan_close(p);
	for (uint32_t i = 0; p->variables && p->variables[i]; i++)
		rg_free(p->variables[i]);
	rg_free(p->variables);
	rg_decisions_close(p->decisions);
	if (p->lock >= 0)
		close(p->lock);
	rg_free(p->file);
	rg_free(p->env_file);
	rg_free(p->folder);
	rg_free(p->program);
}

int cmd_prove(int argc, char **argv)
{
	struct prove p = {.begun_ns = rg_clock_ns(), .lock = -1};
	struct rg_err err = {0};
	const char *folder = NULL;
	int rc = parse(&p, argc, argv, &folder, &err);
	int status;

	if (rc)
		return rc > 0 ? 0 : could_not(rc, &err);
	rg_progress_init(&p.progress, stderr);
	p.interrupted = driver_catch();
	status = prove(&p, folder);
	release(&p);
	return status;
}
