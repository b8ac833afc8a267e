/* SPDX-License-Identifier: BSD-3-Clause */
/* Cells of tables: numbers as text, three significant digits or so, without their unit. */
#ifndef RG_REPORT_FORMAT_H
#define RG_REPORT_FORMAT_H

#include "railgauge/measure/result.h"

#include <stdio.h>

#define CELL_BYTES 32

/* Each writes into text[CELL_BYTES] and returns it. */
char *rg_cell_us(double ns, char *text);
char *rg_cell_GBps(double Bps, char *text);
char *rg_cell_ratio(double ratio, char *text);
/* "0.97-1.04", with a question mark if the level was not reached; "-" of too few launches. */
char *rg_cell_interval(const struct rg_ratio *ratio, char *text);
/* The longer side of the interval in percent of the median, likewise. */
char *rg_cell_spread(const struct rg_result_point *point, char *text);
/* The root's number, "all" if it rotates, "-" if there is none. */
char *rg_cell_root(const struct rg_result_point *point, char *text);

/* What rg_ratio_of_medians needs. */
struct rg_stats rg_point_stats(const struct rg_result_point *point);

/*
 * a / b of two points of one launch: rg_ratio_of_series where their samples were kept, else
 * rg_ratio_of_medians. RG_ERR_NO_MEMORY.
 */
int rg_points_ratio(const struct rg_result_point *a, const struct rg_result_point *b,
		    struct rg_ratio *ratio_out, struct rg_err *err);

/* Ratios of many points, summed up; zero at first. */
struct rg_tally {
	double log_sum;
	uint32_t n;	       /* points */
	uint32_t above, below; /* of these, with an interval above and below 1 */
};
void rg_tally_add(struct rg_tally *tally, const struct rg_ratio *ratio);
double rg_tally_mean(const struct rg_tally *tally); /* geometric; of n >= 1 */

/* The index of baseline (NULL: "mpi", else 0) among targets; RG_ERR_NOT_FOUND with a suggestion. */
int rg_baseline_find(const char *const *targets, uint32_t ntargets, const char *baseline,
		     uint32_t *index_out, struct rg_err *err);

/*
 * The distinct targets of a result in order of appearance, into a new NULL-terminated array of
 * borrowed names, freed with rg_free.
 */
int rg_targets_of(const struct rg_result *result, const char ***targets_out, uint32_t *ntargets_out,
		  struct rg_err *err);

/* The point that is as like but for its target and place; NULL if there is none. */
const struct rg_result_point *rg_point_find(const struct rg_result_point *points, uint32_t npoints,
					    const struct rg_result_point *like, const char *target,
					    bool in_place);

/* A cell of CSV, quoted where it must be [RFC4180]. */
void rg_csv_text(const char *text, FILE *out);

/* RG_ERR_SYSTEM if something could not be written to out. */
int rg_stream_check(FILE *out, struct rg_err *err);

#endif
