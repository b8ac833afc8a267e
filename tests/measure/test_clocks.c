/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Clocks that are compared, on a simulated network: delays are as unequal as they like, clocks
 * drift and jump, and what is said to be the most that the common time is wrong by must hold.
 */
#include "config.h"

#include "railgauge/measure/clocks.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define TRIPS 8

/* Another clock, as the own one sees it: common = own + offset + drift * own. */
struct other {
	uint64_t offset_ns;
	double drift;
	uint64_t seed;
};

static uint64_t common_at(const struct other *o, uint64_t own_ns)
{
	return own_ns + o->offset_ns + (uint64_t)(int64_t)llround(o->drift * (double)own_ns);
}

/* Between 0 and 1. */
static double draw(struct other *o)
{
	o->seed = o->seed * 6364136223846793005u + 1442695040888963407u;
	return (double)(o->seed >> 11) / 9007199254740992.0;
}

/* Mostly near the least delay, now and then far above. */
static uint64_t delay(struct other *o)
{
	return 5000 + (uint64_t)(3000 / (0.01 + draw(o)));
}

static struct rg_clock_trip trip(const struct other *o, uint64_t own_ns, uint64_t there_ns,
				 uint64_t back_ns)
{
	return (struct rg_clock_trip){
		.asked_ns = own_ns,
		.told_ns = common_at(o, own_ns + there_ns),
		.heard_ns = own_ns + there_ns + back_ns,
	};
}

/* A comparison at own_ns; returns the own time at its end. */
static uint64_t compare(struct rg_common_clock *clock, struct other *o, uint64_t own_ns)
{
	struct rg_clock_trip trips[TRIPS];

	for (int i = 0; i < TRIPS; i++) {
		trips[i] = trip(o, own_ns, delay(o), delay(o));
		own_ns = trips[i].heard_ns + 1000;
	}
	rg_common_clock_compare(clock, trips, TRIPS, 0);
	return trips[TRIPS - 1].heard_ns;
}

/* By how much the common time is wrong at own_ns. */
static double wrong_by(const struct rg_common_clock *clock, const struct other *o, uint64_t own_ns)
{
	return fabs((double)(int64_t)(rg_common_clock_of(clock, own_ns) - common_at(o, own_ns)));
}

static void assert_at_most(double got, double most, const char *what)
{
	if (got > most)
		fail_msg("%s: %.1f ns, more than %.1f", what, got, most);
}

static void equal_ways_give_the_very_time_however_far_clocks_are_apart(void **state)
{
	static const uint64_t offsets[] = {0, 1, 86400000000000u, -(uint64_t)86400000000000u,
					   (uint64_t)1 << 63};

	(void)state;
	for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
		struct other o = {.offset_ns = offsets[i]};
		const struct rg_clock_trip one = trip(&o, 100000000000000u, 20000, 20000);
		struct rg_common_clock clock = {0};

		rg_common_clock_compare(&clock, &one, 1, 0);
		assert_true(clock.known);
		assert_true(rg_common_clock_of(&clock, 12345) == common_at(&o, 12345));
		/* Half of 40 us, and what the clocks may drift apart meanwhile. */
		assert_at_most(clock.error_ns, 20010, "error");
		assert_at_most(20000, clock.error_ns, "half of the trip");
	}
}

static void unequal_ways_err_by_no_more_than_half_of_the_trip(void **state)
{
	static const uint64_t ways[][2] = {{100000, 0}, {0, 100000}, {1, 0}, {0, 1}, {700, 90000}};

	(void)state;
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		for (int drift = -1; drift <= 1; drift++) {
			struct other o = {.offset_ns = 5000000000u, .drift = drift * 99e-6};
			const struct rg_clock_trip one = trip(&o, 1000000, ways[i][0], ways[i][1]);
			struct rg_common_clock clock = {0};

			rg_common_clock_compare(&clock, &one, 1, 0);
			assert_at_most(wrong_by(&clock, &o, one.heard_ns), clock.error_ns, "wrong");
		}
	}
}

static void the_shortest_trip_is_believed(void **state)
{
	struct other o = {.offset_ns = 777};
	const struct rg_clock_trip trips[] = {
		trip(&o, 0, 50000, 10000),
		trip(&o, 100000, 3000, 3000),
		trip(&o, 200000, 3000, 9000000),
	};
	struct rg_common_clock clock = {0};

	(void)state;
	rg_common_clock_compare(&clock, trips, 3, 0);
	assert_true(clock.ahead_ns == 777);
	/* 9 ms have passed since. */
	assert_at_most(clock.error_ns, 3000 + 1 + 9200000 * RG_CLOCKS_DRIFT, "error");
}

