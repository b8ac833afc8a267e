/* SPDX-License-Identifier: BSD-3-Clause */
/* Which nodes send to which in a round of the network's calibration, and what is counted of it. */
#include "config.h"

#include "railgauge/measure/calibrate_network.h"
#include "measure/network_flow.h"
#include "measure/network_rounds.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define MS	  UINT64_C(1000000)
#define NODES_MAX 70

/* --- rounds --- */

static bool same_group(uint32_t n, uint32_t a, uint32_t b)
{
	uint32_t first, other;

	rg_network_group(n, a, &first);
	rg_network_group(n, b, &other);
	return first == other;
}

static void groups_are_neighbours_of_nearly_one_size(void **state)
{
	for (uint32_t n = 1; n <= NODES_MAX; n++) {
		uint32_t least = n, most = 0, first;

		for (uint32_t i = 0; i < n; i++) {
			uint32_t size = rg_network_group(n, i, &first);

			assert_true(first <= i && i < first + size);
			assert_true(same_group(n, i, first) && same_group(n, i, first + size - 1));
			least = size < least ? size : least;
			most = size > most ? size : most;
		}
		assert_true(most <= NETWORK_GROUP && most - least <= 1);
		assert_true(n < NETWORK_ALONE || least >= NETWORK_ALONE);
	}
}

static void every_ordered_pair_of_a_group_has_one_round(void **state)
{
	for (uint32_t n = 1; n <= NODES_MAX; n++) {
		for (uint32_t a = 0; a < n; a++) {
			for (uint32_t b = 0; b < n; b++) {
				uint32_t times = 0;

				for (uint32_t r = 0; r < rg_network_rounds(n); r++)
					times += rg_network_kind(n, r) == NETWORK_PAIR &&
						 rg_network_flow(n, r, a, b);
				assert_int_equal(times, a != b && same_group(n, a, b));
			}
		}
	}
}

/* How many flows of a round this node has. */
static uint32_t degree(uint32_t n, uint32_t round, uint32_t node)
{
	uint32_t flows = 0;

	for (uint32_t other = 0; other < n; other++)
		flows += rg_network_flow(n, round, node, other) +
			 rg_network_flow(n, round, other, node);
	return flows;
}

static void pairs_of_a_round_share_no_node_and_of_few_nodes_are_alone(void **state)
{
	for (uint32_t n = 2; n <= NODES_MAX; n++) {
		for (uint32_t r = 0; r < rg_network_rounds(n); r++) {
			uint32_t ends = 0;

			if (rg_network_kind(n, r) != NETWORK_PAIR)
				continue;
			for (uint32_t i = 0; i < n; i++) {
				assert_true(degree(n, r, i) <= 1);
				ends += degree(n, r, i);
			}
			assert_true(ends > 0);
			assert_true(n > NETWORK_ALONE || ends == 2);
		}
	}
}

static void each_node_once_receives_from_all_of_its_group_and_once_sends_to_all(void **state)
{
	for (uint32_t n = 2; n <= NODES_MAX; n++) {
		for (uint32_t i = 0; i < n; i++) {
			uint32_t in = 0, out = 0, first, size = rg_network_group(n, i, &first);

			for (uint32_t r = 0; r < rg_network_rounds(n); r++) {
				enum network_kind kind = rg_network_kind(n, r);
				uint32_t sources = 0, sinks = 0;

				for (uint32_t k = 0; k < n; k++) {
					sources += rg_network_flow(n, r, k, i);
					sinks += rg_network_flow(n, r, i, k);
				}
				assert_true(kind == NETWORK_PAIR || !sources || !sinks);
				in += kind == NETWORK_IN && sources == size - 1;
				out += kind == NETWORK_OUT && sinks == size - 1;
			}
			/* Of two nodes that is the pair. */
			assert_int_equal(in, n > 2);
			assert_int_equal(out, n > 2);
		}
	}
}

static void there_are_never_more_than_thirty_rounds(void **state)
{
	assert_int_equal(rg_network_rounds(1), 0);
	assert_int_equal(rg_network_rounds(2), 2);
	assert_int_equal(rg_network_rounds(4), 12 + 8);
	assert_int_equal(rg_network_rounds(8), 14 + 16);
	for (uint32_t n = 1; n <= 10000; n++)
		assert_true(rg_network_rounds(n) <= 30);
	assert_int_equal(rg_calibrate_network_cost_ns(1), 0);
	assert_int_equal(rg_calibrate_network_cost_ns(2),
			 2 * (RG_NETWORK_DISCARD_NS + 2 * RG_NETWORK_WINDOW_NS));
}

/* --- counting --- */

/* 1000 bytes per ms, after so many at once. */
static void arrive(struct flow_count *c, uint64_t at_once, uint64_t from_ms, uint64_t to_ms)
{
	if (at_once)
		rg_flow_account(c, c->start_ns + from_ms * MS, at_once);
	for (uint64_t ms = from_ms + 1; ms <= to_ms; ms++) {
		rg_flow_account(c, c->start_ns + ms * MS, 1000);
		rg_flow_drained(c);
	}
}

