/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The assignment problem of affinity.h in its bare form: each rank to one adapter, adapters on
 * links. Private to src/topo and its tests.
 *
 * Cost of an assignment, compared lexicographically:
 *   part[0]  sum of dist[rank][adapter]
 *   part[1]  sum over adapters of (ranks on it)^2
 *   part[2]  sum over links of (ranks on it)^2
 *   part[3]  sum of rail[rank][adapter]
 *
 * Method: successive shortest paths [Ahuja93, chapter 9.7, and 14.5 for convex costs], Bellman-Ford
 * on the residual graph in which the rank nodes are contracted. Costs are vectors in lexicographic
 * order, an ordered group, so no weights have to be chosen and nothing can overflow in practice.
 * O(ranks^2 * adapters + ranks * adapters^3). Exact, deterministic.
 */
#ifndef RG_TOPO_ASSIGN_H
#define RG_TOPO_ASSIGN_H

#include "railgauge/base/err.h"

#include <stdint.h>

#define ASSIGN_PARTS 4

struct assign_cost {
	int64_t part[ASSIGN_PARTS];
};

/* All borrowed. */
struct assign_problem {
	uint32_t nranks, nnics, nlinks; /* at least 1 adapter and 1 link */
	const uint32_t *link;		/* [nnics], < nlinks */
	const int64_t *dist;		/* [nranks][nnics], not negative */
	const int64_t *rail;		/* [nranks][nnics], not negative */
};

/* Fills nic_out[nranks]. RG_ERR_NO_MEMORY. */
int assign_solve(const struct assign_problem *p, uint32_t *nic_out, struct rg_err *err);

/* The cost of any assignment nic[nranks]. RG_ERR_NO_MEMORY. */
int assign_cost_of(const struct assign_problem *p, const uint32_t *nic, struct assign_cost *out,
		   struct rg_err *err);

/* Less than 0, 0, more than 0. */
int assign_compare(const struct assign_cost *a, const struct assign_cost *b);

#endif
