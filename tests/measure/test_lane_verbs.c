/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The lane over queue pairs, on a libibverbs that is made up: two ranks or three as threads, with
 * devices of their own.
 */
#include "config.h"

#include "../lot.h"
#include "../watched.h"
#include "lane_ranks.h"

#include "railgauge/base/clock.h"
#include "railgauge/measure/tournament.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define WANT(condition)                                                                     \
	do {                                                                                \
		if (!(condition))                                                           \
			return rg_err_set(err, RG_ERR_INTERNAL, "line %d: not " #condition, \
					  __LINE__);                                        \
	} while (0)

/* --- every operation, over every number of queue pairs and rails --- */

static int measure_one(struct rank *r, enum rg_pairs_test test, uint64_t size_bytes, int32_t rail,
		       struct rg_err *err)
{
	struct rg_pairs_point point = {.test = test,
				       .load = r->load,
				       .reverse = test == RG_PAIRS_RATE,
				       .alone = RG_TOURNAMENT_NOBODY};
	struct rg_pairs_outcome o[MAX_RANKS];
	bool interrupted = false;
	uint32_t n = 0;
	int rc;

	point.load.op = r->op;
	point.load.size_bytes = size_bytes;
	point.load.rail = rail;
	point.load.stream = test != RG_PAIRS_LATENCY;
	rc = rg_pairs_measure(r->pairs, &point, o, &n, &interrupted, err);
	if (rc)
		return rc;
	WANT(n == r->rdv->nranks / 2);
	for (uint32_t i = 0; i < n; i++) {
		WANT(o[i].messages == lane_pairs_config.iterations && o[i].ns.n > 0);
		WANT(o[i].wrong == 0 && (size_bytes == 1 || o[i].checked >= size_bytes - 1));
		WANT(rail == RG_LANE_ALL_RAILS || o[i].from_device[0] == 'f');
		WANT(rail == RG_LANE_ALL_RAILS || strcmp(o[i].from_device, o[i].to_device));
		WANT(r->infiniband ? o[i].bound_ns > 0 && o[i].bound_ns < 1e6 : o[i].bound_ns == 0);
	}
	return 0;
}

static int play(struct rank *r, struct rg_err *err)
{
	static const uint64_t sizes[] = {1, 2, 200, MAX_BYTES};
	uint32_t n = r->rdv->nranks;
	int rc = 0;

	WANT(r->lane->nrails == r->rails);
	for (uint32_t round = 0; !rc && round < rg_tournament_rounds(n); round++) {
		rc = rg_pairs_meet(r->pairs, round, err);
		for (int i = 0; !rc && i < 4 * RG_PAIRS_TEST_COUNT; i++) {
			enum rg_pairs_test test = (enum rg_pairs_test)(i / 4);

			for (uint32_t rail = 0; !rc && rail < r->rails; rail++)
				rc = measure_one(r, test, sizes[i % 4], (int32_t)rail, err);
			if (!rc && r->rails > 1 && test != RG_PAIRS_LATENCY)
				rc = measure_one(r, test, sizes[i % 4], RG_LANE_ALL_RAILS, err);
		}
	}
	return rc;
}

static void reset_to_infiniband(void)
{
	static const char *const names[] = {"fake0", "fake1", "fake2", "fake3"};
	struct fake_device devices[4];

	for (uint16_t k = 0; k < 4; k++)
		devices[k] = (struct fake_device){
			.name = names[k],
			.ports = 1,
			.infiniband = true,
			.lid = (uint16_t)(k + 1),
			.ngids = 1,
			.gids = {{0xfe, 0x80, [15] = (uint8_t)(k + 1)}},
		};
	fake_reset(devices, 4);
}

