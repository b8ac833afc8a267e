/* SPDX-License-Identifier: BSD-3-Clause */
/* The test data and their check against an oracle (data_oracle.h). */
#include "config.h"

#include "data_oracle.h"

#include "../watched.h"

#include "railgauge/base/matrix.h"
#include "railgauge/base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void right_results_pass(const struct job *j, uint32_t root, uint64_t number)
{
	for (uint32_t r = 0; r < j->nranks; r++)
		assert_int_equal(rg_data_check(j->data[r], j->dst[r], j->count, root, number, NULL),
				 0);
}

static void one_job(enum rg_coll coll, enum rg_type type, enum rg_op op, uint32_t p, uint64_t count)
{
	struct job j;

	open_job(&j, coll, type, op, p, count);
	for (uint64_t number = 6; number < 8; number++) {
		uint32_t root = (uint32_t)(number % p);

		fill_all(&j, number);
		carry_out(&j, root);
		right_results_pass(&j, root, number);
	}
	close_job(&j);
}

/* 64 ranks only for the type that makes it hardest: tables cost ranks * period. */
static void reductions_of_every_type_and_operation_are_exact(void **state)
{
	static const uint32_t ranks[] = {1, 2, 3, 5, 8, 64};

	(void)state;
	for (int t = 0; t < RG_TYPE_COUNT; t++) {
		for (int o = 0; o < RG_OP_COUNT; o++) {
			for (size_t i = 0; i < sizeof(ranks) / sizeof(ranks[0]);
			     i += WATCHED ? 3 : 1) {
				if (ranks[i] == 64 && t != RG_TYPE_BFLOAT16)
					continue;
				one_job(RG_COLL_ALLREDUCE, t, o, ranks[i],
					ranks[i] == 64 ? 37 : 311);
				if (ranks[i] < 4) {
					one_job(RG_COLL_REDUCE, t, o, ranks[i], 101);
					one_job(RG_COLL_REDUCESCATTER, t, o, ranks[i], 101);
				}
			}
		}
	}
}

static void moved_data_of_every_type_are_exact(void **state)
{
	static const enum rg_coll colls[] = {RG_COLL_ALLGATHER, RG_COLL_GATHER,
					     RG_COLL_SCATTER,	RG_COLL_ALLTOALL,
					     RG_COLL_ALLTOALLV, RG_COLL_BROADCAST,
					     RG_COLL_SENDRECV};
	static const uint64_t counts[] = {0, 1, 13, 4093, 9001};

	(void)state;
	for (size_t c = 0; c < sizeof(colls) / sizeof(colls[0]); c++) {
		for (int t = 0; t < RG_TYPE_COUNT; t++) {
			for (size_t n = 0; n < sizeof(counts) / sizeof(counts[0]);
			     n += WATCHED ? 3 : 1)
				one_job(colls[c], t, RG_OP_SUM, 1 + (uint32_t)(n % 4), counts[n]);
		}
	}
}

static void a_stale_result_is_wrong_in_every_element(void **state)
{
	(void)state;
	for (int t = 0; t < RG_TYPE_COUNT; t++) {
		for (int o = 0; o <= RG_OP_COUNT; o++) {
			/* After the reductions, moved data. */
			enum rg_coll coll = o < RG_OP_COUNT ? RG_COLL_ALLREDUCE : RG_COLL_ALLGATHER;
			enum rg_op op = o < RG_OP_COUNT ? (enum rg_op)o : RG_OP_SUM;
			struct job j;

			open_job(&j, coll, t, op, 4, 5000);
			fill_all(&j, 10);
			carry_out(&j, 0);
			if (coll == RG_COLL_ALLGATHER) {
				uint64_t n =
					rg_data_check(j.data[1], j.dst[1], j.count, 0, 11, NULL);

				/* Turned otherwise, single bytes may be equal by chance. */
				assert_true(n > dst_elems(&j) * 98 / 100);
			} else {
				assert_int_equal(rg_data_check(j.data[1], j.dst[1], j.count, 0, 11,
							       NULL),
						 dst_elems(&j));
			}
			close_job(&j);
		}
	}
}

/* How many elements of rank r's destination are marked, with root 1, and the first of them. */
static uint64_t count_marks(const struct job *j, uint32_t r, const struct rg_data_marks *marks,
			    uint64_t *first_out)
{
	size_t nblocks = is_v(j) ? j->nranks : j->count ? dst_elems(j) / j->count : 0;
	uint64_t n = 0, at = 0;

	if (!rg_coll_has_dst(j->coll, r, 1))
		return 0;
	for (uint32_t b = 0; b < nblocks; b++) {
		uint64_t len = is_v(j) ? rg_matrix_at(j->counts, j->nranks, b, r) : j->count;

		for (uint64_t i = marks->first; i < len; i += marks->step) {
			if (!n++)
				*first_out = at + i;
		}
		at += len;
	}
	return n;
}

