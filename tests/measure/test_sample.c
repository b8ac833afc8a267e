/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The sampler on one rank, or on ranks that are threads, with targets of the test's own: one that
 * is right, and ones with the mistakes that a measurement must not miss.
 */
#include "config.h"

#include "railgauge/measure/sample.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TIMEOUT_NS ((uint64_t)20000000000)

/* --- targets of one rank: an allreduce that copies, with mistakes --- */

enum mistake {
	RIGHT,
	NOTHING_AFTER_THE_FIRST_LAP,
	LAST_ELEMENT,
	OTHER_SOURCE,
	EVERY_OTHER_TIME_NOTHING,
	EVERY_OTHER_TIME_HALF,
	MISTAKES
};

struct copier {
	struct rg_target base;
	struct rg_pairs pairs;
	size_t len_bytes;
	enum mistake mistake;
	bool in_place;
	uint64_t calls;
};

static int copier_open(const struct rg_job *job, const struct rg_target_spec *spec,
		       const struct rg_target_problem *problem, struct rg_target **target_out,
		       struct rg_err *err);

static void copier_close(struct rg_target *target)
{
	free(target);
}

static int copier_run(struct rg_target *target, uint32_t src, uint32_t dst, uint32_t root,
		      struct rg_err *err)
{
	struct copier *c = (struct copier *)(void *)target;
	uint8_t *to = c->pairs.base + dst * c->pairs.stride + c->pairs.dst_at;
	const uint8_t *from = c->pairs.base + src * c->pairs.stride;
	size_t len = c->len_bytes;

	(void)root;
	(void)err;
	if (c->in_place)
		return 0; /* the sum of one rank's elements */
	if (c->mistake == OTHER_SOURCE)
		from = c->pairs.base + (src ^ 1) * c->pairs.stride;
	if (c->mistake == NOTHING_AFTER_THE_FIRST_LAP && c->calls++ > 200)
		return 0;
	if (c->mistake == EVERY_OTHER_TIME_NOTHING && c->calls++ % 2)
		return 0;
	if (c->mistake == EVERY_OTHER_TIME_HALF && c->calls++ % 2)
		len = len / 8 * 4;
	memcpy(to, from, len - (c->mistake == LAST_ELEMENT ? 4 : 0));
	return 0;
}

static void copier_about(const struct rg_target *target, struct rg_target_about *about_out)
{
	(void)target;
	*about_out = (struct rg_target_about){.algorithm = "copy"};
}

static const struct rg_target_ops copier = {
	.name = "copier",
	.open = copier_open,
	.close = copier_close,
	.run = copier_run,
	.about = copier_about,
};

static int copier_open(const struct rg_job *job, const struct rg_target_spec *spec,
		       const struct rg_target_problem *problem, struct rg_target **target_out,
		       struct rg_err *err)
{
	struct copier *c;

	(void)job;
	if (spec->mpi_id >= MISTAKES)
		return rg_err_set(err, RG_ERR_UNSUPPORTED, "cannot copy");
	c = calloc(1, sizeof(*c));
	c->base.ops = &copier;
	c->pairs = *problem->pairs;
	c->len_bytes = problem->count * 4;
	c->mistake = (enum mistake)spec->mpi_id;
	c->in_place = problem->in_place;
	*target_out = &c->base;
	return 0;
}

static volatile sig_atomic_t stop;

static struct rg_sampler_config usual(const struct rg_plan *plan)
{
	return (struct rg_sampler_config){
		.coll = RG_COLL_ALLREDUCE,
		.type = RG_TYPE_FLOAT32,
		.op = RG_OP_SUM,
		.check = true,
		.precision = 1,
		.budget_ns = 20000000,
		.repetitions = 12,
		.warmups = 1,
		.seed = 7,
		.access = {true, true},
		.pairs_bytes = plan->pairs_bytes,
		.interrupted = &stop,
	};
}

static struct rg_plan plan_with(uint64_t bytes, uint64_t cached_bytes)
{
	const struct rg_plan_config config = {
		.coll = RG_COLL_ALLREDUCE,
		.type = RG_TYPE_FLOAT32,
		.nranks = 1,
		.min_bytes = bytes,
		.max_bytes = bytes,
		.cached_bytes = cached_bytes,
	};
	struct rg_plan plan;

	assert_int_equal(rg_plan_open(&config, &plan, NULL), 0);
	return plan;
}

