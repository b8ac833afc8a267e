/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/model/bound_network.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

/*
 * Four ranks on three nodes: 0 and 1 on the first, 2 on the second, 3 on the third. S = 12, so a
 * block is 3. All ports take in and give out 1 byte per ns.
 */
static uint32_t node_of[] = {0, 0, 1, 2};
static struct rg_port ports[3];
static const struct rg_network net = {.nnodes = 3, .nranks = 4, .ports = ports, .node = node_of};

static int set_up(void **state)
{
	for (uint32_t i = 0; i < 3; i++)
		ports[i] = (struct rg_port){.nranks = i ? 1 : 2, .in_Bps = 1e9, .out_Bps = 1e9};
	return 0;
}

static struct rg_network_problem problem(enum rg_coll coll)
{
	return (struct rg_network_problem){.coll = coll, .size_bytes = 12, .ops = 1};
}

static void assert_bound(const struct rg_network_problem *b, double ns, const char *name)
{
	struct rg_bound got = rg_bound_network(b, &net);

	if (!(fabs(got.bound_ns - ns) <= 1e-9 * ns))
		fail_msg("%s: %.12g is not %.12g", rg_coll_name(b->coll), got.bound_ns, ns);
	if (!name)
		assert_null(got.name);
	else
		assert_string_equal(got.name, name);
}

static void what_crosses_is_what_the_header_derives(void **state)
{
	static const struct {
		enum rg_coll coll;
		uint32_t root;
		double in[3], out[3], total;
	} table[] = {
		{RG_COLL_ALLREDUCE, 0, {12, 12, 12}, {12, 12, 12}, 48},
		{RG_COLL_REDUCESCATTER, 0, {6, 3, 3}, {6, 9, 9}, 24},
		{RG_COLL_ALLGATHER, 0, {6, 9, 9}, {6, 3, 3}, 24},
		{RG_COLL_ALLTOALL, 0, {12, 9, 9}, {12, 9, 9}, 0},
		{RG_COLL_REDUCE, 1, {12, 0, 0}, {0, 12, 12}, 24},
		{RG_COLL_REDUCE, 2, {0, 12, 0}, {12, 0, 12}, 24},
		{RG_COLL_BROADCAST, 3, {12, 12, 0}, {0, 0, 12}, 24},
		{RG_COLL_GATHER, 0, {6, 0, 0}, {0, 3, 3}, 0},
		{RG_COLL_GATHER, 3, {0, 0, 9}, {6, 3, 0}, 0},
		{RG_COLL_SCATTER, 1, {0, 3, 3}, {6, 0, 0}, 0},
		/* 1 -> 2, 2 -> 3, 3 -> 0 cross; 0 -> 1 does not. */
		{RG_COLL_SENDRECV, 0, {12, 12, 12}, {12, 12, 12}, 0},
		{RG_COLL_BARRIER, 0, {0, 0, 0}, {0, 0, 0}, 0},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct rg_network_problem b = problem(table[i].coll);

		for (uint32_t k = 0; k < 3; k++) {
			struct rg_crossing c = rg_crossing_of(&b, &net, k, table[i].root);

			if (c.in_bytes != table[i].in[k] || c.out_bytes != table[i].out[k])
				fail_msg("%s, root %u, node %u: %g in, %g out",
					 rg_coll_name(b.coll), table[i].root, k, c.in_bytes,
					 c.out_bytes);
		}
		assert_true(rg_crossing_total(&b, &net) == table[i].total);
	}
}

/* Rank 0 to its neighbour 9, to rank 2 5 and back 1, rank 3 to rank 1 4. */
static const uint64_t counts[] = {7, 9, 5, 0, /* */ 0, 0, 0, 0, /* */ 1, 0, 0, 0, /* */ 0, 4, 0, 8};

static void what_crosses_in_an_all_to_all_v_is_what_goes_to_other_nodes(void **state)
{
	static const double in[] = {10, 10, 0}, out[] = {10, 2, 8};
	struct rg_network_problem b = problem(RG_COLL_ALLTOALLV);

	b.counts = counts;
	b.elem_bytes = 2;
	b.size_bytes = 42;
	for (uint32_t k = 0; k < 3; k++) {
		struct rg_crossing c = rg_crossing_of(&b, &net, k, 0);

		assert_true(c.in_bytes == in[k] && c.out_bytes == out[k]);
	}
	assert_true(rg_crossing_total(&b, &net) == 0);
	ports[2].out_Bps = 0.1e9;
	assert_bound(&b, 80, "node-out");
}

