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
 *
 * What a member gives and gets in a step is the same for all, as seen from it: with i for an even
 * member and -i for an odd one, the block that is i members away. So there is one list for all.
 */
#ifndef RG_COLL_BUTTERFLY_H
#define RG_COLL_BUTTERFLY_H

#include "rounds.h"

struct rg_butterfly {
	uint32_t n;    /* members */
	uint32_t even; /* of them in the butterfly proper */
	uint32_t nsteps;
	bool runs; /* even is a power of two: then there are no lists */
	/*
	 * How far away the blocks are that are handed over in step s, in ascending order: those of
	 * give (get) are [first[s], first[s + 1]) of it. until[i]: in which step block i is
	 * combined for the first time, UINT8_MAX for never.
	 */
	uint32_t *give, *get; /* owned, [even - 1] */
	uint32_t first[RG_GEN_RANKS_LOG2 + 1];
	uint8_t *until;		     /* owned, [even] */
	struct rg_round_part *parts; /* owned: room for one step */
	uint32_t room;		     /* parts of either side of it */

	/* Which of the members this rank is, and what the ranks of members are; set by the user. */
	uint32_t me;
	uint32_t (*rank_of)(const void *arg, uint32_t member);
	const void *arg;
};

/* 1 to RG_GEN_RANKS members. RG_ERR_NO_MEMORY; it is to be closed then as well. */
int rg_butterfly_open(struct rg_butterfly *b, uint32_t n, struct rg_err *err);
void rg_butterfly_close(struct rg_butterfly *b); /* zeroed is allowed */

/*
 * len_bytes at off of the destination, at most n slices. What there is to combine is in `own`, SRC
 * or DST. Messages are packed in scratch from `stage` on (rounds.h).
 */
void rg_butterfly_allreduce(struct rg_gen *g, const struct rg_butterfly *b, struct rg_gen_piece all,
			    enum rg_buf own, uint64_t stage);

/*
 * Do members 2, 4 ... further on, around the circle, do the same? Then messages are equally long,
 * and none has several blocks to pack.
 */
bool rg_butterfly_repeats(const struct rg_problem *problem, uint32_t n, uint64_t len_bytes);

/* What this member sends then. */
uint64_t rg_butterfly_sent_bytes(const struct rg_problem *problem, const struct rg_butterfly *b,
				 uint64_t len_bytes);

#endif
