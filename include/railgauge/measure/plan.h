/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The plan: which sizes, how many operations make a repetition, and how much memory that takes.
 * Pure functions of plain numbers, but for rg_plan_open, which allocates.
 */
#ifndef RAILGAUGE_MEASURE_PLAN_H
#define RAILGAUGE_MEASURE_PLAN_H

#include "railgauge/base/collective.h"
#include "railgauge/base/err.h"
#include "railgauge/device/types.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the user asks for. */
struct rg_plan_config {
	enum rg_coll coll;
	enum rg_type type;
	uint32_t nranks;
	uint64_t min_bytes, max_bytes; /* S of base/collective.h */
	double factor;		       /* > 1: next size = size * factor; else size + step_bytes */
	uint64_t step_bytes;
	/* These instead of the four above: ascending; borrowed during the call. 0: none. */
	uint32_t nsizes;
	const uint64_t *sizes;
	uint64_t cached_bytes; /* small pairs of one repetition take at most this much memory */
	/* alltoallv: weights (base/matrix.h), borrowed during the call; NULL: all equal. */
	const uint64_t *weights;
};

/* One size. */
struct rg_plan_point {
	uint64_t size_bytes; /* S, as rounded down to whole elements and blocks */
	uint64_t count;	     /* elements of a block */
	uint64_t *counts;    /* owned by the plan, [nranks][nranks]: alltoallv's, else NULL */
	size_t src_bytes, dst_bytes;
	size_t dst_at;	  /* from a pair's start to its destination */
	size_t stride;	  /* from a pair to the next */
	uint32_t max_ops; /* k at most: so many pairs have room */
};

struct rg_plan {
	struct rg_plan_point *points; /* owned, [npoints], ascending */
	uint32_t npoints;
	size_t pairs_bytes; /* memory for the pairs of any one point */
};

#define RG_PLAN_MAX_POINTS 10000
#define RG_PLAN_MAX_OPS	   1024

/*
 * Sizes that are equal after rounding appear once; among those of sizes they are an error. A
 * barrier is one point of size 0. RG_ERR_INVALID naming -b, -e, -f or -i (min above max, a factor
 * or step that does not advance) or --points (sizes that do not ascend once rounded); RG_ERR_LIMIT
 * for more than RG_PLAN_MAX_POINTS; RG_ERR_NO_MEMORY.
 */
int rg_plan_open(const struct rg_plan_config *config, struct rg_plan *plan_out, struct rg_err *err);
void rg_plan_close(struct rg_plan *plan); /* a zeroed struct is allowed */

/*
 * The number of operations of a repetition: as many as make it last min_ns when one takes op_ns,
 * 1 .. point->max_ops.
 */
uint32_t rg_plan_ops(const struct rg_plan_point *point, double op_ns, double min_ns);

/*
 * How many pairs k operations go over: one for one, so that a large operation finds in the caches
 * what it left there and nothing else; more are rounded up to an even number, so that even and odd
 * sources alternate at every destination (see struct rg_turn).
 */
uint32_t rg_plan_pairs(uint32_t ops);

/*
 * Which buffers operation number n of a point uses, n counting all operations on these pairs. Each
 * lap over the destinations begins one source further, so that a destination receives even and odd
 * sources in turn, and a stale result is found although no buffer is touched in between.
 */
struct rg_turn {
	uint32_t src, dst;
};
static inline struct rg_turn rg_plan_turn(uint64_t n, uint32_t pairs)
{
	uint32_t dst = (uint32_t)(n % pairs);

	return (struct rg_turn){(uint32_t)((dst + n / pairs) % pairs), dst};
}

#endif
