/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reduce-scatter, pull: every rank reads its block of all vectors and reduces it.
 *
 * Steps 1. Bytes sent per rank none; each reads n (p - 1) / p out of its peers' sources. Scratch: a
 * piece of p sources (see rg_gen_slice_bytes). Any p up to 64. Reduced in rank order.
 *
 * In place the destination is the rank's own block of its source, which nobody else reads. Source:
 * the definition, [MPI41, section 6.10]; the receiver fetches, as in [Jin05].
 */
#include "config.h"

#include "algorithms.h"
#include "pull.h"

#include "railgauge/device/reduce.h"

static int pull_check(const struct rg_problem *p, struct rg_err *err)
{
	return rg_gen_check(&rg_reducescatter_pull, p, RG_REDUCE_MAX, err);
}

static int pull_generate(const struct rg_problem *p, uint32_t rank, struct rg_sink *sink,
			 struct rg_schedule_needs *needs_out, struct rg_err *err)
{
	uint64_t block = rg_problem_block_bytes(p);
	struct rg_gen g;

	rg_gen_open(&g, p, rank, sink, err);
	if (g.nranks > 1) {
		rg_gen_signal_all(&g, RG_CTR_ENTER);
		rg_gen_wait_all(&g, RG_CTR_ENTER, 0);
		rg_pull_reduce(&g, 0, rank * block, block);
		rg_pull_done(&g);
	} else if (!p->in_place) {
		rg_pull_copy(&g, RG_BUF_DST, 0, rank, 0, block);
	}
	return rg_gen_close(&g, needs_out);
}

const struct rg_algorithm rg_reducescatter_pull = {
	.name = "pull",
	.coll = RG_COLL_REDUCESCATTER,
	.summary = "every rank reads its block of all vectors and reduces it",
	.steps = "1",
	.bytes = "0 (reads n (p-1)/p)",
	.ranks = "1 to 64",
	.order = "rank order",
	.source = "[MPI41, section 6.10]; [Jin05]",
	.protocols = 1u << RG_PROTOCOL_READ,
	.check = pull_check,
	.generate = pull_generate,
	.sent_bytes = rg_pull_sent_bytes,
};
