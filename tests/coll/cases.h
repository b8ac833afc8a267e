/* SPDX-License-Identifier: BSD-3-Clause */
/* What the tests with the prover share: numbers of ranks, and nodes. */
#ifndef TESTS_COLL_CASES_H
#define TESTS_COLL_CASES_H

#include "../watched.h"

#include "railgauge/coll/prover.h"

#include <stddef.h>

#define MOST_RANKS (WATCHED ? 12u : RG_PROVER_RANKS_MAX)

/* Nodes: alike, ragged, one rank each, one alone, ranks dealt out to them in turn. */
#define PLACES 8

struct place {
	uint32_t nranks, nnodes, largest; /* ranks of the largest node */
	uint32_t node[12], local[12];
};

static const struct place places[PLACES] = {
	{4, 2, 2, {0, 0, 1, 1}, {0, 1, 0, 1}},
	{12, 4, 3, {0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3}, {0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2}},
	{6, 3, 3, {0, 0, 0, 1, 2, 2}, {0, 1, 2, 0, 0, 1}},
	{5, 5, 1, {0, 1, 2, 3, 4}, {0, 0, 0, 0, 0}},
	{7, 1, 7, {0, 0, 0, 0, 0, 0, 0}, {0, 1, 2, 3, 4, 5, 6}},
	{8, 2, 4, {0, 1, 0, 1, 0, 1, 0, 1}, {0, 0, 1, 1, 2, 2, 3, 3}},
	{9, 5, 4, {3, 1, 1, 4, 1, 5, 5, 2, 1}, {0, 0, 1, 0, 2, 0, 1, 0, 3}},
	{12, 3, 5, {1, 1, 1, 1, 1, 2, 2, 3, 3, 3, 2, 2}, {0, 1, 2, 3, 4, 0, 1, 0, 1, 2, 2, 3}},
};

/* The ranks of a node have an adapter each. */
static inline struct rg_layout place_of(size_t i)
{
	return (struct rg_layout){
		.nranks = places[i].nranks,
		.node = places[i].node,
		.local = places[i].local,
		.rail = places[i].local,
	};
}

#endif
