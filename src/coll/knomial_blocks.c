/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "knomial_blocks.h"

#include "knomial.h"
#include "rounds.h"

#include "railgauge/base/mem.h"

/* One rank's view of a slice of every block. */
struct blocks {
	struct rg_knomial tree;
	struct rg_gen_piece piece;   /* of a block */
	uint64_t block;		     /* bytes */
	enum rg_buf all;	     /* the root's buffer that has all blocks */
	enum rg_buf own;	     /* the buffer of the own block */
	struct rg_round_part *parts; /* owned, of one message: [span] */
};

/* Where the blocks of n ranks from number first of the tree on lie at this rank. */
static uint32_t parts_of(const struct rg_gen *g, const struct blocks *b, uint32_t first, uint32_t n,
			 struct rg_round_part *parts)
{
	uint32_t nranks = g->nranks;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t v = first + i, rank = (v + g->problem->root) % nranks;

		parts[i] = (struct rg_round_part){.len_bytes = b->piece.len};
		if (b->tree.is_root) {
			parts[i].buf = b->all;
			parts[i].off = rank * b->block + b->piece.off;
		} else if (rank == g->rank) {
			parts[i].buf = b->own;
			parts[i].off = b->piece.off;
		} else {
			parts[i].buf = RG_BUF_TMP;
			parts[i].off = (v - b->tree.v - 1) * b->piece.len;
		}
	}
	return n;
}

static uint64_t stage_of(const struct blocks *b)
{
	return rg_round_stage(b->tree.is_root ? 0 : (b->tree.span - 1) * b->piece.len);
}

/* Exchanges the blocks of a subtree with the rank at its root, or with the parent. */
static void hand(struct rg_gen *g, const struct blocks *b, bool put, uint32_t peer, uint32_t first,
		 uint32_t n)
{
	struct rg_round round = {.to = peer, .from = peer, .stage = stage_of(b)};

	if (put) {
		round.put = b->parts;
		round.nput = parts_of(g, b, first, n, b->parts);
	} else {
		round.take = b->parts;
		round.ntake = parts_of(g, b, first, n, b->parts);
	}
	rg_round(g, &round);
}

static void parent(struct rg_gen *g, const struct blocks *b, bool put)
{
	if (!b->tree.is_root)
		hand(g, b, put, b->tree.parent, b->tree.v, b->tree.span);
}

static void child(struct rg_gen *g, const struct blocks *b, bool put, uint32_t i)
{
	uint32_t v = (b->tree.child[i] + g->nranks - g->problem->root) % g->nranks;

	hand(g, b, put, b->tree.child[i], v, b->tree.child_span[i]);
}

static void gather_slice(struct rg_gen *g, uint64_t i, void *arg)
{
	struct blocks *b = arg;

	b->piece = rg_gen_slice(g->problem, b->block, i);
	for (uint32_t k = b->tree.nchildren; k > 0; k--)
		child(g, b, false, k - 1);
	parent(g, b, true);
}

static void scatter_slice(struct rg_gen *g, uint64_t i, void *arg)
{
	struct blocks *b = arg;

	b->piece = rg_gen_slice(g->problem, b->block, i);
	parent(g, b, false);
	for (uint32_t k = 0; k < b->tree.nchildren; k++)
		child(g, b, true, k);
}

/* Begins with the scratch that all slices need. */
static void open_blocks(struct rg_gen *g, struct blocks *b, uint32_t radix)
{
	rg_knomial_init(&b->tree, g->problem, g->rank, radix);
	b->block = rg_problem_block_bytes(g->problem);
	b->piece = rg_gen_slice(g->problem, b->block, 0);
	g->tmp_bytes = stage_of(b);
	b->parts = rg_gen_alloc(g, b->tree.span, sizeof(*b->parts));
}

int rg_knomial_gather(const struct rg_problem *problem, uint32_t rank, uint32_t radix,
		      struct rg_sink *sink, struct rg_schedule_needs *needs_out, struct rg_err *err)
{
	struct blocks b = {.all = RG_BUF_DST, .own = RG_BUF_SRC};
	struct rg_gen g;

	rg_gen_open(&g, problem, rank, sink, err);
	open_blocks(&g, &b, radix);
	if (b.tree.is_root && !problem->in_place)
		rg_gen_copy(&g, (struct rg_ref){RG_BUF_DST, rank}, rank * b.block,
			    (struct rg_ref){RG_BUF_SRC, rank}, 0, b.block);
	rg_gen_loop(&g, rg_gen_nslices(problem, b.block), gather_slice, &b);
	rg_free(b.parts);
	return rg_gen_close(&g, needs_out);
}

int rg_knomial_scatter(const struct rg_problem *problem, uint32_t rank, uint32_t radix,
		       struct rg_sink *sink, struct rg_schedule_needs *needs_out,
		       struct rg_err *err)
{
	struct blocks b = {.all = RG_BUF_SRC, .own = RG_BUF_DST};
	struct rg_gen g;

	rg_gen_open(&g, problem, rank, sink, err);
	open_blocks(&g, &b, radix);
	rg_gen_loop(&g, rg_gen_nslices(problem, b.block), scatter_slice, &b);
	if (b.tree.is_root && !problem->in_place)
		rg_gen_copy(&g, (struct rg_ref){RG_BUF_DST, rank}, 0,
			    (struct rg_ref){RG_BUF_SRC, rank}, rank * b.block, b.block);
	rg_free(b.parts);
	return rg_gen_close(&g, needs_out);
}

uint64_t rg_knomial_gather_sent_bytes(const struct rg_problem *problem, uint32_t radix)
{
	struct rg_knomial tree;
	uint32_t most = 0;

	rg_knomial_init(&tree, problem, problem->root, radix);
	for (uint32_t i = 0; i < tree.nchildren; i++)
		most = most > tree.child_span[i] ? most : tree.child_span[i];
	return rg_problem_block_bytes(problem) * most;
}
