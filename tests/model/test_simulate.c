/* SPDX-License-Identifier: BSD-3-Clause */
/* The simulation against formulas, and what must not make a difference. */
#include "config.h"

#include "sim_cases.h"

#include "../lot.h"
#include "../watched.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

/* Within a node, between nodes: 0.3 and 2 us, 100 and 20 GB/s. */
static const struct link_fs near = {300000000, 40000000, 30000000, 10000};
static const struct link_fs far = {2000000000, 300000000, 250000000, 50000};

static struct rg_sim_result run(const char *name, const struct rg_problem *p,
				const struct rg_costs *costs)
{
	const struct rg_algorithm *a;
	struct rg_sim_result r = {0};
	struct rg_err err = {0};

	if (rg_algorithm_find(p->coll, name, &a, &err) || rg_sim_run(a, p, costs, &r, &err))
		fail_msg("%s %s, %u ranks: %s", rg_coll_name(p->coll), name, p->layout.nranks,
			 err.text);
	return r;
}

static void assert_fs(int64_t got, int64_t expected, uint32_t nranks)
{
	if (got != expected)
		fail_msg("%u ranks: %lld fs, not %lld", nranks, (long long)got,
			 (long long)expected);
}

static void one_message_takes_a_latency_two_overheads_and_its_bytes(void **state)
{
	const struct rg_costs costs = costs_of(near, far);

	for (uint64_t bytes = 4; bytes <= 32768; bytes *= 2) {
		struct rg_problem p = problem_of(RG_COLL_SENDRECV, 2, bytes);
		struct rg_sim_result r = run("direct", &p, &costs);

		assert_fs(r.time_fs, message_fs(near, bytes), 2);
		assert_int_equal(r.messages, 2);
		assert_int_equal(r.bytes[RG_HOP_NODE], 2 * bytes);
		assert_int_equal(r.bytes[RG_HOP_NETWORK], 0);
	}
}

static void a_word_message_is_twice_as_long(void **state)
{
	const struct rg_costs costs = costs_of(near, far);
	struct rg_problem p = problem_of(RG_COLL_SENDRECV, 2, 1024);

	p.params.protocol = RG_PROTOCOL_WORD;
	assert_fs(run("direct", &p, &costs).time_fs, message_fs(near, 2048), 2);
}

static void a_ring_all_reduce_has_two_rounds_per_rank_but_one(void **state)
{
	const struct rg_costs costs = costs_of(near, far);

	for (uint32_t n = 2; n <= 64; n++) {
		struct rg_problem p = problem_of(RG_COLL_ALLREDUCE, n, 1024u * n);

		assert_fs(run("ring", &p, &costs).time_fs, 2 * (n - 1) * message_fs(near, 1024), n);
	}
}

static void recursive_doubling_has_a_round_per_bit(void **state)
{
	const struct rg_costs costs = costs_of(near, far);

	for (uint32_t n = 2, rounds = 1; n <= 64; n *= 2, rounds++) {
		struct rg_problem p = problem_of(RG_COLL_ALLREDUCE, n, 4096);

		assert_fs(run("recursive_doubling", &p, &costs).time_fs,
			  rounds * message_fs(near, 4096), n);
	}
}

static void a_dissemination_barrier_has_a_round_per_bit_whatever_the_ranks(void **state)
{
	const struct rg_costs costs = costs_of(near, far);

	for (uint32_t n = 1; n <= 70000; n = n < 70 ? n + 1 : 3 * n) {
		struct rg_problem p = problem_of(RG_COLL_BARRIER, n, 0);
		uint32_t rounds = 0;

		for (uint32_t d = 1; d < n; d *= 2)
			rounds++;
		assert_fs(run("dissemination", &p, &costs).time_fs, rounds * message_fs(near, 0),
			  n);
	}
}

