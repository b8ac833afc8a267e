/* SPDX-License-Identifier: BSD-3-Clause */
/* What can be known to be wrong with a command line of bench without knowing the ranks. */
#include "config.h"

#include "bench.h"
#include "cmd.h"

#include <string.h>

/* Did anybody set the option? */
static bool is_set(const struct bench *b, const char *name)
{
	const struct rg_opt *table = bench_command.tables[0];

	for (size_t i = 0; table[i].name; i++) {
		if (!strcmp(table[i].name, name))
			return b->origins.of[i] != RG_OPT_FROM_DEFAULT;
	}
	return false;
}

/* Options that say nothing about this collective, or this way of starting ranks. */
static int check_meaning(const struct bench *b, struct rg_err *err)
{
	const char *coll = rg_coll_name(b->coll);

	if (is_set(b, "op") && !rg_coll_reduces(b->coll))
		return rg_err_set(err, RG_ERR_INVALID, "--op: %s reduces nothing", coll);
	if (is_set(b, "root") && !rg_coll_has_root(b->coll))
		return rg_err_set(err, RG_ERR_INVALID, "--root: %s has no root", coll);
	if (is_set(b, "traffic") && b->coll != RG_COLL_ALLTOALLV)
		return rg_cmd_no_traffic(b->coll, err);
	return is_set(b, "bind") ? ranks_check_bind(b->options.threads, err) : 0;
}

/* Options that say what --points says. */
static int check_points(const struct bench *b, struct rg_err *err)
{
	static const char *const others[] = {"minbytes", "maxbytes",  "stepfactor", "stepbytes",
					     "target",	 "algorithm", "protocol"};

	for (size_t i = 0; b->options.points && i < sizeof(others) / sizeof(others[0]); i++) {
		if (is_set(b, others[i]))
			return rg_err_set(err, RG_ERR_INVALID,
					  "--%s and --points exclude each other: --points names "
					  "all sizes and targets",
					  others[i]);
	}
	return 0;
}

/* The names of the files to be written. */
static int check_files(const struct bench_options *o, struct rg_err *err)
{
	if ((o->json && !*o->json) || (o->csv && !*o->csv))
		return rg_err_set(err, RG_ERR_INVALID, "--%s: the name of the file is empty",
				  o->json && !*o->json ? "json" : "csv");
	if (o->dry_run && o->json && !strcmp(o->json, "-"))
		return rg_err_set(err, RG_ERR_INVALID,
				  "--dry-run and --json - exclude each other: it measures nothing, "
				  "and prints in words");
	if (o->json && o->csv && rg_cmd_same_file(o->json, o->csv))
		return rg_err_set(err, RG_ERR_INVALID,
				  "--json and --csv both name the file %s: they need one each",
				  o->csv);
	return 0;
}

int bench_check(const struct bench *b, struct rg_err *err)
{
	const struct bench_options *o = &b->options;
	const struct rg_plan_config config = {
		.coll = b->coll,
		.type = (enum rg_type)o->type,
		.nranks = 1,
		.min_bytes = o->min_bytes,
		.max_bytes = o->max_bytes,
		.factor = o->factor,
		.step_bytes = o->step_bytes,
		.nsizes = b->points.n,
		.sizes = b->points.sizes,
	};
	struct rg_plan plan = {0};
	int rc;

	if (o->persistent && o->clear_to_send)
		return rg_err_set(err, RG_ERR_INVALID,
				  "--persistent and --clear-to-send exclude each other");
	if ((o->persistent || o->clear_to_send) && !b->access[RG_ACCESS_WINDOW])
		return rg_err_set(err, RG_ERR_INVALID,
				  "--%s is about windows, which --buffers %s leaves out",
				  o->persistent ? "persistent" : "clear-to-send", o->buffers);
	if (o->raw && !o->samples)
		return rg_err_set(err, RG_ERR_INVALID,
				  "--raw and --no-samples exclude each other: keep them or not");
	if (o->race && o->repetitions)
		return rg_err_set(err, RG_ERR_INVALID,
				  "--race and -n exclude each other: who leaves a race has fewer "
				  "repetitions");
	if (o->threads && o->mpi && strcmp(o->mpi, "none") != 0)
		return rg_err_set(err, RG_ERR_INVALID,
				  "--threads and --mpi exclude each other: threads need no MPI");
	rc = check_meaning(b, err);
	if (!rc)
		rc = check_points(b, err);
	if (!rc)
		rc = check_files(o, err);
	if (rc)
		return rc;
	rc = rg_plan_open(&config, &plan, err);
	rg_plan_close(&plan);
	return rc;
}
