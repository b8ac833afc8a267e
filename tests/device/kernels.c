/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "kernels.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define SLOT_BYTES (MAX_COUNT * 8 + 256)
#define GUARD	   64

/* One aligned region per source and destination; a pointer into it leaves a guard on both sides. */
static _Alignas(64) unsigned char src_mem[RG_REDUCE_MAX][SLOT_BYTES];
static _Alignas(64) unsigned char dst_mem[RG_REDUCE_MAX][SLOT_BYTES];
static unsigned char expected[MAX_COUNT * 8];

static uint64_t random_state = 88172645463325252u;

static uint64_t random_u64(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

/* Any code of a 16-bit float but a NaN: half of them plain numbers, half of them anything. */
static uint16_t random_code(uint64_t r, uint16_t infinity, uint16_t plain)
{
	uint16_t code = (uint16_t)(r >> 16);

	return r & 1 || (code & 0x7fff) > infinity ? plain : code;
}

void fill(void *p, enum rg_type type, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		uint64_t r = random_u64();
		float f = ldexpf((float)(int32_t)r, (int)(r >> 40) % 24 - 31);
		double d = ldexp((double)(int64_t)r, (int)(r >> 7) % 2000 - 1063);
		uint16_t h;

		switch (type) {
		case RG_TYPE_FLOAT16:
			h = random_code(r, 0x7c00, rg_half_from_float(f));
			memcpy((char *)p + i * 2, &h, 2);
			break;
		case RG_TYPE_BFLOAT16:
			h = random_code(r, 0x7f80, rg_bfloat16_from_float(f));
			memcpy((char *)p + i * 2, &h, 2);
			break;
		case RG_TYPE_FLOAT32:
			memcpy((char *)p + i * 4, &f, 4);
			break;
		case RG_TYPE_FLOAT64:
			memcpy((char *)p + i * 8, &d, 8);
			break;
		default:
			memcpy((char *)p + i * rg_type_bytes(type), &r, rg_type_bytes(type));
		}
	}
}

/* sums: the type to add and multiply in, wide enough or wrapping; divides: the type to divide in.
 */
#define ORACLE(name, type, sums, divides)                                                         \
	static type oracle_##name(const void *const *src, uint32_t nsrc, size_t i, enum rg_op op, \
				  uint32_t ranks)                                                 \
	{                                                                                         \
		type a = ((const type *)src[0])[i];                                               \
                                                                                                  \
		for (uint32_t s = 1; s < nsrc; s++) {                                             \
			type b = ((const type *)src[s])[i];                                       \
                                                                                                  \
			if (op == RG_OP_SUM || op == RG_OP_AVG)                                   \
				a = (type)((sums)a + (sums)b);                                    \
			else if (op == RG_OP_PROD)                                                \
				a = (type)((sums)a * (sums)b);                                    \
			else if (op == RG_OP_MIN)                                                 \
				a = a < b ? a : b;                                                \
			else                                                                      \
				a = a > b ? a : b;                                                \
		}                                                                                 \
		return op == RG_OP_AVG && ranks > 1 ? (type)((divides)a / (divides)ranks) : a;    \
	}
ORACLE(int8, int8_t, uint64_t, int64_t)
ORACLE(uint8, uint8_t, uint64_t, uint64_t)
ORACLE(int32, int32_t, uint64_t, int64_t)
ORACLE(uint32, uint32_t, uint64_t, uint64_t)
ORACLE(int64, int64_t, uint64_t, int64_t)
ORACLE(uint64, uint64_t, uint64_t, uint64_t)
ORACLE(float32, float, float, float)
ORACLE(float64, double, double, double)

/* In float32 throughout, then narrowed once. A single source is a copy. */
static uint16_t oracle_16(const void *const *src, uint32_t nsrc, size_t i, enum rg_op op,
			  uint32_t ranks, float (*widen)(uint16_t), uint16_t (*narrow)(float))
{
	float wide[RG_REDUCE_MAX];
	const void *p[RG_REDUCE_MAX];

	if (nsrc == 1 && (op != RG_OP_AVG || ranks <= 1))
		return ((const uint16_t *)src[0])[i];
	for (uint32_t s = 0; s < nsrc; s++) {
		wide[s] = widen(((const uint16_t *)src[s])[i]);
		p[s] = &wide[s];
	}
	return narrow(oracle_float32(p, nsrc, 0, op, ranks));
}

