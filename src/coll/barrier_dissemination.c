/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Barrier, dissemination: in round k every rank tells the one 2^k further, and hears of the one 2^k
 * before; after the last round everybody has heard of everybody.
 *
 * Steps ceil(log2 p). Bytes sent none: a counter per round. Scratch none. Any p. Reduces nothing.
 * The distances are all different and below p, so each peer's counter moves once.
 *
 * Source: [Hensgen88].
 */
#include "config.h"

#include "algorithms.h"
#include "gen.h"

static int dissemination_check(const struct rg_problem *p, struct rg_err *err)
{
	return rg_gen_check(&rg_barrier_dissemination, p, UINT32_MAX, err);
}

static int dissemination_generate(const struct rg_problem *p, uint32_t rank, struct rg_sink *sink,
				  struct rg_schedule_needs *needs_out, struct rg_err *err)
{
	struct rg_gen g;

	rg_gen_open(&g, p, rank, sink, err);
	for (uint64_t d = 1; d < g.nranks; d *= 2) {
		rg_gen_sync_signal(&g, (uint32_t)((rank + d) % g.nranks));
		rg_gen_sync_wait(&g, (uint32_t)((rank + g.nranks - d) % g.nranks));
	}
	return rg_gen_close(&g, needs_out);
}

static uint64_t dissemination_sent_bytes(const struct rg_problem *p)
{
	return 0;
}

static struct rg_symmetry dissemination_symmetry(const struct rg_problem *p)
{
	return (struct rg_symmetry){RG_SYMMETRY_SHIFT, 1};
}

const struct rg_algorithm rg_barrier_dissemination = {
	.name = "dissemination",
	.coll = RG_COLL_BARRIER,
	.summary = "in round k every rank tells the one 2^k further that it is here",
	.steps = "ceil(log2 p)",
	.bytes = "0",
	.ranks = "any",
	.order = "none",
	.source = "[Hensgen88]",
	.protocols = 1u << RG_PROTOCOL_SLOT,
	.check = dissemination_check,
	.generate = dissemination_generate,
	.sent_bytes = dissemination_sent_bytes,
	.symmetry = dissemination_symmetry,
};
