/* SPDX-License-Identifier: BSD-3-Clause */
/* The rendezvous over TCP among ranks that have joined: exchanges, failures, and who is named. */
#include "config.h"

#include "parts.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/log.h"
#include "railgauge/base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static int exchange(struct rg_rendezvous *rdv, struct rg_err *err)
{
	uint64_t deadline = rg_clock_ns() + LONG_NS;
	static uint8_t all[MAX_RANKS][MAX_RANKS * 300000], mine[MAX_RANKS][300000];
	static const size_t lens[] = {0, 1, 8, 300000};

	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		uint8_t *a = all[rdv->rank], *m = mine[rdv->rank];
		int rc;

		memset(m, (int)(rdv->rank + 16 * i), lens[i]);
		rc = rg_rendezvous_allgather(rdv, m, a, lens[i], deadline, err);
		if (rc)
			return rc;
		for (size_t j = 0; j < lens[i] * rdv->nranks; j++) {
			if (a[j] != j / lens[i] + 16 * i)
				return rg_err_set(err, RG_ERR_WRONG_DATA, "byte %zu", j);
		}
	}
	return rg_rendezvous_agree(rdv, 0, deadline, err);
}

static void any_number_of_ranks_meets_and_exchanges(void **state)
{
	struct part parts[MAX_RANKS];

	for (uint32_t n = 1; n <= MAX_RANKS; n += n < 4 ? 1 : 5) {
		int fd;

		prepare(parts, n, exchange, &fd);
		run(parts, n);
		assert_all_ok(parts, n);
		for (uint32_t r = 1; r < n; r++)
			assert_memory_equal(parts[r].key, parts[0].key, 32);
		close(fd);
	}
}

/* Ranks that have come back from the operation under test. */
static atomic_uint nreturned;

static void wait_for_the_others(const struct rg_rendezvous *rdv)
{
	while (atomic_load(&nreturned) < rdv->nranks - 1)
		rg_clock_sleep_until(rg_clock_ns() + SECONDS / 100);
}

static int rank_2_is_late(struct rg_rendezvous *rdv, struct rg_err *err)
{
	uint64_t deadline = rg_clock_ns() + LONG_NS;
	int rc = rg_rendezvous_barrier(rdv, deadline, err);

	if (rc)
		return rc;
	if (rdv->rank == 2) {
		wait_for_the_others(rdv);
		return rg_rendezvous_barrier(rdv, deadline, err);
	}
	/* Rank 0's deadline decides; the peers' is not reached. */
	if (rdv->rank == 0)
		deadline = rg_clock_ns() + SECONDS / 5;
	rc = rg_rendezvous_barrier(rdv, deadline, err);
	atomic_fetch_add(&nreturned, 1);
	return rc;
}

static void a_missed_deadline_names_the_late_rank_and_its_host_everywhere(void **state)
{
	struct part parts[3];
	char host[64] = "", words[128];
	int fd;

	gethostname(host, sizeof(host) - 1);
	snprintf(words, sizeof(words), "rank 2 on %s", host);
	atomic_store(&nreturned, 0);
	prepare(parts, 3, rank_2_is_late, &fd);
	run(parts, 3);
	for (int i = 0; i < 3; i++)
		assert_says(&parts[i], RG_ERR_TIMEOUT, words);
	close(fd);
}

static int rank_1_dies(struct rg_rendezvous *rdv, struct rg_err *err)
{
	if (rdv->rank == 1)
		return 0; /* its connection closes, as when a process ends */
	return rg_rendezvous_barrier(rdv, rg_clock_ns() + LONG_NS, err);
}

static void a_dead_peer_is_named_with_its_host_on_all_survivors(void **state)
{
	struct part parts[4];
	char host[64] = "", words[128];
	int fd;

	gethostname(host, sizeof(host) - 1);
	snprintf(words, sizeof(words), "rank 1 on %s", host);
	prepare(parts, 4, rank_1_dies, &fd);
	run(parts, 4);
	for (int i = 0; i < 4; i++) {
		if (i != 1)
			assert_says(&parts[i], RG_ERR_PEER, words);
	}
	close(fd);
}

static int rank_0_dies(struct rg_rendezvous *rdv, struct rg_err *err)
{
	if (rdv->rank == 0)
		return 0;
	return rg_rendezvous_barrier(rdv, rg_clock_ns() + LONG_NS, err);
}

