/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * All-gather and reduce-scatter in rounds, in each of which every rank sends over one distance: as
 * one algorithm run forwards and backwards.
 *
 * Forwards, a block is v ranks away from its owner when rank owner + v has it, modulo p. In a round
 * of distance d every rank sends those of its blocks whose v is in the round's set to rank + d,
 * where they are v + d away. So v = 0 .. p - 1 are reached along a tree, the same for all blocks.
 * Backwards, rounds in reverse, partial sums go up the same tree towards their owner.
 *
 * The slices of a block take all rounds one after the other; short blocks share a message
 * (rounds.h). What is on its way lies in the destination of an all-gather; a reduce-scatter has
 * scratch for a slice of every block that it combines more than once. In place is no different.
 */
#ifndef RG_COLL_DISTANCES_H
#define RG_COLL_DISTANCES_H

#include "gen.h"

/* v = 0, 2^shift, 2 * 2^shift ...: `count` of them. */
struct rg_distances_set {
	uint32_t shift, count;
};

struct rg_distances {
	uint32_t nrounds;
	struct {
		uint32_t distance;
		struct rg_distances_set set;
	} round[RG_GEN_RANKS_LOG2];
	/* The sets of all rounds together; those of a larger shift are within those of the least.
	 */
	struct rg_distances_set all;
};

/* Nearest first: a round doubles what a rank has. [Bruck97] */
void rg_distances_bruck(uint32_t nranks, struct rg_distances *out);

/* Farthest first: few blocks go far, and many only to the neighbour. [Jeaugey25] */
void rg_distances_pat(uint32_t nranks, struct rg_distances *out);

int rg_distances_allgather(const struct rg_problem *problem, uint32_t rank,
			   const struct rg_distances *distances, struct rg_sink *sink,
			   struct rg_schedule_needs *needs_out, struct rg_err *err);
int rg_distances_reducescatter(const struct rg_problem *problem, uint32_t rank,
			       const struct rg_distances *distances, struct rg_sink *sink,
			       struct rg_schedule_needs *needs_out, struct rg_err *err);

/* Either way a rank sends all blocks but one. */
uint64_t rg_distances_sent_bytes(const struct rg_problem *problem);

#endif
