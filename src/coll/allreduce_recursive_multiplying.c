/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * All-reduce, recursive multiplying: recursive doubling with groups of k ranks (the radix) instead
 * of pairs, so that there are fewer rounds of more messages.
 *
 * Steps ceil(log_k p) per slice where all ranks take part, one more each way where some are folded.
 * Those that take part are n' = f k^m, the most that are not above p, with f < k: m rounds of k
 * and, where f > 1, one of f. Bytes sent per rank n (m (k - 1) + f - 1), and n more where p > n'.
 * Scratch none: the destination accumulates. Any p, any radix from 2 to 64; 4 unless asked
 * for. A radix of p is one round with all, one of 2 is recursive doubling. Reduced as a tree of
 * degree k over the ranks, the lower group first on all sides, so every rank has the same bits.
 *
 * In round j the numbers of a group differ in digit j to the base k alone. How slices travel is
 * said in whole.h. Source: [Ruefenacht17].
 */
#include "config.h"

#include "algorithms.h"
#include "whole.h"

static int multiplying_check(const struct rg_problem *p, struct rg_err *err)
{
	return rg_gen_check(&rg_allreduce_recursive_multiplying, p, RG_GEN_RANKS, err);
}

static void rounds_of(const struct rg_problem *p, uint32_t rank, struct rg_whole *w)
{
	uint32_t k = rg_gen_radix(&rg_allreduce_recursive_multiplying, p);
	uint32_t nranks = p->layout.nranks, power = 1;

	while (power * k <= nranks)
		power *= k;
	w->fold = rg_fold_into(nranks / power * power, nranks, rank);
	w->nrounds = 0;
	for (uint32_t unit = 1; w->fold.inside && unit < w->fold.n; unit *= k) {
		uint32_t n = w->fold.n / unit < k ? w->fold.n / unit : k, j = w->nrounds++;
		uint32_t zero = w->fold.v - w->fold.v / unit % n * unit;

		w->round[j].n = n;
		for (uint32_t i = 0; i < n; i++)
			w->round[j].rank[i] = rg_fold_rank(&w->fold, zero + i * unit);
	}
}

static int multiplying_generate(const struct rg_problem *p, uint32_t rank, struct rg_sink *sink,
				struct rg_schedule_needs *needs_out, struct rg_err *err)
{
	struct rg_whole w;

	rounds_of(p, rank, &w);
	return rg_whole_generate(p, rank, &w, sink, needs_out, err);
}

/* Rank 1 takes part, and stands in for rank 0 if anybody is folded. */
static uint64_t multiplying_sent_bytes(const struct rg_problem *p)
{
	struct rg_whole w;

	rounds_of(p, p->layout.nranks > 1, &w);
	return rg_whole_sent_bytes(p, &w);
}

const struct rg_algorithm rg_allreduce_recursive_multiplying = {
	.name = "recursive_multiplying",
	.coll = RG_COLL_ALLREDUCE,
	.summary =
		"groups of k (radix, 4) exchange and reduce whole vectors, then groups of groups",
	.steps = "ceil(log_k(p)) s, folded: at most floor(log_k(p)) + 3",
	.bytes = "n (k-1) log_k(p), folded: n more",
	.ranks = "any",
	.order = "k-ary tree, equal on all ranks",
	.source = "[Ruefenacht17]",
	.protocols = 1u << RG_PROTOCOL_SLOT | 1u << RG_PROTOCOL_WORD,
	.radix = 4,
	.check = multiplying_check,
	.generate = multiplying_generate,
	.sent_bytes = multiplying_sent_bytes,
};
