/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * All-reduce, recursive doubling: in round j every rank exchanges all it has with the one at
 * distance 2^j.
 *
 * Steps ceil(log2 p) per slice, one more each way where p is no power of two. Bytes sent per rank
 * n log2 p' with p' the largest power of two in p, and n more where p > p'. Scratch none: the
 * destination accumulates. Any p. Reduced as a binary tree over the ranks, the lower group
 * first on both sides, so every rank has the same bits. How slices travel is said in whole.h.
 * Source: [Thakur05, section 4.1].
 */
#include "config.h"

#include "algorithms.h"
#include "whole.h"

static int doubling_check(const struct rg_problem *p, struct rg_err *err)
{
	return rg_gen_check(&rg_allreduce_recursive_doubling, p, RG_GEN_RANKS, err);
}

static void rounds_of(const struct rg_problem *p, uint32_t rank, struct rg_whole *w)
{
	w->fold = rg_fold_of(p->layout.nranks, rank);
	w->nrounds = 0;
	for (uint32_t bit = 1; w->fold.inside && bit < w->fold.n; bit *= 2) {
		uint32_t peer = rg_fold_peer(&w->fold, bit), j = w->nrounds++;

		w->round[j].n = 2;
		w->round[j].rank[0] = peer < rank ? peer : rank;
		w->round[j].rank[1] = peer < rank ? rank : peer;
	}
}

static int doubling_generate(const struct rg_problem *p, uint32_t rank, struct rg_sink *sink,
			     struct rg_schedule_needs *needs_out, struct rg_err *err)
{
	struct rg_whole w;

	rounds_of(p, rank, &w);
	return rg_whole_generate(p, rank, &w, sink, needs_out, err);
}

/* Rank 1 takes part, and stands in for rank 0 if anybody is folded. */
static uint64_t doubling_sent_bytes(const struct rg_problem *p)
{
	struct rg_whole w;

	rounds_of(p, p->layout.nranks > 1, &w);
	return rg_whole_sent_bytes(p, &w);
}

static struct rg_symmetry doubling_symmetry(const struct rg_problem *p)
{
	if (rg_fold_of(p->layout.nranks, 0).extra)
		return (struct rg_symmetry){0};
	return (struct rg_symmetry){RG_SYMMETRY_FLIP, 1};
}

const struct rg_algorithm rg_allreduce_recursive_doubling = {
	.name = "recursive_doubling",
	.coll = RG_COLL_ALLREDUCE,
	.summary = "pairs at distances 1, 2, 4 ... exchange and reduce whole vectors",
	.steps = "log2(p) s, not a power of two: at most floor(log2(p)) + 2",
	.bytes = "n log2(p), not a power of two: n (floor(log2(p)) + 1)",
	.ranks = "any",
	.order = "binary tree, equal on all ranks",
	.source = "[Thakur05, section 4.1]",
	.protocols = 1u << RG_PROTOCOL_SLOT | 1u << RG_PROTOCOL_WORD,
	.check = doubling_check,
	.generate = doubling_generate,
	.sent_bytes = doubling_sent_bytes,
	.symmetry = doubling_symmetry,
};
