/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Plots of a figure, drawn by gnuplot (5.0 or later): a line per target and side, with the
 * intervals as error bars, and per side a line without points for what bounds all its targets: the
 * least of their bounds. Both axes are logarithmic.
 *
 * Colours are those of Okabe and Ito, which all kinds of colour vision tell apart [OkabeIto08];
 * points and dashes differ as well, so that a print in black will do.
 */
#ifndef RG_REPORT_PLOT_H
#define RG_REPORT_PLOT_H

#include "railgauge/base/err.h"
#include "figure.h"

#include <stdint.h>
#include <stdio.h>

enum rg_plot_kind {
	RG_PLOT_LATENCY,   /* time in us over size */
	RG_PLOT_BANDWIDTH, /* bus bandwidth in GB/s over size */
};

struct rg_plot {
	const struct rg_report *report;
	const struct rg_figure *figure;
	const char *const *targets; /* [ntargets], as rg_report_targets gives them */
	uint32_t ntargets;
	enum rg_plot_kind kind;
	const char *prefix; /* of ids, unlike that of any other plot of the page */
};

#define RG_PLOT_TIMEOUT_NS ((uint64_t)30000000000)

/*
 * What gnuplot is told. Names are written in letters that mean nothing to it. RG_ERR_NO_MEMORY,
 * RG_ERR_SYSTEM (writing).
 */
int rg_plot_script(const struct rg_plot *plot, FILE *out, struct rg_err *err);

/*
 * *why_out: words (static) if there is nothing of this kind to draw, else NULL. RG_ERR_NO_MEMORY.
 */
int rg_plot_unfit(const struct rg_plot *plot, const char **why_out, struct rg_err *err);

/*
 * *svg_out: the drawing, as rg_svg_print leaves it; a new text, freed with free(). As
 * rg_filter_run; RG_ERR_FORMAT if what gnuplot drew is no SVG.
 */
int rg_plot_draw(const struct rg_plot *plot, char **svg_out, struct rg_err *err);

#endif
