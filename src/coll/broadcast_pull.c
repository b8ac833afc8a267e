/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Broadcast, pull: everybody reads the root's vector.
 *
 * Steps 1. Bytes sent per rank none; all but the root read n out of its source, all at the same
 * time, and the root leaves when all have read. Scratch none. Any p. Reduces nothing.
 *
 * Source: the definition, [MPI41, section 6.4]; the receiver fetches, as in [Jin05].
 */
#include "config.h"

#include "algorithms.h"
#include "pull.h"

static int pull_check(const struct rg_problem *p, struct rg_err *err)
{
	return rg_gen_check(&rg_broadcast_pull, p, UINT32_MAX, err);
}

static int pull_generate(const struct rg_problem *p, uint32_t rank, struct rg_sink *sink,
			 struct rg_schedule_needs *needs_out, struct rg_err *err)
{
	uint64_t total = rg_problem_block_bytes(p);
	struct rg_gen g;

	rg_gen_open(&g, p, rank, sink, err);
	if (rank == p->root) {
		rg_gen_signal_all(&g, RG_CTR_ENTER);
		if (!p->in_place)
			rg_pull_copy(&g, RG_BUF_DST, 0, rank, 0, total);
		rg_gen_wait_all(&g, RG_CTR_DONE, 0);
	} else {
		rg_gen_wait(&g, p->root, RG_CTR_ENTER, 0);
		rg_pull_copy(&g, RG_BUF_DST, 0, p->root, 0, total);
		rg_gen_signal(&g, p->root, RG_CTR_DONE);
	}
	return rg_gen_close(&g, needs_out);
}

const struct rg_algorithm rg_broadcast_pull = {
	.name = "pull",
	.coll = RG_COLL_BROADCAST,
	.summary = "everybody reads the root's vector",
	.steps = "1",
	.bytes = "0 (others read n)",
	.ranks = "any",
	.order = "none",
	.source = "[MPI41, section 6.4]; [Jin05]",
	.protocols = 1u << RG_PROTOCOL_READ,
	.check = pull_check,
	.generate = pull_generate,
	.sent_bytes = rg_pull_sent_bytes,
};
