/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "searches.h"

#include "railgauge/base/mem.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void each_size_gets_what_is_fastest_and_boundaries_are_found(void **state)
{
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct library library = {crossing, 4, 0.03, 0.01, .seed = seed};
		struct rg_search_config config = library_config(&library);
		struct rg_decision d = decide(&library, &config);
		static const char *const want[] = {"quick", "default", "wide"};

		/* quick is faster than the default up to 10 KB, wide from 26.7 KB on. */
		expect_ranges(&d, 3, want);
		assert_true(d.ranges[1].from_bytes > 10000 / 1.2 &&
			    d.ranges[1].from_bytes < 10000 * 1.2);
		assert_true(d.ranges[2].from_bytes > 26667 / 1.2 &&
			    d.ranges[2].from_bytes < 26667 * 1.2);
		assert_true(d.ranges[0].gain.lo > 1 && d.ranges[2].gain.lo > 1);
		assert_true(d.ranges[0].gain.n == LIBRARY_LAUNCHES &&
			    d.ranges[2].gain.n == LIBRARY_LAUNCHES);
		assert_true(d.ranges[1].gain.ratio == 1 && d.ranges[1].gain.n == 0);
		assert_true(d.ranges[2].has_runner_up && d.ranges[2].runner_up_ratio > 1.5);
		assert_int_equal(evidence(&d, 64, "poor")->fate, RG_FATE_BEATEN);
		assert_int_equal(evidence(&d, 64, "quick")->fate, RG_FATE_MEASURED);
		assert_string_equal(d.note, "");
		/* The list, confirming, and two rounds of four sections in five launches at most.
		 */
		assert_in_range(library.launches, 1 + LIBRARY_LAUNCHES,
				1 + LIBRARY_LAUNCHES + 2 * 5);
		rg_decision_release(&d);
	}
}

/*
 * Three candidates are compared at the one size, in two looks unless all is measured. The range is
 * its point alone, and says the same; a piece of evidence is for itself, and narrower by the ratio
 * of two of Student's.
 */
static void the_gain_of_a_choice_among_three_has_an_interval_for_three(void **state)
{
	static const struct algorithm algorithms[] = {
		{"default", 10000, 2, 0, 0, WORKS, 0},
		{"a", 5000, 4, 0, 0, WORKS, 0},
		{"b", 5500, 4, 0, 0, WORKS, 0},
		{"c", 5800, 4, 0, 0, WORKS, 0},
	};
	static const uint64_t size = 1024;

	for (uint32_t looks = 1; looks <= 2; looks++) {
		struct library library = {algorithms, 4, 0.03, 0.02, .seed = 1};
		struct rg_search_config config = library_config(&library);
		const struct rg_ratio *point, *range, *alone;
		struct rg_decision d;
		double wider;

		config.nsizes = 1;
		config.sizes = &size;
		config.exhaustive = looks == 1;
		d = decide(&library, &config);
		point = &d.points[0].gain;
		range = &d.ranges[0].gain;
		alone = &evidence(&d, size, "a")->gain;
		assert_string_equal(d.ranges[0].choice.algorithm, "a");
		assert_true(fabs(range->lo / point->lo - 1) < 1e-9);
		assert_true(fabs(range->hi / point->hi - 1) < 1e-9);
		wider = rg_stats_student_at(1 - 0.05 / (3 * looks), LIBRARY_LAUNCHES - 1) /
			rg_stats_student(LIBRARY_LAUNCHES - 1);
		assert_true(fabs(log(point->hi / point->lo) / log(alone->hi / alone->lo) / wider -
				 1) < 1e-6);
		rg_decision_release(&d);
	}
}

static void segment_sizes_are_tried_where_messages_are_longer(void **state)
{
	static const struct algorithm algorithms[] = {
		{"default", 10000, 2, 0, 0, WORKS, 0},
		{"chain", 10000, 0.2, 65536, 6, WORKS, 0},
	};
	struct library library = {algorithms, 2, 0.03, 0.01, .seed = 1};
	struct rg_search_config config = library_config(&library);
	struct rg_decision d = decide(&library, &config);
	static const char *const want[] = {"default", "chain"};

	expect_ranges(&d, 2, want);
	assert_int_equal(d.ranges[1].choice.segment_bytes, 65536);
	assert_true(d.ranges[1].from_bytes > 65536);
	assert_int_equal(evidence(&d, 16384, "chain")->choice.segment_bytes, 0);
	for (uint32_t k = 0; k < d.points[0].nevidence; k++) {
		if (d.points[0].evidence[k].choice.segment_bytes)
			assert_string_equal(d.points[0].evidence[k].why,
					    "the message is no longer");
	}
	rg_decision_release(&d);
}

