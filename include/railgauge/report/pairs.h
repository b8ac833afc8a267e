/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What pairs of ranks did, for people: with two ranks a line per test, size and direction; with
 * more a matrix per test, rail and size, who sends in its lines, who receives in its columns, and
 * below it the pairs at both ends.
 */
#ifndef RAILGAUGE_REPORT_PAIRS_H
#define RAILGAUGE_REPORT_PAIRS_H

#include "railgauge/base/err.h"
#include "railgauge/measure/result.h"

#include <stdio.h>

/* The whole result, which has pairs. RG_ERR_NO_MEMORY, RG_ERR_SYSTEM. */
int rg_pairs_print(const struct rg_result *result, FILE *out, struct rg_err *err);

#endif
