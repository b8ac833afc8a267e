/* SPDX-License-Identifier: BSD-3-Clause */
/* What a result says about its adapters' counters, in lines of words. */
#ifndef RG_REPORT_COUNTERS_H
#define RG_REPORT_COUNTERS_H

#include "railgauge/measure/result.h"

#include <stdio.h>

/*
 * Calls tell for each line: first what must not move and did, by port and counter, added up over
 * the sizes; then what cannot be told; then signs of load. heading: the line is a title. Nothing
 * where no counters were read. RG_ERR_NO_MEMORY.
 */
int rg_counters_tell(const struct rg_result *result,
		     void (*tell)(void *arg, const char *line, bool heading), void *arg,
		     struct rg_err *err);

/* The same below a table of text. */
int rg_counters_print(const struct rg_result *result, FILE *out, struct rg_err *err);

#endif
