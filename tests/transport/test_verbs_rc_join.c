/* SPDX-License-Identifier: BSD-3-Clause */
/* verbs-rc on made-up devices: who is joined with whom, what that takes, and what may go wrong. */
#include "config.h"

#include "rc_ranks.h"

#include "railgauge/base/clock.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define MANY 16

static struct rg_verbs_options options;

static int prepare(void **state)
{
	options = rg_verbs_options_default;
	options.device = "fake0";
	return fresh_devices(state);
}

static void *rank_main(void *arg)
{
	struct rank *r = arg;

	r->rc = r->ops->open(r->rdv, &r->config, &r->ep, &r->err);
	if (!r->rc)
		r->rc = r->body(r);
	r->ops->close(r->ep);
	return NULL;
}

/* As run_rc, with other numbers of ranks. */
static void run_many(uint32_t n, int (*body)(struct rank *r))
{
	struct rg_rendezvous *rdv[MANY];
	struct rank ranks[MANY] = {0};
	pthread_t threads[MANY];

	assert_int_equal(rg_rendezvous_threads_open(n, rdv, NULL), 0);
	for (uint32_t i = 0; i < n; i++) {
		ranks[i] = (struct rank){.ops = &rg_transport_verbs_rc,
					 .config = small_config,
					 .rdv = rdv[i],
					 .body = body};
		ranks[i].config.verbs = &options;
		assert_int_equal(pthread_create(&threads[i], NULL, rank_main, &ranks[i]), 0);
	}
	for (uint32_t i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	for (uint32_t i = 0; i < n; i++)
		rg_rendezvous_close(rdv[i]);
	for (uint32_t i = 0; i < n; i++) {
		if (ranks[i].rc)
			fail_msg("rank %u: %s", i, ranks[i].err.text);
	}
	assert_int_equal(fake_live(), 0);
}

static int connect_to(struct rank *r, uint32_t peer)
{
	int rc = 0;

	for (uint32_t c = 0; c < CHANNELS && !rc; c++)
		rc = r->ops->connect(r->ep, peer, c, &r->err);
	return rc;
}

static int connect_ring(struct rank *r)
{
	int rc = connect_to(r, next(r));

	return rc ? rc : connect_to(r, previous(r));
}

static struct fake_counts counts;

/* Counts while all are idle. */
static int count(struct rank *r)
{
	int rc = meet(r);

	if (!rc && r->ep->rank == 0)
		counts = fake_counts();
	return rc ? rc : meet(r);
}

static int goes_round(struct rank *r)
{
	int rc = connect_ring(r);

	if (!rc)
		rc = exchange(r, 0, 20, 4096);
	return rc ? rc : count(r);
}

/* --- what it takes --- */

static void a_ring_takes_two_connections_of_each_rank(void **state)
{
	uint64_t each_bytes;

	run_many(8, goes_round);
	assert_int_equal(counts.connections, 16);
	each_bytes = counts.held_bytes / 8;
	/* Whatever the number of ranks. */
	fake_reset(NULL, 0);
	run_many(16, goes_round);
	assert_int_equal(counts.connections, 32);
	assert_int_equal(counts.held_bytes / 16, each_bytes);
	fake_reset(NULL, 0);
	options.qps = 2;
	options.device = "fake0,fake1";
	run_many(8, goes_round);
	assert_int_equal(counts.connections, 64);
}

static int connects_later(struct rank *r)
{
	static const uint8_t gids[][16] = {{[10] = 0xff, 0xff, 10, 99, 0, 1}};
	static const uint32_t types[] = {IBV_GID_TYPE_ROCE_V2};

	MUST(r, strstr(r->ep->about, "GID 3 10.99.0.1"));
	MUST(r, !meet(r));
	if (r->ep->rank == 0)
		fake_gids("fake0", 1, gids, types);
	MUST(r, !meet(r) && !connect_ring(r));
	return exchange(r, 0, 4, 64);
}

static void peers_are_joined_from_an_address_that_has_another_index_by_now(void **state)
{
	run_rc(connects_later, &options);
}

static int opens_only(struct rank *r)
{
	return count(r);
}

static void who_connects_to_nobody_takes_no_connection(void **state)
{
	run_many(8, opens_only);
	assert_int_equal(counts.connections, 0);
}

static int talks_to_all(struct rank *r)
{
	int rc = 0;

	for (uint32_t p = 0; p < r->ep->nranks && !rc; p++)
		rc = connect_to(r, p);
	for (uint32_t p = 0; p < r->ep->nranks && !rc; p++)
		rc = signal_all(r, p, 1, RG_CTR_SYNC, 1);
	for (uint32_t p = 0; p < r->ep->nranks && !rc; p++)
		rc = wait_on(r, p, 1, RG_CTR_SYNC, 1);
	return rc ? rc : count(r);
}

/* More completions than there is room for at first. */
static void completion_queues_grow_with_connections(void **state)
{
	options.depth = 4096;
	run_many(6, talks_to_all);
	assert_int_equal(counts.connections, 30);
}

/* Each has room for one; the next one's is another's, so it may refuse by the second channel. */
static int runs_out_of_completions(struct rank *r)
{
	int rc = r->ops->connect(r->ep, next(r), 0, &r->err);

	MUST(r, !rc);
	MUST(r, connect_to(r, previous(r)) == RG_ERR_LIMIT);
	MUST(r, strstr(r->err.text, "--verbs.depth 256"));
	MUST(r, !rg_endpoint_link(r->ep, 0, previous(r)));
	return meet(r);
}

static void a_connection_that_the_device_has_no_room_for_is_refused(void **state)
{
	const struct fake_device small = {
		.name = "fake0",
		.ports = 1,
		.ngids = 1,
		.gids = {{[10] = 0xff, 0xff, 10, 0, 0, 1}},
		.gid_types = {IBV_GID_TYPE_ROCE_V2},
		.max_cqe = 1024,
	};

	fake_reset(&small, 1);
	options.depth = 256;
	run_many(4, runs_out_of_completions);
}

/* --- who begins --- */

static _Atomic bool has_sent;

/* Rank 1 connects when all has come. */
static int is_connected_to(struct rank *r)
{
	const uint8_t data[64] = {7};
	const struct rg_put put = {.peer = 1, .src = data, .len_bytes = sizeof(data)};
	uint32_t idle = 0;
	int rc = 0;

	if (r->ep->rank == 0) {
		rc = connect_to(r, 1);
		if (!rc)
			rc = put_all(r, &put);
		if (!rc)
			rc = signal_all(r, 1, 0, RG_CTR_READY, 1);
		has_sent = true;
		return rc ? rc : meet(r);
	}
	while (!rc && !has_sent)
		rc = turn(r, &idle);
	if (!rc)
		rc = meet(r);
	MUST(r, !rg_endpoint_link(r->ep, 0, 0));
	if (!rc)
		rc = connect_to(r, 0);
	if (!rc)
		rc = wait_counter(r, 0, RG_CTR_READY, 1);
	MUST(r, rc || rg_endpoint_link(r->ep, 0, 0)->rx_slots[0] == 7);
	return rc;
}

static void one_side_that_connects_is_enough(void **state)
{
	has_sent = false;
	run_many(2, is_connected_to);
}

/* --- what may go wrong --- */

static void cards_that_are_lost_or_doubled_are_repeated(void **state)
{
	for (uint64_t seed = 1; seed < 9; seed++) {
		fake_reset(NULL, 0);
		fake_order(FAKE_UD_ANY_ORDER, seed);
		fake_ud_loss(300, 200, seed);
		run_many(8, goes_round);
		assert_int_equal(counts.connections, 16);
	}
}

/* It is there, but does nothing. */
static int waits_for_an_answer(struct rank *r)
{
	int rc = 0;

	r->ep->config.timeout_ns = 200000000;
	if (r->ep->rank == 0) {
		rc = connect_to(r, 1);
		if (!rc)
			rc = wait_for_end(r, 1);
		MUST(r, rc || strstr(r->err.text, "rank 1 ("));
		MUST(r, rc || strstr(r->err.text,
				     "on fake0 port 1 (10.99.0.1) has not answered fake0"));
	}
	if (rc)
		return rc;
	return rg_rendezvous_barrier(r->rdv, rg_clock_ns() + TEN_S, &r->err);
}

static void a_rank_that_does_not_answer_is_named(void **state)
{
	run_many(2, waits_for_an_answer);
}

static int is_refused(struct rank *r)
{
	uint64_t end = rg_clock_ns() + TEN_S;
	uint32_t idle = 0;
	int rc = 0;

	if (r->ep->rank == 0)
		rc = connect_to(r, 1);
	if (!rc)
		rc = meet(r);
	if (!rc && r->ep->rank == 0) {
		rc = wait_for_end(r, 1);
		MUST(r, rc || strstr(r->err.text, "cannot be connected to: verbs: a queue pair"));
		return rc ? rc : meet(r);
	}
	fake_fail("ibv_create_qp", 1, EINVAL);
	while (!rc && !r->ops->peer_alive(r->ep, 0, &r->err)) {
		rc = turn(r, &idle);
		MUST(r, rg_clock_ns() < end);
	}
	MUST(r, rc || strstr(r->err.text, "a queue pair"));
	return rc ? rc : meet(r);
}

static void a_rank_that_cannot_answer_says_why(void **state)
{
	run_many(2, is_refused);
}

/* Rank 1 closes after it was asked, and has not looked. */
static int asks_who_closes(struct rank *r)
{
	int rc = 0;

	if (r->ep->rank == 0)
		rc = connect_to(r, 1);
	if (!rc)
		rc = meet(r);
	if (r->ep->rank == 1) {
		r->ops->close(r->ep);
		r->ep = NULL;
		return rc ? rc : meet(r);
	}
	if (!rc)
		rc = meet(r);
	if (!rc)
		rc = wait_for_end(r, 1);
	MUST(r, rc || strstr(r->err.text, "has closed its connection"));
	MUST(r, rc || !signal_all(r, 1, 0, RG_CTR_READY, 1));
	return rc;
}

static void a_rank_that_closes_says_so_to_those_who_ask(void **state)
{
	run_many(2, asks_who_closes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_ring_takes_two_connections_of_each_rank, prepare),
		cmocka_unit_test_setup(who_connects_to_nobody_takes_no_connection, prepare),
		cmocka_unit_test_setup(
			peers_are_joined_from_an_address_that_has_another_index_by_now, prepare),
		cmocka_unit_test_setup(completion_queues_grow_with_connections, prepare),
		cmocka_unit_test_setup(a_connection_that_the_device_has_no_room_for_is_refused,
				       prepare),
		cmocka_unit_test_setup(one_side_that_connects_is_enough, prepare),
		cmocka_unit_test_setup(cards_that_are_lost_or_doubled_are_repeated, prepare),
		cmocka_unit_test_setup(a_rank_that_does_not_answer_is_named, prepare),
		cmocka_unit_test_setup(a_rank_that_cannot_answer_says_why, prepare),
		cmocka_unit_test_setup(a_rank_that_closes_says_so_to_those_who_ask, prepare),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
