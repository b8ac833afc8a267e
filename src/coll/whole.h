/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * All-reduce by rounds in which groups of ranks exchange whole vectors.
 *
 * In a round each rank gives what it has to all others of its group, and combines what it gets from
 * them with its own. If all members of a group hold contributions of different ranks, and all their
 * ranks together once the rounds are through, everybody has the result. Groups of one round must
 * not overlap, and nobody meets the same rank in two rounds. A group
 * has at most RG_REDUCE_MAX members.
 *
 * Order: each round names its group in an order that all members share. Where the members of a
 * group combined in the same order before, so they do after it: every rank has the same bits.
 *
 * What is combined goes into the destination and the slots for the next round in one move. One
 * slice goes through all rounds before the next, and on every link it is one message; so each move
 * waits only for earlier rounds or slices: a credit of 1 is enough. Ranks that are folded (fold.h)
 * give their vector to their partner before the first round and get the result after the last.
 */
#ifndef RG_COLL_WHOLE_H
#define RG_COLL_WHOLE_H

#include "fold.h"
#include "gen.h"

#include "railgauge/device/reduce.h"

struct rg_whole {
	struct rg_fold fold;
	uint32_t nrounds; /* of a rank that takes part; none otherwise */
	struct {
		uint32_t n, rank[RG_REDUCE_MAX]; /* in the order of combination, this rank too */
	} round[RG_GEN_RANKS_LOG2];
};

/* The whole schedule, one rank included. */
int rg_whole_generate(const struct rg_problem *problem, uint32_t rank, const struct rg_whole *whole,
		      struct rg_sink *sink, struct rg_schedule_needs *needs_out,
		      struct rg_err *err);

/* Bytes that such a rank sends. */
uint64_t rg_whole_sent_bytes(const struct rg_problem *problem, const struct rg_whole *whole);

#endif
