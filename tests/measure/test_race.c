/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Races between candidates, fed with made-up durations: who leaves and when, who stays, and how
 * often somebody leaves that was level with the rest. No time passes and no rank exists.
 */
#include "config.h"

#include "measure/sample_impl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MOST	4
#define NEVER	((uint64_t)1 << 50) /* a budget that is not spent */
#define AT_ONCE 1		    /* one that is: all rounds are dear */

struct fixture {
	struct rg_rendezvous rdv;
	struct rg_job job;
	struct rg_plan_point point;
	struct report report;
	struct rg_sampler s;
	struct rg_target target;
	struct rg_candidate candidates[MOST];
	struct opened opened[MOST];
	struct rg_samples samples[MOST];
	struct director *d;
	uint32_t n;
	uint32_t turns[MOST]; /* all repetitions, those of the warm-up as well */
	double op_ns[MOST];
	double noise; /* a repetition takes up to so much longer, as a part */
	uint64_t random;
};

/* Candidates by what an operation of each takes. */
static void open_fixture(struct fixture *f, uint64_t budget_ns, const double *op_ns, uint32_t n)
{
	*f = (struct fixture){
		.rdv = {.nranks = 1},
		.point = {.size_bytes = 8, .max_ops = 1},
		.s = {.config = {.budget_ns = budget_ns,
				 .precision = 1e-9,
				 .warmups = 1,
				 .race = true},
		      .start = {.kind = RG_START_CLOCK, .min_ns = 1}},
		.n = n,
		.random = 1,
	};
	f->job.rdv = &f->rdv;
	f->s.job = &f->job;
	f->s.point = &f->point;
	f->s.reports = &f->report;
	for (uint32_t i = 0; i < n; i++) {
		f->op_ns[i] = op_ns[i];
		f->opened[i].candidate = &f->candidates[i];
		f->opened[i].target = &f->target;
	}
}

/* Between 0 and 1, and mostly small. */
static double draw(struct fixture *f)
{
	double u;

	f->random = f->random * 6364136223846793005u + 1442695040888963407u;
	u = (double)(f->random >> 11) / (double)((uint64_t)1 << 53);
	return u * u;
}

/* Up to so many repetitions; false: the point is at its end. */
static bool run(struct fixture *f, uint32_t steps)
{
	struct command c;

	for (uint32_t i = 0; i < steps; i++) {
		assert_int_equal(rg_sample_direct(f->d, &c, NULL), 0);
		if (c.stop)
			return false;
		f->s.ops = c.ops;
		f->report = (struct report){.start_ns = 1000};
		f->report.end_ns =
			1000 + (uint64_t)(f->op_ns[c.candidate] * c.ops * (1 + f->noise * draw(f)));
		assert_int_equal(rg_sample_account(f->d, c.candidate, 1000, NULL), 0);
		f->turns[c.candidate]++;
	}
	return true;
}

static void open_director(struct fixture *f)
{
	assert_int_equal(rg_sample_director_open(&f->s, f->opened, f->n, f->samples, &f->d, NULL),
			 0);
}

static void run_to_the_end(struct fixture *f)
{
	open_director(f);
	assert_false(run(f, 1000000));
}

static void close_fixture(struct fixture *f)
{
	rg_sample_director_close(f->d);
	for (uint32_t i = 0; i < f->n; i++)
		rg_samples_release(&f->samples[i]);
}

static void assert_ended(const struct fixture *f, uint32_t i, enum rg_stop stop, uint64_t n)
{
	assert_string_equal(rg_stop_words[f->samples[i].stop], rg_stop_words[stop]);
	assert_int_equal(f->samples[i].n, n);
}

static void a_hopeless_one_leaves_after_two_repetitions_where_they_are_dear(void **state)
{
	static const double op_ns[] = {1000, 900, 10000, 1400};
	struct fixture f;

	(void)state;
	open_fixture(&f, AT_ONCE, op_ns, 4);
	run_to_the_end(&f);
	assert_ended(&f, 0, RG_STOP_BUDGET, 6);
	assert_ended(&f, 1, RG_STOP_BUDGET, 6);
	assert_ended(&f, 2, RG_STOP_BEATEN, 2);
	assert_ended(&f, 3, RG_STOP_BEATEN, 2); /* more than 1.5 times 900 */
	/* And it had one warm-up, where the fastest had two. */
	assert_int_equal(f.turns[2], 3);
	assert_int_equal(f.turns[0], 8);
	close_fixture(&f);
}

static void who_is_a_little_slower_leaves_by_its_interval(void **state)
{
	static const double op_ns[] = {1000, 900, 1300};
	struct fixture f;

	(void)state;
	open_fixture(&f, AT_ONCE, op_ns, 3);
	run_to_the_end(&f);
	assert_ended(&f, 2, RG_STOP_BEATEN, 6);
	close_fixture(&f);
}

/* By so much one launch differs from the next: see RG_SAMPLE_RACE_MARGIN. */
static void who_is_within_a_fifth_of_the_best_stays_however_well_it_is_known(void **state)
{
	static const double op_ns[] = {1000, 900, 1080};
	struct fixture f;

	(void)state;
	open_fixture(&f, NEVER, op_ns, 3);
	run_to_the_end(&f);
	assert_ended(&f, 1, RG_STOP_ROUNDS, 20000);
	assert_ended(&f, 2, RG_STOP_ROUNDS, 20000);
	close_fixture(&f);
}

