/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Measuring pairs of ranks: latency, bandwidth one way and both ways, message rate, over a lane
 * (measure/lane.h), in the rounds of a tournament (measure/tournament.h), in each of which every
 * rank has one peer at most, so that pairs that run at the same time share no rank.
 *
 *   rg_pairs_open -> (rg_pairs_meet -> rg_pairs_measure ...) per round -> rg_pairs_close
 *
 * Tests:
 *   latency        ping-pong; half of a round trip (of a read the whole of it)
 *   bandwidth      messages from one rank, as many under way as the load says
 *   bidirectional  from both at once; the sum of both directions, over the longer of both's times
 *   rate           as bandwidth; what counts is messages per second
 *
 * A point goes in batches, between which all ranks meet: all pairs of a round begin their batches
 * together, whoever has done what was asked for waits for the others, and a failure of any rank
 * ends the point on all. A batch begins with one message there and back, which does not count, so
 * that both ends are there; then nothing but the lane is called until it has ended. The first
 * batches are warm-up. How many messages a batch has follows from the time of a message in the one
 * before, so that it lasts for the asked share of the duration.
 *
 * What is recorded is the duration of each round trip, or of each block of messages (a hundredth of
 * all of a point, or so), from one block's last completion to the next one's. Mean, deviation,
 * maximum and percentiles are therefore known in every test, by number and by time alike.
 *
 * Data are checked: before a batch each sender fills its source with values that depend on the rank
 * and the batch, and behind it the receiver compares what came last, in each place that the lane
 * names. All of it is outside of what is timed.
 *
 * Everything is collective over all ranks and belongs to one thread per rank.
 */
#ifndef RAILGAUGE_MEASURE_PAIRS_H
#define RAILGAUGE_MEASURE_PAIRS_H

#include "railgauge/base/err.h"
#include "railgauge/launch/rendezvous.h"
#include "railgauge/measure/lane.h"
#include "railgauge/measure/series.h"

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#define RG_PAIRS_TEST_LIST(X)             \
	X(LATENCY, "latency")             \
	X(BANDWIDTH, "bandwidth")         \
	X(BIDIRECTIONAL, "bidirectional") \
	X(RATE, "rate")

enum rg_pairs_test {
#define RG_PAIRS_TEST_ENUM(name, word) RG_PAIRS_##name,
	RG_PAIRS_TEST_LIST(RG_PAIRS_TEST_ENUM)
#undef RG_PAIRS_TEST_ENUM
		RG_PAIRS_TEST_COUNT
};
extern const char *const rg_pairs_test_words[]; /* NULL-terminated, in enum order */

/* Equal on all ranks. */
struct rg_pairs_config {
	uint64_t iterations;  /* messages of a point, or round trips; 0: by time */
	uint64_t duration_ns; /* of a point, about; used if iterations is 0 */
	uint64_t warmups;     /* messages that do not count, fewer where they would take long */
	uint64_t deadline_ns; /* length of any wait for all ranks */
	bool check;
	/* Set asynchronously when the user wants to stop; borrowed; may be NULL. */
	const volatile sig_atomic_t *interrupted;
};

/* One point: what all pairs of a round do. Equal on all ranks. */
struct rg_pairs_point {
	enum rg_pairs_test test;
	bool reverse; /* the higher rank of each pair begins, and is the one that sends */
	struct rg_lane_load load;
	/* One pair alone: the one of which this rank is the lower; RG_TOURNAMENT_NOBODY: all. */
	uint32_t alone;
};

/* What came out of a pair at a point; times in ns. */
struct rg_pairs_outcome {
	uint32_t from, to;	   /* who began, and sent; of a read asked */
	uint64_t messages;	   /* of one direction, those that count */
	uint64_t block;		   /* messages of one recorded duration */
	double time_ns;		   /* of all batches that count */
	struct rg_distribution ns; /* per message; of a ping-pong one way */
	double rate_Bps;	   /* bytes, both directions together; of a ping-pong 0 */
	double messages_ps;	   /* likewise */
	double bound_ns;	   /* the lane's: least time of a message; 0: not known */
	uint64_t checked, wrong;   /* bytes */
	char from_device[RG_LANE_NAME_BYTES]; /* empty: none, or several */
	char to_device[RG_LANE_NAME_BYTES];
};

struct rg_pairs;

/* rdv and lane are borrowed. RG_ERR_NO_MEMORY, and what an agreement returns. */
int rg_pairs_open(struct rg_rendezvous *rdv, struct rg_lane *lane,
		  const struct rg_pairs_config *config, struct rg_pairs **out, struct rg_err *err);
void rg_pairs_close(struct rg_pairs *pairs); /* not collective; NULL is allowed */

/* Pairs the ranks as in that round of the tournament. As the lane's meet. */
int rg_pairs_meet(struct rg_pairs *pairs, uint32_t round, struct rg_err *err);

/*
 * Measures a point. outcomes[nranks] are filled on every rank, *n_out of them, in the order of the
 * ranks that began. *interrupted_out: the user wanted to stop, and what there is says little. As
 * the lane's members, and what an agreement returns.
 */
int rg_pairs_measure(struct rg_pairs *pairs, const struct rg_pairs_point *point,
		     struct rg_pairs_outcome *outcomes, uint32_t *n_out, bool *interrupted_out,
		     struct rg_err *err);

#endif