static void one_marked_job(enum rg_coll coll, enum rg_type type, enum rg_op op, uint32_t p,
			   uint64_t count, const struct rg_data_marks *marks)
{
	struct job j;
	struct rg_data_wrong first;
	uint64_t number = marks->number ^ 1, at = 0;

	open_job(&j, coll, type, op, p, count);
	fill_all(&j, number);
	carry_out(&j, 1);
	for (uint32_t r = 0; r < p; r++) {
		rg_data_mark(j.data[r], j.src[r], count, marks);
		/* Neither the result of before nor spoilt elements pass, and nothing else fails. */
		if (rg_coll_reduces(coll))
			assert_int_equal(rg_data_check_marked(j.data[r], j.dst[r], count, 1, number,
							      marks, &first),
					 count_marks(&j, r, marks, &at));
		rg_data_spoil(j.data[r], j.dst[r], count, 1, marks);
		assert_int_equal(rg_data_check_marked(j.data[r], j.dst[r], count, 1, number, marks,
						      &first),
				 count_marks(&j, r, marks, &at));
		if (count_marks(&j, r, marks, &at))
			assert_int_equal(first.index, at);
	}
	carry_out(&j, 1);
	for (uint32_t r = 0; r < p; r++)
		assert_int_equal(rg_data_check_marked(j.data[r], j.dst[r], count, 1, number, marks,
						      NULL),
				 0);
	if (count > 20) {
		j.dst[1][20 * j.elem] ^= 1;
		assert_int_equal(rg_data_check_marked(j.data[1], j.dst[1], count, 1, number, marks,
						      &first),
				 1);
		assert_int_equal(first.index, 20);
	}
	close_job(&j);
}

static void marked_elements_tell_a_result_from_the_one_before(void **state)
{
	static const uint64_t counts[] = {0, 1, 2, 13, 4093, 9001};
	static const struct rg_data_marks marks[] = {
		{7, 0, 1}, {8, 0, 64}, {7, 12, 13}, {9, 1, 2}, {8, 1023, 1024}};

	(void)state;
	for (int coll = 0; coll < RG_COLL_BARRIER; coll++) {
		for (size_t n = 0; n < sizeof(counts) / sizeof(counts[0]); n++) {
			for (size_t m = 0; m < sizeof(marks) / sizeof(marks[0]);
			     m += WATCHED ? 3 : 1) {
				one_marked_job(coll, RG_TYPE_FLOAT32, RG_OP_SUM, 3, counts[n],
					       &marks[m]);
				one_marked_job(coll, RG_TYPE_INT8, RG_OP_MAX, 2, counts[n],
					       &marks[m]);
			}
		}
	}
}

static void an_element_reduced_twice_or_left_out_is_found(void **state)
{
	static const enum rg_type types[] = {RG_TYPE_INT8, RG_TYPE_BFLOAT16, RG_TYPE_FLOAT32};

	(void)state;
	for (size_t t = 0; t < sizeof(types) / sizeof(types[0]); t++) {
		for (uint32_t p = 2; p <= 64; p *= 2) {
			struct job j;

			open_job(&j, RG_COLL_ALLREDUCE, types[t], RG_OP_SUM, p, 500);
			fill_all(&j, 4);
			/* Rank 1's source in place of the last one's: one too many, one too few. */
			if (p > 2)
				memcpy(j.src[p - 1], j.src[1], 500 * j.elem);
			else
				memset(j.src[1], 0, 500 * j.elem);
			carry_out(&j, 0);
			assert_true(rg_data_check(j.data[0], j.dst[0], 500, 0, 4, NULL) > 50);
			close_job(&j);
		}
	}
}

static void pieces_in_the_wrong_place_are_found(void **state)
{
	struct job j;
	const size_t count = 65536;

	(void)state;
	open_job(&j, RG_COLL_ALLREDUCE, RG_TYPE_FLOAT32, RG_OP_SUM, 2, count);
	for (size_t distance = 64; distance < count; distance *= 2) {
		fill_all(&j, 3);
		carry_out(&j, 0);
		memmove(j.dst[0], j.dst[0] + distance * 4, (count - distance) * 4);
		assert_true(rg_data_check(j.data[0], j.dst[0], count, 0, 3, NULL) >
			    (count - distance) * 9 / 10);
	}
	close_job(&j);
}