static void ways_of_an_all_to_all_v_count_for_each_operation_where_both_send(void **state)
{
	static const uint64_t none[16] = {7, 9, 0, 0, /* */ 3, 0, 0, 0};
	static const uint64_t round_about[16] = {0,	  0, 0, 5, /* */ 0, 0, 0, 0,
						 /* */ 0, 0, 0, 0, /* */ 0, 4, 0, 0};
	struct rg_network_problem b = problem(RG_COLL_ALLTOALLV);

	b.counts = counts;
	b.elem_bytes = 2;
	b.ops = 10;
	for (uint32_t i = 0; i < 3; i++) {
		ports[i].latency_ns = 1000 + i;
		ports[i].in_Bps = ports[i].out_Bps = 1e15;
	}
	/* Between nodes 0 and 1, each time; node 2 only sends. */
	assert_bound(&b, 1001, "network-latency");
	ports[2].latency_ns = 20000;
	assert_bound(&b, 1001, "network-latency");
	/* It receives as well, but from another rank: once. */
	b.counts = round_about;
	assert_bound(&b, 2000, "network-latency");
	b.counts = none; /* what stays within a node */
	assert_bound(&b, 0, NULL);
}

/* What enters the nodes is what leaves them, where each byte has one place to come from. */
static void as_much_leaves_as_enters(void **state)
{
	static const enum rg_coll colls[] = {RG_COLL_ALLTOALL, RG_COLL_GATHER, RG_COLL_SCATTER,
					     RG_COLL_SENDRECV};

	for (size_t i = 0; i < sizeof(colls) / sizeof(colls[0]); i++) {
		for (uint32_t root = 0; root < 4; root++) {
			struct rg_network_problem b = problem(colls[i]);
			double in = 0, out = 0;

			for (uint32_t k = 0; k < 3; k++) {
				in += rg_crossing_of(&b, &net, k, root).in_bytes;
				out += rg_crossing_of(&b, &net, k, root).out_bytes;
			}
			assert_true(in == out && in > 0);
		}
	}
}

/* The factor of busbw with nodes in place of ranks. */
static void with_equal_ports_an_allreduce_needs_twice_n_minus_1_of_n(void **state)
{
	struct rg_network_problem b = problem(RG_COLL_ALLREDUCE);

	assert_bound(&b, 12 * rg_coll_bus_factor(RG_COLL_ALLREDUCE, 3), "nodes-in");
	b.size_bytes = 3000;
	assert_bound(&b, 4000, "nodes-in");
}

static void a_slow_port_counts_with_what_must_pass_it(void **state)
{
	struct rg_network_problem b = problem(RG_COLL_ALLREDUCE);

	/* 12 bytes at 0.1: 120. All together 48 at 2.1: 22.9. */
	ports[1].in_Bps = 0.1e9;
	assert_bound(&b, 120, "node-in");
	/* Into node 1: 9 at 0.1. */
	b.coll = RG_COLL_ALLGATHER;
	assert_bound(&b, 90, "node-in");
	b.coll = RG_COLL_REDUCESCATTER;
	assert_bound(&b, 30, "node-in");
	set_up(NULL);
	ports[2].out_Bps = 0.5e9;
	/* Out of node 2: 9 at 0.5. */
	assert_bound(&b, 18, "node-out");
	b.coll = RG_COLL_ALLTOALL;
	assert_bound(&b, 18, "node-out");
}

static void what_is_sent_to_all_at_once_leaves_one_node_once(void **state)
{
	struct rg_network_problem b = problem(RG_COLL_BROADCAST);

	/* 24 leave at 1.2 in all, if each has one receiver; else 12 at 1 are all that leave. */
	ports[1].out_Bps = ports[2].out_Bps = 0.1e9;
	assert_bound(&b, 20, "nodes-out");
	b.multicast = true;
	assert_bound(&b, 12, "node-out");
}

