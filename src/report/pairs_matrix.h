/* SPDX-License-Identifier: BSD-3-Clause */
/* The pairs of a result, sorted into matrices of ranks. */
#ifndef RG_REPORT_PAIRS_MATRIX_H
#define RG_REPORT_PAIRS_MATRIX_H

#include "railgauge/measure/result.h"

#include <stdio.h>

#define PAIRS_CELL_BYTES 32

/* All pairs of one test, rail and size. What has no direction stands in both halves. */
struct rg_pairs_matrix {
	const struct rg_result_pair *like; /* the first of them */
	const struct rg_result_pair *
		*at;	    /* owned, [nranks][nranks]: from, to; NULL: not measured */
	uint32_t nranks, n; /* n are measured */
	const struct rg_result_pair *best, *worst;
	double median; /* of their values */
};

/* In the order of their first pairs; all are closed together. RG_ERR_NO_MEMORY. */
int rg_pairs_matrices_open(const struct rg_result *result, struct rg_pairs_matrix **out,
			   uint32_t *n_out, struct rg_err *err);
void rg_pairs_matrices_close(struct rg_pairs_matrix *matrices, uint32_t n);

/* What counts of a pair: median one way in ns, bytes or messages per second; 0: not known. */
double rg_pairs_value(const struct rg_result_pair *pair);

/* Such a value of that test in the unit that rg_pairs_unit names, into text[PAIRS_CELL_BYTES]. */
char *rg_pairs_cell(enum rg_pairs_test test, double value, char *text);
const char *rg_pairs_unit(enum rg_pairs_test test);

/* "latency of 8 bytes, write, rail 0 (mlx5_0)" into text[PAIRS_TITLE_BYTES], which is returned. */
#define PAIRS_TITLE_BYTES 192
char *rg_pairs_title(const struct rg_result_pair *pair, char *text);

#endif
