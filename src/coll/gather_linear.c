/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Gather, linear: every rank hands its block to the root.
 *
 * Steps 1. Bytes sent n / p by all but the root. Scratch none. Any p, any root. Reduces nothing.
 *
 * Through slots and words the root takes the peers' slices in turns, so that none of them has to
 * wait until another one is through. With windows the blocks go straight into the root's
 * destination once the root has entered; also with persistent buffers, since another rank may have
 * been the root before, and nobody told this one's entry then.
 *
 * Source: the definition, [MPI41, section 6.5], taken literally.
 */
#include "config.h"

#include "algorithms.h"
#include "gen.h"

static int linear_check(const struct rg_problem *p, struct rg_err *err)
{
	return rg_gen_check(&rg_gather_linear, p, UINT32_MAX, err);
}

static void slice(struct rg_gen *g, uint64_t i, void *arg)
{
	uint64_t block = *(const uint64_t *)arg;
	struct rg_gen_piece piece = rg_gen_slice(g->problem, block, i);
	uint32_t root = g->problem->root;

	for (uint32_t k = 1; k < g->nranks && g->rank == root; k++) {
		uint32_t peer = (g->rank + k) % g->nranks;

		rg_gen_copy(g, (struct rg_ref){RG_BUF_DST, root}, peer * block + piece.off,
			    (struct rg_ref){RG_BUF_IN, peer}, 0, piece.len);
	}
	if (g->rank != root)
		rg_gen_copy(g, (struct rg_ref){RG_BUF_OUT, root}, 0,
			    (struct rg_ref){RG_BUF_SRC, g->rank}, piece.off, piece.len);
}

/* Everybody's own block, the root's included, goes to its place. */
static void windows(struct rg_gen *g, uint64_t block)
{
	uint32_t root = g->problem->root;

	if (g->rank == root)
		rg_gen_signal_all(g, RG_CTR_ENTER);
	else
		rg_gen_wait(g, root, RG_CTR_ENTER, 0);
	if (g->rank != root || !g->problem->in_place)
		rg_gen_copy(g, (struct rg_ref){RG_BUF_DST, root}, g->rank * block,
			    (struct rg_ref){RG_BUF_SRC, g->rank}, 0, block);
	if (g->rank == root)
		rg_gen_wait_all(g, RG_CTR_DONE, 0);
	else
		rg_gen_signal(g, root, RG_CTR_DONE);
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
	if (rank == p->root && !p->in_place)
		rg_gen_copy(&g, (struct rg_ref){RG_BUF_DST, rank}, rank * block,
			    (struct rg_ref){RG_BUF_SRC, rank}, 0, block);
	if (g.nranks > 1)
		rg_gen_loop(&g, rg_gen_nslices(p, block), slice, &block);
	return rg_gen_close(&g, needs_out);
}

static uint64_t linear_sent_bytes(const struct rg_problem *p)
{
	return p->layout.nranks > 1 ? rg_problem_block_bytes(p) : 0;
}

const struct rg_algorithm rg_gather_linear = {
	.name = "linear",
	.coll = RG_COLL_GATHER,
	.summary = "every rank hands its block to the root",
	.steps = "1",
	.bytes = "n/p but for the root",
	.ranks = "any",
	.order = "none",
	.source = "[MPI41, section 6.5]",
	.protocols = 1u << RG_PROTOCOL_SLOT | 1u << RG_PROTOCOL_WORD | 1u << RG_PROTOCOL_WINDOW,
	.check = linear_check,
	.generate = linear_generate,
	.sent_bytes = linear_sent_bytes,
};
