/* SPDX-License-Identifier: BSD-3-Clause */
/* What does not depend on speed: footprints, agreement between ranks, plausible signs. */
#include "config.h"

#include "railgauge/measure/calibrate.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/mem.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#define KiB ((uint64_t)1 << 10)
#define MiB ((uint64_t)1 << 20)

#define SECONDS UINT64_C(1000000000)

static void footprints_are_half_of_each_cache_and_what_none_holds(void **state)
{
	uint64_t f[4];

	assert_int_equal(rg_calibrate_footprints(48 * KiB, MiB, 32 * MiB, 2, f), 4);
	assert_int_equal(f[0], 24 * KiB);
	assert_int_equal(f[1], 512 * KiB);
	assert_int_equal(f[2], 8 * MiB);
	assert_int_equal(f[3], 64 * MiB);
	assert_int_equal(rg_calibrate_footprints(48 * KiB, MiB, 256 * MiB, 1, f), 4);
	assert_int_equal(f[3], 1024 * MiB);
	/* Nothing known: the least, and what is too large for any cache. */
	assert_int_equal(rg_calibrate_footprints(0, 0, 0, 0, f), 2);
	assert_int_equal(f[0], RG_FOOTPRINT_MIN_BYTES);
	assert_int_equal(f[1], 64 * MiB);
}

static void merging_sorts_and_leaves_out_duplicates(void **state)
{
	uint64_t list[] = {5 * MiB, 1, MiB, 5 * MiB, 2};

	assert_int_equal(rg_calibrate_merge(list, 5), 3);
	assert_int_equal(list[0], RG_FOOTPRINT_MIN_BYTES);
	assert_int_equal(list[1], MiB);
	assert_int_equal(list[2], 5 * MiB);
	assert_int_equal(rg_calibrate_merge(list, 0), 0);
}

static void merging_drops_the_nearest_neighbours_first(void **state)
{
	uint64_t list[RG_RATES_MAX + 2];

	for (uint32_t i = 0; i < RG_RATES_MAX; i++)
		list[i] = RG_FOOTPRINT_MIN_BYTES << i;
	list[RG_RATES_MAX] = (RG_FOOTPRINT_MIN_BYTES << 5) + 64;
	list[RG_RATES_MAX + 1] = (RG_FOOTPRINT_MIN_BYTES << 9) + 64;
	assert_int_equal(rg_calibrate_merge(list, RG_RATES_MAX + 2), RG_RATES_MAX);
	for (uint32_t i = 0; i < RG_RATES_MAX; i++)
		assert_int_equal(list[i], RG_FOOTPRINT_MIN_BYTES << i);
}

/* One rank of a calibration in threads. */
struct rank {
	struct rg_rendezvous *rdv;
	struct rg_calibrate_config config;
	struct rg_calibration c;
	struct rg_err err;
	uint32_t steps;
	int rc;
};

static void count_steps(void *arg, uint32_t done, uint32_t total)
{
	struct rank *rank = arg;

	if (done == ++rank->steps && total == 2)
		rank->steps = done;
}

static void *run_rank(void *arg)
{
	struct rank *rank = arg;

	rank->rc = rg_calibrate(rank->rdv, &rank->config, &rank->c, &rank->err);
	rg_rendezvous_close(rank->rdv);
	return NULL;
}

static void run_two(struct rank ranks[2])
{
	struct rg_rendezvous *rdvs[2];
	pthread_t threads[2];

	assert_int_equal(rg_rendezvous_threads_open(2, rdvs, NULL), 0);
	for (int i = 0; i < 2; i++) {
		ranks[i].rdv = rdvs[i];
		ranks[i].config.deadline_ns = 60 * SECONDS;
		ranks[i].config.rounds = 1;
		ranks[i].config.numa_node = -1;
		ranks[i].config.progress = count_steps;
		ranks[i].config.progress_arg = &ranks[i];
		assert_int_equal(pthread_create(&threads[i], NULL, run_rank, &ranks[i]), 0);
	}
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
}

