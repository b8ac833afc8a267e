/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One call of one kernel, compared with a loop over single elements. The loop follows the contract
 * of reduce.h word by word (order, float32 accumulation, one rounding, wrapping), so results are
 * compared bit by bit; only the payload of a NaN is left open.
 */
#ifndef TESTS_DEVICE_KERNELS_H
#define TESTS_DEVICE_KERNELS_H

#include "railgauge/device/isa.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MAX_COUNT 4096
#define POISON	  0xa5

/* One call: its shape, and where its pointers lie within their regions (in elements). */
struct call {
	const struct rg_isa *isa;
	enum rg_type type;
	enum rg_op op;
	uint32_t nsrc, ndst;
	size_t count;
	uint64_t stream;
	uint32_t ranks;
	size_t src_shift, dst_shift; /* of source s: src_shift * s; of destination d: + d */
	uint32_t in_place;	     /* so many destinations are the sources of the same number */
};

/* Fills the sources, calls, and fails the test where a destination or a byte beside it is wrong. */
void check_call(const struct call *c);

/* Calls check for every instruction set that works here, type and operation: two sources to one. */
void for_all_kernels(void (*check)(struct call c));

/* Fails the test: "avx2, float sum, ...: destination D WHAT I". */
void fail_call(const struct call *c, const char *what, uint32_t d, size_t i);

/* Any bits for integers; for floats any sign and mantissa, and exponents of which some overflow. */
void fill(void *p, enum rg_type type, size_t count);

/* Is element i a NaN in both? */
bool both_nan(enum rg_type type, const void *a, const void *b, size_t i);

#endif
