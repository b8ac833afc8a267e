/* SPDX-License-Identifier: BSD-3-Clause */
/* Bytes on the line, and what follows from them, against numbers added up by hand. */
#include "config.h"

#include "railgauge/model/bound_verbs.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct rg_wire_path roce = {
	.wire = RG_WIRE_ROCE2, .mtu_bytes = 4096, .rate_Bps = 12.5e9};
static const struct rg_wire_path ib = {
	.wire = RG_WIRE_INFINIBAND, .mtu_bytes = 4096, .rate_Bps = 12.5e9};

/* The bytes of one message that goes out. */
static uint64_t out_of(struct rg_wire_path path, enum rg_bound_verb verb, uint64_t size)
{
	return rg_wire_message(&path, verb, size).out_bytes;
}

static void assert_near(double got, double expected)
{
	if (fabs(got - expected) > 1e-9 * fabs(expected))
		fail_msg("%.12g, not %.12g", got, expected);
}

static void a_packet_of_infiniband_has_26_bytes_besides_its_data(void **state)
{
	struct rg_wire_path path = ib;

	/* LRH 8 + BTH 12 + 8 + ICRC 4 + VCRC 2 */
	assert_int_equal(out_of(ib, RG_BOUND_VERB_SEND, 8), 34);
	assert_int_equal(out_of(ib, RG_BOUND_VERB_SEND, 0), 26);
	/* + ImmDt 4; + RETH 16; + both; + DETH 8 */
	assert_int_equal(out_of(ib, RG_BOUND_VERB_SEND_IMM, 8), 38);
	assert_int_equal(out_of(ib, RG_BOUND_VERB_WRITE, 8), 50);
	assert_int_equal(out_of(ib, RG_BOUND_VERB_WRITE_IMM, 8), 54);
	assert_int_equal(out_of(ib, RG_BOUND_VERB_UD, 8), 42);
	/* + GRH 40 */
	path.grh = true;
	assert_int_equal(out_of(path, RG_BOUND_VERB_SEND, 8), 74);
	/* BTH 12 + AETH 4 + 14 */
	assert_int_equal(rg_wire_ack_bytes(&ib), 30);
}

static void data_are_filled_up_to_four_bytes(void **state)
{
	assert_int_equal(out_of(ib, RG_BOUND_VERB_SEND, 1), 30);
	assert_int_equal(out_of(ib, RG_BOUND_VERB_SEND, 4), 30);
	assert_int_equal(out_of(ib, RG_BOUND_VERB_SEND, 5), 34);
}

static void a_frame_of_roce_v2_has_82_bytes_besides_its_data(void **state)
{
	struct rg_wire_path path = roce;

	/* 8 + Ethernet 14 + IPv4 20 + UDP 8 + BTH 12 + 1024 + ICRC 4 + FCS 4 + gap 12 */
	assert_int_equal(out_of(roce, RG_BOUND_VERB_SEND, 1024), 1106);
	path.vlan = true;
	assert_int_equal(out_of(path, RG_BOUND_VERB_SEND, 1024), 1110);
	path.ipv6 = true;
	assert_int_equal(out_of(path, RG_BOUND_VERB_SEND, 1024), 1130);
	/* Ethernet 14 + BTH 12 + AETH 4 + 20 + 8 + 4 + 4 = 66, + 20 */
	assert_int_equal(rg_wire_ack_bytes(&roce), 86);
	/* v1: 8 + 14 + GRH 40 + 12 + 1024 + 4 + 4 + 12 */
	path = roce;
	path.wire = RG_WIRE_ROCE1;
	assert_int_equal(out_of(path, RG_BOUND_VERB_SEND, 1024), 1118);
}

static void short_frames_are_filled_up_to_64_bytes(void **state)
{
	struct rg_wire_path path = roce;

	/* 14 + 20 + 8 + 12 + 4 + 4 = 62: 64, + 20 */
	assert_int_equal(out_of(roce, RG_BOUND_VERB_SEND, 0), 84);
	assert_int_equal(out_of(roce, RG_BOUND_VERB_SEND, 4), 86);
	path.vlan = true; /* The tag is one of the 64: 66, + 20 */
	assert_int_equal(out_of(path, RG_BOUND_VERB_SEND, 0), 86);
	path.account = RG_WIRE_QDISC; /* 14 + 20 + 8 + 12 + 4: the tag is beside it */
	assert_int_equal(out_of(path, RG_BOUND_VERB_SEND, 0), 58);
}

