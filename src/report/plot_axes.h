/* SPDX-License-Identifier: BSD-3-Clause */
/* Logarithmic axes of plots: from where to where, and where there are numbers. */
#ifndef RG_REPORT_PLOT_AXES_H
#define RG_REPORT_PLOT_AXES_H

#include <stdio.h>

/* Of positive values; zero at first. */
struct plot_range {
	double least, most;
};
void plot_range_add(struct plot_range *range, double value);

/*
 * Print an axis' range, a little wider than the values are (by a factor of 2 at least), and its
 * numbers: those of sizes are powers of 2 such as "64K", nine at most; others 1, 2, 5 and so on,
 * only powers of ten over many decades. axis is "x" or "y".
 */
void plot_axis_sizes(const char *axis, const struct plot_range *range, FILE *out);
void plot_axis_values(const char *axis, const struct plot_range *range, FILE *out);

#endif
