/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a report is about: one result; several launches of one measurement; or sides that are
 * compared, each of one launch or more. Plain data, filled in by the caller; all that it points to
 * is borrowed and outlives the call that it is given to.
 */
#ifndef RAILGAUGE_REPORT_SIDES_H
#define RAILGAUGE_REPORT_SIDES_H

#include "railgauge/base/opt.h"
#include "railgauge/measure/result.h"

#include <stdint.h>

/* Launches of one measurement. */
struct rg_side {
	const char *name;	    /* "A": what it is called in tables and in names of columns */
	const char *const *paths;   /* [n]: where the documents came from */
	struct rg_result **results; /* [n], n >= 1 */
	uint32_t n;
};

struct rg_report {
	const struct rg_side *sides; /* [nsides]; the others are compared with the first */
	uint32_t nsides;
	const char *baseline; /* with one side: as in table.h; else of no meaning */
	/* NULL-terminated tables that say in which units options are recorded, or NULL. */
	const struct rg_opt *const *options;
};

#endif
