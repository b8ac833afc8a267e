/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two results beside each other: first what is different about their conditions, then the ratios of
 * their points, then the points that only one of them has.
 *
 * Each document is one launch. An interval within a launch does not know how much launches differ
 * among each other, so two documents are called "apart" (beyond the noise inside these two) or
 * "level", never faster or slower: that needs several launches of either (rg_launches_print).
 */
#ifndef RAILGAUGE_REPORT_COMPARE_H
#define RAILGAUGE_REPORT_COMPARE_H

#include "railgauge/base/err.h"
#include "railgauge/measure/result.h"

#include <stdint.h>
#include <stdio.h>

/*
 * Prints the comparison; name_a and name_b stand for the documents (their paths). A ratio is time A
 * / time B: above 1, B is faster. RG_ERR_NO_MEMORY, RG_ERR_SYSTEM (writing).
 */
int rg_compare_print(const struct rg_result *a, const char *name_a, const struct rg_result *b,
		     const char *name_b, FILE *out, struct rg_err *err);

/* The ratios alone, as CSV with a line of names: one line per point that both have. */
int rg_compare_csv(const struct rg_result *a, const struct rg_result *b, FILE *out,
		   struct rg_err *err);

/*
 * Several launches of one measurement (n >= 2 documents with the same points): per point the
 * geometric mean of the launches' medians, and for each other target the ratio baseline / target
 * paired by launch, with its interval over launches (Student's t on logarithms, stats.h). Points
 * that not all documents have are left out and counted. baseline as in table.h.
 * RG_ERR_NOT_FOUND, RG_ERR_INVALID (fewer than two documents, or one of them twice),
 * RG_ERR_NO_MEMORY, RG_ERR_SYSTEM.
 */
int rg_launches_print(struct rg_result *const *results, uint32_t n, const char *baseline, FILE *out,
		      struct rg_err *err);

#endif
