/* SPDX-License-Identifier: BSD-3-Clause */
/* The meeting on ranks that are threads, each way: who is late, leaves or goes, and the clocks. */
#include "config.h"

#include "../watched.h"

#include "railgauge/measure/meet.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/mem.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define TIMEOUT_NS ((uint64_t)20000000000)
#define MAX_RANKS  21

struct rank {
	struct rg_rendezvous *rdv;
	const struct rg_transport_ops *ops; /* NULL: no transport */
	struct rg_endpoint *ep;
	int (*body)(struct rank *rank, struct rg_err *err);
	uint64_t deadline_ns; /* of the meeting */
	struct rg_meet *meet; /* closed when all bodies have ended */
	int rc;
	struct rg_err err;
};

/* What a test changes about the links of all ranks, between open and close. */
static const struct rg_transport_ops *instead;

/* The allocation that fails, of all ranks together once they have met; 0: none. */
static unsigned long fail_nth;

static void *rank_main(void *arg)
{
	struct rank *r = arg;
	const struct rg_transport_config config = {
		.geometry = rg_geometry_default,
		.patience = rg_patience_shared_core,
		.timeout_ns = TIMEOUT_NS,
		.node = r->rdv->rank % 3 ? "a" : "b", /* for mixed */
	};

	if (r->ops)
		r->rc = r->ops->open(r->rdv, &config, &r->ep, &r->err);
	if (!r->rc && instead)
		r->ep->ops = instead;
	if (!r->rc)
		r->rc = rg_meet_open(r->rdv, r->ep, r->deadline_ns, true, &r->meet, &r->err);
	if (!r->rc)
		r->rc = r->body(r, &r->err);
	return NULL;
}

/* The bodies have all ended before anything is closed: threads look into each other's memory. */
static void run_ranks(struct rank *ranks, uint32_t n, const struct rg_transport_ops *ops,
		      uint64_t deadline_ns, int (*body)(struct rank *, struct rg_err *))
{
	struct rg_rendezvous *rdvs[MAX_RANKS];
	pthread_t threads[MAX_RANKS];
	struct rg_err err = {0};

	assert_int_equal(rg_rendezvous_threads_open(n, rdvs, &err), 0);
	rg_mem_fail_nth(fail_nth);
	for (uint32_t r = 0; r < n; r++) {
		ranks[r] = (struct rank){
			.rdv = rdvs[r], .ops = ops, .body = body, .deadline_ns = deadline_ns};
		assert_int_equal(pthread_create(&threads[r], NULL, rank_main, &ranks[r]), 0);
	}
	for (uint32_t r = 0; r < n; r++)
		pthread_join(threads[r], NULL);
	for (uint32_t r = 0; r < n; r++) {
		rg_meet_close(ranks[r].meet);
		if (ranks[r].ep)
			ops->close(ranks[r].ep);
		rg_rendezvous_close(ranks[r].rdv);
	}
}

static void must_all(struct rank *ranks, uint32_t n, const char *what)
{
	for (uint32_t r = 0; r < n; r++) {
		if (ranks[r].rc)
			fail_msg("%s, rank %u of %u: %s", what, r, n, ranks[r].err.text);
	}
}

static const struct rg_transport_ops *const ways[] = {NULL, &rg_transport_inproc, &rg_transport_tcp,
						      &rg_transport_mixed};
#define WAYS 4

static const char *name_of(const struct rg_transport_ops *ops)
{
	return ops ? ops->name : "the rendezvous";
}

/* --- exchanges --- */

