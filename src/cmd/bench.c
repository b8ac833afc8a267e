/* SPDX-License-Identifier: BSD-3-Clause */
/* railgauge bench: the command line. */
#include "config.h"

#include "bench.h"
#include "cmd.h"

#include "railgauge/base/clock.h"
#include "railgauge/coll/schedule.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int parse_collective(int argc, char **argv, int first, enum rg_coll *coll_out,
			    struct rg_err *err)
{
	if (first >= argc)
		return rg_err_set(err, RG_ERR_INVALID,
				  "which collective? For example: railgauge bench allreduce");
	if (first + 1 < argc)
		return rg_err_set(err, RG_ERR_INVALID, "%s: one collective at a time",
				  argv[first + 1]);
	return rg_cmd_collective(argv[first], coll_out, err);
}

static int parse_buffers(struct bench *b, struct rg_err *err)
{
	for (const char *rest = b->options.buffers; rest;) {
		size_t len = strcspn(rest, ",");

		if (len == 6 && !strncmp(rest, "window", len))
			b->access[RG_ACCESS_WINDOW] = true;
		else if (len == 7 && !strncmp(rest, "private", len))
			b->access[RG_ACCESS_PRIVATE] = true;
		else
			return rg_err_set(err, RG_ERR_INVALID,
					  "--buffers: %.*s: expected window, private or both "
					  "with a comma",
					  (int)(len > 40 ? 40 : len), rest);
		rest = rest[len] ? rest + len + 1 : NULL;
	}
	return 0;
}

/* --radix and --send-window are for an algorithm that has one. */
static int check_tuning(const struct bench *b, struct rg_err *err)
{
	const struct bench_options *o = &b->options;
	const char *option = o->radix ? "--radix" : o->send_window ? "--send-window" : NULL;
	const struct rg_algorithm *a;

	if (option && !o->algorithm)
		return rg_err_set(err, RG_ERR_INVALID,
				  "%s needs --algorithm: few have one, see railgauge algorithms",
				  option);
	if (!option || rg_algorithm_find(b->coll, o->algorithm, &a, NULL))
		return 0; /* what is no name is said later */
	if (o->radix && !a->radix)
		return rg_err_set(err, RG_ERR_INVALID, "--radix: %s %s has none",
				  rg_coll_name(b->coll), a->name);
	if (o->send_window && !a->window)
		return rg_err_set(err, RG_ERR_INVALID, "--send-window: %s %s has none",
				  rg_coll_name(b->coll), a->name);
	return o->radix == 1 ? rg_err_set(err, RG_ERR_INVALID, "--radix: 1 joins nobody") : 0;
}

static int check_algorithm(const struct bench *b, struct rg_err *err)
{
	const struct bench_options *o = &b->options;
	char words[128];
	int n = snprintf(words, sizeof(words), "%s%s%s", o->algorithm, o->protocol ? ":" : "",
			 o->protocol ? o->protocol : "");

	if (n < 0 || (size_t)n >= sizeof(words))
		return rg_err_set(err, RG_ERR_INVALID,
				  "--algorithm, --protocol: %.20s...: too long", words);
	if (!rg_target_railgauge.check(b->coll, words, err))
		return 0;
	return rg_err_prefix(err, o->protocol ? "--algorithm, --protocol" : "--algorithm");
}

/* Puts --algorithm and --protocol into the plain names of target railgauge. */
static int resolve_targets(struct bench *b, const char *list, struct rg_err *err)
{
	const struct bench_options *o = &b->options;
	bool chosen = o->algorithm, used = false;
	size_t room = sizeof(b->targets), at = 0;

	if (o->protocol && !o->algorithm)
		return rg_err_set(err, RG_ERR_INVALID,
				  "--protocol %s needs --algorithm: each has protocols of its own, "
				  "see railgauge algorithms",
				  o->protocol);
	if (chosen && check_algorithm(b, err))
		return RG_ERR_INVALID;
	for (const char *rest = list; rest;) {
		size_t len = strcspn(rest, ",");
		bool plain = len == 9 && !strncmp(rest, "railgauge", len);
		int n;

		if (chosen && plain)
			n = snprintf(b->targets + at, room - at, "%srailgauge:%s%s%s",
				     at ? "," : "", o->algorithm, o->protocol ? ":" : "",
				     o->protocol ? o->protocol : "");
		else
			n = snprintf(b->targets + at, room - at, "%s%.*s", at ? "," : "", (int)len,
				     rest);
		if (n < 0 || (size_t)n >= room - at)
			return rg_err_set(err, RG_ERR_INVALID, "--target: the list is too long");
		used |= plain;
		at += (size_t)n;
		rest = rest[len] ? rest + len + 1 : NULL;
	}
	if (chosen && !used)
		return rg_err_set(err, RG_ERR_INVALID,
				  "--algorithm is for target railgauge, which --target %s does not "
				  "name",
				  list);
	return 0;
}

/* Under an MPI launcher the comparison is what one wants to see. */
static const char *usual_targets(const struct bench *b)
{
	const char *name;

	if (b->options.target)
		return b->options.target;
	if (!b->options.threads && !rg_mpi_choose(b->options.mpi, &name, NULL))
		return "railgauge,mpi";
	return "railgauge";
}

static int parse(struct bench *b, struct rg_err *err)
{
	void *const bases[] = {&b->options, &b->verbs};
	bool *algorithms = &b->ranks.algorithms, wants_mpi;
	int first, rc;

	rc = rg_opt_parse(&bench_command, b->argc, b->argv, bases, &b->origins, &first, err);
	if (!rc)
		rc = parse_collective(b->argc, b->argv, first, &b->coll, err);
	if (!rc)
		rc = parse_buffers(b, err);
	if (!rc)
		rc = check_tuning(b, err);
	if (!rc && b->options.points)
		rc = bench_points_open(b->options.points, b->coll, &b->points, &wants_mpi,
				       algorithms, err);
	if (!rc && !b->options.points)
		rc = resolve_targets(b, usual_targets(b), err);
	if (!rc && !b->options.points)
		rc = rg_target_parse(b->targets, "--target", b->coll, &wants_mpi, algorithms, err);
	return rc ? rc : bench_check(b, err);
}

int cmd_bench(int argc, char **argv)
{
	struct bench b = {.argc = argc, .argv = argv};
	struct rg_err err = {0};
	int rc = parse(&b, &err), status;

	if (rc > 0)
		return 0;
	b.ranks.name = BENCH_NAME;
	b.ranks.library = b.options.mpi;
	b.ranks.nthreads = b.options.threads;
	b.ranks.bind = b.options.bind == BENCH_BIND_CORE;
	b.ranks.timeout_ns = b.options.timeout_ns;
	b.ranks.start_ns = b.options.start_timeout_ns;
	b.ranks.life = bench_rank;
	b.ranks.command = &b;
	status = ranks_run(&b.ranks, rc, &err);
	bench_points_close(&b.points);
	return status;
}
