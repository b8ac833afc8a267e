/* SPDX-License-Identifier: BSD-3-Clause */
/* railgauge tune: the command line, and the whole of it from the folder to the files. */
#include "config.h"

#include "tune.h"

#include "cmd.h"
#include "driver.h"

#include "railgauge/base/io.h"
#include "railgauge/base/log.h"
#include "railgauge/base/mem.h"
#include "railgauge/base/opt.h"
#include "railgauge/device/types.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What the documents may need, generously. */
#define ROOM_BYTES ((size_t)1 << 20)

#define USUAL_COLLECTIVES "allreduce,allgather,alltoall,reducescatter,broadcast"

#define AT(member) offsetof(struct tune_options, member)

static const char *const place_words[] = {"out", "in", NULL};

static const struct rg_opt tune_table[] = {
	{"out", 0, RG_OPT_STRING, AT(out), "DIR", "railgauge-tune", 0, 0, NULL, NULL,
	 "folder of the decisions and files; on several hosts at the same path on all of them"},
	{"budget", 0, RG_OPT_TIME, AT(budget_ns), "TIME", "20m", 1e9, 1e15, NULL, NULL,
	 "time for all launches together; what is not decided by then stays as it is"},
	{"collectives", 0, RG_OPT_STRING, AT(collectives), "LIST", USUAL_COLLECTIVES, 0, 0, NULL,
	 NULL, "what to tune, with commas between; all for all that the library has a choice for"},
	{"minbytes", 'b', RG_OPT_SIZE, AT(min_bytes), "SIZE", "8", 1, 1e12, NULL, NULL,
	 "smallest size"},
	{"maxbytes", 'e', RG_OPT_SIZE, AT(max_bytes), "SIZE", "64M", 1, 1e12, NULL, NULL,
	 "largest size"},
	{"stepfactor", 'f', RG_OPT_NUMBER, AT(factor), "FACTOR", "4", 1.1, 1e6, NULL, NULL,
	 "each size is the one before times FACTOR, and the largest; boundaries in between are "
	 "searched for"},
	{"exhaustive", 0, RG_OPT_FLAG, AT(exhaustive), NULL, NULL, 0, 0, NULL, NULL,
	 "measure everything in all launches: nothing leaves early"},
	{"launches", 0, RG_OPT_INT, AT(launches), "N", "5", 2, RG_SEARCH_LAUNCHES_MAX, NULL, NULL,
	 "launches that a choice is confirmed by; as many again where these leave it open"},
	{"limit", 0, RG_OPT_TIME, AT(limit_ns), "TIME", "0", 0, 1e13, NULL, NULL,
	 "end a launch that takes longer; 0: a minute, ten times what its points may take, and the "
	 "time for their bytes at 100 MB/s"},
	{"per-size", 0, RG_OPT_TIME, AT(per_size_ns), "TIME", "2s", 1e6, 1e13, NULL, NULL,
	 "longest time for one size in one launch with all algorithms, however much of the "
	 "budget is left; with fewer of them as much less"},
	{"fresh", 0, RG_OPT_FLAG, AT(fresh), NULL, NULL, 0, 0, NULL, NULL,
	 "discard what was measured before in DIR"},
	{"place", 0, RG_OPT_CHOICE, AT(place), "WHERE", "out", 0, 0, place_words, NULL,
	 "where results go (out of place; in place); broadcast is always in place"},
	{"datatype", 'd', RG_OPT_CHOICE, AT(type), "TYPE", "float", 0, 0, rg_type_words, NULL,
	 "type of the elements"},
	{"op", 'o', RG_OPT_CHOICE, AT(op), "OP", "sum", 0, 0, rg_op_words, NULL,
	 "operation of reductions"},
	{"seed", 0, RG_OPT_INT, AT(seed), "N", "1", 0, 9e15, NULL, NULL,
	 "draws the order of repetitions and the data"},
	{NULL},
};

static const struct rg_opt *const tune_tables[] = {tune_table, NULL};

static const struct rg_opt_command tune_command = {
	.name = TUNE_NAME,
	.args = "-- LAUNCHER [WORD...]",
	.summary =
		"Find out which algorithms the MPI library should use, and write it down for it.",
	.details =
		"Starts the launcher, mpirun -np N ... as the job uses it, again and again, with "
		"railgauge bench under it, which must be at the same path on all hosts. Each "
		"launch "
		"has a limit: an algorithm that crashes, hangs or is wrong is excluded, with the "
		"reason. A choice other than the library's own is made only where it was better "
		"beyond noise over several launches. Written are decisions.json, files for the "
		"library and env.sh, which makes a job use them. An interrupted tuning goes on "
		"from "
		"journal.jsonl when it is started again. Exit status: 2 bad options, 3 something "
		"is "
		"not possible here, 4 launches failed or hung, and no function was decided, 6 "
		"interrupted.",
	.tables = tune_tables,
};

