/* SPDX-License-Identifier: BSD-3-Clause */
/* What railgauge's own target and the trial of ways (paths.c) must do alike. */
#ifndef RG_MEASURE_TARGET_IMPL_H
#define RG_MEASURE_TARGET_IMPL_H

#include "railgauge/measure/target.h"

/* The problem for the executor; its root and algorithm are not yet chosen. */
void rg_target_describe(const struct rg_job *job, const struct rg_target_problem *problem,
			struct rg_problem *out);

/* Where the data of an operation are. */
struct rg_places {
	struct rg_pairs pairs;
	size_t src_shift, dst_shift; /* bytes from the buffer's start, in place */
	bool in_place;
};

void rg_places_init(struct rg_places *places, const struct rg_job *job,
		    const struct rg_target_problem *problem);

/* From source src of the pairs to destination dst; in place dst alone. */
static inline struct rg_run_args rg_places_args(const struct rg_places *p, uint32_t src,
						uint32_t dst)
{
	size_t dst_at = dst * p->pairs.stride + p->pairs.dst_at;
	size_t src_at = p->in_place ? dst_at : src * p->pairs.stride;

	return (struct rg_run_args){
		.src = p->pairs.base + src_at + p->src_shift,
		.dst = p->pairs.base + dst_at + p->dst_shift,
		.src_window = p->pairs.window,
		.dst_window = p->pairs.window,
		.src_offset = src_at,
		.dst_offset = dst_at,
	};
}

#endif
