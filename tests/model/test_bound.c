/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/model/bound.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#define MiB (1u << 20)

/* Two footprints: fast up to 1 MiB, slow from there; streaming stores pay only in the slow one. */
static const struct rg_rates rates = {
	.nfootprints = 2,
	.footprint_bytes = {16384, MiB},
	.rate_Bps = {{[RG_MIX_READ] = 100e9,
		      [RG_MIX_WRITE] = 50e9,
		      [RG_MIX_COPY] = 80e9,
		      [RG_MIX_COPY_STREAM] = 20e9,
		      [RG_MIX_ADD] = 90e9,
		      [RG_MIX_TWO_TWO] = 85e9,
		      [RG_MIX_ADD_UPDATE] = 95e9,
		      [RG_MIX_TWO_UPDATE] = 120e9},
		     {[RG_MIX_READ] = 20e9,
		      [RG_MIX_WRITE] = 5e9,
		      [RG_MIX_WRITE_STREAM] = 8e9,
		      [RG_MIX_COPY] = 9e9,
		      [RG_MIX_COPY_STREAM] = 10e9,
		      [RG_MIX_ADD] = 12e9,
		      [RG_MIX_TWO_TWO] = 7e9}},
	.line_ns = 50,
};

static void assert_near(double got, double expected)
{
	if (!(fabs(got - expected) <= 1e-9 * fabs(expected) + 1e-12))
		fail_msg("%.12g is not %.12g", got, expected);
}

static struct rg_bound_problem problem(enum rg_coll coll, uint64_t size, uint32_t nranks)
{
	return (struct rg_bound_problem){.coll = coll,
					 .size_bytes = size,
					 .nranks = nranks,
					 .access = RG_ACCESS_WINDOW,
					 .ops = 1};
}

static void traffic_is_what_the_header_derives(void **state)
{
	/* S = 12 with 4 ranks: S / p = 3, (p - 1) S / p = 9. */
	static const struct {
		enum rg_coll coll;
		bool in_place;
		double read, written, exchange, updated;
	} table[] = {
		{RG_COLL_ALLREDUCE, false, 12, 12, 18},
		{RG_COLL_ALLREDUCE, true, 12, 12, 18, 12},
		{RG_COLL_REDUCE, false, 12, 3, 9},
		{RG_COLL_REDUCE, true, 12, 3, 9, 3},
		{RG_COLL_REDUCESCATTER, false, 12, 3, 9},
		{RG_COLL_REDUCESCATTER, true, 12, 3, 9, 3},
		{RG_COLL_ALLGATHER, false, 3, 12, 9},
		{RG_COLL_ALLGATHER, true, 3, 9, 9},
		{RG_COLL_GATHER, false, 3, 3, 2.25},
		{RG_COLL_GATHER, true, 2.25, 2.25, 2.25},
		{RG_COLL_SCATTER, false, 3, 3, 2.25},
		{RG_COLL_SCATTER, true, 2.25, 2.25, 2.25},
		{RG_COLL_ALLTOALL, false, 12, 12, 9},
		{RG_COLL_ALLTOALL, true, 9, 9, 9, 9},
		{RG_COLL_BROADCAST, false, 3, 9, 9},
		{RG_COLL_BROADCAST, true, 3, 9, 9},
		{RG_COLL_SENDRECV, false, 12, 12, 12},
		{RG_COLL_BARRIER, false, 0, 0, 0},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct rg_bound_problem b = problem(table[i].coll, 12, 4);
		struct rg_traffic t;

		b.in_place = table[i].in_place;
		rg_traffic_of(&b, &t);
		assert_near(t.read_bytes, table[i].read);
		assert_near(t.written_bytes, table[i].written);
		assert_near(t.exchange_bytes, 0);
		b.access = RG_ACCESS_PRIVATE;
		rg_traffic_of(&b, &t);
		assert_near(t.read_bytes, table[i].read);
		assert_near(t.written_bytes, table[i].written);
		assert_near(t.exchange_bytes, table[i].exchange);
		assert_near(t.updated_bytes, table[i].updated);
	}
}

static void all_ranks_together_read_each_source_and_write_each_destination(void **state)
{
	for (enum rg_coll c = 0; c < RG_COLL_COUNT; c++) {
		for (uint32_t p = 2; p <= 64 && c != RG_COLL_ALLTOALLV; p++) {
			uint64_t block = rg_coll_block_count(c, (uint64_t)p * 64, p);
			struct rg_bound_problem b = problem(c, (uint64_t)p * 64, p);
			uint64_t sources = 0, destinations = 0;
			struct rg_traffic t;

			for (uint32_t r = 0; r < p; r++) {
				/* The root of a broadcast has the data. */
				sources += rg_coll_has_src(c, r, 0);
				destinations += rg_coll_has_dst(c, r, 0) &&
						(c != RG_COLL_BROADCAST || r > 0);
			}
			rg_traffic_of(&b, &t);
			assert_near(t.read_bytes * p,
				    (double)(sources * rg_coll_src_count(c, block, p)));
			assert_near(t.written_bytes * p,
				    (double)(destinations * rg_coll_dst_count(c, block, p)));
		}
	}
}

