/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/measure/plan.h"

#include "railgauge/base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct rg_plan_config usual = {
	.coll = RG_COLL_ALLREDUCE,
	.type = RG_TYPE_FLOAT32,
	.nranks = 2,
	.min_bytes = 8,
	.max_bytes = 1 << 20,
	.factor = 2,
	.cached_bytes = 1 << 20,
};

static struct rg_plan open_plan(const struct rg_plan_config *c)
{
	struct rg_plan plan;
	struct rg_err err = {0};

	assert_int_equal(rg_plan_open(c, &plan, &err), 0);
	return plan;
}

static void sizes_grow_by_the_factor_up_to_the_largest(void **state)
{
	struct rg_plan plan = open_plan(&usual);

	(void)state;
	assert_int_equal(plan.npoints, 18);
	assert_int_equal(plan.points[0].size_bytes, 8);
	assert_int_equal(plan.points[0].count, 2);
	assert_int_equal(plan.points[17].size_bytes, 1 << 20);
	rg_plan_close(&plan);
}

static void sizes_grow_by_the_step_where_there_is_no_factor(void **state)
{
	struct rg_plan_config c = usual;
	struct rg_plan plan;

	(void)state;
	c.factor = 0;
	c.step_bytes = 100;
	c.min_bytes = 100;
	c.max_bytes = 350;
	plan = open_plan(&c);
	assert_int_equal(plan.npoints, 3);
	assert_int_equal(plan.points[1].size_bytes, 200);
	rg_plan_close(&plan);
}

static void a_fractional_factor_still_advances(void **state)
{
	struct rg_plan_config c = usual;
	struct rg_plan plan;

	(void)state;
	c.type = RG_TYPE_INT8;
	c.factor = 1.01;
	c.min_bytes = 1;
	c.max_bytes = 5;
	plan = open_plan(&c);
	assert_int_equal(plan.npoints, 5);
	rg_plan_close(&plan);
}

static void sizes_are_rounded_down_to_whole_blocks_and_then_appear_once(void **state)
{
	struct rg_plan_config c = usual;
	struct rg_plan plan;

	(void)state;
	c.coll = RG_COLL_ALLGATHER;
	c.nranks = 3;
	c.min_bytes = 8;
	c.max_bytes = 64;
	plan = open_plan(&c);
	/* 2, 4, 8 and 16 elements: 0, 1, 2 and 5 per rank. */
	assert_int_equal(plan.npoints, 4);
	assert_int_equal(plan.points[0].size_bytes, 0);
	assert_int_equal(plan.points[1].size_bytes, 12);
	assert_int_equal(plan.points[3].size_bytes, 60);
	assert_int_equal(plan.points[3].src_bytes, 20);
	assert_int_equal(plan.points[3].dst_bytes, 60);
	rg_plan_close(&plan);

	c.nranks = 16;
	plan = open_plan(&c);
	assert_int_equal(plan.npoints, 2);
	rg_plan_close(&plan);
}

static void a_barrier_is_one_point_without_memory(void **state)
{
	struct rg_plan_config c = usual;
	struct rg_plan plan;

	(void)state;
	c.coll = RG_COLL_BARRIER;
	plan = open_plan(&c);
	assert_int_equal(plan.npoints, 1);
	assert_int_equal(plan.points[0].size_bytes, 0);
	assert_int_equal(plan.pairs_bytes, 0);
	rg_plan_close(&plan);
}

static void given_sizes_are_taken_as_they_are_but_for_rounding(void **state)
{
	static const uint64_t sizes[] = {0, 9, 100, 1 << 20};
	struct rg_plan_config c = usual;
	struct rg_err err = {0};
	struct rg_plan plan;

	(void)state;
	c.sizes = sizes;
	c.nsizes = 4;
	plan = open_plan(&c);
	assert_int_equal(plan.npoints, 4);
	assert_int_equal(plan.points[0].size_bytes, 0);
	assert_int_equal(plan.points[1].size_bytes, 8);
	assert_int_equal(plan.points[2].size_bytes, 100);
	assert_int_equal(plan.points[3].size_bytes, 1 << 20);
	rg_plan_close(&plan);

	c.coll = RG_COLL_ALLGATHER;
	c.nranks = 3;
	assert_int_equal(rg_plan_open(&c, &plan, &err), RG_ERR_INVALID);
	assert_string_equal(err.text, "--points: point 2 (9): in whole elements and blocks its "
				      "size is that of the point before, 0 bytes");
}

static void contradicting_sizes_are_refused_in_words(void **state)
{
	struct rg_plan_config c = usual;
	struct rg_err err = {0};
	struct rg_plan plan;

	(void)state;
	c.min_bytes = 2 << 20;
	assert_int_equal(rg_plan_open(&c, &plan, &err), RG_ERR_INVALID);
	assert_string_equal(err.text, "-b 2M is above -e 1M");
	c = usual;
	c.factor = 1;
	assert_int_equal(rg_plan_open(&c, &plan, &err), RG_ERR_INVALID);
	assert_non_null(strstr(err.text, "-f"));
	c = usual;
	c.min_bytes = 0;
	assert_int_equal(rg_plan_open(&c, &plan, &err), RG_ERR_INVALID);
	c = usual;
	c.factor = 0;
	c.step_bytes = 1;
	assert_int_equal(rg_plan_open(&c, &plan, &err), RG_ERR_LIMIT);
}

