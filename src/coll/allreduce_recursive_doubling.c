/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * All-reduce, recursive doubling: in round j every rank exchanges all it has with the one at
 * distance 2^j.
 *
 * Steps ceil(log2 p) per slice, one more each way where p is no power of two. Bytes sent per rank
 * n log2 p' with p' the largest power of two in p, and n more where p > p'. Scratch none: the
 * destination accumulates. Any p up to 64. Reduced as a binary tree over the ranks, the lower group
 * first on both sides, so every rank has the same bits.
 *
 * Of the first 2 (p - p') ranks, the even ones hand their vector to the odd one above and get the
 * result back; the p' others have a number of their own, v. What is combined goes into the
 * destination and the slot for the next round in one move. One slice goes through all rounds before
 * the next, so that each move waits only for earlier rounds or slices: a credit of 1 is enough.
 * Source: [Thakur05, section 4.1].
 */
#include "config.h"

#include "algorithms.h"
#include "fold.h"
#include "gen.h"

#include "railgauge/device/reduce.h"

struct doubling {
	uint64_t total; /* bytes */
	struct rg_fold fold;
};

static int doubling_check(const struct rg_problem *p, struct rg_err *err)
{
	return rg_gen_check(&rg_allreduce_recursive_doubling, p, RG_REDUCE_MAX, err);
}

/* own and what comes from peer -> the destination and, if there is one, the next rank. */
static void combine(struct rg_gen *g, enum rg_buf own, uint32_t peer, uint32_t next, uint64_t off,
		    uint64_t len, bool last)
{
	const struct rg_ref mine = {own, g->rank}, theirs = {RG_BUF_IN, peer};
	const struct rg_ref src[2] = {peer < g->rank ? theirs : mine,
				      peer < g->rank ? mine : theirs};
	const struct rg_ref dst[2] = {{RG_BUF_DST, g->rank}, {RG_BUF_OUT, next}};

	rg_gen_move(g, &(struct rg_gen_move){.src = src,
					     .nsrc = 2,
					     .dst = dst,
					     .ndst = next == RG_FOLD_NOBODY ? 1 : 2,
					     .src_off = off,
					     .dst_off = off,
					     .len_bytes = len,
					     .last = last});
}

static void slice(struct rg_gen *g, uint64_t i, void *arg)
{
	const struct doubling *d = arg;
	const struct rg_fold *f = &d->fold;
	const struct rg_ref src = {RG_BUF_SRC, g->rank}, dst = {RG_BUF_DST, g->rank};
	enum rg_buf own = RG_BUF_SRC;
	struct rg_gen_piece piece = rg_gen_slice(g->problem, d->total, i);
	uint64_t off = piece.off, len = piece.len;

	if (!f->inside) {
		rg_gen_copy(g, (struct rg_ref){RG_BUF_OUT, f->partner}, 0, src, off, len);
		rg_gen_copy(g, dst, off, (struct rg_ref){RG_BUF_IN, f->partner}, 0, len);
		return;
	}
	if (f->partner != RG_FOLD_NOBODY) {
		combine(g, own, f->partner, rg_fold_peer(f, 1), off, len, false);
		own = RG_BUF_DST;
	} else {
		rg_gen_copy(g, (struct rg_ref){RG_BUF_OUT, rg_fold_peer(f, 1)}, 0, src, off, len);
	}
	for (uint32_t bit = 1; bit < f->n; bit *= 2) {
		bool last = 2 * bit == f->n;

		combine(g, own, rg_fold_peer(f, bit), last ? f->partner : rg_fold_peer(f, 2 * bit),
			off, len, last);
		own = RG_BUF_DST;
	}
}

static int doubling_generate(const struct rg_problem *p, uint32_t rank, struct rg_sink *sink,
			     struct rg_schedule_needs *needs_out, struct rg_err *err)
{
	struct doubling d = {
		.total = rg_problem_block_bytes(p),
		.fold = rg_fold_of(p->layout.nranks, rank),
	};
	struct rg_gen g;

	rg_gen_open(&g, p, rank, sink, err);
	if (g.nranks == 1 && !p->in_place)
		rg_gen_copy(&g, (struct rg_ref){RG_BUF_DST, rank}, 0,
			    (struct rg_ref){RG_BUF_SRC, rank}, 0, d.total);
	else if (g.nranks > 1)
		rg_gen_loop(&g, rg_gen_nslices(p, d.total), slice, &d);
	return rg_gen_close(&g, needs_out);
}

static uint64_t doubling_sent_bytes(const struct rg_problem *p)
{
	struct rg_fold f = rg_fold_of(p->layout.nranks, 0);
	uint64_t rounds = 0;

	for (uint32_t bit = 1; bit < f.n; bit *= 2)
		rounds++;
	return rg_problem_block_bytes(p) * (rounds + (f.n < p->layout.nranks));
}

const struct rg_algorithm rg_allreduce_recursive_doubling = {
	.name = "recursive_doubling",
	.coll = RG_COLL_ALLREDUCE,
	.summary = "pairs at distances 1, 2, 4 ... exchange and reduce whole vectors",
	.steps = "log2(p) s, not a power of two: at most floor(log2(p)) + 2",
	.bytes = "n log2(p), not a power of two: n (floor(log2(p)) + 1)",
	.ranks = "1 to 64",
	.order = "binary tree, equal on all ranks",
	.source = "[Thakur05, section 4.1]",
	.protocols = 1u << RG_PROTOCOL_SLOT | 1u << RG_PROTOCOL_WORD,
	.check = doubling_check,
	.generate = doubling_generate,
	.sent_bytes = doubling_sent_bytes,
};
