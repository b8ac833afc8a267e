/* SPDX-License-Identifier: BSD-3-Clause */
/* The default choice: there is one for everything, and it is what the algorithm accepts. */
#include "config.h"

#include "railgauge/coll/schedule.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define MAPPED (RG_CAP_DATA | RG_CAP_MAPPED | RG_CAP_WORD8)

static struct rg_problem problem_of(enum rg_coll coll, uint32_t p, uint64_t count, uint32_t variant,
				    uint32_t caps)
{
	static uint64_t counts[64 * 64];
	bool v = coll == RG_COLL_ALLTOALLV;

	for (uint32_t i = 0; i < p * p && v; i++)
		counts[i] = count;
	return (struct rg_problem){
		.coll = coll,
		.layout = {.nranks = p},
		.count = coll == RG_COLL_BARRIER ? 0
			 : v			 ? count * p
						 : count,
		.counts = v ? counts : NULL,
		.elem_bytes = 4,
		.root = p - 1,
		.in_place = variant & 1,
		.access = variant & 2 ? RG_ACCESS_WINDOW : RG_ACCESS_PRIVATE,
		.caps = caps,
		.geometry = rg_geometry_default,
		.params = {.persistent = variant & 4, .slice_bytes = 4096},
	};
}

static const struct rg_algorithm *select_one(struct rg_problem *p)
{
	const struct rg_algorithm *a = NULL;
	struct rg_err err = {0};

	if (rg_algorithm_select(p, &a, &err))
		fail_msg("%s", err.text);
	assert_int_equal(a->coll, p->coll);
	assert_true(a->protocols & 1u << p->params.protocol);
	assert_int_equal(a->check(p, NULL), 0);
	return a;
}

static void every_problem_of_up_to_64_ranks_has_a_default(void **state)
{
	static const uint64_t counts[] = {0, 1, 256, 257, 1 << 20};

	for (uint32_t coll = 0; coll < RG_COLL_COUNT; coll++) {
		for (uint32_t p = 1; p <= 64; p++) {
			for (uint32_t i = 0; i < 8 * sizeof(counts) / sizeof(counts[0]); i++) {
				struct rg_problem problem = problem_of(
					(enum rg_coll)coll, p, counts[i / 8], i % 8, MAPPED);

				select_one(&problem);
				assert_int_equal(problem.params.persistent, !!(i & 4));
				assert_int_equal(problem.params.slice_bytes, 4096);
				assert_int_equal(problem.params.channels, 1);
			}
		}
	}
}

static void short_messages_go_as_words_and_long_ones_into_windows(void **state)
{
	for (uint32_t coll = 0; coll < RG_COLL_BARRIER; coll++) {
		struct rg_problem p = problem_of((enum rg_coll)coll, 4, 2, 2, MAPPED);

		select_one(&p);
		assert_int_equal(p.params.protocol, RG_PROTOCOL_WORD);
		p = problem_of((enum rg_coll)coll, 4, 1 << 20, 2, MAPPED);
		select_one(&p);
		assert_int_equal(p.params.protocol, RG_PROTOCOL_WINDOW);
	}
}

static void buffers_handed_over_before_are_written_at_any_size(void **state)
{
	struct rg_problem p = problem_of(RG_COLL_ALLGATHER, 4, 1, 2, MAPPED);

	p.params.persistent = true;
	select_one(&p);
	assert_int_equal(p.params.protocol, RG_PROTOCOL_WINDOW);
}

static void a_root_does_not_write_to_many(void **state)
{
	struct rg_problem p = problem_of(RG_COLL_BROADCAST, 8, 1 << 20, 0, MAPPED);

	assert_string_equal(select_one(&p)->name, "direct");
	p = problem_of(RG_COLL_BROADCAST, 9, 1 << 20, 0, MAPPED);
	assert_string_equal(select_one(&p)->name, "binomial");
}

static void windows_in_place_are_not_copied_first(void **state)
{
	struct rg_problem p = problem_of(RG_COLL_ALLTOALL, 4, 1 << 20, 3, MAPPED);

	select_one(&p);
	assert_int_equal(p.params.protocol, RG_PROTOCOL_SLOT);
}

