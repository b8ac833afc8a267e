/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Jobs that go on after a failure, or do not: three ranks as threads
 * measure over the rails of a libibverbs that is made up.
 */
#include "config.h"

#include "../transport/fake_verbs.h"

#include "railgauge/measure/recovery.h"

#include "railgauge/base/clock.h"
#include "railgauge/transport/verbs.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define TIMEOUT_NS  ((uint64_t)20000000000)
#define RANKS	    3
#define POINTS	    3
#define REPETITIONS 30

/* --- jobs --- */

struct rank {
	struct rg_rendezvous *rdv;
	const struct rg_plan *plan;
	struct rg_verbs_options options;
	uint32_t npoints;
	bool others;			    /* an MPI library is measured as well */
	const struct rg_transport_ops *ops; /* NULL: verbs-rc */
	/* Before each point, when all ranks have come and none begins yet: < 0: it goes no further
	 */
	int (*before)(const struct rank *rank, uint32_t point);
	int (*after)(const struct rank *rank, int rc, struct rg_err *err); /* rc, or another */

	/* What came out. */
	int ended[POINTS]; /* settle's results; 2: not reached */
	uint64_t n[POINTS], wrong;
	uint32_t left_out[POINTS], rails[POINTS]; /* after the point */
	char lost[POINTS][64];
	struct rg_err why[POINTS];
	bool agreed;
	int rc;
	struct rg_err err;
};

static int come(const struct rank *k)
{
	return rg_rendezvous_barrier(k->rdv, rg_clock_ns() + TIMEOUT_NS, NULL);
}

static int measure_point(struct rank *k, struct rg_recovery *recovery, uint32_t i)
{
	const struct rg_target_spec spec = {
		.ops = &rg_target_railgauge, .label = "railgauge", .protocol = -1};
	const struct rg_candidate candidate = {&spec, false, RG_ACCESS_PRIVATE};
	struct rg_samples x = {0};
	bool interrupted = false;
	int rc = rg_sampler_point(recovery->sampler, &k->plan->points[0], &candidate, 1, &x,
				  &interrupted, &k->err);

	if (k->after)
		rc = k->after(k, rc, &k->err);
	rc = rg_recovery_settle(recovery, rc, i + 1 == k->npoints, &k->err);
	k->ended[i] = rc;
	k->n[i] = x.n;
	k->wrong += x.wrong;
	rg_samples_release(&x);
	k->why[i] = recovery->why;
	k->agreed = recovery->agreed;
	if (rc <= 0)
		return rc;
	k->left_out[i] = recovery->left_out;
	k->rails[i] = recovery->job->ep ? recovery->job->ep->rails : 0;
	rg_recovery_rails(recovery, k->lost[i], sizeof(k->lost[i]));
	return 0;
}

static int measure_points(struct rank *k, struct rg_recovery *recovery)
{
	int rc = 0;

	for (uint32_t i = 0; i < k->npoints && !rc; i++) {
		rc = come(k);
		if (!rc && k->before)
			rc = k->before(k, i);
		if (!rc)
			rc = come(k);
		if (!rc)
			rc = measure_point(k, recovery, i);
	}
	return rc;
}

static void *rank_main(void *arg)
{
	struct rank *k = arg;
	struct rg_job job = {.rdv = k->rdv, .deadline_ns = TIMEOUT_NS};
	const struct rg_sampler_config config = {
		.coll = RG_COLL_ALLREDUCE,
		.type = RG_TYPE_FLOAT32,
		.op = RG_OP_SUM,
		.check = true,
		.precision = 1,
		.budget_ns = 20000000,
		.repetitions = REPETITIONS,
		.warmups = 1,
		.seed = 7,
		.crowded = true,
		.access = {[RG_ACCESS_PRIVATE] = true},
		.pairs_bytes = k->plan->pairs_bytes,
	};
	struct rg_recovery recovery = {
		.job = &job,
		.ops = k->ops ? k->ops : &rg_transport_verbs_rc,
		.config = {.geometry = {.channels = 1,
					.slots = 4,
					.slot_bytes = 4096,
					.ll_slots = 4,
					.ll_bytes = 256,
					.credit_batch = 2},
			   .patience = rg_patience_shared_core,
			   .timeout_ns = TIMEOUT_NS,
			   .node = k->rdv->rank == 1 ? "b" : "a", /* for mixed */
			   .verbs = &k->options},
		.only_own = !k->others,
	};

	for (uint32_t i = 0; i < POINTS; i++)
		k->ended[i] = 2;
	k->rc = rg_recovery_open(&recovery, &k->err);
	if (!k->rc)
		k->rc = rg_recovery_sample(&recovery, &config, &k->err);
	if (!k->rc)
		k->rc = measure_points(k, &recovery);
	if (k->rc) { /* as a process that ends */
		k->rdv->ops->abort(k->rdv, &k->err);
		rg_recovery_close(&recovery);
		return NULL;
	}
	/* Nobody takes away what others still write to. */
	k->rc = come(k);
	rg_recovery_close(&recovery);
	return NULL;
}