/* Records of several lengths, so that none is taken for another. */
static int exchange_often(struct rank *r, struct rg_err *err)
{
	static const enum rg_meet_way expected[WAYS] = {RG_MEET_RENDEZVOUS, RG_MEET_BOARDS,
							RG_MEET_LINKS, RG_MEET_LINKS};
	uint8_t mine[RG_MEET_BYTES], all[MAX_RANKS * RG_MEET_BYTES];
	uint32_t n = r->rdv->nranks;
	int rc = 0, way = 0;

	while (ways[way] != r->ops)
		way++;
	if (rg_meet_way(r->meet) != expected[way])
		return rg_err_set(err, RG_ERR_INTERNAL, "another way: %d", rg_meet_way(r->meet));
	for (uint32_t i = 0; !rc && i < (n > 9 ? 40 : 100); i++) {
		size_t len = i % 3 == 0 ? 8 : i % 3 == 1 ? RG_MEET_BYTES : 1 + i;

		memset(mine, (int)(i * 10 + r->rdv->rank), len);
		rc = rg_meet_exchange(r->meet, mine, all, len, err);
		for (uint32_t k = 0; !rc && k < n * len; k++) {
			if (all[k] != (uint8_t)(i * 10 + k / len))
				rc = rg_err_set(err, RG_ERR_WRONG_DATA, "exchange %u, byte %u", i,
						k);
		}
	}
	return rc;
}

static void every_rank_sees_every_record_of_each_exchange(void **state)
{
	static const uint32_t numbers[] = {1, 2, 3, 4, 5, 6, 8, 9, 16, 17, MAX_RANKS};
	struct rank ranks[MAX_RANKS];

	(void)state;
	for (int way = 0; way < WAYS; way++) {
		for (size_t k = 0; k < sizeof(numbers) / sizeof(numbers[0]); k += WATCHED ? 3 : 1) {
			run_ranks(ranks, numbers[k], ways[way], TIMEOUT_NS, exchange_often);
			must_all(ranks, numbers[k], name_of(ways[way]));
		}
	}
}

/* --- who leaves, or does not come --- */

static int exchange_one(struct rank *r, struct rg_err *err)
{
	uint64_t mine = r->rdv->rank, all[MAX_RANKS];

	return rg_meet_exchange(r->meet, &mine, all, sizeof(mine), err);
}

/* Rank 1 leaves after the first exchange; the others must not wait for it. */
static int leave_early(struct rank *r, struct rg_err *err)
{
	int rc = exchange_one(r, err);

	if (!rc && r->rdv->rank != 1)
		rc = exchange_one(r, err);
	if (rc || r->rdv->rank == 1)
		rg_meet_leave(r->meet);
	return rc;
}

static void a_rank_that_leaves_is_named_to_all_that_wait(void **state)
{
	struct rank ranks[MAX_RANKS];

	(void)state;
	for (int way = 1; way < WAYS; way++) {
		/* Of many ranks over links only some are linked to rank 1. */
		uint32_t n = way < 2 ? 3 : MAX_RANKS;

		run_ranks(ranks, n, ways[way], TIMEOUT_NS, leave_early);
		assert_int_equal(ranks[1].rc, 0);
		for (uint32_t r = 0; r < n; r++) {
			if (r != 1 &&
			    (ranks[r].rc != RG_ERR_PEER || !strstr(ranks[r].err.text, "rank 1 ")))
				fail_msg("%s, rank %u: %d, %s", name_of(ways[way]), r, ranks[r].rc,
					 ranks[r].err.text);
		}
	}
}

static atomic_int given_up;

/* Rank 2 comes to the second exchange when the others have given up. */
static int come_late(struct rank *r, struct rg_err *err)
{
	uint64_t until = rg_clock_ns() + 60000000000u;
	int rc = exchange_one(r, err);

	while (!rc && r->rdv->rank == 2 && atomic_load(&given_up) < 2 && rg_clock_ns() < until)
		rg_clock_sleep_until(rg_clock_ns() + 1000000);
	if (!rc)
		rc = exchange_one(r, err);
	if (rc)
		rg_meet_leave(r->meet);
	atomic_fetch_add(&given_up, 1);
	return rc;
}

static void a_rank_that_does_not_come_in_time_is_named(void **state)
{
	struct rank ranks[MAX_RANKS];

	(void)state;
	for (int way = 1; way < WAYS; way++) {
		atomic_store(&given_up, 0);
		run_ranks(ranks, 3, ways[way], 2000000000, come_late);
		for (uint32_t r = 0; r < 2; r++) {
			if ((ranks[r].rc != RG_ERR_TIMEOUT && ranks[r].rc != RG_ERR_PEER) ||
			    !strstr(ranks[r].err.text, "rank 2 "))
				fail_msg("%s, rank %u: %d, %s", name_of(ways[way]), r, ranks[r].rc,
					 ranks[r].err.text);
		}
		assert_true(ranks[0].rc == RG_ERR_TIMEOUT || ranks[1].rc == RG_ERR_TIMEOUT);
	}
}