static void what_fails_or_is_wrong_is_excluded_with_the_reason(void **state)
{
	static const struct algorithm algorithms[] = {
		{"default", 10000, 2, 0, 0, WORKS, 0},
		{"crash", 100, 20, 65536, 30, CRASHES, 4096},
		{"wrong", 100, 20, 0, 0, WRONG, 65536},
		{"refuse", 100, 20, 0, 0, REFUSED, 1024},
		{"crash2", 100, 20, 0, 0, CRASHES, 1 << 28},
		{"good", 8000, 4, 0, 0, WORKS, 0},
	};
	struct library library = {algorithms, 6, 0.03, 0.01, .seed = 1};
	struct rg_search_config config = library_config(&library);
	struct rg_decision d = decide(&library, &config);
	const struct rg_evidence *e = evidence(&d, 64, "crash");

	assert_int_equal(e->fate, RG_FATE_EXCLUDED);
	assert_string_equal(e->why, "ended by signal 11 (Segmentation fault)");
	assert_int_equal(e->launches, 0);
	assert_int_equal(evidence(&d, 1 << 20, "crash2")->fate, RG_FATE_EXCLUDED);
	assert_int_equal(evidence(&d, 64, "wrong")->fate, RG_FATE_EXCLUDED);
	assert_string_equal(evidence(&d, 64, "wrong")->why, "3 elements are wrong");
	assert_int_equal(evidence(&d, 1024, "refuse")->fate, RG_FATE_REFUSED);
	assert_string_equal(evidence(&d, 1024, "refuse")->why, "is of no use");
	assert_string_equal(d.ranges[0].choice.algorithm, "refuse");
	assert_true(d.ranges[0].to_bytes >= 256 && d.ranges[0].to_bytes < 1024);
	assert_string_equal(d.ranges[1].choice.algorithm, "good");
	assert_int_equal(d.nranges, 2);
	assert_int_equal(library.isolated, 8); /* the default, too; those that crash twice */
	rg_decision_release(&d);
}

static void a_segment_that_fails_does_not_exclude_the_algorithm(void **state)
{
	static const struct algorithm algorithms[] = {
		{"default", 10000, 2, 0, 0, WORKS, 0},
		{"chain", 10000, 4, 65536, 6, WORKS, 0},
		{"crash", 10, 4, 65536, 6, CRASHES, 1 << 26},
	};
	struct library library = {algorithms, 3, 0.03, 0.01, .seed = 1};
	struct rg_search_config config = library_config(&library);
	struct rg_decision d = decide(&library, &config);

	assert_int_equal(evidence(&d, 1 << 20, "crash")->fate, RG_FATE_EXCLUDED);
	assert_string_equal(d.ranges[d.nranges - 1].choice.algorithm, "chain");
	assert_int_equal(d.ranges[d.nranges - 1].choice.segment_bytes, 65536);
	rg_decision_release(&d);
}

static void the_same_outcomes_lead_to_the_same_decisions(void **state)
{
	struct library library = {crossing, 4, 0.03, 0.02, .seed = 7};
	struct rg_search_config config = library_config(&library);
	struct outcome outcomes[LIBRARY_LAUNCHES_MAX];
	struct rg_search_launch first, again;
	struct rg_decision a, b;
	struct rg_search *s, *t;
	uint32_t n = 0;

	assert_int_equal(rg_search_open(&config, &s, NULL), 0);
	for (; rg_search_next(s, &first); n++) {
		library_launch(&library, &first, &outcomes[n]);
		assert_int_equal(rg_search_feed(s, &outcomes[n].outcome, NULL), 0);
	}
	assert_int_equal(rg_search_open(&config, &t, NULL), 0);
	for (uint32_t i = 0; i < n; i++) {
		assert_true(rg_search_next(t, &again));
		assert_true(again.npoints > 0);
		assert_int_equal(rg_search_feed(t, &outcomes[i].outcome, NULL), 0);
		outcome_release(&outcomes[i]);
	}
	assert_false(rg_search_next(t, &again));
	memset(&a, 0, sizeof(a));
	memset(&b, 0, sizeof(b));
	assert_int_equal(rg_search_decide(s, &a, NULL), 0);
	assert_int_equal(rg_search_decide(t, &b, NULL), 0);
	assert_int_equal(a.nranges, b.nranges);
	assert_int_equal(a.npoints, b.npoints);
	for (uint32_t i = 0; i < a.nranges; i++) {
		assert_true(a.ranges[i].from_bytes == b.ranges[i].from_bytes);
		assert_true(rg_choice_same(&a.ranges[i].choice, &b.ranges[i].choice));
		assert_true(a.ranges[i].gain.ratio == b.ranges[i].gain.ratio);
	}
	rg_decision_release(&a);
	rg_decision_release(&b);
	rg_search_close(s);
	rg_search_close(t);
}

