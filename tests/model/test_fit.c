/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "sim_cases.h"

#include "railgauge/model/fit.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#define SLOT   32768u
#define POINTS 24

static void assert_near(double got, double expected, double part)
{
	if (!(fabs(got - expected) <= part * fabs(expected)))
		fail_msg("%.12g is not %.12g", got, expected);
}

/* Sizes 8 B to 64 MiB and their messages; times are for the tests to fill. */
static void fill_sizes(struct rg_fit_point *points)
{
	for (uint32_t i = 0; i < POINTS; i++) {
		points[i].size_bytes = UINT64_C(8) << i;
		points[i].messages = (points[i].size_bytes + SLOT - 1) / SLOT;
	}
}

static struct rg_fit fitted(const struct rg_fit_point *points, uint32_t n, double overhead_s)
{
	struct rg_fit fit = {0};
	struct rg_err err = {0};

	if (rg_fit_loggp(points, n, overhead_s, &fit, &err))
		fail_msg("%s", err.text);
	return fit;
}

static void the_parameters_of_a_simulated_exchange_are_found_again(void **state)
{
	const struct link_fs link = {1500000000, 200000000, 500000000, 80000};
	const struct rg_costs costs = costs_of(link, link);
	struct rg_fit_point points[POINTS];
	const struct rg_algorithm *a;
	struct rg_fit fit;

	assert_int_equal(rg_algorithm_find(RG_COLL_SENDRECV, "direct", &a, NULL), 0);
	fill_sizes(points);
	for (uint32_t i = 0; i < POINTS; i++) {
		struct rg_problem p = problem_of(RG_COLL_SENDRECV, 2, points[i].size_bytes);
		struct rg_sim_result r;

		p.geometry.slot_bytes = SLOT;
		assert_int_equal(rg_sim_run(a, &p, &costs, &r, NULL), 0);
		points[i].time_ns = (double)r.time_fs * 1e-6;
	}
	fit = fitted(points, POINTS, 200e-9);
	assert_true(fit.gap_known);
	assert_near(fit.loggp.latency_s, 1500e-9, 1e-6);
	assert_near(fit.loggp.overhead_s, 200e-9, 0);
	assert_near(fit.loggp.gap_s, 500e-9, 1e-5);
	assert_near(fit.loggp.byte_s, 80e-12, 1e-6);
	assert_true(fit.rms < 1e-6 && fabs(fit.worst) < 1e-6);
	/* Without knowing the overhead all of it is latency. */
	fit = fitted(points, POINTS, 0);
	assert_near(fit.loggp.latency_s, 1900e-9, 1e-6);
	assert_near(fit.loggp.gap_s, 500e-9, 1e-5);
}

static void the_gap_is_unknown_where_no_vector_was_cut(void **state)
{
	struct rg_fit_point points[POINTS];
	const struct rg_loggp link = {1e-6, 0, 0, 1e-10};
	struct rg_fit fit;

	fill_sizes(points);
	for (uint32_t i = 0; i < POINTS; i++) {
		points[i].messages = 1;
		points[i].time_ns = rg_fit_time_ns(&link, points[i].size_bytes, 1);
	}
	fit = fitted(points, POINTS, 0);
	assert_false(fit.gap_known);
	assert_true(fit.loggp.gap_s == 0);
	assert_near(fit.loggp.latency_s, 1e-6, 1e-9);
	assert_near(fit.loggp.byte_s, 1e-10, 1e-9);
}

static void no_parameter_is_negative(void **state)
{
	/* Long vectors are cheaper per byte than short ones: unconstrained, g would be below 0. */
	const struct rg_loggp link = {1e-6, 0, -2e-7, 1e-10};
	struct rg_fit_point points[POINTS];
	struct rg_fit fit;

	fill_sizes(points);
	for (uint32_t i = 0; i < POINTS; i++)
		points[i].time_ns = rg_fit_time_ns(&link, points[i].size_bytes, points[i].messages);
	fit = fitted(points, POINTS, 0);
	assert_true(fit.loggp.gap_s == 0);
	assert_true(fit.loggp.latency_s > 0 && fit.loggp.byte_s > 0);
	assert_true(fit.rms > 0.001);
	assert_true(fabs(fit.worst) >= fit.rms);
}

static void deviations_count_in_proportion_so_a_small_size_is_as_good_as_a_large_one(void **state)
{
	struct rg_fit_point points[POINTS];
	const struct rg_loggp link = {1e-6, 0, 3e-7, 1e-10};
	struct rg_fit fit;

	fill_sizes(points);
	for (uint32_t i = 0; i < POINTS; i++)
		points[i].time_ns =
			rg_fit_time_ns(&link, points[i].size_bytes, points[i].messages) *
			(i % 2 ? 1.03 : 0.97);
	fit = fitted(points, POINTS, 0);
	assert_near(fit.loggp.latency_s, link.latency_s, 0.02);
	assert_near(fit.loggp.byte_s, link.byte_s, 0.02);
	assert_near(fit.rms, 0.03, 0.1);
	/* The one point that is far off is named. */
	points[5].time_ns *= 2;
	fit = fitted(points, POINTS, 0);
	assert_int_equal(fit.worst_bytes, points[5].size_bytes);
	assert_true(fit.worst < -0.3);
}

static void what_is_no_measurement_is_refused(void **state)
{
	struct rg_fit_point points[POINTS];
	struct rg_fit fit = {.rms = -1};
	struct rg_err err = {0};

	fill_sizes(points);
	for (uint32_t i = 0; i < POINTS; i++)
		points[i].time_ns = 1000;
	assert_int_equal(rg_fit_loggp(points, 2, 0, &fit, &err), RG_ERR_INVALID);
	assert_string_equal(err.text, "2 sizes: a fit needs three at least, better many");
	points[1].size_bytes = points[2].size_bytes = points[0].size_bytes;
	assert_int_equal(rg_fit_loggp(points, 3, 0, &fit, &err), RG_ERR_INVALID);
	assert_string_equal(err.text, "1 size: a fit needs three at least, better many");
	fill_sizes(points);
	assert_int_equal(rg_fit_loggp(points, POINTS, 600e-9, &fit, &err), RG_ERR_RANGE);
	assert_non_null(strstr(err.text, "600 ns at either end is longer than the 1000 ns"));
	points[3].time_ns = 0;
	assert_int_equal(rg_fit_loggp(points, POINTS, 0, &fit, &err), RG_ERR_INVALID);
	points[3].time_ns = NAN;
	assert_int_equal(rg_fit_loggp(points, POINTS, 0, &fit, &err), RG_ERR_INVALID);
	points[3].time_ns = 1000;
	points[3].messages = points[3].size_bytes + 1;
	assert_int_equal(rg_fit_loggp(points, POINTS, 0, &fit, &err), RG_ERR_INVALID);
	assert_true(fit.rms == -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_parameters_of_a_simulated_exchange_are_found_again),
		cmocka_unit_test(the_gap_is_unknown_where_no_vector_was_cut),
		cmocka_unit_test(no_parameter_is_negative),
		cmocka_unit_test(
			deviations_count_in_proportion_so_a_small_size_is_as_good_as_a_large_one),
		cmocka_unit_test(what_is_no_measurement_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