/* What the subtree of a rank takes that has the vector: it sends to the farthest child first. */
static int64_t binomial_fs(uint32_t v, uint32_t low, uint32_t n, int64_t spacing, int64_t message)
{
	int64_t most = 0, sent = 0;

	for (uint32_t d = low / 2; d; d /= 2) {
		int64_t t;

		if (v + d >= n)
			continue;
		t = sent * spacing + message + binomial_fs(v + d, d, n, spacing, message);
		most = most > t ? most : t;
		sent++;
	}
	return most;
}

static void a_binomial_broadcast_takes_what_its_slowest_branch_takes(void **state)
{
	const struct rg_costs costs = costs_of(near, far);

	for (uint32_t n = 1; n <= 64; n++) {
		struct rg_problem p = problem_of(RG_COLL_BROADCAST, n, 8192);
		int64_t spacing = near.gap + 8191 * near.byte;

		p.root = n / 3;
		assert_fs(run("binomial", &p, &costs).time_fs,
			  binomial_fs(0, 64, n, spacing, message_fs(near, 8192)), n);
	}
}

static void messages_leave_a_rank_one_gap_or_one_overhead_apart(void **state)
{
	struct link_fs slow = near;

	slow.overhead = 100 * near.gap;
	for (uint32_t n = 2; n <= 64; n++) {
		const struct rg_costs costs = costs_of(near, far), busy = costs_of(slow, far);
		struct rg_problem p = problem_of(RG_COLL_BROADCAST, n, 64);
		int64_t spacing = near.gap + 63 * near.byte;

		if (spacing < near.overhead)
			spacing = near.overhead;
		assert_fs(run("direct", &p, &costs).time_fs,
			  (n - 2) * spacing + message_fs(near, 64), n);
		assert_fs(run("direct", &p, &busy).time_fs,
			  (n - 2) * slow.overhead + message_fs(slow, 64), n);
	}
}

static void messages_come_in_one_gap_apart(void **state)
{
	/* Everybody's first message is for the rank above: the last one of n - 1 is alone. */
	for (uint32_t n = 2; n <= 64; n++) {
		const struct rg_costs costs = costs_of((struct link_fs){1000, 0, 500, 3}, far);
		struct rg_problem p = problem_of(RG_COLL_ALLGATHER, n, 64);
		int64_t spacing = 500 + 63 * 3;

		assert_fs(run("direct", &p, &costs).time_fs, (n - 2) * spacing + 1000 + 63 * 3, n);
		/* So is what comes to be reduced, and two-shot is both. */
		p = problem_of(RG_COLL_REDUCESCATTER, n, 64);
		assert_fs(run("direct", &p, &costs).time_fs, (n - 2) * spacing + 1000 + 63 * 3, n);
		p = problem_of(RG_COLL_ALLREDUCE, n, 64u * n);
		assert_fs(run("twoshot", &p, &costs).time_fs,
			  2 * ((n - 2) * spacing + 1000 + 63 * 3), n);
	}
}

static void all_that_a_rank_takes_costs_an_overhead_each(void **state)
{
	/* No latency, no gap: n - 1 sent, then n - 1 taken. */
	for (uint32_t n = 2; n <= 64; n++) {
		const struct rg_costs costs = costs_of((struct link_fs){0, 700, 0, 0}, far);
		struct rg_problem p = problem_of(RG_COLL_ALLTOALL, n, 64);

		assert_fs(run("pairwise", &p, &costs).time_fs, 2 * (n - 1) * 700, n);
	}
}

static void copies_and_reductions_take_the_processor(void **state)
{
	struct rg_costs costs = costs_of(near, far);
	struct rg_problem p = problem_of(RG_COLL_SENDRECV, 2, 4096);

	/* Into the slot, out of the slot. */
	costs.copy_s = 11e-12;
	costs.reduce_s = 17e-12;
	assert_fs(run("direct", &p, &costs).time_fs, message_fs(near, 4096) + 2 * 4096 * 11000, 2);
	/* Into the slot; two sources into the destination. */
	p = problem_of(RG_COLL_ALLREDUCE, 2, 4096);
	assert_fs(run("recursive_doubling", &p, &costs).time_fs,
		  message_fs(near, 4096) + 2 * 4096 * 11000 + 4096 * 17000, 2);
}

