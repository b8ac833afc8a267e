/* SPDX-License-Identifier: BSD-3-Clause */
/* What a side has to say about a point, over its launches. */
#ifndef RG_REPORT_SIDE_H
#define RG_REPORT_SIDE_H

#include "railgauge/report/sides.h"

/* All zero if not all launches of the side have measured the point. */
struct side_value {
	const struct rg_result_point *first; /* that of the first launch, borrowed; NULL: none */
	double ns;		  /* its median; of several launches their geometric mean */
	double lo_ns, hi_ns;	  /* interval: within one launch, or over several (Student's t) */
	bool reached;		  /* that interval is one of 95 % */
	double least_ns, most_ns; /* of the launches' medians */
	double bound_ns;	  /* geometric mean; 0: not all know one */
	uint64_t checked, wrong;  /* elements, in all launches */
};

/*
 * Of the point of target and place that is as like otherwise. medians_out has room for a number per
 * launch and gets their medians; NULL is allowed for sides of one launch.
 */
struct side_value rg_side_value(const struct rg_side *side, const struct rg_result_point *like,
				const char *target, double *medians_out);

/*
 * What comparisons need: room for the medians of two sides, and which point is meant. medians_a and
 * medians_b are owned; init allocates them for the largest side. RG_ERR_NO_MEMORY.
 */
struct side_pair {
	double *medians_a, *medians_b;
};
int rg_side_pair_init(struct side_pair *pair, const struct rg_report *report, struct rg_err *err);
void rg_side_pair_release(struct side_pair *pair);

/*
 * A point's values on two sides, and a / b if both have it (false otherwise, *ratio_out is then as
 * before): of one launch each rg_ratio_of_medians, else rg_ratio_of_groups.
 */
bool rg_side_ratio(struct side_pair *pair, const struct rg_side *a, const struct rg_side *b,
		   const struct rg_result_point *like, struct side_value *a_out,
		   struct side_value *b_out, struct rg_ratio *ratio_out);

/*
 * The point's value, and baseline / target of it in the same launches: of one launch
 * rg_points_ratio, of several rg_ratio_of_launches. ratio_out->ratio is 0 where there is none: the
 * point is the baseline's own, or one of the two was not run. RG_ERR_NO_MEMORY.
 */
int rg_side_target_ratio(struct side_pair *pair, const struct rg_side *side,
			 const struct rg_result_point *point, const char *baseline,
			 struct side_value *value_out, struct rg_ratio *ratio_out,
			 struct rg_err *err);

/* "level", "apart", "unknown"; over launches "faster", "slower" (than the first). Static. */
const char *rg_ratio_word(const struct rg_ratio *ratio);

/*
 * RG_ERR_INVALID if a side holds a document twice: it would make every interval too narrow. The
 * same launch on two sides is allowed: it comes out level.
 */
int rg_refuse_twins(const struct rg_report *report, struct rg_err *err);

/* Does any side have more than one launch? */
bool rg_report_has_groups(const struct rg_report *report);

#endif
