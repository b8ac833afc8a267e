/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Scatter, pull: every rank reads its block out of the root's source.
 *
 * Steps 1. Bytes sent per rank none; all but the root read n / p, all at the same time, and the
 * root leaves when all have read. Scratch none. Any p, any root. Reduces nothing.
 *
 * Source: the definition, [MPI41, section 6.6]; the receiver fetches, as in [Jin05].
 */
#include "config.h"

#include "algorithms.h"
#include "pull.h"

static int pull_check(const struct rg_problem *p, struct rg_err *err)
{
	return rg_gen_check(&rg_scatter_pull, p, UINT32_MAX, err);
}

static int pull_generate(const struct rg_problem *p, uint32_t rank, struct rg_sink *sink,
			 struct rg_schedule_needs *needs_out, struct rg_err *err)
{
	uint64_t block = rg_problem_block_bytes(p);
	struct rg_gen g;

	rg_gen_open(&g, p, rank, sink, err);
	if (rank == p->root)
		rg_gen_signal_all(&g, RG_CTR_ENTER);
	else
		rg_gen_wait(&g, p->root, RG_CTR_ENTER, 0);
	if (rank != p->root || !p->in_place)
		rg_pull_copy(&g, RG_BUF_DST, 0, p->root, rank * block, block);
	if (rank == p->root)
		rg_gen_wait_all(&g, RG_CTR_DONE, 0);
	else
		rg_gen_signal(&g, p->root, RG_CTR_DONE);
	return rg_gen_close(&g, needs_out);
}

const struct rg_algorithm rg_scatter_pull = {
	.name = "pull",
	.coll = RG_COLL_SCATTER,
	.summary = "every rank reads its block out of the root's source",
	.steps = "1",
	.bytes = "0 (others read n/p)",
	.ranks = "any",
	.order = "none",
	.source = "[MPI41, section 6.6]; [Jin05]",
	.protocols = 1u << RG_PROTOCOL_READ,
	.check = pull_check,
	.generate = pull_generate,
	.sent_bytes = rg_pull_sent_bytes,
};
