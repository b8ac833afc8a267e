/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/device/types.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* The oracle: values by the definition of the format, in double, which holds all of them exactly.
 */
struct format {
	int mantissa_bits, exponent_bits;
	float (*widen)(uint16_t);
	uint16_t (*narrow)(float);
};

static const struct format half = {10, 5, rg_half_to_float, rg_half_from_float};
static const struct format bfloat16 = {7, 8, rg_bfloat16_to_float, rg_bfloat16_from_float};

static double magnitude(const struct format *f, uint32_t code)
{
	int bias = (1 << (f->exponent_bits - 1)) - 1;
	int mantissa = (int)(code & ((1u << f->mantissa_bits) - 1));
	int exponent = (int)(code >> f->mantissa_bits);

	if (exponent == 0)
		return ldexp(mantissa, 1 - bias - f->mantissa_bits);
	/* Infinity counts as the next power of two, which is what rounding compares with. */
	return ldexp(mantissa + (1 << f->mantissa_bits), exponent - bias - f->mantissa_bits);
}

static uint32_t infinity_code(const struct format *f)
{
	return ((1u << f->exponent_bits) - 1) << f->mantissa_bits;
}

static void every_code_widens_to_its_value(const struct format *f)
{
	for (uint32_t code = 0; code < 0x10000; code++) {
		uint32_t abs = code & 0x7fff;
		float v = f->widen((uint16_t)code);

		assert_int_equal(signbit(v) != 0, code >> 15);
		if (abs > infinity_code(f))
			assert_true(isnan(v));
		else if (abs == infinity_code(f))
			assert_true(isinf(v));
		else
			assert_true(fabs((double)v) == magnitude(f, abs));
	}
}

static void every_code_comes_back_as_itself(const struct format *f)
{
	for (uint32_t code = 0; code < 0x10000; code++) {
		uint32_t quiet = 1u << (f->mantissa_bits - 1);
		uint32_t want = (code & 0x7fff) > infinity_code(f) ? code | quiet : code;

		assert_int_equal(f->narrow(f->widen((uint16_t)code)), want);
	}
}

/* For each pair of neighbours: the middle, and the floats just below and above it. */
static void middles_round_to_even(const struct format *f)
{
	for (uint32_t code = 0; code < infinity_code(f); code++) {
		float middle = (float)((magnitude(f, code) + magnitude(f, code + 1)) / 2);
		uint32_t even = code + (code & 1);

		for (uint32_t sign = 0; sign <= 0x8000; sign += 0x8000) {
			float s = sign ? -1 : 1;

			assert_int_equal(f->narrow(s * middle), sign | even);
			assert_int_equal(f->narrow(s * nextafterf(middle, 0)), sign | code);
			assert_int_equal(f->narrow(s * nextafterf(middle, INFINITY)),
					 sign | (code + 1));
		}
	}
}

static void halves_widen_to_their_values(void **state)
{
	every_code_widens_to_its_value(&half);
}

static void bfloat16s_widen_to_their_values(void **state)
{
	every_code_widens_to_its_value(&bfloat16);
}

static void halves_come_back_as_themselves(void **state)
{
	every_code_comes_back_as_itself(&half);
}

static void bfloat16s_come_back_as_themselves(void **state)
{
	every_code_comes_back_as_itself(&bfloat16);
}

static void floats_round_to_the_nearest_half_and_ties_to_even(void **state)
{
	middles_round_to_even(&half);
}

static void floats_round_to_the_nearest_bfloat16_and_ties_to_even(void **state)
{
	middles_round_to_even(&bfloat16);
}

static void floats_beyond_the_range_of_half_become_infinite_or_zero(void **state)
{
	assert_int_equal(rg_half_from_float(1e30f), 0x7c00);
	assert_int_equal(rg_half_from_float(-65536.0f), 0xfc00);
	assert_int_equal(rg_half_from_float(1e-30f), 0);
	assert_int_equal(rg_half_from_float(-0x1p-149f), 0x8000);
	assert_int_equal(rg_half_from_float(-INFINITY), 0xfc00);
}

static void every_type_and_operation_has_a_word_and_a_size(void **state)
{
	assert_string_equal(rg_type_name(RG_TYPE_FLOAT16), "half");
	assert_int_equal(rg_type_bytes(RG_TYPE_FLOAT16), 2);
	assert_int_equal(rg_type_bytes(RG_TYPE_INT8), 1);
	assert_int_equal(rg_type_bytes(RG_TYPE_FLOAT64), 8);
	assert_string_equal(rg_op_name(RG_OP_AVG), "avg");
	assert_null(rg_type_words[RG_TYPE_COUNT]);
	assert_null(rg_op_words[RG_OP_COUNT]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(halves_widen_to_their_values),
		cmocka_unit_test(bfloat16s_widen_to_their_values),
		cmocka_unit_test(halves_come_back_as_themselves),
		cmocka_unit_test(bfloat16s_come_back_as_themselves),
		cmocka_unit_test(floats_round_to_the_nearest_half_and_ties_to_even),
		cmocka_unit_test(floats_round_to_the_nearest_bfloat16_and_ties_to_even),
		cmocka_unit_test(floats_beyond_the_range_of_half_become_infinite_or_zero),
		cmocka_unit_test(every_type_and_operation_has_a_word_and_a_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