static void every_operation_carries_the_right_data(void **state)
{
	struct rank ranks[MAX_RANKS];
	struct lot lot = lot_of(2);
	char what[64];

	for (int op = 0; op < RG_LANE_OP_COUNT; op++) {
		for (uint32_t i = 0; i < 4; i++) {
			struct rank like = {.options = rg_verbs_options_default,
					    .op = (enum rg_lane_op)op,
					    .body = play,
					    .rails = 1 + i / 2,
					    .load = {.outstanding = 9,
						     .post_list = 1 + 2 * (i % 2)}};

			if (!is_drawn(&lot))
				continue;
			like.options.qps = i % 2 ? 3 : 1;
			like.options.depth = 16;
			like.options.moderation = 5;
			like.infiniband = i % 2;
			if (like.infiniband)
				reset_to_infiniband();
			else
				fake_reset(NULL, 0);
			lane_run_ranks(ranks, i == 0 && !WATCHED ? 3 : 2, &like);
			snprintf(what, sizeof(what), "%s, case %u", rg_lane_op_words[op], i);
			lane_must_all(ranks, 2, what);
		}
	}
}

/* --- who gets how much --- */

static int play_both_rails(struct rank *r, struct rg_err *err)
{
	int rc = rg_pairs_meet(r->pairs, 0, err);

	return rc ? rc : measure_one(r, RG_PAIRS_BANDWIDTH, 64, RG_LANE_ALL_RAILS, err);
}

/* Rank 0 has fake0 and fake2; on its first rail it also says that a batch is done. */
static void rails_get_equal_parts_of_a_stream(void **state)
{
	struct rank ranks[MAX_RANKS];
	struct rank like = {.options = rg_verbs_options_default,
			    .op = RG_LANE_OP_WRITE,
			    .body = play_both_rails,
			    .rails = 2,
			    .load = {.outstanding = 64, .post_list = 1}};
	uint64_t first, second;

	fake_reset(NULL, 0);
	lane_run_ranks(ranks, 2, &like);
	lane_must_all(ranks, 2, "two rails");
	first = fake_sends("fake0");
	second = fake_sends("fake2");
	assert_true(second > lane_pairs_config.iterations / 2);
	assert_in_range(first, second, second + 6);
}

/* --- where it comes to --- */

#define STREAM_BYTES 100

/* How many places the lane names, each with what the others' source holds; then it is wiped out. */
static int count_sinks(const struct rank *r, uint32_t *n_out, struct rg_err *err)
{
	const uint8_t *at;

	for (*n_out = 0; (at = r->lane->ops->sink(r->lane, *n_out)); ++*n_out) {
		for (int i = 0; i < STREAM_BYTES; i++)
			WANT(at[i] == 42 + i); /* not wiped out: it was not named before */
		memset((uint8_t *)(uintptr_t)at, 0, STREAM_BYTES);
	}
	return 0;
}

/* Rank 0's data come to rank 1, with reads too: then rank 1 asks. */
static int stream_once(struct rank *r, uint64_t messages, uint32_t *n_out, struct rg_err *err)
{
	bool active = (r->rdv->rank == 0) == (r->op != RG_LANE_OP_READ);
	const struct rg_lane_flow flow = {
		.out = active ? messages : 0, .in = active ? 0 : messages, .block = 1};
	uint64_t elapsed;
	int rc;

	for (int i = 0; i < STREAM_BYTES; i++)
		r->lane->source[i] = r->rdv->rank ? 0 : (uint8_t)(42 + i);
	rc = rg_rendezvous_agree(r->rdv, 0, rg_clock_ns() + TIMEOUT_NS, err); /* source is there */
	if (!rc)
		rc = r->lane->ops->stream(r->lane, &r->load, &flow, NULL, &elapsed, err);
	return rc || r->rdv->rank == 0 ? rc : count_sinks(r, n_out, err);
}

