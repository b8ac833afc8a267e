/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * All-gather, ring: blocks travel to the right, each taken and passed on in one move.
 *
 * Steps p - 1 per slice. Bytes sent per rank b (p - 1), b being one block, all to one neighbour.
 * Scratch none. Any p. No reduction. In step s rank r takes block r - s.
 * Source: [Thakur05, section 3.1].
 */
#include "config.h"

#include "algorithms.h"
#include "gen.h"
#include "ring.h"

static int ring_check(const struct rg_problem *p, struct rg_err *err)
{
	return rg_gen_check_credit(&rg_allgather_ring, p, RG_GEN_RANKS, err);
}

static void step(struct rg_gen *g, uint64_t slice, uint32_t s, void *arg)
{
	uint64_t block = rg_problem_block_bytes(g->problem);
	struct rg_gen_piece piece = rg_gen_slice(g->problem, block, slice);
	const struct rg_ref src = {s == 0 ? RG_BUF_SRC : RG_BUF_IN,
				   s == 0 ? g->rank : rg_ring_left(g)};
	const struct rg_ref dst[2] = {{RG_BUF_OUT, rg_ring_right(g)}, {RG_BUF_DST, g->rank}};
	bool put = s + 1 < g->nranks, keep = s > 0 || !g->problem->in_place;
	struct rg_gen_move m = {
		.src = &src, .nsrc = 1, .src_off = piece.off, .len_bytes = piece.len};

	(void)arg;
	m.dst = put ? dst : &dst[1];
	m.ndst = (uint32_t)put + (uint32_t)keep;
	m.dst_off = (g->rank + g->nranks - s) % g->nranks * block + piece.off;
	rg_gen_move(g, &m);
}

static int ring_generate(const struct rg_problem *p, uint32_t rank, struct rg_sink *sink,
			 struct rg_schedule_needs *needs_out, struct rg_err *err)
{
	return rg_ring_generate(p, rank, step, sink, needs_out, err);
}

const struct rg_algorithm rg_allgather_ring = {
	.name = "ring",
	.coll = RG_COLL_ALLGATHER,
	.summary = "blocks travel around a ring",
	.steps = "(p-1) s",
	.bytes = "n (p-1)/p",
	.ranks = "any",
	.order = "none",
	.source = "[Thakur05, section 3.1]",
	.protocols = 1u << RG_PROTOCOL_SLOT | 1u << RG_PROTOCOL_WORD,
	.check = ring_check,
	.generate = ring_generate,
	.sent_bytes = rg_ring_sent_bytes,
	.symmetry = rg_ring_symmetry,
};
