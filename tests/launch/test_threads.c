/* SPDX-License-Identifier: BSD-3-Clause */
/* Rendezvous of threads, the operations that are built on allgather; threads that are bound. */
#include "config.h"

#include "railgauge/launch/bind.h"
#include "railgauge/launch/rendezvous.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/mem.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define MAX_RANKS 9
#define SECONDS	  ((uint64_t)1000000000)

struct part {
	struct rg_rendezvous *rdv;
	int (*body)(struct rg_rendezvous *rdv, struct rg_err *err);
	int rc;
	struct rg_err err;
};

static void *run_part(void *arg)
{
	struct part *p = arg;

	p->rc = p->body(p->rdv, &p->err);
	rg_rendezvous_close(p->rdv);
	return NULL;
}

/* Runs body on nranks threads; asserts are made by the caller, as cmocka knows one thread only. */
static void run_ranks(uint32_t nranks, int (*body)(struct rg_rendezvous *, struct rg_err *),
		      struct part *parts)
{
	struct rg_rendezvous *rdvs[MAX_RANKS];
	pthread_t threads[MAX_RANKS];

	assert_int_equal(rg_rendezvous_threads_open(nranks, rdvs, NULL), 0);
	for (uint32_t r = 0; r < nranks; r++) {
		parts[r] = (struct part){.rdv = rdvs[r], .body = body};
		assert_int_equal(pthread_create(&threads[r], NULL, run_part, &parts[r]), 0);
	}
	for (uint32_t r = 0; r < nranks; r++)
		pthread_join(threads[r], NULL);
}

static int gather_three_times(struct rg_rendezvous *rdv, struct rg_err *err)
{
	uint64_t deadline = rg_clock_ns() + 60 * SECONDS;

	for (uint32_t round = 0; round < 3; round++) {
		uint32_t all[MAX_RANKS], mine = 1000 * round + rdv->rank;
		int rc = rg_rendezvous_allgather(rdv, &mine, all, sizeof(mine), deadline, err);

		for (uint32_t r = 0; !rc && r < rdv->nranks; r++) {
			if (all[r] != 1000 * round + r)
				rc = rg_err_set(err, RG_ERR_WRONG_DATA, "rank %u: %u", r, all[r]);
		}
		if (rc)
			return rc;
	}
	return rg_rendezvous_barrier(rdv, deadline, err);
}

static void every_rank_gets_every_ranks_words_in_rank_order(void **state)
{
	struct part parts[MAX_RANKS];

	for (uint32_t n = 1; n <= MAX_RANKS; n++) {
		run_ranks(n, gather_three_times, parts);
		for (uint32_t r = 0; r < n; r++) {
			assert_string_equal(parts[r].err.text, "");
			assert_int_equal(parts[r].rc, 0);
		}
	}
}

static int gather_nothing(struct rg_rendezvous *rdv, struct rg_err *err)
{
	return rg_rendezvous_allgather(rdv, NULL, NULL, 0, rg_clock_ns() + 60 * SECONDS, err);
}

static void an_exchange_of_nothing_is_allowed(void **state)
{
	struct part parts[MAX_RANKS];

	run_ranks(3, gather_nothing, parts);
	for (uint32_t r = 0; r < 3; r++)
		assert_int_equal(parts[r].rc, 0);
}

static atomic_uint nreturned;

static int last_rank_comes_too_late(struct rg_rendezvous *rdv, struct rg_err *err)
{
	uint64_t now = rg_clock_ns();
	int rc;

	if (rdv->rank == rdv->nranks - 1) {
		while (atomic_load(&nreturned) < rdv->nranks - 1)
			rg_clock_sleep_until(rg_clock_ns() + SECONDS / 100);
		return rg_rendezvous_barrier(rdv, now + 60 * SECONDS, err);
	}
	rc = rg_rendezvous_barrier(rdv, now + SECONDS / 20, err);
	atomic_fetch_add(&nreturned, 1);
	return rc;
}

static void a_deadline_names_the_missing_rank_to_all_even_the_late_one(void **state)
{
	struct part parts[MAX_RANKS];

	atomic_store(&nreturned, 0);
	run_ranks(4, last_rank_comes_too_late, parts);
	for (uint32_t r = 0; r < 4; r++) {
		const char *missing = strstr(parts[r].err.text, "missing rank ");

		assert_int_equal(parts[r].rc, RG_ERR_TIMEOUT);
		assert_non_null(missing);
		assert_non_null(strstr(missing, "3"));
	}
}

