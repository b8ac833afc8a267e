/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * All-to-all-v, Bruck: blocks travel by the digits of their distance, together with others that
 * have the same digit, as alltoall_bruck.c has it, with blocks of different lengths. For many short
 * or empty blocks; a long one is sent as often as its distance has digits.
 *
 * Steps ceil(log_k p) per slice of the longest block at most, k being the radix. Bytes sent by a
 * rank: each of its blocks once, and those of others that come by. Scratch two slices for every
 * rank, and two to pack messages. Any p, any radix from 2 to 64; 2 unless asked for.
 * Reduces nothing.
 *
 * All ranks know the lengths of all blocks. Where they do not, lengths must travel ahead of the
 * blocks in each round, which is not counted here.
 *
 * Source: [Bruck97], index operation.
 */
#include "config.h"

#include "algorithms.h"
#include "alltoall.h"

static int bruck_check(const struct rg_problem *p, struct rg_err *err)
{
	return rg_alltoall_check(&rg_alltoallv_bruck, p, RG_GEN_RANKS, err);
}

static int bruck_generate(const struct rg_problem *p, uint32_t rank, struct rg_sink *sink,
			  struct rg_schedule_needs *needs_out, struct rg_err *err)
{
	uint32_t radix = rg_gen_radix(&rg_alltoallv_bruck, p);

	return rg_alltoall_bruck_generate(p, rank, radix, sink, needs_out, err);
}

static uint64_t bruck_sent_bytes(const struct rg_problem *p)
{
	return rg_alltoall_bruck_sent_bytes(p, rg_gen_radix(&rg_alltoallv_bruck, p));
}

const struct rg_algorithm rg_alltoallv_bruck = {
	.name = "bruck",
	.coll = RG_COLL_ALLTOALLV,
	.summary = "blocks travel by the digits of their distance to the base k (radix, 2)",
	.steps = "ceil(log_k(p)) s",
	.bytes = "what it has for others, and what comes by",
	.ranks = "any",
	.order = "none",
	.source = "[Bruck97, index]",
	.protocols = 1u << RG_PROTOCOL_SLOT | 1u << RG_PROTOCOL_WORD,
	.radix = 2,
	.check = bruck_check,
	.generate = bruck_generate,
	.sent_bytes = bruck_sent_bytes,
};