static void blocks_of_an_alltoall_swapped_are_found(void **state)
{
	static const uint64_t counts[] = {1, 16, 100, 4093, 4096};

	(void)state;
	for (size_t c = 0; c < sizeof(counts) / sizeof(counts[0]); c++) {
		uint64_t n = counts[c];
		struct job j;
		uint8_t *swap;

		open_job(&j, RG_COLL_ALLTOALL, RG_TYPE_INT32, RG_OP_SUM, 3, n);
		fill_all(&j, 2);
		carry_out(&j, 0);
		swap = malloc(n * 4);
		memcpy(swap, j.dst[1], n * 4);
		memcpy(j.dst[1], j.dst[1] + n * 4, n * 4);
		memcpy(j.dst[1] + n * 4, swap, n * 4);
		assert_true(rg_data_check(j.data[1], j.dst[1], n, 0, 2, NULL) >= 2 * n * 9 / 10);
		/* The source sent as it is: the transposition forgotten. */
		memcpy(j.dst[0], j.src[0], 3 * n * 4);
		assert_true(rg_data_check(j.data[0], j.dst[0], n, 0, 2, NULL) >= 2 * n * 9 / 10);
		free(swap);
		close_job(&j);
	}
}

static void the_first_wrong_element_is_reported(void **state)
{
	struct rg_data_wrong first;
	struct job j;
	int32_t got;
	uint8_t expected[4];

	(void)state;
	open_job(&j, RG_COLL_ALLGATHER, RG_TYPE_INT32, RG_OP_SUM, 3, 6000);
	fill_all(&j, 9);
	carry_out(&j, 0);
	memcpy(expected, j.dst[2] + 13001 * 4, 4);
	memset(j.dst[2] + 13001 * 4, 7, 4);
	memset(j.dst[2] + 17999 * 4, 7, 4);
	assert_int_equal(rg_data_check(j.data[2], j.dst[2], 6000, 0, 9, &first), 2);
	assert_int_equal(first.index, 13001);
	memcpy(&got, first.got, 4);
	assert_int_equal(got, 0x07070707);
	assert_memory_equal(first.expected, expected, 4);
	close_job(&j);
}

static void in_place_the_right_result_is_never_there_beforehand(void **state)
{
	(void)state;
	for (int c = 0; c < RG_COLL_BARRIER; c++) {
		struct job j;

		open_job(&j, c, RG_TYPE_FLOAT32, RG_OP_SUM, 4, 1000);
		for (uint32_t r = 0; r < 4; r++) {
			size_t larger =
				src_elems(&j) > dst_elems(&j) ? src_elems(&j) : dst_elems(&j);
			uint8_t *buffer = calloc(larger, 4);
			size_t at = rg_data_in_place_dst(c, 1000, r) * 4;
			uint64_t has = rg_data_dst_count(j.data[r], 1000, 2);
			uint64_t wrong, mine = 0;

			assert_int_equal(has, c == RG_COLL_ALLTOALLV
						      ? rg_matrix_received(j.counts, 4, r)
					      : rg_coll_has_dst(c, r, 2) ? dst_elems(&j)
									 : 0);

			rg_data_fill_in_place(j.data[r], buffer, 1000, 2, 5);
			wrong = rg_data_check(j.data[r], buffer + at, 1000, 2, 5, NULL);
			/* One's own block of an allgather or alltoall is in place already. */
			if (c == RG_COLL_ALLTOALLV)
				mine = rg_matrix_at(j.counts, 4, r, r);
			else if (c == RG_COLL_ALLGATHER || c == RG_COLL_ALLTOALL ||
				 (r == 2 && (c == RG_COLL_GATHER || c == RG_COLL_SCATTER ||
					     c == RG_COLL_BROADCAST)))
				mine = 1000;
			/* A small sum may be equal by chance, all other ranks giving zero. */
			assert_in_range(wrong, (has - mine) * 99 / 100, has - mine);
			free(buffer);
		}
		close_job(&j);
	}
}

static void in_place_sources_are_those_out_of_place(void **state)
{
	(void)state;
	for (int c = 0; c < RG_COLL_BARRIER; c++) {
		struct job j;

		open_job(&j, c, RG_TYPE_INT64, RG_OP_SUM, 3, 50);
		fill_all(&j, 8);
		for (uint32_t r = 0; r < 3; r++) {
			uint8_t *buffer = calloc(150, 8);

			rg_data_fill_in_place(j.data[r], buffer, 50, 0, 8);
			if (rg_coll_has_src(c, r, 0))
				assert_memory_equal(buffer + rg_data_in_place_src(c, 50, r) * 8,
						    j.src[r],
						    (is_v(&j) ? rg_matrix_sent(j.counts, 3, r)
							      : src_elems(&j)) *
							    8);
			free(buffer);
		}
		close_job(&j);
	}
}

