/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * All-gather, Bruck: in round j every rank gives all that it has, 2^j blocks or what the other
 * still lacks, to the one at distance 2^j.
 *
 * Steps ceil(log2 p) per slice of a block. Bytes sent per rank n (p - 1) / p. Scratch two slices to
 * pack what wraps around the end of the destination. Any p. No reduction. Blocks go
 * straight to their places, nothing is rotated. Source: [Bruck97], its concatenation with one port.
 */
#include "config.h"

#include "algorithms.h"
#include "distances.h"

static int bruck_check(const struct rg_problem *p, struct rg_err *err)
{
	return rg_gen_check(&rg_allgather_bruck, p, RG_GEN_RANKS, err);
}

static int bruck_generate(const struct rg_problem *p, uint32_t rank, struct rg_sink *sink,
			  struct rg_schedule_needs *needs_out, struct rg_err *err)
{
	struct rg_distances d;

	rg_distances_bruck(p->layout.nranks, &d);
	return rg_distances_allgather(p, rank, &d, sink, needs_out, err);
}

const struct rg_algorithm rg_allgather_bruck = {
	.name = "bruck",
	.coll = RG_COLL_ALLGATHER,
	.summary = "over distances 1, 2, 4 ... every rank passes on all that it has",
	.steps = "ceil(log2(p)) s",
	.bytes = "n (p-1)/p",
	.ranks = "any",
	.order = "none",
	.source = "[Bruck97]",
	.protocols = 1u << RG_PROTOCOL_SLOT | 1u << RG_PROTOCOL_WORD,
	.check = bruck_check,
	.generate = bruck_generate,
	.sent_bytes = rg_distances_sent_bytes,
};