static void a_long_message_has_its_headers_in_the_first_and_the_last_packet(void **state)
{
	struct rg_wire_bytes b;

	/* 16 x (4096 + 26) = 65952; RETH 16 once, ImmDt 4 once */
	assert_int_equal(out_of(ib, RG_BOUND_VERB_SEND, 65536), 65952);
	assert_int_equal(out_of(ib, RG_BOUND_VERB_WRITE, 65536), 65968);
	b = rg_wire_message(&ib, RG_BOUND_VERB_WRITE_IMM, 65536);
	assert_int_equal(b.out_bytes, 65972);
	assert_int_equal(b.out_packets, 16);
	assert_int_equal(b.out_last_bytes, 4126);
	assert_int_equal(b.back_packets, 0);
	/* 4096 + 26 + 16, and 1 (filled up to 4) + 26 */
	b = rg_wire_message(&ib, RG_BOUND_VERB_WRITE, 4097);
	assert_int_equal(b.out_packets, 2);
	assert_int_equal(b.out_bytes, 4138 + 30);
	assert_int_equal(b.out_last_bytes, 30);
	/* Three packets: 4122 + 16, 4122, 4 + 26 + 4 */
	assert_int_equal(out_of(ib, RG_BOUND_VERB_WRITE_IMM, 8193), 4138 + 4122 + 34);
	/* 16 x (4096 + 82) + 16 */
	assert_int_equal(out_of(roce, RG_BOUND_VERB_WRITE, 65536), 66864);
}

static void a_read_asks_one_way_and_is_answered_the_other(void **state)
{
	struct rg_wire_bytes b = rg_wire_message(&ib, RG_BOUND_VERB_READ, 65536);

	/* 26 + RETH 16; 16 x 4122 + AETH 4 in the first and the last */
	assert_int_equal(b.out_bytes, 42);
	assert_int_equal(b.out_packets, 1);
	assert_int_equal(b.back_packets, 16);
	assert_int_equal(b.back_bytes, 65960);
	assert_int_equal(b.back_last_bytes, 4126);
	/* One response: 8 + 26 + AETH 4 */
	assert_int_equal(rg_wire_message(&ib, RG_BOUND_VERB_READ, 8).back_bytes, 38);
	/* Two: 4122 + 4, and 4 + 26 + 4 */
	assert_int_equal(rg_wire_message(&ib, RG_BOUND_VERB_READ, 4097).back_bytes, 4126 + 34);
}

static void a_datagram_fits_into_one_packet_or_is_not_possible(void **state)
{
	assert_int_equal(out_of(ib, RG_BOUND_VERB_UD, 4096), 4130);
	assert_int_equal(out_of(ib, RG_BOUND_VERB_UD, 4097), 0);
	assert_true(rg_wire_messages_ps(&ib, RG_BOUND_VERB_UD, 4097, 0, false) == 0);
	assert_true(rg_wire_latency_ns(&ib, RG_BOUND_VERB_UD, 4097) == 0);
}

/*
 * What tc's tbf lets through: 64 KiB are 16 x (4096 + 14 + 20 + 8 + 12 + 4) + 16 = 66480 bytes in
 * its account, so of 100 Mbit/s 98.580 are goodput.
 */
static void a_shaped_link_is_compared_in_the_account_of_the_queue(void **state)
{
	struct rg_wire_path path = roce;

	path.account = RG_WIRE_QDISC;
	path.rate_Bps = 12.5e6;
	assert_int_equal(out_of(path, RG_BOUND_VERB_WRITE, 65536), 66480);
	assert_near(rg_wire_goodput_Bps(&path, RG_BOUND_VERB_WRITE, 65536, 1, false),
		    12.5e6 * 65536 / 66480);
}

static void one_direction_is_bound_by_its_data_alone(void **state)
{
	/* 8 B: 34 bytes at 12.5 GB/s: 367.6 million per second. */
	assert_near(rg_wire_messages_ps(&ib, RG_BOUND_VERB_SEND, 8, 1, false), 12.5e9 / 34);
	assert_near(rg_wire_goodput_Bps(&ib, RG_BOUND_VERB_SEND, 8, 1, false), 8 * 12.5e9 / 34);
	/* A read's data come back. */
	assert_near(rg_wire_goodput_Bps(&ib, RG_BOUND_VERB_READ, 65536, 1, false),
		    12.5e9 * 65536 / 65960);
	/* Three acknowledgements of 30 for 34 bytes of data: the way back is the slower one. */
	assert_near(rg_wire_messages_ps(&ib, RG_BOUND_VERB_SEND, 8, 3, false), 12.5e9 / 90);
}

