/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rank 0's direction of a point, fed with made-up reports: when a repetition counts, from when it
 * lasts, how long it is made, and why sampling ends. No time passes and no rank exists.
 */
#include "config.h"

#include "measure/sample_impl.h"

#include "railgauge/base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define RANKS 2
#define FAST  0
#define SLOW  1

/* A job of two ranks and two candidates, of which SLOW takes ten times as long. */
struct fixture {
	struct rg_rendezvous rdv;
	struct rg_job job;
	struct rg_plan_point point;
	struct report reports[RANKS];
	struct rg_sampler s;
	struct rg_target target;
	struct opened opened[2];
	struct rg_samples samples[2];
	struct director *d;
	uint64_t now;
	uint32_t ops; /* k, once measuring */
};

static void open_fixture(struct fixture *f, enum rg_start kind)
{
	*f = (struct fixture){
		.rdv = {.nranks = RANKS},
		.point = {.size_bytes = 8, .max_ops = 1024},
		.s = {.config = {.budget_ns = (uint64_t)1 << 40,
				 .precision = 1e-9,
				 .warmups = 1,
				 .keep_ranks = true,
				 .repetitions = 30},
		      .start = {.kind = kind, .timer_cost_ns = 20, .skew_ns = 60, .min_ns = 4000}},
		.now = 1000000,
	};
	f->job.rdv = &f->rdv;
	f->s.job = &f->job;
	f->s.point = &f->point;
	f->s.reports = f->reports;
	f->opened[FAST].target = f->opened[SLOW].target = &f->target;
}

static void open_director(struct fixture *f)
{
	assert_int_equal(rg_sample_director_open(&f->s, f->opened, 2, f->samples, &f->d, NULL), 0);
}

static void close_fixture(struct fixture *f)
{
	rg_sample_director_close(f->d);
	rg_samples_release(&f->samples[FAST]);
	rg_samples_release(&f->samples[SLOW]);
}

static double op_ns(uint32_t candidate)
{
	return candidate == FAST ? 100 : 1000;
}

/*
 * One repetition as the director wants it: rank r begins late_ns[r] after the start and ends when
 * it has done its work, counted from the start, and extra_ns[r] more. False at the end of the
 * point.
 */
static bool step(struct fixture *f, const uint64_t *late_ns, const uint64_t *extra_ns,
		 struct command *command_out)
{
	struct command c;

	assert_int_equal(rg_sample_direct(f->d, &c, NULL), 0);
	*command_out = c;
	if (c.stop)
		return false;
	f->s.ops = c.ops;
	for (int r = 0; r < RANKS; r++)
		f->reports[r] = (struct report){
			.start_ns = f->now + late_ns[r],
			.end_ns = f->now + (uint64_t)(op_ns(c.candidate) * c.ops) + extra_ns[r],
		};
	assert_int_equal(rg_sample_account(f->d, c.candidate,
					   f->s.start.kind == RG_START_CLOCK ? f->now : 0, NULL),
			 0);
	f->now += 10000000;
	return true;
}

static const uint64_t none[RANKS];

/* To the end of the first round that is measured. */
static void warm_up(struct fixture *f)
{
	struct command c;

	while (f->samples[FAST].n == 0 || f->samples[SLOW].n == 0)
		assert_true(step(f, none, none, &c));
	f->ops = c.ops;
}

/* Until each candidate has n more repetitions, valid or not. */
static void go_on(struct fixture *f, uint64_t n, const uint64_t *late_ns, const uint64_t *extra_ns)
{
	struct command c;

	for (uint64_t i = 0; i < 2 * n; i++)
		assert_true(step(f, late_ns, extra_ns, &c));
}

static void the_fastest_candidate_decides_how_long_repetitions_are(void **state)
{
	struct fixture f;

	(void)state;
	open_fixture(&f, RG_START_CLOCK);
	open_director(&f);
	warm_up(&f);
	assert_int_equal(f.ops, 41); /* 4000 ns of 100 each, and one more */
	assert_false(f.samples[FAST].hasty || f.samples[SLOW].hasty);
	close_fixture(&f);
}

