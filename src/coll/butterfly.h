/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * All-reduce of a stretch of memory among some ranks, its members: a reduce-scatter over the Swing
 * butterfly (swing.h), then an all-gather the same way back.
 *
 * The stretch has one block per member. Block b is reduced along a tree whose root is member b: to
 * the root in the last step, to those two in the step before, and so on; where a member would be
 * reached twice, which happens if n is no power of two, the time nearer to the root counts. So a
 * member hands each block but its own over exactly once, and gets as many. In the all-gather blocks
 * go down the same trees.
 *
 * For odd n the last member stands aside: it exchanges blocks with each of the others directly,
 * which are then in order at the end of the reduce-scatter.
 *
 * Where n is a power of two blocks lie in such an order that each step moves one run of them: all
 * that member b is handed in a step it keeps half of in the next.
 *
 * Steps 2 ceil(log2 n'), n' being n or, for odd n, n - 1. Bytes sent by a member about
 * 2 (n - 1) / n of the stretch. Source: [DeSensi24, section 3]; the order of blocks [DeSensi25].
 */
#ifndef RG_COLL_BUTTERFLY_H
#define RG_COLL_BUTTERFLY_H

#include "rounds.h"

#include "railgauge/device/reduce.h"

#define RG_BUTTERFLY_STEPS 6 /* log2 RG_REDUCE_MAX */

struct rg_butterfly {
	const uint32_t *ranks; /* [n], borrowed */
	uint32_t n, me;	       /* members, and which of them this rank is */
	uint32_t even;	       /* members in the butterfly proper */
	uint32_t nsteps;
	/* Sets of blocks, in each step of the reduce-scatter. */
	uint64_t give[RG_BUTTERFLY_STEPS], get[RG_BUTTERFLY_STEPS];
	uint8_t place[RG_REDUCE_MAX]; /* which of the n parts of the stretch a block is */
};

/* 1 to 64 members. */
void rg_butterfly_init(struct rg_butterfly *b, const uint32_t *ranks, uint32_t n, uint32_t me);

/*
 * len_bytes at off of the destination, at most n slices. What there is to combine is in `own`, SRC
 * or DST. Messages are packed in scratch from `stage` on (rounds.h).
 */
void rg_butterfly_allreduce(struct rg_gen *g, const struct rg_butterfly *b, struct rg_gen_piece all,
			    enum rg_buf own, uint64_t stage);

/* What this member sends then. */
uint64_t rg_butterfly_sent_bytes(const struct rg_problem *problem, const struct rg_butterfly *b,
				 uint64_t len_bytes);

#endif
