/* SPDX-License-Identifier: BSD-3-Clause */
/* verbs: what two connected ends do, and what the made-up fabric insists on. */
#include "config.h"

#include "verbs_pair.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct pair pair;

static void start(void)
{
	fake_reset(NULL, 0);
	pair_init(&pair);
}

static void must_open(void)
{
	struct rg_err err = {0};

	if (pair_open(&pair, &err))
		fail_msg("%s", err.text);
	memset(pair.end[0].bytes, 'a', 1024);
	memset(pair.end[1].bytes, 'b', 1024);
}

static void finish(void)
{
	pair_close(&pair);
	assert_int_equal(fake_live(), 0);
}

/* The next completion of an end is this. */
static struct ibv_wc expect(int at, enum ibv_wc_status status, uint64_t id)
{
	struct ibv_wc wc = {0};

	if (!pair_poll(&pair, at, &wc))
		fail_msg("end %d: nothing was completed", at);
	if (wc.status != status || wc.wr_id != id)
		fail_msg("end %d: request %llu has status %d", at, (unsigned long long)wc.wr_id,
			 wc.status);
	return wc;
}

static void expect_nothing(int at)
{
	struct ibv_wc wc;

	assert_false(pair_poll(&pair, at, &wc));
}

/* --- what moves --- */

static void a_write_is_in_the_peers_memory_and_the_peer_hears_nothing(void **state)
{
	start();
	must_open();
	assert_int_equal(pair_post(&pair, 0, IBV_WR_RDMA_WRITE, 100, 7), 0);
	expect(0, IBV_WC_SUCCESS, 7);
	expect_nothing(1);
	assert_int_equal(pair.end[1].bytes[1024], 'a');
	assert_int_equal(pair.end[1].bytes[1024 + 99], 'a');
	assert_int_equal(pair.end[1].bytes[1024 + 100], 0);
	finish();
}

static void an_immediate_waits_for_a_receive_and_comes_after_its_data(void **state)
{
	struct ibv_wc wc;

	start();
	must_open();
	assert_int_equal(pair_post(&pair, 0, IBV_WR_RDMA_WRITE_WITH_IMM, 100, 7), 0);
	assert_int_equal(pair_post(&pair, 0, IBV_WR_RDMA_WRITE, 8, 8), 0);
	expect_nothing(0);
	assert_int_equal(pair_receive(&pair, 1, 0, 1), 0);
	wc = expect(1, IBV_WC_SUCCESS, 1);
	assert_int_equal(wc.opcode, IBV_WC_RECV_RDMA_WITH_IMM);
	assert_int_equal(wc.imm_data, 7);
	assert_int_equal(wc.byte_len, 100);
	assert_int_equal(pair.end[1].bytes[1024], 'a');
	expect(0, IBV_WC_SUCCESS, 7);
	expect(0, IBV_WC_SUCCESS, 8);
	finish();
}

static void a_message_is_in_its_receive(void **state)
{
	struct ibv_wc wc;

	start();
	must_open();
	assert_int_equal(pair_receive(&pair, 1, 1024, 1), 0);
	assert_int_equal(pair_post(&pair, 0, IBV_WR_SEND, 100, 7), 0);
	wc = expect(1, IBV_WC_SUCCESS, 1);
	assert_int_equal(wc.opcode, IBV_WC_RECV);
	assert_int_equal(wc.byte_len, 100);
	assert_int_equal(pair.end[1].bytes[2048 + 99], 'a');
	finish();
}

static void a_read_brings_what_is_there(void **state)
{
	start();
	must_open();
	memset(pair.end[1].bytes + 1024, 'c', 1024);
	assert_int_equal(pair_post(&pair, 0, IBV_WR_RDMA_READ, 100, 7), 0);
	expect(0, IBV_WC_SUCCESS, 7);
	assert_int_equal(pair.end[0].bytes[99], 'c');
	assert_int_equal(pair.end[0].bytes[100], 'a');
	finish();
}

