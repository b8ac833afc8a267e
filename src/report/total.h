/* SPDX-License-Identifier: BSD-3-Clause */
/* A target's ratios in all points, summed up. */
#ifndef RG_REPORT_TOTAL_H
#define RG_REPORT_TOTAL_H

#include "format.h"
#include "side.h"

struct rg_total {
	struct rg_tally tally;
	/*
	 * Of each launch the geometric mean over all points, and over launches the ratio of these,
	 * with its interval; ratio is 0 where not both sides have several.
	 */
	struct rg_ratio all;
};

/* baseline / target, of the points of the side that have both. RG_ERR_NO_MEMORY. */
int rg_total_of_target(const struct rg_report *report, const struct rg_side *side,
		       const char *target, const char *baseline, struct rg_total *out,
		       struct rg_err *err);

/* a / b, of the target's points that both have. RG_ERR_NO_MEMORY. */
int rg_total_of_sides(const struct rg_report *report, const struct rg_side *a,
		      const struct rg_side *b, const char *target, struct rg_total *out,
		      struct rg_err *err);

#endif