/* 3 queue pairs on each of 2 rails have 6 places, or with messages of 3.5 MiB 4, of 20 MiB 1. */
static int play_sinks(struct rank *r, struct rg_err *err)
{
	uint32_t all = !r->max_bytes ? 6 : r->max_bytes < 16 << 20 ? 4 : 1, n = 0;
	int rc = rg_pairs_meet(r->pairs, 0, err);

	r->load.op = r->op;
	r->load.size_bytes = STREAM_BYTES;
	r->load.rail = RG_LANE_ALL_RAILS;
	r->load.stream = true;
	rc = rc ? rc : r->lane->ops->prepare(r->lane, &r->load, err);
	rc = rc ? rc : stream_once(r, 50, &n, err);
	WANT(rc || r->rdv->rank == 0 || n == all);
	rc = rc ? rc : stream_once(r, 4, &n, err); /* all of the first rail, one of the second */
	WANT(rc || r->rdv->rank == 0 || n == (all < 4 ? all : 4));
	r->load.rail = 1;
	rc = rc ? rc : r->lane->ops->prepare(r->lane, &r->load, err);
	rc = rc ? rc : stream_once(r, 2, &n, err);
	WANT(rc || r->rdv->rank == 0 || n == (all < 2 ? all : 2));
	return rc;
}

static void queue_pairs_have_places_of_their_own_up_to_a_limit(void **state)
{
	static const uint64_t most[] = {0, 7 << 19, 20 << 20};
	struct rank ranks[MAX_RANKS];

	for (int op = 0; op < RG_LANE_OP_COUNT; op++) {
		for (int i = 0; i < 3; i++) {
			struct rank like = {.options = rg_verbs_options_default,
					    .op = (enum rg_lane_op)op,
					    .body = play_sinks,
					    .rails = 2,
					    .max_bytes = most[i],
					    .load = {.outstanding = 8, .post_list = 1}};

			like.options.qps = 3;
			fake_reset(NULL, 0);
			lane_run_ranks(ranks, 2, &like);
			lane_must_all(ranks, 2, rg_lane_op_words[op]);
		}
	}
}

/* --- what fails --- */

static int play_latency(struct rank *r, struct rg_err *err)
{
	int rc = rg_pairs_meet(r->pairs, 0, err);

	return rc ? rc : measure_one(r, RG_PAIRS_LATENCY, 64, 0, err);
}

static int play_bandwidth(struct rank *r, struct rg_err *err)
{
	int rc = rg_pairs_meet(r->pairs, 0, err);

	return rc ? rc : measure_one(r, RG_PAIRS_BANDWIDTH, 64, 0, err);
}

static struct rank failing(enum rg_lane_op op, int (*body)(struct rank *, struct rg_err *))
{
	return (struct rank){.options = rg_verbs_options_default,
			     .op = op,
			     .body = body,
			     .rails = 1,
			     .wait_ns = 300000000,
			     .load = {.outstanding = 8, .post_list = 1}};
}

static void a_completion_that_failed_is_told_to_all_in_words(void **state)
{
	struct rank ranks[MAX_RANKS];

	for (int op = 0; op < RG_LANE_OP_COUNT; op++) {
		for (int i = 0; i < 2; i++) {
			struct rank like =
				failing((enum rg_lane_op)op, i ? play_bandwidth : play_latency);

			like.options.moderation = 1;
			fake_reset(NULL, 0);
			fake_complete(30, IBV_WC_RETRY_EXC_ERR, 0x81);
			lane_run_ranks(ranks, 2, &like);
			for (int r = 0; r < 2; r++) {
				assert_int_equal(ranks[r].rc, RG_ERR_PEER);
				assert_non_null(strstr(ranks[r].err.text, "retry counter"));
			}
		}
	}
}

static int cut_and_play(struct rank *r, struct rg_err *err)
{
	int rc = rg_pairs_meet(r->pairs, 0, err);

	if (!rc && r->rdv->rank == 1)
		fake_port("fake1", 1, false);
	return rc ? rc : measure_one(r, RG_PAIRS_LATENCY, 64, 0, err);
}

