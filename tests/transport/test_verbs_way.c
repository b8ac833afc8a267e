/* SPDX-License-Identifier: BSD-3-Clause */
/* verbs: how a peer is reached: what is offered and chosen, addresses, ways, what is refused. */
#include "config.h"

#include "verbs_pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct rg_verbs_options options;

static void start(const struct fake_device *devices, uint32_t n)
{
	fake_reset(devices, n);
	options = rg_verbs_options_default;
}

static struct rg_verbs_device *must_open(const char *name)
{
	struct rg_verbs_device *d = NULL;
	struct rg_err err = {0};

	if (rg_verbs_device_open(&options, name, "asked for", &d, &err))
		fail_msg("%s", err.text);
	return d;
}

static void a_gid_is_chosen_again_for_the_peers_that_there_are(void **state)
{
	const struct fake_device devices[] = {
		{.name = "both",
		 .ports = 1,
		 .ngids = 2,
		 .gids = {{[10] = 0xff, 0xff, 10, 0, 0, 1}, {0x20, 0x01, 0x0d, 0xb8, [15] = 1}},
		 .gid_types = {IBV_GID_TYPE_ROCE_V2, IBV_GID_TYPE_ROCE_V2}},
		{.name = "six",
		 .ports = 1,
		 .ngids = 1,
		 .gids = {{0x20, 0x01, 0x0d, 0xb8, [15] = 2}},
		 .gid_types = {IBV_GID_TYPE_ROCE_V2}},
		{.name = "ib", .ports = 1, .infiniband = true, .lid = 1, .ngids = 1, .gids = {{1}}},
	};
	struct rg_verbs_device *both, *six, *ib;
	struct rg_verbs_offer offers[2];
	struct rg_err err = {0};
	uint32_t bad = 77;

	start(devices, 3);
	both = must_open("both");
	six = must_open("six");
	ib = must_open("ib");
	assert_int_equal(both->gid.index, 0);
	rg_verbs_device_offer(both, &offers[0]);
	assert_int_equal(offers[0].n, 2);
	rg_verbs_device_offer(six, &offers[1]);
	assert_int_equal(rg_verbs_device_settle(both, offers, 2, &bad, &err), 0);
	assert_int_equal(both->gid.index, 1);
	assert_non_null(strstr(both->gid_why, "more peers are of its family"));
	rg_verbs_device_offer(ib, &offers[1]);
	assert_int_equal(rg_verbs_device_settle(both, offers, 2, &bad, &err), RG_ERR_UNSUPPORTED);
	assert_int_equal(bad, 1);
	assert_non_null(strstr(err.text, "both port 1 is Ethernet, and the peer's port is not"));
	rg_verbs_device_close(both);
	rg_verbs_device_close(six);
	rg_verbs_device_close(ib);
	assert_int_equal(fake_live(), 0);
}

/* This machine has 127.0.0.1/8, if anything; no interface has the other one. */
static void a_prefix_is_that_of_the_very_address(void **state)
{
	const struct fake_device device = {
		.name = "d",
		.ports = 1,
		.ngids = 2,
		.gids = {{0xfd, [12] = 127, 0, 0, 1}, {[10] = 0xff, 0xff, 127, 0, 0, 1}},
		.gid_types = {IBV_GID_TYPE_ROCE_V2, IBV_GID_TYPE_ROCE_V2},
	};
	struct rg_verbs_device *d;

	start(&device, 1);
	d = must_open("d");
	assert_int_equal(d->gids[0].bits, 0);
	assert_true(d->gids[1].bits == 0 || d->gids[1].bits == 96 + 8);
	rg_verbs_device_close(d);
}

