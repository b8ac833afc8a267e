/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef RG_REPORT_DIFFERENCES_H
#define RG_REPORT_DIFFERENCES_H

#include "railgauge/measure/result.h"

#include <stdio.h>

/*
 * What is different about the conditions of two results: the title, then a line each, such as
 * "#   run.mpi: X -> Y"; nothing at all if nothing is. *found_out counts the differences. Process
 * numbers, times of day and names of output files are left out, the calibration if it is within
 * RG_DIFFERENCE_NOISE. names: what the two are called in these lines. RG_ERR_NO_MEMORY.
 */
#define RG_DIFFERENCE_NOISE 0.10
int rg_differences_print(const struct rg_result *a, const struct rg_result *b,
			 const char *const names[2], const char *title, uint32_t *found_out,
			 FILE *out, struct rg_err *err);

#endif