static struct rg_plan plan_of(uint64_t bytes)
{
	return plan_with(bytes, 1 << 20);
}

/* A job of one rank; private buffers need no transport. */
static struct rg_job open_job(void)
{
	struct rg_job job = {.deadline_ns = TIMEOUT_NS};

	assert_int_equal(rg_rendezvous_threads_open(1, &job.rdv, NULL), 0);
	return job;
}

/* Measures candidates of the copier: mistakes[n], in place or not. */
static void sample(const struct rg_sampler_config *config, const struct rg_plan *plan,
		   const int *mistakes, bool in_place, uint32_t n, struct rg_samples *out,
		   bool *interrupted_out)
{
	struct rg_job job = open_job();
	struct rg_target_spec specs[8];
	struct rg_candidate candidates[8];
	struct rg_sampler *sampler;
	struct rg_err err = {0};

	memset(out, 0, n * sizeof(*out));
	for (uint32_t i = 0; i < n; i++) {
		specs[i] = (struct rg_target_spec){.ops = &copier, .mpi_id = mistakes[i]};
		candidates[i] = (struct rg_candidate){&specs[i], in_place, RG_ACCESS_PRIVATE};
	}
	assert_int_equal(rg_sampler_open(&job, config, &sampler, &err), 0);
	assert_int_equal(rg_sampler_point(sampler, &plan->points[0], candidates, n, out,
					  interrupted_out, &err),
			 0);
	rg_sampler_close(sampler);
	rg_rendezvous_close(job.rdv);
}

/* One of two ranks, which have a transport that their only target makes no use of. */
struct idle_rank {
	struct rg_rendezvous *rdv;
	const struct rg_plan *plan;
	bool linked;
	int rc;
};

static void *idle_rank_main(void *arg)
{
	const struct rg_transport_config transport = {
		.geometry = rg_geometry_default,
		.patience = rg_patience_shared_core,
		.timeout_ns = TIMEOUT_NS,
	};
	struct idle_rank *idle = arg;
	struct rg_job job = {.rdv = idle->rdv, .deadline_ns = TIMEOUT_NS};
	struct rg_sampler_config config = usual(idle->plan);
	const struct rg_target_spec spec = {.ops = &copier, .mpi_id = RIGHT};
	const struct rg_candidate candidate = {&spec, false, RG_ACCESS_PRIVATE};
	struct rg_sampler *sampler = NULL;
	struct rg_samples samples = {0};
	bool interrupted;
	int rc;

	config.check = false;
	config.crowded = true;
	config.repetitions = 6;
	rc = rg_transport_inproc.open(job.rdv, &transport, &job.ep, NULL);
	if (!rc)
		rc = rg_executor_open(job.ep, 1, &job.executor, NULL);
	if (!rc)
		rc = rg_sampler_open(&job, &config, &sampler, NULL);
	if (!rc)
		rc = rg_sampler_point(sampler, &idle->plan->points[0], &candidate, 1, &samples,
				      &interrupted, NULL);
	for (uint32_t r = 0; !rc && r < 2; r++)
		idle->linked |= rg_endpoint_link(job.ep, 0, r) != NULL;
	/* The other one may still be looking into this one's memory. */
	rg_rendezvous_barrier(job.rdv, rg_clock_ns() + TIMEOUT_NS, NULL);
	rg_samples_release(&samples);
	rg_sampler_close(sampler);
	rg_executor_close(job.executor);
	rg_transport_inproc.close(job.ep);
	idle->rc = rc;
	return NULL;
}

static void ways_of_our_own_targets_are_tried_only_for_them(void **state)
{
	struct rg_plan plan = plan_of(1 << 16);
	struct rg_rendezvous *rdv[2];
	struct idle_rank ranks[2];
	pthread_t threads[2];

	(void)state;
	assert_int_equal(rg_rendezvous_threads_open(2, rdv, NULL), 0);
	for (int i = 0; i < 2; i++) {
		ranks[i] = (struct idle_rank){.rdv = rdv[i], .plan = &plan};
		assert_int_equal(pthread_create(&threads[i], NULL, idle_rank_main, &ranks[i]), 0);
	}
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < 2; i++) {
		rg_rendezvous_close(rdv[i]);
		assert_int_equal(ranks[i].rc, 0);
		assert_false(ranks[i].linked);
	}
	rg_plan_close(&plan);
}

