/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Who is on which node: a layout as algorithms of two levels need it.
 *
 * Nodes are numbered in the order of their lowest ranks. The members of a node are ordered by rail,
 * then by local index: where nodes are alike, members of the same index share a rail.
 */
#ifndef RG_COLL_NODES_H
#define RG_COLL_NODES_H

#include "railgauge/coll/problem.h"
#include "railgauge/device/reduce.h"

struct rg_nodes {
	uint32_t nnodes, smallest;	 /* nodes; members of the smallest */
	uint32_t size[RG_REDUCE_MAX];	 /* [nnodes]: members of each */
	uint32_t first[RG_REDUCE_MAX];	 /* [nnodes]: where they begin in members */
	uint32_t members[RG_REDUCE_MAX]; /* [nranks]: ranks, node by node */
	uint32_t node[RG_REDUCE_MAX];	 /* [nranks] */
	uint32_t index[RG_REDUCE_MAX];	 /* [nranks]: within the node */
};

/* At most RG_REDUCE_MAX ranks. */
void rg_nodes_of(const struct rg_layout *layout, struct rg_nodes *out);

static inline uint32_t rg_nodes_member(const struct rg_nodes *nodes, uint32_t node, uint32_t index)
{
	return nodes->members[nodes->first[node] + index];
}

#endif