static void windows_hold_what_arrived_between_two_arrivals(void **state)
{
	struct flow_count c = {.start_ns = 777, .discard_ns = 10 * MS, .window_ns = 20 * MS};

	arrive(&c, 0, 0, 9);
	assert_int_equal(c.nmarks, 0);
	/* What came at once is left out with the beginning. */
	arrive(&c, 50000, 9, 29);
	assert_int_equal(c.nmarks, 1);
	assert_false(rg_flow_is_over(&c, 777 + 29 * MS));
	arrive(&c, 0, 29, 50);
	assert_int_equal(c.nmarks, 3);
	assert_true(rg_flow_is_over(&c, 777 + 50 * MS));
	assert_true(fabs(c.tally.rate_Bps[0] - 1e6) < 1e-3);
	assert_true(fabs(c.tally.rate_Bps[1] - 1e6) < 1e-3);
	assert_int_equal(c.tally.arrivals[0], 20);
	assert_int_equal(c.tally.arrivals[1], 20);
}

/* What was held up counts for the time it was held up: no window is short. */
static void a_gap_makes_windows_longer_and_not_shorter(void **state)
{
	struct flow_count c = {.discard_ns = 10 * MS, .window_ns = 20 * MS};

	arrive(&c, 0, 0, 20);
	/* Taken in pieces: the last one ends the window. */
	for (int i = 0; i < 4; i++)
		rg_flow_account(&c, 60 * MS + (uint64_t)i, 10000);
	rg_flow_drained(&c);
	arrive(&c, 0, 60, 90);
	assert_int_equal(c.nmarks, 3);
	assert_int_equal(c.mark_bytes[1], 60000);
	assert_int_equal(c.mark_ns[1], 60 * MS + 3);
	assert_int_equal(c.mark_ns[2], 81 * MS);
	assert_true(fabs(c.tally.rate_Bps[0] - 1e6) < 1);
	assert_true(fabs(c.tally.rate_Bps[1] - 1e6) < 1);
}

static void windows_end_where_there_is_always_more_to_take(void **state)
{
	struct flow_count c = {.discard_ns = 8 * MS, .window_ns = 16 * MS};

	for (uint64_t us = 1; us <= 60000; us++)
		rg_flow_account(&c, us * 1000, 10);
	assert_int_equal(c.nmarks, 3);
	assert_int_equal(c.mark_ns[0], 8 * MS);
	assert_int_equal(c.mark_ns[1], 24 * MS);
	assert_int_equal(c.mark_ns[2], 40 * MS);
	assert_true(fabs(c.tally.rate_Bps[0] - 1e7) < 1e-3);
	assert_true(fabs(c.tally.rate_Bps[1] - 1e7) < 1e-3);
}

static void where_nothing_comes_it_is_over_some_time(void **state)
{
	struct flow_count c = {.discard_ns = 10 * MS, .window_ns = 20 * MS};

	rg_flow_account(&c, 20 * MS, 5);
	rg_flow_drained(&c);
	assert_int_equal(c.nmarks, 1);
	assert_false(rg_flow_is_over(&c, 80 * MS));
	assert_true(rg_flow_is_over(&c, 100 * MS));
	assert_true(c.tally.rate_Bps[0] == 0 && c.tally.rate_Bps[1] == 0);
}

static void points_are_the_first_arrivals_with_so_much(void **state)
{
	struct flow_count c = {.start_ns = 5, .discard_ns = 10 * MS, .window_ns = 20 * MS};

	rg_flow_account(&c, 5 + 1 * MS, 16383);
	rg_flow_account(&c, 5 + 2 * MS, 1);
	rg_flow_account(&c, 5 + 3 * MS, 1 << 20);
	assert_int_equal(c.tally.points[0].bytes, 16384);
	assert_int_equal(c.tally.points[0].ns, 2 * MS);
	for (int k = 1; k <= 6; k++) {
		assert_int_equal(c.tally.points[k].bytes, 16384 + (1 << 20));
		assert_int_equal(c.tally.points[k].ns, 3 * MS);
	}
	assert_int_equal(c.tally.points[7].bytes, 0);
	for (int k = 0; k < 100; k++)
		rg_flow_account(&c, 5 + 4 * MS, 1 << 30);
	assert_true(c.tally.points[FLOW_POINTS - 1].bytes > 1 << 20);
}

static void only_who_is_busy_and_had_to_wait_was_disturbed(void **state)
{
	static const struct {
		uint64_t idle_ns, waited_ns;
		bool disturbed;
	} table[] = {{100, 90, false}, {100, 110, true}, {790, 110, true}, {810, 810, false}};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const struct flow_effort e = {.wall_ns = 1000,
					      .idle_ns = table[i].idle_ns,
					      .waited_ns = table[i].waited_ns};

		assert_int_equal(rg_flow_is_disturbed(&e), table[i].disturbed);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(groups_are_neighbours_of_nearly_one_size),
		cmocka_unit_test(every_ordered_pair_of_a_group_has_one_round),
		cmocka_unit_test(pairs_of_a_round_share_no_node_and_of_few_nodes_are_alone),
		cmocka_unit_test(
			each_node_once_receives_from_all_of_its_group_and_once_sends_to_all),
		cmocka_unit_test(there_are_never_more_than_thirty_rounds),
		cmocka_unit_test(windows_hold_what_arrived_between_two_arrivals),
		cmocka_unit_test(a_gap_makes_windows_longer_and_not_shorter),
		cmocka_unit_test(windows_end_where_there_is_always_more_to_take),
		cmocka_unit_test(where_nothing_comes_it_is_over_some_time),
		cmocka_unit_test(points_are_the_first_arrivals_with_so_much),
		cmocka_unit_test(only_who_is_busy_and_had_to_wait_was_disturbed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
