/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Statistics of repetitions: the median and how well it is known, and ratios of medians.
 *
 * Nothing assumes a distribution: run times are skewed, have several modes and outliers, and all
 * samples count. Samples of one launch share its memory layout and neighbours, so an interval made
 * of them says how well *this launch's* median is known; what would come out of another launch is
 * answered only by several launches (rg_ratio_of_launches).
 *
 * The interval of a median. Independent samples lie below the true median with probability 1/2
 * each, so the number below is binomial, and [x_(j), x_(n+1-j)] (order statistics, counted from 1)
 * holds the true median with probability 1 - 2 P(Bin(n, 1/2) <= j - 1), whatever the distribution.
 * j is the largest that keeps this at 0.95 or more [Hollander14, section 3.6; LeBoudec10, section
 * 2.2.2]. That takes 6 samples; with fewer the interval is [min, max] and reached is false.
 *
 * Pure functions: no allocation, no state, no failure; all may run concurrently. Samples are in any
 * unit, one unit per call, and not NaN.
 */
#ifndef RAILGAUGE_MEASURE_STATS_H
#define RAILGAUGE_MEASURE_STATS_H

#include <stdbool.h>
#include <stddef.h>

#define RG_STATS_LEVEL 0.95 /* what every interval here aims at */

/* n = 0: all zero. */
struct rg_stats {
	size_t n;
	double median; /* mean of the middle two if n is even */
	double lo, hi; /* interval of the median */
	double level;  /* probability that [lo, hi] holds the true median (continuous samples) */
	bool reached;  /* level >= RG_STATS_LEVEL, that is n >= 6 */
	double p99;    /* smallest sample that at least 99 % of the samples do not exceed */
	double min, max;
	double mean;
};

/*
 * All of the above. scratch has room for n doubles and is left sorted ascending; it may be samples
 * itself, which then are sorted in place. n log n steps.
 */
void rg_stats_of(const double *samples, size_t n, double *scratch, struct rg_stats *out);

/*
 * The same for samples that are already ascending: what a sampling loop calls that keeps them so.
 * O(sqrt n) beside the mean.
 */
void rg_stats_of_sorted(const double *sorted, size_t n, struct rg_stats *out);

/*
 * j above, for n >= 1 (1 if n < 6), and the probability in *level_out (NULL is allowed). The
 * interval is sorted[j - 1] .. sorted[n - j].
 */
size_t rg_stats_interval_rank(size_t n, double *level_out);

/* Half the width of the interval relative to the median: what a target such as 2 % is about. */
double rg_stats_halfwidth(const struct rg_stats *stats);

/* A ratio a / b of medians, with its interval. */
struct rg_ratio {
	double ratio;
	double lo, hi;
	size_t n;     /* launches; 1: lo and hi speak of one launch (see below) */
	bool reached; /* false: too few samples or launches for 95 %; lo and hi are what there is */
};

/*
 * Within one launch, from two medians and their intervals: the limits of log a and log b are
 * combined by the method of variance estimates recovery, which keeps their skewness
 * [ZouDonner08, section 2]: with d = log(a.median / b.median),
 *   log lo = d - sqrt((log a.median - log a.lo)^2 + (log b.hi - log b.median)^2)
 *   log hi = d + sqrt((log a.hi - log a.median)^2 + (log b.median - log b.lo)^2)
 * No resampling, hence no seed, and results without raw samples will do. Only medians, lo, hi and
 * reached are read. All zero if a median or lower limit is not positive.
 */
struct rg_ratio rg_ratio_of_medians(const struct rg_stats *a, const struct rg_stats *b);

/*
 * Over launches, the unit of replication: a[i] and b[i] are the medians of launch i (both in one
 * launch, or two launches run one after the other). Geometric mean of a[i] / b[i], with Student's t
 * on the logarithms [Jain91, section 13.4.1 on paired observations]. n = 1 gives the bare ratio,
 * not reached; n = 0 and medians that are not positive give all zero.
 */
struct rg_ratio rg_ratio_of_launches(const double *a, const double *b, size_t n);

/* Does the interval leave out 1 at the level aimed at? */
bool rg_ratio_significant(const struct rg_ratio *ratio);

/* Geometric mean of n positive values; 0 if n is 0 or one of them is not positive. */
double rg_stats_geomean(const double *values, size_t n);

/* The 0.975 quantile of Student's t, df >= 1: exact to 1e-3 relative [AbramowitzStegun, 26.7.5]. */
double rg_stats_student(size_t df);

#endif
