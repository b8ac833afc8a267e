/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which way private data best take between the ranks: through slots written into the caches,
 * through slots written past them, or read by the kernel out of the sender's buffer. It depends on
 * how near the cores are and on what the kernel costs, so it is tried with the collective itself,
 * at four sizes, in place and out of place, the ways taking turns.
 *
 *   job (endpoint, executor), collective  ->  rg_paths_try  ->  struct rg_paths  ->  rg_params
 *
 * results/2026-11-paths.txt shows that the answers differ between machines.
 */
#ifndef RAILGAUGE_MEASURE_PATHS_H
#define RAILGAUGE_MEASURE_PATHS_H

#include "railgauge/base/collective.h"
#include "railgauge/base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct rg_job;

/* The answers, equal on all ranks, out of place and in place ([1]); see struct rg_params. Zeroes
 * are the choice where nothing was tried. */
struct rg_paths {
	bool stream_slots[2];
	uint64_t read_from_bytes[2];
};

struct rg_paths_trial;

/*
 * (collective) Buffers and programs. fresh: sources are written again before each try, as
 * measurements with --cache fresh do. job is borrowed and outlives the trial. RG_ERR_NO_MEMORY and
 * those of rg_program_open; what one rank fails with, all do.
 */
int rg_paths_open(const struct rg_job *job, enum rg_coll coll, bool fresh,
		  struct rg_paths_trial **trial_out, struct rg_err *err);
void rg_paths_close(struct rg_paths_trial *trial); /* NULL is allowed */

/*
 * (collective) Tries, which takes some 10 ms, and agrees. On a processor that is shared with other
 * programs an answer can be wrong; it costs speed, nothing else. RG_ERR_TIMEOUT, RG_ERR_PEER.
 */
int rg_paths_try(struct rg_paths_trial *trial, struct rg_paths *paths_out, struct rg_err *err);

/*
 * One answer from times: best_ns[way][size] with ways in the order of the text above, sizes (S of
 * base/collective.h) as in rg_paths_sizes; 0 where a way was not tried. Pure.
 */
enum rg_paths_way { RG_PATHS_CACHED, RG_PATHS_STREAMED, RG_PATHS_READ, RG_PATHS_WAYS };
#define RG_PATHS_SIZES 4
extern const uint64_t rg_paths_sizes[RG_PATHS_SIZES]; /* bytes, ascending */
void rg_paths_judge(const double best_ns[RG_PATHS_WAYS][RG_PATHS_SIZES], bool *stream_slots_out,
		    uint64_t *read_from_bytes_out);

#endif
