/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A round: messages to one rank and from one rank, made of parts that lie anywhere.
 *
 * Both ends describe the same parts in the same order, with the same lengths; where a part lies is
 * each end's own affair. Parts shorter than a slice share a message while there is room, so that a
 * round of short parts is one message; longer ones are cut, and share none. Parts that follow each
 * other in memory count as one; where a message has several, it is packed in scratch before it is
 * put, and unpacked from there. Parts of no length are no messages.
 *
 * A rank puts message m of a round before it takes message m - lag, up to the end of both; of
 * rounds that are made at once, message m of all before it takes message m - lag of all. Where all
 * ranks agree on a common order of rounds (those that have no part in one skip it), this waits in
 * no circle, whatever the credit: a put waits for a message taken in an earlier round or turn,
 * since lag is less than the credit, and a take for a put in this turn or an earlier one.
 */
#ifndef RG_COLL_ROUNDS_H
#define RG_COLL_ROUNDS_H

#include "gen.h"

/* len_bytes at off of buf, of this rank. */
struct rg_round_part {
	enum rg_buf buf;
	uint64_t off, len_bytes;
	/* Of what is taken: combined with what lies at own_off of own, or not. */
	bool reduce;
	enum rg_buf own;
	uint64_t own_off;
};

struct rg_round {
	uint32_t to, from;			/* without parts: not used */
	const struct rg_round_part *put, *take; /* borrowed during the call */
	uint32_t nput, ntake;
	bool last;	/* what is taken is final (RG_STEP_LAST) */
	uint64_t stage; /* from where on scratch may be taken to pack messages: rg_round_stage */
};

void rg_round(struct rg_gen *g, const struct rg_round *round);

/*
 * Several at once: all to different ranks, from different ranks, and no part of one touches what
 * another one takes.
 */
void rg_rounds(struct rg_gen *g, const struct rg_round *rounds, uint32_t n);

/* Where packing may begin behind used_bytes of scratch, which are whole elements. */
uint64_t rg_round_stage(uint64_t used_bytes);

#endif
