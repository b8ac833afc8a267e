/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * All-to-all, pairwise: in each round every rank exchanges its block with one partner.
 *
 * Rounds are 0 .. p-1, partners those of rg_gen_partner. Because they are mutual, messages need no
 * scratch in place: what was sent to a partner lies where its answer goes.
 *
 * Steps p - 1. Bytes sent per rank n (p - 1) / p. Scratch none; with windows in place n. Any p.
 * Reduces nothing.
 *
 * Through slots and words the rounds are taken in groups: slice i goes to all partners of a group,
 * then slice i - 1 of all is taken. A group is as large as fits a part of the second-level cache
 * (all partners for short blocks, so that a late one delays nobody else), and needs a credit of 2;
 * with 1, slice i itself is taken. Who waits for credit or a message waits for something that the
 * partner does earlier in this common order, so nobody waits in a circle.
 *
 * With windows each block goes straight into the partner's destination once the partner has entered
 * (with persistent buffers: has entered the operation before). In place the destinations are also
 * sources, so they are copied to scratch before entering, and everybody's entry is waited for.
 *
 * Source: [Thakur05, section 4], its long-message all-to-all.
 */
#include "config.h"

#include "algorithms.h"
#include "gen.h"

/* Slices that a group may have in the slots at once, a part of today's second-level caches. */
#define GROUP_BYTES (256 << 10)

struct pairwise {
	uint64_t block;	     /* bytes */
	uint64_t nslices;    /* of a block */
	uint64_t lag;	     /* slices between sending and taking */
	uint32_t first, end; /* rounds of the present group */
	bool own;	     /* the own block goes with it: with the first that has a partner */
};

static int pairwise_check(const struct rg_problem *p, struct rg_err *err)
{
	return rg_gen_check(&rg_alltoall_pairwise, p, UINT32_MAX, err);
}

static void send(struct rg_gen *g, const struct pairwise *w, uint32_t peer, uint64_t i)
{
	struct rg_gen_piece piece = rg_gen_slice(g->problem, w->block, i);

	rg_gen_copy(g, (struct rg_ref){RG_BUF_OUT, peer}, 0, (struct rg_ref){RG_BUF_SRC, g->rank},
		    peer * w->block + piece.off, piece.len);
}

/* A piece of the own block goes straight to its place, while the others are on their way. */
static void keep(struct rg_gen *g, const struct pairwise *w, uint64_t i)
{
	struct rg_gen_piece piece = rg_gen_slice(g->problem, w->block, i);
	uint64_t off = g->rank * w->block + piece.off;

	if (!g->problem->in_place)
		rg_gen_copy(g, (struct rg_ref){RG_BUF_DST, g->rank}, off,
			    (struct rg_ref){RG_BUF_SRC, g->rank}, off, piece.len);
}

static void take(struct rg_gen *g, const struct pairwise *w, uint32_t peer, uint64_t i)
{
	struct rg_gen_piece piece = rg_gen_slice(g->problem, w->block, i);

	rg_gen_copy(g, (struct rg_ref){RG_BUF_DST, g->rank}, peer * w->block + piece.off,
		    (struct rg_ref){RG_BUF_IN, peer}, 0, piece.len);
}

static void iteration(struct rg_gen *g, uint64_t i, void *arg)
{
	const struct pairwise *w = arg;

	for (uint32_t k = w->first; k < w->end && i < w->nslices; k++) {
		if (rg_gen_partner(g, k) != g->rank)
			send(g, w, rg_gen_partner(g, k), i);
	}
	if (w->own && i < w->nslices)
		keep(g, w, i);
	for (uint32_t k = w->first; k < w->end && i >= w->lag; k++) {
		if (rg_gen_partner(g, k) != g->rank)
			take(g, w, rg_gen_partner(g, k), i - w->lag);
	}
}