static void a_gid_that_moved_is_found_again_and_one_that_went_is_missed(void **state)
{
	static const uint8_t gids[][16] = {{0xfe, 0x80, [15] = 9},
					   {[10] = 0xff, 0xff, 10, 99, 0, 1},
					   {[10] = 0xff, 0xff, 10, 99, 0, 1}};
	static const uint32_t types[] = {IBV_GID_TYPE_ROCE_V2, IBV_GID_TYPE_ROCE_V2,
					 IBV_GID_TYPE_ROCE_V1};
	struct rg_verbs_event event;
	struct rg_verbs_device *d;

	start(NULL, 0);
	d = must_open("fake0");
	assert_int_equal(d->gid.index, 3);
	fake_gids("fake0", 3, gids, types);
	assert_int_equal(rg_verbs_device_event(d, &event), 1);
	assert_int_equal(event.kind, RG_VERBS_EVENT_GIDS_CHANGED);
	assert_true(d->changed);
	assert_true(rg_verbs_device_ask(d));
	assert_false(d->changed);
	assert_int_equal(d->gid.index, 1);
	assert_int_equal(d->ngids, 3);
	fake_gids("fake0", 1, gids, types);
	assert_false(rg_verbs_device_ask(d));
	assert_false(d->active);
	rg_verbs_device_close(d);
	assert_int_equal(fake_live(), 0);
}

static void all_addresses_are_offered_with_the_types_that_each_has(void **state)
{
	const struct fake_device device = {
		.name = "d",
		.ports = 1,
		.ngids = 5,
		.gids = {{0xfe, 0x80, [15] = 1},
			 {[10] = 0xff, 0xff, 10, 0, 1, 1},
			 {[10] = 0xff, 0xff, 10, 0, 1, 1},
			 {[10] = 0xff, 0xff, 10, 0, 2, 1},
			 {0x20, 0x01, 0x0d, 0xb8, [15] = 1}},
		.gid_types = {IBV_GID_TYPE_ROCE_V2, IBV_GID_TYPE_ROCE_V1, IBV_GID_TYPE_ROCE_V2,
			      IBV_GID_TYPE_ROCE_V2, IBV_GID_TYPE_ROCE_V2},
	};
	const uint32_t v1 = 1 << RG_VERBS_GID_ROCE_V1, v2 = 1 << RG_VERBS_GID_ROCE_V2;
	struct rg_verbs_offer offer;
	struct rg_verbs_device *d;

	start(&device, 1);
	d = must_open("d");
	rg_verbs_device_offer(d, &offer);
	assert_int_equal(offer.n, 4);
	assert_memory_equal(offer.gid[0], device.gids[1], 16);
	assert_int_equal(offer.types[0], v1 | v2);
	assert_memory_equal(offer.gid[1], device.gids[3], 16);
	assert_int_equal(offer.types[1], v2);
	assert_memory_equal(offer.gid[2], device.gids[4], 16);
	assert_memory_equal(offer.gid[3], device.gids[0], 16);
	rg_verbs_device_close(d);
}

static void an_address_that_does_not_fit_is_refused(void **state)
{
	struct rg_verbs_address mine, theirs;
	struct rg_err err = {0};
	struct pair p;

	start(NULL, 0);
	pair_init(&p);
	assert_int_equal(pair_open(&p, &err), 0);
	mine = p.end[0].address;
	theirs = p.end[1].address;
	theirs.magic++;
	assert_int_equal(rg_verbs_rc_connect(p.end[0].device, p.end[0].qp, &mine, &theirs,
					     &pair_peer, &err),
			 RG_ERR_FORMAT);
	assert_string_equal(err.text,
			    "verbs: what rank 3 on node7 sent is no address of a queue pair");
	theirs = p.end[1].address;
	theirs.flags = RG_VERBS_ADDRESS_INFINIBAND;
	assert_int_equal(rg_verbs_rc_connect(p.end[0].device, p.end[0].qp, &mine, &theirs,
					     &pair_peer, &err),
			 RG_ERR_UNSUPPORTED);
	assert_non_null(strstr(err.text, "fake0 port 1 to rank 3 on node7 (fake1 port 1): one is "
					 "InfiniBand, the other Ethernet"));
	theirs = p.end[1].address;
	theirs.gid_type = RG_VERBS_GID_ROCE_V1;
	assert_int_equal(rg_verbs_rc_connect(p.end[0].device, p.end[0].qp, &mine, &theirs,
					     &pair_peer, &err),
			 RG_ERR_UNSUPPORTED);
	assert_non_null(strstr(err.text, "GID 10.99.0.1 is for RoCE v2, and GID 10.99.0.2 for RoCE "
					 "v1"));
	theirs = p.end[1].address;
	theirs.gid[0] = 0x20;
	assert_int_equal(rg_verbs_rc_connect(p.end[0].device, p.end[0].qp, &mine, &theirs,
					     &pair_peer, &err),
			 RG_ERR_UNSUPPORTED);
	assert_non_null(strstr(err.text, "--verbs.gid-index"));
	theirs = p.end[1].address;
	theirs.flags = RG_VERBS_ADDRESS_DATAGRAM;
	assert_int_equal(rg_verbs_rc_connect(p.end[0].device, p.end[0].qp, &mine, &theirs,
					     &pair_peer, &err),
			 RG_ERR_UNSUPPORTED);
	pair_close(&p);
}

