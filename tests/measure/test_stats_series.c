/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Do the intervals hold what is true as often as they promise? By simulation with fixed seeds, for
 * samples that are independent, that resemble their neighbours, and whose level jumps now and then.
 */
#include "config.h"

#include "railgauge/measure/sample.h"
#include "railgauge/measure/stats.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#define MOST 1000

/* splitmix64: the same numbers everywhere. */
static double uniform(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return ((double)((z ^ (z >> 31)) >> 11) + 0.5) / 0x1p53;
}

static double normal(uint64_t *state)
{
	double radius = sqrt(-2 * log(uniform(state)));

	return radius * cos(2 * M_PI * uniform(state));
}

/* Times as they look: a floor, an exponential tail, now and then a large outlier. */
#define SKEWED_MEDIAN (100 + M_LN2)
static double skewed(uint64_t *state)
{
	double v = 100 - log(uniform(state));

	return v > SKEWED_MEDIAN && uniform(state) < 0.05 ? v + 900 : v;
}

/* Noise of standard deviation 1 and median 0 that remembers. */
struct noise {
	double rho;   /* correlation of neighbours */
	double dwell; /* samples that a level lasts in the mean; 0: no levels but rho */
};

static void make_noise(const struct noise *kind, double *noise_out, size_t n, uint64_t *seed)
{
	double fresh = sqrt(1 - kind->rho * kind->rho), at = normal(seed);

	for (size_t i = 0; i < n; i++) {
		if (kind->dwell == 0)
			at = kind->rho * at + fresh * normal(seed);
		else if (uniform(seed) < 1 / kind->dwell)
			at = normal(seed);
		noise_out[i] = at;
	}
}

/* Log-normal about 1; levels carry a little noise of their own. */
static void make_samples(const struct noise *kind, double *samples, size_t n, uint64_t *seed)
{
	make_noise(kind, samples, n, seed);
	for (size_t i = 0; i < n; i++)
		samples[i] = exp(0.1 * samples[i] + (kind->dwell > 0 ? 0.03 * normal(seed) : 0));
}

/* How often the interval holds the median, which is 1. */
static double median_coverage(const struct noise *kind, size_t n, int trials, double *widen_out)
{
	uint64_t seed = n + (uint64_t)(1000 * kind->rho + kind->dwell);
	double width = 0, bare = 0;
	int held = 0;

	for (int t = 0; t < trials; t++) {
		double x[MOST], sorted[MOST];
		size_t j = rg_stats_interval_rank(n, NULL);
		struct rg_stats s;

		make_samples(kind, x, n, &seed);
		rg_stats_of(x, n, sorted, &s);
		assert_true(s.lo <= s.median && s.median <= s.hi);
		held += s.lo <= 1 && 1 <= s.hi;
		width += s.hi - s.lo;
		bare += sorted[n - j] - sorted[j - 1];
	}
	*widen_out = width / bare;
	return (double)held / trials;
}

static const struct noise independent = {.rho = 0};

static void skewed_samples_hold_the_median_as_often_as_the_binomial_promises(void **state)
{
	static const size_t counts[] = {6, 7, 11, 20, 101};
	uint64_t seed = 7;

	(void)state;
	for (size_t c = 0; c < 5; c++) {
		const int trials = 5000;
		double level, x[101], scratch[101], slack;
		int held = 0;

		rg_stats_interval_rank(counts[c], &level);
		for (int t = 0; t < trials; t++) {
			struct rg_stats s;

			for (size_t i = 0; i < counts[c]; i++)
				x[i] = skewed(&seed);
			rg_stats_of(x, counts[c], scratch, &s);
			held += s.lo <= SKEWED_MEDIAN && SKEWED_MEDIAN <= s.hi;
		}
		/* Four standard deviations of the count; from 12 on it may be more often. */
		slack = 4 * sqrt(trials * level * (1 - level));
		if (held < level * trials - slack ||
		    (counts[c] < 12 && held > level * trials + slack))
			fail_msg("n %zu: %d of %d, not %.1f", counts[c], held, trials,
				 level * trials);
	}
}

