/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/measure/stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* log P(Bin(n, 1/2) = k). lgamma() itself writes a global. */
static double log_binomial(size_t n, size_t k)
{
	int sign;

	return lgamma_r((double)n + 1, &sign) - lgamma_r((double)k + 1, &sign) -
	       lgamma_r((double)(n - k) + 1, &sign) - (double)n * M_LN2;
}

/*
 * P(Bin(n, 1/2) <= k) for k < n / 2. Summed downwards from the largest term, whose ratio to the
 * next, k / (n - k + 1), is below 1: at 2 standard deviations some O(sqrt n) terms count.
 */
static double binomial_tail(size_t n, size_t k)
{
	double term = exp(log_binomial(n, k)), sum = term;

	for (; k > 0 && term > sum * 1e-17; k--) {
		term *= (double)k / (double)(n - k + 1);
		sum += term;
	}
	return sum;
}

size_t rg_stats_interval_rank(size_t n, double *level_out)
{
	double tail_max = (1 - RG_STATS_LEVEL) / 2;
	size_t k = 0; /* j - 1 */

	if (n >= 6) {
		/* The normal approximation, and from there to the exact limit. */
		double guess = floor((double)n / 2 - 0.98 * sqrt((double)n));

		k = guess > 1 ? (size_t)guess : 0;
		while (k > 0 && binomial_tail(n, k) > tail_max)
			k--;
		while (k + 1 < n / 2 && binomial_tail(n, k + 1) <= tail_max)
			k++;
	}
	if (level_out)
		*level_out = n > 1 ? 1 - 2 * binomial_tail(n, k) : 0;
	return k + 1;
}

/* Numbers of blocks: stats.h says why there are three. */
static const size_t block_counts[] = {6, 12, 24};
#define BLOCK_COUNTS (sizeof(block_counts) / sizeof(block_counts[0]))

/* Where block t of b begins among n samples. */
static size_t block_begin(size_t n, size_t b, size_t t)
{
	return t * n / b;
}

/* V_b of stats.h: of the number of samples below the median. */
static double variance_below(const double *samples, size_t n, double median, size_t b)
{
	double sum = 0;

	for (size_t t = 0; t < b; t++) {
		size_t end = block_begin(n, b, t + 1);
		double excess = 0; /* c_t - L_t / 2 */

		for (size_t i = block_begin(n, b, t); i < end; i++)
			excess += samples[i] < median ? 0.5 : samples[i] > median ? -0.5 : 0;
		sum += excess * excess;
	}
	return sum * (double)b / (double)(b - 1);
}

size_t rg_stats_series_rank(const double *samples, size_t n, double median)
{
	size_t independent = rg_stats_interval_rank(n, NULL);
	double half = 0, j;

	for (size_t i = 0; i < BLOCK_COUNTS && 2 * block_counts[i] <= n; i++) {
		size_t b = block_counts[i];
		double h = rg_stats_student(b - 1) * sqrt(variance_below(samples, n, median, b));

		half = fmax(half, h);
	}
	j = floor((double)n / 2 - half + 0.5);
	if (half == 0 || j >= (double)independent)
		return independent;
	return j > 0 ? (size_t)j : 0;
}

static double median_of_sorted(const double *sorted, size_t n)
{
	return n % 2 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
}

/* Sorts a copy. */
static double median_of(const double *samples, size_t n, double *scratch)
{
	memcpy(scratch, samples, n * sizeof(*samples));
	qsort(scratch, n, sizeof(*scratch), compare);
	return median_of_sorted(scratch, n);
}

void rg_stats_of(const double *samples, size_t n, double *scratch, struct rg_stats *out)
{
	size_t j, p99;

	memset(out, 0, sizeof(*out));
	if (!n)
		return;
	out->n = n;
	out->median = median_of(samples, n, scratch);
	j = rg_stats_series_rank(samples, n, out->median);
	out->reached = n >= 6 && j > 0;
	j = j ? j : 1;
	out->lo = scratch[j - 1];
	out->hi = scratch[n - j];
	p99 = n - n / 100; /* the smallest i with i >= 0.99 n */
	out->p99 = scratch[p99 - 1];
	out->min = scratch[0];
	out->max = scratch[n - 1];
}

double rg_stats_halfwidth(const struct rg_stats *stats)
{
	if (!(stats->median > 0))
		return HUGE_VAL;
	return (stats->hi - stats->lo) / 2 / stats->median;
}

struct rg_ratio rg_ratio_of_medians(const struct rg_stats *a, const struct rg_stats *b)
{
	struct rg_ratio r = {0};
	double d, down, up;

	if (!(a->median > 0 && b->median > 0 && a->lo > 0 && b->lo > 0))
		return r;
	d = log(a->median / b->median);
	down = hypot(log(a->median / a->lo), log(b->hi / b->median));
	up = hypot(log(a->hi / a->median), log(b->median / b->lo));
	r.ratio = a->median / b->median;
	r.lo = exp(d - down);
	r.hi = exp(d + up);
	r.n = 1;
	r.reached = a->reached && b->reached;
	return r;
}

/* S_b of stats.h. All samples are positive. */
static double scatter(const double *a, size_t na, const double *b, size_t nb, size_t blocks,
		      double d, double *scratch)
{
	double sum = 0;

	for (size_t t = 0; t < blocks; t++) {
		size_t i = block_begin(na, blocks, t), k = block_begin(nb, blocks, t);
		double x = median_of(a + i, block_begin(na, blocks, t + 1) - i, scratch);
		double y = median_of(b + k, block_begin(nb, blocks, t + 1) - k, scratch);
		double apart = log(x / y) - d;

		sum += apart * apart;
	}
	return sqrt(sum / (double)(blocks * (blocks - 1)));
}