static void what_the_teller_may_be_wrong_by_is_added(void **state)
{
	struct other o = {.offset_ns = 777};
	const struct rg_clock_trip one = trip(&o, 0, 3000, 3000);
	struct rg_common_clock a = {0}, b = {0}, own;

	(void)state;
	rg_common_clock_compare(&a, &one, 1, 0);
	rg_common_clock_compare(&b, &one, 1, 4000);
	assert_at_most(fabs(b.error_ns - a.error_ns - 4000), 0.001, "difference");
	rg_common_clock_own(&own);
	assert_true(own.known && own.error_ns == 0 && rg_common_clock_of(&own, 55) == 55);
}

/* Minutes of comparisons, ten per second, with delays that are hardly ever the same. */
static void errors_hold_at_all_times_while_clocks_drift(void **state)
{
	(void)state;
	for (int k = 0; k < 20; k++) {
		struct other o = {.offset_ns = (uint64_t)(k - 10) * 3600000000000u,
				  .drift = (k % 5 - 2) * 45e-6,
				  .seed = (uint64_t)k};
		struct rg_common_clock clock = {0};
		uint64_t own = compare(&clock, &o, 1000000000u);

		for (int i = 0; i < 1000; i++) {
			struct rg_common_clock before = clock;
			uint64_t next = own + 100000000u;

			assert_at_most(wrong_by(&clock, &o, own), clock.error_ns, "afterwards");
			own = compare(&clock, &o, next);
			assert_at_most(wrong_by(&before, &o, next), clock.past_error_ns, "before");
		}
		/* The least trip takes 10 us. */
		assert_at_most(clock.error_ns, 100000, "error in the end");
	}
}

static void a_comparison_on_a_bad_day_spoils_nothing(void **state)
{
	struct other o = {.offset_ns = 123456};
	const struct rg_clock_trip good = trip(&o, 1000000, 5000, 5000);
	const struct rg_clock_trip bad = trip(&o, 101000000, 40, 4000000);
	struct rg_common_clock clock = {0};

	(void)state;
	rg_common_clock_compare(&clock, &good, 1, 0);
	rg_common_clock_compare(&clock, &bad, 1, 0);
	assert_true(clock.ahead_ns == 123456);
	assert_at_most(clock.error_ns, 5010 + 105000000 * RG_CLOCKS_DRIFT, "error");
	assert_at_most(clock.past_error_ns, clock.error_ns, "past error");
	assert_true(clock.compared_ns == bad.heard_ns);
}

static void a_clock_that_jumped_is_followed_and_what_was_before_is_not_trusted(void **state)
{
	struct other o = {.offset_ns = 123456};
	struct rg_common_clock clock = {0};

	(void)state;
	for (int bad = 0; bad < 2; bad++) {
		uint64_t own = compare(&clock, &o, 1000000000u * (1 + (uint64_t)bad));
		struct rg_clock_trip one;

		o.offset_ns += 50000000;
		one = trip(&o, own + 100000000, 5000, bad ? 900000 : 5000);
		rg_common_clock_compare(&clock, &one, 1, 0);
		assert_at_most(wrong_by(&clock, &o, one.heard_ns), clock.error_ns, "wrong");
		assert_at_most(50000000 - 900000, clock.past_error_ns, "jump");
	}
}

static void two_clocks_are_apart_by_the_two_largest_errors(void **state)
{
	static const double errors[] = {0, 5, 30, 7, 20};

	(void)state;
	assert_true(rg_common_clocks_apart(errors, 1) == 0);
	assert_true(rg_common_clocks_apart(errors, 2) == 5);
	assert_true(rg_common_clocks_apart(errors, 3) == 35);
	assert_true(rg_common_clocks_apart(errors, 5) == 50);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equal_ways_give_the_very_time_however_far_clocks_are_apart),
		cmocka_unit_test(unequal_ways_err_by_no_more_than_half_of_the_trip),
		cmocka_unit_test(the_shortest_trip_is_believed),
		cmocka_unit_test(what_the_teller_may_be_wrong_by_is_added),
		cmocka_unit_test(errors_hold_at_all_times_while_clocks_drift),
		cmocka_unit_test(a_comparison_on_a_bad_day_spoils_nothing),
		cmocka_unit_test(
			a_clock_that_jumped_is_followed_and_what_was_before_is_not_trusted),
		cmocka_unit_test(two_clocks_are_apart_by_the_two_largest_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
