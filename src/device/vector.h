/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Vectors of V bytes in GNU C, and what moves them. Included by an isa_<name>.c after it has set V
 * and the target options.
 */
#ifndef DEVICE_VECTOR_H
#define DEVICE_VECTOR_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))

/* In registers. */
typedef uint8_t vec __attribute__((vector_size(V)));
typedef int8_t vec_s8 __attribute__((vector_size(V)));
typedef int32_t vec_s32 __attribute__((vector_size(V)));
typedef uint32_t vec_u32 __attribute__((vector_size(V)));
typedef int64_t vec_s64 __attribute__((vector_size(V)));
typedef uint64_t vec_u64 __attribute__((vector_size(V)));
typedef float vec_f32 __attribute__((vector_size(V)));
typedef double vec_f64 __attribute__((vector_size(V)));
typedef uint8_t half_vec __attribute__((vector_size(V / 2)));
typedef uint16_t half_vec_u16 __attribute__((vector_size(V / 2)));

/* In memory: at any address, of any element type. */
typedef uint8_t mem_vec __attribute__((vector_size(V), aligned(1), may_alias));
typedef uint8_t mem_half_vec __attribute__((vector_size(V / 2), aligned(1), may_alias));

INLINE vec load(const void *p)
{
	return *(const mem_vec *)p;
}

INLINE void store(void *p, vec v)
{
	*(mem_vec *)p = v;
}

INLINE half_vec_u16 load_half(const void *p)
{
	return (half_vec_u16)(*(const mem_half_vec *)p);
}

INLINE vec join(half_vec_u16 lo, half_vec_u16 hi)
{
	union {
		half_vec_u16 half[2];
		vec whole;
	} u = {.half = {lo, hi}};

	return u.whole;
}

INLINE vec_f32 bfloat16_widen(half_vec_u16 h)
{
	return (vec_f32)(__builtin_convertvector(h, vec_u32) << 16);
}

/* The vector form of bfloat16_from_float. */
INLINE half_vec_u16 bfloat16_narrow(vec_f32 f)
{
	vec_u32 bits = (vec_u32)f;
	vec_u32 rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
	vec_u32 is_nan = (vec_u32)(f != f);

	rounded = (rounded & ~is_nan) | ((bits >> 16 | 0x40) & is_nan);
	return __builtin_convertvector(rounded, half_vec_u16);
}

#endif