static void traffic_of_an_all_to_all_v_is_that_of_its_matrix(void **state)
{
	struct rg_bound_problem b = problem(RG_COLL_ALLTOALLV, 40, 4);
	struct rg_traffic t;

	b.total_bytes = 100;
	b.others_bytes = 60;
	b.access = RG_ACCESS_PRIVATE;
	rg_traffic_of(&b, &t);
	assert_near(t.read_bytes, 25);
	assert_near(t.written_bytes, 25);
	assert_near(t.exchange_bytes, 15);
	assert_near(t.updated_bytes, 0);
	b.in_place = true;
	rg_traffic_of(&b, &t);
	assert_near(t.read_bytes, 15);
	assert_near(t.written_bytes, 15);
	assert_near(t.updated_bytes, 15);
	/* One way may be pipelined; what goes nowhere crosses nothing. */
	b.ops = 10;
	assert_near(rg_bound_of(&b, &rates).bound_ns, 5);
	b.mutual = true;
	assert_near(rg_bound_of(&b, &rates).bound_ns, 50);
	b.others_bytes = 0;
	assert_near(rg_bound_of(&b, &rates).bound_ns, 0);
}

static void one_rank_in_place_has_nothing_to_do(void **state)
{
	for (enum rg_coll c = 0; c < RG_COLL_COUNT; c++) {
		struct rg_bound_problem b = problem(c, 4096, 1);
		struct rg_bound bound;

		b.in_place = true;
		bound = rg_bound_of(&b, &rates);
		assert_true(bound.bound_ns == 0);
		assert_null(bound.name);
	}
}

static void small_operations_are_bound_by_one_cache_line(void **state)
{
	struct rg_bound_problem b = problem(RG_COLL_ALLREDUCE, 8, 2);
	struct rg_bound bound = rg_bound_of(&b, &rates);

	assert_near(bound.bound_ns, 50);
	assert_string_equal(bound.name, "line");
	b = problem(RG_COLL_BARRIER, 0, 2);
	assert_near(rg_bound_of(&b, &rates).bound_ns, 50);
	b = problem(RG_COLL_ALLREDUCE, 0, 2);
	assert_near(rg_bound_of(&b, &rates).bound_ns, 0);
	b = problem(RG_COLL_ALLREDUCE, 8, 1);
	assert_near(rg_bound_of(&b, &rates).bound_ns, 16 / 85.0);
}

static void what_has_a_root_may_be_pipelined_over_the_operations_of_a_repetition(void **state)
{
	struct rg_bound_problem b = problem(RG_COLL_BROADCAST, 8, 2);

	b.ops = 10;
	assert_near(rg_bound_of(&b, &rates).bound_ns, 5);
	b.coll = RG_COLL_REDUCE;
	assert_near(rg_bound_of(&b, &rates).bound_ns, 5);
	b.coll = RG_COLL_ALLGATHER;
	assert_near(rg_bound_of(&b, &rates).bound_ns, 50);
}

static void large_operations_are_bound_by_the_fastest_equal_mix_at_their_footprint(void **state)
{
	struct rg_bound_problem b = problem(RG_COLL_ALLREDUCE, MiB / 2, 2);
	struct rg_bound bound = rg_bound_of(&b, &rates);

	/* Footprint 1 MiB: the slow one. */
	assert_near(bound.bound_ns, MiB / 10.0);
	assert_string_equal(bound.name, "copy-stream");
	b.size_bytes = MiB / 4;
	bound = rg_bound_of(&b, &rates);
	assert_near(bound.bound_ns, MiB / 2 / 85.0);
	assert_string_equal(bound.name, "two-two");
	b.ops = 2; /* two pairs of buffers: the footprint is 1 MiB again */
	assert_near(rg_bound_of(&b, &rates).bound_ns, MiB / 2 / 10.0);
	b.ops = 1;
	b.cold = true;
	assert_near(rg_bound_of(&b, &rates).bound_ns, MiB / 2 / 10.0);
}

static void a_ratio_between_two_mixes_is_split_into_them(void **state)
{
	/* 4 ranks: S read, S / 4 written: share 0.8 of 1.25 S; read 1, add 2/3: 0.4 and 0.6. */
	struct rg_bound_problem b = problem(RG_COLL_REDUCESCATTER, 4 * MiB, 4);
	struct rg_bound bound = rg_bound_of(&b, &rates);

	assert_near(bound.bound_ns, 5.0 * MiB * (0.4 / 20 + 0.6 / 12));
	assert_string_equal(bound.name, "add");
	/* S / 4 read, S written: share 0.2; copy 1/2, write 0: 0.4 and 0.6. */
	b.coll = RG_COLL_ALLGATHER;
	bound = rg_bound_of(&b, &rates);
	assert_near(bound.bound_ns, 5.0 * MiB * (0.4 / 10 + 0.6 / 8));
	assert_string_equal(bound.name, "write-stream");
}

