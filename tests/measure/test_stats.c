/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/measure/stats.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static void assert_near(double got, double expected, double relative)
{
	if (!(fabs(got - expected) <= relative * fabs(expected)))
		fail_msg("%.12g is not %.12g", got, expected);
}

static void six_samples_are_the_least_that_give_an_interval(void **state)
{
	double level;

	assert_int_equal(rg_stats_interval_rank(5, &level), 1);
	assert_near(level, 0.9375, 1e-12);
	assert_int_equal(rg_stats_interval_rank(6, &level), 1);
	assert_near(level, 0.96875, 1e-12);
	assert_int_equal(rg_stats_interval_rank(1, &level), 1);
	assert_true(level == 0);
}

/* Symmetric limits of the sign test: C(n, <= j - 1) / 2^n <= 0.025, by hand or by integers. */
static void interval_ranks_are_those_of_the_binomial_table(void **state)
{
	static const struct {
		size_t n, j;
	} table[] = {{8, 1},   {9, 2},	 {10, 2},  {12, 3},   {15, 4},	 {17, 5},
		     {20, 6},  {25, 8},	 {30, 10}, {40, 14},  {50, 18},	 {51, 19},
		     {64, 24}, {70, 27}, {71, 27}, {100, 40}, {200, 86}, {1000, 469}};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		size_t j = rg_stats_interval_rank(table[i].n, NULL);

		if (j != table[i].j)
			fail_msg("n %zu: %zu is not %zu", table[i].n, j, table[i].j);
	}
}

static void interval_ranks_agree_with_exact_counting(void **state)
{
	/* Pascal's row in long double is exact enough up to 1,000 (2^-64 of the sum). */
	for (size_t n = 6; n <= 1000; n++) {
		long double term = powl(0.5L, (long double)n), sum = 0;
		double level;
		size_t j = rg_stats_interval_rank(n, &level);

		for (size_t k = 0; k < j; k++) {
			sum += term;
			term = term * (long double)(n - k) / (long double)(k + 1);
		}
		if (!(sum <= 0.025L && sum + term > 0.025L))
			fail_msg("n %zu: rank %zu is not the largest", n, j);
		assert_near(level, (double)(1 - 2 * sum), 1e-9);
	}
}

static void large_counts_follow_the_normal_approximation(void **state)
{
	double level, n = 1e7;
	size_t j = rg_stats_interval_rank((size_t)n, &level);

	assert_near((double)j, n / 2 - 0.9799819 * sqrt(n), 1e-6);
	assert_near(level, 0.95, 1e-4);
}

static void an_odd_and_an_even_number_of_samples_have_their_medians(void **state)
{
	double samples[] = {5, 1, 4, 2, 3, 9}, scratch[6];
	struct rg_stats s;

	rg_stats_of(samples, 5, scratch, &s);
	assert_true(s.median == 3 && s.lo == 1 && s.hi == 5 && s.min == 1 && s.max == 5);
	assert_true(s.p99 == 5 && s.n == 5);
	assert_false(s.reached);
	rg_stats_of(samples, 6, scratch, &s);
	assert_true(s.median == 3.5 && s.lo == 1 && s.hi == 9);
	assert_true(s.reached);
	assert_true(samples[0] == 5 && scratch[0] == 1 && scratch[5] == 9);
	assert_near(rg_stats_halfwidth(&s), 4 / 3.5, 1e-12);
}

static void no_samples_give_zeroes(void **state)
{
	struct rg_stats s, zero = {0};

	memset(&s, 1, sizeof(s));
	rg_stats_of(NULL, 0, NULL, &s);
	assert_true(s.n == zero.n && s.median == 0 && s.lo == 0 && s.p99 == 0 && !s.reached);
	assert_true(isinf(rg_stats_halfwidth(&s)));
}

static void p99_is_the_sample_that_99_percent_do_not_exceed(void **state)
{
	double samples[1000], scratch[1000];
	struct rg_stats s;

	for (int i = 0; i < 1000; i++)
		samples[i] = i + 1;
	rg_stats_of(samples, 1000, scratch, &s);
	assert_true(s.p99 == 990);
	rg_stats_of(samples, 100, scratch, &s);
	assert_true(s.p99 == 99);
	rg_stats_of(samples, 99, scratch, &s);
	assert_true(s.p99 == 99);
	rg_stats_of(samples, 101, scratch, &s);
	assert_true(s.p99 == 100);
}

