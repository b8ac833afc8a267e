/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A result as comma-separated values [RFC4180]: a line of names, then a line per point. The columns
 * are the members of a point in the result document (docs/RESULT.md) without the samples, in their
 * order and units; what is null there is empty here. Of a result of pairs a line is a pair.
 */
#ifndef RAILGAUGE_REPORT_CSV_H
#define RAILGAUGE_REPORT_CSV_H

#include "railgauge/base/err.h"
#include "railgauge/measure/result.h"

#include <stdio.h>

/* Writes all points. RG_ERR_NO_MEMORY, RG_ERR_SYSTEM. */
int rg_csv_print(const struct rg_result *result, FILE *out, struct rg_err *err);

/* The same into a file, replaced as a whole (rg_io_replace_file). */
int rg_csv_write(const struct rg_result *result, const char *path, struct rg_err *err);

#endif