/* Three ranks like one; rank r has the devices devices[r]. */
static void run_ranks(struct rank ranks[RANKS], const struct rank *like, const char *const *devices)
{
	const struct rg_plan_config config = {
		.coll = RG_COLL_ALLREDUCE,
		.type = RG_TYPE_FLOAT32,
		.nranks = RANKS,
		.min_bytes = 16384,
		.max_bytes = 16384,
		.cached_bytes = 1 << 20,
	};
	struct rg_rendezvous *rdvs[RANKS];
	pthread_t threads[RANKS];
	struct rg_plan plan;

	assert_int_equal(rg_plan_open(&config, &plan, NULL), 0);
	assert_int_equal(rg_rendezvous_threads_open(RANKS, rdvs, NULL), 0);
	for (uint32_t r = 0; r < RANKS; r++) {
		ranks[r] = *like;
		ranks[r].rdv = rdvs[r];
		ranks[r].plan = &plan;
		ranks[r].options = rg_verbs_options_default;
		ranks[r].options.device = devices[r];
		assert_int_equal(pthread_create(&threads[r], NULL, rank_main, &ranks[r]), 0);
	}
	for (uint32_t r = 0; r < RANKS; r++)
		pthread_join(threads[r], NULL);
	for (uint32_t r = 0; r < RANKS; r++)
		rg_rendezvous_close(rdvs[r]);
	rg_plan_close(&plan);
	assert_int_equal(fake_live(), 0);
}

/* Made-up devices may be shared: rail r of all ranks is device r. */
static const char *const two_rails[RANKS] = {"fake0,fake1", "fake0,fake1", "fake0,fake1"};
static const char *const three_rails[RANKS] = {"fake0,fake1,fake2", "fake0,fake1,fake2",
					       "fake0,fake1,fake2"};

static int set_up(void **state)
{
	fake_reset(NULL, 0);
	return 0;
}

/* A request far within the point is not acknowledged. */
static int break_one(const struct rank *k, uint32_t point)
{
	if (k->rdv->rank == 0)
		fake_complete(700, IBV_WC_RETRY_EXC_ERR, 0x81);
	return 0;
}

static int break_first(const struct rank *k, uint32_t point)
{
	return point == 0 ? break_one(k, point) : 0;
}

static int break_first_two(const struct rank *k, uint32_t point)
{
	return point < 2 ? break_one(k, point) : 0;
}

static void assert_well(const struct rank ranks[RANKS], uint32_t point)
{
	for (uint32_t r = 0; r < RANKS; r++) {
		if (ranks[r].ended[point])
			fail_msg("rank %u, point %u: %d, %s", r, point, ranks[r].ended[point],
				 ranks[r].err.text);
		assert_int_equal(ranks[r].wrong, 0);
	}
	assert_int_equal(ranks[0].n[point], REPETITIONS);
}

