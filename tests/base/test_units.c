/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/base/units.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void sizes_are_read_exactly(void **state)
{
	uint64_t v = 0;
	struct rg_err err = {0};

	assert_int_equal(rg_parse_size("8", "-b", &v, &err), 0);
	assert_int_equal(v, 8);
	assert_int_equal(rg_parse_size("1.5M", "-b", &v, &err), 0);
	assert_int_equal(v, 3 << 19);
	assert_int_equal(rg_parse_size("2GiB", "-b", &v, &err), 0);
	assert_int_equal(v, (uint64_t)2 << 30);
}

static void nonsense_sizes_are_refused_and_leave_the_output_alone(void **state)
{
	static const char *const bad[] = {"",	  "-8", "x",   "8Q",  "1.0001K",
					  "0x10", " 8", "8 8", "inf", "nan"};
	struct rg_err err = {0};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		uint64_t v = 77;

		assert_int_equal(rg_parse_size(bad[i], "-b", &v, &err), RG_ERR_INVALID);
		assert_int_equal(v, 77);
		assert_string_not_equal(err.text, "");
	}
	uint64_t v = 77;
	assert_int_equal(rg_parse_size("9000000T", "-b", &v, &err), RG_ERR_RANGE);
	assert_int_equal(v, 77);
}

static void formatted_sizes_read_back_as_themselves(void **state)
{
	static const uint64_t sizes[] = {0,    1,	8,	 1000,		1024,
					 1536, 1 << 20, 3 << 19, (1 << 20) + 4, (uint64_t)1 << 40};
	char text[RG_UNITS_BYTES];

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		uint64_t v = 0;

		assert_int_equal(rg_parse_size(rg_format_size(sizes[i], text), "x", &v, NULL), 0);
		assert_int_equal(v, sizes[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_are_read_exactly),
		cmocka_unit_test(nonsense_sizes_are_refused_and_leave_the_output_alone),
		cmocka_unit_test(formatted_sizes_read_back_as_themselves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
