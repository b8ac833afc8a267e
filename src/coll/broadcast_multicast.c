/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Broadcast, multicast: the root sends its vector once, and the network hands it to everybody.
 *
 * Steps 1. Bytes that leave the root n, on its line; into its peers' memory go n (p - 1), as those
 * of direct, whose steps these are. By others none. Scratch none. Any p up to 64 on a transport
 * with RG_CAP_MULTICAST (verbs-ud, where all ranks hear each other in a multicast group). Reduces
 * nothing. Source: [Hoefler07], where what datagrams to a group have lost comes from a neighbour in
 * a ring of all; here receivers acknowledge to the root, which repeats what some of them lack.
 */
#include "config.h"

#include "algorithms.h"
#include "gen.h"

#include "railgauge/device/reduce.h"

static int multicast_check(const struct rg_problem *p, struct rg_err *err)
{
	int rc = rg_gen_check(&rg_broadcast_multicast, p, RG_REDUCE_MAX, err);

	if (rc || p->caps & RG_CAP_MULTICAST)
		return rc;
	return rg_err_set(err, RG_ERR_UNSUPPORTED,
			  "broadcast multicast needs a transport that sends to all ranks at once "
			  "(verbs-ud, which says why if it does not)");
}

static int multicast_generate(const struct rg_problem *p, uint32_t rank, struct rg_sink *sink,
			      struct rg_schedule_needs *needs_out, struct rg_err *err)
{
	return rg_broadcast_flat(p, rank, true, sink, needs_out, err);
}

static uint64_t multicast_sent_bytes(const struct rg_problem *p)
{
	return rg_problem_block_bytes(p) * (p->layout.nranks - 1);
}

const struct rg_algorithm rg_broadcast_multicast = {
	.name = "multicast",
	.coll = RG_COLL_BROADCAST,
	.summary = "the root sends its vector once, to a group of all (verbs-ud)",
	.steps = "1",
	.bytes = "root: n",
	.ranks = "1 to 64",
	.order = "none",
	.source = "[Hoefler07]",
	.protocols = 1u << RG_PROTOCOL_SLOT,
	.check = multicast_check,
	.generate = multicast_generate,
	.sent_bytes = multicast_sent_bytes,
};