static void a_root_sets_which_ports_count(void **state)
{
	struct rg_network_problem b = problem(RG_COLL_BROADCAST);

	ports[1].in_Bps = 0.1e9;
	assert_bound(&b, 120, "node-in");
	/* From rank 2, on the slow node: nothing enters it. All 24 leave at 3 in all: 8. */
	b.root = 2;
	assert_bound(&b, 12, "node-in");
	b.coll = RG_COLL_REDUCE;
	assert_bound(&b, 120, "node-in");
	/* All 24 enter somewhere: 24 at 0.3. */
	for (uint32_t i = 0; i < 3; i++)
		ports[i].in_Bps = 0.1e9;
	ports[0].in_Bps = 100e9;
	b.root = 0;
	assert_bound(&b, 12, "node-out");
	b.coll = RG_COLL_GATHER;
	b.root = 3;
	assert_bound(&b, 90, "node-in");
}

static void what_passes_at_once_takes_no_time(void **state)
{
	struct rg_network_problem b = problem(RG_COLL_ALLGATHER);

	/* Node 1: (9 - 4) at 0.1. */
	ports[1].in_Bps = 0.1e9;
	ports[1].in_burst_bytes = 4;
	assert_bound(&b, 50, "node-in");
	/* Of ten operations of a repetition only once. */
	b.ops = 10;
	assert_bound(&b, 86, "node-in");
	/* More than there is. Then node 2 takes in 9 at 1. */
	ports[1].in_burst_bytes = 1000;
	b.ops = 1;
	assert_bound(&b, 9, "node-in");
}

static void where_all_wait_for_all_half_a_round_trip_counts_each_time(void **state)
{
	struct rg_network_problem b = problem(RG_COLL_ALLGATHER);

	for (uint32_t i = 0; i < 3; i++)
		ports[i].latency_ns = 5 + i;
	/* Node 2: 7, or 9 at 1. */
	assert_bound(&b, 9, "node-in");
	b.size_bytes = 0;
	assert_bound(&b, 0, NULL);
	b = problem(RG_COLL_BARRIER);
	b.size_bytes = 0;
	assert_bound(&b, 7, "network-latency");
	b.ops = 100;
	assert_bound(&b, 7, "network-latency");
}

/* Ways of 1 and 9 make a round trip of 10; what goes one way only may take the quick one. */
static void what_goes_one_way_is_not_bound_by_half_of_both(void **state)
{
	static const uint64_t one_way[16] = {[4 * 3 + 0] = 1};
	static const enum rg_coll colls[] = {RG_COLL_BROADCAST, RG_COLL_REDUCE, RG_COLL_GATHER,
					     RG_COLL_SCATTER, RG_COLL_ALLTOALLV};

	for (uint32_t i = 0; i < 3; i++)
		ports[i].latency_ns = 5;
	for (size_t i = 0; i < sizeof(colls) / sizeof(colls[0]); i++) {
		struct rg_network_problem b = problem(colls[i]);
		struct rg_crossing c;

		b.size_bytes = 1;
		b.counts = one_way;
		b.elem_bytes = 1;
		c = rg_crossing_of(&b, &net, 0, 0);
		assert_true(c.in_bytes + c.out_bytes > 0);
		/* One byte at 1 byte per ns, after the quick way. */
		assert_true(rg_bound_network(&b, &net).bound_ns <= 1 + 1);
	}
}

static void ways_count_once_per_repetition_where_operations_may_be_pipelined(void **state)
{
	struct rg_network_problem b = problem(RG_COLL_BROADCAST);

	for (uint32_t i = 0; i < 3; i++) {
		ports[i].latency_ns = 1000 + i;
		ports[i].in_Bps = ports[i].out_Bps = 1e15;
	}
	b.ops = 10;
	assert_bound(&b, 12e-6, "node-out");
	b.coll = RG_COLL_ALLTOALL;
	assert_bound(&b, 1002, "network-latency");
	/* Three boundaries among four ranks, the nearest 1000. */
	b.coll = RG_COLL_SENDRECV;
	assert_bound(&b, 750, "network-latency");
	b.ops = 1;
	assert_bound(&b, 1002, "network-latency");
}

static void a_rotating_root_leaves_what_its_worst_beginning_leaves(void **state)
{
	struct rg_network_problem b = problem(RG_COLL_BROADCAST);

	b.root_rotates = true;
	ports[1].in_Bps = 0.1e9;
	/* One operation: from rank 2 it would not enter node 1. */
	assert_bound(&b, 12, "node-in");
	/* Four: three times it enters, whatever comes first. 3 * 120 / 4. */
	b.ops = 4;
	assert_bound(&b, 90, "node-in");
	/* Five: at worst two of the roots are rank 2. 3 * 120 / 5. */
	b.ops = 5;
	assert_bound(&b, 72, "node-in");
	/* Of node 0's two ranks in three operations, both: it takes in 12 at 0.1 once. */
	ports[1].in_Bps = 1e9;
	ports[0].in_Bps = 0.01e9;
	b.ops = 3;
	assert_bound(&b, 400, "node-in");
}

