/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The lane over queue pairs, on a libibverbs that is made up: two ranks or three as threads, with
 * devices of their own.
 */
#include "config.h"

#include "../transport/fake_verbs.h"
#include "../transport/system_calls.h"
#include "../watched.h"

#include "railgauge/measure/pairs.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/mem.h"
#include "railgauge/measure/tournament.h"
#include "railgauge/transport/verbs.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define TIMEOUT_NS ((uint64_t)20000000000)
#define MAX_RANKS  3
#define MAX_BYTES  20000

struct rank {
	struct rg_rendezvous *rdv;
	struct rg_verbs_options options;
	enum rg_lane_op op;
	uint64_t wait_ns;
	struct rg_lane *lane;
	struct rg_pairs *pairs;
	int (*body)(struct rank *rank, struct rg_err *err);
	uint32_t rails;		  /* of each rank */
	bool infiniband;	  /* whose rate is known without an interface */
	struct rg_lane_load load; /* for bodies */
	int rc;
	struct rg_err err;
};

static const struct rg_pairs_config pairs_config = {
	.iterations = 100, .warmups = 10, .deadline_ns = TIMEOUT_NS, .check = true};

static void *rank_main(void *arg)
{
	struct rank *r = arg;
	const struct rg_lane_verbs_config config = {
		.options = &r->options,
		.op = r->op,
		.local = 0,
		.nlocal = 1,
		.max_bytes = MAX_BYTES,
		.wait_ns = r->wait_ns ? r->wait_ns : TIMEOUT_NS / 2,
		.deadline_ns = TIMEOUT_NS,
	};

	r->rc = rg_lane_verbs_open(r->rdv, &config, &r->lane, &r->err);
	if (!r->rc)
		r->rc = rg_pairs_open(r->rdv, r->lane, &pairs_config, &r->pairs, &r->err);
	if (!r->rc)
		r->rc = r->body(r, &r->err);
	/* Who destroys queue pairs first must not make the others' sends fail. */
	if (!r->rc)
		r->rc = rg_rendezvous_agree(r->rdv, 0, rg_clock_ns() + TIMEOUT_NS, &r->err);
	rg_pairs_close(r->pairs);
	rg_lane_close(r->lane);
	return NULL;
}

/* Rank r has the devices r and, with two rails, r + n. */
static void run_ranks(struct rank *ranks, uint32_t n, const struct rank *like)
{
	static const char *const devices[2][3] = {{"fake0", "fake1", "fake2"},
						  {"fake0,fake2", "fake1,fake3", ""}};
	struct rg_rendezvous *rdvs[MAX_RANKS];
	pthread_t threads[MAX_RANKS];
	struct rg_err err = {0};

	assert_int_equal(rg_rendezvous_threads_open(n, rdvs, &err), 0);
	for (uint32_t r = 0; r < n; r++) {
		ranks[r] = *like;
		ranks[r].rdv = rdvs[r];
		ranks[r].options.device = devices[like->rails > 1][r];
		assert_int_equal(pthread_create(&threads[r], NULL, rank_main, &ranks[r]), 0);
	}
	for (uint32_t r = 0; r < n; r++)
		pthread_join(threads[r], NULL);
	for (uint32_t r = 0; r < n; r++)
		rg_rendezvous_close(ranks[r].rdv);
	assert_int_equal(fake_live(), 0);
}