static int rank_1_gives_up(struct rg_rendezvous *rdv, struct rg_err *err)
{
	if (rdv->rank == 1) {
		struct rg_err why = {0};

		rg_err_set(&why, RG_ERR_LIMIT, "no room on /dev/shm");
		rdv->ops->abort(rdv, &why);
		return why.code;
	}
	return rg_rendezvous_barrier(rdv, rg_clock_ns() + 60 * SECONDS, err);
}

static void a_rank_that_gives_up_releases_the_others_with_its_text(void **state)
{
	struct part parts[MAX_RANKS];

	run_ranks(5, rank_1_gives_up, parts);
	for (uint32_t r = 0; r < 5; r++) {
		assert_int_equal(parts[r].rc, r == 1 ? RG_ERR_LIMIT : RG_ERR_PEER);
		if (r != 1)
			assert_string_equal(parts[r].err.text,
					    "rank 1 gave up: no room on /dev/shm");
	}
}

static int rank_2_leaves(struct rg_rendezvous *rdv, struct rg_err *err)
{
	if (rdv->rank == 2)
		return 0;
	return rg_rendezvous_barrier(rdv, rg_clock_ns() + 60 * SECONDS, err);
}

static void a_rank_that_leaves_releases_the_others_with_its_number(void **state)
{
	struct part parts[MAX_RANKS];

	run_ranks(3, rank_2_leaves, parts);
	for (uint32_t r = 0; r < 2; r++) {
		assert_int_equal(parts[r].rc, RG_ERR_PEER);
		assert_non_null(strstr(parts[r].err.text, "rank 2"));
	}
}

static int rank_1_has_another_length(struct rg_rendezvous *rdv, struct rg_err *err)
{
	char mine[8] = {0}, all[8 * MAX_RANKS];

	return rg_rendezvous_allgather(rdv, mine, all, rdv->rank == 1 ? 8 : 4,
				       rg_clock_ns() + 60 * SECONDS, err);
}

static void different_lengths_are_a_mismatch_that_names_both(void **state)
{
	struct part parts[MAX_RANKS];

	run_ranks(3, rank_1_has_another_length, parts);
	for (uint32_t r = 0; r < 3; r++) {
		assert_int_equal(parts[r].rc, RG_ERR_MISMATCH);
		assert_string_equal(parts[r].err.text,
				    "rendezvous: rank 0 exchanges 4 bytes, rank 1 8 bytes");
	}
}

/* As where one rank takes too long over what fails in the end. */
static int rank_1_fails_and_rank_2_does_not_come(struct rg_rendezvous *rdv, struct rg_err *err)
{
	if (rdv->rank == 2)
		return 0;
	if (rdv->rank == 1)
		rg_err_set(err, RG_ERR_LIMIT, "no room");
	return rg_rendezvous_agree(rdv, rdv->rank == 1 ? RG_ERR_LIMIT : 0,
				   rg_clock_ns() + 60 * SECONDS, err);
}

static void who_failed_says_so_even_where_nobody_can_agree(void **state)
{
	struct part parts[MAX_RANKS];

	(void)state;
	run_ranks(3, rank_1_fails_and_rank_2_does_not_come, parts);
	assert_int_equal(parts[1].rc, RG_ERR_PEER);
	if (strncmp(parts[1].err.text, "no room; ", 9) != 0 || !strstr(parts[1].err.text, "rank 2"))
		fail_msg("%s", parts[1].err.text);
}

static int broadcast_from_2(struct rg_rendezvous *rdv, struct rg_err *err)
{
	static const size_t lens[] = {0, 1, 16 << 10, (16 << 10) + 1, 100000};
	static uint8_t data[MAX_RANKS][100000];
	uint8_t *d = data[rdv->rank];
	uint64_t deadline = rg_clock_ns() + 60 * SECONDS;
	int rc = 0;

	for (size_t i = 0; !rc && i < sizeof(lens) / sizeof(lens[0]); i++) {
		for (size_t j = 0; j < lens[i]; j++)
			d[j] = rdv->rank == 2 ? (uint8_t)(j * 7 + i) : 0xee;
		rc = rg_rendezvous_bcast(rdv, d, lens[i], 2, deadline, err);
		for (size_t j = 0; !rc && j < lens[i]; j++) {
			if (d[j] != (uint8_t)(j * 7 + i))
				rc = rg_err_set(err, RG_ERR_WRONG_DATA, "byte %zu", j);
		}
	}
	return rc;
}

static void a_broadcast_of_any_length_arrives_whole(void **state)
{
	struct part parts[MAX_RANKS];

	run_ranks(4, broadcast_from_2, parts);
	for (uint32_t r = 0; r < 4; r++)
		assert_int_equal(parts[r].rc, 0);
}

