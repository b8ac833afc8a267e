/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "figure.h"

#include "railgauge/base/mem.h"

#include <stdlib.h>
#include <string.h>

static bool same_figure(const struct rg_result_point *a, const struct rg_result_point *b)
{
	struct rg_result_point like = *a;

	like.size_bytes = b->size_bytes;
	like.count = b->count;
	like.target = b->target;
	return rg_result_point_same(&like, b);
}

static bool same_size(const struct rg_result_point *a, const struct rg_result_point *b)
{
	return a->size_bytes == b->size_bytes && a->count == b->count;
}

static int ascending(const void *a, const void *b)
{
	const struct rg_result_point *x = *(const struct rg_result_point *const *)a;
	const struct rg_result_point *y = *(const struct rg_result_point *const *)b;

	return (x->size_bytes > y->size_bytes) - (x->size_bytes < y->size_bytes);
}

static uint32_t count_points(const struct rg_report *report)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < report->nsides; i++)
		n += report->sides[i].results[0]->npoints;
	return n;
}

/* Puts a point into its figure, which may be a new one. */
static int place(struct rg_figure *figures, uint32_t *n, const struct rg_result_point *point,
		 uint32_t room)
{
	struct rg_figure *f = figures;

	while (f < figures + *n && !same_figure(f->like, point))
		f++;
	if (f == figures + *n) {
		f->sizes = rg_zalloc(room, sizeof(struct rg_result_point *));
		if (!f->sizes)
			return RG_ERR_NO_MEMORY;
		f->like = point;
		++*n;
	}
	for (uint32_t i = 0; i < f->nsizes; i++) {
		if (same_size(f->sizes[i], point))
			return 0;
	}
	f->sizes[f->nsizes++] = point;
	return 0;
}

int rg_figures_open(const struct rg_report *report, struct rg_figure **figures_out, uint32_t *n_out,
		    struct rg_err *err)
{
	uint32_t room = count_points(report), n = 0;
	struct rg_figure *figures = rg_zalloc((size_t)room + 1, sizeof(*figures));

	if (!figures)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for the report");
	for (uint32_t s = 0; s < report->nsides; s++) {
		const struct rg_result *r = report->sides[s].results[0];

		for (uint32_t i = 0; i < r->npoints; i++) {
			if (!place(figures, &n, &r->points[i], room))
				continue;
			rg_figures_close(figures, n);
			return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for the report");
		}
	}
	for (uint32_t i = 0; i < n; i++)
		qsort(figures[i].sizes, figures[i].nsizes, sizeof(struct rg_result_point *),
		      ascending);
	*figures_out = figures;
	*n_out = n;
	return 0;
}

void rg_figures_close(struct rg_figure *figures, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		rg_free(figures[i].sizes);
	rg_free(figures);
}

int rg_report_targets(const struct rg_report *report, const char ***targets_out,
		      uint32_t *ntargets_out, struct rg_err *err)
{
	const char **targets = rg_zalloc((size_t)count_points(report) + 1, sizeof(*targets));
	uint32_t n = 0, k;

	if (!targets)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for the report");
	for (uint32_t s = 0; s < report->nsides; s++) {
		const struct rg_result *r = report->sides[s].results[0];

		for (uint32_t i = 0; i < r->npoints; i++) {
			for (k = 0; k < n && strcmp(targets[k], r->points[i].target); k++)
				;
			if (k == n)
				targets[n++] = r->points[i].target;
		}
	}
	*targets_out = targets;
	*ntargets_out = n;
	return 0;
}