static void in_place_the_mixes_that_update_count_as_well(void **state)
{
	struct rg_bound_problem b = problem(RG_COLL_ALLREDUCE, 65536, 2);
	struct rg_bound bound;

	b.in_place = true;
	bound = rg_bound_of(&b, &rates);
	assert_near(bound.bound_ns, 131072 / 120.0);
	assert_string_equal(bound.name, "two-update");
	/* 2 to 1 between read and written: add and add-update. */
	b.coll = RG_COLL_REDUCESCATTER;
	assert_near(rg_bound_of(&b, &rates).bound_ns, 98304 / 95.0);
	/* Nothing that allgather writes was read. */
	b.coll = RG_COLL_ALLGATHER;
	assert_near(rg_bound_of(&b, &rates).bound_ns, 65536 / 85.0);
	/* Half the footprint: 1 MiB is read and written, and that is all. */
	b = problem(RG_COLL_ALLREDUCE, MiB, 2);
	b.in_place = true;
	assert_int_equal(rg_bound_footprint_bytes(&b), MiB);
}

static void private_buffers_add_what_must_cross_through_slots(void **state)
{
	struct rg_bound_problem b = problem(RG_COLL_ALLREDUCE, 65536, 2);
	double window = rg_bound_of(&b, &rates).bound_ns;

	assert_near(window, 131072 / 85.0);
	b.access = RG_ACCESS_PRIVATE;
	assert_near(rg_bound_of(&b, &rates).bound_ns, 2 * window);
	/* Beyond the caches, memory is the larger of the two. */
	b.size_bytes = MiB;
	assert_near(rg_bound_of(&b, &rates).bound_ns, 2.0 * MiB / 10);
}

static void without_rates_there_is_no_bound(void **state)
{
	struct rg_rates none = {0}, reads = {.nfootprints = 1,
					     .footprint_bytes = {16384},
					     .rate_Bps = {{[RG_MIX_READ] = 1e9}}};
	struct rg_bound_problem b = problem(RG_COLL_ALLREDUCE, MiB, 2);

	assert_true(rg_bound_of(&b, &none).bound_ns == 0);
	assert_null(rg_bound_of(&b, &none).name);
	assert_true(rg_bound_of(&b, &reads).bound_ns == 0);
}

static void footprints_count_every_buffer_of_a_repetition(void **state)
{
	struct rg_bound_problem b = problem(RG_COLL_ALLREDUCE, MiB, 2);

	assert_int_equal(rg_bound_footprint_bytes(&b), 2 * MiB);
	b.ops = 5;
	assert_int_equal(rg_bound_footprint_bytes(&b), 10 * MiB);
	b.size_bytes = 8;
	assert_int_equal(rg_bound_footprint_bytes(&b), RG_FOOTPRINT_MIN_BYTES);
}

static void mixes_have_their_streams_and_words(void **state)
{
	assert_string_equal(rg_mix_words[RG_MIX_COPY_STREAM], "copy-stream");
	assert_int_equal(rg_mix_reads(RG_MIX_ADD), 2);
	assert_int_equal(rg_mix_writes(RG_MIX_ADD), 1);
	assert_int_equal(rg_mix_streams(RG_MIX_ADD), 3);
	assert_int_equal(rg_mix_streams(RG_MIX_ADD_UPDATE), 2);
	assert_null(rg_mix_words[RG_MIX_COUNT]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(traffic_is_what_the_header_derives),
		cmocka_unit_test(all_ranks_together_read_each_source_and_write_each_destination),
		cmocka_unit_test(traffic_of_an_all_to_all_v_is_that_of_its_matrix),
		cmocka_unit_test(one_rank_in_place_has_nothing_to_do),
		cmocka_unit_test(small_operations_are_bound_by_one_cache_line),
		cmocka_unit_test(
			what_has_a_root_may_be_pipelined_over_the_operations_of_a_repetition),
		cmocka_unit_test(
			large_operations_are_bound_by_the_fastest_equal_mix_at_their_footprint),
		cmocka_unit_test(a_ratio_between_two_mixes_is_split_into_them),
		cmocka_unit_test(in_place_the_mixes_that_update_count_as_well),
		cmocka_unit_test(private_buffers_add_what_must_cross_through_slots),
		cmocka_unit_test(without_rates_there_is_no_bound),
		cmocka_unit_test(footprints_count_every_buffer_of_a_repetition),
		cmocka_unit_test(mixes_have_their_streams_and_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
