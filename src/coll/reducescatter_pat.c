/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reduce-scatter, PAT (parallel aggregated trees): the all-gather of that name backwards. Each
 * block is reduced up a binomial tree of its own, all at once, with the smallest distance first; so
 * half of all blocks go to the neighbour, and one partial sum goes far.
 *
 * Steps ceil(log2 p) per slice of a block. Bytes sent per rank n (p - 1) / p. Scratch a slice for
 * each of half of the blocks, and two to pack messages. Any p. Reduced along the trees.
 * Source: [Jeaugey25].
 */
#include "config.h"

#include "algorithms.h"
#include "distances.h"

static int pat_check(const struct rg_problem *p, struct rg_err *err)
{
	return rg_gen_check(&rg_reducescatter_pat, p, RG_GEN_RANKS, err);
}

static int pat_generate(const struct rg_problem *p, uint32_t rank, struct rg_sink *sink,
			struct rg_schedule_needs *needs_out, struct rg_err *err)
{
	struct rg_distances d;

	rg_distances_pat(p->layout.nranks, &d);
	return rg_distances_reducescatter(p, rank, &d, sink, needs_out, err);
}

/* No two blocks of the source in a round lie side by side, whoever it is. */
static struct rg_symmetry pat_symmetry(const struct rg_problem *p)
{
	return (struct rg_symmetry){RG_SYMMETRY_SHIFT, 1};
}

const struct rg_algorithm rg_reducescatter_pat = {
	.name = "pat",
	.coll = RG_COLL_REDUCESCATTER,
	.summary = "binomial trees of all blocks at once, near distances first, short blocks in "
		   "one message",
	.steps = "ceil(log2(p)) s",
	.bytes = "n (p-1)/p",
	.ranks = "any",
	.order = "trees",
	.source = "[Jeaugey25]",
	.protocols = 1u << RG_PROTOCOL_SLOT | 1u << RG_PROTOCOL_WORD,
	.check = pat_check,
	.generate = pat_generate,
	.sent_bytes = rg_distances_sent_bytes,
	.symmetry = pat_symmetry,
};