static void asking_twice_for_a_launch_gives_the_same_one(void **state)
{
	struct library library = {crossing, 4, 0.03, 0.01, .seed = 3};
	struct rg_search_config config = library_config(&library);
	struct rg_search_launch a, b;
	struct rg_search *s;

	assert_int_equal(rg_search_open(&config, &s, NULL), 0);
	assert_true(rg_search_next(s, &a));
	assert_true(a.list_all && a.race && a.npoints == LIBRARY_NSIZES &&
		    a.points[0].nchoices == 0);
	assert_int_equal(library_search(s, &library, 1, NULL), 0);
	assert_true(rg_search_next(s, &a));
	assert_true(rg_search_next(s, &b));
	assert_int_equal(a.npoints, b.npoints);
	assert_int_equal(a.phase, RG_SEARCH_CONFIRM);
	assert_true(!a.list_all && !a.race && !a.once);
	for (uint32_t i = 0; i < a.npoints; i++) {
		assert_true(a.points[i].nchoices == b.points[i].nchoices);
		assert_int_equal(a.points[i].choices[0].id, 0);
	}
	assert_true(a.left >= LIBRARY_LAUNCHES - 1);
	rg_search_close(s);
}

static void who_is_left_gets_its_part_of_the_time_and_no_more(void **state)
{
	struct library library = {crossing, 4, 0.03, 0.01, .seed = 3};
	struct rg_search_config config = library_config(&library);

	for (uint32_t exhaustive = 0; exhaustive < 2; exhaustive++) {
		struct rg_search_launch l;
		struct rg_search *s;
		uint32_t choices = 0;

		config.exhaustive = exhaustive;
		assert_int_equal(rg_search_open(&config, &s, NULL), 0);
		assert_true(rg_search_next(s, &l));
		assert_true(l.share == (exhaustive ? 1 : 0.10));
		assert_int_equal(library_search(s, &library, 1, NULL), 0);
		assert_true(rg_search_next(s, &l));
		for (uint32_t i = 0; i < l.npoints; i++)
			choices += l.points[i].nchoices;
		assert_true(exhaustive ? l.share == 1
				       : fabs(l.share - 0.15 * choices / (4.0 * l.npoints)) < 1e-9);
		assert_true(l.share == 1 || l.share < 0.2);
		rg_search_close(s);
	}
}

static void exhaustive_measures_all_in_all_launches(void **state)
{
	struct library library = {crossing, 4, 0.03, 0.01, .seed = 5};
	struct rg_search_config config = library_config(&library);
	static const char *const want[] = {"quick", "default", "wide"};
	struct rg_decision d;

	config.exhaustive = true;
	d = decide(&library, &config);
	expect_ranges(&d, 3, want);
	for (uint32_t i = 0; i < d.npoints; i++) {
		if (!d.points[i].boundary)
			assert_int_equal(d.points[i].nevidence, 4);
		for (uint32_t k = 0; k < d.points[i].nevidence; k++) {
			assert_int_equal(d.points[i].evidence[k].fate, RG_FATE_MEASURED);
			assert_int_equal(d.points[i].evidence[k].launches, LIBRARY_LAUNCHES);
		}
	}
	rg_decision_release(&d);
}