static void a_datagram_comes_behind_its_header_and_is_lost_without_a_receive(void **state)
{
	struct ibv_wc wc;

	start();
	pair.datagrams = true;
	must_open();
	assert_int_equal(pair_post(&pair, 0, IBV_WR_SEND, 100, 6), 0);
	assert_int_equal(pair_receive(&pair, 1, 1024, 1), 0);
	expect_nothing(1);
	assert_int_equal(pair_post(&pair, 0, IBV_WR_SEND_WITH_IMM, 100, 7), 0);
	wc = expect(1, IBV_WC_SUCCESS, 1);
	assert_int_equal(wc.byte_len, RG_VERBS_GRH_BYTES + 100);
	assert_int_equal(wc.imm_data, 7);
	assert_int_equal(wc.src_qp, pair.end[0].address.qpn);
	assert_int_equal(pair.end[1].bytes[2048 + RG_VERBS_GRH_BYTES + 99], 'a');
	finish();
}

static void both_ways_and_on_infiniband_as_well(void **state)
{
	const struct fake_device devices[] = {
		{.name = "ib0",
		 .ports = 2,
		 .infiniband = true,
		 .lid = 5,
		 .ngids = 1,
		 .gids = {{0xfe, 0x80, [15] = 1}}},
		{.name = "ib1",
		 .ports = 1,
		 .infiniband = true,
		 .lid = 9,
		 .ngids = 1,
		 .gids = {{0xfe, 0x80, [15] = 2}}},
	};

	fake_reset(devices, 2);
	pair_init(&pair);
	pair.names[0] = "ib0:2";
	pair.names[1] = "ib1";
	must_open();
	assert_int_equal(pair.end[0].address.lid, 6);
	assert_int_equal(pair_post(&pair, 0, IBV_WR_RDMA_WRITE, 100, 7), 0);
	assert_int_equal(pair_post(&pair, 1, IBV_WR_RDMA_WRITE, 100, 8), 0);
	expect(0, IBV_WC_SUCCESS, 7);
	expect(1, IBV_WC_SUCCESS, 8);
	assert_int_equal(pair.end[1].bytes[1024], 'a');
	assert_int_equal(pair.end[0].bytes[1024], 'b');
	finish();
}

/* --- order --- */

static void late_messages_keep_their_order_on_one_queue_pair(void **state)
{
	start();
	must_open();
	fake_order(FAKE_LATE | FAKE_SHUFFLE, 1);
	assert_int_equal(pair_post(&pair, 0, IBV_WR_RDMA_WRITE, 8, 1), 0);
	assert_int_equal(pair.end[1].bytes[1024], 0);
	for (uint64_t id = 2; id <= PAIR_DEPTH; id++)
		assert_int_equal(pair_post(&pair, 0, IBV_WR_RDMA_WRITE, 8, id), 0);
	for (uint64_t id = 1; id <= PAIR_DEPTH;) {
		struct ibv_wc wc;

		if (pair_poll(&pair, 0, &wc))
			assert_int_equal(wc.wr_id, id++);
	}
	assert_int_equal(pair.end[1].bytes[1024], 'a');
	finish();
}

static void sends_and_receives_overtake_each_other_in_a_queue_if_asked_to(void **state)
{
	bool overtaken = false;

	start();
	must_open();
	for (uint64_t seed = 1; seed < 20 && !overtaken; seed++) {
		struct ibv_wc wc;

		fake_order(FAKE_SHUFFLE, seed);
		assert_int_equal(pair_receive(&pair, 0, 8, 1), 0);
		assert_int_equal(pair_post(&pair, 1, IBV_WR_SEND, 8, 1), 0);
		assert_int_equal(pair_post(&pair, 0, IBV_WR_RDMA_WRITE, 8, 2), 0);
		assert_true(pair_poll(&pair, 0, &wc));
		overtaken = wc.wr_id == 2;
		assert_true(pair_poll(&pair, 0, &wc));
		expect(1, IBV_WC_SUCCESS, 1);
	}
	assert_true(overtaken);
	finish();
}

/* --- what goes wrong --- */

static void a_full_send_queue_is_refused_until_a_completion_was_polled(void **state)
{
	start();
	must_open();
	for (uint64_t id = 0; id < PAIR_DEPTH; id++)
		assert_int_equal(pair_post(&pair, 0, IBV_WR_RDMA_WRITE, 8, id), 0);
	assert_int_equal(pair_post(&pair, 0, IBV_WR_RDMA_WRITE, 8, 99), ENOMEM);
	expect(0, IBV_WC_SUCCESS, 0);
	assert_int_equal(pair_post(&pair, 0, IBV_WR_RDMA_WRITE, 8, 99), 0);
	finish();
}