static void samples_that_resemble_their_neighbours_still_hold_the_median(void **state)
{
	static const struct {
		struct noise kind;
		size_t n;
	} cases[] = {
		{{.rho = 0}, 50},     {{.rho = 0}, 250},     {{.rho = 0}, 1000},
		{{.rho = 0.5}, 50},   {{.rho = 0.5}, 250},   {{.rho = 0.5}, 1000},
		{{.rho = 0.9}, 100},  {{.rho = 0.9}, 250},   {{.rho = 0.9}, 1000},
		{{.dwell = 10}, 250}, {{.dwell = 10}, 1000}, {{.dwell = 40}, 1000},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		double widen, share = median_coverage(&cases[i].kind, cases[i].n, 1000, &widen);

		print_message("median: rho %.1f, levels of %2.0f, n %4zu: held %.1f %%, %.2f "
			      "times as wide as for independent samples\n",
			      cases[i].kind.rho, cases[i].kind.dwell, cases[i].n, 100 * share,
			      widen);
		if (share < 0.90)
			fail_msg("held in only %.1f %%", 100 * share);
	}
}

/*
 * As a sampler does: looks again each time that there are a fifth more, and ends when the interval
 * is within 2 % of the median.
 */
static void looking_until_the_interval_is_narrow_costs_little(void **state)
{
	static const struct noise kinds[] = {{.rho = 0}, {.rho = 0.5}, {.rho = 0.9}};
	static double x[5000], scratch[5000];

	(void)state;
	for (size_t k = 0; k < 3; k++) {
		const int trials = 300;
		uint64_t seed = k;
		int held = 0;

		for (int t = 0; t < trials; t++) {
			size_t n = RG_SAMPLE_MIN_PRECISE;
			struct rg_stats s;

			make_noise(&kinds[k], x, 5000, &seed);
			for (size_t i = 0; i < 5000; i++)
				x[i] = exp(0.05 * x[i]);
			rg_stats_of(x, n, scratch, &s);
			while (rg_stats_halfwidth(&s) > 0.02 && n + n / 5 < 5000) {
				n += n / 5 + 1;
				rg_stats_of(x, n, scratch, &s);
			}
			held += s.lo <= 1 && 1 <= s.hi;
		}
		print_message("until narrow: rho %.1f: held %.1f %%\n", kinds[k].rho,
			      100.0 * held / trials);
		if (held < 0.88 * trials)
			fail_msg("held in only %d of %d", held, trials);
	}
}

static void independent_samples_pay_little_for_it(void **state)
{
	double widen;

	(void)state;
	median_coverage(&independent, 250, 1000, &widen);
	assert_true(widen < 1.5);
}

static void a_jump_in_the_middle_is_all_within_the_interval(void **state)
{
	double x[200], scratch[200];
	struct rg_stats s;

	(void)state;
	for (int i = 0; i < 200; i++)
		x[i] = (i < 100 ? 10 : 20) + 0.01 * (i % 7);
	rg_stats_of(x, 200, scratch, &s);
	assert_true(s.lo < 11 && s.hi >= 20);
}

static void when_no_interval_is_left_it_says_so(void **state)
{
	double x[24], scratch[24];
	struct rg_stats s;

	(void)state;
	for (int i = 0; i < 24; i++)
		x[i] = i < 12 ? 10 + i : 100 + i;
	rg_stats_of(x, 24, scratch, &s);
	assert_true(s.lo == s.min && s.hi == s.max);
	assert_false(s.reached);
	assert_int_equal(rg_stats_series_rank(x, 24, s.median), 0);
}

/* --- ratios within a launch --- */

/*
 * Two targets with the true ratio 2, measured in turns: what one rank of noise does to both, and
 * each one's own. How often the interval holds 2; and how wide it is beside that of medians which
 * know nothing of each other.
 */
