/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "side.h"
#include "format.h"

#include "railgauge/base/mem.h"

#include <math.h>
#include <string.h>

static const struct rg_result_point *
point_of(const struct rg_result *result, const struct rg_result_point *like, const char *target)
{
	return rg_point_find(result->points, result->npoints, like, target, like->in_place);
}

/* The interval of the mean over launches. */
static void mean_of(const double *medians, uint32_t n, struct side_value *v)
{
	struct rg_ratio mean = rg_ratio_of_launches(medians, NULL, n);

	v->ns = mean.ratio;
	v->lo_ns = mean.lo;
	v->hi_ns = mean.hi;
	v->reached = mean.reached;
}

struct side_value rg_side_value(const struct rg_side *side, const struct rg_result_point *like,
				const char *target, double *medians_out)
{
	struct side_value v = {0};
	double bounds = 0;

	for (uint32_t i = 0; i < side->n; i++) {
		const struct rg_result_point *p = point_of(side->results[i], like, target);
		struct rg_stats stats;

		if (!p || !p->n)
			return (struct side_value){0};
		if (medians_out)
			medians_out[i] = p->median_ns;
		if (i == 0) {
			stats = rg_point_stats(p);
			v = (struct side_value){p,	     p->median_ns,  p->lo_ns,
						p->hi_ns,    stats.reached, p->median_ns,
						p->median_ns};
		}
		v.least_ns = fmin(v.least_ns, p->median_ns);
		v.most_ns = fmax(v.most_ns, p->median_ns);
		bounds += log(p->bound_ns); /* -inf if one knows none */
		v.checked += p->checked;
		v.wrong += p->wrong;
	}
	v.bound_ns = exp(bounds / side->n);
	if (side->n > 1)
		mean_of(medians_out, side->n, &v);
	return v;
}

bool rg_report_has_groups(const struct rg_report *report)
{
	for (uint32_t i = 0; i < report->nsides; i++) {
		if (report->sides[i].n > 1)
			return true;
	}
	return false;
}

int rg_side_pair_init(struct side_pair *pair, const struct rg_report *report, struct rg_err *err)
{
	uint32_t most = 0;

	for (uint32_t i = 0; i < report->nsides; i++)
		most = report->sides[i].n > most ? report->sides[i].n : most;
	pair->medians_a = rg_zalloc(most, sizeof(double));
	pair->medians_b = rg_zalloc(most, sizeof(double));
	if (pair->medians_a && pair->medians_b)
		return 0;
	rg_side_pair_release(pair);
	return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for the report");
}

void rg_side_pair_release(struct side_pair *pair)
{
	rg_free(pair->medians_a);
	rg_free(pair->medians_b);
	*pair = (struct side_pair){0};
}

static struct rg_stats stats_of(const struct side_value *v)
{
	return rg_point_stats(v->first);
}

bool rg_side_ratio(struct side_pair *pair, const struct rg_side *a, const struct rg_side *b,
		   const struct rg_result_point *like, struct side_value *a_out,
		   struct side_value *b_out, struct rg_ratio *ratio_out)
{
	*a_out = rg_side_value(a, like, like->target, pair->medians_a);
	*b_out = rg_side_value(b, like, like->target, pair->medians_b);
	if (!a_out->first || !b_out->first)
		return false;
	if (a->n == 1 && b->n == 1) {
		struct rg_stats x = stats_of(a_out), y = stats_of(b_out);

		*ratio_out = rg_ratio_of_medians(&x, &y);
	} else {
		*ratio_out = rg_ratio_of_groups(pair->medians_a, a->n, pair->medians_b, b->n);
	}
	return true;
}

int rg_side_target_ratio(struct side_pair *pair, const struct rg_side *side,
			 const struct rg_result_point *point, const char *baseline,
			 struct side_value *value_out, struct rg_ratio *ratio_out,
			 struct rg_err *err)
{
	struct side_value base;

	*ratio_out = (struct rg_ratio){0};
	*value_out = rg_side_value(side, point, point->target, pair->medians_a);
	if (!value_out->first || !strcmp(point->target, baseline))
		return 0;
	base = rg_side_value(side, point, baseline, pair->medians_b);
	if (!base.first)
		return 0;
	if (side->n == 1)
		return rg_points_ratio(base.first, value_out->first, ratio_out, err);
	*ratio_out = rg_ratio_of_launches(pair->medians_b, pair->medians_a, side->n);
	return 0;
}

const char *rg_ratio_word(const struct rg_ratio *ratio)
{
	if (!ratio->reached)
		return "unknown";
	if (!rg_ratio_significant(ratio))
		return "level";
	/* One launch of either does not say which is faster, only whether these two are apart. */
	if (ratio->n == 1)
		return "apart";
	return ratio->ratio > 1 ? "faster" : "slower";
}

static bool is_twin(const struct rg_result *a, const struct rg_result *b)
{
	json_t *x, *y;
	bool same;

	/* Cheap things first. */
	if (strcmp(a->started, b->started) || a->npoints != b->npoints ||
	    (a->npoints && a->points[0].median_ns != b->points[0].median_ns))
		return false;
	x = rg_result_to_json(a);
	y = rg_result_to_json(b);
	same = x && y && json_equal(x, y);
	json_decref(x);
	json_decref(y);
	return same;
}

int rg_refuse_twins(const struct rg_report *report, struct rg_err *err)
{
	for (uint32_t s = 0; s < report->nsides; s++) {
		const struct rg_side *side = &report->sides[s];

		for (uint32_t i = 0; i < side->n; i++) {
			for (uint32_t k = 0; k < i; k++) {
				if (is_twin(side->results[k], side->results[i]))
					return rg_err_set(err, RG_ERR_INVALID,
							  "documents %u and %u%s%s are the same "
							  "launch",
							  k + 1, i + 1,
							  report->nsides > 1 ? " of " : "",
							  report->nsides > 1 ? side->name : "");
			}
		}
	}
	return 0;
}
