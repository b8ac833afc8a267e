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
#include "alltoall.h"

/* Slices that a group may have in the slots at once, a part of today's second-level caches. */
#define GROUP_BYTES (256 << 10)

struct pairwise {
	uint64_t lag;	     /* slices between sending and taking */
	uint32_t first, end; /* rounds of the present group */
	bool own;	     /* the own block goes with it: with the first that has a partner */
};

static int pairwise_check(const struct rg_problem *p, struct rg_err *err)
{
	return rg_alltoall_check(&rg_alltoall_pairwise, p, UINT32_MAX, err);
}

/* Slice i of the block for a peer, if it has so many; of the one from it. */
static void send(struct rg_gen *g, uint32_t peer, uint64_t i)
{
	struct rg_gen_piece piece = rg_block_src_slice(g->problem, g->rank, peer, i);

	if (piece.len)
		rg_gen_copy(g, (struct rg_ref){RG_BUF_OUT, peer}, 0,
			    (struct rg_ref){RG_BUF_SRC, g->rank}, piece.off, piece.len);
}

static void take(struct rg_gen *g, uint32_t peer, uint64_t i)
{
	struct rg_gen_piece piece = rg_block_dst_slice(g->problem, peer, g->rank, i);

	if (piece.len)
		rg_gen_copy(g, (struct rg_ref){RG_BUF_DST, g->rank}, piece.off,
			    (struct rg_ref){RG_BUF_IN, peer}, 0, piece.len);
}

static void iteration(struct rg_gen *g, uint64_t i, void *arg)
{
	const struct pairwise *w = arg;

	for (uint32_t k = w->first; k < w->end; k++) {
		if (rg_gen_partner(g, k) != g->rank)
			send(g, rg_gen_partner(g, k), i);
	}
	/* While the others are on their way. */
	if (w->own)
		rg_block_own_slice(g, i);
	for (uint32_t k = w->first; k < w->end && i >= w->lag; k++) {
		if (rg_gen_partner(g, k) != g->rank)
			take(g, rg_gen_partner(g, k), i - w->lag);
	}
}

/* The most slices of a block that this rank sends, takes or keeps in the present group. */
static uint64_t most_slices(const struct rg_gen *g, const struct pairwise *w)
{
	uint64_t own = rg_block_len(g->problem, g->rank, g->rank);
	uint64_t most = w->own ? rg_gen_nslices(g->problem, own) : 0;

	for (uint32_t k = w->first; k < w->end; k++) {
		uint32_t peer = rg_gen_partner(g, k);
		uint64_t there = rg_block_len(g->problem, g->rank, peer);
		uint64_t back = rg_block_len(g->problem, peer, g->rank);
		uint64_t n = rg_gen_nslices(g->problem, there > back ? there : back);

		if (peer != g->rank && n > most)
			most = n;
	}
	return most;
}

/* The groups are the same for all ranks, as if all messages were as long as the longest. */
static void messages(struct rg_gen *g, struct pairwise *w)
{
	uint64_t slice = rg_gen_slice_bytes(g->problem);
	uint64_t block = rg_problem_message_bytes(g->problem);
	uint64_t at_once = GROUP_BYTES / (block && block < slice ? block : slice);
	uint32_t group = at_once < 1 ? 1 : at_once < g->nranks ? (uint32_t)at_once : g->nranks;

	w->own = true;
	for (w->first = 0; w->first < g->nranks; w->first = w->end) {
		uint64_t n;

		w->end = g->nranks - w->first < group ? g->nranks : w->first + group;
		if (w->end == w->first + 1 && rg_gen_partner(g, w->first) == g->rank)
			continue;
		n = most_slices(g, w);
		rg_gen_loop(g, n ? n + w->lag : 0, iteration, w);
		w->own = false;
	}
}

/* With scratch, blocks lie in it as in the source. */
static void put(struct rg_gen *g, struct rg_ref from, uint32_t peer, uint32_t lag)
{
	struct rg_gen_piece src = rg_block_src(g->problem, g->rank, peer);

	if (!rg_block_counts(g->problem, g->rank, peer))
		return;
	rg_gen_wait(g, peer, RG_CTR_ENTER, lag);
	rg_gen_copy(g, (struct rg_ref){RG_BUF_DST, peer},
		    rg_block_dst(g->problem, g->rank, peer).off, from, src.off, src.len);
	rg_gen_signal(g, peer, RG_CTR_DONE);
}

static void windows(struct rg_gen *g)
{
	const struct rg_problem *p = g->problem;
	struct rg_ref from = {p->in_place ? RG_BUF_TMP : RG_BUF_SRC, g->rank};
	uint32_t lag = p->params.persistent && !p->in_place;

	if (p->in_place) {
		g->tmp_bytes = rg_problem_src_count(p, g->rank) * p->elem_bytes;
		rg_gen_copy(g, from, 0, (struct rg_ref){RG_BUF_SRC, g->rank}, 0, g->tmp_bytes);
	}
	for (uint32_t k = 1; k < g->nranks; k++) {
		uint32_t peer = (g->rank + k) % g->nranks;

		if (rg_block_counts(p, peer, g->rank))
			rg_gen_signal(g, peer, RG_CTR_ENTER);
	}
	rg_block_own(g);
	for (uint32_t k = 0; k < g->nranks; k++) {
		if (rg_gen_partner(g, k) != g->rank)
			put(g, from, rg_gen_partner(g, k), lag);
	}
	for (uint32_t k = 1; k < g->nranks; k++) {
		uint32_t peer = (g->rank + k) % g->nranks;

		if (rg_block_counts(p, peer, g->rank))
			rg_gen_wait(g, peer, RG_CTR_DONE, 0);
	}
}

int rg_alltoall_pairwise_generate(const struct rg_problem *p, uint32_t rank, struct rg_sink *sink,
				  struct rg_schedule_needs *needs_out, struct rg_err *err)
{
	struct pairwise w = {.lag = rg_gen_credit(p) >= 2};
	struct rg_gen g;

	rg_gen_open(&g, p, rank, sink, err);
	if (g.nranks == 1)
		rg_block_own(&g);
	else if (p->params.protocol == RG_PROTOCOL_WINDOW)
		windows(&g);
	else
		messages(&g, &w);
	return rg_gen_close(&g, needs_out);
}

/*
 * Where partners are not r ^ round, ranks differ in when they are their own; with windows, in whom
 * they tell first that they have entered.
 */
static struct rg_symmetry pairwise_symmetry(const struct rg_problem *p)
{
	uint32_t n = p->layout.nranks;

	if ((n & (n - 1)) || p->params.protocol == RG_PROTOCOL_WINDOW)
		return (struct rg_symmetry){0};
	return (struct rg_symmetry){RG_SYMMETRY_FLIP, 1};
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
	.generate = rg_alltoall_pairwise_generate,
	.sent_bytes = rg_block_sent_bytes,
	.symmetry = pairwise_symmetry,
};