static void all_ranks_get_the_same_rates_for_every_mix(void **state)
{
	static const uint64_t footprints[] = {2 * MiB, 64 * KiB};
	struct rank ranks[2] = {0};

	for (int i = 0; i < 2; i++)
		ranks[i].config = (struct rg_calibrate_config){.footprint_bytes = footprints,
							       .nfootprints = 2};
	run_two(ranks);
	if (ranks[0].rc || ranks[1].rc)
		fail_msg("%s", ranks[0].err.text);
	assert_memory_equal(&ranks[0].c, &ranks[1].c, sizeof(ranks[0].c));
	assert_int_equal(ranks[0].c.rates.nfootprints, 2);
	assert_int_equal(ranks[0].c.rates.footprint_bytes[0], 64 * KiB);
	assert_true(ranks[0].c.check_own_Bps == ranks[0].c.rates.rate_Bps[1][RG_MIX_ADD]);
	assert_int_equal(ranks[0].c.check_bytes, 2 * MiB);
	assert_int_equal(ranks[0].steps, 2);
	assert_int_equal(rg_calibrate_cost_ns(&ranks[0].config),
			 (2 * RG_MIX_COUNT + 1) * RG_CALIBRATE_SLICES * RG_CALIBRATE_SLICE_NS);
}

/* A busy machine may leave no rank undisturbed for a millisecond, but not for ever. */
static void every_mix_gets_a_rate_in_an_undisturbed_moment(void **state)
{
	static const uint64_t footprints[] = {64 * KiB};
	bool found[RG_MIX_COUNT] = {false};
	uint32_t missing = RG_MIX_COUNT;

	for (int tries = 0; missing && tries < 100; tries++) {
		struct rank ranks[2] = {0};

		for (int i = 0; i < 2; i++)
			ranks[i].config = (struct rg_calibrate_config){
				.footprint_bytes = footprints, .nfootprints = 1};
		run_two(ranks);
		assert_int_equal(ranks[0].rc, 0);
		for (enum rg_mix m = 0; m < RG_MIX_COUNT; m++) {
			if (found[m] || !(ranks[0].c.rates.rate_Bps[0][m] > 0))
				continue;
			found[m] = true;
			missing--;
		}
	}
	if (missing) {
		print_message("this machine is too busy\n");
		skip();
	}
}

static void ranks_that_disagree_are_refused(void **state)
{
	static const uint64_t footprints[] = {64 * KiB, 128 * KiB};
	struct rank ranks[2] = {0};

	for (uint32_t i = 0; i < 2; i++)
		ranks[i].config = (struct rg_calibrate_config){.footprint_bytes = footprints + i,
							       .nfootprints = 1};
	run_two(ranks);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(ranks[i].rc, RG_ERR_INVALID);
		assert_non_null(strstr(ranks[i].err.text, "other footprints than rank 0"));
	}
}

static void a_calibration_without_footprints_is_refused(void **state)
{
	struct rank ranks[2] = {0};

	run_two(ranks);
	assert_int_equal(ranks[0].rc, RG_ERR_INVALID);
	assert_int_equal(ranks[1].rc, RG_ERR_INVALID);
}

static void a_failing_allocation_fails_all_ranks(void **state)
{
	static const uint64_t footprints[] = {64 * KiB};
	struct rg_rendezvous *rdv;
	struct rg_calibrate_config config = {.footprint_bytes = footprints,
					     .nfootprints = 1,
					     .rounds = 1,
					     .numa_node = -1,
					     .deadline_ns = 60 * SECONDS};
	struct rg_calibration c;
	int failed = 0;

	for (unsigned long n = 1;; n++) {
		int rc;

		assert_int_equal(rg_rendezvous_threads_open(1, &rdv, NULL), 0);
		rg_mem_fail_nth(n);
		rc = rg_calibrate(rdv, &config, &c, NULL);
		rg_rendezvous_close(rdv);
		if (!rg_mem_fail_fired()) {
			assert_int_equal(rc, 0);
			break;
		}
		/* Reading the machine's limits does without memory, for one. */
		assert_true(rc == RG_ERR_NO_MEMORY || !rc);
		failed += rc != 0;
	}
	rg_mem_fail_nth(0);
	assert_true(failed > 1);
}

