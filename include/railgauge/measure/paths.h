/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which way private data best take between the ranks: through slots written into the caches, through
 * slots written past them, or read by the kernel out of the sender's buffer. It depends on how near
 * the cores are and on what the kernel costs, so it is tried: every rank sends to the next one, at
 * four lengths, the ways taking turns.
 *
 *   job (endpoint, executor)  ->  rg_paths_try  ->  struct rg_paths  ->  rg_params of a problem
 *
 * What is tried are the programs of sendrecv, those that are measured. results/2026-11-paths.txt
 * shows two machines on which the answers differ.
 */
#ifndef RAILGAUGE_MEASURE_PATHS_H
#define RAILGAUGE_MEASURE_PATHS_H

#include "railgauge/base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct rg_job;

/* The answer, equal on all ranks; see rg_params. Zeroes are the choice where nothing was tried. */
struct rg_paths {
	bool stream_slots;
	uint64_t read_from_bytes; /* 0: reading never paid, or is not allowed */
};

struct rg_paths_trial;

/*
 * (collective) Buffers and programs. fresh: sources are written again before each try, as
 * measurements with --cache fresh do. job is borrowed and outlives the trial. RG_ERR_NO_MEMORY and
 * those of rg_program_open; what one rank fails with, all do.
 */
int rg_paths_open(const struct rg_job *job, bool fresh, struct rg_paths_trial **trial_out,
		  struct rg_err *err);
void rg_paths_close(struct rg_paths_trial *trial); /* NULL is allowed */

/*
 * (collective) Tries, which takes some 10 ms, and agrees. On a processor that is shared with other
 * programs an answer can be wrong; it costs speed, nothing else. RG_ERR_TIMEOUT, RG_ERR_PEER.
 */
int rg_paths_try(struct rg_paths_trial *trial, struct rg_paths *paths_out, struct rg_err *err);

/*
 * The answer from times: best_ns[way][length] with ways in the order of the text above, lengths as
 * in rg_paths_lengths; 0 where a way was not tried. Pure, for tests.
 */
#define RG_PATHS_WAYS	 3
#define RG_PATHS_LENGTHS 4
extern const uint64_t rg_paths_lengths[RG_PATHS_LENGTHS]; /* bytes, ascending */
struct rg_paths rg_paths_judge(const double best_ns[RG_PATHS_WAYS][RG_PATHS_LENGTHS]);

#endif
