/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * All-gather, pull: every rank reads the blocks of all others.
 *
 * Steps 1. Bytes sent per rank none; each reads n (p - 1) / p out of its peers' sources. Scratch
 * none. Any p. Reduces nothing.
 *
 * The own block is copied last: a core that reads its source while a peer does holds the peer up
 * (256 KiB over two ranks: 27 us so, 18 us last; results/2026-11-paths.txt). Source: the
 * definition, [MPI41, section 6.7]; the receiver fetches, as in [Jin05].
 */
#include "config.h"

#include "algorithms.h"
#include "pull.h"

static int pull_check(const struct rg_problem *p, struct rg_err *err)
{
	return rg_gen_check(&rg_allgather_pull, p, UINT32_MAX, err);
}

static int pull_generate(const struct rg_problem *p, uint32_t rank, struct rg_sink *sink,
			 struct rg_schedule_needs *needs_out, struct rg_err *err)
{
	uint64_t block = rg_problem_block_bytes(p);
	struct rg_gen g;

	rg_gen_open(&g, p, rank, sink, err);
	rg_gen_signal_all(&g, RG_CTR_ENTER);
	for (uint32_t k = 1; k < g.nranks; k++) {
		uint32_t peer = (rank + k) % g.nranks;

		rg_gen_wait(&g, peer, RG_CTR_ENTER, 0);
		rg_pull_copy(&g, RG_BUF_DST, peer * block, peer, 0, block);
	}
	rg_gen_signal_all(&g, RG_CTR_DONE);
	if (!p->in_place) /* meanwhile the others read on */
		rg_pull_copy(&g, RG_BUF_DST, rank * block, rank, 0, block);
	rg_gen_wait_all(&g, RG_CTR_DONE, 0);
	return rg_gen_close(&g, needs_out);
}

const struct rg_algorithm rg_allgather_pull = {
	.name = "pull",
	.coll = RG_COLL_ALLGATHER,
	.summary = "every rank reads the blocks of all others",
	.steps = "1",
	.bytes = "0 (reads n (p-1)/p)",
	.ranks = "any",
	.order = "none",
	.source = "[MPI41, section 6.7]; [Jin05]",
	.protocols = 1u << RG_PROTOCOL_READ,
	.check = pull_check,
	.generate = pull_generate,
	.sent_bytes = rg_pull_sent_bytes,
};
