/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Every kernel of every instruction set that works here against a loop over single elements. The
 * loop follows the contract of reduce.h word by word (order, float32 accumulation, one rounding,
 * wrapping), so results are compared bit by bit; only the payload of a NaN is left open.
 */
#include "config.h"

#include "railgauge/device/isa.h"

#include "railgauge/device/reduce.h"
#include "railgauge/device/types.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define MAX_COUNT  4096
#define SLOT_BYTES (MAX_COUNT * 8 + 256)
#define GUARD	   64
#define POISON	   0xa5

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

/* Any bits for integers; for floats any sign and mantissa, and exponents of which some overflow. */
static void fill(void *p, enum rg_type type, size_t count)
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

/* Is element i a NaN in both? */
static bool both_nan(enum rg_type type, const void *a, const void *b, size_t i)
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

/* One call: its shape, and where its pointers lie within their regions (in elements). */
struct call {
	const struct rg_isa *isa;
	enum rg_type type;
	enum rg_op op;
	uint32_t nsrc, ndst;
	size_t count;
	uint64_t stream;
	uint32_t ranks;
	size_t src_shift, dst_shift; /* of source s: src_shift * s; of destination d: + d */
	uint32_t in_place;	     /* so many destinations are the sources of the same number */
};

static void fail_call(const struct call *c, const char *what, uint32_t d, size_t i)
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

static void check_call(const struct call *c)
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

/* Runs check for every instruction set that works here, type and operation. */
static void for_all_kernels(void (*check)(struct call c))
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

static void check_counts(struct call c)
{
	for (c.count = 0; c.count <= 200; c.count++)
		check_call(&c);
	for (c.count = 201; c.count <= MAX_COUNT; c.count += 487)
		check_call(&c);
}

static void all_small_counts_and_some_large_ones_are_reduced(void **state)
{
	for_all_kernels(check_counts);
}

static void check_shapes(struct call c)
{
	static const size_t counts[] = {0, 1, 3, 7, 33, 65, 700};

	for (c.nsrc = 1; c.nsrc <= 5; c.nsrc++) {
		for (c.ndst = 1; c.ndst <= 5; c.ndst++) {
			for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
				c.count = counts[i];
				check_call(&c);
			}
		}
	}
	c.count = 130;
	c.nsrc = c.ndst = RG_REDUCE_MAX;
	check_call(&c);
}

static void one_to_five_and_64_sources_go_to_as_many_destinations(void **state)
{
	for_all_kernels(check_shapes);
}

static void check_shifts(struct call c)
{
	c.ndst = 2;
	for (c.src_shift = 0; c.src_shift < 4; c.src_shift++) {
		for (c.dst_shift = 0; c.dst_shift < 9; c.dst_shift++) {
			c.stream = c.dst_shift & 3;
			c.count = 19 + c.dst_shift;
			check_call(&c);
			c.count = 2000 - c.dst_shift;
			check_call(&c);
		}
	}
}

static void pointers_need_only_the_alignment_of_an_element(void **state)
{
	for_all_kernels(check_shifts);
}

static void check_in_place(struct call c)
{
	for (c.src_shift = 0; c.src_shift <= 3; c.src_shift += 3) {
		for (c.stream = 0; c.stream < 4; c.stream++) {
			for (c.count = 1; c.count < 90; c.count += 8) {
				c.ndst = c.in_place = 1;
				check_call(&c);
				c.ndst = c.in_place = 2;
				check_call(&c);
			}
			c.count = 1777;
			check_call(&c);
			c.nsrc = c.ndst = c.in_place = 3;
			check_call(&c);
			c.nsrc = 2;
		}
	}
}

static void a_source_may_also_be_a_destination(void **state)
{
	for_all_kernels(check_in_place);
}

static void check_streams(struct call c)
{
	for (c.ndst = 1; c.ndst <= 4; c.ndst++) {
		for (c.stream = 0; c.stream < (uint64_t)1 << c.ndst; c.stream++) {
			for (c.nsrc = 1; c.nsrc <= 3; c.nsrc++) {
				c.src_shift = c.stream % 2;
				c.dst_shift = c.nsrc;
				c.count = 1500 + c.stream;
				check_call(&c);
			}
		}
	}
	c.nsrc = 2;
	c.ndst = RG_REDUCE_MAX;
	c.stream = UINT64_MAX;
	check_call(&c);
}

