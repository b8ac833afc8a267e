/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Scatter, k-nomial tree: blocks go down a tree in which a rank has up to k - 1 children (k the
 * radix) at each distance, those of a subtree together.
 *
 * Steps at most ceil(log_k p) for one message each, then one more per slice (a pipeline).
 * Bytes sent n (p - 1) / p by the root, by others n / p times the ranks below them.
 * Scratch a slice per rank below, and two to pack short blocks. Any p, any root, any radix
 * from 2 to 64; 4 unless asked for. Reduces nothing. The tree and how blocks lie are those of
 * knomial_blocks.h. For short blocks, of which it makes few messages; long ones are copied once
 * more per level. Source: the minimum spanning tree scatter of [Chan07], for k = 2; the radix
 * [Ruefenacht17].
 */
#include "config.h"

#include "algorithms.h"
#include "knomial_blocks.h"

static int knomial_check(const struct rg_problem *p, struct rg_err *err)
{
	return rg_gen_check(&rg_scatter_knomial, p, RG_GEN_RANKS, err);
}

static int knomial_generate(const struct rg_problem *p, uint32_t rank, struct rg_sink *sink,
			    struct rg_schedule_needs *needs_out, struct rg_err *err)
{
	uint32_t radix = rg_gen_radix(&rg_scatter_knomial, p);

	return rg_knomial_scatter(p, rank, radix, sink, needs_out, err);
}

static uint64_t knomial_sent_bytes(const struct rg_problem *p)
{
	return rg_problem_block_bytes(p) * (p->layout.nranks - 1);
}

const struct rg_algorithm rg_scatter_knomial = {
	.name = "knomial",
	.coll = RG_COLL_SCATTER,
	.summary = "down a tree of k (radix, 4) at each distance, each rank with the blocks of its "
		   "subtree",
	.steps = "ceil(log_k(p)) + s - 1 at most",
	.bytes = "root: n (p-1)/p",
	.ranks = "any",
	.order = "none",
	.source = "[Chan07, minimum spanning tree], [Ruefenacht17]",
	.protocols = 1u << RG_PROTOCOL_SLOT | 1u << RG_PROTOCOL_WORD,
	.radix = 4,
	.check = knomial_check,
	.generate = knomial_generate,
	.sent_bytes = knomial_sent_bytes,
};
