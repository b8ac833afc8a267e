/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Broadcast, binomial tree: whoever has a slice passes it on to ranks at distances ... 4, 2, 1.
 *
 * Steps floor(log2 p) for the first slice, as all children are written at once, then one more per
 * slice (a pipeline). Bytes sent at most n ceil(log2 p), by the root. Scratch none. Any p up to 64,
 * any root. No reduction.
 *
 * With v = rank - root (mod p), the parent of v is v without its lowest bit, its children are v + d
 * for all powers of two d below that bit. A slice is taken from the parent and written into the
 * destination and all children's slots in one move. Source: [Thakur05, section 3.3].
 */
#include "config.h"

#include "algorithms.h"
#include "gen.h"

#include "railgauge/device/reduce.h"

struct tree {
	uint64_t total; /* bytes */
	uint32_t ndst;
	struct rg_ref src, dst[8]; /* 6 children of 64 ranks, and the own destination */
};

static int binomial_check(const struct rg_problem *p, struct rg_err *err)
{
	return rg_gen_check(&rg_broadcast_binomial, p, RG_REDUCE_MAX, err);
}

static void iteration(struct rg_gen *g, uint64_t i, void *arg)
{
	const struct tree *t = arg;
	struct rg_gen_piece piece = rg_gen_slice(g->problem, t->total, i);

	rg_gen_move(g, &(struct rg_gen_move){.src = &t->src,
					     .nsrc = 1,
					     .dst = t->dst,
					     .ndst = t->ndst,
					     .src_off = piece.off,
					     .dst_off = piece.off,
					     .len_bytes = piece.len});
}

/* The smallest power of two that is not below n. */
static uint32_t span(uint32_t n)
{
	uint32_t s = 1;

	while (s < n)
		s *= 2;
	return s;
}

static int binomial_generate(const struct rg_problem *p, uint32_t rank, struct rg_sink *sink,
			     struct rg_schedule_needs *needs_out, struct rg_err *err)
{
	uint32_t n = p->layout.nranks, v = (rank + n - p->root) % n;
	uint32_t low = v ? v & -v : span(n);
	struct tree t = {
		.total = rg_problem_block_bytes(p),
		.src = {v ? RG_BUF_IN : RG_BUF_SRC, (v - (v ? low : 0) + p->root) % n},
	};
	struct rg_gen g;

	rg_gen_open(&g, p, rank, sink, err);
	/* The child with the largest subtree first. */
	for (uint32_t d = low / 2; d; d /= 2) {
		if (v + d < n)
			t.dst[t.ndst++] = (struct rg_ref){RG_BUF_OUT, (v + d + p->root) % n};
	}
	if (v || !p->in_place)
		t.dst[t.ndst++] = (struct rg_ref){RG_BUF_DST, rank};
	if (t.ndst)
		rg_gen_loop(&g, rg_gen_nslices(p, t.total), iteration, &t);
	return rg_gen_close(&g, needs_out);
}

static uint64_t binomial_sent_bytes(const struct rg_problem *p)
{
	uint64_t children = 0;

	for (uint32_t s = 1; s < p->layout.nranks; s *= 2)
		children++;
	return rg_problem_block_bytes(p) * children;
}

const struct rg_algorithm rg_broadcast_binomial = {
	.name = "binomial",
	.coll = RG_COLL_BROADCAST,
	.summary = "down a binomial tree, slices following each other",
	.steps = "floor(log2(p)) + s - 1",
	.bytes = "n ceil(log2(p)) by the root",
	.ranks = "1 to 64",
	.order = "none",
	.source = "[Thakur05, section 3.3]",
	.protocols = 1u << RG_PROTOCOL_SLOT | 1u << RG_PROTOCOL_WORD,
	.check = binomial_check,
	.generate = binomial_generate,
	.sent_bytes = binomial_sent_bytes,
};
