/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Who is on which node: a layout as algorithms of two levels need it.
 *
 * Nodes are numbered in the order of their lowest ranks. The members of a node are ordered by rail,
 * then by local index: where nodes are alike, members of the same index share a rail.
 *
 * It takes 5 numbers per rank, and about as long as to look at each of them some times.
 */
#ifndef RG_COLL_NODES_H
#define RG_COLL_NODES_H

#include "railgauge/base/err.h"
#include "railgauge/coll/problem.h"

#include <stdbool.h>
#include <stdint.h>

struct rg_nodes {
	uint32_t nranks, nnodes;
	uint32_t smallest, largest; /* members of such nodes */
	uint32_t *size;		    /* owned, as all below: [nnodes], members of each */
	uint32_t *first;	    /* [nnodes]: where they begin in members */
	uint32_t *members;	    /* [nranks]: ranks, node by node */
	uint32_t *node;		    /* [nranks] */
	uint32_t *index;	    /* [nranks]: within the node */
};

/* RG_ERR_NO_MEMORY, and then *out is zeroed. */
int rg_nodes_open(const struct rg_layout *layout, struct rg_nodes *out, struct rg_err *err);
void rg_nodes_close(struct rg_nodes *nodes); /* zeroed is allowed */

static inline uint32_t rg_nodes_member(const struct rg_nodes *nodes, uint32_t node, uint32_t index)
{
	return nodes->members[nodes->first[node] + index];
}

/*
 * The ranks of a node, where all nodes have as many, in the order of ranks, and each has its
 * members in the same order; else 0. Then what holds for a rank holds for those that are so many
 * further on, on other nodes.
 */
uint32_t rg_nodes_alike(const struct rg_nodes *nodes);

#endif