/* --- the command line --- */

static int add_functions(struct tune *t, enum rg_coll coll, bool all, struct rg_err *err)
{
	uint32_t before = t->nfunctions;

	for (const struct rg_ompi_function *f = rg_ompi_functions; f->name; f++) {
		bool there = false;

		if (f->coll == RG_COLL_COUNT || !f->algorithms || (!all && f->coll != coll))
			continue;
		for (uint32_t i = 0; i < t->nfunctions; i++)
			there |= t->functions[i] == f;
		if (there)
			return rg_err_set(err, RG_ERR_INVALID, "--collectives: %s is there twice",
					  rg_coll_name(f->coll));
		t->functions[t->nfunctions++] = f;
	}
	if (t->nfunctions == before)
		return rg_err_set(err, RG_ERR_INVALID,
				  "--collectives: %s: MPI libraries have no choice for it",
				  rg_coll_name(coll));
	return 0;
}

static int parse_collectives(struct tune *t, struct rg_err *err)
{
	int rc = 0;

	if (!strcmp(t->options.collectives, "all"))
		return add_functions(t, RG_COLL_COUNT, true, err);
	for (const char *rest = t->options.collectives; !rc && rest;) {
		size_t len = strcspn(rest, ",");
		enum rg_coll coll;
		char word[40];

		snprintf(word, sizeof(word), "%.*s", (int)(len < 39 ? len : 39), rest);
		rc = rg_cmd_collective(word, &coll, err);
		if (rc)
			return rg_err_prefix(err, "--collectives");
		rc = add_functions(t, coll, false, err);
		rest = rest[len] ? rest + len + 1 : NULL;
	}
	return rc;
}

static int check_place(const struct tune *t, struct rg_err *err)
{
	for (uint32_t i = 0; i < t->nfunctions; i++) {
		if (t->options.place == TUNE_PLACE_IN && t->functions[i]->in_place_is_0)
			return rg_err_set(err, RG_ERR_INVALID,
					  "--place in: %s in place has no send count, which its "
					  "rules go by, so nothing can be decided for its sizes: "
					  "leave %s out of --collectives",
					  t->functions[i]->mpi,
					  rg_coll_name(t->functions[i]->coll));
	}
	return 0;
}

/* What would make the default something else than the library's own choice. */
static int check_environment(const struct tune *t, struct rg_err *err)
{
	static const char *const rules[] = {"OMPI_MCA_coll_tuned_dynamic_rules_filename",
					    "OMPI_MCA_coll_tuned_use_dynamic_rules"};
	uint32_t n = 0, own;

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		if (getenv(rules[i]))
			return rg_err_set(err, RG_ERR_INVALID,
					  "%s is set: the library would not choose by itself; "
					  "unset it (a new shell without env.sh)",
					  rules[i]);
	}
	for (char **w = t->launcher; *w; w++)
		n++;
	own = rg_ompi_own_setting(t->launcher, n);
	if (own < n)
		return rg_err_set(err, RG_ERR_INVALID,
				  "the launcher is told %s: the library would not choose by itself",
				  t->launcher[own]);
	return 0;
}

static int parse(struct tune *t, int argc, char **argv, struct rg_err *err)
{
	void *const bases[] = {&t->options};
	struct rg_opt_origins origins;
	int first, rc;

	t->launcher = driver_split(argc, argv, &argc);
	rc = rg_opt_parse(&tune_command, argc, argv, bases, &origins, &first, err);
	if (rc)
		return rc;
	if (first < argc)
		return rg_err_set(err, RG_ERR_INVALID,
				  "%s: the launcher comes after --: railgauge tune -- mpirun -np N",
				  argv[first]);
	if (!t->launcher)
		return rg_err_set(err, RG_ERR_INVALID,
				  "which launcher? For example: railgauge tune -- mpirun -np 4");
	if (t->options.min_bytes > t->options.max_bytes)
		return rg_err_set(err, RG_ERR_INVALID, "--minbytes is above --maxbytes");
	rc = parse_collectives(t, err);
	if (!rc)
		rc = check_place(t, err);
	if (!rc)
		rc = driver_outside("railgauge tune -- mpirun ...", err);
	return rc ? rc : check_environment(t, err);
}

