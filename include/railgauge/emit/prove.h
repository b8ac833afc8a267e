/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Proof that files help: pairs of launches without and with them, judged. The judging is pure; the
 * launches are the caller's (tune/trial.h).
 *
 * First the files must be honoured: for each rule a launch with a copy of the folder in which this
 * rule alone fails whenever it is used (emitter.h, poison), at a size of its range, which must fail
 * with the library's words. Then pairs of launches, in an order that alternates (AB BA AB ...). Per
 * point the ratio of a pair is without / with; over pairs its geometric mean and an interval of
 * Student's t on the logarithms, at 1 - 0.05 / points (Bonferroni), so that with files that change
 * nothing all points together are called better or worse in 5 % of the proofs.
 *
 *   worse    the interval lies wholly below 1 / RG_DECISION_FLOOR
 *   better   it lies wholly above RG_DECISION_FLOOR, and the decisions promised a gain there: one
 *            with its interval above 1 that is at least RG_DECISION_FLOOR
 *   level    everything else
 */
#ifndef RAILGAUGE_EMIT_PROVE_H
#define RAILGAUGE_EMIT_PROVE_H

#include "railgauge/base/err.h"
#include "railgauge/tune/decisions.h"

#include <stdbool.h>
#include <stdint.h>

#define RG_PROVE_PAIRS_MIN 8

enum rg_verdict { RG_PROVE_LEVEL, RG_PROVE_BETTER, RG_PROVE_WORSE };

struct rg_prove_point {
	const char *function; /* borrowed: "MPI_Allreduce" */
	uint64_t size_bytes;
	struct rg_choice choice;  /* what the files say for it */
	struct rg_ratio promised; /* the choice's gain as it was decided on; n 0: none */
	uint32_t npairs;
	const double *without_ns, *with_ns; /* [npairs] medians of launches; borrowed */

	/* What came out. */
	struct rg_ratio ratio;		      /* corrected interval */
	double without_mean_ns, with_mean_ns; /* geometric means */
	enum rg_verdict verdict;
};

/* Did the decisions promise that the choice is better there? */
bool rg_prove_is_promised(const struct rg_prove_point *point);

/* Fills what came out. Pure. */
void rg_prove_judge(struct rg_prove_point *points, uint32_t npoints);

#endif