/* All mistakes at one size and state of the caches. */
static void try_mistakes(const struct rg_plan *plan, enum rg_cache cache)
{
	struct rg_sampler_config config = usual(plan);
	bool interrupted = false;

	config.cache = cache;
	config.llc_bytes = 1 << 20;
	/* The second mistake begins after 200 operations. */
	config.repetitions = 250;
	for (int k = 0; k < MISTAKES; k++) {
		struct rg_samples x;

		/* One of something has no source but this one. */
		if (k == OTHER_SOURCE && plan->points[0].max_ops == 1)
			continue;
		sample(&config, plan, &k, false, 1, &x, &interrupted);
		assert_true(x.checked > 0);
		if (k == RIGHT)
			assert_int_equal(x.wrong, 0);
		else if (!x.wrong)
			fail_msg("%d bytes, mistake %d is not found",
				 (int)plan->points[0].size_bytes, k);
		rg_samples_release(&x);
	}
}

static void wrong_results_are_found_and_right_ones_are_not(void **state)
{
	static const uint64_t sizes[] = {4, 64, 65536};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		for (int cache = 0; cache < RG_CACHE_COUNT; cache++) {
			struct rg_plan plan = plan_of(sizes[i]);

			try_mistakes(&plan, (enum rg_cache)cache);
			rg_plan_close(&plan);
		}
	}
}

static void on_a_single_pair_they_are_found_as_well(void **state)
{
	static const uint64_t sizes[] = {4, 64, 65536};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		for (int cache = 0; cache < RG_CACHE_COUNT; cache++) {
			struct rg_plan plan = plan_with(sizes[i], 0);

			assert_int_equal(plan.points[0].max_ops, 1);
			try_mistakes(&plan, (enum rg_cache)cache);
			rg_plan_close(&plan);
		}
	}
}

static void stale_results_of_another_target_are_found(void **state)
{
	static const int two[] = {RIGHT, NOTHING_AFTER_THE_FIRST_LAP};
	struct rg_plan plan = plan_of(1024);
	struct rg_sampler_config config = usual(&plan);
	struct rg_samples x[2];
	bool interrupted = false;

	(void)state;
	config.repetitions = 100;
	sample(&config, &plan, two, false, 2, x, &interrupted);
	assert_int_equal(x[0].wrong, 0);
	assert_true(x[1].wrong > 0);
	for (int i = 0; i < 2; i++)
		rg_samples_release(&x[i]);
	rg_plan_close(&plan);
}

static void in_place_every_repetition_begins_with_the_source(void **state)
{
	static const int right[] = {RIGHT};
	struct rg_plan plan = plan_of(4096);
	struct rg_sampler_config config = usual(&plan);
	struct rg_samples x;
	bool interrupted = false;

	(void)state;
	sample(&config, &plan, right, true, 1, &x, &interrupted);
	assert_true(x.checked > 0);
	assert_int_equal(x.wrong, 0);
	rg_samples_release(&x);
	rg_plan_close(&plan);
}

static void exactly_as_many_repetitions_as_asked_for_are_kept(void **state)
{
	static const int three[] = {RIGHT, RIGHT, RIGHT};
	struct rg_plan plan = plan_of(4096);
	struct rg_sampler_config config = usual(&plan);
	struct rg_samples x[3];
	bool interrupted = false;

	(void)state;
	config.keep_ranks = true;
	sample(&config, &plan, three, false, 3, x, &interrupted);
	assert_false(interrupted);
	for (int i = 0; i < 3; i++) {
		assert_true(x[i].stop == RG_STOP_FIXED || x[i].stop == RG_STOP_BUDGET);
		if (x[i].stop == RG_STOP_FIXED)
			assert_true(x[i].n >= 12);
		assert_int_equal(x[i].ops, x[2].ops);
		assert_string_equal(x[i].about.algorithm, "copy");
		assert_true(x[i].n == 0 || x[i].ranks_ns[0] == x[i].ns[0]);
		rg_samples_release(&x[i]);
	}
	rg_plan_close(&plan);
}