static void any_subset_of_destinations_may_be_streamed_to(void **state)
{
	for_all_kernels(check_streams);
}

static void check_average(struct call c)
{
	static const uint32_t ranks[] = {0, 1, 2, 3, 8, 127, 300, 65536};

	if (c.op != RG_OP_AVG)
		return;
	for (size_t i = 0; i < sizeof(ranks) / sizeof(ranks[0]); i++) {
		c.ranks = ranks[i];
		for (c.nsrc = 1; c.nsrc <= 3; c.nsrc++) {
			for (c.count = 1; c.count < 1200; c.count = c.count * 5 + 1)
				check_call(&c);
		}
	}
}

static void averages_divide_by_the_rank_count_and_truncate_integers(void **state)
{
	static const int32_t in[] = {-7, -1, 7, -8};
	const void *src[] = {in};
	int32_t out[4];
	void *dst[] = {out};

	rg_reduce_kernel(RG_TYPE_INT32, RG_OP_AVG)(dst, 1, src, 1, 4, 0, 4);
	assert_int_equal(out[0], -1);
	assert_int_equal(out[1], 0);
	assert_int_equal(out[2], 1);
	assert_int_equal(out[3], -2);
	for_all_kernels(check_average);
}

static void integer_sums_and_products_wrap(void **state)
{
	static const int8_t a[] = {127, -128, 100}, b[] = {1, -1, 3};
	const void *src[] = {a, b};
	int8_t out[3];
	void *dst[] = {out};

	rg_reduce_kernel(RG_TYPE_INT8, RG_OP_SUM)(dst, 1, src, 2, 3, 0, 0);
	assert_int_equal(out[0], -128);
	assert_int_equal(out[1], 127);
	assert_int_equal(out[2], 103);
	rg_reduce_kernel(RG_TYPE_INT8, RG_OP_PROD)(dst, 1, src, 2, 3, 0, 0);
	assert_int_equal(out[1], -128);
	assert_int_equal(out[2], 300 - 256);
}

/* 2048 + 1 is no half, so rounding after each source would give 2048. */
static void halves_are_rounded_only_once(void **state)
{
	uint16_t a[100], b[100], out[100];
	const void *src[] = {a, b, b};
	void *dst[] = {out};

	for (size_t i = 0; i < 100; i++) {
		a[i] = rg_half_from_float(2048);
		b[i] = rg_half_from_float(1);
	}
	for (size_t count = 1; count <= 100; count += 33) {
		rg_reduce_kernel(RG_TYPE_FLOAT16, RG_OP_SUM)(dst, 1, src, 3, count, 0, 0);
		for (size_t i = 0; i < count; i++)
			assert_true(rg_half_to_float(out[i]) == 2050);
	}
}

/* Minus zero is what leaves every number as it is, the signs of zeros as well. */
static void check_neutral(struct call c)
{
	static uint16_t codes[0x10000], zeros[0x10000], sums[0x10000];
	const void *src[] = {codes, zeros};
	void *dst[] = {sums};

	if (rg_type_bytes(c.type) != 2 || c.op != RG_OP_SUM)
		return;
	for (uint32_t i = 0; i < 0x10000; i++) {
		codes[i] = (uint16_t)i;
		zeros[i] = 0x8000;
	}
	c.isa->reduce[c.type * RG_OP_COUNT + c.op](dst, 1, src, 2, 0x10000, 0, 0);
	for (uint32_t i = 0; i < 0x10000; i++)
		if (sums[i] != codes[i] && !both_nan(c.type, sums, codes, i))
			fail_call(&c, "code", 0, i);
}

static void every_16_bit_float_plus_minus_zero_is_itself(void **state)
{
	for_all_kernels(check_neutral);
}

