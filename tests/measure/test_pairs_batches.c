/* SPDX-License-Identifier: BSD-3-Clause */
/* How long batches of pairs are, on a lane that moves nothing. */
#include "config.h"

#include "railgauge/measure/pairs.h"

#include "railgauge/base/clock.h"
#include "railgauge/measure/tournament.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define TIMEOUT_NS ((uint64_t)20000000000)
#define MESSAGE_NS ((uint64_t)10000000)

/* A message takes 10 ms, it says. */
struct slow_lane {
	struct rg_lane lane; /* first */
	uint64_t batches[16];
	uint32_t n;
};

static int slow_meet(struct rg_lane *lane, uint32_t peer, struct rg_err *err)
{
	lane->peer = peer;
	return 0;
}

static int slow_prepare(struct rg_lane *lane, const struct rg_lane_load *load, struct rg_err *err)
{
	return 0;
}

static int slow_pingpong(struct rg_lane *lane, const struct rg_lane_load *load, uint64_t n,
			 bool first, struct rg_series *series, struct rg_err *err)
{
	return 0;
}

static int slow_stream(struct rg_lane *lane, const struct rg_lane_load *load,
		       const struct rg_lane_flow *flow, struct rg_series *series,
		       uint64_t *elapsed_ns_out, struct rg_err *err)
{
	struct slow_lane *slow = (struct slow_lane *)lane;

	if (flow->out && slow->n < 16)
		slow->batches[slow->n++] = flow->out;
	for (uint64_t i = 0; series && i < flow->out / flow->block; i++)
		rg_series_add(series, flow->block * MESSAGE_NS);
	*elapsed_ns_out = flow->out * MESSAGE_NS;
	return 0;
}

static double slow_bound_ns(const struct rg_lane *lane, const struct rg_lane_load *load, bool both)
{
	return 0;
}

static const uint8_t *slow_sink(const struct rg_lane *lane, uint32_t n)
{
	return NULL;
}

static void slow_close(struct rg_lane *lane)
{
}

static const struct rg_lane_ops slow_ops = {
	.name = "slow",
	.meet = slow_meet,
	.prepare = slow_prepare,
	.pingpong = slow_pingpong,
	.stream = slow_stream,
	.bound_ns = slow_bound_ns,
	.sink = slow_sink,
	.close = slow_close,
};

struct rank {
	struct rg_rendezvous *rdv;
	struct slow_lane slow;
	struct rg_pairs_outcome outcome;
	int rc;
	struct rg_err err;
};

/* 4 messages to warm up, and 250. */
static void *rank_main(void *arg)
{
	static const struct rg_pairs_config config = {
		.iterations = 250, .warmups = 4, .deadline_ns = TIMEOUT_NS};
	static const struct rg_pairs_point point = {
		.test = RG_PAIRS_BANDWIDTH,
		.load = {.size_bytes = 8, .outstanding = 1, .post_list = 1, .stream = true},
		.alone = RG_TOURNAMENT_NOBODY};
	struct rank *r = arg;
	struct rg_pairs *pairs = NULL;
	bool interrupted = false;
	uint32_t n = 0;

	r->slow.lane = (struct rg_lane){.ops = &slow_ops, .nrails = 1, .max_bytes = 8};
	r->rc = rg_pairs_open(r->rdv, &r->slow.lane, &config, &pairs, &r->err);
	if (!r->rc)
		r->rc = rg_pairs_meet(pairs, 0, &r->err);
	if (!r->rc)
		r->rc = rg_pairs_measure(pairs, &point, &r->outcome, &n, &interrupted, &r->err);
	rg_pairs_close(pairs);
	return NULL;
}

/* A batch lasts for a second at most: not 100, 100 and 50. */
static void batches_of_a_number_of_messages_are_equally_long(void **state)
{
	struct rank ranks[2] = {0};
	struct rg_rendezvous *rdvs[2];
	pthread_t threads[2];
	struct rg_err err = {0};

	assert_int_equal(rg_rendezvous_threads_open(2, rdvs, &err), 0);
	for (int r = 0; r < 2; r++) {
		ranks[r].rdv = rdvs[r];
		assert_int_equal(pthread_create(&threads[r], NULL, rank_main, &ranks[r]), 0);
	}
	for (int r = 0; r < 2; r++)
		pthread_join(threads[r], NULL);
	for (int r = 0; r < 2; r++) {
		if (ranks[r].rc)
			fail_msg("rank %d: %s", r, ranks[r].err.text);
		rg_rendezvous_close(rdvs[r]);
	}
	assert_int_equal(ranks[0].outcome.messages, 250);
	assert_int_equal(ranks[0].slow.n, 4);
	assert_int_equal(ranks[0].slow.batches[0], 4); /* the warm-up */
	assert_int_equal(ranks[0].slow.batches[1], 84);
	assert_int_equal(ranks[0].slow.batches[2], 83);
	assert_int_equal(ranks[0].slow.batches[3], 83);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(batches_of_a_number_of_messages_are_equally_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