static void every_attribute_reaches_the_queue_pair(void **state)
{
	struct ibv_qp_init_attr init;
	struct ibv_qp_attr attr;
	struct rg_err err = {0};
	struct pair p;

	start(NULL, 0);
	pair_init(&p);
	p.options.mtu = IBV_MTU_1024;
	p.options.sl = 3;
	p.options.traffic_class = 104;
	p.options.flow_label = 0x12345;
	p.options.retry_count = 5;
	p.options.rnr_retry = 6;
	p.options.timeout_ns = 67000000;
	p.options.rnr_timer_ns = 1000000;
	p.options.reads = 4;
	p.options.gid_index = 1;
	assert_int_equal(pair_open(&p, &err), 0);
	assert_int_equal(ibv_query_qp(p.end[0].qp, &attr, 0, &init), 0);
	assert_int_equal(attr.qp_state, IBV_QPS_RTS);
	assert_int_equal(attr.path_mtu, IBV_MTU_1024);
	assert_int_equal(attr.ah_attr.sl, 3);
	assert_int_equal(attr.ah_attr.grh.traffic_class, 104);
	assert_int_equal(attr.ah_attr.grh.flow_label, 0x12345);
	assert_int_equal(attr.ah_attr.grh.sgid_index, 1);
	assert_int_equal(attr.retry_cnt, 5);
	assert_int_equal(attr.rnr_retry, 6);
	assert_int_equal(attr.timeout, 14);
	assert_int_equal(attr.min_rnr_timer, 14); /* 1.28 ms */
	assert_int_equal(attr.max_rd_atomic, 4);
	assert_int_equal(attr.max_dest_rd_atomic, 4);
	assert_int_equal(init.cap.max_inline_data, 220);
	pair_close(&p);
}

static void open_infiniband(struct pair *p, const struct fake_device *devices, uint32_t n)
{
	start(devices, n);
	pair_init(p);
	p->names[0] = "a";
	p->names[1] = "b";
}

static void infiniband_takes_a_global_route_where_a_port_asks_for_it(void **state)
{
	for (int who = -1; who < 2; who++) {
		const struct fake_device devices[] = {
			{.name = "a",
			 .ports = 1,
			 .infiniband = true,
			 .lid = 1,
			 .grh = who == 0,
			 .ngids = 1,
			 .gids = {{0xfe, 0x80, [15] = 1}}},
			{.name = "beside",
			 .ports = 1,
			 .infiniband = true,
			 .lid = who == 1 ? 2 : 3,
			 .grh = true,
			 .ngids = 1,
			 .gids = {{0xfe, 0x80, [15] = 3}}},
			{.name = "b",
			 .ports = 1,
			 .infiniband = true,
			 .lid = 2,
			 .grh = who == 1,
			 .ngids = 1,
			 .gids = {{0xfe, 0x80, [15] = 2}}},
		};
		struct ibv_qp_init_attr init;
		struct ibv_qp_attr attr;
		struct rg_err err = {0};
		struct ibv_wc wc;
		struct pair p;

		open_infiniband(&p, devices, 3);
		if (pair_open(&p, &err))
			fail_msg("%s", err.text);
		for (int i = 0; i < 2; i++) {
			assert_int_equal(ibv_query_qp(p.end[i].qp, &attr, 0, &init), 0);
			assert_int_equal(attr.ah_attr.is_global, who >= 0);
			assert_int_equal(pair_post(&p, i, IBV_WR_RDMA_WRITE, 8, 1), 0);
			assert_true(pair_poll(&p, i, &wc));
			assert_int_equal(wc.status, IBV_WC_SUCCESS);
		}
		pair_close(&p);
	}
}

