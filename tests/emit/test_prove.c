/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Verdicts over made-up launches, of which it is known whether the files change anything: how often
 * are they wrong, and how often is a change found? Numbers from a fixed seed, so that each run of
 * the test is the same.
 */
#include "config.h"

#include "railgauge/emit/prove.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#define PAIRS  RG_PROVE_PAIRS_MIN
#define POINTS 10
#define PROOFS 2000

/* What launches are like. */
struct noise {
	double launch;	    /* standard deviation of log time, common to all points of a launch */
	double point;	    /* the same of each point in each launch */
	double often, much; /* so often a launch takes so much longer at a point */
	double drift;	    /* of log time from launch to launch */
	double walk;	    /* standard deviation of its change from launch to launch */
};

static uint64_t state_of_random;

static double uniform(void)
{
	state_of_random = state_of_random * 6364136223846793005u + 1442695040888963407u;
	return ((double)(state_of_random >> 11) + 0.5) / 9007199254740992.0;
}

static double normal(void)
{
	double r = sqrt(-2 * log(uniform()));

	return r * cos(2 * M_PI * uniform());
}

struct proof {
	double without[POINTS][PAIRS], with[POINTS][PAIRS];
	struct rg_prove_point points[POINTS];
};

/* One launch: a column of medians. gain: how much less time it takes. */
static void launch(double (*medians)[PAIRS], uint32_t pair, const struct noise *n, double level,
		   double gain)
{
	double common = level + n->launch * normal();

	for (uint32_t i = 0; i < POINTS; i++) {
		double t = common + n->point * normal();

		if (uniform() < n->often)
			t += log(n->much);
		medians[i][pair] = 1000 * exp(t) / gain;
	}
}

/* Launches in the order AB BA AB ..., and the verdicts. promised 0: nothing. */
static void prove(struct proof *p, const struct noise *n, double gain, double promised)
{
	double level = 0;

	memset(p, 0, sizeof(*p));
	for (uint32_t i = 0; i < 2 * PAIRS; i++) {
		bool with = (i % 4 == 1) || (i % 4 == 2);

		launch(with ? p->with : p->without, i / 2, n, level, with ? gain : 1);
		level += n->drift + n->walk * normal();
	}
	for (uint32_t i = 0; i < POINTS; i++)
		p->points[i] = (struct rg_prove_point){.npairs = PAIRS,
						       .without_ns = p->without[i],
						       .with_ns = p->with[i],
						       .promised = {promised, promised, promised,
								    promised > 0 ? 5 : 0, true}};
	rg_prove_judge(p->points, POINTS);
}

static uint32_t count(const struct proof *p, enum rg_verdict verdict)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < POINTS; i++)
		n += p->points[i].verdict == verdict;
	return n;
}

/* The share of proofs in which anything is called better or worse though nothing changes. */
static double false_calls(const struct noise *n)
{
	struct proof p;
	uint32_t called = 0;

	state_of_random = 1;
	for (int i = 0; i < PROOFS; i++) {
		prove(&p, n, 1, 1.5);
		called += count(&p, RG_PROVE_LEVEL) < POINTS;
	}
	return (double)called / PROOFS;
}

static void without_a_change_5_percent_of_the_proofs_call_something_better_or_worse(void **state)
{
	/* So much noise that the floor of 3 % does not matter: the level alone is tried. */
	const struct noise loud = {.point = 0.5};
	double share = false_calls(&loud);

	if (!(share > 0.025 && share <= 0.06))
		fail_msg("%g of the proofs", share);
}

static void launches_outliers_and_drift_do_not_make_it_more(void **state)
{
	static const struct noise kinds[] = {
		{.launch = 0.03, .point = 0.01},
		{.launch = 0.3, .point = 0.1},
		{.point = 0.02, .often = 0.1, .much = 3},
		{.launch = 0.02, .point = 0.02, .often = 0.3, .much = 1.3},
		{.point = 0.01, .drift = 0.05},
		{.point = 0.2, .drift = 0.2},
		{.point = 0.01, .walk = 0.1},
		{.launch = 0.05, .point = 0.05, .often = 0.05, .much = 10, .drift = -0.03},
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		double share = false_calls(&kinds[i]);

		if (!(share <= 0.05))
			fail_msg("noise %zu: %g of the proofs", i, share);
	}
}

