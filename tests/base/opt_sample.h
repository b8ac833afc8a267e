/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Option tables with a row of each type, and commands of each kind, for the unit test and the fuzz
 * target of base/opt.h.
 */
#ifndef RG_TESTS_OPT_SAMPLE_H
#define RG_TESTS_OPT_SAMPLE_H

#include "railgauge/base/opt.h"

#include <stddef.h>

struct config {
	bool dry_run, check;
	int64_t iterations;
	double factor;
	uint64_t min_bytes, limit_ns;
	int order;
	const char *json;
	int untouched;
};

struct shm_config {
	int64_t spin;
};

static const char *const orders[] = {"random", "rising", "falling", NULL};

static const struct rg_opt main_table[] = {
	{.name = "minbytes",
	 .letter = 'b',
	 RG_OPT_FIELD(SIZE, struct config, min_bytes),
	 .value = "SIZE",
	 .dflt = "8",
	 .min = 1,
	 .max = 1 << 20,
	 .help = "smallest size"},
	{.name = "iters",
	 .letter = 'n',
	 RG_OPT_FIELD(INT, struct config, iterations),
	 .value = "N",
	 .dflt = "20",
	 .min = 1,
	 .max = 1000,
	 .env = "RG_TEST_ITERS",
	 .help = "repetitions"},
	{.name = "factor",
	 .letter = 'f',
	 RG_OPT_FIELD(NUMBER, struct config, factor),
	 .value = "X",
	 .dflt = "2",
	 .min = 1.5,
	 .max = 16,
	 .help = "size to size"},
	{.name = "limit",
	 RG_OPT_FIELD(TIME, struct config, limit_ns),
	 .value = "TIME",
	 .dflt = "10s",
	 .min = 1e6,
	 .max = 3600e9,
	 .help = "time for all"},
	{.name = "order",
	 RG_OPT_FIELD(CHOICE, struct config, order),
	 .value = "ORDER",
	 .choices = orders,
	 .help = "the order of sizes"},
	{.name = "json",
	 RG_OPT_FIELD(STRING, struct config, json),
	 .value = "FILE",
	 .help = "write results there"},
	{.name = "dry-run", RG_OPT_FIELD(FLAG, struct config, dry_run), .help = "only say what"},
	{.name = "check",
	 .letter = 'c',
	 RG_OPT_FIELD(FLAG, struct config, check),
	 .dflt = "yes",
	 .env = "RG_TEST_CHECK",
	 .help = "check the data"},
	{NULL},
};

static const struct rg_opt shm_table[] = {
	{.name = "shm.spin",
	 RG_OPT_FIELD(INT, struct shm_config, spin),
	 .value = "N",
	 .dflt = "-1",
	 .help = "polls before yielding"},
	{NULL},
};

static const struct rg_opt *const tables[] = {main_table, shm_table, NULL};
static const struct rg_opt_command bench = {
	.name = "railgauge bench",
	.args = "COLLECTIVE",
	.summary = "time collectives",
	.details = "More text.",
	.tables = tables,
};
static const struct rg_opt_command driver = {
	.name = "railgauge run",
	.args = "-- COMMAND...",
	.summary = "start ranks",
	.tables = tables,
};
static const struct rg_opt_command plain = {
	.name = "railgauge info",
	.summary = "say what works",
	.tables = tables,
};

#endif
