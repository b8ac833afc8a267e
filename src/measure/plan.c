/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/measure/plan.h"

#include "railgauge/base/matrix.h"
#include "railgauge/base/mem.h"
#include "railgauge/base/units.h"

#include <inttypes.h>
#include <string.h>

/*
 * Small buffers begin on pairs of cache lines (the prefetcher fetches two), large ones on pages, so
 * that no point is slower for its alignment.
 */
static size_t align_up(size_t bytes)
{
	size_t to = bytes < 4096 ? 128 : 4096;

	return (bytes + to - 1) / to * to;
}

static int check_config(const struct rg_plan_config *c, struct rg_err *err)
{
	char a[RG_UNITS_BYTES], b[RG_UNITS_BYTES];

	if (c->nsizes)
		return 0;
	if (c->min_bytes > c->max_bytes)
		return rg_err_set(err, RG_ERR_INVALID, "-b %s is above -e %s",
				  rg_format_size(c->min_bytes, a), rg_format_size(c->max_bytes, b));
	if (c->min_bytes == c->max_bytes)
		return 0;
	if (!(c->factor > 1) && c->step_bytes == 0)
		return rg_err_set(
			err, RG_ERR_INVALID,
			"from -b %s to -e %s needs a factor -f above 1 or a step -i above 0",
			rg_format_size(c->min_bytes, a), rg_format_size(c->max_bytes, b));
	if (c->factor > 1 && c->min_bytes == 0)
		return rg_err_set(err, RG_ERR_INVALID,
				  "-b 0 cannot grow by a factor: use a step -i");
	return 0;
}

/* Of all-to-all-v: what comes of the weights. RG_ERR_NO_MEMORY. */
static int make_counts(const struct rg_plan_config *c, uint64_t *count, uint64_t **counts_out,
		       struct rg_err *err)
{
	*counts_out = NULL;
	if (c->coll != RG_COLL_ALLTOALLV)
		return 0;
	*counts_out = rg_zalloc((size_t)c->nranks * c->nranks, sizeof(**counts_out));
	if (!*counts_out)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for the plan");
	rg_matrix_scale(c->weights, c->nranks, *count, *counts_out);
	*count = rg_matrix_busiest(*counts_out, c->nranks);
	return 0;
}

static int fill_point(const struct rg_plan_config *c, uint64_t bytes, struct rg_plan_point *p,
		      struct rg_err *err)
{
	size_t elem = rg_type_bytes(c->type);
	uint64_t count = rg_coll_block_count(c->coll, bytes / elem, c->nranks), *counts;
	size_t larger, ops;
	int rc = make_counts(c, &count, &counts, err);

	if (rc)
		return rc;
	*p = (struct rg_plan_point){
		.count = count,
		.counts = counts,
		.src_bytes = rg_coll_src_count(c->coll, count, c->nranks) * elem,
		.dst_bytes = rg_coll_dst_count(c->coll, count, c->nranks) * elem,
	};
	larger = p->src_bytes > p->dst_bytes ? p->src_bytes : p->dst_bytes;
	p->size_bytes = larger;
	p->dst_at = align_up(p->src_bytes);
	p->stride = p->dst_at + align_up(larger);
	ops = p->stride ? c->cached_bytes / p->stride : RG_PLAN_MAX_OPS;
	p->max_ops = ops < 1 ? 1 : ops > RG_PLAN_MAX_OPS ? RG_PLAN_MAX_OPS : (uint32_t)ops;
	return 0;
}

/* The size after bytes, above max_bytes at the end. */
static uint64_t next_size(const struct rg_plan_config *c, uint64_t bytes)
{
	double grown;

	if (!(c->factor > 1))
		return c->step_bytes > UINT64_MAX - bytes ? UINT64_MAX : bytes + c->step_bytes;
	grown = (double)bytes * c->factor;
	if (grown >= 9e18)
		return UINT64_MAX;
	return (uint64_t)grown > bytes ? (uint64_t)grown : bytes + 1;
}

/* Is size the same as the last one, once both are rounded? */
static bool is_repeated(const struct rg_plan *plan, const struct rg_plan_point *p)
{
	return plan->npoints > 0 && p->size_bytes == plan->points[plan->npoints - 1].size_bytes;
}

static int append(struct rg_plan *plan, uint32_t *room, const struct rg_plan_point *p,
		  struct rg_err *err)
{
	struct rg_plan_point *more;

	if (plan->npoints == RG_PLAN_MAX_POINTS)
		return rg_err_set(err, RG_ERR_LIMIT, "more than %d sizes: use a larger -f or -i",
				  RG_PLAN_MAX_POINTS);
	if (plan->npoints == *room) {
		*room = *room ? *room * 2 : 32;
		more = rg_realloc(plan->points, *room * sizeof(*more));
		if (!more)
			return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for the plan");
		plan->points = more;
	}
	plan->points[plan->npoints++] = *p;
	return 0;
}

/* Adds the point of a size, if it is not there already. */
static int add_size(const struct rg_plan_config *c, uint64_t bytes, struct rg_plan *plan,
		    uint32_t *room, struct rg_err *err)
{
	struct rg_plan_point p;
	size_t need;
	int rc = fill_point(c, bytes, &p, err);

	if (rc)
		return rc;
	need = rg_plan_pairs(p.max_ops) * p.stride;
	if (need > plan->pairs_bytes)
		plan->pairs_bytes = need;
	if (!is_repeated(plan, &p))
		rc = append(plan, room, &p, err);
	else if (c->nsizes)
		rc = rg_err_set(err, RG_ERR_INVALID,
				"--points: point %u (%" PRIu64
				"): in whole elements and blocks its size is that of the point "
				"before, %" PRIu64 " bytes",
				plan->npoints + 1, bytes, p.size_bytes);
	else
		rg_free(p.counts);
	if (rc)
		rg_free(p.counts);
	return rc;
}

int rg_plan_open(const struct rg_plan_config *config, struct rg_plan *plan_out, struct rg_err *err)
{
	struct rg_plan plan = {0};
	uint32_t room = 0;
	bool one = config->coll == RG_COLL_BARRIER || config->min_bytes == config->max_bytes;
	int rc = check_config(config, err);

	for (uint32_t i = 0; !rc && i < config->nsizes; i++)
		rc = add_size(config, config->sizes[i], &plan, &room, err);
	for (uint64_t bytes = config->min_bytes;
	     !rc && !config->nsizes && bytes <= config->max_bytes;
	     bytes = next_size(config, bytes)) {
		rc = add_size(config, bytes, &plan, &room, err);
		if (one || bytes == UINT64_MAX)
			break;
	}
	if (rc) {
		rg_plan_close(&plan);
		return rc;
	}
	*plan_out = plan;
	return 0;
}

void rg_plan_close(struct rg_plan *plan)
{
	for (uint32_t i = 0; i < plan->npoints; i++)
		rg_free(plan->points[i].counts);
	rg_free(plan->points);
	*plan = (struct rg_plan){0};
}

uint32_t rg_plan_ops(const struct rg_plan_point *point, double op_ns, double min_ns)
{
	double ops;

	if (!(op_ns > 0))
		return point->max_ops;
	ops = min_ns / op_ns;
	if (ops <= 1)
		return 1;
	return ops >= point->max_ops ? point->max_ops : (uint32_t)ops + 1;
}

uint32_t rg_plan_pairs(uint32_t ops)
{
	return ops < 2 ? 1 : (ops + 1) / 2 * 2;
}
