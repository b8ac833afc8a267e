/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One suite for every transport. Ranks are threads (shm finds a thread's memory as it finds a
 * process's); what needs a process of its own, such as dying, forks.
 *
 * A case is a function run by every rank. It returns 0 or fails with words in its rank's err.
 */
#include "config.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/mem.h"
#include "railgauge/transport/transport.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define RANKS  3
#define TEN_S  ((uint64_t)10000000000u)
#define ROUNDS 200

struct rank {
	const struct rg_transport_ops *ops;
	struct rg_transport_config config;
	struct rg_rendezvous *rdv;
	struct rg_endpoint *ep; /* opened by the harness unless the case opens it */
	int (*body)(struct rank *r);
	struct rg_err err;
	int rc;
};

#define MUST(r, cond)                                                                              \
	do {                                                                                       \
		if (!(cond))                                                                       \
			return rg_err_set(&(r)->err, RG_ERR_INTERNAL, "line %d: not %s", __LINE__, \
					  #cond);                                                  \
	} while (0)

static const struct rg_transport_config small_config = {
	.geometry = {.channels = 2,
		     .slots = 4,
		     .slot_bytes = 4096,
		     .ll_slots = 4,
		     .ll_bytes = 256,
		     .credit_batch = 2},
	.patience = {.spins = 100, .yields = 100},
	.timeout_ns = TEN_S,
};

static int barrier(struct rank *r)
{
	return rg_rendezvous_barrier(r->rdv, rg_clock_ns() + TEN_S, &r->err);
}

static bool moves_data(const struct rank *r)
{
	return r->ops->caps & RG_CAP_DATA;
}

static uint64_t counter(const struct rank *r, uint32_t peer, enum rg_ctr ctr)
{
	return atomic_load_explicit(&rg_endpoint_link(r->ep, 0, peer)->rx[ctr].value,
				    memory_order_acquire);
}

/* Waits as the executor does. */
static int wait_counter(struct rank *r, uint32_t peer, enum rg_ctr ctr, uint64_t value)
{
	uint64_t end = rg_clock_ns() + TEN_S;

	for (uint32_t idle = 0; counter(r, peer, ctr) < value; idle++) {
		r->ops->idle(r->ep, idle);
		MUST(r, rg_clock_ns() < end);
	}
	return 0;
}

static uint32_t next(const struct rank *r)
{
	return (r->ep->rank + 1) % r->ep->nranks;
}

static uint32_t previous(const struct rank *r)
{
	return (r->ep->rank + r->ep->nranks - 1) % r->ep->nranks;
}

static int connect_both(struct rank *r)
{
	int rc = r->ops->connect(r->ep, next(r), 0, &r->err);

	return rc ? rc : r->ops->connect(r->ep, previous(r), 0, &r->err);
}

/* Cases. */

static int opens_and_closes(struct rank *r)
{
	MUST(r, r->ep->nranks == RANKS && r->ep->rank == r->rdv->rank);
	MUST(r, r->ep->host[r->ep->rank][0] != '\0' || !moves_data(r));
	r->ops->close(NULL);
	return 0;
}

static int refuses_ranks_and_channels_that_do_not_exist(struct rank *r)
{
	MUST(r, r->ops->connect(r->ep, RANKS, 0, NULL) == RG_ERR_INVALID);
	MUST(r, r->ops->connect(r->ep, 0, 2, NULL) == RG_ERR_INVALID);
	return 0;
}

static int refuses_to_put_or_signal_before_connect(struct rank *r)
{
	const struct rg_put put = {.peer = next(r), .src = r, .len_bytes = 1};

	MUST(r, r->ops->put(r->ep, &put, NULL) == RG_ERR_INVALID);
	MUST(r, r->ops->signal(r->ep, next(r), 0, RG_CTR_DONE, 1, NULL) == RG_ERR_INVALID);
	return 0;
}

static int connects_twice_and_to_itself(struct rank *r)
{
	for (int i = 0; i < 2; i++) {
		for (uint32_t peer = 0; peer < RANKS; peer++) {
			r->rc = r->ops->connect(r->ep, peer, 1, &r->err);
			if (r->rc)
				return r->rc;
		}
	}
	MUST(r, rg_endpoint_link(r->ep, 1, r->ep->rank) != NULL);
	return barrier(r);
}

static int refuses_puts_beyond_the_region(struct rank *r)
{
	static const uint8_t data[64];
	struct rg_put put = {.src = data, .len_bytes = 64};

	r->rc = connect_both(r);
	if (r->rc)
		return r->rc;
	put.peer = next(r);
	put.offset = 4 * 4096 - 63;
	MUST(r, r->ops->put(r->ep, &put, NULL) == RG_ERR_RANGE);
	put.offset = UINT64_MAX - 10;
	MUST(r, r->ops->put(r->ep, &put, NULL) == RG_ERR_RANGE);
	put.region = RG_REGION_LL;
	put.offset = 4 * 512 - 63;
	MUST(r, r->ops->put(r->ep, &put, NULL) == RG_ERR_RANGE);
	return barrier(r);
}

static uint8_t pattern(uint32_t sender, uint64_t message, size_t i)
{
	return (uint8_t)(sender * 31 + message * 17 + i * 7 + 1);
}

/* Sends message m to the next rank: waits for the slot, puts, signals. */
static int send_message(struct rank *r, uint64_t m, size_t len)
{
	const struct rg_geometry *g = &r->ep->config.geometry;
	uint8_t data[4096];

	if (m >= g->slots && wait_counter(r, next(r), RG_CTR_FREE, m - g->slots + 1))
		return r->err.code;
	for (size_t i = 0; i < len; i++)
		data[i] = pattern(r->ep->rank, m, i);
	const struct rg_put put = {
		.peer = next(r),
		.offset = (m % g->slots) * g->slot_bytes,
		.src = data,
		.len_bytes = len,
	};
	int rc = r->ops->put(r->ep, &put, &r->err);

	return rc ? rc : r->ops->signal(r->ep, next(r), 0, RG_CTR_READY, m + 1, &r->err);
}

static int take_message(struct rank *r, uint64_t m, size_t len)
{
	const struct rg_geometry *g = &r->ep->config.geometry;
	const uint8_t *slot =
		rg_endpoint_link(r->ep, 0, previous(r))->rx_slots + (m % g->slots) * g->slot_bytes;

	if (wait_counter(r, previous(r), RG_CTR_READY, m + 1))
		return r->err.code;
	for (size_t i = 0; i < len && moves_data(r); i++) {
		if (slot[i] != pattern(previous(r), m, i))
			return rg_err_set(&r->err, RG_ERR_WRONG_DATA,
					  "message %d byte %zu of %zu is wrong", (int)m, i, len);
	}
	return r->ops->signal(r->ep, previous(r), 0, RG_CTR_FREE, m + 1, &r->err);
}

/* Sizes 0, 1, odd, a whole slot; far more messages than slots. */
static int messages_arrive_whole_and_in_their_slots(struct rank *r)
{
	static const size_t sizes[] = {0, 1, 3, 7, 8, 63, 65, 1000, 4095, 4096};

	r->rc = connect_both(r);
	for (uint64_t m = 0; m < ROUNDS && !r->rc; m++) {
		size_t len = sizes[m % (sizeof(sizes) / sizeof(sizes[0]))];

		r->rc = send_message(r, m, len);
		if (!r->rc)
			r->rc = take_message(r, m, len);
	}
	return r->rc ? r->rc : barrier(r);
}

static int a_signal_wakes_a_sleeper(struct rank *r)
{
	if (!moves_data(r))
		return 0;
	r->rc = connect_both(r);
	if (r->rc || barrier(r))
		return r->err.code;
	/* A token goes round three times; who does not have it sleeps. */
	for (uint64_t lap = 1; lap <= 3; lap++) {
		if (r->ep->rank != 0 && wait_counter(r, previous(r), RG_CTR_SYNC, lap))
			return r->err.code;
		rg_clock_sleep_until(rg_clock_ns() + 30000000);
		r->rc = r->ops->signal(r->ep, next(r), 0, RG_CTR_SYNC, lap, &r->err);
		if (r->rc)
			return r->rc;
		if (r->ep->rank == 0 && wait_counter(r, previous(r), RG_CTR_SYNC, lap))
			return r->err.code;
	}
	return barrier(r);
}

static int open_window(struct rank *r, struct rg_buffer *buffer, struct rg_window **window)
{
	int rc = rg_buffer_open(RG_MEMORY_SHARED, 10000, 0, -1, buffer, &r->err);

	return rc ? rc : r->ops->window_open(r->ep, buffer, window, &r->err);
}

static int windows_are_written_and_read_by_peers(struct rank *r)
{
	struct rg_buffer buffer = {0};
	struct rg_window *window = NULL;
	uint32_t mine = 1000 + r->ep->rank, seen = 0;
	struct rg_put put;

	r->rc = connect_both(r);
	if (!r->rc)
		r->rc = open_window(r, &buffer, &window);
	if (r->rc)
		return r->rc;
	put = (struct rg_put){
		.peer = next(r),
		.region = RG_REGION_WINDOW,
		.window = window,
		.offset = 9000,
		.src = &mine,
		.len_bytes = sizeof(mine),
	};
	r->rc = r->ops->window_map(window, next(r), &r->err);
	if (!r->rc)
		r->rc = r->ops->window_map(window, next(r), &r->err); /* twice is no error */
	if (!r->rc)
		r->rc = r->ops->put(r->ep, &put, &r->err);
	if (!r->rc)
		r->rc = r->ops->signal(r->ep, next(r), 0, RG_CTR_DONE, 1, &r->err);
	if (r->rc || wait_counter(r, previous(r), RG_CTR_DONE, 1))
		return r->err.code;
	memcpy(&seen, (uint8_t *)buffer.base + 9000, sizeof(seen));
	MUST(r, !moves_data(r) || seen == 1000 + previous(r));
	if (r->ops->caps & RG_CAP_MAPPED)
		MUST(r, window->remote[next(r)] != NULL);
	put.offset = 9999;
	MUST(r, r->ops->put(r->ep, &put, NULL) == RG_ERR_RANGE);
	r->rc = barrier(r);
	r->ops->window_close(window);
	r->ops->window_close(NULL);
	rg_buffer_close(&buffer);
	return r->rc;
}

/* A rank closes while its peer still signals to it. */
static int late_signals_to_a_closed_rank_are_harmless(struct rank *r)
{
	r->rc = connect_both(r);
	if (r->rc || barrier(r))
		return r->err.code;
	if (r->ep->rank == 0) {
		r->ops->close(r->ep);
		r->ep = NULL;
	}
	if (barrier(r))
		return r->err.code;
	if (!r->ep)
		return 0;
	for (uint64_t v = 1; v < 100; v++) {
		r->rc = r->ops->signal(r->ep, 0, 0, RG_CTR_FREE, v, &r->err);
		if (r->rc)
			return r->rc;
	}
	return 0;
}

static int peers_of_this_process_are_alive(struct rank *r)
{
	r->rc = connect_both(r);
	if (!r->rc)
		r->rc = r->ops->peer_alive(r->ep, next(r), &r->err);
	return r->rc ? r->rc : barrier(r);
}

/* The harness. */

static void *rank_main(void *arg)
{
	struct rank *r = arg;

	r->rc = r->ops->open(r->rdv, &r->config, &r->ep, &r->err);
	if (!r->rc)
		r->rc = r->body(r);
	r->ops->close(r->ep);
	return NULL;
}

/* The first allocation of whichever rank comes first: its endpoint. */
static bool fail_first_allocation;

static void run_ranks(struct rank *ranks)
{
	struct rg_rendezvous *rdv[RANKS];
	pthread_t threads[RANKS];

	assert_int_equal(rg_rendezvous_threads_open(RANKS, rdv, NULL), 0);
	rg_mem_fail_nth(fail_first_allocation);
	for (uint32_t i = 0; i < RANKS; i++) {
		ranks[i].rdv = rdv[i];
		assert_int_equal(pthread_create(&threads[i], NULL, rank_main, &ranks[i]), 0);
	}
	for (uint32_t i = 0; i < RANKS; i++)
		pthread_join(threads[i], NULL);
	for (uint32_t i = 0; i < RANKS; i++)
		rg_rendezvous_close(rdv[i]);
}

static void every_transport(int (*body)(struct rank *r))
{
	for (size_t t = 0; rg_transports[t]; t++) {
		struct rank ranks[RANKS];

		for (uint32_t i = 0; i < RANKS; i++)
			ranks[i] = (struct rank){
				.ops = rg_transports[t], .config = small_config, .body = body};
		run_ranks(ranks);
		for (uint32_t i = 0; i < RANKS; i++) {
			if (ranks[i].rc)
				fail_msg("%s, rank %u: %s", rg_transports[t]->name, i,
					 ranks[i].err.text);
		}
	}
}

#define CASE(name)                            \
	static void test_##name(void **state) \
	{                                     \
		every_transport(name);        \
	}

CASE(opens_and_closes)
CASE(refuses_ranks_and_channels_that_do_not_exist)
CASE(refuses_to_put_or_signal_before_connect)
CASE(connects_twice_and_to_itself)
CASE(refuses_puts_beyond_the_region)
CASE(messages_arrive_whole_and_in_their_slots)
CASE(a_signal_wakes_a_sleeper)
CASE(windows_are_written_and_read_by_peers)
CASE(late_signals_to_a_closed_rank_are_harmless)
CASE(peers_of_this_process_are_alive)

static void ranks_with_other_geometry_are_named(void **state)
{
	for (size_t t = 0; rg_transports[t]; t++) {
		struct rank ranks[RANKS];

		for (uint32_t i = 0; i < RANKS; i++)
			ranks[i] = (struct rank){.ops = rg_transports[t],
						 .config = small_config,
						 .body = opens_and_closes};
		ranks[1].config.geometry.slots = 8;
		run_ranks(ranks);
		for (uint32_t i = 0; i < RANKS; i++)
			assert_int_equal(ranks[i].rc, RG_ERR_MISMATCH);
		assert_non_null(strstr(ranks[0].err.text, "rank 1"));
	}
}

/* Not at the others' deadline: then they would say that they waited in vain. */
static void one_rank_that_cannot_open_is_named_by_all(void **state)
{
	for (size_t t = 0; rg_transports[t]; t++) {
		struct rank ranks[RANKS];

		for (uint32_t i = 0; i < RANKS; i++)
			ranks[i] = (struct rank){.ops = rg_transports[t],
						 .config = small_config,
						 .body = opens_and_closes};
		ranks[1].config.geometry.slots = 3;
		run_ranks(ranks);
		for (uint32_t i = 0; i < RANKS; i++) {
			assert_int_equal(ranks[i].rc, RG_ERR_INVALID);
			assert_non_null(strstr(ranks[i].err.text, "rank 1"));
		}
		for (uint32_t i = 0; i < RANKS; i++)
			ranks[i] = (struct rank){.ops = rg_transports[t],
						 .config = small_config,
						 .body = opens_and_closes};
		fail_first_allocation = true;
		run_ranks(ranks);
		fail_first_allocation = false;
		for (uint32_t i = 0; i < RANKS; i++)
			assert_int_equal(ranks[i].rc, RG_ERR_NO_MEMORY);
	}
}

static void nonsense_geometry_is_refused_before_anything_is_made(void **state)
{
	struct rg_geometry g = small_config.geometry;

	assert_int_equal(rg_geometry_check(&g, NULL), 0);
	g.slots = 3;
	assert_int_equal(rg_geometry_check(&g, NULL), RG_ERR_INVALID);
	g = small_config.geometry;
	g.credit_batch = 5;
	assert_int_equal(rg_geometry_check(&g, NULL), RG_ERR_INVALID);
	g = small_config.geometry;
	g.slot_bytes = 100;
	assert_int_equal(rg_geometry_check(&g, NULL), RG_ERR_INVALID);
}

static void every_row_of_the_table_is_filled(void **state)
{
	for (size_t t = 0; rg_transports[t]; t++) {
		const struct rg_transport_ops *o = rg_transports[t];

		assert_true(o->name && o->summary && o->system_calls && o->probe && o->open &&
			    o->close && o->connect && o->window_open && o->window_close &&
			    o->window_map && o->put && o->signal && o->progress && o->idle &&
			    o->wake && o->peer_alive);
		assert_int_equal(o->probe(NULL), 0);
	}
}

static void a_limit_on_file_sizes_is_an_error_and_no_signal(void **state)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		const struct rlimit page = {4096, 4096};
		struct rg_endpoint *ep = NULL;
		struct rg_rendezvous *rdv;
		struct rg_err err = {0};
		int rc;

		setrlimit(RLIMIT_FSIZE, &page);
		if (rg_rendezvous_threads_open(1, &rdv, NULL))
			_exit(1);
		rc = rg_transport_shm.open(rdv, &small_config, &ep, &err);
		_exit(rc == RG_ERR_LIMIT && strstr(err.text, "ulimit -f") ? 0 : 2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* One rank, so that a failing allocation cannot leave others waiting. */
static void failing_allocations_leak_nothing(void **state)
{
	for (size_t t = 0; rg_transports[t]; t++) {
		const struct rg_transport_ops *o = rg_transports[t];
		bool failed = true;

		for (unsigned long n = 1; failed; n++) {
			struct rg_endpoint *ep = NULL;
			struct rg_rendezvous *rdv;
			struct rg_err err = {0};
			int rc;

			assert_int_equal(rg_rendezvous_threads_open(1, &rdv, NULL), 0);
			rg_mem_fail_nth(n);
			rc = o->open(rdv, &small_config, &ep, &err);
			if (!rc)
				rc = o->connect(ep, 0, 0, &err);
			failed = rg_mem_fail_fired();
			rg_mem_fail_nth(0);
			/* Reading a limit may fail; then it is as if there were none. */
			if (rc && rc != RG_ERR_NO_MEMORY)
				fail_msg("%s, allocation %lu: %s", o->name, n, err.text);
			if (rc && !failed)
				fail_msg("%s: %s", o->name, err.text);
			o->close(ep);
			rg_rendezvous_close(rdv);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_opens_and_closes),
		cmocka_unit_test(test_refuses_ranks_and_channels_that_do_not_exist),
		cmocka_unit_test(test_refuses_to_put_or_signal_before_connect),
		cmocka_unit_test(test_connects_twice_and_to_itself),
		cmocka_unit_test(test_refuses_puts_beyond_the_region),
		cmocka_unit_test(test_messages_arrive_whole_and_in_their_slots),
		cmocka_unit_test(test_a_signal_wakes_a_sleeper),
		cmocka_unit_test(test_windows_are_written_and_read_by_peers),
		cmocka_unit_test(test_late_signals_to_a_closed_rank_are_harmless),
		cmocka_unit_test(test_peers_of_this_process_are_alive),
		cmocka_unit_test(ranks_with_other_geometry_are_named),
		cmocka_unit_test(one_rank_that_cannot_open_is_named_by_all),
		cmocka_unit_test(nonsense_geometry_is_refused_before_anything_is_made),
		cmocka_unit_test(every_row_of_the_table_is_filled),
		cmocka_unit_test(a_limit_on_file_sizes_is_an_error_and_no_signal),
		cmocka_unit_test(failing_allocations_leak_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