static void an_overrun_completion_queue_fails_its_queue_pairs_and_is_told(void **state)
{
	struct rg_verbs_event event;
	struct ibv_wc wc;

	start();
	pair.cqes = 2;
	must_open();
	for (uint64_t id = 0; id < 3; id++)
		assert_int_equal(pair_post(&pair, 0, IBV_WR_RDMA_WRITE, 8, id), 0);
	assert_int_equal(fake_counts().overruns, 1);
	assert_int_equal(rg_verbs_device_event(pair.end[0].device, &event), 1);
	assert_int_equal(event.kind, RG_VERBS_EVENT_CQ_FAILED);
	assert_non_null(strstr(event.text, "fake0 port 1: a completion queue has overrun"));
	assert_int_equal(rg_verbs_device_event(pair.end[0].device, &event), 0);
	assert_string_equal(rg_verbs_qp_state(pair.end[0].qp), "error");
	expect(0, IBV_WC_SUCCESS, 0);
	expect(0, IBV_WC_SUCCESS, 1);
	assert_int_equal(ibv_poll_cq(pair.end[0].cq, 1, &wc), -1);
	finish();
}

static void memory_that_is_no_longer_registered_is_an_error_on_both_ends(void **state)
{
	struct rg_verbs_event event;
	struct end *e = &pair.end[1];

	start();
	must_open();
	rg_verbs_memory_put(e->device, e->mr);
	assert_int_equal(pair_post(&pair, 0, IBV_WR_RDMA_WRITE, 8, 1), 0); /* kept in the cache */
	expect(0, IBV_WC_SUCCESS, 1);
	rg_verbs_memory_forget(e->device, e->bytes + 100, 1);
	assert_int_equal(pair_post(&pair, 0, IBV_WR_RDMA_WRITE, 8, 2), 0);
	expect(0, IBV_WC_REM_ACCESS_ERR, 2);
	assert_int_equal(rg_verbs_device_event(e->device, &event), 1);
	assert_int_equal(event.kind, RG_VERBS_EVENT_QP_FAILED);
	assert_int_equal(event.qpn, e->address.qpn);
	e->mr = NULL;
	finish();
}

static void after_an_error_all_is_flushed(void **state)
{
	start();
	must_open();
	assert_int_equal(pair_receive(&pair, 0, 8, 50), 0);
	fake_complete(2, IBV_WC_RETRY_EXC_ERR, 0x81);
	for (uint64_t id = 1; id <= 3; id++)
		assert_int_equal(pair_post(&pair, 0, IBV_WR_RDMA_WRITE, 8, id), 0);
	expect(0, IBV_WC_SUCCESS, 1);
	expect(0, IBV_WC_RETRY_EXC_ERR, 2);
	expect(0, IBV_WC_WR_FLUSH_ERR, 50);
	expect(0, IBV_WC_WR_FLUSH_ERR, 3);
	expect_nothing(0);
	/* The other end is not told, but nobody reaches this one any more. */
	assert_int_equal(pair_post(&pair, 1, IBV_WR_RDMA_WRITE, 8, 4), 0);
	expect(1, IBV_WC_RETRY_EXC_ERR, 4);
	finish();
}

static void a_port_that_comes_back_loses_nothing_and_one_that_does_not_ends_retries(void **state)
{
	struct rg_verbs_device *d;
	struct rg_verbs_event event;

	start();
	must_open();
	d = pair.end[0].device;
	fake_port("fake0", 1, false);
	assert_int_equal(pair_post(&pair, 0, IBV_WR_RDMA_WRITE, 8, 1), 0);
	expect_nothing(0);
	assert_int_equal(rg_verbs_device_event(d, &event), 1);
	assert_int_equal(event.kind, RG_VERBS_EVENT_PORT_DOWN);
	assert_non_null(strstr(event.text, "fake0 port 1: the port went down"));
	assert_false(d->active);
	assert_false(rg_verbs_device_ask(d));
	fake_port("fake0", 1, true);
	expect(0, IBV_WC_SUCCESS, 1);
	assert_int_equal(rg_verbs_device_event(d, &event), 1);
	assert_int_equal(event.kind, RG_VERBS_EVENT_PORT_UP);
	assert_true(d->active);
	fake_port("fake1", 1, false);
	assert_int_equal(pair_post(&pair, 0, IBV_WR_RDMA_WRITE, 8, 2), 0);
	expect_nothing(0);
	fake_give_up("fake1");
	expect(0, IBV_WC_RETRY_EXC_ERR, 2);
	assert_true(rg_verbs_device_ask(d));
	finish();
}

