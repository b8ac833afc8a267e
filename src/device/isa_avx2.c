/* SPDX-License-Identifier: BSD-3-Clause */
/* The kernels for AVX2 and F16C (Haswell, Zen and later). */
#include "config.h"

#include "railgauge/device/isa.h"

#ifdef __x86_64__

#include "convert.h"
#include "ll_scalar.h"

#include <cpuid.h>
#include <immintrin.h>

#define TARGET "avx2,f16c"
#include "target_push.inc"

#define V 32
#include "vector.inc"

#include "part.inc"

INLINE void stream_store(void *p, vec v)
{
	_mm256_stream_si256(p, (__m256i)v);
}

INLINE void stream_fence(void)
{
	_mm_sfence();
}

INLINE vec_f32 half_widen(half_vec_u16 h)
{
	return (vec_f32)_mm256_cvtph_ps((__m128i)h);
}

INLINE half_vec_u16 half_narrow(vec_f32 f)
{
	return (half_vec_u16)_mm256_cvtps_ph((__m256)f, _MM_FROUND_TO_NEAREST_INT);
}

INLINE float half_widen1(uint16_t h)
{
	return _cvtsh_ss(h);
}

INLINE uint16_t half_narrow1(float f)
{
	return _cvtss_sh(f, _MM_FROUND_TO_NEAREST_INT);
}

INLINE vec join(half_vec_u16 lo, half_vec_u16 hi)
{
	return (vec)_mm256_set_m128i((__m128i)hi, (__m128i)lo);
}

#include "kernels.inc"

INLINE vec words_spread(const void *p)
{
	return (vec)_mm256_cvtepu32_epi64(_mm_loadu_si128(p));
}

INLINE void words_strip(void *p, vec w)
{
	__m256i even =
		_mm256_permutevar8x32_epi32((__m256i)w, _mm256_setr_epi32(0, 2, 4, 6, 0, 0, 0, 0));

	_mm_storeu_si128(p, _mm256_castsi256_si128(even));
}

INLINE bool words_carry(vec w, uint32_t seq)
{
	__m256i differ =
		_mm256_xor_si256(_mm256_srli_epi64((__m256i)w, 32), _mm256_set1_epi64x(seq));

	return _mm256_testz_si256(differ, differ);
}

#include "ll_kernels.inc"

#include "target_pop.inc"

/* clang 14 does not know "f16c" as a word of __builtin_cpu_supports. */
static bool probe(void)
{
	unsigned int a, b, c, d;

	return __builtin_cpu_supports("avx2") && __get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C);
}

const struct rg_isa rg_isa_avx2 = {
	.name = "avx2",
	.summary = "AVX2 and F16C",
	.probe = probe,
	.reduce = &reduce_table[0][0],
	.copy_stream = copy_stream,
	.ll_encode = ll_encode,
	.ll_take = ll_take,
};

#endif
