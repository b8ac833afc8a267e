/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Broadcast down a k-nomial tree, in slices.
 *
 * With v = rank - root (mod p), written to the base k, the parent of v is v with its lowest nonzero
 * digit made zero; its children are v + z d for all z = 1 .. k - 1 and powers d of k below that
 * digit. A slice is taken from the parent and written into the destination and all children's slots
 * in one move, the child with the largest subtree first.
 */
#ifndef RG_COLL_KNOMIAL_H
#define RG_COLL_KNOMIAL_H

#include "gen.h"

int rg_knomial_generate(const struct rg_problem *problem, uint32_t rank, uint32_t radix,
			struct rg_sink *sink, struct rg_schedule_needs *needs_out,
			struct rg_err *err);

/* What the root sends. */
uint64_t rg_knomial_sent_bytes(const struct rg_problem *problem, uint32_t radix);

#endif