struct rg_ratio rg_ratio_of_series(const double *a, size_t na, const double *b, size_t nb,
				   double *scratch)
{
	struct rg_stats x, y;
	struct rg_ratio r = {0};
	double half = -1, d;
	size_t least = na < nb ? na : nb;

	rg_stats_of(a, na, scratch, &x);
	rg_stats_of(b, nb, scratch, &y);
	if (!(x.min > 0 && y.min > 0))
		return r;
	d = log(x.median / y.median);
	for (size_t i = 0; i < BLOCK_COUNTS && 4 * block_counts[i] <= least; i++) {
		size_t blocks = block_counts[i];
		double s = scatter(a, na, b, nb, blocks, d, scratch);

		half = fmax(half, rg_stats_student(blocks - 1) * s);
	}
	if (half < 0)
		return rg_ratio_of_medians(&x, &y);
	r.ratio = x.median / y.median;
	r.lo = exp(d - half);
	r.hi = exp(d + half);
	r.n = 1;
	r.reached = true;
	return r;
}

struct rg_ratio rg_ratio_of_launches(const double *a, const double *b, size_t n)
{
	return rg_ratio_of_launches_at(RG_STATS_LEVEL, a, b, n);
}

static double log_ratio(const double *a, const double *b, size_t i)
{
	return log(b ? a[i] / b[i] : a[i]);
}

/* Of the logarithms the one of that rank, counted from 0, from the least or from the greatest. */
static double log_of_rank(const double *a, const double *b, size_t n, size_t rank, bool greatest)
{
	double sign = greatest ? -1 : 1, last = -HUGE_VAL;

	for (;;) {
		double next = HUGE_VAL;
		size_t alike = 0;

		for (size_t i = 0; i < n; i++) {
			double d = sign * log_ratio(a, b, i);

			if (d > last && d < next) {
				next = d;
				alike = 1;
			} else {
				alike += d == next;
			}
		}
		if (rank < alike)
			return sign * next;
		rank -= alike;
		last = next;
	}
}

struct rg_ratio rg_ratio_of_launches_at(double level, const double *a, const double *b, size_t n)
{
	size_t out = n / RG_STATS_TRIM, h = n - 2 * out; /* at each end, and what is left */
	double sum = 0, squares = 0, half = 0, mean, least, greatest;
	struct rg_ratio r = {0};

	for (size_t i = 0; i < n; i++) {
		if (!(a[i] > 0 && (!b || b[i] > 0)) || !isfinite(log_ratio(a, b, i)))
			return r;
	}
	if (!n)
		return r;
	least = log_of_rank(a, b, n, out, false);
	greatest = log_of_rank(a, b, n, out, true);
	for (size_t i = 0; i < n; i++)
		sum += fmin(fmax(log_ratio(a, b, i), least), greatest);
	for (size_t i = 0; i < n; i++) {
		double d = fmin(fmax(log_ratio(a, b, i), least), greatest) - sum / (double)n;

		squares += d * d;
	}
	mean = (sum - (double)out * (least + greatest)) / (double)h;
	if (n > 1)
		half = rg_stats_student_at(level, h - 1) * sqrt(squares / (double)(h * (h - 1)));
	r.ratio = exp(mean);
	r.lo = exp(mean - half);
	r.hi = exp(mean + half);
	r.n = n;
	r.reached = n > 1;
	return r;
}

/* Mean of the logarithms, and the variance of that mean; false if a value is not positive. */
static bool mean_log(const double *values, size_t n, double *mean_out, double *variance_out)
{
	double sum = 0, squares = 0;

	for (size_t i = 0; i < n; i++) {
		if (!(values[i] > 0))
			return false;
		sum += log(values[i]);
	}
	if (!n)
		return false;
	*mean_out = sum / (double)n;
	for (size_t i = 0; i < n; i++) {
		double d = log(values[i]) - *mean_out;

		squares += d * d;
	}
	*variance_out = n > 1 ? squares / (double)(n - 1) / (double)n : 0;
	return true;
}

struct rg_ratio rg_ratio_of_groups(const double *a, size_t na, const double *b, size_t nb)
{
	double mean_a, mean_b, var_a, var_b, sum, half = 0;
	struct rg_ratio r = {0};

	if (!mean_log(a, na, &mean_a, &var_a) || !mean_log(b, nb, &mean_b, &var_b))
		return r;
	r.reached = na > 1 && nb > 1;
	sum = var_a + var_b;
	if (r.reached && sum > 0) {
		double df = sum * sum /
			    (var_a * var_a / (double)(na - 1) + var_b * var_b / (double)(nb - 1));

		/* Rounding must not make 1 of a whole 2. */
		half = rg_stats_student(df > 1 ? (size_t)(df + 1e-9) : 1) * sqrt(sum);
	}
	r.ratio = exp(mean_a - mean_b);
	r.lo = exp(mean_a - mean_b - half);
	r.hi = exp(mean_a - mean_b + half);
	r.n = na + nb;
	return r;
}

bool rg_ratio_significant(const struct rg_ratio *ratio)
{
	return ratio->reached && (ratio->lo > 1 || ratio->hi < 1);
}

double rg_stats_geomean(const double *values, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++) {
		if (!(values[i] > 0))
			return 0;
		sum += log(values[i]);
	}
	return n ? exp(sum / (double)n) : 0;
}
