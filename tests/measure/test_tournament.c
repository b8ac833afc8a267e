/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/measure/tournament.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define MOST 65

static void nobody_meets_two_in_a_round(void **state)
{
	for (uint32_t n = 2; n <= MOST; n++) {
		for (uint32_t round = 0; round < rg_tournament_rounds(n); round++) {
			uint32_t idle = 0;

			for (uint32_t a = 0; a < n; a++) {
				uint32_t b = rg_tournament_opponent(n, round, a);

				idle += b == RG_TOURNAMENT_NOBODY;
				if (b == RG_TOURNAMENT_NOBODY)
					continue;
				assert_in_range(b, 0, n - 1);
				assert_int_not_equal(a, b);
				assert_int_equal(rg_tournament_opponent(n, round, b), a);
			}
			assert_int_equal(idle, n % 2);
		}
	}
}

static void every_pair_meets_exactly_once(void **state)
{
	for (uint32_t n = 2; n <= MOST; n++) {
		uint8_t met[MOST][MOST] = {{0}};

		for (uint32_t round = 0; round < rg_tournament_rounds(n); round++) {
			for (uint32_t a = 0; a < n; a++) {
				uint32_t b = rg_tournament_opponent(n, round, a);

				if (b != RG_TOURNAMENT_NOBODY)
					met[a][b]++;
			}
		}
		for (uint32_t a = 0; a < n; a++) {
			for (uint32_t b = 0; b < n; b++)
				assert_int_equal(met[a][b], a != b);
		}
	}
}

static void there_are_as_few_rounds_as_can_be(void **state)
{
	assert_int_equal(rg_tournament_rounds(0), 0);
	assert_int_equal(rg_tournament_rounds(1), 0);
	assert_int_equal(rg_tournament_rounds(2), 1);
	assert_int_equal(rg_tournament_rounds(3), 3);
	assert_int_equal(rg_tournament_rounds(4), 3);
	assert_int_equal(rg_tournament_rounds(5), 5);
	assert_int_equal(rg_tournament_rounds(100000), 99999);
}

/* Sums of round and rank do not overflow. */
static void many_ranks_meet_like_few(void **state)
{
	uint32_t n = 4000000000u, round = n - 2;

	for (uint32_t a = 0; a < 1000; a++) {
		uint32_t b = rg_tournament_opponent(n, round, n - 1 - a);

		assert_in_range(b, 0, n - 1);
		assert_int_equal(rg_tournament_opponent(n, round, b), n - 1 - a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_meets_two_in_a_round),
		cmocka_unit_test(every_pair_meets_exactly_once),
		cmocka_unit_test(there_are_as_few_rounds_as_can_be),
		cmocka_unit_test(many_ranks_meet_like_few),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
