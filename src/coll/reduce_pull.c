/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reduce, pull: the root reads everybody's vector and reduces them.
 *
 * Steps 1. Bytes sent per rank none; the root reads n (p - 1), which nobody can do for it, since
 * only it may write its destination. Scratch: a piece of p sources (rg_gen_slice_bytes), of one
 * where p = 2. Any p up to 64, any root. Reduced in rank order, with one rounding.
 *
 * Source: the definition, [MPI41, section 6.9]; the receiver fetches, as in [Jin05].
 */
#include "config.h"

#include "algorithms.h"
#include "pull.h"

#include "railgauge/device/reduce.h"

static int pull_check(const struct rg_problem *p, struct rg_err *err)
{
	return rg_gen_check(&rg_reduce_pull, p, RG_REDUCE_MAX, err);
}

static int pull_generate(const struct rg_problem *p, uint32_t rank, struct rg_sink *sink,
			 struct rg_schedule_needs *needs_out, struct rg_err *err)
{
	uint64_t total = rg_problem_block_bytes(p);
	struct rg_gen g;

	rg_gen_open(&g, p, rank, sink, err);
	if (rg_gen_alone(&g, total))
		return rg_gen_close(&g, needs_out);
	if (rank == p->root) {
		rg_gen_wait_all(&g, RG_CTR_ENTER, 0);
		rg_pull_reduce(&g, 0, 0, total);
		rg_gen_signal_all(&g, RG_CTR_DONE);
	} else {
		rg_gen_signal(&g, p->root, RG_CTR_ENTER);
		rg_gen_wait(&g, p->root, RG_CTR_DONE, 0);
	}
	return rg_gen_close(&g, needs_out);
}

const struct rg_algorithm rg_reduce_pull = {
	.name = "pull",
	.coll = RG_COLL_REDUCE,
	.summary = "the root reads everybody's vector and reduces them",
	.steps = "1",
	.bytes = "0 (the root reads n (p-1))",
	.ranks = "1 to 64",
	.order = "rank order",
	.source = "[MPI41, section 6.9]; [Jin05]",
	.protocols = 1u << RG_PROTOCOL_READ,
	.check = pull_check,
	.generate = pull_generate,
	.sent_bytes = rg_pull_sent_bytes,
};
