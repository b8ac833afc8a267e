/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reduce-scatter, Bruck's all-gather backwards: in each round every rank gives away the partial
 * sums of the farther half of the blocks that it still has. For p a power of two this is recursive
 * halving, with ranks at one side only.
 *
 * Steps ceil(log2 p) per slice of a block. Bytes sent per rank n (p - 1) / p. Scratch a slice for
 * each of at most p / 2 blocks, and two to pack messages. Any p. Each block is reduced
 * along the tree on which [Bruck97] spreads it, turned around.
 */
#include "config.h"

#include "algorithms.h"
#include "distances.h"

static int bruck_check(const struct rg_problem *p, struct rg_err *err)
{
	return rg_gen_check(&rg_reducescatter_bruck, p, RG_GEN_RANKS, err);
}

static int bruck_generate(const struct rg_problem *p, uint32_t rank, struct rg_sink *sink,
			  struct rg_schedule_needs *needs_out, struct rg_err *err)
{
	struct rg_distances d;

	rg_distances_bruck(p->layout.nranks, &d);
	return rg_distances_reducescatter(p, rank, &d, sink, needs_out, err);
}

const struct rg_algorithm rg_reducescatter_bruck = {
	.name = "bruck",
	.coll = RG_COLL_REDUCESCATTER,
	.summary = "half of the blocks, then half of the rest, go over distances ... 4, 2, 1 and "
		   "are combined",
	.steps = "ceil(log2(p)) s",
	.bytes = "n (p-1)/p",
	.ranks = "any",
	.order = "trees",
	.source = "[Bruck97, concatenation backwards]",
	.protocols = 1u << RG_PROTOCOL_SLOT | 1u << RG_PROTOCOL_WORD,
	.check = bruck_check,
	.generate = bruck_generate,
	.sent_bytes = rg_distances_sent_bytes,
};