static void a_dead_rank_0_is_named_by_all_others(void **state)
{
	struct part parts[3];
	int fd;

	prepare(parts, 3, rank_0_dies, &fd);
	run(parts, 3);
	for (int i = 1; i < 3; i++)
		assert_says(&parts[i], RG_ERR_PEER, "rank 0 on ");
	close(fd);
}

static int aborter; /* which rank gives up */

static int one_gives_up(struct rg_rendezvous *rdv, struct rg_err *err)
{
	int rc;

	if ((int)rdv->rank == aborter) {
		struct rg_err why = {0};

		rg_err_set(&why, RG_ERR_LIMIT, "no room on /dev/shm");
		rdv->ops->abort(rdv, &why);
		return 0;
	}
	rc = rg_rendezvous_barrier(rdv, rg_clock_ns() + LONG_NS, err);
	if (!rc)
		return 0;
	/* Once failed, always failed, with the same words. */
	err->text[0] = '\0';
	return rg_rendezvous_barrier(rdv, rg_clock_ns() + LONG_NS, err);
}

static void a_rank_that_gives_up_releases_the_others_with_its_text(void **state)
{
	for (aborter = 0; aborter < 3; aborter++) {
		struct part parts[3];
		int fd;

		prepare(parts, 3, one_gives_up, &fd);
		run(parts, 3);
		for (int i = 0; i < 3; i++) {
			if (i != aborter)
				assert_says(&parts[i], RG_ERR_PEER,
					    " gave up: no room on /dev/shm");
		}
		close(fd);
	}
}

static int rank_1_has_another_length(struct rg_rendezvous *rdv, struct rg_err *err)
{
	char mine[100000] = {0}, all[3 * 100000];

	return rg_rendezvous_allgather(rdv, mine, all, rdv->rank == 1 ? sizeof(mine) : 4,
				       rg_clock_ns() + LONG_NS, err);
}

static void different_lengths_are_a_mismatch_that_names_both(void **state)
{
	struct part parts[3];
	int fd;

	prepare(parts, 3, rank_1_has_another_length, &fd);
	run(parts, 3);
	for (int i = 0; i < 3; i++) {
		assert_says(&parts[i], RG_ERR_MISMATCH, "rank 0 exchanges 4 bytes, rank 1 on ");
		assert_says(&parts[i], RG_ERR_MISMATCH, " 100000 bytes");
	}
	close(fd);
}

static atomic_ulong fail_nth; /* of the allocations from the first barrier on */

static int everything_once(struct rg_rendezvous *rdv, struct rg_err *err)
{
	uint64_t deadline = rg_clock_ns() + LONG_NS;
	int x = 0, rc;

	rc = rg_rendezvous_barrier(rdv, deadline, err);
	if (!rc && rdv->rank == 0)
		rg_mem_fail_nth(atomic_load(&fail_nth));
	if (!rc)
		rc = rg_rendezvous_barrier(rdv, deadline, err);
	if (!rc)
		rc = rg_rendezvous_bcast(rdv, &x, sizeof(x), 0, deadline, err);
	return rg_rendezvous_agree(rdv, rc, deadline, err);
}

/* Whichever rank it meets, and not at a deadline. */
static void no_memory_on_one_rank_is_told_to_all(void **state)
{
	unsigned long n = 0;
	bool fired;

	do {
		struct part parts[3];
		int fd;

		atomic_store(&fail_nth, ++n);
		prepare(parts, 3, everything_once, &fd);
		run(parts, 3);
		fired = rg_mem_fail_fired();
		rg_mem_fail_nth(0);
		for (uint32_t r = 0; r < 3; r++) {
			if (fired)
				assert_true(parts[r].rc == RG_ERR_NO_MEMORY ||
					    parts[r].rc == RG_ERR_PEER);
			else
				assert_int_equal(parts[r].rc, 0);
		}
		close(fd);
	} while (fired);
	assert_true(n > 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_number_of_ranks_meets_and_exchanges),
		cmocka_unit_test(a_missed_deadline_names_the_late_rank_and_its_host_everywhere),
		cmocka_unit_test(a_dead_peer_is_named_with_its_host_on_all_survivors),
		cmocka_unit_test(a_dead_rank_0_is_named_by_all_others),
		cmocka_unit_test(a_rank_that_gives_up_releases_the_others_with_its_text),
		cmocka_unit_test(different_lengths_are_a_mismatch_that_names_both),
		cmocka_unit_test(no_memory_on_one_rank_is_told_to_all),
	};

	rg_log_set_level(RG_LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
