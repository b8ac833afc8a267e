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

#include "railgauge/device/reduce.h"

struct rg_knomial {
	bool is_root;
	uint32_t v, span; /* of the subtree: this rank and those below */
	uint32_t parent;  /* not the root's */
	uint32_t nchildren;
	uint32_t child[RG_REDUCE_MAX], child_span[RG_REDUCE_MAX]; /* the farthest first */
};

/* Of up to RG_REDUCE_MAX ranks. */
void rg_knomial_init(struct rg_knomial *tree, const struct rg_problem *problem, uint32_t rank,
		     uint32_t radix);

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