static void averages_that_cannot_be_exact_are_refused(void **state)
{
	struct rg_data_problem p = {RG_COLL_ALLREDUCE, RG_TYPE_BFLOAT16, RG_OP_AVG, 257, 0, SEED};
	struct rg_data *data = NULL;
	struct rg_err err = {0};

	(void)state;
	assert_int_equal(rg_data_open(&p, &data, &err), RG_ERR_UNSUPPORTED);
	assert_non_null(strstr(err.text, "bfloat16"));
	assert_non_null(strstr(err.text, "257"));
	p.nranks = 256;
	assert_int_equal(rg_data_open(&p, &data, &err), 0);
	rg_data_close(data);
}

static void sums_stay_exact_beyond_what_the_type_counts_to(void **state)
{
	struct rg_data_problem p = {RG_COLL_ALLREDUCE, RG_TYPE_BFLOAT16, RG_OP_SUM, 300, 0, SEED};
	float total[64] = {0};
	struct rg_err err = {0};
	uint16_t src[64];
	struct rg_data *data;

	(void)state;
	if (WATCHED) /* what it does to memory, others do as well */
		skip();
	for (p.rank = 0; p.rank < p.nranks; p.rank++) {
		assert_int_equal(rg_data_open(&p, &data, &err), 0);
		rg_data_fill(data, src, 64, 1);
		for (int i = 0; i < 64; i++)
			total[i] += rg_bfloat16_to_float(src[i]);
		if (p.rank + 1 < p.nranks)
			rg_data_close(data);
	}
	for (int i = 0; i < 64; i++) {
		assert_true(total[i] <= 256);
		src[i] = rg_bfloat16_from_float(total[i]);
	}
	assert_int_equal(rg_data_check(data, src, 64, 0, 1, NULL), 0);
	rg_data_close(data);
}

static void every_failing_allocation_is_an_error(void **state)
{
	struct rg_data_problem p = {RG_COLL_ALLREDUCE, RG_TYPE_INT8, RG_OP_SUM, 2, 0, SEED};
	struct rg_err err = {0};
	unsigned long n;

	(void)state;
	for (n = 1;; n++) {
		struct rg_data *data = NULL;
		int rc;

		rg_mem_fail_nth(n);
		rc = rg_data_open(&p, &data, &err);
		if (!rg_mem_fail_fired()) {
			assert_int_equal(rc, 0);
			rg_data_close(data);
			break;
		}
		assert_int_equal(rc, RG_ERR_NO_MEMORY);
		assert_null(data);
	}
	rg_mem_fail_nth(0);
	assert_int_equal(n, 6); /* the object and four tables */
}

static void elements_are_shown_with_their_bits(void **state)
{
	char text[RG_DATA_TEXT_BYTES];
	uint8_t value[8] = {0};
	float f = -1.5f;

	(void)state;
	memcpy(value, &f, 4);
	assert_string_equal(rg_data_format(RG_TYPE_FLOAT32, value, text), "-1.5 (0xbfc00000)");
	memset(value, 0xff, 8);
	assert_string_equal(rg_data_format(RG_TYPE_INT8, value, text), "-1");
	assert_string_equal(rg_data_format(RG_TYPE_UINT32, value, text), "4294967295");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reductions_of_every_type_and_operation_are_exact),
		cmocka_unit_test(moved_data_of_every_type_are_exact),
		cmocka_unit_test(a_stale_result_is_wrong_in_every_element),
		cmocka_unit_test(marked_elements_tell_a_result_from_the_one_before),
		cmocka_unit_test(an_element_reduced_twice_or_left_out_is_found),
		cmocka_unit_test(pieces_in_the_wrong_place_are_found),
		cmocka_unit_test(blocks_of_an_alltoall_swapped_are_found),
		cmocka_unit_test(the_first_wrong_element_is_reported),
		cmocka_unit_test(in_place_the_right_result_is_never_there_beforehand),
		cmocka_unit_test(in_place_sources_are_those_out_of_place),
		cmocka_unit_test(averages_that_cannot_be_exact_are_refused),
		cmocka_unit_test(sums_stay_exact_beyond_what_the_type_counts_to),
		cmocka_unit_test(every_failing_allocation_is_an_error),
		cmocka_unit_test(elements_are_shown_with_their_bits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