static void equal_medians_have_a_ratio_of_one_and_are_not_significant(void **state)
{
	struct rg_stats a = {.median = 10, .lo = 9, .hi = 12, .reached = true};
	struct rg_ratio r = rg_ratio_of_medians(&a, &a);

	assert_true(r.ratio == 1);
	assert_near(r.lo, exp(-hypot(log(10 / 9.0), log(1.2))), 1e-12);
	assert_near(r.hi, exp(hypot(log(10 / 9.0), log(1.2))), 1e-12);
	assert_false(rg_ratio_significant(&r));
}

static void a_ratio_is_significant_only_if_its_interval_leaves_out_one(void **state)
{
	struct rg_stats a = {.median = 10, .lo = 9.9, .hi = 10.1, .reached = true};
	struct rg_stats b = {.median = 11, .lo = 10.9, .hi = 11.1, .reached = true};
	struct rg_ratio r = rg_ratio_of_medians(&a, &b);

	assert_near(r.ratio, 10 / 11.0, 1e-12);
	assert_true(r.hi < 1);
	assert_true(rg_ratio_significant(&r));
	r = rg_ratio_of_medians(&b, &a);
	assert_true(r.lo > 1);
	assert_true(rg_ratio_significant(&r));
	b.reached = false;
	r = rg_ratio_of_medians(&b, &a);
	assert_false(rg_ratio_significant(&r));
	b.lo = 0;
	r = rg_ratio_of_medians(&b, &a);
	assert_true(r.ratio == 0);
	assert_false(rg_ratio_significant(&r));
}

static void launches_are_compared_in_pairs(void **state)
{
	/* Ratios 2, 2, 4, 4: mean of logs 1.5 ln 2, sd ln 2 / sqrt 3, t(3) 3.18245. */
	const double a[] = {2, 20, 4, 40}, b[] = {1, 10, 1, 10};
	double half = 3.182446305284263 * M_LN2 / sqrt(3) / 2;
	struct rg_ratio r = rg_ratio_of_launches(a, b, 4);

	assert_near(r.ratio, exp2(1.5), 1e-12);
	assert_near(r.lo, exp2(1.5) * exp(-half), 1e-9);
	assert_near(r.hi, exp2(1.5) * exp(half), 1e-9);
	assert_true(r.reached && r.n == 4);
	/* At 0.99 t(3) is 5.84091. */
	r = rg_ratio_of_launches_at(0.99, a, b, 4);
	assert_near(r.ratio, exp2(1.5), 1e-12);
	assert_near(r.hi, exp2(1.5) * exp(half / 3.182446305284263 * 5.840909309733355), 1e-9);
	assert_near(r.hi / r.ratio, r.ratio / r.lo, 1e-9);
	/* Without b it is the mean of a. */
	r = rg_ratio_of_launches(a, NULL, 4);
	assert_near(r.ratio, rg_stats_geomean(a, 4), 1e-12);
	assert_near(r.hi / r.ratio, r.ratio / r.lo, 1e-9);
	assert_true(r.reached && r.hi > r.ratio);
	r = rg_ratio_of_launches(a, b, 1);
	assert_true(r.ratio == 2 && r.lo == 2 && r.hi == 2 && !r.reached);
	r = rg_ratio_of_launches(a, b, 0);
	assert_true(r.ratio == 0 && r.n == 0);
}

