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

INLINE vec load_part(const void *p, size_t n)
{
	vec v = {0};

	memcpy(&v, p, n);
	return v;
}

INLINE void store_part(void *p, vec v, size_t n)
{
	memcpy(p, &v, n);
}

INLINE vec_f32 half_widen(half_vec_u16 h)
{
	vec_f32 f;

	for (int i = 0; i < V / 4; i++)
		f[i] = half_to_float(h[i]);
	return f;
}

INLINE half_vec_u16 half_narrow(vec_f32 f)
{
	half_vec_u16 h;

	for (int i = 0; i < V / 4; i++)
		h[i] = half_from_float(f[i]);
	return h;
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

static size_t ll_ready(const uint64_t *words, size_t nwords, uint32_t seq, size_t from)
{
	return ll_ready_scalar(words, nwords, seq, from);
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
	.vector_bytes = V,
	.probe = probe,
	.reduce = &reduce_table[0][0],
	.copy_stream = copy_stream,
	.ll_encode = ll_encode,
	.ll_ready = ll_ready,
	.ll_take = ll_take,
};
