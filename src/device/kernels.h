/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The kernels of one instruction set, written once over vectors of V bytes.
 *
 * An isa_<name>.c includes this file after it has set, for functions compiled with the right
 * target options:
 *
 *   V                          bytes of a vector: 16, 32 or 64
 *   stream_store(p, v)         a non-temporal store to p, aligned to V
 *   stream_fence()             orders those stores before all later stores
 *   load_part(p, n)            n < V bytes, the rest zero; touches no other byte
 *   store_part(p, v, n)        n < V bytes
 *   half_widen(h), half_narrow(f)  V/4 16-bit floats to and from a vector of float32
 *
 * The vectors are those of GNU C, so that gcc and clang choose instructions for any target; the
 * element type decides the arithmetic. Unsigned arithmetic is used for sums and products of
 * integers, because these wrap by contract.
 */
#ifndef DEVICE_KERNELS_H
#define DEVICE_KERNELS_H

#include "vector.h"

/* Up to this count elements are reduced one by one: cheaper than part of a vector. */
#define TINY_COUNT 4

/* From this length on the stores of the first destination are aligned. */
#define ALIGN_FROM_BYTES ((size_t)16 * V)

/* How one call goes over its destinations. */
struct span {
	size_t first; /* byte at which the loops begin: there the leading destination is aligned */
	uint64_t nt;  /* the destinations that are aligned there and may be streamed to */
};

INLINE struct span plan_span(void *const *dst, uint32_t ndst, size_t len, uint64_t stream)
{
	struct span span = {0, 0};
	uint32_t lead = 0;

	if (len < ALIGN_FROM_BYTES)
		return span;
	while (stream && !(stream >> lead & 1))
		lead++;
	span.first = -(uintptr_t)dst[stream ? lead : 0] % V;
	for (uint32_t d = lead; stream && d < ndst; d++)
		if (stream >> d & 1 && ((uintptr_t)dst[d] + span.first) % V == 0)
			span.nt |= (uint64_t)1 << d;
	return span;
}

INLINE void store_block(void *const *dst, uint32_t ndst, size_t off, vec v0, vec v1, vec v2, vec v3,
			uint64_t nt)
{
	for (uint32_t d = 0; d < ndst; d++) {
		char *p = (char *)dst[d] + off;

		if (nt >> d & 1) {
			stream_store(p, v0);
			stream_store(p + V, v1);
			stream_store(p + 2 * V, v2);
			stream_store(p + 3 * V, v3);
		} else {
			store(p, v0);
			store(p + V, v1);
			store(p + 2 * V, v2);
			store(p + 3 * V, v3);
		}
	}
}

/* Asks for the lines that the loop will read from this stream in a moment. */
INLINE void prefetch_block(const char *p)
{
	for (size_t i = 0; i < 4 * V; i += 64)
		__builtin_prefetch(p + PREFETCH_BYTES + i, 0, PREFETCH_LOCALITY);
}

static void copy_many(void *const *dst, uint32_t ndst, const void *src, size_t len,
		      uint64_t stream);

#define CAT_(a, b)	  a##_##b
#define TYPED(name, type) CAT_(name, type)

#define DIVIDE_REAL(v, n)     ((v) / (ELEM)(n))
#define DIVIDE_SIGNED(v, n)   ((ELEM)((int64_t)(v) / (int64_t)(n)))
#define DIVIDE_UNSIGNED(v, n) ((ELEM)((uint64_t)(v) / (n)))

#define NAME	     u8
#define ELEM	     uint8_t
#define UELEM	     uint8_t
#define VELEM	     vec
#define UVEC	     vec
#define MASK	     vec_s8
#define DIVIDE(v, n) DIVIDE_UNSIGNED(v, n)
#include "kernels_plain.h"

#define NAME	     s8
#define ELEM	     int8_t
#define UELEM	     uint8_t
#define VELEM	     vec_s8
#define UVEC	     vec
#define MASK	     vec_s8
#define DIVIDE(v, n) DIVIDE_SIGNED(v, n)
#include "kernels_plain.h"