static void what_a_transport_lacks_is_not_chosen(void **state)
{
	for (uint32_t coll = 0; coll < RG_COLL_COUNT; coll++) {
		struct rg_problem p = problem_of((enum rg_coll)coll, 4, 1, 0, RG_CAP_DATA);

		select_one(&p);
		assert_int_equal(p.params.protocol, RG_PROTOCOL_SLOT);
	}
}

static void all_to_all_v_goes_by_its_longest_message(void **state)
{
	static uint64_t counts[16] = {[0] = 1 << 10, [1] = 8};
	struct rg_problem p = problem_of(RG_COLL_ALLTOALLV, 4, 1, 0, MAPPED);
	const struct rg_algorithm *a;
	struct rg_err err = {0};

	p.counts = counts;
	p.count = (1 << 10) + 8;
	select_one(&p);
	assert_int_equal(p.params.protocol, RG_PROTOCOL_WORD); /* what stays is no message */
	counts[1] = 9;
	p.count++;
	select_one(&p);
	assert_int_equal(p.params.protocol, RG_PROTOCOL_SLOT); /* 36 bytes, 2.25 in the mean */
	p.in_place = true;
	assert_int_equal(rg_algorithm_select(&p, &a, &err), RG_ERR_UNSUPPORTED);
	assert_string_equal(err.text, "no algorithm for alltoallv over 4 ranks on this transport: "
				      "in place as much must come as goes, but rank 0 sends rank 1 "
				      "9 elements and gets 0");
}

static void too_many_ranks_are_refused_in_words(void **state)
{
	struct rg_problem p = problem_of(RG_COLL_ALLREDUCE, 65, 1, 0, MAPPED);
	const struct rg_algorithm *a;
	struct rg_err err = {0};

	assert_int_equal(rg_algorithm_select(&p, &a, &err), RG_ERR_UNSUPPORTED);
	assert_string_equal(err.text, "no algorithm for allreduce over 65 ranks on this transport");
}

/* Where that was found by trying, and only where the transport can. */
static void peers_memory_is_read_where_that_was_found_to_pay(void **state)
{
	for (uint32_t coll = 0; coll < RG_COLL_BARRIER; coll++) {
		for (uint32_t k = 0; k < 4; k++) {
			uint32_t caps = k & 1 ? MAPPED | RG_CAP_READ : MAPPED;
			struct rg_problem p = problem_of((enum rg_coll)coll, 4, 1 << 16, 0, caps);

			p.params.read = k & 2;
			select_one(&p);
			assert_int_equal(p.params.protocol == RG_PROTOCOL_READ, k == 3);
		}
	}
}

/* Long vectors, where nodes are shared; not on one node, nor where each rank has its own. */
static void long_vectors_are_reduced_within_nodes_first(void **state)
{
	static const uint32_t shared[] = {0, 1, 1, 0, 2}, apart[] = {0, 1, 2, 3, 4}, one[5];
	static const uint32_t local[] = {0, 0, 1, 1, 0};
	const uint32_t *const nodes[] = {shared, apart, one};

	for (uint32_t k = 0; k < 6; k++) {
		uint64_t count = k & 1 ? 1000 : 500; /* of 4 bytes */
		struct rg_problem p = problem_of(RG_COLL_ALLREDUCE, 5, count, 0, RG_CAP_DATA);
		bool hierarchical;

		p.layout.node = nodes[k / 2];
		p.layout.local = p.layout.rail = local;
		hierarchical = !strcmp(select_one(&p)->name, "hierarchical");
		assert_int_equal(hierarchical, k == 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(peers_memory_is_read_where_that_was_found_to_pay),
		cmocka_unit_test(every_problem_of_up_to_64_ranks_has_a_default),
		cmocka_unit_test(short_messages_go_as_words_and_long_ones_into_windows),
		cmocka_unit_test(buffers_handed_over_before_are_written_at_any_size),
		cmocka_unit_test(a_root_does_not_write_to_many),
		cmocka_unit_test(windows_in_place_are_not_copied_first),
		cmocka_unit_test(what_a_transport_lacks_is_not_chosen),
		cmocka_unit_test(all_to_all_v_goes_by_its_longest_message),
		cmocka_unit_test(too_many_ranks_are_refused_in_words),
		cmocka_unit_test(long_vectors_are_reduced_within_nodes_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
