/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Student's t for any level: the probability of larger values is an incomplete beta function
 * [AbramowitzStegun, 26.7.1 and 26.5.27],
 *   P(|T| > t) = I_x(df / 2, 1 / 2),   x = df / (df + t^2)
 * and is inverted by Newton's method on its logarithm as a function of log t.
 */
#include "config.h"

#include "railgauge/measure/stats.h"

#include <math.h>

#define STEPS_MAX 200
#define TERMS_MAX 100000

/* log of 1 / B(a, 1/2), without the cancellation of two large lgamma(). */
static double log_beta_inverse(double a)
{
	double r = 1 / a;
	int sign;

	if (a < 50)
		return lgamma_r(a + 0.5, &sign) - lgamma_r(a, &sign) - log(M_PI) / 2;
	/* [AbramowitzStegun, 6.1.47], its logarithm; what follows is below r^7 / 500. */
	return log(a / M_PI) / 2 - r * (1 / 8. - r * r * (1 / 192. - r * r / 640));
}

/*
 * The continued fraction 26.5.8 of I_x(a, 1/2), evaluated forward. All its coefficients are
 * negative and x < 1, so no denominator becomes 0. Few terms where x is below a / (a + 1/2).
 */
static double fraction(double a, double x)
{
	double c = 1, d = 0, f = 1, change = 2;

	for (int i = 1; i < TERMS_MAX && fabs(change - 1) > 1e-15; i++) {
		double m = i / 2, k = a + i;
		double coefficient = i % 2 ? -(a + m) * (a + 0.5 + m) : m * (0.5 - m);

		coefficient *= x / ((k - 1) * k);
		d = 1 / (1 + coefficient * d);
		c = 1 + coefficient / c;
		change = c * d;
		f *= change;
	}
	return 1 / f;
}

/* 1 + the sum in 26.5.4 for I_y(1/2, a). All terms are positive. */
static double series(double a, double y)
{
	double term = 1, sum = 1;

	for (int n = 0; n < TERMS_MAX && term > sum * 1e-17; n++) {
		term *= (a + 0.5 + n) / (1.5 + n) * y;
		sum += term;
	}
	return sum;
}

/* log P(|T| > t); *front_out: log of the density of log |T|. */
static double log_tail(double df, double t, double *front_out)
{
	double a = df / 2, y = t * t / (df + t * t);
	double front = log_beta_inverse(a) - a * log1p(t * t / df) + log(y) / 2;

	*front_out = front + M_LN2;
	if (t * t > 3)
		return front - log(a) + log(fraction(a, df / (df + t * t)));
	return log1p(-2 * exp(front) * series(a, y));
}

double rg_stats_student_at(double level, size_t df)
{
	double v = df < 1 ? 1 : df > 1000000 ? 1e6 : (double)df;
	double wanted = log1p(-level), u = 0, step = 1;

	/*
	 * The density of log |T| is log-concave, hence so is its tail: the first step leads to the
	 * right of the solution at most, and all others towards it from there.
	 */
	for (int i = 0; i < STEPS_MAX && fabs(step) > 1e-11; i++) {
		double front, tail = log_tail(v, exp(u), &front);

		step = (tail - wanted) / exp(front - tail);
		u += step;
	}
	return exp(u);
}

double rg_stats_student(size_t df)
{
	return rg_stats_student_at(RG_STATS_LEVEL, df);
}
