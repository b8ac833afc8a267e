/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * All-to-all-v, pairwise: in each round every rank exchanges its blocks with one partner, as
 * alltoall_pairwise.c has it, with blocks of different lengths.
 *
 * Steps p - 1 at most; a rank without a block for its partner, and from it, goes on to the next
 * round. Bytes sent by a rank what it has for others. Scratch none; with windows in place its
 * source. Any p. Reduces nothing.
 *
 * Through slots and words rounds are grouped by the longest block of all, the same on all ranks. A
 * group lasts as long as its longest block: where one pair has much more than others, all go their
 * ways but that pair.
 *
 * Source: [Thakur05, section 4], its long-message all-to-all.
 */
#include "config.h"

#include "algorithms.h"
#include "alltoall.h"

static int pairwise_check(const struct rg_problem *p, struct rg_err *err)
{
	return rg_alltoall_check(&rg_alltoallv_pairwise, p, UINT32_MAX, err);
}

const struct rg_algorithm rg_alltoallv_pairwise = {
	.name = "pairwise",
	.coll = RG_COLL_ALLTOALLV,
	.summary = "in each round every rank exchanges its blocks with one partner",
	.steps = "p-1",
	.bytes = "what it has for others",
	.ranks = "any",
	.order = "none",
	.source = "[Thakur05, section 4]",
	.protocols = 1u << RG_PROTOCOL_SLOT | 1u << RG_PROTOCOL_WORD | 1u << RG_PROTOCOL_WINDOW,
	.check = pairwise_check,
	.generate = rg_alltoall_pairwise_generate,
	.sent_bytes = rg_block_sent_bytes,
};
