/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reduce-scatter, ring: partial sums travel to the right, each taken, combined with the own
 * contribution and passed on in one move.
 *
 * Steps p - 1 per slice. Bytes sent per rank b (p - 1), b being one block, all to one neighbour.
 * Scratch none. Any p. Block b is reduced in ring order from rank b + 1 on to rank b. In
 * step s rank r works on block r - 1 - s. Source: [Patarasuk09], its first half.
 */
#include "config.h"

#include "algorithms.h"
#include "gen.h"
#include "ring.h"

static int ring_check(const struct rg_problem *p, struct rg_err *err)
{
	return rg_gen_check_credit(&rg_reducescatter_ring, p, RG_GEN_RANKS, err);
}

static void step(struct rg_gen *g, uint64_t slice, uint32_t s, void *arg)
{
	uint64_t block = rg_problem_block_bytes(g->problem);
	struct rg_gen_piece piece = rg_gen_slice(g->problem, block, slice);
	const struct rg_ref src[2] = {{RG_BUF_IN, rg_ring_left(g)}, {RG_BUF_SRC, g->rank}};
	const struct rg_ref out = {RG_BUF_OUT, rg_ring_right(g)}, own = {RG_BUF_DST, g->rank};
	bool last = s + 1 == g->nranks;
	struct rg_gen_move m = {
		.ndst = 1, .dst_off = piece.off, .len_bytes = piece.len, .last = last};

	(void)arg;
	m.src = s ? src : &src[1];
	m.nsrc = s ? 2 : 1;
	m.dst = last ? &own : &out;
	m.src_off = (g->rank + 2 * g->nranks - 1 - s) % g->nranks * block + piece.off;
	rg_gen_move(g, &m);
}

static int ring_generate(const struct rg_problem *p, uint32_t rank, struct rg_sink *sink,
			 struct rg_schedule_needs *needs_out, struct rg_err *err)
{
	return rg_ring_generate(p, rank, step, sink, needs_out, err);
}

const struct rg_algorithm rg_reducescatter_ring = {
	.name = "ring",
	.coll = RG_COLL_REDUCESCATTER,
	.summary = "partial sums travel around a ring",
	.steps = "(p-1) s",
	.bytes = "n (p-1)/p",
	.ranks = "any",
	.order = "ring order",
	.source = "[Patarasuk09]",
	.protocols = 1u << RG_PROTOCOL_SLOT | 1u << RG_PROTOCOL_WORD,
	.check = ring_check,
	.generate = ring_generate,
	.sent_bytes = rg_ring_sent_bytes,
	.symmetry = rg_ring_symmetry,
};
