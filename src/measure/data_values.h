/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Between data.c (where tables are laid over buffers) and data_values.c (what is in them).
 */
#ifndef RG_MEASURE_DATA_VALUES_H
#define RG_MEASURE_DATA_VALUES_H

#include "railgauge/measure/data.h"

#include <stdbool.h>
#include <stdint.h>

/* What one element of a reduction is for all ranks. */
struct rg_data_element {
	const struct rg_data_problem *problem;
	bool odd; /* of an operation with an odd number */
	uint64_t position;
};

/* Spreads a and b over 64 bits. */
uint64_t rg_data_mix(uint64_t a, uint64_t b);

/* RG_ERR_UNSUPPORTED with the reason when no exact values exist. */
int rg_data_values_check(const struct rg_data_problem *problem, struct rg_err *err);

/*
 * Writes one element of what problem->rank contributes and of the result of all ranks, in the
 * type's representation. problem->coll reduces and rg_data_values_check was 0.
 */
void rg_data_values(const struct rg_data_element *element, void *mine, void *result);

#endif
