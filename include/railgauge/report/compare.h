/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Results beside each other: first what is different about their conditions, then the ratios of
 * their points, then the points that only some of them have.
 *
 * An interval within a launch does not know how much launches differ among each other, so sides of
 * one launch each are called "apart" (beyond the noise inside these launches) or "level", never
 * faster or slower: that needs several launches of either, and is said only where both have them.
 */
#ifndef RAILGAUGE_REPORT_COMPARE_H
#define RAILGAUGE_REPORT_COMPARE_H

#include "railgauge/base/err.h"
#include "railgauge/report/sides.h"

#include <stdio.h>

/*
 * Prints the comparison of two sides or more. A ratio is time of the first side / time of the
 * other: above 1, the other one took less. With one launch on a side its time is the median, with
 * several the geometric mean of their medians, over which intervals then are
 * (rg_ratio_of_groups); a side of one launch compared with one of several has no interval. Points
 * that not all launches of a side have are none of that side. RG_ERR_INVALID (a side holds a
 * document twice), RG_ERR_NO_MEMORY, RG_ERR_SYSTEM (writing).
 */
int rg_compare_print(const struct rg_report *report, FILE *out, struct rg_err *err);

/*
 * The numbers alone, as CSV with a line of names (docs/RESULT.md). Two sides of one launch each: a
 * line per point that both have. Else: a line per point of the first side, and per side that has
 * it. The same errors.
 */
int rg_compare_csv(const struct rg_report *report, FILE *out, struct rg_err *err);

/*
 * Several launches of one measurement (one side, n >= 2 documents with the same points): per point
 * the geometric mean of the launches' medians, and for each other target the ratio baseline /
 * target paired by launch, with its interval over launches (Student's t on logarithms, stats.h).
 * Points that not all documents have are left out and counted.
 * RG_ERR_NOT_FOUND (no such baseline), RG_ERR_INVALID (fewer than two documents, or one of them
 * twice), RG_ERR_NO_MEMORY, RG_ERR_SYSTEM.
 */
int rg_launches_print(const struct rg_report *report, FILE *out, struct rg_err *err);

/* The numbers alone, as CSV with a line of names: a line per point. The same errors. */
int rg_launches_csv(const struct rg_report *report, FILE *out, struct rg_err *err);

#endif