/* --- who goes, with and without a word --- */

static int open_instead(struct rg_rendezvous *rdv, const struct rg_transport_config *config,
			struct rg_endpoint **ep_out, struct rg_err *err)
{
	int rc = rg_transport_tcp.open(rdv, config, ep_out, err);

	if (!rc)
		(*ep_out)->ops = instead;
	return rc;
}

/* What rank 1 signals is lost: nobody hears that it leaves. */
static int signal_in_vain(struct rg_endpoint *ep, uint32_t peer, uint32_t channel, enum rg_ctr ctr,
			  uint64_t value, struct rg_err *err)
{
	return ep->rank == 1 ? 0 : rg_transport_tcp.signal(ep, peer, channel, ctr, value, err);
}

static int vanish(struct rank *r, struct rg_err *err)
{
	int rc = exchange_one(r, err);

	if (!rc && r->rdv->rank != 1)
		rc = exchange_one(r, err);
	if (rc || r->rdv->rank == 1) {
		rg_meet_close(r->meet);
		r->meet = NULL;
	}
	return rc;
}

static void a_rank_that_is_gone_without_a_word_is_named_to_all(void **state)
{
	struct rg_transport_ops ops = rg_transport_tcp;
	struct rank ranks[MAX_RANKS];

	(void)state;
	ops.open = open_instead;
	ops.signal = signal_in_vain;
	instead = &ops;
	run_ranks(ranks, MAX_RANKS, &rg_transport_tcp, TIMEOUT_NS, vanish);
	instead = NULL;
	assert_int_equal(ranks[1].rc, 0);
	for (uint32_t r = 0; r < MAX_RANKS; r++) {
		if (r != 1 && (ranks[r].rc != RG_ERR_PEER || !strstr(ranks[r].err.text, "rank 1 ")))
			fail_msg("rank %u: %d, %s", r, ranks[r].rc, ranks[r].err.text);
	}
}

/*
 * Of 5 ranks, rank 3 gets that record in the second round which rank 2 gives to it alone; all
 * others have ended the last exchange by then, and gone.
 */
static int put_slowly(struct rg_endpoint *ep, const struct rg_put *put, struct rg_err *err)
{
	if (ep->rank == 2 && put->peer == 3 && put->value == 2)
		rg_clock_sleep_until(rg_clock_ns() + 200000000);
	return rg_transport_tcp.put(ep, put, err);
}

static int go_at_once(struct rank *r, struct rg_err *err)
{
	int rc = exchange_one(r, err);

	if (!rc)
		rc = exchange_one(r, err);
	rg_meet_close(r->meet);
	r->meet = NULL;
	return rc;
}

static void whoever_has_ended_the_last_exchange_may_go(void **state)
{
	struct rg_transport_ops ops = rg_transport_tcp;
	struct rank ranks[5];

	(void)state;
	ops.open = open_instead;
	ops.put = put_slowly;
	instead = &ops;
	run_ranks(ranks, 5, &rg_transport_tcp, TIMEOUT_NS, go_at_once);
	instead = NULL;
	must_all(ranks, 5, "tcp");
}

/* --- clocks --- */

/* All ranks read one clock: that the common time is wrong by no more than is said can be seen. */
static int compare_often(struct rank *r, struct rg_err *err)
{
	struct rg_common_clock clock = {0};
	int rc = 0;

	for (int i = 0; i < 3 && !rc; i++) {
		double ahead;

		rc = rg_meet_compare_clocks(r->meet, &clock, err);
		if (rc)
			break;
		ahead = (double)(int64_t)clock.ahead_ns;
		if (!clock.known || ahead > clock.error_ns || -ahead > clock.error_ns)
			return rg_err_set(err, RG_ERR_WRONG_DATA, "%g ns ahead, error %g ns", ahead,
					  clock.error_ns);
		if ((r->rdv->rank == 0) != (clock.error_ns == 0) ||
		    clock.error_ns > (double)TIMEOUT_NS)
			return rg_err_set(err, RG_ERR_WRONG_DATA, "error %g ns", clock.error_ns);
		rc = exchange_one(r, err);
	}
	return rc;
}