static void of_ten_launches_the_two_that_are_farthest_out_do_not_count(void **state)
{
	/* Logs in units of ln 2: 1 and 2, four each, and 100 and -100, which count as 2 and 1. */
	const double a[] = {2, 4, 2, 4, 0x1p100, 0x1p-100, 2, 4, 2, 4};
	/* All 10 deviate by 1/2 from their mean; t(7) 2.36462. */
	double half = 2.364624251592785 * sqrt(10 * 0.25 / (8 * 7)) * M_LN2;
	struct rg_ratio r = rg_ratio_of_launches(a, NULL, 10);

	assert_near(r.ratio, exp2(1.5), 1e-12);
	assert_near(r.lo, exp2(1.5) * exp(-half), 1e-9);
	assert_near(r.hi, exp2(1.5) * exp(half), 1e-9);
	assert_true(r.reached && r.n == 10);
	/* With 9 they do. */
	r = rg_ratio_of_launches(a, NULL, 9);
	assert_true(r.lo < 1 && r.hi > 0x1p20);
	/* A quotient beyond all numbers is none. */
	r = rg_ratio_of_launches((const double[]){0x1p1000}, (const double[]){0x1p-1000}, 1);
	assert_true(r.ratio == 0 && r.n == 0);
}

static void launches_that_are_no_pairs_are_compared_as_groups(void **state)
{
	/*
	 * Logs in units of ln 2: a 1, 3 (mean 2, variance 2), b 0, 0, 3, 3 (mean 1.5, variance 3).
	 * s2 is 1 and 0.75, df = 1.75^2 / (1 + 0.75^2 / 3) = 2.58, so t(2) = 4.30265.
	 */
	const double a[] = {2, 8}, b[] = {1, 8, 8, 1}, alike[] = {4, 4}, bad[] = {1, 0};
	double half = 4.302652729911275 * sqrt(1.75) * M_LN2;
	struct rg_ratio r = rg_ratio_of_groups(a, 2, b, 4);

	assert_near(r.ratio, exp2(0.5), 1e-12);
	assert_near(r.lo, exp2(0.5) * exp(-half), 1e-9);
	assert_near(r.hi, exp2(0.5) * exp(half), 1e-9);
	assert_true(r.reached && r.n == 6);
	/* Equal variances: df is 2 whatever the rounding, t(2) times log(k) sqrt(1 / 2). */
	for (double k = 1.1; k < 50; k *= 1.3) {
		const double c[] = {1, k}, d[] = {3, 3 * k};

		r = rg_ratio_of_groups(c, 2, d, 2);
		assert_near(log(r.hi / r.ratio), 4.302652729911275 * sqrt(0.5) * log(k), 1e-9);
	}
	/* Nothing scatters. */
	r = rg_ratio_of_groups(alike, 2, alike, 2);
	assert_true(r.ratio == 1 && r.lo == 1 && r.hi == 1 && r.reached);
	assert_false(rg_ratio_significant(&r));
	/* One launch says nothing about launches. */
	r = rg_ratio_of_groups(a, 1, b, 4);
	assert_true(r.lo == r.ratio && r.hi == r.ratio && !r.reached);
	r = rg_ratio_of_groups(a, 2, bad, 2);
	assert_true(r.ratio == 0 && r.n == 0);
	r = rg_ratio_of_groups(a, 0, b, 4);
	assert_true(r.ratio == 0 && r.n == 0);
}

static void the_geometric_mean_needs_positive_values(void **state)
{
	const double values[] = {1, 4, 16}, bad[] = {1, 0};

	assert_near(rg_stats_geomean(values, 3), 4, 1e-12);
	assert_true(rg_stats_geomean(bad, 2) == 0);
	assert_true(rg_stats_geomean(values, 0) == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(six_samples_are_the_least_that_give_an_interval),
		cmocka_unit_test(interval_ranks_are_those_of_the_binomial_table),
		cmocka_unit_test(interval_ranks_agree_with_exact_counting),
		cmocka_unit_test(large_counts_follow_the_normal_approximation),
		cmocka_unit_test(an_odd_and_an_even_number_of_samples_have_their_medians),
		cmocka_unit_test(no_samples_give_zeroes),
		cmocka_unit_test(p99_is_the_sample_that_99_percent_do_not_exceed),
		cmocka_unit_test(equal_medians_have_a_ratio_of_one_and_are_not_significant),
		cmocka_unit_test(a_ratio_is_significant_only_if_its_interval_leaves_out_one),
		cmocka_unit_test(launches_are_compared_in_pairs),
		cmocka_unit_test(of_ten_launches_the_two_that_are_farthest_out_do_not_count),
		cmocka_unit_test(launches_that_are_no_pairs_are_compared_as_groups),
		cmocka_unit_test(the_geometric_mean_needs_positive_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