static int barrier_meets_broadcast(struct rg_rendezvous *rdv, struct rg_err *err)
{
	uint64_t deadline = rg_clock_ns() + 60 * SECONDS;
	int x = 0;

	if (rdv->rank == 1)
		return rg_rendezvous_bcast(rdv, &x, sizeof(x), 0, deadline, err);
	return rg_rendezvous_barrier(rdv, deadline, err);
}

static void ranks_in_different_operations_are_told_so(void **state)
{
	struct part parts[MAX_RANKS];

	run_ranks(2, barrier_meets_broadcast, parts);
	for (uint32_t r = 0; r < 2; r++) {
		assert_int_equal(parts[r].rc, RG_ERR_MISMATCH);
		assert_non_null(strstr(parts[r].err.text, "a broadcast"));
	}
}

static int ranks_1_and_2_fail(struct rg_rendezvous *rdv, struct rg_err *err)
{
	int code = 0;

	if (rdv->rank > 0)
		code = rg_err_set(err, RG_ERR_LIMIT, "limit %u", rdv->rank);
	return rg_rendezvous_agree(rdv, code, rg_clock_ns() + 60 * SECONDS, err);
}

static void all_agree_on_the_failure_of_the_lowest_rank(void **state)
{
	struct part parts[MAX_RANKS];

	run_ranks(3, ranks_1_and_2_fail, parts);
	for (uint32_t r = 0; r < 3; r++) {
		assert_int_equal(parts[r].rc, RG_ERR_LIMIT);
		assert_int_equal(strncmp(parts[r].err.text, "rank 1 on ", 10), 0);
		assert_non_null(strstr(parts[r].err.text, ": limit 1"));
	}
}

static int rank_1_fails_and_all_agree_twice(struct rg_rendezvous *rdv, struct rg_err *err)
{
	uint64_t deadline = rg_clock_ns() + 60 * SECONDS;
	int code = rdv->rank == 1 ? rg_err_set(err, RG_ERR_LIMIT, "its words") : 0;

	code = rg_rendezvous_agree(rdv, code, deadline, err);
	return rg_rendezvous_agree(rdv, code, deadline, err);
}

static void an_agreed_failure_names_its_rank_once(void **state)
{
	struct part parts[MAX_RANKS];

	run_ranks(3, rank_1_fails_and_all_agree_twice, parts);
	for (uint32_t r = 0; r < 3; r++) {
		assert_int_equal(parts[r].rc, RG_ERR_LIMIT);
		assert_int_equal(strncmp(parts[r].err.text, "rank 1 on ", 10), 0);
		assert_null(strstr(parts[r].err.text + 10, "rank 1"));
	}
}

static int agreement_meets_barrier(struct rg_rendezvous *rdv, struct rg_err *err)
{
	uint64_t deadline = rg_clock_ns() + 60 * SECONDS;

	if (rdv->rank != 1)
		return rg_rendezvous_barrier(rdv, deadline, err);
	return rg_rendezvous_agree(rdv, rg_err_set(err, RG_ERR_LIMIT, "its words"), deadline, err);
}

static void a_failed_rank_keeps_its_words_where_the_others_are_elsewhere(void **state)
{
	struct part parts[MAX_RANKS];

	run_ranks(2, agreement_meets_barrier, parts);
	assert_int_equal(parts[0].rc, RG_ERR_MISMATCH);
	assert_int_equal(parts[1].rc, RG_ERR_MISMATCH);
	assert_int_equal(strncmp(parts[1].err.text, "its words; rendezvous: ", 23), 0);
}

static int agree_on_success(struct rg_rendezvous *rdv, struct rg_err *err)
{
	return rg_rendezvous_agree(rdv, 0, rg_clock_ns() + 60 * SECONDS, NULL);
}

static void agreement_on_success_is_success(void **state)
{
	struct part parts[MAX_RANKS];

	run_ranks(4, agree_on_success, parts);
	for (uint32_t r = 0; r < 4; r++)
		assert_int_equal(parts[r].rc, 0);
}

static void ranks_share_one_key_and_jobs_do_not(void **state)
{
	struct rg_rendezvous *a[2], *b[2];

	assert_int_equal(rg_rendezvous_threads_open(2, a, NULL), 0);
	assert_int_equal(rg_rendezvous_threads_open(2, b, NULL), 0);
	assert_memory_equal(a[0]->job_key, a[1]->job_key, 32);
	assert_memory_not_equal(a[0]->job_key, b[0]->job_key, 32);
	for (int i = 0; i < 2; i++) {
		rg_rendezvous_close(a[i]);
		rg_rendezvous_close(b[i]);
	}
}