static double ratio_coverage(const struct noise *kind, double common, size_t n, int trials,
			     double *widen_out)
{
	uint64_t seed = 3 * n + (uint64_t)(1000 * kind->rho + kind->dwell);
	double width = 0, apart = 0;
	int held = 0;

	for (int t = 0; t < trials; t++) {
		double x[MOST], y[MOST], noise[MOST], scratch[2 * MOST];
		size_t ny = n - n / 50; /* some did not count */
		struct rg_stats a, b;
		struct rg_ratio r, alone;

		make_noise(kind, noise, n, &seed);
		for (size_t i = 0; i < n; i++)
			x[i] = 2 * exp(common * noise[i] + 0.05 * normal(&seed));
		for (size_t i = 0; i < ny; i++)
			y[i] = exp(common * noise[i * n / ny] + 0.05 * normal(&seed));
		r = rg_ratio_of_series(x, n, y, ny, scratch);
		rg_stats_of(x, n, scratch, &a);
		rg_stats_of(y, ny, scratch, &b);
		alone = rg_ratio_of_medians(&a, &b);
		assert_true(r.lo <= r.ratio && r.ratio <= r.hi && r.reached && r.n == 1);
		held += r.lo <= 2 && 2 <= r.hi;
		width += log(r.hi / r.lo);
		apart += log(alone.hi / alone.lo);
	}
	*widen_out = width / apart;
	return (double)held / trials;
}

static void ratios_within_a_launch_hold_the_true_one_under_all_noise(void **state)
{
	static const struct {
		struct noise kind;
		size_t n;
	} cases[] = {
		{{.rho = 0}, 30},     {{.rho = 0}, 250},     {{.rho = 0.5}, 250},
		{{.rho = 0.9}, 100},  {{.rho = 0.9}, 250},   {{.rho = 0.9}, 1000},
		{{.dwell = 10}, 250}, {{.dwell = 40}, 1000},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		double widen, share = ratio_coverage(&cases[i].kind, 0.1, cases[i].n, 500, &widen);

		print_message("ratio: rho %.1f, levels of %2.0f, n %4zu: held %.1f %%, %.2f times "
			      "as wide as of medians apart\n",
			      cases[i].kind.rho, cases[i].kind.dwell, cases[i].n, 100 * share,
			      widen);
		if (share < 0.90)
			fail_msg("held in only %.1f %%", 100 * share);
		/* What both have in common is no reason for doubt. */
		if (cases[i].kind.dwell > 0 || cases[i].kind.rho > 0.8)
			assert_true(widen < 0.9);
	}
}

static void ratios_of_unrelated_samples_are_not_much_wider(void **state)
{
	double widen, share = ratio_coverage(&independent, 0, 250, 500, &widen);

	(void)state;
	assert_true(share >= 0.93);
	assert_true(widen < 1.5);
}

static void few_samples_have_the_ratio_of_their_medians(void **state)
{
	double x[20], y[200], scratch[220];
	struct rg_stats a, b;
	struct rg_ratio r, alone;
	uint64_t seed = 1;

	(void)state;
	make_samples(&independent, x, 20, &seed);
	make_samples(&independent, y, 200, &seed);
	r = rg_ratio_of_series(x, 20, y, 200, scratch);
	rg_stats_of(x, 20, scratch, &a);
	rg_stats_of(y, 200, scratch, &b);
	alone = rg_ratio_of_medians(&a, &b);
	assert_memory_equal(&r, &alone, sizeof(r));
	x[3] = 0;
	assert_true(rg_ratio_of_series(x, 20, y, 200, scratch).ratio == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(skewed_samples_hold_the_median_as_often_as_the_binomial_promises),
		cmocka_unit_test(samples_that_resemble_their_neighbours_still_hold_the_median),
		cmocka_unit_test(looking_until_the_interval_is_narrow_costs_little),
		cmocka_unit_test(independent_samples_pay_little_for_it),
		cmocka_unit_test(a_jump_in_the_middle_is_all_within_the_interval),
		cmocka_unit_test(when_no_interval_is_left_it_says_so),
		cmocka_unit_test(ratios_within_a_launch_hold_the_true_one_under_all_noise),
		cmocka_unit_test(ratios_of_unrelated_samples_are_not_much_wider),
		cmocka_unit_test(few_samples_have_the_ratio_of_their_medians),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
