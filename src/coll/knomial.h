/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The k-nomial tree, and a broadcast down it, in slices.
 *
 * With v = rank - root (mod p), written to the base k, the parent of v is v with its lowest nonzero
 * digit made zero; its children are v + z d for all z = 1 .. k - 1 and powers d of k below that
 * digit. Below and with such a child are the d ranks from it on, as far as there are so many.
 */
#ifndef RG_COLL_KNOMIAL_H
#define RG_COLL_KNOMIAL_H

#include "gen.h"

/* With a radix of k at most k - 1 for each power of k below RG_GEN_RANKS, and k is at most 64. */
#define RG_KNOMIAL_CHILDREN 256

struct rg_knomial {
	bool is_root;
	uint32_t v, span; /* of the subtree: this rank and those below */
	uint32_t parent;  /* not the root's */
	uint32_t nchildren;
	/* The farthest first. */
	uint32_t child[RG_KNOMIAL_CHILDREN], child_span[RG_KNOMIAL_CHILDREN];
};

void rg_knomial_init(struct rg_knomial *tree, const struct rg_problem *problem, uint32_t rank,
		     uint32_t radix);

/*
 * rg_gen_check, and that one move may name all children of the root, who has the most, and what is
 * its own.
 */
int rg_knomial_check_moves(const struct rg_algorithm *algorithm, const struct rg_problem *problem,
			   uint32_t radix, struct rg_err *err);

/*
 * A slice is taken from the parent and written into the destination and all children's slots in one
 * move.
 */
int rg_knomial_broadcast(const struct rg_problem *problem, uint32_t rank, uint32_t radix,
			 struct rg_sink *sink, struct rg_schedule_needs *needs_out,
			 struct rg_err *err);

/* What the root sends in a broadcast. */
uint64_t rg_knomial_sent_bytes(const struct rg_problem *problem, uint32_t radix);

#endif
