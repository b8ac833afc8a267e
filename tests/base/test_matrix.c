/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/base/matrix.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* Rank 1 sends nothing, rank 2 gets most. */
static const uint64_t sample[] = {5, 0, 7, /* */ 0, 0, 0, /* */ 2, 1, 9};

static const uint64_t one_way[] = {5, 1, 7, /* */ 0, 4, 2, /* */ 0, 0, 9};

static void rows_are_sources_and_columns_destinations(void **state)
{
	static const uint64_t even[] = {3, 3, 3, 3};

	assert_int_equal(rg_matrix_sent(sample, 3, 0), 12);
	assert_int_equal(rg_matrix_sent(sample, 3, 1), 0);
	assert_int_equal(rg_matrix_received(sample, 3, 0), 7);
	assert_int_equal(rg_matrix_received(sample, 3, 2), 16);
	assert_int_equal(rg_matrix_src_at(sample, 3, 2, 0), 0);
	assert_int_equal(rg_matrix_src_at(sample, 3, 2, 2), 3);
	assert_int_equal(rg_matrix_dst_at(sample, 3, 2, 0), 5);
	assert_int_equal(rg_matrix_dst_at(sample, 3, 2, 2), 7);
	assert_int_equal(rg_matrix_busiest(sample, 3), 16);
	assert_int_equal(rg_matrix_crossing(sample, 3), 7);
	assert_int_equal(rg_matrix_total(sample, 3), 24);
	assert_int_equal(rg_matrix_diagonal(sample, 3), 14);
	assert_int_equal(rg_matrix_longest(sample, 3), 9);
	assert_int_equal(rg_matrix_shortest(sample, 3), 1);
	assert_false(rg_matrix_uniform(sample, 3));
	assert_true(rg_matrix_uniform(even, 2));
	assert_true(rg_matrix_mutual(sample, 3));
	assert_false(rg_matrix_mutual(one_way, 3));
}

static void weights_become_counts_of_a_size(void **state)
{
	uint64_t counts[9], huge[4] = {0, RG_MATRIX_WEIGHT_MAX, RG_MATRIX_WEIGHT_MAX - 1, 0};

	rg_matrix_scale(sample, 3, 16, counts);
	assert_memory_equal(counts, sample, sizeof(counts));
	rg_matrix_scale(sample, 3, 160, counts);
	assert_int_equal(counts[8], 90);
	rg_matrix_scale(sample, 3, 8, counts);
	assert_int_equal(counts[0], 2); /* 2.5 */
	assert_int_equal(counts[7], 0); /* 0.5 */
	rg_matrix_scale(NULL, 3, 11, counts);
	for (int i = 0; i < 9; i++)
		assert_int_equal(counts[i], 3);
	/* What does not fit into 64 bits on the way. */
	rg_matrix_scale(huge, 2, RG_MATRIX_WEIGHT_MAX, counts);
	assert_int_equal(counts[2], RG_MATRIX_WEIGHT_MAX - 1);
}

static void in_place_as_much_must_come_as_goes(void **state)
{
	static const uint64_t even[] = {1, 2, 0, /* */ 2, 5, 3, /* */ 0, 3, 0};
	struct rg_err err = {0};

	assert_int_equal(rg_matrix_check_in_place(even, 3, &err), 0);
	assert_int_equal(rg_matrix_check_in_place(sample, 3, &err), RG_ERR_UNSUPPORTED);
	assert_string_equal(err.text, "in place as much must come as goes, but rank 0 sends rank 2 "
				      "7 elements and gets 2");
}

static int parse(const char *text, uint32_t nranks, uint64_t *weights, struct rg_err *err)
{
	return rg_matrix_parse(text, strlen(text), "m", nranks, weights, err);
}

static void text_may_have_comments_and_empty_lines(void **state)
{
	const char *text = "# a job\n\n1 2\t 3\r\n0 0 1000000000000# the largest\n \n007 8 9";
	struct rg_err err = {0};
	uint64_t w[9];

	assert_int_equal(parse(text, 3, w, &err), 0);
	assert_int_equal(w[1], 2);
	assert_int_equal(w[5], RG_MATRIX_WEIGHT_MAX);
	assert_int_equal(w[6], 7);
	assert_int_equal(w[8], 9);
	assert_int_equal(parse("1\n", 1, w, &err), 0);
	assert_int_equal(w[0], 1);
}