static void both_directions_carry_each_others_acknowledgements(void **state)
{
	/* 34 + 30 */
	assert_near(rg_wire_messages_ps(&ib, RG_BOUND_VERB_SEND, 8, 1, true), 12.5e9 / 64);
	assert_near(rg_wire_messages_ps(&ib, RG_BOUND_VERB_SEND, 8, 0, true), 12.5e9 / 34);
	assert_near(rg_wire_messages_ps(&ib, RG_BOUND_VERB_UD, 8, 1, true), 12.5e9 / 42);
	/* Requests of 42 beside responses of 38. */
	assert_near(rg_wire_messages_ps(&ib, RG_BOUND_VERB_READ, 8, 1, true), 12.5e9 / 80);
}

static void a_message_takes_its_bytes_at_the_rate_and_the_delay(void **state)
{
	struct rg_wire_path path = roce;

	path.account = RG_WIRE_QDISC;
	path.rate_Bps = 12.5e6;
	/* 2 B: 14 + 20 + 8 + 12 + RETH 16 + 4 + ICRC 4 = 78 bytes of 80 ns */
	assert_near(rg_wire_latency_ns(&path, RG_BOUND_VERB_WRITE, 2), 6240);
	path.delay_ns = 1e6;
	assert_near(rg_wire_latency_ns(&path, RG_BOUND_VERB_WRITE, 2), 1006240);
	/* Each further hop waits for the last packet. 64 KiB: 66480, the last 4154. */
	path.stores = 2;
	assert_near(rg_wire_latency_ns(&path, RG_BOUND_VERB_WRITE, 65536),
		    1e6 + 80.0 * (66480 + 2 * 4154));
	/* The bucket lets 64 KiB pass at once: 66480 - 65536 = 944 are left. */
	path.stores = 0;
	path.burst_bytes = 65536;
	assert_near(rg_wire_latency_ns(&path, RG_BOUND_VERB_WRITE, 65536), 1e6 + 80.0 * 944);
	assert_near(rg_wire_latency_ns(&path, RG_BOUND_VERB_WRITE, 2), 1e6);
	/* There and back: 74 (14 + 28 + 12 + 16 + 4), 66 (14 + 28 + 12 + 4 + 4 + 4). */
	path.burst_bytes = 0;
	assert_near(rg_wire_latency_ns(&path, RG_BOUND_VERB_READ, 2), 2e6 + 80.0 * (74 + 66));
}

/* 1500 - 20 - 20 - 12 = 1448 of 1538 on the line, 1514 in a queue: 941 Mbit/s of a gigabit. */
static void a_stream_of_tcp_gets_1448_of_1538_bytes(void **state)
{
	struct rg_wire_path path = {.wire = RG_WIRE_ROCE2, .mtu_bytes = 1500, .rate_Bps = 125e6};

	assert_near(rg_wire_tcp_goodput_Bps(&path), 125e6 * 1448 / 1538);
	path.account = RG_WIRE_QDISC;
	assert_near(rg_wire_tcp_goodput_Bps(&path), 125e6 * 1448 / 1514);
	path.ipv6 = path.vlan = true; /* the tag is beside the packet */
	assert_near(rg_wire_tcp_goodput_Bps(&path), 125e6 * 1428 / 1514);
	path.account = RG_WIRE_LINE;
	assert_near(rg_wire_tcp_goodput_Bps(&path), 125e6 * 1428 / 1542);
	path.mtu_bytes = 60;
	assert_true(rg_wire_tcp_goodput_Bps(&path) == 0);
}

static void operations_have_words(void **state)
{
	assert_string_equal(rg_bound_verb_words[RG_BOUND_VERB_WRITE_IMM], "write-imm");
	assert_string_equal(rg_bound_verb_words[RG_BOUND_VERB_UD], "ud");
	assert_null(rg_bound_verb_words[RG_BOUND_VERB_COUNT]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_packet_of_infiniband_has_26_bytes_besides_its_data),
		cmocka_unit_test(data_are_filled_up_to_four_bytes),
		cmocka_unit_test(a_frame_of_roce_v2_has_82_bytes_besides_its_data),
		cmocka_unit_test(short_frames_are_filled_up_to_64_bytes),
		cmocka_unit_test(a_long_message_has_its_headers_in_the_first_and_the_last_packet),
		cmocka_unit_test(a_read_asks_one_way_and_is_answered_the_other),
		cmocka_unit_test(a_datagram_fits_into_one_packet_or_is_not_possible),
		cmocka_unit_test(a_shaped_link_is_compared_in_the_account_of_the_queue),
		cmocka_unit_test(one_direction_is_bound_by_its_data_alone),
		cmocka_unit_test(both_directions_carry_each_others_acknowledgements),
		cmocka_unit_test(a_message_takes_its_bytes_at_the_rate_and_the_delay),
		cmocka_unit_test(a_stream_of_tcp_gets_1448_of_1538_bytes),
		cmocka_unit_test(operations_have_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
