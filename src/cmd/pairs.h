/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * railgauge pairs, and railgauge pingpong, which is the same with two ranks, in parts:
 *   pairs.c          the command lines
 *   pairs_options.c  the table of options
 *   pairs_items.c    --test and --size: what is measured of each pair
 *   pairs_rank.c     one rank from rendezvous to result
 *   pairs_out.c      what rank 0 keeps and prints
 */
#ifndef RG_CMD_PAIRS_H
#define RG_CMD_PAIRS_H

#include "ranks.h"

#include "railgauge/base/opt.h"
#include "railgauge/measure/lane.h"
#include "railgauge/measure/pairs.h"
#include "railgauge/measure/result.h"
#include "railgauge/transport/verbs.h"

#include <stdbool.h>
#include <stdint.h>

enum pairs_rails { PAIRS_RAILS_EACH, PAIRS_RAILS_TOGETHER, PAIRS_RAILS_BOTH };
enum pairs_bind { PAIRS_BIND_CORE, PAIRS_BIND_NONE };

struct pairs_options {
	const char *tests, *sizes;
	enum rg_lane_op op;
	int64_t iterations, warmups;
	uint64_t duration_ns;
	int64_t outstanding, post_list;
	enum pairs_rails rails;
	bool alone, check;
	const char *transport, *interface, *congestion;
	int64_t threads;
	enum pairs_bind bind;
	const char *mpi, *json, *csv, *counters;
	uint64_t timeout_ns, start_timeout_ns;
};

/* A test of one size. */
struct pairs_item {
	enum rg_pairs_test test;
	uint64_t size_bytes;
};

/* What a process knows before its ranks begin; const for them. */
struct pairs {
	const struct rg_opt_command *command; /* which of the two */
	bool two;			      /* pingpong */
	struct pairs_options options;
	struct rg_verbs_options verbs;
	struct rg_opt_origins origins;
	int argc;
	char **argv;
	struct pairs_item *items; /* owned, [nitems] */
	uint32_t nitems;
	uint64_t max_bytes;   /* the largest size */
	uint32_t outstanding; /* what comes of --outstanding */
	struct ranks ranks;
};

extern const struct rg_opt_command pairs_command, pingpong_command;

/* What the tables of a command fill. */
#define PAIRS_BASES(p)                                    \
	{                                                 \
		&(p)->options, &(p)->options, &(p)->verbs \
	}
#define PAIRS_VERBS "verbs" /* --transport */

/*
 * Takes --test and --size apart into items; where no size was given, those that suit the command
 * and the test. RG_ERR_INVALID, RG_ERR_RANGE and RG_ERR_LIMIT name the option; RG_ERR_NO_MEMORY.
 */
#define PAIRS_SIZE_MAX ((uint64_t)1 << 30)
int pairs_items(struct pairs *pairs, struct rg_err *err);

/* One rank's whole life: struct ranks. */
int pairs_rank(const struct ranks *ranks, struct rg_rendezvous *rdv, bool *agreed_out,
	       struct rg_err *err);

/* --- rank 0's output --- */

struct pairs_out;

/*
 * Opens the result, and tries its files, so that a bad path is known now. m and lane are borrowed
 * until close.
 */
int pairs_out_open(const struct pairs *pairs, const struct ranks_member *m,
		   const struct rg_lane *lane, struct pairs_out **out, struct rg_err *err);
void pairs_out_close(struct pairs_out *out); /* NULL is allowed */

/* A point's outcomes, and what adapters counted meanwhile (NULL: none were read). */
int pairs_out_add(struct pairs_out *out, const struct rg_pairs_point *point, uint32_t round,
		  const struct rg_pairs_outcome *outcomes, uint32_t n,
		  const struct rg_nic_job *counters, struct rg_err *err);

/* Prints and writes what there is. complete: not interrupted. RG_ERR_WRONG_DATA. */
int pairs_out_finish(struct pairs_out *out, bool complete, double others_load, struct rg_err *err);

#endif
