/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * All-to-all-v, pull: every rank reads its blocks out of the others' sources, as alltoall_pull.c
 * has it, with blocks of different lengths.
 *
 * Steps 1; in place p - 1 at most, with one partner after the other. Bytes sent per rank none; each
 * reads what others have for it. Scratch none, in place two pieces. Any p. Reduces nothing.
 *
 * Source: the definition, [MPI41, section 6.8]; the receiver fetches, as in [Jin05].
 */
#include "config.h"

#include "algorithms.h"
#include "alltoall.h"
#include "pull.h"

static int pull_check(const struct rg_problem *p, struct rg_err *err)
{
	return rg_alltoall_check(&rg_alltoallv_pull, p, UINT32_MAX, err);
}

const struct rg_algorithm rg_alltoallv_pull = {
	.name = "pull",
	.coll = RG_COLL_ALLTOALLV,
	.summary = "every rank reads its blocks out of the others' sources",
	.steps = "1 (in place p-1)",
	.bytes = "0 (reads what others have for it)",
	.ranks = "any",
	.order = "none",
	.source = "[MPI41, section 6.8]; [Jin05]",
	.protocols = 1u << RG_PROTOCOL_READ,
	.check = pull_check,
	.generate = rg_alltoall_pull_generate,
	.sent_bytes = rg_pull_sent_bytes,
};