#define NAME	     u32
#define ELEM	     uint32_t
#define UELEM	     uint32_t
#define VELEM	     vec_u32
#define UVEC	     vec_u32
#define MASK	     vec_s32
#define DIVIDE(v, n) DIVIDE_UNSIGNED(v, n)
#include "kernels_plain.h"

#define NAME	     s32
#define ELEM	     int32_t
#define UELEM	     uint32_t
#define VELEM	     vec_s32
#define UVEC	     vec_u32
#define MASK	     vec_s32
#define DIVIDE(v, n) DIVIDE_SIGNED(v, n)
#include "kernels_plain.h"

#define NAME	     u64
#define ELEM	     uint64_t
#define UELEM	     uint64_t
#define VELEM	     vec_u64
#define UVEC	     vec_u64
#define MASK	     vec_s64
#define DIVIDE(v, n) DIVIDE_UNSIGNED(v, n)
#include "kernels_plain.h"

#define NAME	     s64
#define ELEM	     int64_t
#define UELEM	     uint64_t
#define VELEM	     vec_s64
#define UVEC	     vec_u64
#define MASK	     vec_s64
#define DIVIDE(v, n) DIVIDE_SIGNED(v, n)
#include "kernels_plain.h"

#define NAME	     f32
#define ELEM	     float
#define UELEM	     float
#define VELEM	     vec_f32
#define UVEC	     vec_f32
#define MASK	     vec_s32
#define DIVIDE(v, n) DIVIDE_REAL(v, n)
#include "kernels_plain.h"

#define NAME	     f64
#define ELEM	     double
#define UELEM	     double
#define VELEM	     vec_f64
#define UVEC	     vec_f64
#define MASK	     vec_s64
#define DIVIDE(v, n) DIVIDE_REAL(v, n)
#include "kernels_plain.h"

/* V bytes of a 16-bit float. */
struct wide {
	vec_f32 lo, hi;
};

#define NAME	   f16
#define WIDEN(h)   half_widen(h)
#define NARROW(f)  half_narrow(f)
#define WIDEN1(h)  half_to_float(h)
#define NARROW1(f) half_from_float(f)
#include "kernels_wide.h"

#define NAME	   bf16
#define WIDEN(h)   bfloat16_widen(h)
#define NARROW(f)  bfloat16_narrow(f)
#define WIDEN1(h)  bfloat16_to_float(h)
#define NARROW1(f) bfloat16_from_float(f)
#include "kernels_wide.h"

/* A copy is the sum of one source, whatever the type. */
static void copy_many(void *const *dst, uint32_t ndst, const void *src, size_t len, uint64_t stream)
{
	if (len >= V) {
		run_u8(dst, ndst, &src, 1, len, stream, 0, RG_OP_SUM);
	} else {
		vec v = load_part(src, len);

		for (uint32_t d = 0; d < ndst; d++)
			store_part(dst[d], v, len);
	}
}

static void copy_stream(void *dst, const void *src, size_t len)
{
	copy_many(&dst, 1, src, len, 1);
}

#define OPS_OF(name)                                                                            \
	{                                                                                       \
		[RG_OP_SUM] = sum_##name, [RG_OP_PROD] = prod_##name, [RG_OP_MIN] = min_##name, \
		[RG_OP_MAX] = max_##name, [RG_OP_AVG] = avg_##name,                             \
	}

static rg_reduce_fn *const reduce_table[RG_TYPE_COUNT][RG_OP_COUNT] = {
	[RG_TYPE_INT8] = OPS_OF(s8),	 [RG_TYPE_UINT8] = OPS_OF(u8),
	[RG_TYPE_INT32] = OPS_OF(s32),	 [RG_TYPE_UINT32] = OPS_OF(u32),
	[RG_TYPE_INT64] = OPS_OF(s64),	 [RG_TYPE_UINT64] = OPS_OF(u64),
	[RG_TYPE_FLOAT16] = OPS_OF(f16), [RG_TYPE_BFLOAT16] = OPS_OF(bf16),
	[RG_TYPE_FLOAT32] = OPS_OF(f32), [RG_TYPE_FLOAT64] = OPS_OF(f64),
};

#endif