static void a_wait_in_vain_ends(void **state)
{
	struct rank ranks[MAX_RANKS], like = failing(RG_LANE_OP_WRITE, cut_and_play);

	fake_reset(NULL, 0);
	lane_run_ranks(ranks, 2, &like);
	for (int r = 0; r < 2; r++) {
		assert_true(ranks[r].rc == RG_ERR_TIMEOUT || ranks[r].rc == RG_ERR_PEER);
		assert_non_null(strstr(ranks[r].err.text, "rank"));
	}
}

static int play_deep(struct rank *r, struct rg_err *err)
{
	int rc = rg_pairs_meet(r->pairs, 0, err);

	r->load.outstanding = 200;
	return rc ? rc : measure_one(r, RG_PAIRS_BANDWIDTH, 64, 0, err);
}

static void more_under_way_than_a_queue_takes_is_refused(void **state)
{
	struct rank ranks[MAX_RANKS], like = failing(RG_LANE_OP_WRITE, play_deep);

	fake_reset(NULL, 0);
	lane_run_ranks(ranks, 2, &like);
	assert_int_equal(ranks[1].rc, RG_ERR_LIMIT);
	assert_non_null(strstr(ranks[1].err.text, "200 messages under way: a queue pair takes "
						  "--verbs.depth 128"));
}

/* Nothing is left open, and nobody waits for ever: run_ranks looks. */
static void each_call_of_the_library_may_fail(void **state)
{
	struct rank ranks[MAX_RANKS], like = failing(RG_LANE_OP_SEND, play_latency);
	unsigned failures = 0;

	like.wait_ns = 60000000;
	for (unsigned long n = 1; n < 300; n += n < 60 ? 1 : 13) {
		like.rails = 1 + n % 2;
		fake_reset(NULL, 0);
		fake_fail(NULL, n, ENOMEM);
		lane_run_ranks(ranks, 2, &like);
		assert_true((ranks[0].rc != 0) == (ranks[1].rc != 0));
		failures += ranks[0].rc != 0;
	}
	assert_true(failures > 20);
}

static int be_there(struct rank *r, struct rg_err *err)
{
	return rg_pairs_meet(r->pairs, 0, err);
}

static void ranks_with_other_numbers_of_devices_are_refused(void **state)
{
	struct rg_rendezvous *rdvs[2];
	struct rank ranks[2];
	pthread_t threads[2];
	struct rg_err err;

	fake_reset(NULL, 0);
	assert_int_equal(rg_rendezvous_threads_open(2, rdvs, &err), 0);
	for (int r = 0; r < 2; r++) {
		ranks[r] = failing(RG_LANE_OP_WRITE, be_there);
		ranks[r].rdv = rdvs[r];
		ranks[r].options.device = r ? "fake1,fake2" : "fake0";
		assert_int_equal(pthread_create(&threads[r], NULL, lane_rank_main, &ranks[r]), 0);
	}
	for (int r = 0; r < 2; r++)
		pthread_join(threads[r], NULL);
	for (int r = 0; r < 2; r++) {
		assert_int_equal(ranks[r].rc, RG_ERR_MISMATCH);
		assert_non_null(strstr(ranks[r].err.text, "rank 1 has 2 RDMA devices, rank 0 1"));
		rg_rendezvous_close(rdvs[r]);
	}
	assert_int_equal(fake_live(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_operation_carries_the_right_data),
		cmocka_unit_test(rails_get_equal_parts_of_a_stream),
		cmocka_unit_test(queue_pairs_have_places_of_their_own_up_to_a_limit),
		cmocka_unit_test(a_completion_that_failed_is_told_to_all_in_words),
		cmocka_unit_test(a_wait_in_vain_ends),
		cmocka_unit_test(more_under_way_than_a_queue_takes_is_refused),
		cmocka_unit_test(each_call_of_the_library_may_fail),
		cmocka_unit_test(ranks_with_other_numbers_of_devices_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
