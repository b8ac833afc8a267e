/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Scatter, linear: the root hands every rank its block.
 *
 * Steps 1. Bytes sent n (p - 1) / p by the root, by others none; with windows none by anybody, each
 * other rank reads n / p. Scratch none. Any p, any root. Reduces nothing.
 *
 * Through slots and words the root puts a slice of every peer's block in turns. With windows the
 * peers read their blocks, all at the same time, and the root leaves when all have read.
 *
 * Source: the definition, [MPI41, section 6.6], taken literally.
 */
#include "config.h"

#include "algorithms.h"
#include "gen.h"

static int linear_check(const struct rg_problem *p, struct rg_err *err)
{
	return rg_gen_check(&rg_scatter_linear, p, UINT32_MAX, err);
}

static void slice(struct rg_gen *g, uint64_t i, void *arg)
{
	uint64_t block = *(const uint64_t *)arg;
	struct rg_gen_piece piece = rg_gen_slice(g->problem, block, i);
	uint32_t root = g->problem->root;

	for (uint32_t k = 1; k < g->nranks && g->rank == root; k++) {
		uint32_t peer = (g->rank + k) % g->nranks;

		rg_gen_copy(g, (struct rg_ref){RG_BUF_OUT, peer}, 0,
			    (struct rg_ref){RG_BUF_SRC, root}, peer * block + piece.off, piece.len);
	}
	if (g->rank != root)
		rg_gen_copy(g, (struct rg_ref){RG_BUF_DST, g->rank}, piece.off,
			    (struct rg_ref){RG_BUF_IN, root}, 0, piece.len);
}

/* One's own block out of the root's source. */
static void fetch(struct rg_gen *g, uint64_t block)
{
	rg_gen_copy(g, (struct rg_ref){RG_BUF_DST, g->rank}, 0,
		    (struct rg_ref){RG_BUF_SRC, g->problem->root}, g->rank * block, block);
}

static void windows(struct rg_gen *g, uint64_t block)
{
	uint32_t root = g->problem->root;

	if (g->rank == root) {
		rg_gen_signal_all(g, RG_CTR_ENTER);
		if (!g->problem->in_place)
			fetch(g, block);
		rg_gen_wait_all(g, RG_CTR_DONE, 0);
	} else {
		rg_gen_wait(g, root, RG_CTR_ENTER, 0);
		fetch(g, block);
		rg_gen_signal(g, root, RG_CTR_DONE);
	}
}

static int linear_generate(const struct rg_problem *p, uint32_t rank, struct rg_sink *sink,
			   struct rg_schedule_needs *needs_out, struct rg_err *err)
{
	uint64_t block = rg_problem_block_bytes(p);
	struct rg_gen g;

	rg_gen_open(&g, p, rank, sink, err);
	if (p->params.protocol == RG_PROTOCOL_WINDOW) {
		windows(&g, block);
		return rg_gen_close(&g, needs_out);
	}
	if (g.nranks > 1)
		rg_gen_loop(&g, rg_gen_nslices(p, block), slice, &block);
	if (rank == p->root && !p->in_place)
		fetch(&g, block);
	return rg_gen_close(&g, needs_out);
}

static uint64_t linear_sent_bytes(const struct rg_problem *p)
{
	if (p->params.protocol == RG_PROTOCOL_WINDOW)
		return 0;
	return rg_problem_block_bytes(p) * (p->layout.nranks - 1);
}

const struct rg_algorithm rg_scatter_linear = {
	.name = "linear",
	.coll = RG_COLL_SCATTER,
	.summary = "the root hands every rank its block",
	.steps = "1",
	.bytes = "root: n (p-1)/p; window: 0 (others read n/p)",
	.ranks = "any",
	.order = "none",
	.source = "[MPI41, section 6.6]",
	.protocols = 1u << RG_PROTOCOL_SLOT | 1u << RG_PROTOCOL_WORD | 1u << RG_PROTOCOL_WINDOW,
	.check = linear_check,
	.generate = linear_generate,
	.sent_bytes = linear_sent_bytes,
};
