/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Broadcast, binomial tree: whoever has a slice passes it on to ranks at distances ... 4, 2, 1.
 *
 * Steps floor(log2 p) for the first slice, as all children are written at once, then one more per
 * slice (a pipeline). Bytes sent at most n ceil(log2 p), by the root. Scratch none. Any p,
 * any root. No reduction. The tree is that of knomial.h with a radix of 2.
 * Source: [Thakur05, section 3.3].
 */
#include "config.h"

#include "algorithms.h"
#include "knomial.h"

static int binomial_check(const struct rg_problem *p, struct rg_err *err)
{
	return rg_knomial_check_moves(&rg_broadcast_binomial, p, 2, err);
}

static int binomial_generate(const struct rg_problem *p, uint32_t rank, struct rg_sink *sink,
			     struct rg_schedule_needs *needs_out, struct rg_err *err)
{
	return rg_knomial_broadcast(p, rank, 2, sink, needs_out, err);
}

static uint64_t binomial_sent_bytes(const struct rg_problem *p)
{
	return rg_knomial_sent_bytes(p, 2);
}

const struct rg_algorithm rg_broadcast_binomial = {
	.name = "binomial",
	.coll = RG_COLL_BROADCAST,
	.summary = "down a binomial tree, slices following each other",
	.steps = "floor(log2(p)) + s - 1",
	.bytes = "n ceil(log2(p)) by the root",
	.ranks = "any",
	.order = "none",
	.source = "[Thakur05, section 3.3]",
	.protocols = 1u << RG_PROTOCOL_SLOT | 1u << RG_PROTOCOL_WORD,
	.check = binomial_check,
	.generate = binomial_generate,
	.sent_bytes = binomial_sent_bytes,
};
