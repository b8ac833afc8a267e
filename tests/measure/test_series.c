/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/measure/series.h"

#include "railgauge/base/mem.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#define NEAR(a, b) assert_true(fabs((a) - (b)) <= 1e-9 * fabs((double)(b)))

/* All of 1 to n, in an order that is not sorted; n is no multiple of 7919. */
static void add_all(struct rg_series *s, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		rg_series_add(s, 1 + (i * 7919) % n);
}

static void a_series_that_fits_is_described_exactly(void **state)
{
	struct rg_distribution d;
	struct rg_series s;
	struct rg_err err;

	assert_int_equal(rg_series_open(&s, 2048, &err), 0);
	add_all(&s, 1000);
	rg_series_distribution(&s, 1, &d);
	assert_int_equal(d.n, 1000);
	assert_int_equal(d.kept, 1000);
	NEAR(d.median, 500.5);
	NEAR(d.mean, 500.5);
	/* The variance of 1 to n, n - 1 below: n (n + 1) / 12. */
	NEAR(d.stdev, sqrt(1000.0 * 1001 / 12));
	NEAR(d.min, 1);
	NEAR(d.max, 1000);
	NEAR(d.p90, 900);
	NEAR(d.p99, 990);
	NEAR(d.p999, 999);
	assert_true(d.lo < d.median && d.median < d.hi);
	rg_series_close(&s);
}

static void the_greatest_of_few_is_the_greatest(void **state)
{
	struct rg_distribution d;
	struct rg_series s;
	struct rg_err err;

	assert_int_equal(rg_series_open(&s, 16, &err), 0);
	rg_series_add(&s, 5);
	rg_series_add(&s, 1000);
	rg_series_add(&s, 7);
	rg_series_distribution(&s, 1, &d);
	NEAR(d.max, 1000);
	NEAR(d.p999, 1000);
	NEAR(d.p99, 1000);
	NEAR(d.p90, 1000);
	NEAR(d.median, 7);
	rg_series_reset(&s);
	rg_series_distribution(&s, 1, &d);
	assert_int_equal(d.n, 0);
	assert_true(d.max == 0);
	rg_series_add(&s, 3);
	rg_series_distribution(&s, 1, &d);
	assert_int_equal(d.n, 1);
	assert_true(d.stdev == 0 && d.min == 3 && d.max == 3 && d.mean == 3);
	rg_series_close(&s);
}

/* Spreads of less than a unit of the scaled time are not cut off. */
static void the_deviation_is_not_rounded(void **state)
{
	struct rg_distribution d;
	struct rg_series s;
	struct rg_err err;

	assert_int_equal(rg_series_open(&s, 1024, &err), 0);
	for (int i = 0; i < 1000; i++)
		rg_series_add(&s, 1000000000000 + i % 2);
	rg_series_distribution(&s, 1e-3 / 2, &d);
	NEAR(d.stdev, 1e-3 / 2 * sqrt(0.25 * 1000 / 999));
	NEAR(d.mean, 5e8 + 0.25e-3);
	rg_series_close(&s);
}

static void a_series_that_does_not_fit_is_kept_evenly(void **state)
{
	struct rg_distribution d;
	struct rg_series s;
	struct rg_err err;
	uint64_t n = 100000;
	int thinned = 0;

	assert_int_equal(rg_series_open(&s, 1024, &err), 0);
	for (uint64_t i = 0; i < n; i++)
		thinned += rg_series_add(&s, 10 + i);
	assert_int_equal(thinned, 7); /* 1024 * 2^7 > n */
	/* What is kept is every 128th, the first included. */
	for (size_t i = 0; i < s.n; i++)
		assert_true(s.kept[i] == (double)(10 + 128 * i));
	assert_int_equal(s.n, (n + 127) / 128);
	rg_series_distribution(&s, 1, &d);
	assert_int_equal(d.n, n);
	NEAR(d.min, 10);
	NEAR(d.max, 9.0 + (double)n);
	NEAR(d.mean, 10 + (double)(n - 1) / 2);
	NEAR(d.stdev, sqrt((double)n * (double)(n + 1) / 12));
	assert_true(fabs(d.median / (10 + (double)n / 2) - 1) < 0.01);
	assert_true(fabs(d.p99 / (0.99 * (double)n) - 1) < 0.01);
	rg_series_close(&s);
}

static void without_memory_nothing_is_open(void **state)
{
	struct rg_series s;
	struct rg_err err;

	for (unsigned long n = 1; n <= 2; n++) {
		rg_mem_fail_nth(n);
		assert_int_equal(rg_series_open(&s, 16, &err), RG_ERR_NO_MEMORY);
		assert_null(s.kept);
	}
	rg_mem_fail_nth(0);
	rg_series_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_series_that_fits_is_described_exactly),
		cmocka_unit_test(the_greatest_of_few_is_the_greatest),
		cmocka_unit_test(the_deviation_is_not_rounded),
		cmocka_unit_test(a_series_that_does_not_fit_is_kept_evenly),
		cmocka_unit_test(without_memory_nothing_is_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