static void where_rounds_are_short_nobody_leaves_without_an_interval(void **state)
{
	static const double op_ns[] = {1000, 900, 10000};
	struct fixture f;

	(void)state;
	open_fixture(&f, NEVER, op_ns, 3);
	run_to_the_end(&f);
	assert_ended(&f, 2, RG_STOP_BEATEN, 6);
	assert_ended(&f, 1, RG_STOP_ROUNDS, 20000);
	close_fixture(&f);
}

static void the_first_one_stays_however_slow_it_is(void **state)
{
	static const double op_ns[] = {10000, 900, 1000};
	struct fixture f;

	(void)state;
	open_fixture(&f, AT_ONCE, op_ns, 3);
	run_to_the_end(&f);
	assert_ended(&f, 0, RG_STOP_BUDGET, 6);
	assert_ended(&f, 1, RG_STOP_BUDGET, 6);
	close_fixture(&f);
}

static void it_is_decided_when_only_the_first_one_is_left(void **state)
{
	static const double op_ns[] = {1000, 10000, 2000};
	struct fixture f;

	(void)state;
	for (int dear = 0; dear < 2; dear++) {
		open_fixture(&f, dear ? AT_ONCE : NEVER, op_ns, 3);
		run_to_the_end(&f);
		assert_ended(&f, 0, RG_STOP_DECIDED, 6);
		assert_ended(&f, 1, RG_STOP_BEATEN, dear ? 2 : 6);
		close_fixture(&f);
	}
}

static void without_rivals_or_without_a_race_nothing_is_decided(void **state)
{
	static const double op_ns[] = {1000, 10000};
	struct fixture f;

	(void)state;
	open_fixture(&f, NEVER, op_ns, 1);
	run_to_the_end(&f);
	assert_ended(&f, 0, RG_STOP_ROUNDS, 20000);
	close_fixture(&f);
	open_fixture(&f, NEVER, op_ns, 2);
	f.s.config.race = false;
	run_to_the_end(&f);
	assert_ended(&f, 1, RG_STOP_ROUNDS, 20000);
	close_fixture(&f);
}

static void kinds_of_buffers_and_places_do_not_race_against_each_other(void **state)
{
	static const double op_ns[] = {1000, 10000, 20000, 30000};
	struct fixture f;

	(void)state;
	open_fixture(&f, AT_ONCE, op_ns, 4);
	f.candidates[1].in_place = f.candidates[3].in_place = true;
	f.candidates[2].buffers = RG_ACCESS_WINDOW;
	run_to_the_end(&f);
	assert_ended(&f, 0, RG_STOP_DECIDED, 6);
	assert_ended(&f, 1, RG_STOP_DECIDED, 6);
	assert_ended(&f, 2, RG_STOP_DECIDED, 6);
	assert_ended(&f, 3, RG_STOP_BEATEN, 2);
	close_fixture(&f);
}

static void a_refused_one_leaves_the_first_place_to_the_next(void **state)
{
	static const double op_ns[] = {1000, 10000, 1000};
	struct fixture f;

	(void)state;
	open_fixture(&f, AT_ONCE, op_ns, 3);
	f.opened[0].target = NULL;
	f.samples[0].stop = RG_STOP_NOT_RUN;
	run_to_the_end(&f);
	assert_ended(&f, 0, RG_STOP_NOT_RUN, 0);
	assert_ended(&f, 1, RG_STOP_BUDGET, 6);
	close_fixture(&f);
}

/* Three that are the same, with repetitions up to half as long again, over 200 rounds. */
static void those_that_are_level_stay(void **state)
{
	static const double op_ns[] = {100000, 100000, 100000};
	uint32_t left = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 300; seed++) {
		struct fixture f;

		open_fixture(&f, NEVER, op_ns, 3);
		f.noise = 0.5;
		f.random = seed * 7919;
		open_director(&f);
		run(&f, 600);
		left += (f.samples[1].stop == RG_STOP_BEATEN) +
			(f.samples[2].stop == RG_STOP_BEATEN);
		close_fixture(&f);
	}
	if (left > 0)
		fail_msg("%u of 600 left", left);
}

/* Its interval ends the race long before 200 rounds. */
static void who_is_a_third_slower_leaves_in_spite_of_noise(void **state)
{
	static const double op_ns[] = {100000, 100000, 133000};
	uint32_t left = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 100; seed++) {
		struct fixture f;

		open_fixture(&f, NEVER, op_ns, 3);
		f.noise = 0.2;
		f.random = seed * 7919;
		open_director(&f);
		run(&f, 600);
		left += f.samples[2].stop == RG_STOP_BEATEN;
		close_fixture(&f);
	}
	if (left < 90)
		fail_msg("%u of 100 left", left);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_hopeless_one_leaves_after_two_repetitions_where_they_are_dear),
		cmocka_unit_test(who_is_a_little_slower_leaves_by_its_interval),
		cmocka_unit_test(who_is_within_a_fifth_of_the_best_stays_however_well_it_is_known),
		cmocka_unit_test(where_rounds_are_short_nobody_leaves_without_an_interval),
		cmocka_unit_test(the_first_one_stays_however_slow_it_is),
		cmocka_unit_test(it_is_decided_when_only_the_first_one_is_left),
		cmocka_unit_test(without_rivals_or_without_a_race_nothing_is_decided),
		cmocka_unit_test(kinds_of_buffers_and_places_do_not_race_against_each_other),
		cmocka_unit_test(a_refused_one_leaves_the_first_place_to_the_next),
		cmocka_unit_test(those_that_are_level_stay),
		cmocka_unit_test(who_is_a_third_slower_leaves_in_spite_of_noise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