static void with_one_slot_every_message_waits_for_the_credit_of_the_last(void **state)
{
	const struct rg_costs costs = costs_of(near, far);

	for (uint32_t slices = 1; slices <= 20; slices++) {
		struct rg_problem p = problem_of(RG_COLL_SENDRECV, 2, 1024u * slices);

		p.geometry.slots = p.geometry.credit_batch = 1;
		p.geometry.slot_bytes = 1024;
		assert_fs(run("direct", &p, &costs).time_fs,
			  slices * message_fs(near, 1024) + (slices - 1) * near.latency, 2);
	}
}

static void a_pipeline_is_as_fast_as_its_port(void **state)
{
	/* Two slices on the way fill the link, and credits come in time. */
	const struct link_fs link = {10000, 100, 2000, 10};
	const struct rg_costs costs = costs_of(link, far);

	for (uint32_t slices = 1; slices <= 100; slices++) {
		struct rg_problem p = problem_of(RG_COLL_SENDRECV, 2, 1024u * slices);

		p.geometry.slot_bytes = 1024;
		p.geometry.credit_batch = 1;
		assert_fs(run("direct", &p, &costs).time_fs,
			  (slices - 1) * (2000 + 1023 * 10) + message_fs(link, 1024), 2);
	}
}

static void credits_in_batches_hold_up_a_short_ring_of_slots(void **state)
{
	const struct rg_costs costs = costs_of(near, far);
	struct rg_problem p = problem_of(RG_COLL_BROADCAST, 2, 64u * 1024);
	int64_t one, four;

	p.geometry.slots = 4;
	p.geometry.slot_bytes = 1024;
	p.geometry.credit_batch = 1;
	one = run("binomial", &p, &costs).time_fs;
	p.geometry.credit_batch = 4;
	four = run("binomial", &p, &costs).time_fs;
	assert_true(four > one);
	/* Four slots at a time, and each time the wait for the credit of all four. */
	assert_fs(four,
		  16 * (3 * (near.gap + 1023 * near.byte) + message_fs(near, 1024)) +
			  15 * near.latency,
		  2);
}

static void each_round_costs_what_its_slowest_link_costs(void **state)
{
	static const uint32_t pairs[4] = {0, 0, 1, 1}, ragged[4] = {0, 0, 0, 1};
	const struct rg_costs costs = costs_of(near, far);
	struct rg_problem p = problem_of(RG_COLL_ALLREDUCE, 4, 4096);
	struct rg_sim_result r;

	/* Ranks at distance 1 share a node, those at distance 2 do not. */
	p.layout.node = pairs;
	r = run("recursive_doubling", &p, &costs);
	assert_fs(r.time_fs, message_fs(near, 4096) + message_fs(far, 4096), 4);
	assert_int_equal(r.bytes[RG_HOP_NODE], 4 * 4096);
	assert_int_equal(r.bytes[RG_HOP_NETWORK], 4 * 4096);
	/* Rank 3 is alone: both of its rounds go between nodes. */
	p.layout.node = ragged;
	r = run("recursive_doubling", &p, &costs);
	assert_fs(r.time_fs, 2 * message_fs(far, 4096), 4);
	assert_int_equal(r.bytes[RG_HOP_NODE], 4 * 4096);
}

/* Nodes of `each` ranks, the last one of what is left. */
static void fill_nodes(uint32_t *node, uint32_t nranks, uint32_t each)
{
	for (uint32_t r = 0; r < nranks; r++)
		node[r] = r / each;
}

#define MANY 96