/* Failed, without more than one rail, and all ranks say the same of it. */
static void assert_lost_one(const struct rank ranks[RANKS], uint32_t point)
{
	uint32_t out = ranks[0].left_out[point];

	for (uint32_t r = 0; r < RANKS; r++) {
		if (ranks[r].ended[point] != 1)
			fail_msg("rank %u, point %u: %d, %s", r, point, ranks[r].ended[point],
				 ranks[r].err.text);
		assert_int_equal(ranks[r].left_out[point], out);
		assert_int_equal(ranks[r].rails[point], ranks[0].rails[point]);
		assert_string_equal(ranks[r].why[point].text, ranks[0].why[point].text);
	}
	assert_true(out && !(out & (out - 1)));
	assert_int_equal(ranks[0].rails[point] & out, 0);
	if (!strstr(ranks[0].why[point].text, "retry counter"))
		fail_msg("%s", ranks[0].why[point].text);
}

static void a_failed_operation_costs_its_rail_and_the_next_point_is_right(void **state)
{
	const struct rank like = {.npoints = 2, .before = break_first};
	struct rank ranks[RANKS];
	char rail[32];

	run_ranks(ranks, &like, two_rails);
	assert_lost_one(ranks, 0);
	assert_int_equal(ranks[0].left_out[0] | ranks[0].rails[0], 3);
	snprintf(rail, sizeof(rail), "rail %u (fake%u:1)", ranks[0].left_out[0],
		 ranks[0].left_out[0] - 1);
	assert_string_equal(ranks[0].lost[0], rail);
	assert_well(ranks, 1);
}

static void rails_are_lost_until_one_is_left(void **state)
{
	const struct rank like = {.npoints = 3, .before = break_first_two};
	struct rank ranks[RANKS];

	run_ranks(ranks, &like, three_rails);
	assert_lost_one(ranks, 0);
	assert_lost_one(ranks, 1);
	assert_int_equal(ranks[0].left_out[0] | ranks[0].left_out[1] | ranks[0].rails[1], 7);
	assert_well(ranks, 2);
}

static void without_another_rail_a_failure_ends_the_job(void **state)
{
	const struct rank like = {.npoints = 3, .before = break_first_two};
	struct rank ranks[RANKS];

	run_ranks(ranks, &like, two_rails);
	assert_lost_one(ranks, 0);
	for (uint32_t r = 0; r < RANKS; r++) {
		assert_int_equal(ranks[r].ended[1], RG_ERR_PEER);
		assert_int_equal(ranks[r].ended[2], 2);
	}
}

static void beside_another_library_a_failure_ends_the_job(void **state)
{
	const struct rank like = {.npoints = 2, .before = break_first, .others = true};
	struct rank ranks[RANKS];

	run_ranks(ranks, &like, two_rails);
	for (uint32_t r = 0; r < RANKS; r++)
		assert_int_equal(ranks[r].ended[0], RG_ERR_PEER);
}

static void after_the_last_point_nothing_is_opened_again(void **state)
{
	const struct rank like = {.npoints = 1, .before = break_first};
	struct rank ranks[RANKS];

	run_ranks(ranks, &like, two_rails);
	assert_lost_one(ranks, 0);
	assert_int_equal(ranks[0].rails[0], 0);
}

/* --- a port that goes down --- */

static atomic_bool over;

/* Retries of whatever is under way on it are exceeded, whenever that is. */
static void *give_up(void *device)
{
	const struct timespec pause = {.tv_nsec = 1000000};

	while (!atomic_load(&over)) {
		fake_give_up(device);
		nanosleep(&pause, NULL);
	}
	return NULL;
}

static char lost_device[] = "fake0";

static int take_port_down(const struct rank *k, uint32_t point)
{
	if (point == 0 && k->rdv->rank == 0)
		fake_port(lost_device, 1, false);
	return 0;
}

static void run_without(char number, struct rank ranks[RANKS], const struct rg_transport_ops *ops,
			const char *const *devices)
{
	const struct rank like = {.npoints = 2, .before = take_port_down, .ops = ops};
	pthread_t thread;

	lost_device[4] = number;
	atomic_store(&over, false);
	assert_int_equal(pthread_create(&thread, NULL, give_up, lost_device), 0);
	run_ranks(ranks, &like, devices);
	atomic_store(&over, true);
	pthread_join(thread, NULL);
}

