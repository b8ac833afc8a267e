/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which way private data best take between the ranks: through slots written into the caches,
 * through slots written past them, or read by the kernel out of the sender's buffer. It depends on
 * how near the cores are, on the size, and on what the kernel costs, so it is tried with the
 * problem itself, in place and out of place.
 *
 *   job (endpoint, executor), problem, its buffers  ->  rg_paths_try  ->  struct rg_paths
 *                                                                  ->  rg_params of the choice
 *
 * results/2026-11-paths.txt shows that the answers differ between machines.
 */
#ifndef RAILGAUGE_MEASURE_PATHS_H
#define RAILGAUGE_MEASURE_PATHS_H

#include "railgauge/base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct rg_job;
struct rg_target_problem;

/* The answers, equal on all ranks: out of place, and [1] in place. Zeroes where nothing was tried.
 */
struct rg_paths {
	bool stream_slots[2]; /* rg_params.stream_slots */
	bool read[2];	      /* rg_params.read */
};

/*
 * (collective) Tries and agrees. problem says what will be measured; its in_place, persistent and
 * paths do not matter, its pair 0 is overwritten. fresh: the source is written again before each
 * operation, as measurements with --cache fresh do. Takes some 30 operations, of fewer bytes where
 * one has more than 64 MiB; twice as many up to 1 MiB, and several hundred of a few KiB. On
 * processors that are shared with other programs an answer can be wrong; it costs speed, nothing
 * else. RG_ERR_NO_MEMORY, RG_ERR_TIMEOUT, RG_ERR_PEER, those of rg_program_open, and the
 * transport's read's; what one rank fails with, all do.
 */
int rg_paths_try(const struct rg_job *job, const struct rg_target_problem *problem, bool fresh,
		 struct rg_paths *paths_out, struct rg_err *err);

/*
 * One answer from the times of the ways, in the order of the text above; 0: not tried. Another way
 * than the first must gain 3 %. Pure.
 */
enum rg_paths_way { RG_PATHS_CACHED, RG_PATHS_STREAMED, RG_PATHS_READ, RG_PATHS_WAYS };
enum rg_paths_way rg_paths_judge(const double best_ns[RG_PATHS_WAYS]);

#endif
