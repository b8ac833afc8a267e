/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * All-to-all-v, hierarchical: blocks for another node are first gathered at one member of the own
 * node, who sends all of the node to the rank that they are for; as alltoall_hierarchical.c has it,
 * with blocks of different lengths.
 *
 * Steps 2: within the node, between nodes; 1 where all nodes have one rank, or there is one node.
 * Bytes sent off the node what it has for others, and within it up to as much again. Scratch a
 * slice for every block that passes through this rank, empty or not, and two to pack messages. Any
 * p on any nodes. Reduces nothing.
 *
 * Which member passes on what is fixed, whatever the lengths: one with much to pass on is not
 * relieved by others. All ranks know the lengths of all blocks; where they do not, lengths must
 * travel ahead, which is not counted here.
 *
 * Source: [NCCL-PXN].
 */
#include "config.h"

#include "algorithms.h"
#include "alltoall.h"

static int hierarchical_check(const struct rg_problem *p, struct rg_err *err)
{
	return rg_alltoall_check(&rg_alltoallv_hierarchical, p, RG_GEN_RANKS, err);
}

const struct rg_algorithm rg_alltoallv_hierarchical = {
	.name = "hierarchical",
	.coll = RG_COLL_ALLTOALLV,
	.summary = "blocks for a rank of another node meet on its rail, then leave in one message",
	.steps = "2",
	.bytes = "off the node what it has for others, within it up to as much again",
	.ranks = "any",
	.order = "none",
	.source = "[NCCL-PXN]",
	.protocols = 1u << RG_PROTOCOL_SLOT | 1u << RG_PROTOCOL_WORD,
	.check = hierarchical_check,
	.generate = rg_alltoall_hierarchical_generate,
	.sent_bytes = rg_alltoall_hierarchical_sent_bytes,
};
