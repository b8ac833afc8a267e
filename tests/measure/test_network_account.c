/* SPDX-License-Identifier: BSD-3-Clause */
/* What follows from the reports of a calibration of the network: pure, so the network is made up.
 */
#include "config.h"

#include "measure/network_impl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#define NODES_MAX 10
#define PAIRS_MAX (NODES_MAX * (NODES_MAX - 1))

#define RATE_BPS     1e9
#define BUCKET_BYTES 65536.0

/* A rank per node; each sender sends at RATE_BPS, after a bucket that comes at once. */
static struct {
	struct network_work w;
	struct rg_network_config config;
	struct rg_port ports[NODES_MAX];
	uint32_t node[NODES_MAX], local[NODES_MAX];
	struct rg_network_pair pairs[PAIRS_MAX];
	struct flow_point points[PAIRS_MAX][FLOW_POINTS];
	struct report reports[NODES_MAX];
	bool all_in[NODES_MAX], all_out[NODES_MAX];
} x;

static void make(uint32_t nnodes)
{
	memset(&x, 0, sizeof(x));
	x.w = (struct network_work){
		.config = &x.config,
		.net = {.nnodes = nnodes,
			.nranks = nnodes,
			.ports = x.ports,
			.node = x.node,
			.pairs = x.pairs},
		.local = x.local,
		.reports = x.reports,
		.points = x.points,
		.all_in = x.all_in,
		.all_out = x.all_out,
	};
	for (uint32_t a = 0; a < nnodes; a++) {
		x.node[a] = a;
		x.ports[a].nranks = 1;
		for (uint32_t b = 0; b < nnodes; b++) {
			uint32_t first, other;

			rg_network_group(nnodes, a, &first);
			rg_network_group(nnodes, b, &other);
			if (a != b && first == other)
				x.pairs[x.w.net.npairs++] =
					(struct rg_network_pair){.from = a, .to = b};
		}
	}
}

static double latency_ns(uint32_t a, uint32_t b)
{
	return 1000.0 * (a > b ? a - b : b - a);
}

static void report_pair(struct report *report, uint32_t from, uint32_t to)
{
	report->latency_ns = latency_ns(from, to);
	for (int k = 0; k < FLOW_POINTS; k++) {
		struct flow_point *p = &report->tally.points[k];
		double late;

		p->bytes = FLOW_FIRST_BYTES << k;
		late = (double)p->bytes > BUCKET_BYTES ? (double)p->bytes - BUCKET_BYTES : 0;
		p->ns = (uint64_t)(2 * report->latency_ns + late / RATE_BPS * 1e9);
	}
}

static void report_round(uint32_t round)
{
	uint32_t n = x.w.net.nnodes;

	memset(x.reports, 0, sizeof(x.reports));
	for (uint32_t to = 0; to < n; to++) {
		struct flow_tally *t = &x.reports[to].tally;

		for (uint32_t from = 0; from < n; from++) {
			if (!rg_network_flow(n, round, from, to))
				continue;
			t->receives = 1;
			t->rate_Bps[0] += RATE_BPS;
			if (rg_network_kind(n, round) == NETWORK_PAIR)
				report_pair(&x.reports[to], from, to);
		}
		t->rate_Bps[1] = t->rate_Bps[0];
		t->arrivals[0] = t->arrivals[1] = 100;
	}
}

/* All rounds; spoil may change what a round reports. */
static void calibrate(void (*spoil)(uint32_t round))
{
	for (uint32_t round = 0; round < rg_network_rounds(x.w.net.nnodes); round++) {
		report_round(round);
		assert_false(rg_network_needs_longer(&x.w));
		if (spoil)
			spoil(round);
		rg_network_keep_round(&x.w, round);
	}
	rg_network_conclude(&x.w);
}

static void a_port_does_what_all_others_at_once_get(void **state)
{
	(void)state;
	make(4);
	calibrate(NULL);
	for (uint32_t i = 0; i < 4; i++) {
		assert_true(x.ports[i].in_Bps == 3 * RATE_BPS &&
			    x.ports[i].out_Bps == 3 * RATE_BPS);
		assert_true(x.ports[i].latency_ns == 1000);
	}
	for (uint32_t i = 0; i < x.w.net.npairs; i++) {
		assert_true(x.pairs[i].rate_Bps == RATE_BPS);
		assert_true(x.pairs[i].latency_ns == latency_ns(x.pairs[i].from, x.pairs[i].to));
		assert_true(x.pairs[i].burst_bytes == BUCKET_BYTES);
	}
}

