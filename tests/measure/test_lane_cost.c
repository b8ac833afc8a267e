/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What messages of the lane over queue pairs cost: the work requests that were asked for, and while
 * it is timed nothing else.
 */
#include "config.h"

#include "../transport/system_calls.h"
#include "lane_ranks.h"

#include "railgauge/base/mem.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

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
	lane_run_ranks(ranks, 2, &like);
	pthread_barrier_destroy(&gate);
	for (int i = 0; i < 2; i++)
		system_calls_close(&calls[i]);
	lane_must_all(ranks, 2, "counting");
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(work_requests_are_as_was_asked_for),
		cmocka_unit_test(lists_that_do_not_fill_the_queue_do_not_stop_it),
		cmocka_unit_test(what_is_timed_posts_and_polls_and_nothing_else),
		cmocka_unit_test(only_what_is_looked_at_is_ordered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
