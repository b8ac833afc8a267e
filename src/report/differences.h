/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef RG_REPORT_DIFFERENCES_H
#define RG_REPORT_DIFFERENCES_H

#include "railgauge/base/opt.h"
#include "railgauge/measure/result.h"

#include <stdio.h>

/* Who is told of the differences. */
struct rg_difference_sink {
	/* Called for each: "run.mpi", with what the two have there; or a sentence, a and b NULL. */
	void (*tell)(struct rg_difference_sink *sink, const char *what, const char *a,
		     const char *b);
	const char *const *names; /* [2], borrowed: what the two are called in sentences */
	bool no_warnings;	  /* leave out those that only one has */
	uint32_t found;		  /* how often tell was called; 0 before */
};

/*
 * What is different about the conditions of two results. Process numbers, times of day and names of
 * output files are left out, the calibration if it is within RG_DIFFERENCE_NOISE. options: the
 * tables that say in which units options are recorded (rg_opt_value_text). RG_ERR_NO_MEMORY.
 */
#define RG_DIFFERENCE_NOISE 0.10
int rg_differences_find(const struct rg_result *a, const struct rg_result *b,
			const struct rg_opt *const *options, struct rg_difference_sink *sink,
			struct rg_err *err);

/*
 * Prints them: the title, then a line each, such as "#   run.mpi: X -> Y"; nothing at all if there
 * are none. *found_out counts them.
 */
int rg_differences_print(const struct rg_result *a, const struct rg_result *b,
			 const char *const names[2], const char *title,
			 const struct rg_opt *const *options, uint32_t *found_out, FILE *out,
			 struct rg_err *err);

#endif