static void oracle(void *out, enum rg_type type, enum rg_op op, const void *const *src,
		   uint32_t nsrc, size_t count, uint32_t ranks)
{
#define ONE(NAME, name, ctype)                                              \
	case RG_TYPE_##NAME:                                                \
		((ctype *)out)[i] = oracle_##name(src, nsrc, i, op, ranks); \
		break
#define HALF(NAME, widen, narrow)                                                         \
	case RG_TYPE_##NAME:                                                              \
		((uint16_t *)out)[i] = oracle_16(src, nsrc, i, op, ranks, widen, narrow); \
		break
	for (size_t i = 0; i < count; i++) {
		switch (type) {
			ONE(INT8, int8, int8_t);
			ONE(UINT8, uint8, uint8_t);
			ONE(INT32, int32, int32_t);
			ONE(UINT32, uint32, uint32_t);
			ONE(INT64, int64, int64_t);
			ONE(UINT64, uint64, uint64_t);
			ONE(FLOAT32, float32, float);
			ONE(FLOAT64, float64, double);
			HALF(FLOAT16, rg_half_to_float, rg_half_from_float);
			HALF(BFLOAT16, rg_bfloat16_to_float, rg_bfloat16_from_float);
		case RG_TYPE_COUNT:
			fail();
		}
	}
}

bool both_nan(enum rg_type type, const void *a, const void *b, size_t i)
{
	switch (type) {
	case RG_TYPE_FLOAT16:
		return isnan(rg_half_to_float(((const uint16_t *)a)[i])) &&
		       isnan(rg_half_to_float(((const uint16_t *)b)[i]));
	case RG_TYPE_BFLOAT16:
		return isnan(rg_bfloat16_to_float(((const uint16_t *)a)[i])) &&
		       isnan(rg_bfloat16_to_float(((const uint16_t *)b)[i]));
	case RG_TYPE_FLOAT32:
		return isnan(((const float *)a)[i]) && isnan(((const float *)b)[i]);
	case RG_TYPE_FLOAT64:
		return isnan(((const double *)a)[i]) && isnan(((const double *)b)[i]);
	default:
		return false;
	}
}

void fail_call(const struct call *c, const char *what, uint32_t d, size_t i)
{
	fail_msg("%s, %s %s, %u to %u, count %zu, stream %#llx, ranks %u, shifts %zu %zu, "
		 "%u in place: destination %u %s %zu",
		 c->isa->name, rg_type_name(c->type), rg_op_name(c->op), c->nsrc, c->ndst, c->count,
		 (unsigned long long)c->stream, c->ranks, c->src_shift, c->dst_shift, c->in_place,
		 d, what, i);
}

static void check_destination(const struct call *c, const unsigned char *p, uint32_t d)
{
	size_t each = rg_type_bytes(c->type), len = c->count * each;

	for (size_t i = 0; d >= c->in_place && i < GUARD; i++)
		if (p[-1 - (ptrdiff_t)i] != POISON || p[len + i] != POISON)
			fail_call(c, "guard byte", d, i);
	if (!memcmp(p, expected, len))
		return;
	for (size_t i = 0; i < c->count; i++)
		if (memcmp(p + i * each, expected + i * each, each) &&
		    !both_nan(c->type, p, expected, i))
			fail_call(c, "element", d, i);
}

void check_call(const struct call *c)
{
	size_t each = rg_type_bytes(c->type), len = c->count * each;
	const void *src[RG_REDUCE_MAX];
	void *dst[RG_REDUCE_MAX];

	for (uint32_t s = 0; s < c->nsrc; s++) {
		src[s] = src_mem[s] + GUARD + c->src_shift * s * each % GUARD;
		fill((void *)src[s], c->type, c->count);
	}
	for (uint32_t d = 0; d < c->ndst; d++) {
		dst[d] = dst_mem[d] + GUARD +
			 (c->dst_shift * each + c->src_shift * d * each) % GUARD;
		if (d < c->in_place)
			dst[d] = (void *)src[d];
		else
			memset((char *)dst[d] - GUARD, POISON, len + 2 * GUARD);
	}
	oracle(expected, c->type, c->op, src, c->nsrc, c->count, c->ranks);
	c->isa->reduce[c->type * RG_OP_COUNT + c->op](dst, c->ndst, src, c->nsrc, c->count,
						      c->stream, c->ranks);
	for (uint32_t d = 0; d < c->ndst; d++)
		check_destination(c, dst[d], d);
}

void for_all_kernels(void (*check)(struct call c))
{
	for (const struct rg_isa *const *isa = rg_isas; *isa; isa++)
		for (int k = 0; (*isa)->probe() && k < RG_TYPE_COUNT * RG_OP_COUNT; k++)
			check((struct call){
				.isa = *isa,
				.type = (enum rg_type)(k / RG_OP_COUNT),
				.op = (enum rg_op)(k % RG_OP_COUNT),
				.nsrc = 2,
				.ndst = 1,
				.ranks = k % RG_OP_COUNT == RG_OP_AVG ? 3 : 0,
			});
}