static void ranks_that_do_the_same_need_not_all_be_looked_at(void **state)
{
	const struct rg_costs costs = costs_of(near, far);
	static const uint32_t each[] = {1, 2, 4, 5, 8, 48, MANY};
	struct lot lot = lot_of(WATCHED ? 11 : 3);
	uint32_t node[MANY];

	for (const struct rg_algorithm *const *a = rg_algorithms; *a; a++) {
		struct rg_algorithm plain = **a;

		plain.symmetry = NULL;
		for (uint32_t k = 0; k < 7 * 4 && (*a)->symmetry; k++) {
			static const uint32_t sizes[] = {MANY, 64, 33, 10};
			struct rg_problem p = problem_of((*a)->coll, sizes[k % 4], 100000);
			struct rg_sim_result with, without;
			struct rg_err err = {0};

			p.geometry.slot_bytes = 16384;
			fill_nodes(node, MANY, each[k / 4]);
			p.layout.node = node;
			if ((*a)->check(&p, NULL) || !is_drawn(&lot))
				continue;
			assert_int_equal(rg_sim_run(*a, &p, &costs, &with, &err), 0);
			assert_int_equal(rg_sim_run(&plain, &p, &costs, &without, &err), 0);
			assert_fs(with.time_fs, without.time_fs, p.layout.nranks);
			assert_int_equal(with.messages, without.messages);
			assert_memory_equal(with.bytes, without.bytes, sizeof(with.bytes));
		}
	}
}

/* Calls fn for all rows, protocols that can be simulated and some numbers of ranks. */
static void for_all(void (*fn)(const struct rg_algorithm *a, const struct rg_problem *p))
{
	uint32_t node[MANY];

	fill_nodes(node, MANY, 3);
	for (const struct rg_algorithm *const *a = rg_algorithms; *a; a++) {
		for (uint32_t n = 1; n <= 18; n += n < 5 ? 1 : 3) {
			struct rg_problem p = problem_of((*a)->coll, n, 4096);

			p.layout.node = node;
			p.geometry.slot_bytes = 1024;
			p.geometry.ll_bytes = 256;
			for (int k = 0; k < 2; k++) {
				p.params.protocol = k ? RG_PROTOCOL_WORD : RG_PROTOCOL_SLOT;
				if (!(*a)->check(&p, NULL))
					fn(*a, &p);
			}
		}
	}
}

static int64_t time_of(const struct rg_algorithm *a, const struct rg_problem *p,
		       const struct rg_costs *costs)
{
	struct rg_sim_result r = {0};
	struct rg_err err = {0};

	if (rg_sim_run(a, p, costs, &r, &err))
		fail_msg("%s %s, %u ranks: %s", rg_coll_name(p->coll), a->name, p->layout.nranks,
			 err.text);
	return r.time_fs;
}

static void compare_dearer(const struct rg_algorithm *a, const struct rg_problem *p)
{
	const struct rg_costs base = costs_of(near, far);
	int64_t t = time_of(a, p, &base);

	for (int h = 0; h < RG_HOP_COUNT; h++) {
		struct rg_costs c[4] = {base, base, base, base};

		c[0].hop[h].latency_s *= 3;
		c[1].hop[h].overhead_s *= 3;
		c[2].hop[h].gap_s *= 30;
		c[3].hop[h].byte_s *= 3;
		for (int k = 0; k < 4; k++)
			assert_true(time_of(a, p, &c[k]) >= t);
	}
}

static void what_costs_more_is_never_faster(void **state)
{
	for_all(compare_dearer);
}

static void compare_doubled(const struct rg_algorithm *a, const struct rg_problem *p)
{
	struct link_fs near2 = {2 * near.latency, 2 * near.overhead, 2 * near.gap, 2 * near.byte};
	struct link_fs far2 = {2 * far.latency, 2 * far.overhead, 2 * far.gap, 2 * far.byte};
	const struct rg_costs base = costs_of(near, far), doubled = costs_of(near2, far2);

	assert_true(time_of(a, p, &doubled) == 2 * time_of(a, p, &base));
}

static void twice_the_costs_are_twice_the_time(void **state)
{
	for_all(compare_doubled);
}

static void compare_nothing(const struct rg_algorithm *a, const struct rg_problem *p)
{
	const struct rg_costs none = {0};

	assert_true(time_of(a, p, &none) == 0);
}

