/* SPDX-License-Identifier: BSD-3-Clause */
/* Every kernel of every instruction set that works here, in all shapes (see kernels.h). */
#include "config.h"

#include "railgauge/device/reduce.h"

#include "kernels.h"

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
	static _Alignas(64) unsigned char sources[3200], copies[3300];

	for (const struct rg_isa *const *isa = rg_isas; *isa; isa++) {
		for (size_t len = 0; (*isa)->probe() && len < 3000; len += 1 + len / 70) {
			unsigned char *from = sources + len % 64, *to = copies + 64 + len % 7;

			fill(from, RG_TYPE_UINT8, len);
			memset(copies, POISON, len + 256);
			(*isa)->copy_stream(to, from, len);
			assert_memory_equal(to, from, len);
			assert_int_equal(to[-1], POISON);
			assert_int_equal(to[len], POISON);
			memset(copies, POISON, len + 256);
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