static void must_all(const struct rank *ranks, uint32_t n, const char *what)
{
	for (uint32_t r = 0; r < n; r++) {
		if (ranks[r].rc)
			fail_msg("%s, rank %u of %u: %s", what, r, n, ranks[r].err.text);
	}
}

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
		WANT(o[i].messages == pairs_config.iterations && o[i].ns.n > 0);
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
	char what[64];

	for (int op = 0; op < RG_LANE_OP_COUNT; op++) {
		for (uint32_t i = 0; i < 4; i++) {
			struct rank like = {.options = rg_verbs_options_default,
					    .op = (enum rg_lane_op)op,
					    .body = play,
					    .rails = 1 + i / 2,
					    .load = {.outstanding = 9,
						     .post_list = 1 + 2 * (i % 2)}};

			like.options.qps = i % 2 ? 3 : 1;
			like.options.depth = 16;
			like.options.moderation = 5;
			like.infiniband = i % 2;
			if (like.infiniband)
				reset_to_infiniband();
			else
				fake_reset(NULL, 0);
			run_ranks(ranks, i == 0 && !WATCHED ? 3 : 2, &like);
			snprintf(what, sizeof(what), "%s, case %u", rg_lane_op_words[op], i);
			must_all(ranks, 2, what);
		}
	}
}

/* --- what was asked for is what is posted --- */

static struct fake_counts counted;
static pthread_barrier_t gate;
static bool allocated;
static struct system_calls calls[2]; /* of each rank */
static unsigned made[2];

static int stream_or_pingpong(struct rank *r, struct rg_err *err)
{
	bool first = r->rdv->rank == 0;
	struct rg_lane_flow flow = {.out = first ? 1000 : 0, .in = first ? 0 : 1000, .block = 10};
	uint64_t elapsed;

	if (r->load.stream)
		return r->lane->ops->stream(r->lane, &r->load, &flow, NULL, &elapsed, err);
	return r->lane->ops->pingpong(r->lane, &r->load, 1000, first, NULL, err);
}

/* Counts what the two together do in so many messages one way, or there and back. */
static int count_both(struct rank *r, struct rg_err *err)
{
	uint32_t me = r->rdv->rank;
	struct fake_counts before;
	int rc = rg_pairs_meet(r->pairs, 0, err);

	r->load.op = r->op;
	if (!rc)
		rc = r->lane->ops->prepare(r->lane, &r->load, err);
	if (rc)
		return rc;
	(void)system_calls_watch(&calls[me]); /* else there are none */
	pthread_barrier_wait(&gate);
	before = fake_counts();
	if (!me)
		rg_mem_fail_nth(1);
	pthread_barrier_wait(&gate);
	system_calls_begin(&calls[me]);
	rc = stream_or_pingpong(r, err);
	made[me] = system_calls_end(&calls[me]);
	pthread_barrier_wait(&gate);
	counted = fake_counts();
	if (!me) {
		allocated = rg_mem_fail_fired();
		rg_mem_fail_nth(0);
	}
	pthread_barrier_wait(&gate);
	if (me)
		return rc;
	counted.doorbells -= before.doorbells;
	counted.sends -= before.sends;
	counted.signaled -= before.signaled;
	counted.inlined -= before.inlined;
	counted.writes -= before.writes;
	counted.write_imms -= before.write_imms;
	counted.messages -= before.messages;
	counted.reads -= before.reads;
	counted.events_asked -= before.events_asked;
	counted.others -= before.others;
	counted.registered -= before.registered;
	counted.relaxed -= before.relaxed;
	return rc;
}

static void count_load(enum rg_lane_op op, struct rg_lane_load load, int64_t moderation)
{
	struct rank ranks[MAX_RANKS];
	struct rank like = {.options = rg_verbs_options_default,
			    .op = op,
			    .body = count_both,
			    .rails = 1,
			    .load = load};

	like.options.moderation = moderation;
	fake_reset(NULL, 0);
	pthread_barrier_init(&gate, NULL, 2);
	run_ranks(ranks, 2, &like);
	pthread_barrier_destroy(&gate);
	for (int i = 0; i < 2; i++)
		system_calls_close(&calls[i]);
	must_all(ranks, 2, "counting");
}

static void count(enum rg_lane_op op, uint64_t size_bytes, uint32_t post_list, int64_t moderation)
{
	count_load(op,
		   (struct rg_lane_load){.size_bytes = size_bytes,
					 .outstanding = 64,
					 .post_list = post_list,
					 .stream = true},
		   moderation);
}

