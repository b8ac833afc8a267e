/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The kernels for any processor: vectors of 16 bytes, which every 64-bit target has (SSE2, NEON)
 * and the compiler takes apart elsewhere.
 */
#include "config.h"

#include "railgauge/device/isa.h"

#include "convert.h"
#include "ll_scalar.h"

#include <stdatomic.h>
#ifdef __x86_64__
#include <emmintrin.h>
#endif

#define V 16
#include "vector.inc"

#include "part.inc"

INLINE void stream_store(void *p, vec v)
{
#ifdef __x86_64__
	_mm_stream_si128(p, (__m128i)v);
#else
	store(p, v);
#endif
}

INLINE void stream_fence(void)
{
#ifdef __x86_64__
	_mm_sfence();
#else
	atomic_thread_fence(memory_order_release);
#endif
}

/* yes where a < b, else no. For numbers below 2^31: few processors compare unsigned ones. */
INLINE vec_u32 pick_less(vec_u32 a, uint32_t b, vec_u32 yes, vec_u32 no)
{
	vec_u32 less = (vec_u32)((vec_s32)a < (int32_t)b);

	return (yes & less) | (no & ~less);
}

/* The vector forms of half_to_float and half_from_float (convert.h), all cases at once. */
INLINE vec_f32 half_widen(half_vec_u16 h)
{
	const uint32_t rebias = (uint32_t)(127 - 15) << 23;
	vec_u32 code = __builtin_convertvector(h, vec_u32), abs = code & 0x7fff;
	vec_u32 normal = (abs << 13) + rebias;
	vec_u32 subnormal = (vec_u32)(__builtin_convertvector((vec_s32)abs, vec_f32) * 0x1p-24f);
	vec_u32 v = pick_less(abs, 0x400, subnormal, normal);

	v = pick_less(abs, 0x7c00, v, normal + rebias); /* infinities and NaNs */
	return (vec_f32)(v | (code & 0x8000) << 16);
}

INLINE half_vec_u16 half_narrow(vec_f32 f)
{
	vec_u32 bits = (vec_u32)f, abs = bits & 0x7fffffff;
	vec_u32 nan = (abs >> 13 & 0x3ff) | 0x7e00;
	vec_u32 h = (abs - ((uint32_t)(127 - 15) << 23) + 0xfff + (abs >> 13 & 1)) >> 13;
	/* One half has units of 2^-24, as subnormals have, so that the sum is rounded to those. */
	vec_u32 subnormal = (vec_u32)((vec_f32)abs + 0.5f) - 0x3f000000;

	h = pick_less(abs, (uint32_t)(127 - 14) << 23, subnormal, h);
	h = pick_less(abs, (uint32_t)(127 + 16) << 23, h, (vec_u32){0} + 0x7c00);
	h = pick_less(abs, 0x7f800001, h, nan);
	return __builtin_convertvector(h | (bits >> 16 & 0x8000), half_vec_u16);
}

INLINE float half_widen1(uint16_t h)
{
	return half_to_float(h);
}

INLINE uint16_t half_narrow1(float f)
{
	return half_from_float(f);
}

INLINE vec join(half_vec_u16 lo, half_vec_u16 hi)
{
	return (vec)(vec_u64){(uint64_t)lo, (uint64_t)hi};
}

#include "kernels.inc"

static void ll_encode(uint64_t *words, const void *src, size_t len_bytes, uint32_t seq)
{
	ll_encode_scalar(words, src, len_bytes, seq);
}

static size_t ll_take(void *dst, const uint64_t *words, size_t len_bytes, uint32_t seq, size_t from)
{
	return ll_take_scalar(dst, words, len_bytes, seq, from);
}

static bool probe(void)
{
	return true;
}

const struct rg_isa rg_isa_portable = {
	.name = "portable",
	.summary = "any processor",
	.probe = probe,
	.reduce = &reduce_table[0][0],
	.copy_stream = copy_stream,
	.ll_encode = ll_encode,
	.ll_take = ll_take,
};