static void what_a_target_refuses_is_no_failure(void **state)
{
	static const int two[] = {MISTAKES, RIGHT};
	struct rg_plan plan = plan_of(64);
	struct rg_sampler_config config = usual(&plan);
	struct rg_samples x[2];
	bool interrupted = false;

	(void)state;
	sample(&config, &plan, two, false, 2, x, &interrupted);
	assert_string_equal(x[0].refused, "cannot copy");
	assert_int_equal(x[0].stop, RG_STOP_NOT_RUN);
	assert_int_equal(x[0].n, 0);
	assert_string_equal(x[1].refused, "");
	for (int i = 0; i < 2; i++)
		rg_samples_release(&x[i]);
	sample(&config, &plan, two, false, 1, x, &interrupted);
	assert_int_equal(x[0].stop, RG_STOP_NOT_RUN);
	rg_samples_release(&x[0]);
	rg_plan_close(&plan);
}

/* A peer with a larger plan must not make this rank write behind its buffers. */
static void operations_that_have_no_room_here_are_refused(void **state)
{
	const struct rg_target_spec spec = {.ops = &copier, .mpi_id = RIGHT};
	const struct rg_candidate candidate = {&spec, false, RG_ACCESS_PRIVATE};
	struct rg_plan plan = plan_of(4096);
	struct rg_sampler_config config = usual(&plan);
	struct rg_job job = open_job();
	struct rg_sampler *sampler;
	struct rg_samples x = {0};
	struct rg_err err = {0};
	bool interrupted = false;

	(void)state;
	config.pairs_bytes = plan.points[0].stride - 1;
	assert_int_equal(rg_sampler_open(&job, &config, &sampler, &err), 0);
	assert_int_equal(rg_sampler_point(sampler, &plan.points[0], &candidate, 1, &x, &interrupted,
					  &err),
			 RG_ERR_FORMAT);
	if (!strstr(err.text, "operations of candidate 0"))
		fail_msg("%s", err.text);
	rg_samples_release(&x);
	rg_sampler_close(sampler);
	rg_rendezvous_close(job.rdv);
	rg_plan_close(&plan);
}

static void an_interrupt_ends_the_point_in_order(void **state)
{
	static const int right[] = {RIGHT};
	struct rg_plan plan = plan_of(64);
	struct rg_sampler_config config = usual(&plan);
	struct rg_samples x;
	bool interrupted = false;

	(void)state;
	stop = 1;
	config.repetitions = 0;
	config.budget_ns = (uint64_t)3600 * 1000000000;
	config.precision = 1e-9;
	sample(&config, &plan, right, false, 1, &x, &interrupted);
	stop = 0;
	assert_true(interrupted);
	assert_int_equal(x.stop, RG_STOP_INTERRUPTED);
	rg_samples_release(&x);
	rg_plan_close(&plan);
}

static void every_failing_allocation_of_open_is_an_error(void **state)
{
	struct rg_plan plan = plan_of(64);
	struct rg_sampler_config config = usual(&plan);
	unsigned long n, failures = 0;

	(void)state;
	config.access[RG_ACCESS_WINDOW] = false;
	for (n = 1;; n++) {
		struct rg_job job = open_job();
		struct rg_sampler *sampler = NULL;
		struct rg_err err = {0};
		bool fired;
		int rc;

		rg_mem_fail_nth(n);
		rc = rg_sampler_open(&job, &config, &sampler, &err);
		fired = rg_mem_fail_fired();
		rg_mem_fail_nth(0);
		/* What only reads how much memory is left goes on without knowing. */
		if (rc)
			assert_int_equal(rc, RG_ERR_NO_MEMORY);
		failures += rc != 0;
		assert_true(fired || !rc);
		rg_sampler_close(sampler);
		rg_rendezvous_close(job.rdv);
		if (!fired)
			break;
	}
	assert_true(failures > 8);
	rg_plan_close(&plan);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ways_of_our_own_targets_are_tried_only_for_them),
		cmocka_unit_test(wrong_results_are_found_and_right_ones_are_not),
		cmocka_unit_test(on_a_single_pair_they_are_found_as_well),
		cmocka_unit_test(stale_results_of_another_target_are_found),
		cmocka_unit_test(in_place_every_repetition_begins_with_the_source),
		cmocka_unit_test(exactly_as_many_repetitions_as_asked_for_are_kept),
		cmocka_unit_test(what_a_target_refuses_is_no_failure),
		cmocka_unit_test(operations_that_have_no_room_here_are_refused),
		cmocka_unit_test(an_interrupt_ends_the_point_in_order),
		cmocka_unit_test(every_failing_allocation_of_open_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
