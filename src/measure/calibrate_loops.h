/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The loops of the calibration: one pass of a mix over its streams, or over a part of them.
 */
#ifndef RG_MEASURE_CALIBRATE_LOOPS_H
#define RG_MEASURE_CALIBRATE_LOOPS_H

#include "railgauge/model/bound.h"

#include <stddef.h>
#include <stdint.h>

#define LOOP_STREAMS_MAX 4

/* The source of mixes that only write or update: small enough for the innermost cache. */
#define LOOP_SOURCE_BYTES ((size_t)16 << 10)

struct loop_streams {
	uint8_t *stream[LOOP_STREAMS_MAX]; /* borrowed: reads first, then writes (UPDATE: both);
					      64-byte aligned */
	const uint8_t *source;		   /* borrowed, [LOOP_SOURCE_BYTES] */
	uint64_t sink;			   /* what reads add up to, so that they are not left out */
};

/* Bytes [at, at + len_bytes) of every stream, both multiples of 64. */
typedef void loop_fn(struct loop_streams *s, size_t at, size_t len_bytes);

extern loop_fn *const rg_calibrate_loops[RG_MIX_COUNT];

/* STREAM's Add on the streams of RG_MIX_ADD, in plain C. */
loop_fn rg_calibrate_plain_add;

#endif
