/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The order of steps in a ring: every rank takes from its left neighbour and puts to its right one.
 *
 * A slice goes through `nsteps` steps: step 0 only puts, the last only takes, each other one takes
 * a message and puts one, in one move. While one slice is on its way between two ranks, they work
 * on the next: slices go in groups, and a group does each step for all its slices before the next
 * step.
 *
 * Credit. Before a rank puts message m it has taken all but the `group` messages before m, and so
 * has its neighbour when it waits likewise: so a group of g needs a credit of g + 1, rings
 * one of 2.
 */
#ifndef RG_COLL_RING_H
#define RG_COLL_RING_H

#include "gen.h"

/* The neighbours of g->rank. */
uint32_t rg_ring_left(const struct rg_gen *g);
uint32_t rg_ring_right(const struct rg_gen *g);

typedef void rg_ring_step(struct rg_gen *g, uint64_t slice, uint32_t s, void *arg);

/* Calls step in the order described; slices 0 .. nslices - 1. */
void rg_ring_steps(struct rg_gen *g, uint64_t nslices, uint32_t nsteps, rg_ring_step *step,
		   void *arg);

/*
 * The whole schedule where every rank's block goes once around, on channel 0: nranks steps per
 * slice of a block, with arg NULL. One rank copies its source to its destination.
 */
int rg_ring_generate(const struct rg_problem *problem, uint32_t rank, rg_ring_step *step,
		     struct rg_sink *sink, struct rg_schedule_needs *needs_out, struct rg_err *err);

/* What a rank sends then: all blocks but one. */
uint64_t rg_ring_sent_bytes(const struct rg_problem *problem);

/* And all ranks do the same. */
struct rg_symmetry rg_ring_symmetry(const struct rg_problem *problem);

#endif