static void buckets_of_several_senders_add_up(void **state)
{
	(void)state;
	make(4);
	calibrate(NULL);
	for (uint32_t i = 0; i < 4; i++) {
		assert_true(x.ports[i].in_burst_bytes == 3 * BUCKET_BYTES);
		assert_true(x.ports[i].out_burst_bytes == 3 * BUCKET_BYTES);
	}
}

static void beyond_one_group_the_nearest_is_not_known_and_buckets_are_alike(void **state)
{
	(void)state;
	make(10);
	calibrate(NULL);
	assert_int_equal(x.w.net.npairs, 2 * 5 * 4);
	for (uint32_t i = 0; i < 10; i++) {
		assert_true(x.ports[i].in_Bps == 4 * RATE_BPS);
		assert_true(x.ports[i].latency_ns == 0);
		assert_true(x.ports[i].in_burst_bytes == 9 * BUCKET_BYTES);
	}
}

static void disturb_rank_1_into_node_0(uint32_t round)
{
	uint32_t n = x.w.net.nnodes;

	if (rg_network_kind(n, round) == NETWORK_IN && rg_network_flow(n, round, 1, 0))
		x.reports[1].disturbed = 1;
}

static void a_port_is_not_known_where_a_sender_was_disturbed(void **state)
{
	(void)state;
	make(4);
	calibrate(disturb_rank_1_into_node_0);
	assert_true(x.ports[0].in_Bps == 0 && x.ports[0].in_burst_bytes == 0);
	assert_true(x.ports[0].out_Bps == 3 * RATE_BPS);
	assert_true(x.ports[1].in_Bps == 3 * RATE_BPS && x.ports[1].out_Bps == 3 * RATE_BPS);
}

static void on_one_host_what_one_port_did_all_may_do(void **state)
{
	(void)state;
	make(4);
	x.config.one_host = true;
	calibrate(disturb_rank_1_into_node_0);
	assert_true(x.ports[0].in_Bps == 3 * RATE_BPS);
	assert_true(x.ports[0].in_burst_bytes == 3 * BUCKET_BYTES);
}

static void grow(uint32_t round)
{
	(void)round;
	for (uint32_t i = 0; i < x.w.net.nnodes; i++)
		x.reports[i].tally.rate_Bps[1] *= 2;
	assert_true(rg_network_needs_longer(&x.w));
}

static void see_little(uint32_t round)
{
	(void)round;
	for (uint32_t i = 0; i < x.w.net.nnodes; i++)
		x.reports[i].tally.arrivals[1] = RG_NETWORK_ARRIVALS - 1;
	assert_true(rg_network_needs_longer(&x.w));
}

static void what_grows_or_hardly_comes_is_to_be_repeated_and_else_not_known(void **state)
{
	(void)state;
	make(4);
	calibrate(grow);
	for (uint32_t i = 0; i < 4; i++)
		assert_true(x.ports[i].in_Bps == 0 && x.ports[i].out_Bps == 0);
	for (uint32_t i = 0; i < x.w.net.npairs; i++)
		assert_true(x.pairs[i].rate_Bps == 0 && x.pairs[i].burst_bytes == 0);
	/* One good window of two is enough. */
	make(4);
	calibrate(see_little);
	assert_true(x.ports[0].in_Bps == 3 * RATE_BPS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_port_does_what_all_others_at_once_get),
		cmocka_unit_test(buckets_of_several_senders_add_up),
		cmocka_unit_test(beyond_one_group_the_nearest_is_not_known_and_buckets_are_alike),
		cmocka_unit_test(a_port_is_not_known_where_a_sender_was_disturbed),
		cmocka_unit_test(on_one_host_what_one_port_did_all_may_do),
		cmocka_unit_test(what_grows_or_hardly_comes_is_to_be_repeated_and_else_not_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
