/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "total.h"

#include <math.h>
#include <string.h>

/* Numbers per launch: the medians of a point, and what they sum up to. */
struct room {
	struct side_pair pair, sums;
};

static int open_room(struct room *room, const struct rg_report *report, struct rg_err *err)
{
	int rc = rg_side_pair_init(&room->pair, report, err);

	if (rc)
		return rc;
	rc = rg_side_pair_init(&room->sums, report, err);
	if (rc)
		rg_side_pair_release(&room->pair);
	return rc;
}

static void close_room(struct room *room)
{
	rg_side_pair_release(&room->sums);
	rg_side_pair_release(&room->pair);
}

static void add_logs(double *sums, const double *medians, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		sums[i] += log(medians[i]);
}

/* Sums of logarithms become geometric means. */
static void to_means(double *sums, uint32_t n, uint32_t points)
{
	for (uint32_t i = 0; i < n; i++)
		sums[i] = exp(sums[i] / points);
}

int rg_total_of_target(const struct rg_report *report, const struct rg_side *side,
		       const char *target, const char *baseline, struct rg_total *out,
		       struct rg_err *err)
{
	const struct rg_result *first = side->results[0];
	struct room room;
	int rc = open_room(&room, report, err);

	*out = (struct rg_total){0};
	if (rc)
		return rc;
	for (uint32_t i = 0; !rc && i < first->npoints; i++) {
		struct side_value value;
		struct rg_ratio ratio;

		if (strcmp(first->points[i].target, target))
			continue;
		rc = rg_side_target_ratio(&room.pair, side, &first->points[i], baseline, &value,
					  &ratio, err);
		if (rc || !(ratio.ratio > 0))
			continue;
		rg_tally_add(&out->tally, &ratio);
		add_logs(room.sums.medians_a, room.pair.medians_a, side->n);
		add_logs(room.sums.medians_b, room.pair.medians_b, side->n);
	}
	if (!rc && out->tally.n && side->n > 1) {
		to_means(room.sums.medians_a, side->n, out->tally.n);
		to_means(room.sums.medians_b, side->n, out->tally.n);
		out->all = rg_ratio_of_launches(room.sums.medians_b, room.sums.medians_a, side->n);
	}
	close_room(&room);
	return rc;
}

int rg_total_of_sides(const struct rg_report *report, const struct rg_side *a,
		      const struct rg_side *b, const char *target, struct rg_total *out,
		      struct rg_err *err)
{
	const struct rg_result *first = a->results[0];
	struct room room;
	int rc = open_room(&room, report, err);

	*out = (struct rg_total){0};
	if (rc)
		return rc;
	for (uint32_t i = 0; i < first->npoints; i++) {
		struct side_value x, y;
		struct rg_ratio ratio;

		if (strcmp(first->points[i].target, target) ||
		    !rg_side_ratio(&room.pair, a, b, &first->points[i], &x, &y, &ratio))
			continue;
		rg_tally_add(&out->tally, &ratio);
		add_logs(room.sums.medians_a, room.pair.medians_a, a->n);
		add_logs(room.sums.medians_b, room.pair.medians_b, b->n);
	}
	if (out->tally.n && a->n > 1 && b->n > 1) {
		to_means(room.sums.medians_a, a->n, out->tally.n);
		to_means(room.sums.medians_b, b->n, out->tally.n);
		out->all = rg_ratio_of_groups(room.sums.medians_a, a->n, room.sums.medians_b, b->n);
	}
	close_room(&room);
	return 0;
}