static void pairs_do_not_overlap_and_fit_the_memory(void **state)
{
	static const enum rg_coll colls[] = {RG_COLL_ALLREDUCE, RG_COLL_REDUCESCATTER,
					     RG_COLL_ALLGATHER};

	(void)state;
	for (size_t k = 0; k < 3; k++) {
		struct rg_plan_config c = usual;
		struct rg_plan plan;

		c.coll = colls[k];
		c.nranks = 5;
		plan = open_plan(&c);
		for (uint32_t i = 0; i < plan.npoints; i++) {
			const struct rg_plan_point *p = &plan.points[i];
			size_t larger = p->src_bytes > p->dst_bytes ? p->src_bytes : p->dst_bytes;

			assert_true(p->dst_at >= p->src_bytes);
			assert_true(p->stride >= p->dst_at + larger);
			assert_int_equal(p->dst_at % 128, 0);
			assert_int_equal(p->stride % 128, 0);
			assert_true(p->max_ops >= 1);
			assert_true(rg_plan_pairs(p->max_ops) * p->stride <= plan.pairs_bytes);
		}
		rg_plan_close(&plan);
	}
}

static void a_repetition_has_as_many_operations_as_it_needs_to_last(void **state)
{
	struct rg_plan_point p = {.max_ops = 100};

	(void)state;
	assert_int_equal(rg_plan_ops(&p, 5000, 3000), 1);
	assert_int_equal(rg_plan_ops(&p, 1000, 3500), 4);
	assert_int_equal(rg_plan_ops(&p, 1, 3000), 100);
	assert_int_equal(rg_plan_ops(&p, 0, 3000), 100);
}

static void operations_of_one_repetition_use_different_pairs(void **state)
{
	(void)state;
	for (uint32_t ops = 1; ops < 40; ops++) {
		uint32_t pairs = rg_plan_pairs(ops);

		assert_true(pairs >= ops && (ops == 1 ? pairs == 1 : pairs % 2 == 0));
		for (uint64_t begin = 0; begin < (uint64_t)ops * 3 * pairs; begin += ops) {
			uint64_t srcs = 0, dsts = 0;

			for (uint64_t n = begin; n < begin + ops; n++) {
				struct rg_turn t = rg_plan_turn(n, pairs);

				assert_true(t.src < pairs && t.dst < pairs);
				assert_false(srcs >> t.src & 1);
				assert_false(dsts >> t.dst & 1);
				srcs |= (uint64_t)1 << t.src;
				dsts |= (uint64_t)1 << t.dst;
			}
		}
	}
}

static void every_destination_receives_even_and_odd_sources_in_turn(void **state)
{
	(void)state;
	for (uint32_t pairs = 2; pairs <= 40; pairs += 2) {
		uint32_t last[40];

		memset(last, 0xff, sizeof(last));
		for (uint64_t n = 0; n < 50 * pairs; n++) {
			struct rg_turn t = rg_plan_turn(n, pairs);

			if (last[t.dst] != UINT32_MAX)
				assert_int_not_equal(last[t.dst] % 2, t.src % 2);
			last[t.dst] = t.src;
		}
	}
}

static void every_failing_allocation_is_an_error(void **state)
{
	struct rg_plan_config c = usual;
	struct rg_err err = {0};
	struct rg_plan plan = {0};
	unsigned long n;
	int rc;

	(void)state;
	c.factor = 1.1; /* more than one growth */
	for (n = 1;; n++) {
		rg_mem_fail_nth(n);
		rc = rg_plan_open(&c, &plan, &err);
		if (!rg_mem_fail_fired())
			break;
		assert_int_equal(rc, RG_ERR_NO_MEMORY);
		assert_null(plan.points);
	}
	rg_mem_fail_nth(0);
	assert_int_equal(rc, 0);
	assert_true(n > 2);
	rg_plan_close(&plan);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_grow_by_the_factor_up_to_the_largest),
		cmocka_unit_test(sizes_grow_by_the_step_where_there_is_no_factor),
		cmocka_unit_test(a_fractional_factor_still_advances),
		cmocka_unit_test(sizes_are_rounded_down_to_whole_blocks_and_then_appear_once),
		cmocka_unit_test(a_barrier_is_one_point_without_memory),
		cmocka_unit_test(given_sizes_are_taken_as_they_are_but_for_rounding),
		cmocka_unit_test(contradicting_sizes_are_refused_in_words),
		cmocka_unit_test(pairs_do_not_overlap_and_fit_the_memory),
		cmocka_unit_test(a_repetition_has_as_many_operations_as_it_needs_to_last),
		cmocka_unit_test(operations_of_one_repetition_use_different_pairs),
		cmocka_unit_test(every_destination_receives_even_and_odd_sources_in_turn),
		cmocka_unit_test(every_failing_allocation_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
