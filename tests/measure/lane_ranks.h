/* SPDX-License-Identifier: BSD-3-Clause */
/* Ranks as threads, with lanes over queue pairs of a libibverbs that is made up. */
#ifndef TESTS_MEASURE_LANE_RANKS_H
#define TESTS_MEASURE_LANE_RANKS_H

#include "../transport/fake_verbs.h"

#include "railgauge/measure/pairs.h"
#include "railgauge/transport/verbs.h"

#define TIMEOUT_NS ((uint64_t)20000000000)
#define MAX_RANKS  3
#define MAX_BYTES  20000

/* A rank, and what it is to do. */
struct rank {
	struct rg_rendezvous *rdv;
	struct rg_verbs_options options;
	enum rg_lane_op op;
	uint64_t wait_ns;
	uint64_t max_bytes; /* of a message; 0: MAX_BYTES */
	struct rg_lane *lane;
	struct rg_pairs *pairs;
	int (*body)(struct rank *rank, struct rg_err *err);
	uint32_t rails;		  /* of each rank */
	bool infiniband;	  /* whose rate is known without an interface */
	struct rg_lane_load load; /* for bodies */
	int rc;
	struct rg_err err;
};

/* 100 messages, 10 before them, checked. */
extern const struct rg_pairs_config lane_pairs_config;

/* Of a struct rank: opens a lane and pairs, does the body, closes. */
void *lane_rank_main(void *arg);

/* So do ranks[n], like one. Rank r has the devices r and, with two rails, r + n. */
void lane_run_ranks(struct rank *ranks, uint32_t n, const struct rank *like);

/* Fails the test with the words of a rank that failed. */
void lane_must_all(const struct rank *ranks, uint32_t n, const char *what);

#endif