static void open_fails_cleanly_at_every_allocation(void **state)
{
	struct rg_rendezvous *rdvs[3] = {NULL, NULL, NULL};
	unsigned long n = 0;
	int rc;

	do {
		struct rg_err err = {0};

		rg_mem_fail_nth(++n);
		rc = rg_rendezvous_threads_open(3, rdvs, &err);
		if (rc) {
			assert_int_equal(rc, RG_ERR_NO_MEMORY);
			assert_null(rdvs[0]);
			assert_string_not_equal(err.text, "");
		}
	} while (rg_mem_fail_fired());
	rg_mem_fail_nth(0);
	assert_int_equal(rc, 0);
	assert_true(n > 3);
	for (int i = 0; i < 3; i++)
		rg_rendezvous_close(rdvs[i]);
}

static int everything_once(struct rg_rendezvous *rdv, struct rg_err *err)
{
	uint64_t deadline = rg_clock_ns() + 60 * SECONDS;
	int x = 0, rc;

	rc = rg_rendezvous_barrier(rdv, deadline, err);
	if (!rc)
		rc = rg_rendezvous_bcast(rdv, &x, sizeof(x), 0, deadline, err);
	return rg_rendezvous_agree(rdv, rc, deadline, err);
}

static void no_memory_on_one_rank_is_told_to_all(void **state)
{
	struct part parts[MAX_RANKS];
	unsigned long n = 6; /* those of threads_open come first, see the sweep above */
	bool fired;

	do {
		rg_mem_fail_nth(n++);
		run_ranks(3, everything_once, parts);
		fired = rg_mem_fail_fired();
		for (uint32_t r = 0; r < 3; r++) {
			if (fired)
				assert_int_not_equal(parts[r].rc, 0);
			else
				assert_int_equal(parts[r].rc, 0);
		}
	} while (fired);
	rg_mem_fail_nth(0);
}

/* --- binding --- */

/* How many CPUs this thread may use; 0: the kernel does not say. */
static uint32_t count_cpus(int *first_out)
{
	struct rg_bind_order order;
	uint32_t n;

	if (rg_bind_order_init(&order, NULL))
		return 0;
	n = order.ncpus;
	*first_out = order.cpus[0];
	rg_bind_order_release(&order);
	return n;
}

struct bound {
	uint32_t before, bound, helpers;
};

static void *help(void *arg)
{
	struct bound *b = arg;
	int first;

	rg_bind_helper();
	b->helpers = count_cpus(&first);
	return NULL;
}

static void *be_bound(void *arg)
{
	struct bound *b = arg;
	pthread_t helper;
	int first = -1;

	b->before = count_cpus(&first);
	if (rg_bind_thread(first, NULL))
		return NULL;
	b->bound = count_cpus(&first);
	if (!pthread_create(&helper, NULL, help, b))
		pthread_join(helper, NULL);
	return NULL;
}

static void a_rank_is_bound_to_one_cpu_and_its_helper_is_not(void **state)
{
	struct rg_err err = {0};
	struct bound b = {0};
	pthread_t rank;

	assert_int_equal(pthread_create(&rank, NULL, be_bound, &b), 0);
	pthread_join(rank, NULL);
	assert_true(b.before > 0);
	assert_int_equal(b.bound, 1);
	assert_int_equal(b.helpers, b.before);
	assert_int_equal(rg_bind_thread(-1, &err), RG_ERR_INVALID);
	assert_non_null(strstr(err.text, "-1"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_rank_gets_every_ranks_words_in_rank_order),
		cmocka_unit_test(an_exchange_of_nothing_is_allowed),
		cmocka_unit_test(a_deadline_names_the_missing_rank_to_all_even_the_late_one),
		cmocka_unit_test(a_rank_that_gives_up_releases_the_others_with_its_text),
		cmocka_unit_test(a_rank_that_leaves_releases_the_others_with_its_number),
		cmocka_unit_test(different_lengths_are_a_mismatch_that_names_both),
		cmocka_unit_test(who_failed_says_so_even_where_nobody_can_agree),
		cmocka_unit_test(a_broadcast_of_any_length_arrives_whole),
		cmocka_unit_test(ranks_in_different_operations_are_told_so),
		cmocka_unit_test(all_agree_on_the_failure_of_the_lowest_rank),
		cmocka_unit_test(an_agreed_failure_names_its_rank_once),
		cmocka_unit_test(a_failed_rank_keeps_its_words_where_the_others_are_elsewhere),
		cmocka_unit_test(agreement_on_success_is_success),
		cmocka_unit_test(ranks_share_one_key_and_jobs_do_not),
		cmocka_unit_test(open_fails_cleanly_at_every_allocation),
		cmocka_unit_test(no_memory_on_one_rank_is_told_to_all),
		cmocka_unit_test(a_rank_is_bound_to_one_cpu_and_its_helper_is_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
