/* SPDX-License-Identifier: BSD-3-Clause */
/* The traffic of an all-to-all-v in plans and in result documents. */
#include "config.h"

#include "railgauge/base/matrix.h"
#include "railgauge/measure/plan.h"
#include "railgauge/measure/result.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const uint64_t weights[] = {0, 7, /* */ 2, 1};

static void a_size_is_what_the_busiest_rank_has(void **state)
{
	const struct rg_plan_config config = {
		.coll = RG_COLL_ALLTOALLV,
		.type = RG_TYPE_FLOAT32,
		.nranks = 2,
		.min_bytes = 4,
		.max_bytes = 64,
		.factor = 2,
		.cached_bytes = 1 << 20,
		.weights = weights,
	};
	struct rg_plan plan;

	assert_int_equal(rg_plan_open(&config, &plan, NULL), 0);
	/* 1, 2, 4, 8 and 16 elements for the 8 parts of rank 1, rounded down block by block. */
	assert_int_equal(plan.npoints, 5);
	assert_int_equal(plan.points[0].size_bytes, 0);
	assert_int_equal(plan.points[1].size_bytes, 4);
	assert_int_equal(plan.points[2].size_bytes, 12);
	assert_int_equal(plan.points[3].size_bytes, 32);
	assert_int_equal(plan.points[3].counts[1], 7);
	assert_int_equal(plan.points[4].size_bytes, 64);
	assert_int_equal(plan.points[4].count, 16);
	assert_int_equal(plan.points[4].counts[1], 14);
	assert_int_equal(plan.points[4].counts[2], 4);
	assert_int_equal(plan.points[4].src_bytes, 64);
	assert_int_equal(plan.points[4].dst_bytes, 64);
	rg_plan_close(&plan);
}

static void traffic_has_a_short_name(void **state)
{
	static const uint64_t even[] = {3, 3, 3, 3};
	char text[RG_RESULT_TRAFFIC_BYTES];

	assert_string_equal(rg_result_traffic(NULL, 2, text), "uniform");
	assert_string_equal(rg_result_traffic(even, 2, text), "uniform");
	/* sha256sum of the four numbers as 8 bytes each, the lowest byte first */
	assert_string_equal(rg_result_traffic(weights, 2, text), "d57cd75988a589d7");
}

static struct rg_result_point point_of(const char *traffic)
{
	struct rg_result_point p = {
		.coll = RG_COLL_ALLTOALLV,
		.size_bytes = 64,
		.count = 16,
		.type = RG_TYPE_FLOAT32,
		.target = "railgauge",
		.traffic = traffic,
		.crossing_bytes = 56,
		.ops = 1,
	};
	const struct rg_stats stats = {
		.n = 9, .median = 1000, .lo = 900, .hi = 2000, .p99 = 3000, .min = 800};

	rg_result_point_fill(&p, 2, &stats, NULL, NULL);
	return p;
}

static struct rg_result *result_of(void)
{
	const struct rg_result_run run = {.nranks = 2, .traffic = weights};
	const struct rg_result_point p = point_of("d57cd75988a589d7");
	struct rg_result *r;

	assert_int_equal(rg_result_open(&r, NULL), 0);
	assert_int_equal(rg_result_set_run(r, &run, NULL), 0);
	assert_int_equal(rg_result_add_point(r, &p, NULL, NULL), 0);
	return r;
}

static void busbw_is_what_crosses_the_busiest_link(void **state)
{
	struct rg_result_point p = point_of("uniform");

	assert_true(fabs(p.algbw_Bps - 64e6) < 1);
	assert_true(fabs(p.busbw_Bps - 56e6) < 1);
	assert_true(fabs(rg_result_bus_factor(&p, 2) - 0.875) < 1e-12);
	p.coll = RG_COLL_ALLTOALL;
	assert_true(fabs(rg_result_bus_factor(&p, 2) - 0.5) < 1e-12);
}

static void documents_keep_the_matrix(void **state)
{
	struct rg_result *r = result_of(), *again;
	json_t *root = rg_result_to_json(r);
	struct rg_err err = {0};

	if (rg_result_from_json(root, "x", &again, &err))
		fail_msg("%s", err.text);
	assert_memory_equal(again->run.traffic, weights, sizeof(weights));
	assert_string_equal(again->points[0].traffic, "d57cd75988a589d7");
	assert_int_equal(again->points[0].crossing_bytes, 56);
	assert_true(rg_result_point_same(&again->points[0], &r->points[0]));
	again->points[0].traffic = "uniform";
	assert_false(rg_result_point_same(&again->points[0], &r->points[0]));
	rg_result_close(again);
	rg_result_close(r);
	json_decref(root);
}

/* Reads the document with a member of its run, or of its point, replaced or (NULL) left out. */
static void expect(bool of_run, const char *key, const char *json, const char *words)
{
	struct rg_result *r = result_of(), *again = NULL;
	json_t *root = rg_result_to_json(r), *at;
	struct rg_err err = {0};
	int rc;

	at = of_run ? json_object_get(root, "run")
		    : json_array_get(json_object_get(root, "points"), 0);
	if (json)
		json_object_set_new(at, key, json_loads(json, JSON_DECODE_ANY, NULL));
	else
		json_object_del(at, key);
	rc = rg_result_from_json(root, "x", &again, &err);
	assert_string_equal(err.text, words);
	assert_int_equal(rc, *words ? RG_ERR_FORMAT : 0);
	rg_result_close(again);
	rg_result_close(r);
	json_decref(root);
}

static void nonsense_about_traffic_is_refused(void **state)
{
	expect(true, "traffic", NULL, ""); /* an older document, or equal blocks */
	expect(true, "traffic", "null", "");
	expect(true, "traffic", "7", "x: run.traffic: expected null or a row for each rank");
	expect(true, "traffic", "[[1,2]]", "x: run.traffic: expected null or a row for each rank");
	expect(true, "traffic", "[[1,2],[3]]", "x: run.traffic[1]: expected an array of 2 numbers");
	expect(true, "traffic", "[[1,2],[3,-4]]",
	       "x: run.traffic[1][1]: expected a whole number from 0 to 1000000000000");
	expect(false, "traffic", NULL, "x: points[0].traffic: alltoallv has it, and nothing else");
	expect(false, "crossing_bytes", "65",
	       "x: points[0].crossing_bytes: more than size_bytes, or of no alltoallv");
	expect(false, "crossing_bytes", "60",
	       "x: points[0].busbw_Bps: not algbw_Bps times the collective's factor");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_size_is_what_the_busiest_rank_has),
		cmocka_unit_test(traffic_has_a_short_name),
		cmocka_unit_test(busbw_is_what_crosses_the_busiest_link),
		cmocka_unit_test(documents_keep_the_matrix),
		cmocka_unit_test(nonsense_about_traffic_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