/* Two sizes at which another one is better; and at which it is not. */
static void outside_of_what_was_asked_for_nothing_is_set(void **state)
{
	static const struct algorithm better[] = {
		{"default", 10000, 2, 0, 0, WORKS, 0},
		{"better", 5000, 4, 0, 0, WORKS, 0},
	};
	static const uint64_t sizes[] = {1024, 4096};

	for (uint32_t n = 1; n <= 2; n++) {
		struct library library = {better, n, 0.03, 0.01, .seed = 1};
		struct rg_search_config config = library_config(&library);
		struct rg_search *s;
		struct rg_decision d;

		config.nsizes = 2;
		config.sizes = sizes;
		assert_int_equal(rg_search_open(&config, &s, NULL), 0);
		assert_int_equal(library_search(s, &library, LIBRARY_LAUNCHES_MAX, NULL), 0);
		assert_int_equal(rg_search_decide(s, &d, NULL), 0);
		rg_search_close(s);
		assert_int_equal(d.nranges, n == 1 ? 1 : 3);
		if (n == 2) {
			assert_true(d.ranges[0].from_bytes == 0 && d.ranges[0].to_bytes == 1023);
			assert_true(d.ranges[2].from_bytes == 4097 &&
				    d.ranges[2].to_bytes == UINT64_MAX);
			assert_int_equal(d.ranges[1].choice.id, 1);
			for (uint32_t i = 0; i <= 2; i += 2)
				assert_true(d.ranges[i].choice.id == 0 && d.ranges[i].npoints == 0);
		}
		rg_decision_release(&d);
	}
}

static void one_choice_for_all_sizes_must_be_none_s_loss(void **state)
{
	static const struct algorithm algorithms[] = {
		{"default", 10000, 2, 0, 0, WORKS, 0},
		{"wide", 20000, 8, 0, 0, WORKS, 0}, /* slower at the small sizes */
		{"all", 9000, 2.4, 0, 0, WORKS, 0},
	};
	static const char *const both[] = {"all"}, *const neither[] = {"default"};
	struct library library = {algorithms, 3, 0.03, 0.01, .seed = 5};
	struct rg_search_config config = library_config(&library);
	struct rg_decision d;

	config.one_range = true;
	d = decide(&library, &config);
	expect_ranges(&d, 1, both);
	assert_int_equal(d.ranges[0].gain.n, LIBRARY_LAUNCHES);
	rg_decision_release(&d);
	library.n = 2;
	d = decide(&library, &config);
	expect_ranges(&d, 1, neither);
	rg_decision_release(&d);
}

static void a_stop_leaves_the_default_where_nothing_is_decided(void **state)
{
	for (uint32_t after = 0; after <= 8; after++) {
		struct library library = {crossing, 4, 0.03, 0.01, .seed = 9};
		struct rg_search_config config = library_config(&library);
		struct rg_decision d = {0};
		struct rg_search_launch launch;
		struct rg_search *s;

		assert_int_equal(rg_search_open(&config, &s, NULL), 0);
		assert_int_equal(library_search(s, &library, after, NULL), 0);
		rg_search_stop(s, "time ran out");
		assert_false(rg_search_next(s, &launch));
		assert_int_equal(rg_search_decide(s, &d, NULL), 0);
		assert_string_equal(d.note,
				    after < 6 ? "not wholly searched: time ran out"
					      : "boundaries are not as exact as asked for: time "
						"ran out");
		if (after < 3) /* one launch of confirm is none */
			assert_true(d.nranges == 1 && d.ranges[0].choice.id == 0);
		else if (after >= 6)
			assert_int_equal(d.nranges, 5);
		rg_decision_release(&d);
		rg_search_close(s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_size_gets_what_is_fastest_and_boundaries_are_found),
		cmocka_unit_test(the_gain_of_a_choice_among_three_has_an_interval_for_three),
		cmocka_unit_test(segment_sizes_are_tried_where_messages_are_longer),
		cmocka_unit_test(what_fails_or_is_wrong_is_excluded_with_the_reason),
		cmocka_unit_test(a_segment_that_fails_does_not_exclude_the_algorithm),
		cmocka_unit_test(the_same_outcomes_lead_to_the_same_decisions),
		cmocka_unit_test(asking_twice_for_a_launch_gives_the_same_one),
		cmocka_unit_test(who_is_left_gets_its_part_of_the_time_and_no_more),
		cmocka_unit_test(exhaustive_measures_all_in_all_launches),
		cmocka_unit_test(outside_of_what_was_asked_for_nothing_is_set),
		cmocka_unit_test(one_choice_for_all_sizes_must_be_none_s_loss),
		cmocka_unit_test(a_stop_leaves_the_default_where_nothing_is_decided),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
