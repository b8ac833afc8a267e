/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * All-reduce over a Bine butterfly, for short vectors: as recursive doubling, but the peers are
 * nearer, two thirds of the distance on average, which spares the links between groups of nodes.
 *
 * Steps ceil(log2 p) per slice, one more each way where p is no power of two. Bytes sent per rank
 * n log2 p' with p' the largest power of two in p, and n more where p > p'. Scratch none: the
 * destination accumulates. Any p, folded (fold.h).
 *
 * The steps of the butterfly (swing.h) are gone through from the last to the first: then those who
 * hold the same contributions, a group, all meet ranks of one other group. Of two groups the one
 * with the lowest number comes first on both sides, so every rank has the same bits; the tree is
 * binary. For long vectors the same authors use the reduce-scatter and all-gather that row swing
 * has. How slices travel is said in whole.h. Source: [DeSensi25].
 */
#include "config.h"

#include "algorithms.h"
#include "swing.h"
#include "whole.h"

static int bine_check(const struct rg_problem *p, struct rg_err *err)
{
	return rg_gen_check(&rg_allreduce_bine, p, RG_GEN_RANKS, err);
}

static void rounds_of(const struct rg_problem *p, uint32_t rank, struct rg_whole *w)
{
	const struct rg_fold *f = &w->fold;

	w->fold = rg_fold_of(p->layout.nranks, rank);
	w->nrounds = 0;
	for (uint32_t s = f->inside ? rg_swing_steps(f->n) : 0; s > 0; s--) {
		uint32_t peer = rg_swing_peer(f->v, s - 1, f->n), j = w->nrounds++;
		bool first = rg_swing_least(f->v, s - 1, f->n) < rg_swing_least(peer, s - 1, f->n);

		w->round[j].n = 2;
		w->round[j].rank[!first] = rank;
		w->round[j].rank[first] = rg_fold_rank(f, peer);
	}
}

static int bine_generate(const struct rg_problem *p, uint32_t rank, struct rg_sink *sink,
			 struct rg_schedule_needs *needs_out, struct rg_err *err)
{
	struct rg_whole w;

	rounds_of(p, rank, &w);
	return rg_whole_generate(p, rank, &w, sink, needs_out, err);
}

/* Rank 1 takes part, and stands in for rank 0 if anybody is folded. */
static uint64_t bine_sent_bytes(const struct rg_problem *p)
{
	struct rg_whole w;

	rounds_of(p, p->layout.nranks > 1, &w);
	return rg_whole_sent_bytes(p, &w);
}

/* Even numbers go the one way, odd ones the other. */
static struct rg_symmetry bine_symmetry(const struct rg_problem *p)
{
	uint32_t n = p->layout.nranks;

	if (rg_fold_of(n, 0).extra)
		return (struct rg_symmetry){0};
	return (struct rg_symmetry){RG_SYMMETRY_SHIFT, n < 2 ? n : 2};
}

const struct rg_algorithm rg_allreduce_bine = {
	.name = "bine",
	.coll = RG_COLL_ALLREDUCE,
	.summary =
		"as recursive doubling, with nearer peers on either side in turn (Bine butterfly)",
	.steps = "log2(p) s, not a power of two: at most floor(log2(p)) + 2",
	.bytes = "n log2(p), not a power of two: n (floor(log2(p)) + 1)",
	.ranks = "any",
	.order = "binary tree, equal on all ranks",
	.source = "[DeSensi25]",
	.protocols = 1u << RG_PROTOCOL_SLOT | 1u << RG_PROTOCOL_WORD,
	.check = bine_check,
	.generate = bine_generate,
	.sent_bytes = bine_sent_bytes,
	.symmetry = bine_symmetry,
};
