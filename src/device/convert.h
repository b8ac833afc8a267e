/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * 16-bit floats to and from float32, one element at a time, in integer arithmetic: no dependence on
 * compiler support, instruction set or rounding mode. Rounding is to nearest, ties to even. A NaN
 * stays a NaN: narrowing keeps its sign and upper payload bits and makes it quiet, as the x86
 * instructions do.
 */
#ifndef DEVICE_CONVERT_H
#define DEVICE_CONVERT_H

#include <stdint.h>
#include <string.h>

static inline uint32_t float_bits(float v)
{
	uint32_t bits;

	memcpy(&bits, &v, sizeof(bits));
	return bits;
}

static inline float float_of_bits(uint32_t bits)
{
	float v;

	memcpy(&v, &bits, sizeof(v));
	return v;
}

/* Shifts right by n in [1, 31], rounding to nearest even. */
static inline uint32_t shift_round(uint32_t v, unsigned int n)
{
	return (v + (((uint32_t)1 << (n - 1)) - 1) + ((v >> n) & 1)) >> n;
}

static inline float bfloat16_to_float(uint16_t b)
{
	return float_of_bits((uint32_t)b << 16);
}

static inline uint16_t bfloat16_from_float(float v)
{
	uint32_t bits = float_bits(v);

	if ((bits & 0x7fffffff) > 0x7f800000)
		return (uint16_t)(bits >> 16 | 0x40);
	return (uint16_t)shift_round(bits, 16); /* the largest values carry over into infinity */
}

/* binary16 is 1 sign, 5 exponent (bias 15), 10 mantissa bits; binary32 is 1, 8 (127), 23. */
static inline float half_to_float(uint16_t h)
{
	uint32_t sign = (uint32_t)(h & 0x8000) << 16;
	uint32_t exponent = h >> 10 & 0x1f;
	uint32_t mantissa = h & 0x3ff;

	if (exponent == 0x1f)
		return float_of_bits(sign | 0x7f800000 | mantissa << 13);
	if (exponent)
		return float_of_bits(sign | (exponent + 127 - 15) << 23 | mantissa << 13);
	/* Zero and subnormals: mantissa units of 2^-24, exact in float32. */
	return float_of_bits(sign | float_bits((float)mantissa * 0x1p-24f));
}

static inline uint16_t half_from_float(float v)
{
	uint32_t bits = float_bits(v);
	uint32_t sign = bits >> 16 & 0x8000;
	uint32_t exponent = bits >> 23 & 0xff;
	uint32_t h;

	bits &= 0x7fffffff;
	if (bits > 0x7f800000)
		h = 0x7e00 | (bits >> 13 & 0x3ff);
	else if (exponent >= 127 + 16)
		h = 0x7c00; /* 65536 and up */
	else if (exponent >= 127 - 14)
		h = shift_round(bits - ((uint32_t)(127 - 15) << 23),
				13); /* may carry to infinity */
	else if (exponent >= 127 - 25)
		h = shift_round((bits & 0x7fffff) | 0x800000,
				126 - exponent); /* in units of 2^-24 */
	else
		h = 0; /* below 2^-25, half of the smallest subnormal */
	return (uint16_t)(sign | h);
}

#endif
