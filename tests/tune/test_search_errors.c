/* SPDX-License-Identifier: BSD-3-Clause */
/* The search where something cannot be measured, and where it was asked nonsense. */
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

static void without_a_default_that_works_it_is_the_end(void **state)
{
	static const struct algorithm crash[] = {{"default", 10, 2, 0, 0, CRASHES, 4096},
						 {"other", 10, 2, 0, 0, WORKS, 0}};
	static const struct algorithm wrong[] = {{"default", 10, 2, 0, 0, WRONG, 4096},
						 {"other", 10, 2, 0, 0, WORKS, 0}};
	const struct algorithm *const lists[] = {crash, wrong, crash};
	const char *const words[] = {
		"the library's own choice fails: ended by signal 11 (Segmentation fault)",
		"the library's own choice gives wrong data: 3 elements are wrong",
		"its algorithms cannot be listed: ended by signal 11 (Segmentation fault)"};

	for (int i = 0; i < 3; i++) {
		struct library library = {lists[i], 2, 0.03, 0.01, .seed = 9};
		struct rg_search_config config = library_config(&library);
		struct rg_err err = {0};
		struct rg_search *s;

		config.known = i == 2 ? NULL : library_known;
		assert_int_equal(rg_search_open(&config, &s, NULL), 0);
		assert_int_equal(library_search(s, &library, LIBRARY_LAUNCHES_MAX, &err),
				 RG_ERR_UNSUPPORTED);
		assert_string_equal(err.text, words[i]);
		rg_search_close(s);
	}
}

static void sizes_that_the_default_refuses_are_left_to_it(void **state)
{
	static const struct algorithm algorithms[] = {{"default", 10000, 2, 0, 0, REFUSED, 1 << 24},
						      {"wide", 5000, 8, 0, 0, WORKS, 0}};
	struct library library = {algorithms, 2, 0.03, 0.01, .seed = 9};
	struct rg_search_config config = library_config(&library);
	struct rg_decision d = decide(&library, &config);

	static const char *const want[] = {"wide", "default"};

	expect_ranges(&d, 2, want);
	assert_true(d.ranges[1].from_bytes > (1 << 24) / 1.2 && d.ranges[1].from_bytes <= 1 << 24);
	assert_int_equal(d.ranges[1].npoints, 0);
	assert_int_equal(evidence(&d, 1 << 24, "default")->fate, RG_FATE_REFUSED);
	rg_decision_release(&d);
}

static void a_size_at_which_the_default_never_counted_is_not_its_neighbours(void **state)
{
	static const struct algorithm algorithms[] = {{"default", 10000, 2, 0, 0, SILENT, 1 << 20},
						      {"wide", 5000, 8, 0, 0, WORKS, 0}};
	struct library library = {algorithms, 2, 0.03, 0.01, UINT32_MAX, .seed = 9};
	struct rg_search_config config = library_config(&library);
	struct rg_decision d = decide(&library, &config);
	static const char *const want[] = {"wide", "default", "wide"};

	expect_ranges(&d, 3, want);
	assert_true(d.ranges[1].from_bytes <= 1 << 20 && d.ranges[1].to_bytes >= 1 << 20);
	assert_int_equal(evidence(&d, 1 << 20, "default")->fate, RG_FATE_REFUSED);
	assert_string_equal(evidence(&d, 1 << 20, "default")->why,
			    "no repetition counted in 6 launches");
	rg_decision_release(&d);
}

static void a_launch_in_which_nothing_counts_is_not_the_end_of_a_candidate(void **state)
{
	static const struct algorithm algorithms[] = {{"default", 10000, 2, 0, 0, SILENT, 1 << 20},
						      {"wide", 5000, 8, 0, 0, SILENT, 1 << 10},
						      {"poor", 90000, 0.5, 0, 0, SILENT, 1 << 12}};
	static const char *const want[] = {"wide"};

	/* In the list, in the second screening that it leads to, and in a launch of confirm. */
	for (uint32_t silent = 1; silent <= 3; silent++) {
		struct library library = {algorithms, 3, 0.03, 0.01, silent, .seed = 9};
		struct rg_search_config config = library_config(&library);
		struct rg_decision d = decide(&library, &config);

		expect_ranges(&d, 1, want);
		assert_int_equal(evidence(&d, 1 << 20, "default")->fate, RG_FATE_MEASURED);
		assert_int_equal(evidence(&d, 1 << 10, "wide")->fate, RG_FATE_MEASURED);
		assert_int_equal(evidence(&d, 1 << 10, "wide")->launches,
				 LIBRARY_LAUNCHES - (silent > 2));
		assert_int_equal(library.launches, 2 + LIBRARY_LAUNCHES);
		rg_decision_release(&d);
	}
}

