/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Gather, pull: the root reads everybody's block.
 *
 * Steps 1. Bytes sent per rank none; the root reads n (p - 1) / p, which nobody can do for it,
 * since only it may write its destination. Scratch none. Any p, any root. Reduces nothing.
 *
 * Source: the definition, [MPI41, section 6.5]; the receiver fetches, as in [Jin05].
 */
#include "config.h"

#include "algorithms.h"
#include "pull.h"

static int pull_check(const struct rg_problem *p, struct rg_err *err)
{
	return rg_gen_check(&rg_gather_pull, p, UINT32_MAX, err);
}

static int pull_generate(const struct rg_problem *p, uint32_t rank, struct rg_sink *sink,
			 struct rg_schedule_needs *needs_out, struct rg_err *err)
{
	uint64_t block = rg_problem_block_bytes(p);
	struct rg_gen g;

	rg_gen_open(&g, p, rank, sink, err);
	if (rank != p->root) {
		rg_gen_signal(&g, p->root, RG_CTR_ENTER);
		rg_gen_wait(&g, p->root, RG_CTR_DONE, 0);
		return rg_gen_close(&g, needs_out);
	}
	if (!p->in_place)
		rg_pull_copy(&g, RG_BUF_DST, rank * block, rank, 0, block);
	for (uint32_t k = 1; k < g.nranks; k++) {
		uint32_t peer = (rank + k) % g.nranks;

		rg_gen_wait(&g, peer, RG_CTR_ENTER, 0);
		rg_pull_copy(&g, RG_BUF_DST, peer * block, peer, 0, block);
		rg_gen_signal(&g, peer, RG_CTR_DONE);
	}
	return rg_gen_close(&g, needs_out);
}

const struct rg_algorithm rg_gather_pull = {
	.name = "pull",
	.coll = RG_COLL_GATHER,
	.summary = "the root reads everybody's block",
	.steps = "1",
	.bytes = "0 (the root reads n (p-1)/p)",
	.ranks = "any",
	.order = "none",
	.source = "[MPI41, section 6.5]; [Jin05]",
	.protocols = 1u << RG_PROTOCOL_READ,
	.check = pull_check,
	.generate = pull_generate,
	.sent_bytes = rg_pull_sent_bytes,
};