#define WHOLE ": expected a whole number from 0 to 1000000000000"

static void mistakes_are_named_with_their_line(void **state)
{
	static const struct {
		const char *text, *words;
	} table[] = {
		{"1 2\n3 x4\n", "m:2: \"x4\"" WHOLE},
		{"1 2\n3 4.5\n", "m:2: \"4.5\"" WHOLE},
		{"1 2\n3 4e3\n", "m:2: \"4e3\"" WHOLE},
		{"1 2\n3 0x4\n", "m:2: \"0x4\"" WHOLE},
		{"1 2\n3 nan\n", "m:2: \"nan\"" WHOLE},
		{"1 -2\n3 4\n", "m:1: \"-2\"" WHOLE},
		{"1 +2\n3 4\n", "m:1: \"+2\"" WHOLE},
		{"1,2\n3,4\n", "m:1: \"1,2\"" WHOLE},
		{"1 1000000000001\n", "m:1: \"1000000000001\"" WHOLE},
		{"1 18446744073709551617\n", "m:1: \"18446744073709551617\"" WHOLE},
		{"1 9999999999999999999999999999999999999999999999\n",
		 "m:1: \"9999999999999999999999999999999999999999\"" WHOLE},
		{"#\n\n1 2 3\n4 5\n", "m:3: expected 2 numbers, one for each rank, not 3"},
		{"1 2\n3 # 4\n", "m:2: expected 2 numbers, one for each rank, not 1"},
		{"1 2\n3 4\n5 6\n",
		 "m:3: expected the end: there is a line already for each of the 2 ranks"},
		{"1 2\n#\n", "m:2: expected 2 lines of numbers, one for each rank, but the file "
			     "ends after 1"},
		{"", "m:1: expected 2 lines of numbers, one for each rank, but the file ends after "
		     "0"},
		{"0 0\n0 0\n",
		 "m: expected a number above 0 somewhere: nobody would send anything"},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct rg_err err = {0};
		uint64_t w[4];

		assert_int_equal(parse(table[i].text, 2, w, &err), RG_ERR_FORMAT);
		assert_string_equal(err.text, table[i].words);
	}
}

static void what_is_no_text_is_refused(void **state)
{
	struct rg_err err = {0};
	uint64_t w[4];

	assert_int_equal(rg_matrix_parse("1 2\n\0 3", 7, "m", 2, w, &err), RG_ERR_FORMAT);
	assert_string_equal(err.text, "m: expected text, but it has a zero byte");
}

static void files_are_read_or_refused_by_name(void **state)
{
	char path[] = "/tmp/test_matrix.XXXXXX";
	int fd = mkstemp(path);
	struct rg_err err = {0};
	uint64_t w[4];

	assert_true(fd >= 0);
	assert_int_equal(write(fd, "1 2\n3 4\n", 8), 8);
	assert_int_equal(rg_matrix_read(path, 2, w, &err), 0);
	assert_int_equal(w[3], 4);
	assert_int_equal(rg_matrix_read(path, 1, w, &err), RG_ERR_FORMAT);
	assert_ptr_equal(strstr(err.text, path), err.text);
	assert_int_equal(ftruncate(fd, (off_t)RG_MATRIX_FILE_BYTES + 1), 0);
	assert_int_equal(rg_matrix_read(path, 2, w, &err), RG_ERR_LIMIT);
	assert_ptr_equal(strstr(err.text, path), err.text);
	close(fd);
	unlink(path);
	assert_int_equal(rg_matrix_read("/tmp", 2, w, &err), RG_ERR_SYSTEM);
	assert_ptr_equal(strstr(err.text, "/tmp"), err.text);
	assert_int_equal(rg_matrix_read("/nowhere/x", 2, w, &err), RG_ERR_NOT_FOUND);
	assert_ptr_equal(strstr(err.text, "/nowhere/x"), err.text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_sources_and_columns_destinations),
		cmocka_unit_test(weights_become_counts_of_a_size),
		cmocka_unit_test(in_place_as_much_must_come_as_goes),
		cmocka_unit_test(text_may_have_comments_and_empty_lines),
		cmocka_unit_test(mistakes_are_named_with_their_line),
		cmocka_unit_test(what_is_no_text_is_refused),
		cmocka_unit_test(files_are_read_or_refused_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
