/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/emit/prove.h"

#include "railgauge/measure/stats.h"

bool rg_prove_is_promised(const struct rg_prove_point *point)
{
	const struct rg_ratio *promised = &point->promised;

	return promised->n > 0 && promised->lo > 1 && promised->ratio >= RG_DECISION_FLOOR;
}

/* The ratio's interval against the floor, in either direction. */
static enum rg_verdict verdict_of(const struct rg_prove_point *point)
{
	const struct rg_ratio *r = &point->ratio;

	if (!r->reached)
		return RG_PROVE_LEVEL;
	if (r->hi < 1 / RG_DECISION_FLOOR)
		return RG_PROVE_WORSE;
	return rg_prove_is_promised(point) && r->lo > RG_DECISION_FLOOR ? RG_PROVE_BETTER
									: RG_PROVE_LEVEL;
}

void rg_prove_judge(struct rg_prove_point *points, uint32_t npoints)
{
	double level = 1 - (1 - RG_STATS_LEVEL) / (npoints ? npoints : 1);

	for (uint32_t i = 0; i < npoints; i++) {
		struct rg_prove_point *p = &points[i];

		p->ratio = rg_ratio_of_launches_at(level, p->without_ns, p->with_ns, p->npairs);
		p->without_mean_ns = rg_stats_geomean(p->without_ns, p->npairs);
		p->with_mean_ns = rg_stats_geomean(p->with_ns, p->npairs);
		p->verdict = verdict_of(p);
	}
}