static void a_gain_of_1_2_is_found_by_8_pairs_with_3_percent_of_noise(void **state)
{
	const struct noise noise = {.launch = 0.03, .drift = 0.002};
	struct proof p;
	uint32_t found = 0, lost = 0;

	state_of_random = 2;
	for (int i = 0; i < PROOFS; i++) {
		prove(&p, &noise, 1.2, 1.2);
		found += count(&p, RG_PROVE_BETTER) == POINTS;
		prove(&p, &noise, 1 / 1.2, 1.2);
		lost += count(&p, RG_PROVE_WORSE) == POINTS;
	}
	/* The scatter of 8 pairs is twice its expectation once in some thousand proofs. */
	assert_true(found >= PROOFS - PROOFS / 500);
	assert_true(lost >= PROOFS - PROOFS / 500);
	assert_true(fabs(p.points[0].without_mean_ns - 1000 * exp(0.002 * 7.5)) < 100);
	assert_true(p.points[0].with_mean_ns > p.points[0].without_mean_ns * 1.1);
}

static void a_gain_of_1_02_never_counts(void **state)
{
	const struct noise quiet = {.launch = 0.003, .point = 0.001};
	const struct noise silent = {0};
	struct proof p;

	state_of_random = 3;
	for (int i = 0; i < PROOFS; i++) {
		prove(&p, &quiet, 1.02, 1.02);
		assert_int_equal(count(&p, RG_PROVE_LEVEL), POINTS);
		prove(&p, &quiet, 1 / 1.02, 1.02);
		assert_int_equal(count(&p, RG_PROVE_LEVEL), POINTS);
	}
	/* Nothing scatters: the interval is the ratio, and that is known to be 1.02. */
	prove(&p, &silent, 1.02, 1.02);
	assert_int_equal(count(&p, RG_PROVE_LEVEL), POINTS);
	prove(&p, &silent, 1.04, 1.03);
	assert_int_equal(count(&p, RG_PROVE_BETTER), POINTS);
}

static void what_was_not_promised_is_never_better_but_may_be_worse(void **state)
{
	const struct noise noise = {.launch = 0.01};
	struct proof p;

	state_of_random = 4;
	prove(&p, &noise, 1.5, 0);
	assert_int_equal(count(&p, RG_PROVE_LEVEL), POINTS);
	prove(&p, &noise, 1.5, 1); /* the default's: 1, 1, 1 */
	assert_int_equal(count(&p, RG_PROVE_LEVEL), POINTS);
	prove(&p, &noise, 1.5, 1.02); /* less than the decisions call a gain */
	assert_int_equal(count(&p, RG_PROVE_LEVEL), POINTS);
	prove(&p, &noise, 1 / 1.5, 0);
	assert_int_equal(count(&p, RG_PROVE_WORSE), POINTS);
}

static void a_gain_that_may_be_none_is_no_promise(void **state)
{
	const struct rg_prove_point p[] = {{.promised = {1.2, 1.01, 1.4, 5, true}},
					   {.promised = {1.2, 0.99, 1.4, 5, true}},
					   {.promised = {1.02, 1.01, 1.03, 5, true}},
					   {.promised = {1.2, 1.1, 1.3, 0, false}}};

	assert_true(rg_prove_is_promised(&p[0]));
	for (int i = 1; i < 4; i++)
		assert_false(rg_prove_is_promised(&p[i]));
}

static void one_pair_proves_nothing_and_no_point_is_no_error(void **state)
{
	const double slow = 3000, fast = 1000;
	struct rg_prove_point p = {
		.npairs = 1, .without_ns = &slow, .with_ns = &fast, .promised = {3, 2, 4, 5, true}};

	rg_prove_judge(&p, 1);
	assert_int_equal(p.verdict, RG_PROVE_LEVEL);
	assert_true(p.ratio.ratio > 2.99 && p.ratio.ratio < 3.01 && !p.ratio.reached);
	rg_prove_judge(NULL, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			without_a_change_5_percent_of_the_proofs_call_something_better_or_worse),
		cmocka_unit_test(launches_outliers_and_drift_do_not_make_it_more),
		cmocka_unit_test(a_gain_of_1_2_is_found_by_8_pairs_with_3_percent_of_noise),
		cmocka_unit_test(a_gain_of_1_02_never_counts),
		cmocka_unit_test(what_was_not_promised_is_never_better_but_may_be_worse),
		cmocka_unit_test(a_gain_that_may_be_none_is_no_promise),
		cmocka_unit_test(one_pair_proves_nothing_and_no_point_is_no_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
