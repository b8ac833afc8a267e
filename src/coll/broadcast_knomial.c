/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Broadcast, k-nomial tree: as the binomial one, but a rank has up to k - 1 children (k the radix)
 * at each distance ... k^2, k, 1: a flatter tree.
 *
 * Steps at most ceil(log_k p) for the first slice, as all children are written at once, then one
 * more per slice (a pipeline). Bytes sent at most n (k - 1) ceil(log_k p), by the root. Scratch
 * none. Any p with at most 63 children of the root, any root, any radix from 2 to 64; 4 unless
 * asked for. No reduction. The tree is that of knomial.h. Source: [Thakur05, section 3.3], for k =
 * 2; the radix [Ruefenacht17].
 */
#include "config.h"

#include "algorithms.h"
#include "knomial.h"

static int knomial_check(const struct rg_problem *p, struct rg_err *err)
{
	uint32_t radix = rg_gen_radix(&rg_broadcast_knomial, p);

	return rg_knomial_check_moves(&rg_broadcast_knomial, p, radix, err);
}

static int knomial_generate(const struct rg_problem *p, uint32_t rank, struct rg_sink *sink,
			    struct rg_schedule_needs *needs_out, struct rg_err *err)
{
	uint32_t radix = rg_gen_radix(&rg_broadcast_knomial, p);

	return rg_knomial_broadcast(p, rank, radix, sink, needs_out, err);
}

static uint64_t knomial_sent_bytes(const struct rg_problem *p)
{
	return rg_knomial_sent_bytes(p, rg_gen_radix(&rg_broadcast_knomial, p));
}

const struct rg_algorithm rg_broadcast_knomial = {
	.name = "knomial",
	.coll = RG_COLL_BROADCAST,
	.summary = "down a tree of k (radix, 4) at each distance, slices following each other",
	.steps = "ceil(log_k(p)) + s - 1 at most",
	.bytes = "n (k-1) ceil(log_k(p)) by the root at most",
	.ranks = "any, 63 children at most",
	.order = "none",
	.source = "[Thakur05, section 3.3], [Ruefenacht17]",
	.protocols = 1u << RG_PROTOCOL_SLOT | 1u << RG_PROTOCOL_WORD,
	.radix = 4,
	.check = knomial_check,
	.generate = knomial_generate,
	.sent_bytes = knomial_sent_bytes,
};
