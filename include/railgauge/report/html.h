/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A report as one page (HTML): what is different, machines and conditions, for each collective,
 * kind of buffers, place and state of the caches plots of latency and bandwidth over size and a
 * table, and what the columns mean. One file: it refers to nothing outside of it and runs no
 * script. All that comes from documents is text in it, never markup. It needs no colours, and no
 * background, to be understood, and has a style for print.
 *
 * The plots are drawn by gnuplot, a child for each of them (plot.h). Where it is missing or fails,
 * the page says so in their place, a warning is logged, and everything else is there.
 */
#ifndef RAILGAUGE_REPORT_HTML_H
#define RAILGAUGE_REPORT_HTML_H

#include "railgauge/base/err.h"
#include "railgauge/report/sides.h"

/*
 * Writes the page; path is replaced as a whole. One side (a result, or launches): ratios are
 * relative to the baseline. Several: relative to the first of them. Blocks as long as gnuplot
 * takes. The caller has no group of children open (launch/child.h). RG_ERR_NOT_FOUND (no such
 * baseline), RG_ERR_INVALID (a side holds a document twice), RG_ERR_INTERRUPTED (a signal while
 * gnuplot ran), RG_ERR_NO_MEMORY, RG_ERR_SYSTEM.
 */
int rg_html_write(const struct rg_report *report, const char *path, struct rg_err *err);

#endif
