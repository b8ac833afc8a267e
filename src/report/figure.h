/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Figures: the points of a report that belong into one picture and one table. They differ in
 * nothing but their size and their target.
 */
#ifndef RG_REPORT_FIGURE_H
#define RG_REPORT_FIGURE_H

#include "railgauge/report/sides.h"

struct rg_figure {
	const struct rg_result_point *like;   /* one of them; borrowed from the report */
	const struct rg_result_point **sizes; /* owned, [nsizes]: one of each size, ascending */
	uint32_t nsizes;
};

/*
 * The figures of all sides, in order of appearance, into a new array. Of a side's launches the
 * first one counts. RG_ERR_NO_MEMORY.
 */
int rg_figures_open(const struct rg_report *report, struct rg_figure **figures_out, uint32_t *n_out,
		    struct rg_err *err);
void rg_figures_close(struct rg_figure *figures, uint32_t n);

/* The targets of all sides, as rg_targets_of. */
int rg_report_targets(const struct rg_report *report, const char ***targets_out,
		      uint32_t *ntargets_out, struct rg_err *err);

#endif
