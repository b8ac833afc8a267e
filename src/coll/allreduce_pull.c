/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * All-reduce, pull: rank r reads part r of everybody's vector, reduces it, and then reads the
 * others' parts of the result.
 *
 * Steps 2. Bytes sent per rank none; each reads 2 n (p - 1) / p out of its peers' buffers, about.
 * Scratch: a piece of p sources (rg_gen_slice_bytes). Any p up to 64; parts may be empty. Reduced
 * in rank order, so every rank has the same bits.
 *
 * SYNC tells that a part is complete, DONE that the reader is through with it. In place a rank
 * writes only its own part before the others have read theirs. Source: reduce-scatter and
 * all-gather as in [Rabenseifner04], both by direct exchange; the receiver fetches, as in [Jin05].
 */
#include "config.h"

#include "algorithms.h"
#include "pull.h"

#include "railgauge/device/reduce.h"

static int pull_check(const struct rg_problem *p, struct rg_err *err)
{
	return rg_gen_check(&rg_allreduce_pull, p, RG_REDUCE_MAX, err);
}

static void pull(struct rg_gen *g)
{
	struct rg_gen_piece mine = rg_gen_part(g->problem, g->rank);

	rg_gen_signal_all(g, RG_CTR_ENTER);
	rg_gen_wait_all(g, RG_CTR_ENTER, 0);
	rg_pull_reduce(g, mine.off, mine.off, mine.len);
	for (uint32_t k = 1; k < g->nranks; k++)
		rg_gen_sync_signal(g, (g->rank + k) % g->nranks);
	for (uint32_t k = 1; k < g->nranks; k++) {
		uint32_t peer = (g->rank + k) % g->nranks;
		struct rg_gen_piece theirs = rg_gen_part(g->problem, peer);

		rg_gen_sync_wait(g, peer);
		rg_gen_copy(g, (struct rg_ref){RG_BUF_DST, g->rank}, theirs.off,
			    (struct rg_ref){RG_BUF_DST, peer}, theirs.off, theirs.len);
	}
	rg_pull_done(g);
}

static int pull_generate(const struct rg_problem *p, uint32_t rank, struct rg_sink *sink,
			 struct rg_schedule_needs *needs_out, struct rg_err *err)
{
	struct rg_gen g;

	rg_gen_open(&g, p, rank, sink, err);
	if (g.nranks > 1)
		pull(&g);
	else if (!p->in_place)
		rg_pull_copy(&g, RG_BUF_DST, 0, rank, 0, rg_problem_block_bytes(p));
	return rg_gen_close(&g, needs_out);
}

const struct rg_algorithm rg_allreduce_pull = {
	.name = "pull",
	.coll = RG_COLL_ALLREDUCE,
	.summary = "each rank reads one part of all vectors, reduces it, and reads the others' "
		   "results",
	.steps = "2",
	.bytes = "0 (reads 2n (p-1)/p)",
	.ranks = "1 to 64",
	.order = "rank order",
	.source = "[Rabenseifner04]; [Jin05]",
	.protocols = 1u << RG_PROTOCOL_READ,
	.check = pull_check,
	.generate = pull_generate,
	.sent_bytes = rg_pull_sent_bytes,
};