static void one_limit_for_late_starters_holds_for_all_candidates(void **state)
{
	/* 41 operations of the fast one last 4100 ns, of which a twentieth is 205. */
	static const uint64_t just[RANKS] = {0, 205}, late[RANKS] = {206, 0};
	struct fixture f;

	(void)state;
	open_fixture(&f, RG_START_CLOCK);
	open_director(&f);
	warm_up(&f);
	go_on(&f, 5, just, none);
	assert_int_equal(f.samples[FAST].invalid, 0);
	assert_int_equal(f.samples[SLOW].invalid, 0);
	go_on(&f, 5, late, none);
	assert_int_equal(f.samples[FAST].invalid, 5);
	assert_int_equal(f.samples[SLOW].invalid, 5);
	close_fixture(&f);
}

static void who_begins_before_the_agreed_time_spoils_the_repetition_as_well(void **state)
{
	static const uint64_t early[RANKS] = {0, -(uint64_t)100};
	struct fixture f;

	(void)state;
	open_fixture(&f, RG_START_CLOCK);
	open_director(&f);
	warm_up(&f);
	go_on(&f, 3, early, none);
	assert_int_equal(f.samples[FAST].invalid, 3);
	assert_int_equal(f.samples[SLOW].invalid, 3);
	close_fixture(&f);
}

static void a_long_repetition_makes_nobody_less_late(void **state)
{
	static const uint64_t late[RANKS] = {300, 0}, long_ns[RANKS] = {0, 1000000};
	struct fixture f;

	(void)state;
	open_fixture(&f, RG_START_CLOCK);
	open_director(&f);
	warm_up(&f);
	go_on(&f, 3, late, long_ns);
	assert_int_equal(f.samples[FAST].invalid, 3);
	assert_int_equal(f.samples[SLOW].invalid, 3);
	close_fixture(&f);
}

/* Rank 1 leaves the barrier 500 ns after rank 0 and ends with it. */
static double first_sample(enum rg_start kind, double *rank_ns_out)
{
	static const uint64_t late[RANKS] = {0, 500}, extra[RANKS] = {700, 1000};
	struct fixture f;
	struct command c;
	double ns;

	open_fixture(&f, kind);
	open_director(&f);
	while (f.samples[FAST].n == 0)
		assert_true(step(&f, late, extra, &c));
	assert_int_equal(f.samples[FAST].invalid, 0);
	ns = f.samples[FAST].ns[0] * c.ops - op_ns(FAST) * c.ops;
	for (int r = 0; r < RANKS; r++)
		rank_ns_out[r] = f.samples[FAST].ranks_ns[r] * c.ops - op_ns(FAST) * c.ops;
	close_fixture(&f);
	return ns;
}

static void assert_about(double got, double expected)
{
	if (got < expected - 0.01 || got > expected + 0.01)
		fail_msg("%g is not %g", got, expected);
}

static void a_repetition_after_a_barrier_lasts_from_the_first_beginning(void **state)
{
	double ranks[RANKS];

	(void)state;
	assert_about(first_sample(RG_START_BARRIER, ranks), 1000);
	assert_about(ranks[0], 700);
	assert_about(ranks[1], 1000);
}

static void with_clocks_apart_each_rank_has_its_own_beginning(void **state)
{
	double ranks[RANKS];

	(void)state;
	assert_about(first_sample(RG_START_APART, ranks), 700);
	assert_about(ranks[1], 500);
}

static void a_large_skew_does_not_make_repetitions_longer_than_the_budget_has_room(void **state)
{
	struct fixture f;

	(void)state;
	open_fixture(&f, RG_START_CLOCK);
	f.s.start.skew_ns = 4e6;
	f.s.start.min_ns = 160e6;
	f.s.config.budget_ns = 480000;
	open_director(&f);
	warm_up(&f);
	/* 480 us / (4 * 6 * 2) are 10 us. */
	assert_int_equal(f.ops, 101);
	assert_true(f.samples[FAST].hasty && f.samples[SLOW].hasty);
	close_fixture(&f);
}

/* The first repetitions of a busy machine: the first one takes long, and so does all that is
 * between. */
static void a_slow_first_operation_does_not_make_k_small(void **state)
{
	static const uint64_t slow[RANKS] = {3000000, 0};
	struct fixture f;
	struct command c;

	(void)state;
	open_fixture(&f, RG_START_CLOCK);
	f.s.config.budget_ns = 480000;
	f.s.config.warmups = 5;
	open_director(&f);
	assert_true(step(&f, none, slow, &c));
	rg_clock_sleep_until(rg_clock_ns() + f.s.config.budget_ns);
	warm_up(&f);
	assert_int_equal(f.ops, 41);
	close_fixture(&f);
}

