/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "format.h"

#include "railgauge/base/mem.h"
#include "railgauge/base/opt.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* decimals digits behind the point for values below 10, one fewer for each further digit before. */
static char *significant(double v, int decimals, const char *mark, char *text)
{
	double limit = 10;

	for (; decimals > 0 && v >= limit * (1 - 0.5e-3); limit *= 10)
		decimals--;
	snprintf(text, CELL_BYTES, "%.*f%s", decimals, v, mark);
	return text;
}

char *rg_cell_us(double ns, char *text)
{
	return significant(ns / 1e3, 3, "", text);
}

char *rg_cell_GBps(double Bps, char *text)
{
	return significant(Bps / 1e9, Bps < 0.9995e9 ? 3 : 2, "", text);
}

char *rg_cell_ratio(double ratio, char *text)
{
	return significant(ratio, 2, "", text);
}

char *rg_cell_interval(const struct rg_ratio *ratio, char *text)
{
	char lo[CELL_BYTES], hi[CELL_BYTES];

	if (ratio->n > 1 && !ratio->reached) {
		snprintf(text, CELL_BYTES, "-");
		return text;
	}
	snprintf(text, CELL_BYTES, "%.12s-%.12s%s", rg_cell_ratio(ratio->lo, lo),
		 rg_cell_ratio(ratio->hi, hi), ratio->reached ? "" : "?");
	return text;
}

/* As stats.h has it: six make an interval of 95 %, unless neighbours are all too alike. */
static bool reached(const struct rg_result_point *point)
{
	double level;

	rg_stats_interval_rank(point->n, &level);
	return level >= RG_STATS_LEVEL &&
	       (!point->samples ||
		rg_stats_series_rank(point->samples, point->nsamples, point->median_ns) > 0);
}

char *rg_cell_spread(const struct rg_result_point *point, char *text)
{
	double up = point->hi_ns - point->median_ns, down = point->median_ns - point->lo_ns;

	return significant(100 * (up > down ? up : down) / point->median_ns, 1,
			   reached(point) ? "" : "?", text);
}

char *rg_cell_root(const struct rg_result_point *point, char *text)
{
	if (!rg_coll_has_root(point->coll))
		snprintf(text, CELL_BYTES, "-");
	else if (point->root_rotates)
		snprintf(text, CELL_BYTES, "all");
	else
		snprintf(text, CELL_BYTES, "%u", point->root);
	return text;
}

struct rg_stats rg_point_stats(const struct rg_result_point *point)
{
	return (struct rg_stats){.n = point->n,
				 .median = point->median_ns,
				 .lo = point->lo_ns,
				 .hi = point->hi_ns,
				 .reached = point->n && reached(point)};
}

int rg_points_ratio(const struct rg_result_point *a, const struct rg_result_point *b,
		    struct rg_ratio *ratio_out, struct rg_err *err)
{
	struct rg_stats x = rg_point_stats(a), y = rg_point_stats(b);
	double *scratch;

	if (!a->samples || !b->samples) {
		*ratio_out = rg_ratio_of_medians(&x, &y);
		return 0;
	}
	scratch = rg_alloc((a->nsamples + b->nsamples) * sizeof(*scratch));
	if (!scratch)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for the report");
	*ratio_out = rg_ratio_of_series(a->samples, a->nsamples, b->samples, b->nsamples, scratch);
	rg_free(scratch);
	return 0;
}

void rg_tally_add(struct rg_tally *tally, const struct rg_ratio *ratio)
{
	tally->n++;
	tally->log_sum += log(ratio->ratio);
	tally->above += rg_ratio_significant(ratio) && ratio->ratio > 1;
	tally->below += rg_ratio_significant(ratio) && ratio->ratio < 1;
}

double rg_tally_mean(const struct rg_tally *tally)
{
	return exp(tally->log_sum / tally->n);
}

int rg_baseline_find(const char *const *targets, uint32_t ntargets, const char *baseline,
		     uint32_t *index_out, struct rg_err *err)
{
	const char *wanted = baseline ? baseline : "mpi", *nearest;

	for (uint32_t i = 0; i < ntargets; i++) {
		if (!strcmp(targets[i], wanted)) {
			*index_out = i;
			return 0;
		}
	}
	if (!baseline) {
		*index_out = 0;
		return 0;
	}
	nearest = rg_opt_nearest(baseline, targets);
	return nearest ? rg_err_set(err, RG_ERR_NOT_FOUND,
				    "baseline %s: no such target; did you mean %s?", baseline,
				    nearest)
		       : rg_err_set(err, RG_ERR_NOT_FOUND, "baseline %s: no such target", baseline);
}

int rg_targets_of(const struct rg_result *result, const char ***targets_out, uint32_t *ntargets_out,
		  struct rg_err *err)
{
	const char **targets = rg_zalloc((size_t)result->npoints + 1, sizeof(*targets));
	uint32_t n = 0, k;

	if (!targets)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for the report");
	for (uint32_t i = 0; i < result->npoints; i++) {
		for (k = 0; k < n && strcmp(targets[k], result->points[i].target); k++)
			;
		if (k == n)
			targets[n++] = result->points[i].target;
	}
	*targets_out = targets;
	*ntargets_out = n;
	return 0;
}

const struct rg_result_point *rg_point_find(const struct rg_result_point *points, uint32_t npoints,
					    const struct rg_result_point *like, const char *target,
					    bool in_place)
{
	struct rg_result_point wanted = *like;

	wanted.target = target;
	wanted.in_place = in_place;
	for (uint32_t i = 0; i < npoints; i++) {
		if (rg_result_point_same(&points[i], &wanted))
			return &points[i];
	}
	return NULL;
}

int rg_stream_check(FILE *out, struct rg_err *err)
{
	errno = 0;
	if (fflush(out) || ferror(out))
		return rg_err_errno(err, errno ? errno : EIO, "writing the table");
	return 0;
}