/* A launch that tells nothing must not be made again and again. */
static void what_never_counts_comes_to_an_end(void **state)
{
	for (uint32_t who = 0; who < 2; who++) {
		struct algorithm algorithms[] = {{"default", 10000, 2, 0, 0, WORKS, 0},
						 {"quick", 5000, 1, 0, 0, WORKS, 0}};
		struct library library = {algorithms, 2, 0.03, 0.01, UINT32_MAX, .seed = 9};
		struct rg_search_config config = library_config(&library);
		struct rg_decision d;

		algorithms[who].mishap = SILENT;
		algorithms[who].from = 8192; /* a size in between, the first one */
		d = decide(&library, &config);
		assert_int_equal(evidence(&d, 8192, "default")->choice.id, 0);
		assert_int_equal(evidence(&d, 8192, algorithms[who].name)->fate, RG_FATE_REFUSED);
		assert_int_equal(rg_decision_at(&d, 8192)->choice.id, 0);
		rg_decision_release(&d);
	}
}

static void nonsense_is_refused(void **state)
{
	static const uint64_t descending[] = {8, 4};
	struct library library = {crossing, 4, 0.03, 0.01, .seed = 1};
	struct rg_search_config config = library_config(&library);
	struct rg_search *s = NULL;

	config.resolution = 1;
	assert_int_equal(rg_search_open(&config, &s, NULL), RG_ERR_INVALID);
	config = library_config(&library);
	config.launches = 1;
	assert_int_equal(rg_search_open(&config, &s, NULL), RG_ERR_INVALID);
	config = library_config(&library);
	config.nsizes = 2;
	config.sizes = descending;
	assert_int_equal(rg_search_open(&config, &s, NULL), RG_ERR_INVALID);
	assert_null(s);
}

static void too_many_candidates_are_an_error(void **state)
{
	struct algorithm many[RG_SEARCH_CANDIDATES_MAX];
	struct library library = {many, RG_SEARCH_CANDIDATES_MAX, 0.03, 0.01, .seed = 1};
	struct rg_search_config config = library_config(&library);
	struct rg_err err = {0};
	struct rg_search *s;

	for (uint32_t i = 0; i < RG_SEARCH_CANDIDATES_MAX; i++)
		many[i] = (struct algorithm){i ? "one" : "default", 10, 1, .segment = 4096};
	assert_int_equal(rg_search_open(&config, &s, NULL), 0);
	assert_int_equal(library_search(s, &library, LIBRARY_LAUNCHES_MAX, &err), RG_ERR_LIMIT);
	assert_string_equal(err.text, "more than 48 algorithms and segment sizes");
	rg_search_close(s);
}

static int once(void)
{
	struct library library = {crossing, 4, 0.03, 0.01, .seed = 1};
	struct rg_search_config config = library_config(&library);
	struct rg_decision d = {0};
	struct rg_search *s = NULL;
	int rc;

	config.nsizes = 6;
	config.launches = 2;
	rc = rg_search_open(&config, &s, NULL);
	if (!rc)
		rc = library_search(s, &library, LIBRARY_LAUNCHES_MAX, NULL);
	if (!rc)
		rc = rg_search_decide(s, &d, NULL);
	rg_decision_release(&d);
	rg_search_close(s);
	return rc;
}

static void each_allocation_that_fails_is_reported(void **state)
{
	for (unsigned long n = 1;; n++) {
		int rc;

		rg_mem_fail_nth(n);
		rc = once();
		if (!rg_mem_fail_fired())
			break;
		assert_int_equal(rc, RG_ERR_NO_MEMORY);
	}
	rg_mem_fail_nth(0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_default_that_works_it_is_the_end),
		cmocka_unit_test(sizes_that_the_default_refuses_are_left_to_it),
		cmocka_unit_test(a_size_at_which_the_default_never_counted_is_not_its_neighbours),
		cmocka_unit_test(a_launch_in_which_nothing_counts_is_not_the_end_of_a_candidate),
		cmocka_unit_test(what_never_counts_comes_to_an_end),
		cmocka_unit_test(nonsense_is_refused),
		cmocka_unit_test(too_many_candidates_are_an_error),
		cmocka_unit_test(each_allocation_that_fails_is_reported),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