static void work_requests_are_as_was_asked_for(void **state)
{
	/* And one inline write at the end, which tells the peer. */
	count(RG_LANE_OP_WRITE, 5000, 1, 10);
	assert_int_equal(counted.sends, 1001);
	assert_int_equal(counted.writes, 1001);
	assert_int_equal(counted.doorbells, 1001);
	assert_int_equal(counted.signaled, 99 + 1 + 1);
	assert_int_equal(counted.inlined, 1);
	count(RG_LANE_OP_WRITE_IMM, 64, 8, 1);
	assert_int_equal(counted.sends, 1001);
	assert_int_equal(counted.write_imms, 1000);
	assert_int_equal(counted.signaled, 1001);
	assert_int_equal(counted.inlined, 1001);
	/* 999 in lists of 8, the last message by itself, and the word. */
	assert_int_equal(counted.doorbells, 125 + 1 + 1);
	count(RG_LANE_OP_SEND, 5000, 1, 64);
	assert_int_equal(counted.messages, 1000);
	count(RG_LANE_OP_READ, 64, 1, 64);
	assert_int_equal(counted.reads, 1000);
	assert_int_equal(counted.inlined, 1);
}

static void lists_that_do_not_fill_the_queue_do_not_stop_it(void **state)
{
	static const uint32_t lists[] = {2, 33, 35, 48, 50, 63, 64};

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		for (int64_t moderation = 1; moderation <= 64; moderation *= 4) {
			count(RG_LANE_OP_WRITE, 64, lists[i], moderation);
			assert_int_equal(counted.writes, 1001);
		}
	}
}

static void what_is_timed_posts_and_polls_and_nothing_else(void **state)
{
	for (int i = 0; i < 2 * RG_LANE_OP_COUNT; i++) {
		const struct rg_lane_load load = {
			.size_bytes = 64, .outstanding = 64, .post_list = 1, .stream = i % 2};

		count_load((enum rg_lane_op)(i / 2), load, 16);
		assert_int_equal(counted.registered, 0);
		assert_int_equal(counted.others, counted.events_asked);
		assert_false(allocated);
		if (made[0] + made[1])
			fail_msg("%s: %u and %u system calls", rg_lane_op_words[i / 2], made[0],
				 made[1]);
	}
}

/* Order costs bandwidth on some machines: only what is looked at while it comes needs it. */
static void only_what_is_looked_at_is_ordered(void **state)
{
	const struct rg_lane_load one = {.size_bytes = 64, .outstanding = 1, .post_list = 1};

	count(RG_LANE_OP_WRITE, 5000, 1, 16);
	assert_int_equal(counted.writes, 1001);
	assert_int_equal(counted.relaxed, 1000);
	count_load(RG_LANE_OP_WRITE, one, 16);
	assert_int_equal(counted.writes, 2000);
	assert_int_equal(counted.relaxed, 0);
	count_load(RG_LANE_OP_WRITE_IMM, one, 16);
	assert_int_equal(counted.relaxed, 2000);
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
			run_ranks(ranks, 2, &like);
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
	run_ranks(ranks, 2, &like);
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
	run_ranks(ranks, 2, &like);
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
		run_ranks(ranks, 2, &like);
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
		assert_int_equal(pthread_create(&threads[r], NULL, rank_main, &ranks[r]), 0);
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
		cmocka_unit_test(work_requests_are_as_was_asked_for),
		cmocka_unit_test(lists_that_do_not_fill_the_queue_do_not_stop_it),
		cmocka_unit_test(what_is_timed_posts_and_polls_and_nothing_else),
		cmocka_unit_test(only_what_is_looked_at_is_ordered),
		cmocka_unit_test(a_completion_that_failed_is_told_to_all_in_words),
		cmocka_unit_test(a_wait_in_vain_ends),
		cmocka_unit_test(more_under_way_than_a_queue_takes_is_refused),
		cmocka_unit_test(each_call_of_the_library_may_fail),
		cmocka_unit_test(ranks_with_other_numbers_of_devices_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
