/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * All-to-all-v, linear: to each rank in turn, the next one first, with messages to at most `window`
 * ranks on the way before the first is waited for; as alltoall_linear.c has it, with blocks of
 * different lengths.
 *
 * Steps ceil((p - 1) s / w) at most, w being the window, s the slices of the longest block; turns
 * in which a rank has nothing to send or to take cost it nothing. Bytes sent by a rank what it has
 * for others. Scratch none; in place a slice for every rank. Any p, any window; 8 unless asked for.
 * Reduces nothing.
 *
 * Source: [Thakur05, section 4], its medium-message all-to-all; the window as in Open MPI's
 * linear_sync [OMPI-linear].
 */
#include "config.h"

#include "algorithms.h"
#include "alltoall.h"

static int linear_check(const struct rg_problem *p, struct rg_err *err)
{
	return rg_alltoall_check(&rg_alltoallv_linear, p, UINT32_MAX, err);
}

static int linear_generate(const struct rg_problem *p, uint32_t rank, struct rg_sink *sink,
			   struct rg_schedule_needs *needs_out, struct rg_err *err)
{
	uint32_t window = rg_gen_window(&rg_alltoallv_linear, p);

	return rg_alltoall_linear_generate(p, rank, window, sink, needs_out, err);
}

const struct rg_algorithm rg_alltoallv_linear = {
	.name = "linear",
	.coll = RG_COLL_ALLTOALLV,
	.summary = "to each rank in turn, with messages to w (window, 8) of them on the way",
	.steps = "ceil((p-1) s/w)",
	.bytes = "what it has for others",
	.ranks = "any",
	.order = "none",
	.source = "[Thakur05, section 4], [OMPI-linear]",
	.protocols = 1u << RG_PROTOCOL_SLOT | 1u << RG_PROTOCOL_WORD,
	.window = 8,
	.check = linear_check,
	.generate = linear_generate,
	.sent_bytes = rg_block_sent_bytes,
};