/* Of rank 1 alone; the others see that it does not answer. */
static void lose_port(const struct rg_transport_ops *ops)
{
	static const char *const devices[RANKS] = {"fake0,fake1", "fake2,fake3", "fake0,fake1"};
	struct rank ranks[RANKS];

	run_without('2', ranks, ops, devices);
	assert_lost_one(ranks, 0);
	assert_int_equal(ranks[0].left_out[0], 1);
	assert_string_equal(ranks[0].lost[0], "rail 1 (fake0:1)");
	assert_string_equal(ranks[1].lost[0], "rail 1 (fake2:1)");
	assert_well(ranks, 1);
}

static void a_port_that_goes_down_costs_its_rail(void **state)
{
	lose_port(&rg_transport_verbs_rc);
}

/* Ranks 0 and 2 are of one node. */
static void where_memory_and_rails_are_mixed_a_port_costs_its_rail_as_well(void **state)
{
	lose_port(&rg_transport_mixed);
}

/* It is not among "all" any more when they are opened again. */
static void the_devices_that_all_stood_for_keep_their_numbers(void **state)
{
	static const char *const devices[RANKS] = {"all", "all", "all"};
	struct rank ranks[RANKS];

	run_without('0', ranks, &rg_transport_verbs_rc, devices);
	assert_lost_one(ranks, 0);
	assert_string_equal(ranks[0].lost[0], "rail 1 (fake0:1)");
	assert_int_equal(ranks[0].rails[0], 14);
	assert_well(ranks, 1);
}

/* --- what is no failure of the network --- */

static int run_out_of_memory(const struct rank *k, int rc, struct rg_err *err)
{
	if (k->rdv->rank != 2)
		return rc;
	return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for anything");
}

static void a_failure_of_one_rank_s_own_ends_the_job_with_its_words(void **state)
{
	const struct rank like = {.npoints = 2, .after = run_out_of_memory};
	struct rank ranks[RANKS];

	run_ranks(ranks, &like, two_rails);
	for (uint32_t r = 0; r < RANKS; r++) {
		assert_int_equal(ranks[r].ended[0], RG_ERR_NO_MEMORY);
		assert_true(ranks[r].agreed);
		if (strncmp(ranks[r].err.text, "rank 2 (", 8) != 0 ||
		    !strstr(ranks[r].err.text, "no memory for anything"))
			fail_msg("rank %u: %s", r, ranks[r].err.text);
	}
}

static int leave(const struct rank *k, uint32_t point)
{
	if (point == 0 || k->rdv->rank != 1)
		return 0;
	(void)come(k); /* so the others begin */
	return RG_ERR_INTERNAL;
}

static void a_peer_that_is_gone_ends_the_job(void **state)
{
	const struct rank like = {.npoints = 2, .before = leave};
	struct rank ranks[RANKS];

	run_ranks(ranks, &like, two_rails);
	assert_int_equal(ranks[1].ended[1], 2);
	for (uint32_t r = 0; r < RANKS; r += 2) {
		assert_int_equal(ranks[r].ended[0], 0);
		assert_int_equal(ranks[r].ended[1], RG_ERR_PEER);
		assert_false(ranks[r].agreed);
		if (!strstr(ranks[r].err.text, "rank 1"))
			fail_msg("rank %u: %s", r, ranks[r].err.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(
			a_failed_operation_costs_its_rail_and_the_next_point_is_right, set_up),
		cmocka_unit_test_setup(rails_are_lost_until_one_is_left, set_up),
		cmocka_unit_test_setup(without_another_rail_a_failure_ends_the_job, set_up),
		cmocka_unit_test_setup(beside_another_library_a_failure_ends_the_job, set_up),
		cmocka_unit_test_setup(after_the_last_point_nothing_is_opened_again, set_up),
		cmocka_unit_test_setup(a_port_that_goes_down_costs_its_rail, set_up),
		cmocka_unit_test_setup(
			where_memory_and_rails_are_mixed_a_port_costs_its_rail_as_well, set_up),
		cmocka_unit_test_setup(the_devices_that_all_stood_for_keep_their_numbers, set_up),
		cmocka_unit_test_setup(a_failure_of_one_rank_s_own_ends_the_job_with_its_words,
				       set_up),
		cmocka_unit_test_setup(a_peer_that_is_gone_ends_the_job, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