static void messages(struct rg_gen *g, struct pairwise *w)
{
	uint64_t slice = rg_gen_slice_bytes(g->problem);
	uint64_t at_once = GROUP_BYTES / (w->block && w->block < slice ? w->block : slice);
	uint32_t group = at_once < 1 ? 1 : at_once < g->nranks ? (uint32_t)at_once : g->nranks;

	w->own = true;
	for (w->first = 0; w->first < g->nranks && w->nslices; w->first = w->end) {
		w->end = g->nranks - w->first < group ? g->nranks : w->first + group;
		if (w->end == w->first + 1 && rg_gen_partner(g, w->first) == g->rank)
			continue;
		rg_gen_loop(g, w->nslices + w->lag, iteration, w);
		w->own = false;
	}
}

static void own_block(struct rg_gen *g, const struct pairwise *w)
{
	if (!g->problem->in_place)
		rg_gen_copy(g, (struct rg_ref){RG_BUF_DST, g->rank}, g->rank * w->block,
			    (struct rg_ref){RG_BUF_SRC, g->rank}, g->rank * w->block, w->block);
}

/* Without a byte to move the counters move all the same: entering hands over the next buffers. */
static void windows(struct rg_gen *g, const struct pairwise *w)
{
	bool in_place = g->problem->in_place;
	struct rg_ref from = {in_place ? RG_BUF_TMP : RG_BUF_SRC, g->rank};
	uint32_t lag = g->problem->params.persistent && !in_place;

	if (in_place) {
		g->tmp_bytes = w->block * g->nranks;
		rg_gen_copy(g, from, 0, (struct rg_ref){RG_BUF_SRC, g->rank}, 0, g->tmp_bytes);
	}
	rg_gen_signal_all(g, RG_CTR_ENTER);
	own_block(g, w);
	for (uint32_t k = 0; k < g->nranks; k++) {
		uint32_t peer = rg_gen_partner(g, k);

		if (peer == g->rank)
			continue;
		rg_gen_wait(g, peer, RG_CTR_ENTER, lag);
		rg_gen_copy(g, (struct rg_ref){RG_BUF_DST, peer}, g->rank * w->block, from,
			    peer * w->block, w->block);
		rg_gen_signal(g, peer, RG_CTR_DONE);
	}
	rg_gen_wait_all(g, RG_CTR_DONE, 0);
}

static int pairwise_generate(const struct rg_problem *p, uint32_t rank, struct rg_sink *sink,
			     struct rg_schedule_needs *needs_out, struct rg_err *err)
{
	struct pairwise w = {
		.block = rg_problem_block_bytes(p),
		.nslices = rg_gen_nslices(p, rg_problem_block_bytes(p)),
		.lag = rg_gen_credit(p) >= 2,
	};
	struct rg_gen g;

	rg_gen_open(&g, p, rank, sink, err);
	if (g.nranks == 1)
		own_block(&g, &w);
	else if (p->params.protocol == RG_PROTOCOL_WINDOW)
		windows(&g, &w);
	else
		messages(&g, &w);
	return rg_gen_close(&g, needs_out);
}

static uint64_t pairwise_sent_bytes(const struct rg_problem *p)
{
	return rg_problem_block_bytes(p) * (p->layout.nranks - 1);
}

/*
 * Where partners are not r ^ round, ranks differ in when they are their own; with windows, in whom
 * they tell first that they have entered.
 */
static enum rg_symmetry pairwise_symmetry(const struct rg_problem *p)
{
	uint32_t n = p->layout.nranks;

	return (n & (n - 1)) == 0 && p->params.protocol != RG_PROTOCOL_WINDOW ? RG_SYMMETRY_FLIP
									      : RG_SYMMETRY_NONE;
}

const struct rg_algorithm rg_alltoall_pairwise = {
	.name = "pairwise",
	.coll = RG_COLL_ALLTOALL,
	.summary = "in each round every rank exchanges blocks with one partner",
	.steps = "p-1",
	.bytes = "n (p-1)/p",
	.ranks = "any",
	.order = "none",
	.source = "[Thakur05, section 4]",
	.protocols = 1u << RG_PROTOCOL_SLOT | 1u << RG_PROTOCOL_WORD | 1u << RG_PROTOCOL_WINDOW,
	.check = pairwise_check,
	.generate = pairwise_generate,
	.sent_bytes = pairwise_sent_bytes,
	.symmetry = pairwise_symmetry,
};
