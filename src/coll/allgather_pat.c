/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * All-gather, PAT (parallel aggregated trees): the block of every rank goes down a binomial tree of
 * its own, all at once, with the largest distance first; so one block goes far, and half of all to
 * the neighbour.
 *
 * Steps ceil(log2 p) per slice of a block. Bytes sent per rank n (p - 1) / p. Scratch two slices:
 * blocks that are on the way to the same rank share messages, as far as a slice has room for them,
 * and do not lie side by side. Any p. No reduction. Unlike in NCCL, where aggregation is
 * limited by the buffers between ranks, what is on its way lies in the destination.
 * Source: [Jeaugey25].
 */
#include "config.h"

#include "algorithms.h"
#include "distances.h"

static int pat_check(const struct rg_problem *p, struct rg_err *err)
{
	return rg_gen_check(&rg_allgather_pat, p, RG_GEN_RANKS, err);
}

static int pat_generate(const struct rg_problem *p, uint32_t rank, struct rg_sink *sink,
			struct rg_schedule_needs *needs_out, struct rg_err *err)
{
	struct rg_distances d;

	rg_distances_pat(p->layout.nranks, &d);
	return rg_distances_allgather(p, rank, &d, sink, needs_out, err);
}

/* No two blocks of a round lie side by side, whoever it is. */
static struct rg_symmetry pat_symmetry(const struct rg_problem *p)
{
	return (struct rg_symmetry){RG_SYMMETRY_SHIFT, 1};
}

const struct rg_algorithm rg_allgather_pat = {
	.name = "pat",
	.coll = RG_COLL_ALLGATHER,
	.summary = "binomial trees of all ranks at once, far distances first, short blocks in one "
		   "message",
	.steps = "ceil(log2(p)) s",
	.bytes = "n (p-1)/p",
	.ranks = "any",
	.order = "none",
	.source = "[Jeaugey25]",
	.protocols = 1u << RG_PROTOCOL_SLOT | 1u << RG_PROTOCOL_WORD,
	.check = pat_check,
	.generate = pat_generate,
	.sent_bytes = rg_distances_sent_bytes,
	.symmetry = pat_symmetry,
};