/* Against the plain way: every beginning, every operation. */
static void a_rotation_is_never_above_what_any_beginning_gives(void **state)
{
	static const enum rg_coll colls[] = {RG_COLL_BROADCAST, RG_COLL_REDUCE, RG_COLL_GATHER,
					     RG_COLL_SCATTER};

	ports[0].in_Bps = 0.3e9;
	ports[1].out_Bps = 0.2e9;
	for (size_t i = 0; i < sizeof(colls) / sizeof(colls[0]); i++) {
		struct rg_network_problem b = problem(colls[i]);

		b.root_rotates = true;
		for (b.ops = 1; b.ops < 12; b.ops++) {
			struct rg_bound bound = rg_bound_network(&b, &net);

			for (uint32_t first = 0; first < 4; first++) {
				double most = b.ops * rg_crossing_total(&b, &net) / 2.2;

				for (uint32_t k = 0; k < 3; k++) {
					double in = 0, out = 0;

					for (uint32_t n = first; n < first + b.ops; n++) {
						struct rg_crossing c =
							rg_crossing_of(&b, &net, k, n % 4);

						in += c.in_bytes;
						out += c.out_bytes;
					}
					most = fmax(most, in / ports[k].in_Bps * 1e9);
					most = fmax(most, out / ports[k].out_Bps * 1e9);
				}
				assert_true(bound.bound_ns > 0);
				assert_true(bound.bound_ns * b.ops <= most * (1 + 1e-9));
			}
		}
	}
}

static void what_is_not_known_bounds_nothing(void **state)
{
	struct rg_network_problem b = problem(RG_COLL_ALLREDUCE);
	struct rg_network alone = {.nnodes = 1, .nranks = 4, .ports = ports, .node = node_of};

	/* Out of node 1, and so of all together. */
	ports[1].out_Bps = 0;
	for (uint32_t i = 0; i < 3; i++)
		ports[i].in_Bps = 0;
	assert_bound(&b, 12, "node-out");
	ports[0].out_Bps = ports[2].out_Bps = 0;
	assert_bound(&b, 0, NULL);
	ports[2].latency_ns = 3;
	assert_bound(&b, 3, "network-latency");
	set_up(NULL);
	assert_true(rg_bound_network(&b, &alone).bound_ns == 0);
}

static void what_clocks_may_be_wrong_by_does_not_count(void **state)
{
	struct rg_network_problem b = problem(RG_COLL_ALLREDUCE);

	assert_bound(&b, 16, "nodes-in");
	b.clock_error_ns = 6;
	assert_bound(&b, 10, "nodes-in");
	b.ops = 2;
	assert_bound(&b, 13, "nodes-in");
	b.clock_error_ns = HUGE_VAL;
	assert_bound(&b, 0, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup(name, set_up)
		TEST(what_crosses_is_what_the_header_derives),
		TEST(what_crosses_in_an_all_to_all_v_is_what_goes_to_other_nodes),
		TEST(ways_of_an_all_to_all_v_count_for_each_operation_where_both_send),
		TEST(as_much_leaves_as_enters),
		TEST(with_equal_ports_an_allreduce_needs_twice_n_minus_1_of_n),
		TEST(a_slow_port_counts_with_what_must_pass_it),
		TEST(what_is_sent_to_all_at_once_leaves_one_node_once),
		TEST(a_root_sets_which_ports_count),
		TEST(what_passes_at_once_takes_no_time),
		TEST(where_all_wait_for_all_half_a_round_trip_counts_each_time),
		TEST(what_goes_one_way_is_not_bound_by_half_of_both),
		TEST(ways_count_once_per_repetition_where_operations_may_be_pipelined),
		TEST(a_rotating_root_leaves_what_its_worst_beginning_leaves),
		TEST(a_rotation_is_never_above_what_any_beginning_gives),
		TEST(what_is_not_known_bounds_nothing),
		TEST(what_clocks_may_be_wrong_by_does_not_count),
#undef TEST
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
