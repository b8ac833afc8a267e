/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Arithmetic of a 16-bit float, which is reduced in float32 and rounded once; included by kernels.h
 * once per type (no include guard) with
 *
 *   NAME            suffix of the type
 *   WIDEN, NARROW   half a vector of it to and from a vector of float32
 *   WIDEN1, NARROW1 the same for one element
 */
#define ELEM	uint16_t
#define acc	struct wide
#define K(name) TYPED(name, NAME)

INLINE acc K(get)(const void *p)
{
	const char *at = p;

	return (acc){.lo = WIDEN(load_half(at)), .hi = WIDEN(load_half(at + V / 2))};
}

INLINE acc K(widen)(vec v)
{
	return K(get)(&v);
}

INLINE vec K(put)(acc a)
{
	return join(NARROW(a.lo), NARROW(a.hi));
}

INLINE acc K(combine)(acc a, acc b, enum rg_op op)
{
	return (acc){
		.lo = (vec_f32)TYPED(combine, f32)((vec)a.lo, (vec)b.lo, op),
		.hi = (vec_f32)TYPED(combine, f32)((vec)a.hi, (vec)b.hi, op),
	};
}

INLINE acc K(scale)(acc a, uint32_t ranks)
{
	return (acc){
		.lo = (vec_f32)TYPED(scale, f32)((vec)a.lo, ranks),
		.hi = (vec_f32)TYPED(scale, f32)((vec)a.hi, ranks),
	};
}

INLINE ELEM K(one)(const void *const *src, uint32_t nsrc, size_t i, uint32_t ranks, enum rg_op op)
{
	float a = WIDEN1(((const ELEM *)src[0])[i]);

	if (nsrc == 1 && op != RG_OP_AVG)
		return ((const ELEM *)src[0])[i]; /* a copy, also of a signalling NaN */
	for (uint32_t s = 1; s < nsrc; s++) {
		float b = WIDEN1(((const ELEM *)src[s])[i]);

		switch (op) {
		case RG_OP_PROD:
			a *= b;
			break;
		case RG_OP_MIN:
			a = a < b ? a : b;
			break;
		case RG_OP_MAX:
			a = a > b ? a : b;
			break;
		default:
			a += b;
		}
	}
	return NARROW1(op == RG_OP_AVG ? TYPED(divide, f32)(a, ranks) : a);
}

#include "kernels_type.h"

#undef K
#undef acc
#undef NAME
#undef ELEM
#undef WIDEN
#undef NARROW
#undef WIDEN1
#undef NARROW1