static void too_many_late_starters_end_the_point_and_it_is_said_why(void **state)
{
	static const uint64_t late[RANKS] = {100000, 0};
	struct fixture f;
	struct command c;
	int steps = 0;

	(void)state;
	open_fixture(&f, RG_START_CLOCK);
	open_director(&f);
	while (step(&f, late, none, &c))
		steps++;
	assert_true(steps < 2 * 402 + 10);
	assert_int_equal(f.samples[FAST].stop, RG_STOP_ROUNDS);
	close_fixture(&f);
}

static void the_greatest_number_of_rounds_is_no_budget(void **state)
{
	struct fixture f;
	struct command c;

	(void)state;
	open_fixture(&f, RG_START_CLOCK);
	f.s.config.repetitions = 0;
	f.s.config.keep_ranks = false;
	open_director(&f);
	while (step(&f, none, none, &c))
		;
	assert_int_equal(f.samples[FAST].n, 20000);
	assert_int_equal(f.samples[FAST].stop, RG_STOP_ROUNDS);
	assert_string_equal(rg_stop_words[RG_STOP_ROUNDS], "rounds");
	close_fixture(&f);
}

static void a_spent_budget_ends_after_six_valid_repetitions_or_eighteen_rounds(void **state)
{
	static const uint64_t late[RANKS] = {100000, 0};

	(void)state;
	for (int all_late = 0; all_late < 2; all_late++) {
		struct fixture f;
		struct command c;

		open_fixture(&f, RG_START_CLOCK);
		f.s.config.repetitions = 0;
		f.s.config.budget_ns = 1;
		open_director(&f);
		while (step(&f, all_late ? late : none, none, &c))
			;
		assert_int_equal(f.samples[SLOW].n, all_late ? 0 : 6);
		assert_int_equal(f.samples[SLOW].invalid, all_late ? 18 : 0);
		assert_int_equal(f.samples[SLOW].stop, RG_STOP_BUDGET);
		close_fixture(&f);
	}
}

static void large_sizes_are_expected_to_take_longer_than_the_budget(void **state)
{
	const struct rg_plan_point small = {.src_bytes = 1024, .dst_bytes = 1024};
	const struct rg_plan_point large = {.src_bytes = 1 << 26, .dst_bytes = 1 << 26};
	struct rg_sampler_config c = {.budget_ns = 100000000, .warmups = 5};
	uint64_t ns;

	(void)state;
	ns = rg_sampler_point_ns(&c, &small, 4);
	assert_true(ns >= c.budget_ns && ns < 2 * c.budget_ns);
	/* Six times four passes over 128 MiB by four candidates. */
	ns = rg_sampler_point_ns(&c, &large, 4);
	assert_true(ns > 10 * c.budget_ns);
	assert_true(rg_sampler_point_ns(&c, &large, 8) == 2 * ns);
	c.repetitions = 100;
	assert_true(rg_sampler_point_ns(&c, &large, 4) > 10 * ns);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_fastest_candidate_decides_how_long_repetitions_are),
		cmocka_unit_test(one_limit_for_late_starters_holds_for_all_candidates),
		cmocka_unit_test(who_begins_before_the_agreed_time_spoils_the_repetition_as_well),
		cmocka_unit_test(a_long_repetition_makes_nobody_less_late),
		cmocka_unit_test(a_repetition_after_a_barrier_lasts_from_the_first_beginning),
		cmocka_unit_test(with_clocks_apart_each_rank_has_its_own_beginning),
		cmocka_unit_test(
			a_large_skew_does_not_make_repetitions_longer_than_the_budget_has_room),
		cmocka_unit_test(a_slow_first_operation_does_not_make_k_small),
		cmocka_unit_test(too_many_late_starters_end_the_point_and_it_is_said_why),
		cmocka_unit_test(the_greatest_number_of_rounds_is_no_budget),
		cmocka_unit_test(
			a_spent_budget_ends_after_six_valid_repetitions_or_eighteen_rounds),
		cmocka_unit_test(large_sizes_are_expected_to_take_longer_than_the_budget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
