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
 * Neighbours in time are alike, though: a noisy second spoils many samples. Then the number below
 * the true median is still normal for large n, but with a larger variance V than n / 4 [Sen72].
 * V is estimated from b blocks of neighbouring samples (batch means, [Schmeiser82]): with c_t of
 * the L_t samples of block t below the sample median (ties count half),
 *   V_b = b / (b - 1) * sum over t of (c_t - L_t / 2)^2
 *   h   = max over b in {6, 12, 24}, b <= n / 2, of student(b - 1) * sqrt(V_b)
 * and j is at most n / 2 - h + 1 / 2, rounded down. The greatest of three numbers of blocks,
 * because long blocks are needed for slow changes and many for a steady estimate. Where that leaves
 * no j the interval is [min, max] and reached is false. Below 12 samples nothing can be said about
 * neighbours, and the interval is that of independent ones. By simulation (tests/measure/
 * test_stats_series.c) 250 samples hold the true median in 94 % of the cases or more for
 * correlations of 0, 0.5 and 0.9 between neighbours and for levels that last 10 samples; the price
 * is an interval 1.4 times as wide as need be where samples are independent. A level that lasts
 * for a good part of the launch is seen by no interval within it.
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
	bool reached;  /* at RG_STATS_LEVEL: n >= 6, and neighbours not all too alike */
	double p99;    /* smallest sample that at least 99 % of the samples do not exceed */
	double min, max;
};

/*
 * All of the above, of samples in the order of time. scratch has room for n doubles, does not
 * overlap samples, and is left sorted ascending. n log n steps.
 */
void rg_stats_of(const double *samples, size_t n, double *scratch, struct rg_stats *out);

/*
 * j for samples in the order of time with this median; 0 where none is left. The interval is
 * sorted[j - 1] .. sorted[n - j]. n steps.
 */
size_t rg_stats_series_rank(const double *samples, size_t n, double median);

/*
 * j of n >= 1 independent samples (1 if n < 6), and the probability in *level_out (NULL is
 * allowed).
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
 * From two medians and their intervals: the limits of log a and log b are combined by the method of
 * variance estimates recovery, which keeps their skewness [ZouDonner08, section 2]: with
 * d = log(a.median / b.median),
 *   log lo = d - sqrt((log a.median - log a.lo)^2 + (log b.hi - log b.median)^2)
 *   log hi = d + sqrt((log a.hi - log a.median)^2 + (log b.median - log b.lo)^2)
 * For medians that have nothing to do with each other (two launches), or whose samples were not
 * kept. Only medians, lo, hi and reached are read. All zero if a median or lower limit is not
 * positive.
 */
struct rg_ratio rg_ratio_of_medians(const struct rg_stats *a, const struct rg_stats *b);

/*
 * Within one launch, from the samples of both in the order of time. The two were measured in turns,
 * so that what disturbs one disturbs the other: both series are cut into b blocks, block t of
 * a[na] beside block t of b[nb] (that is about the same rounds; not quite, where repetitions did
 * not count), and the interval comes from how much the blocks' ratios scatter about that of the
 * whole (sectioning, [Nakayama14]): with d as above and d_t the same of block t,
 *   S_b = sqrt(sum over t of (d_t - d)^2 / (b (b - 1)))
 *   lo, hi = exp(d -+ max over b in {6, 12, 24}, 4 b <= na and nb, of student(b - 1) * S_b)
 * reached is true. With fewer than 24 samples of either it is rg_ratio_of_medians instead; all zero
 * if a sample is not positive, or there are none. scratch has room for na + nb doubles. It speaks
 * of this launch only. By simulation 24 samples hold the true ratio in 91 % of the cases where each
 * target's own noise has a correlation of 0.5 between neighbours and in 64 % where it is 0.9; 100
 * samples in 96 and 90 %; 250 in 97 and 94 %.
 */
struct rg_ratio rg_ratio_of_series(const double *a, size_t na, const double *b, size_t nb,
				   double *scratch);

/* Of so many launches the least and the greatest ratio are left out. */
#define RG_STATS_TRIM 10

/*
 * Over launches, the unit of replication: a[i] and b[i] are the medians of launch i (both in one
 * launch, or two launches run one after the other). Geometric mean of a[i] / b[i], with Student's t
 * on the logarithms [Jain91, section 13.4.1 on paired observations]. Now and then a launch differs
 * from all others for a reason that is no property of either side; from RG_STATS_TRIM launches on
 * they do not count [Tukey63]: with g = n / RG_STATS_TRIM, rounded down, and h = n - 2 g, the mean
 * is of the h logarithms in the middle, and with w_i the logarithm of launch i, brought to the
 * nearest of these where it is beyond, and m their mean
 *   lo, hi = exp(mean -+ student(h - 1) * sqrt(sum (w_i - m)^2 / (h (h - 1))))
 * b NULL stands for ones: the geometric mean of a itself, with its interval. n = 1 gives the bare
 * ratio, not reached; n = 0 and medians that are not positive and finite give all zero. g n steps.
 */
struct rg_ratio rg_ratio_of_launches(const double *a, const double *b, size_t n);

/* The same at another level: of m comparisons 1 - 0.05 / m each, say [Jain91, section 13.4.1]. */
struct rg_ratio rg_ratio_of_launches_at(double level, const double *a, const double *b, size_t n);

/*
 * Over launches that are not pairs: a[na] and b[nb] are the medians of two sides. Ratio of the
 * geometric means, with Welch's t on the logarithms [Welch47]: with s2 the variance of the
 * logarithms of a side over its number of launches,
 *   lo, hi = exp(d -+ student(df) * sqrt(s2_a + s2_b))
 *   df = (s2_a + s2_b)^2 / (s2_a^2 / (na - 1) + s2_b^2 / (nb - 1)), rounded down
 * n is na + nb. One launch on a side gives the bare ratio, not reached; none on a side, and medians
 * that are not positive, give all zero.
 */
struct rg_ratio rg_ratio_of_groups(const double *a, size_t na, const double *b, size_t nb);

/* Does the interval leave out 1 at the level aimed at? */
bool rg_ratio_significant(const struct rg_ratio *ratio);

/* Geometric mean of n positive values; 0 if n is 0 or one of them is not positive. */
double rg_stats_geomean(const double *values, size_t n);

/*
 * Student's t that is exceeded in either direction with probability 1 - level: 2.36 for 0.95 and 7
 * degrees of freedom. 0 < level <= 1 - 1e-6, df >= 1. Exact to 1e-9 relative (tests/measure/
 * test_stats_student.c) up to a million degrees of freedom, which stand for more as well; that is
 * within 7e-6. Some microseconds. Source: [AbramowitzStegun, 26.5 and 26.7].
 */
double rg_stats_student_at(double level, size_t df);

/* The same at RG_STATS_LEVEL. */
double rg_stats_student(size_t df);

#endif
