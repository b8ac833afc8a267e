/* SPDX-License-Identifier: BSD-3-Clause */
/* Lists of targets, and the problem that target railgauge solves: what the job and the caller say.
 */
#include "config.h"

#include "measure/target_impl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

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

static int parse(const char *list, enum rg_coll coll, bool *mpi, bool *algorithms, char *text)
{
	struct rg_err err = {0};
	int rc = rg_target_parse(list, "--target", coll, mpi, algorithms, &err);

	snprintf(text, 200, "%.199s", err.text);
	return rc;
}

static void lists_of_targets_say_what_they_need(void **state)
{
	bool mpi, algorithms;
	char text[200];

	(void)state;
	assert_int_equal(parse("railgauge", RG_COLL_ALLREDUCE, &mpi, &algorithms, text), 0);
	assert_false(mpi);
	assert_int_equal(parse("railgauge,mpi", RG_COLL_ALLREDUCE, &mpi, &algorithms, text), 0);
	assert_true(mpi);
	assert_false(algorithms);
	assert_int_equal(parse("mpi:default", RG_COLL_ALLREDUCE, &mpi, &algorithms, text), 0);
	assert_false(algorithms);
	assert_int_equal(parse("mpi:all", RG_COLL_ALLREDUCE, &mpi, &algorithms, text), 0);
	assert_true(algorithms);
	assert_int_equal(parse("mpi-v", RG_COLL_REDUCESCATTER, &mpi, &algorithms, text), 0);
	assert_int_equal(parse("railgauge:all", RG_COLL_ALLTOALL, &mpi, &algorithms, text), 0);
	assert_int_equal(parse("railgauge:auto", RG_COLL_ALLTOALL, &mpi, &algorithms, text), 0);
}

static void nonsense_in_lists_of_targets_is_named(void **state)
{
	static const struct {
		const char *list, *words;
	} cases[] = {
		{"", "empty name"},
		{"mpi,", "empty name"},
		{"mpi,,mpi", "empty name"},
		{"mpj", "did you mean mpi"},
		{"railgauge:twoshit", "did you mean \"twoshot\""},
		{"railgauge:twoshot:slit", "slit"},
		{"railgauge::slot", "needs an algorithm"},
		{"mpi:a:b", "\"b\" is not a size"},
		{"mpi:a:4K:b", "expected mpi:ALGORITHM or mpi:ALGORITHM:SEGMENT"},
		{"mpi:all:4K", "for one algorithm by name"},
		{"mpi-v", "one function"},
		{"railgauge:"
		 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		 "too long"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bool mpi, algorithms;
		char text[200];

		assert_int_equal(parse(cases[i].list, RG_COLL_ALLREDUCE, &mpi, &algorithms, text),
				 RG_ERR_INVALID);
		if (!strstr(text, cases[i].words))
			fail_msg("%s: %s", cases[i].list, text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_problem_has_the_nodes_of_the_job_and_the_caller_s_parameters),
		cmocka_unit_test(lists_of_targets_say_what_they_need),
		cmocka_unit_test(nonsense_in_lists_of_targets_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
