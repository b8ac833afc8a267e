/* SPDX-License-Identifier: BSD-3-Clause */
/* The problem that target railgauge solves: what the job and the caller say arrives in it. */
#include "config.h"

#include "measure/target_impl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void the_problem_has_the_nodes_of_the_job_and_the_caller_s_parameters(void **state)
{
	const uint32_t node[] = {0, 0, 1}, local[] = {0, 1, 0};
	struct rg_endpoint ep = {.nranks = 3};
	const struct rg_pairs pairs = {0};
	const struct rg_job job = {.ep = &ep, .node = node, .local = local};
	const struct rg_target_problem asked = {
		.coll = RG_COLL_ALLTOALL, .radix = 3, .window = 5, .pairs = &pairs};
	struct rg_problem p;

	(void)state;
	rg_target_describe(&job, &asked, &p);
	assert_int_equal(p.layout.nranks, 3);
	assert_ptr_equal(p.layout.node, node);
	assert_ptr_equal(p.layout.local, local);
	assert_ptr_equal(p.layout.rail, local);
	assert_int_equal(p.params.radix, 3);
	assert_int_equal(p.params.window, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_problem_has_the_nodes_of_the_job_and_the_caller_s_parameters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
