/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Arithmetic of a type that is reduced as it is stored; included by kernels.h once per type (no
 * include guard) with
 *
 *   NAME          suffix of the type
 *   ELEM, VELEM   the element and a vector of it: comparisons
 *   UELEM, UVEC   the same, unsigned for integers: sums and products, which wrap
 *   MASK          what comparing two VELEM gives: a vector of -1 and 0
 */
#define acc	vec
#define K(name) TYPED(name, NAME)

INLINE acc K(get)(const void *p)
{
	return load(p);
}

INLINE acc K(widen)(vec v)
{
	return v;
}

INLINE vec K(put)(acc a)
{
	return a;
}

INLINE acc K(combine)(acc a, acc b, enum rg_op op)
{
	MASK pick_a;

	switch (op) {
	case RG_OP_PROD:
		return (acc)((UVEC)a * (UVEC)b);
	case RG_OP_MIN:
		pick_a = (VELEM)a < (VELEM)b;
		return (acc)(((MASK)a & pick_a) | ((MASK)b & ~pick_a));
	case RG_OP_MAX:
		pick_a = (VELEM)a > (VELEM)b;
		return (acc)(((MASK)a & pick_a) | ((MASK)b & ~pick_a));
	default:
		return (acc)((UVEC)a + (UVEC)b);
	}
}

INLINE ELEM K(divide)(ELEM v, uint32_t ranks)
{
	return DIVIDE(v, ranks);
}

INLINE acc K(scale)(acc a, uint32_t ranks)
{
	VELEM v = (VELEM)a;

	for (size_t i = 0; i < V / sizeof(ELEM); i++)
		v[i] = K(divide)(v[i], ranks);
	return (acc)v;
}

INLINE ELEM K(one)(const void *const *src, uint32_t nsrc, size_t i, uint32_t ranks, enum rg_op op)
{
	ELEM a = ((const ELEM *)src[0])[i];

	for (uint32_t s = 1; s < nsrc; s++) {
		ELEM b = ((const ELEM *)src[s])[i];

		switch (op) {
		case RG_OP_PROD:
			a = (ELEM)((UELEM)a * (UELEM)b);
			break;
		case RG_OP_MIN:
			a = a < b ? a : b;
			break;
		case RG_OP_MAX:
			a = a > b ? a : b;
			break;
		default:
			a = (ELEM)((UELEM)a + (UELEM)b);
		}
	}
	return op == RG_OP_AVG ? K(divide)(a, ranks) : a;
}

#include "kernels_type.h"

#undef K
#undef acc
#undef NAME
#undef ELEM
#undef VELEM
#undef UELEM
#undef UVEC
#undef MASK
#undef DIVIDE
