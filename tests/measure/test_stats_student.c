/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Student's quantiles: tabulated ones, closed forms, and an oracle that has nothing in common with
 * the code: the finite sums for whole degrees of freedom [AbramowitzStegun, 26.7.3 and 26.7.4] in
 * long double.
 */
#include "config.h"

#include "railgauge/measure/stats.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define EXACT 1e-9 /* what stats.h states */

static void assert_student(double level, size_t df, double expected, double relative)
{
	double got = rg_stats_student_at(level, df);

	if (!(fabs(got - expected) <= relative * expected))
		fail_msg("level %g, df %zu: %.12g is not %.12g", level, df, got, expected);
}

static void quantiles_are_the_tabulated_ones(void **state)
{
	static const struct {
		size_t df;
		double t95, t99, t999; /* as tables have them: 5 or 6 digits */
	} table[] = {{1, 12.706, 63.657, 636.619},    {2, 4.30265, 9.92484, 31.5991},
		     {5, 2.57058, 4.03214, 6.86883},  {7, 2.36462, 3.49948, 5.40788},
		     {10, 2.22814, 3.16927, 4.58689}, {11, 2.20099, 3.10581, 4.43698},
		     {19, 2.09302, 2.86093, 3.88341}, {29, 2.04523, 2.75639, 3.65941},
		     {60, 2.00030, 2.66028, 3.46020}, {120, 1.97993, 2.61742, 3.37345}};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		assert_student(0.95, table[i].df, table[i].t95, 3e-5);
		assert_student(0.99, table[i].df, table[i].t99, 3e-5);
		assert_student(0.999, table[i].df, table[i].t999, 3e-5);
		assert_true(rg_stats_student(table[i].df) ==
			    rg_stats_student_at(0.95, table[i].df));
	}
}

/* Computed with 30 digits (mpmath, from its own incomplete beta function). */
static void corrected_levels_and_many_degrees_of_freedom_are_exact(void **state)
{
	assert_student(1 - 0.05 / 200, 7, 6.81403547928154, EXACT);
	assert_student(1 - 0.05 / 200, 1, 2546.47895857063, EXACT);
	assert_student(0.9999, 30, 4.482417175409747, EXACT);
	assert_student(0.99999, 100, 4.654240062777349, EXACT);
	assert_student(0.999999, 3, 130.154589558358, EXACT);
	assert_student(0.99, 99, 2.626405457280828, EXACT);
	assert_student(0.99, 101, 2.625385964668441, EXACT);
	assert_student(0.01, 5, 0.01317198467264688, EXACT);
	assert_student(0.95, 999999, 1.959966356816479, EXACT);
	assert_student(1 - 0.05 / 200, 500000, 3.662286321573859, EXACT);
	/* The normal distribution's. */
	assert_student(0.95, (size_t)-1, 1.959963984540054, 7e-6);
	assert_student(0.999999, (size_t)-1, 4.891638475698776, 7e-6);
}

static void one_and_two_degrees_of_freedom_have_closed_forms(void **state)
{
	for (double level = 0.001; level < 1; level += 0.0373) {
		assert_student(level, 1, tan(M_PI * level / 2), EXACT);
		assert_student(level, 2, level * sqrt(2 / (1 - level * level)), EXACT);
	}
}

/* P(|T| <= t). */
static long double inside(long double t, size_t df)
{
	long double theta = atanl(t / sqrtl((long double)df));
	long double cosine = cosl(theta), term = 1, sum = 0;

	if (df % 2 == 0) {
		for (size_t k = 0; k <= df - 2; k += 2) {
			sum += term;
			term *= cosine * cosine * (long double)(k + 1) / (long double)(k + 2);
		}
		return sinl(theta) * sum;
	}
	term = cosine;
	for (size_t k = 1; k + 2 <= df; k += 2) {
		sum += term;
		term *= cosine * cosine * (long double)(k + 1) / (long double)(k + 2);
	}
	return 2 / M_PIl * (theta + sinl(theta) * sum);
}

static void quantiles_give_back_their_level(void **state)
{
	static const double levels[] = {0.01, 0.3, 0.5, 0.8, 0.91, 0.95, 0.99, 0.9995, 0.99999};

	for (size_t df = 1; df < 3000; df += df < 150 ? 1 : df / 9) {
		double last = 0;

		for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
			double t = rg_stats_student_at(levels[i], df);
			long double outside = 1 - (long double)levels[i];
			/* A relative error of t is at most df times as large in the tail. */
			long double off = (1 - inside(t, df)) / outside - 1;

			assert_true(t > last);
			if (!(fabsl(off) < EXACT))
				fail_msg("level %g, df %zu: t %.12g is off by %Lg", levels[i], df,
					 t, off);
			last = t;
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quantiles_are_the_tabulated_ones),
		cmocka_unit_test(corrected_levels_and_many_degrees_of_freedom_are_exact),
		cmocka_unit_test(one_and_two_degrees_of_freedom_have_closed_forms),
		cmocka_unit_test(quantiles_give_back_their_level),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