/* --- the folder --- */

static int path_in(const struct tune *t, const char *name, char path[PATH_MAX], struct rg_err *err)
{
	if (snprintf(path, PATH_MAX, "%s/%s", t->folder, name) < PATH_MAX)
		return 0;
	return rg_err_set(err, RG_ERR_INVALID, "--out: %.60s...: too long", t->folder);
}

/* The folder is there and can be written; *made_out: it was not there before. */
static int open_folder(struct tune *t, bool *made_out, struct rg_err *err)
{
	const char *out = t->options.out;
	char path[PATH_MAX];
	int rc;

	*made_out = !mkdir(out, 0777);
	if (!*made_out && errno != EEXIST)
		return rg_err_errno(err, errno, "--out: %s", out);
	if (!realpath(out, t->folder))
		return rg_err_errno(err, errno, "--out: %s", out);
	rc = path_in(t, "decisions.json", path, err);
	return rc ? rc : rg_io_try_file(path, ROOM_BYTES, err);
}

static int read_journal(struct tune *t, struct rg_err *err)
{
	const json_t *entry;

	t->old = rg_zalloc(rg_journal_count(t->journal) + 1, sizeof(*t->old));
	if (!t->old)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for the journal");
	while ((entry = rg_journal_replay(t->journal)))
		t->old[t->nold++] = entry;
	if (t->nold)
		rg_log(RG_LOG_INFO, "going on from %s/journal.jsonl: %u launch%s of before",
		       t->folder, t->nold, t->nold == 1 ? "" : "es");
	return 0;
}

static int open_journal(struct tune *t, struct rg_err *err)
{
	json_t *question = tune_question(t);
	char path[PATH_MAX];
	int rc = question ? path_in(t, "journal.jsonl", path, err)
			  : rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for the question");

	if (!rc)
		rc = rg_journal_open(path, question, t->options.fresh, &t->journal, err);
	json_decref(question);
	if (rc == RG_ERR_MISMATCH)
		return rg_err_prefix(err, "--fresh discards what --out DIR holds");
	return rc ? rc : read_journal(t, err);
}

/* --- the whole --- */

/*
 * The decisions last: where the files for the library are refused, the folder keeps what it had,
 * old decisions with their old files.
 */
static int write_files(struct tune *t, struct rg_err *err)
{
	char path[PATH_MAX];
	int rc = path_in(t, "decisions.json", path, err);

	if (!rc)
		rc = rg_decisions_check(t->decisions, path, err);
	if (!rc)
		rc = rg_io_try_file(path, ROOM_BYTES, err);
	if (!rc)
		rc = rg_emit_write(t->emitter, t->decisions, t->folder, err);
	return rc ? rc : rg_decisions_write(t->decisions, path, err);
}

static int tune_in_folder(struct tune *t, struct rg_err *err)
{
	int rc = rg_decisions_open(&t->decisions, err);

	if (!rc)
		rc = tune_meet(t, err);
	if (!rc)
		rc = open_journal(t, err);
	if (rc)
		return rc;
	rc = tune_search_all(t, err);
	if (rc == RG_ERR_INTERRUPTED)
		return rg_err_prefix(err, "the same command goes on after %u launch%s",
				     t->nold + t->nlaunches,
				     t->nold + t->nlaunches == 1 ? "" : "es");
	if (!rc)
		rc = write_files(t, err);
	return rc ? rc : tune_print(t, err);
}

static int run(struct tune *t, struct rg_err *err)
{
	bool made = false;
	int rc = rg_cmd_output_try(err);

	if (!rc)
		rc = driver_program(&t->program, err);
	if (!rc)
		rc = open_folder(t, &made, err);
	if (!rc) {
		t->interrupted = driver_catch();
		rg_progress_init(&t->progress, stderr);
		rc = tune_in_folder(t, err);
	}
	rg_progress_hide(&t->progress);
	rg_journal_close(t->journal);
	rg_decisions_close(t->decisions);
	rg_free(t->old);
	rg_free(t->program);
	if (rc && made)
		(void)rmdir(t->options.out); /* what is in it stays */
	return rc;
}

int cmd_tune(int argc, char **argv)
{
	struct tune t = {0};
	struct rg_err err = {0};
	int rc = parse(&t, argc, argv, &err);

	if (!rc)
		rc = run(&t, &err);
	return rg_cmd_status(TUNE_NAME, rc, &err);
}
