/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of comparisons share. */
#ifndef RG_REPORT_COMPARE_IMPL_H
#define RG_REPORT_COMPARE_IMPL_H

#include "railgauge/report/compare.h"
#include "side.h"

/* How destinations were handed over: "persistent", "clear-to-send"; "-" of private ones. */
const char *rg_semantics(const struct rg_result_point *point);

/* What the launches of a side differ in, each from the first one. */
int rg_side_print_differences(const struct rg_report *report, const struct rg_side *side, FILE *out,
			      struct rg_err *err);

/* --- columns of CSV, in this order --- */

/* What a point is: names and values, with a comma behind. */
void rg_csv_key_names(FILE *out);
void rg_csv_key(const struct rg_result_point *point, FILE *out);

/* Time, its interval, the least and the most, each with a comma before. */
void rg_csv_value(const struct side_value *value, FILE *out);

/* Ratio, its interval and its word, each with a comma before (empty if the ratio is 0); the end. */
void rg_csv_ratio(const struct rg_ratio *ratio, FILE *out);

#endif
