/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The kernels for AVX-512 with BW, DQ and VL (Skylake-X, Zen 4 and later). A vector is a cache
 * line, so every streaming store fills one at once; parts of vectors are masked loads and stores.
 */
#include "config.h"

#include "railgauge/device/isa.h"

#ifdef __x86_64__

#include "convert.h"
#include "ll_scalar.h"

#include <cpuid.h>
#include <immintrin.h>

#define TARGET "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c,bmi2"
#include "target_push.inc"

#define V 64
#include "vector.inc"

INLINE void stream_store(void *p, vec v)
{
	_mm512_stream_si512(p, (__m512i)v);
}

INLINE void stream_fence(void)
{
	_mm_sfence();
}

INLINE vec load_part(const void *p, size_t n)
{
	return (vec)_mm512_maskz_loadu_epi8(_bzhi_u64(~(uint64_t)0, (uint32_t)n), p);
}

INLINE void store_part(void *p, vec v, size_t n)
{
	_mm512_mask_storeu_epi8(p, _bzhi_u64(~(uint64_t)0, (uint32_t)n), (__m512i)v);
}

INLINE vec_f32 half_widen(half_vec_u16 h)
{
	return (vec_f32)_mm512_cvtph_ps((__m256i)h);
}

INLINE half_vec_u16 half_narrow(vec_f32 f)
{
	return (half_vec_u16)_mm512_cvtps_ph((__m512)f, _MM_FROUND_TO_NEAREST_INT);
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
	return (vec)_mm512_inserti64x4(_mm512_castsi256_si512((__m256i)lo), (__m256i)hi, 1);
}

#include "kernels.inc"

INLINE vec words_spread(const void *p)
{
	return (vec)_mm512_cvtepu32_epi64(_mm256_loadu_si256(p));
}

INLINE void words_strip(void *p, vec w)
{
	_mm256_storeu_si256(p, _mm512_cvtepi64_epi32((__m512i)w));
}

INLINE bool words_carry(vec w, uint32_t seq)
{
	__m512i carried = _mm512_srli_epi64((__m512i)w, 32);

	return _mm512_cmpneq_epi64_mask(carried, _mm512_set1_epi64(seq)) == 0;
}

#include "ll_kernels.inc"

#include "target_pop.inc"

static bool probe(void)
{
	return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
	       __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
	       __builtin_cpu_supports("bmi2") && rg_isa_avx2.probe();
}

const struct rg_isa rg_isa_avx512 = {
	.name = "avx512",
	.summary = "AVX-512 F, BW, DQ and VL",
	.probe = probe,
	.reduce = &reduce_table[0][0],
	.copy_stream = copy_stream,
	.ll_encode = ll_encode,
	.ll_take = ll_take,
};

#endif