static void another_subnet_of_infiniband_is_refused_with_what_it_would_take(void **state)
{
	const struct fake_device devices[] = {
		{.name = "a",
		 .ports = 1,
		 .infiniband = true,
		 .lid = 1,
		 .ngids = 1,
		 .gids = {{0xfe, 0x80, [15] = 1}}},
		{.name = "b",
		 .ports = 1,
		 .infiniband = true,
		 .lid = 2,
		 .ngids = 1,
		 .gids = {{0xfe, 0x80, [7] = 1, [15] = 2}}},
	};
	struct rg_err err = {0};
	struct pair p;

	for (int datagrams = 0; datagrams < 2; datagrams++) {
		open_infiniband(&p, devices, 2);
		p.datagrams = datagrams;
		assert_int_equal(pair_open(&p, &err), RG_ERR_UNSUPPORTED);
		assert_non_null(
			strstr(err.text,
			       "a port 1 to rank 3 on node7 (b port 1): GID "
			       "fe80::1 and GID fe80:0:0:1::2 are in two subnets of InfiniBand"));
		assert_non_null(strstr(err.text, "needs a path record"));
		assert_int_equal(fake_live(), 0);
	}
}

static void the_path_carries_what_both_ports_do(void **state)
{
	const struct fake_device devices[] = {
		{.name = "wide",
		 .ports = 1,
		 .ngids = 1,
		 .gids = {{[10] = 0xff, 0xff, 10, 0, 0, 1}},
		 .gid_types = {IBV_GID_TYPE_ROCE_V2}},
		{.name = "narrow",
		 .ports = 1,
		 .ngids = 1,
		 .gids = {{[10] = 0xff, 0xff, 10, 0, 0, 2}},
		 .gid_types = {IBV_GID_TYPE_ROCE_V2},
		 .mtu = IBV_MTU_1024,
		 .max_reads = 2},
	};
	struct rg_err err = {0};
	struct pair p;

	start(devices, 2);
	pair_init(&p);
	p.names[0] = "wide";
	p.names[1] = "narrow";
	assert_int_equal(pair_open(&p, &err), 0);
	for (int i = 0; i < 2; i++) {
		struct ibv_qp_init_attr init;
		struct ibv_qp_attr attr;

		assert_int_equal(ibv_query_qp(p.end[i].qp, &attr, 0, &init), 0);
		assert_int_equal(attr.path_mtu, IBV_MTU_1024);
		assert_int_equal(attr.max_rd_atomic, 2);
		assert_int_equal(attr.max_dest_rd_atomic, i ? 2 : 16);
	}
	pair_close(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_gid_is_chosen_again_for_the_peers_that_there_are),
		cmocka_unit_test(a_prefix_is_that_of_the_very_address),
		cmocka_unit_test(a_gid_that_moved_is_found_again_and_one_that_went_is_missed),
		cmocka_unit_test(all_addresses_are_offered_with_the_types_that_each_has),
		cmocka_unit_test(an_address_that_does_not_fit_is_refused),
		cmocka_unit_test(every_attribute_reaches_the_queue_pair),
		cmocka_unit_test(infiniband_takes_a_global_route_where_a_port_asks_for_it),
		cmocka_unit_test(another_subnet_of_infiniband_is_refused_with_what_it_would_take),
		cmocka_unit_test(the_path_carries_what_both_ports_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