static void what_costs_nothing_takes_no_time(void **state)
{
	for_all(compare_nothing);
}

static void a_channel_without_work_makes_no_difference(void **state)
{
	const struct rg_costs costs = costs_of(near, far);
	struct rg_problem p = problem_of(RG_COLL_ALLREDUCE, 7, 4);
	int64_t one = run("ring", &p, &costs).time_fs;

	p.params.channels = 3;
	assert_fs(run("ring", &p, &costs).time_fs, one, 7);
}

static void channels_share_their_ranks_ports(void **state)
{
	/* Nothing but bytes costs: each port has 2 (p - 1) / p of the vector to move. */
	const struct link_fs bytes = {0, 0, 0, 1000};
	const struct rg_costs costs = costs_of(bytes, bytes);
	struct rg_problem p = problem_of(RG_COLL_ALLREDUCE, 4, 4u << 16);
	struct rg_sim_result one, four, again;

	p.geometry.slot_bytes = 1u << 20;
	one = run("ring", &p, &costs);
	p.params.channels = 4;
	four = run("ring", &p, &costs);
	again = run("ring", &p, &costs);
	assert_fs(one.time_fs, 6 * 65535 * INT64_C(1000), 4);
	assert_int_equal(four.bytes[RG_HOP_NODE], one.bytes[RG_HOP_NODE]);
	assert_true(four.time_fs >= 6 * 65536 * INT64_C(1000) - 24 * 1000);
	assert_true(four.time_fs <= 2 * one.time_fs);
	assert_fs(again.time_fs, four.time_fs, 4);
}

static void channels_hide_each_others_latency(void **state)
{
	const struct link_fs slow = {1000000, 0, 0, 1};
	const struct rg_costs costs = costs_of(slow, slow);
	struct rg_problem p = problem_of(RG_COLL_ALLREDUCE, 8, 8u << 10);
	int64_t one;

	p.geometry.slot_bytes = 64;
	p.geometry.slots = p.geometry.credit_batch = 2;
	p.geometry.credit_batch = 1;
	one = run("ring", &p, &costs).time_fs;
	p.params.channels = 4;
	p.geometry.channels = 4;
	assert_true(run("ring", &p, &costs).time_fs < one / 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_message_takes_a_latency_two_overheads_and_its_bytes),
		cmocka_unit_test(a_word_message_is_twice_as_long),
		cmocka_unit_test(a_ring_all_reduce_has_two_rounds_per_rank_but_one),
		cmocka_unit_test(recursive_doubling_has_a_round_per_bit),
		cmocka_unit_test(a_dissemination_barrier_has_a_round_per_bit_whatever_the_ranks),
		cmocka_unit_test(a_binomial_broadcast_takes_what_its_slowest_branch_takes),
		cmocka_unit_test(messages_leave_a_rank_one_gap_or_one_overhead_apart),
		cmocka_unit_test(messages_come_in_one_gap_apart),
		cmocka_unit_test(all_that_a_rank_takes_costs_an_overhead_each),
		cmocka_unit_test(copies_and_reductions_take_the_processor),
		cmocka_unit_test(with_one_slot_every_message_waits_for_the_credit_of_the_last),
		cmocka_unit_test(a_pipeline_is_as_fast_as_its_port),
		cmocka_unit_test(credits_in_batches_hold_up_a_short_ring_of_slots),
		cmocka_unit_test(each_round_costs_what_its_slowest_link_costs),
		cmocka_unit_test(ranks_that_do_the_same_need_not_all_be_looked_at),
		cmocka_unit_test(what_costs_more_is_never_faster),
		cmocka_unit_test(twice_the_costs_are_twice_the_time),
		cmocka_unit_test(what_costs_nothing_takes_no_time),
		cmocka_unit_test(a_channel_without_work_makes_no_difference),
		cmocka_unit_test(channels_share_their_ranks_ports),
		cmocka_unit_test(channels_hide_each_others_latency),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