static void clocks_are_compared_with_that_of_rank_0(void **state)
{
	static const uint32_t numbers[] = {1, 2, 4, 7, 17};
	struct rank ranks[MAX_RANKS];

	(void)state;
	for (int way = 1; way < WAYS; way++) {
		for (size_t k = 0; k < sizeof(numbers) / sizeof(numbers[0]); k++) {
			run_ranks(ranks, numbers[k], ways[way], TIMEOUT_NS, compare_often);
			must_all(ranks, numbers[k], name_of(ways[way]));
		}
	}
	run_ranks(ranks, 2, NULL, TIMEOUT_NS, compare_often);
	assert_int_equal(ranks[0].rc, RG_ERR_UNSUPPORTED);
	assert_int_equal(ranks[1].rc, RG_ERR_UNSUPPORTED);
}

/* Rank 1 leaves; rank 5 would ask it for the time. */
static int leave_before_comparison(struct rank *r, struct rg_err *err)
{
	struct rg_common_clock clock = {0};
	int rc = rg_meet_compare_clocks(r->meet, &clock, err);

	if (!rc && r->rdv->rank != 1)
		rc = rg_meet_compare_clocks(r->meet, &clock, err);
	if (!rc && r->rdv->rank != 1) /* some are done with it before */
		rc = exchange_one(r, err);
	if (rc || r->rdv->rank == 1)
		rg_meet_leave(r->meet);
	return rc;
}

static void a_rank_that_leaves_is_named_to_those_that_ask_it_for_the_time(void **state)
{
	struct rank ranks[6];

	(void)state;
	for (int way = 1; way < WAYS; way++) {
		run_ranks(ranks, 6, ways[way], TIMEOUT_NS, leave_before_comparison);
		assert_int_equal(ranks[1].rc, 0);
		for (uint32_t r = 0; r < 6; r++) {
			if (r != 1 &&
			    (ranks[r].rc != RG_ERR_PEER || !strstr(ranks[r].err.text, "rank 1 ")))
				fail_msg("%s, rank %u: %d, %s", name_of(ways[way]), r, ranks[r].rc,
					 ranks[r].err.text);
		}
	}
}

/* --- without memory --- */

static void whoever_has_no_memory_is_no_reason_to_wait(void **state)
{
	struct rank ranks[2];

	(void)state;
	for (int way = 1; way < WAYS; way++) {
		bool fired = true;

		for (fail_nth = 1; fired; fail_nth++) {
			run_ranks(ranks, 2, ways[way], TIMEOUT_NS, compare_often);
			fired = rg_mem_fail_fired();
			rg_mem_fail_nth(0);
			if (!ranks[0].rc != !ranks[1].rc)
				fail_msg("%s, allocation %lu: %d, %d", name_of(ways[way]), fail_nth,
					 ranks[0].rc, ranks[1].rc);
		}
		assert_int_equal(ranks[0].rc, 0);
		assert_true(fail_nth > 10);
		fail_nth = 0;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_rank_sees_every_record_of_each_exchange),
		cmocka_unit_test(a_rank_that_leaves_is_named_to_all_that_wait),
		cmocka_unit_test(a_rank_that_does_not_come_in_time_is_named),
		cmocka_unit_test(a_rank_that_is_gone_without_a_word_is_named_to_all),
		cmocka_unit_test(whoever_has_ended_the_last_exchange_may_go),
		cmocka_unit_test(clocks_are_compared_with_that_of_rank_0),
		cmocka_unit_test(a_rank_that_leaves_is_named_to_those_that_ask_it_for_the_time),
		cmocka_unit_test(whoever_has_no_memory_is_no_reason_to_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