static void copies_keep_every_bit_of_every_half(void **state)
{
	static uint16_t codes[0x10000], out[0x10000];
	const void *src[] = {codes};
	void *dst[] = {out};

	for (uint32_t i = 0; i < 0x10000; i++)
		codes[i] = (uint16_t)i;
	rg_reduce_kernel(RG_TYPE_FLOAT16, RG_OP_SUM)(dst, 1, src, 1, 0x10000, 0, 0);
	assert_memory_equal(out, codes, sizeof(out));
	memset(out, 0, sizeof(out));
	for (uint32_t i = 0x7c00; i < 0x8000; i++) {
		src[0] = &codes[i];
		dst[0] = &out[i];
		rg_reduce_kernel(RG_TYPE_BFLOAT16, RG_OP_MAX)(dst, 1, src, 1, 1, 0, 0);
	}
	assert_memory_equal(out + 0x7c00, codes + 0x7c00, 0x400 * 2);
}

static void copies_move_every_byte_and_no_other(void **state)
{
	for (const struct rg_isa *const *isa = rg_isas; *isa; isa++) {
		for (size_t len = 0; (*isa)->probe() && len < 3000; len += 1 + len / 70) {
			unsigned char *from = src_mem[0] + len % 64,
				      *to = dst_mem[0] + 64 + len % 7;

			fill(from, RG_TYPE_UINT8, len);
			memset(dst_mem[0], POISON, len + 256);
			(*isa)->copy_stream(to, from, len);
			assert_memory_equal(to, from, len);
			assert_int_equal(to[-1], POISON);
			assert_int_equal(to[len], POISON);
			memset(dst_mem[0], POISON, len + 256);
			rg_copy(to, from, len, len & 1 ? RG_STORE_CACHED : RG_STORE_STREAM);
			assert_memory_equal(to, from, len);
			assert_int_equal(to[len], POISON);
		}
	}
}

/* The choice is made once per process, hence the child. */
static void check_forced(const char *word, const char *expect)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		/* Were it chosen already, the child could not tell. */
		setenv("RG_ISA", word, 1);
		fclose(stderr);
		_exit(strcmp(rg_reduce_isa(), expect) ? 1 : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void rg_isa_in_the_environment_forces_the_kernels(void **state)
{
	const struct rg_isa *const *best = rg_isas;

	while (!(*best)->probe())
		best++;
	for (const struct rg_isa *const *isa = rg_isas; *isa; isa++)
		if ((*isa)->probe())
			check_forced((*isa)->name, (*isa)->name);
	check_forced("sse9", (*best)->name);
	check_forced("", (*best)->name);
}

static void streaming_starts_at_half_of_the_share_of_the_cache(void **state)
{
	assert_int_equal(rg_stream_threshold_bytes(32 << 20, 2), 8 << 20);
	assert_int_equal(rg_stream_threshold_bytes(32 << 20, 0), 16 << 20);
	assert_int_equal(rg_stream_threshold_bytes(1 << 20, 64), 256 << 10);
	assert_int_equal(rg_stream_threshold_bytes(0, 4), 4 << 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rg_isa_in_the_environment_forces_the_kernels),
		cmocka_unit_test(all_small_counts_and_some_large_ones_are_reduced),
		cmocka_unit_test(one_to_five_and_64_sources_go_to_as_many_destinations),
		cmocka_unit_test(pointers_need_only_the_alignment_of_an_element),
		cmocka_unit_test(a_source_may_also_be_a_destination),
		cmocka_unit_test(any_subset_of_destinations_may_be_streamed_to),
		cmocka_unit_test(averages_divide_by_the_rank_count_and_truncate_integers),
		cmocka_unit_test(integer_sums_and_products_wrap),
		cmocka_unit_test(halves_are_rounded_only_once),
		cmocka_unit_test(every_16_bit_float_plus_minus_zero_is_itself),
		cmocka_unit_test(copies_keep_every_bit_of_every_half),
		cmocka_unit_test(copies_move_every_byte_and_no_other),
		cmocka_unit_test(streaming_starts_at_half_of_the_share_of_the_cache),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
