/* SPDX-License-Identifier: BSD-3-Clause */
/* Problems and costs that the tests of the simulation share. */
#ifndef RG_TESTS_MODEL_SIM_CASES_H
#define RG_TESTS_MODEL_SIM_CASES_H

#include "railgauge/base/matrix.h"
#include "railgauge/model/simulate.h"

/* Costs in femtoseconds; byte per byte. Whole numbers, so that formulas are exact. */
struct link_fs {
	int64_t latency, overhead, gap, byte;
};

static inline struct rg_loggp loggp_of(struct link_fs l)
{
	return (struct rg_loggp){(double)l.latency * 1e-15, (double)l.overhead * 1e-15,
				 (double)l.gap * 1e-15, (double)l.byte * 1e-15};
}

static inline struct rg_costs costs_of(struct link_fs node, struct link_fs network)
{
	return (struct rg_costs){.hop = {loggp_of(node), loggp_of(network)}};
}

/*
 * All ranks on one node, elements of 4 bytes, block_bytes of them; of an all-to-all-v that many,
 * one more or one less for each pair, for up to CASES_V ranks.
 */
#define CASES_V 130

static inline struct rg_problem problem_of(enum rg_coll coll, uint32_t nranks, uint64_t block_bytes)
{
	static uint64_t counts[CASES_V * CASES_V];
	struct rg_problem p = {.coll = coll,
			       .layout = {.nranks = nranks},
			       .count = block_bytes / 4,
			       .elem_bytes = 4,
			       .access = RG_ACCESS_PRIVATE,
			       .caps = RG_CAP_DATA | RG_CAP_WORD8,
			       .geometry = rg_geometry_default,
			       .params = {.protocol = RG_PROTOCOL_SLOT, .channels = 1}};

	if (coll != RG_COLL_ALLTOALLV)
		return p;
	for (uint32_t i = 0; i < nranks * nranks; i++)
		counts[i] = p.count ? p.count - 1 + i % 3 : 0;
	p.counts = counts;
	p.count = rg_matrix_busiest(counts, nranks);
	return p;
}

/* L + 2 o + (k - 1) G: one message of so many bytes, received. */
static inline int64_t message_fs(struct link_fs l, uint64_t bytes)
{
	return l.latency + 2 * l.overhead + (bytes ? (int64_t)(bytes - 1) * l.byte : 0);
}

#endif
