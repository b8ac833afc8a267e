/* SPDX-License-Identifier: BSD-3-Clause */
/* What is judged after a failure: who was to blame, and which rails are left out. */
#include "config.h"

#include "railgauge/measure/recovery.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void rails_are_left_out_that_failed_or_are_down_for_anybody(void **state)
{
	const struct rg_recovery_word words[] = {
		{.when_ns = 30, .code = RG_ERR_PEER, .rails_failed = 2},
		{.when_ns = 20, .code = RG_ERR_PEER},
		{.rails_down = 4},
	};
	struct rg_recovery_verdict v = rg_recovery_judge(words, 3, 15);

	assert_true(v.failed);
	assert_int_equal(v.first, 1);
	assert_int_equal(v.leave_out, 6);
	/* What is not used is left out as it is. */
	assert_int_equal(rg_recovery_judge(words, 3, 11).leave_out, 2);
}

static void nothing_is_left_out_where_all_went_well(void **state)
{
	const struct rg_recovery_word words[] = {{.rails_down = 1}, {.rails_failed = 0}};
	struct rg_recovery_verdict v = rg_recovery_judge(words, 2, 3);

	assert_false(v.failed);
	assert_int_equal(v.leave_out, 0);
}

static void where_all_rails_are_blamed_the_first_to_blame_one_is_believed(void **state)
{
	struct rg_recovery_word words[] = {
		{.when_ns = 10, .code = RG_ERR_TIMEOUT},
		{.when_ns = 50, .code = RG_ERR_PEER, .rails_failed = 3},
		{.when_ns = 40, .code = RG_ERR_PEER, .rails_failed = 2},
	};

	assert_int_equal(rg_recovery_judge(words, 3, 3).leave_out, 2);
	words[2].rails_failed = 3;
	assert_int_equal(rg_recovery_judge(words, 3, 3).leave_out, 0);
}

static void without_a_rail_to_blame_the_job_cannot_go_on(void **state)
{
	const struct rg_recovery_word words[] = {{.code = RG_ERR_TIMEOUT, .when_ns = 1},
						 {.code = RG_ERR_PEER, .when_ns = 2}};
	struct rg_recovery_verdict v = rg_recovery_judge(words, 2, 3);

	assert_true(v.failed);
	assert_int_equal(v.leave_out, 0);
}

static void what_is_not_the_network_s_fault_comes_first_and_ends_the_job(void **state)
{
	const struct rg_recovery_word words[] = {
		{.code = RG_ERR_PEER, .when_ns = 1, .rails_failed = 1},
		{.code = RG_ERR_NO_MEMORY, .when_ns = 3},
		{.code = RG_ERR_INTERNAL, .when_ns = 2},
	};
	struct rg_recovery_verdict v = rg_recovery_judge(words, 3, 3);

	assert_int_equal(v.first, 2);
	assert_int_equal(v.leave_out, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rails_are_left_out_that_failed_or_are_down_for_anybody),
		cmocka_unit_test(nothing_is_left_out_where_all_went_well),
		cmocka_unit_test(where_all_rails_are_blamed_the_first_to_blame_one_is_believed),
		cmocka_unit_test(without_a_rail_to_blame_the_job_cannot_go_on),
		cmocka_unit_test(what_is_not_the_network_s_fault_comes_first_and_ends_the_job),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