struct line {
	_Alignas(128) _Atomic uint64_t a;
	_Alignas(128) _Atomic uint64_t b;
	double second_ns;
	int rc;
};

static void *second(void *arg)
{
	struct line *line = arg;

	line->rc = rg_calibrate_line(&line->b, &line->a, false, rg_clock_ns() + 60 * SECONDS,
				     &line->second_ns, NULL);
	return NULL;
}

static void a_cache_line_takes_some_time_as_the_first_rank_sees_it(void **state)
{
	static struct line line;
	double ns = 0;
	pthread_t thread;

	line.second_ns = -1;
	assert_int_equal(pthread_create(&thread, NULL, second, &line), 0);
	assert_int_equal(rg_calibrate_line(&line.a, &line.b, true, rg_clock_ns() + 60 * SECONDS,
					   &ns, NULL),
			 0);
	pthread_join(thread, NULL);
	assert_int_equal(line.rc, 0);
	assert_true(ns >= 0); /* 0 on a machine that does much else */
	assert_true(line.second_ns == 0);
	assert_int_equal(atomic_load(&line.a), 4096);
	assert_int_equal(atomic_load(&line.b), 4096);
}

static void a_peer_that_does_not_come_is_a_timeout(void **state)
{
	static struct line line;
	struct rg_err err = {0};
	double ns = -1;

	assert_int_equal(rg_calibrate_line(&line.a, &line.b, true, rg_clock_ns(), &ns, &err),
			 RG_ERR_TIMEOUT);
	assert_true(ns == -1);
	assert_non_null(strstr(err.text, "trip 0 of batch 0"));
}

/* Answers ten times, then not before the first one has given up. */
static void *tired(void *arg)
{
	struct line *line = arg;

	for (uint64_t n = 1; n <= 10; n++) {
		while (atomic_load(&line->a) < n)
			sched_yield();
		atomic_store(&line->b, n);
	}
	while (atomic_load(&line->a) < 4096)
		sched_yield();
	return NULL;
}

static void a_peer_that_hardly_runs_leaves_the_line_unknown(void **state)
{
	static struct line line;
	double ns = -1;
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, tired, &line), 0);
	assert_int_equal(rg_calibrate_line(&line.a, &line.b, true, rg_clock_ns() + 60 * SECONDS,
					   &ns, NULL),
			 0);
	pthread_join(thread, NULL);
	assert_true(ns == 0);
	/* An echo from its beginning finds that it was given up, and both can begin again. */
	atomic_store(&line.b, 0);
	second(&line);
	assert_int_equal(line.rc, 0);
	assert_int_equal(atomic_load(&line.a), 4096);
	assert_int_equal(atomic_load(&line.b), 4096);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(footprints_are_half_of_each_cache_and_what_none_holds),
		cmocka_unit_test(merging_sorts_and_leaves_out_duplicates),
		cmocka_unit_test(merging_drops_the_nearest_neighbours_first),
		cmocka_unit_test(all_ranks_get_the_same_rates_for_every_mix),
		cmocka_unit_test(every_mix_gets_a_rate_in_an_undisturbed_moment),
		cmocka_unit_test(ranks_that_disagree_are_refused),
		cmocka_unit_test(a_calibration_without_footprints_is_refused),
		cmocka_unit_test(a_failing_allocation_fails_all_ranks),
		cmocka_unit_test(a_cache_line_takes_some_time_as_the_first_rank_sees_it),
		cmocka_unit_test(a_peer_that_does_not_come_is_a_timeout),
		cmocka_unit_test(a_peer_that_hardly_runs_leaves_the_line_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