static void ends_that_do_not_name_each_other_do_not_talk(void **state)
{
	start();
	pair.wrong_psn = 1;
	must_open();
	assert_int_equal(pair_post(&pair, 0, IBV_WR_RDMA_WRITE, 8, 1), 0);
	expect(0, IBV_WC_RETRY_EXC_ERR, 1);
	finish();
}

static void receives_that_never_come_end_a_sender_that_does_not_wait_for_ever(void **state)
{
	start();
	pair.options.rnr_retry = 3;
	must_open();
	assert_int_equal(pair_post(&pair, 0, IBV_WR_SEND, 8, 1), 0);
	expect(0, IBV_WC_RNR_RETRY_EXC_ERR, 1);
	finish();
}

#define DATAGRAMS 400

static void datagrams_are_lost_doubled_and_out_of_order_if_asked_to(void **state)
{
	uint32_t times[DATAGRAMS] = {0}, lost = 0, twice = 0, back = 0, last = 0;

	start();
	pair.datagrams = true;
	must_open();
	fake_ud_loss(200, 200, 4);
	fake_order(FAKE_UD_ANY_ORDER, 4);
	for (uint64_t i = 0; i < PAIR_DEPTH; i++)
		assert_int_equal(pair_receive(&pair, 1, 100, i), 0);
	for (uint32_t i = 0; i < DATAGRAMS; i++) {
		struct ibv_wc wc;

		assert_int_equal(pair_post(&pair, 0, IBV_WR_SEND_WITH_IMM, 8, i), 0);
		if (i % 4 != 3)
			continue;
		for (int turn = 0; turn < 12; turn++) {
			(void)pair_poll(&pair, 0, &wc);
			if (!pair_poll(&pair, 1, &wc))
				continue;
			assert_int_equal(wc.status, IBV_WC_SUCCESS);
			times[wc.imm_data]++;
			back += wc.imm_data < last;
			last = wc.imm_data;
			assert_int_equal(pair_receive(&pair, 1, 100, 0), 0);
		}
	}
	for (uint32_t i = 0; i < DATAGRAMS; i++) {
		lost += times[i] == 0;
		twice += times[i] == 2;
	}
	assert_in_range(lost, DATAGRAMS / 10, DATAGRAMS / 3);
	assert_in_range(twice, DATAGRAMS / 10, DATAGRAMS / 3);
	assert_in_range(back, DATAGRAMS / 20, DATAGRAMS);
	finish();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_write_is_in_the_peers_memory_and_the_peer_hears_nothing),
		cmocka_unit_test(an_immediate_waits_for_a_receive_and_comes_after_its_data),
		cmocka_unit_test(a_message_is_in_its_receive),
		cmocka_unit_test(a_read_brings_what_is_there),
		cmocka_unit_test(a_datagram_comes_behind_its_header_and_is_lost_without_a_receive),
		cmocka_unit_test(both_ways_and_on_infiniband_as_well),
		cmocka_unit_test(late_messages_keep_their_order_on_one_queue_pair),
		cmocka_unit_test(sends_and_receives_overtake_each_other_in_a_queue_if_asked_to),
		cmocka_unit_test(a_full_send_queue_is_refused_until_a_completion_was_polled),
		cmocka_unit_test(an_overrun_completion_queue_fails_its_queue_pairs_and_is_told),
		cmocka_unit_test(memory_that_is_no_longer_registered_is_an_error_on_both_ends),
		cmocka_unit_test(after_an_error_all_is_flushed),
		cmocka_unit_test(
			a_port_that_comes_back_loses_nothing_and_one_that_does_not_ends_retries),
		cmocka_unit_test(ends_that_do_not_name_each_other_do_not_talk),
		cmocka_unit_test(receives_that_never_come_end_a_sender_that_does_not_wait_for_ever),
		cmocka_unit_test(datagrams_are_lost_doubled_and_out_of_order_if_asked_to),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
