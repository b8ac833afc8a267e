/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Gather and scatter over the k-nomial tree (knomial.h), as one algorithm run upwards and
 * downwards.
 *
 * With v = rank - root (mod p), the subtree of v is v and the ranks up to the next one on its own
 * level, so its blocks are v, v + 1, ... In a gather a rank takes the blocks of each child's
 * subtree, nearest child first, and hands them with its own to its parent; in a scatter it takes
 * those of its subtree and hands each child its own, farthest child first.
 *
 * The slices of a block take the tree one after the other; short blocks share a message (rounds.h).
 * What is not one's own lies in scratch of a slice per rank of the subtree, at the root in its
 * destination or source. In place is no different: the root's own block stays where it is.
 */
#ifndef RG_COLL_KNOMIAL_BLOCKS_H
#define RG_COLL_KNOMIAL_BLOCKS_H

#include "gen.h"

int rg_knomial_gather(const struct rg_problem *problem, uint32_t rank, uint32_t radix,
		      struct rg_sink *sink, struct rg_schedule_needs *needs_out,
		      struct rg_err *err);
int rg_knomial_scatter(const struct rg_problem *problem, uint32_t rank, uint32_t radix,
		       struct rg_sink *sink, struct rg_schedule_needs *needs_out,
		       struct rg_err *err);

/* What the root's child with the largest subtree sends in a gather. */
uint64_t rg_knomial_gather_sent_bytes(const struct rg_problem *problem, uint32_t radix);

#endif
