/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * verbs-rc on made-up devices: what the suites for all transports (test_verbs_rc_suites.sh runs
 * them with each way to notify) cannot see. Failures of the devices, and what an operation costs.
 */
#include "config.h"

#include "rc_ranks.h"
#include "transport/verbs_rc_impl.h"

#include "railgauge/base/clock.h"
#include "railgauge/transport/stream.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* --- notifications --- */

static void immediate_data_tell_what_was_packed(void **state)
{
	const uint64_t values[] = {0, 1, 32767, 32768, UINT64_MAX - 3};

	for (uint32_t n = 0; n < 64 * 8; n++) {
		uint64_t before = values[n % 5] - 7, value = before + n * 32;
		struct vrc_imm imm = vrc_imm_unpack(vrc_imm_pack(n / 8, n % 8, n, value));

		assert_int_equal(imm.channel, n / 8);
		assert_int_equal(imm.ctr, n % 8);
		assert_int_equal(imm.seq, n % 256);
		assert_false(imm.placed);
		assert_true(vrc_imm_tells(before, value));
		assert_true(vrc_imm_value(before, imm.low) == value);
	}
	assert_true(vrc_imm_tells(5, 5 + 16383));
	assert_false(vrc_imm_tells(5, 5 + 16384));
	assert_false(vrc_imm_tells(5, 4));
}

static void two_counters_travel_in_one_notification(void **state)
{
	const uint64_t values[] = {0, 255, 256, 32767, 1 << 20};

	for (uint32_t n = 0; n < 5 * 256; n++) {
		struct vrc_both before = {values[n % 5], values[n / 5 % 5] / 2};
		struct vrc_both now = {before.ready + n % 128, before.free + n % 128}, come;
		struct vrc_imm imm;

		assert_true(vrc_imm_tells_both(&before, &now));
		imm = vrc_imm_unpack(vrc_imm_pack(3, VRC_READY_FREE, n, vrc_imm_join(&now)));
		come = vrc_imm_both(&before, imm.low);
		assert_true(come.ready == now.ready && come.free == now.free);
		assert_false(imm.placed);
	}
	assert_false(vrc_imm_tells_both(&(struct vrc_both){5, 5}, &(struct vrc_both){133, 5}));
	assert_false(vrc_imm_tells_both(&(struct vrc_both){5, 5}, &(struct vrc_both){5, 133}));
}

/* Blocks of a window, each backwards. */
static void notifications_are_applied_in_the_order_of_their_numbers(void **state)
{
	struct vrc_order order = {0};
	struct vrc_note note;
	uint64_t seen = 0;

	for (uint64_t block = 0; block < 10; block++) {
		for (uint64_t k = VRC_WINDOW; k-- > 0;) {
			uint64_t seq = block * VRC_WINDOW + k;

			assert_false(vrc_order_take(&order, &note));
			note = (struct vrc_note){.value = seq};
			assert_true(vrc_order_add(&order, seq & 255, note));
			assert_false(vrc_order_add(&order, seq & 255, note));
		}
		while (vrc_order_take(&order, &note))
			assert_int_equal(note.value, seen++);
		assert_int_equal(seen, (block + 1) * VRC_WINDOW);
		assert_false(vrc_order_add(&order, (seen + VRC_WINDOW) & 255, note));
		assert_false(vrc_order_add(&order, (seen - 1) & 255, note));
	}
}

/* --- ranks --- */

/* What is put between two flushes to one peer leaves with one doorbell. */
static int chains(struct rank *r)
{
	uint8_t data[64] = {0};
	struct fake_counts before, now;
	int rc = connect_all(r);

	if (!rc)
		rc = exchange(r, 0, 4, 64);
	if (!rc)
		rc = meet(r);
	if (rc || r->ep->rank)
		return rc ? rc : meet(r);
	before = fake_counts();
	for (uint64_t m = 4; m < 8; m++) {
		const struct rg_put put = put_of(r, data, sizeof(data), m);

		MUST(r, !r->ops->put(r->ep, &put, &r->err));
	}
	now = fake_counts();
	MUST(r, now.doorbells == before.doorbells);
	MUST(r, !r->ops->flush(r->ep, &r->err));
	now = fake_counts();
	MUST(r, now.doorbells == before.doorbells + 1 && now.sends == before.sends + 4);
	return meet(r);
}

static void puts_to_one_peer_leave_with_one_doorbell(void **state)
{
	run_rc(chains, NULL);
}

/* --- failures --- */

static int fails_to_put(struct rank *r)
{
	uint8_t data[64] = {0};
	const struct rg_put put = put_of(r, data, sizeof(data), 4);
	int rc = connect_all(r);

	if (!rc)
		rc = exchange(r, 0, 4, 64);
	if (!rc)
		rc = meet(r);
	if (rc || r->ep->rank)
		return rc ? rc : meet(r);
	fake_complete(1, IBV_WC_RETRY_EXC_ERR, 0x81);
	MUST(r, !put_all(r, &put));
	MUST(r, !wait_for_end(r, 1));
	MUST(r, strstr(r->err.text, "rank 1") && strstr(r->err.text, "retry"));
	MUST(r, strstr(r->err.text, "fake"));
	/* What follows goes nowhere; others are reached as before. */
	for (int k = 0; k < 1000; k++)
		MUST(r, !put_all(r, &put) && !signal_all(r, 1, 0, RG_CTR_FREE, 7));
	MUST(r, !r->ops->peer_alive(r->ep, 2, &r->err));
	MUST(r, !signal_all(r, 2, 0, RG_CTR_SYNC, 1));
	return meet(r);
}

static void a_peer_whose_connection_fails_is_named_with_the_cause(void **state)
{
	run_rc(fails_to_put, NULL);
}

static int only_connects(struct rank *r)
{
	int rc = 0;

	for (uint32_t i = 0; i < RANKS * CHANNELS && !rc; i++)
		rc = r->ops->connect(r->ep, i / CHANNELS, i % CHANNELS, &r->err);
	return rc;
}

/* Whichever it is, on whichever rank. */
static void a_call_that_fails_ends_all_ranks_and_leaves_nothing(void **state)
{
	struct rg_verbs_options options = rg_verbs_options_default;
	bool failed = true;

	options.device = "fake0,fake1";
	for (unsigned long n = 1; failed; n++) {
		struct rank ranks[RANKS];

		fake_reset(NULL, 0);
		prepare_ranks(ranks, &rg_transport_verbs_rc, only_connects);
		for (uint32_t i = 0; i < RANKS; i++)
			ranks[i].config.verbs = &options;
		fake_fail(NULL, n, ENOMEM);
		run_ranks(ranks, 0);
		failed = fake_failed() != NULL;
		fake_fail(NULL, 0, 0);
		for (uint32_t i = 0; i < RANKS && failed; i++) {
			if (ranks[i].rc && strlen(ranks[i].err.text) < 10)
				fail_msg("%s, rank %u: no words", fake_failed(), i);
		}
		if (fake_live())
			fail_msg("call %lu: something is left open", n);
	}
}

static int is_closed_to(struct rank *r)
{
	int rc = connect_all(r);

	if (!rc)
		rc = exchange(r, 0, 6, 64);
	if (!rc)
		rc = meet(r);
	if (rc || r->ep->rank == 1)
		return rc;
	MUST(r, !wait_for_end(r, 1));
	MUST(r, strstr(r->err.text, "rank 1") && strstr(r->err.text, "has closed"));
	return 0;
}

static void a_peer_that_closes_says_so(void **state)
{
	run_rc(is_closed_to, NULL);
}

static int uses_two_rails(struct rank *r)
{
	int rc = connect_all(r);

	MUST(r, strstr(r->ep->about, "2 rails"));
	return rc ? rc : exchange(r, 0, 50, 4096);
}

static int uses_the_second_rail(struct rank *r)
{
	int rc = connect_all(r);

	MUST(r, strstr(r->ep->about, "rail 1 is down and left out"));
	return rc ? rc : exchange(r, 0, 50, 4096);
}

static void a_rail_that_is_down_is_left_out_and_said_to_be(void **state)
{
	struct rg_verbs_options options = rg_verbs_options_default;

	options.device = "fake0,fake1";
	run_rc(uses_two_rails, &options);
	fake_port("fake0", 1, false);
	run_rc(uses_the_second_rail, &options);
}

static int refuses(struct rank *r)
{
	return 0;
}

static void ranks_that_notify_in_different_ways_are_named(void **state)
{
	struct rg_verbs_options options = rg_verbs_options_default, other;
	struct rank ranks[RANKS];

	options.device = "fake0";
	other = options;
	other.notify = RG_VERBS_SEND;
	prepare_ranks(ranks, &rg_transport_verbs_rc, refuses);
	for (uint32_t i = 0; i < RANKS; i++)
		ranks[i].config.verbs = i == 2 ? &other : &options;
	run_ranks(ranks, 0);
	for (uint32_t i = 0; i < RANKS; i++) {
		assert_int_equal(ranks[i].rc, RG_ERR_MISMATCH);
		assert_non_null(strstr(ranks[i].err.text, "rank 2"));
	}
	assert_int_equal(fake_live(), 0);
}

static int goes_over(struct rank *r)
{
	MUST(r, strstr(r->ep->about, r->config.verbs->device ? "verbs-rc to" : "tcp to"));
	return 0;
}

/* Rank 2's device; the others' works. */
static void mix(const char *device, const char *interface, struct rank ranks[RANKS])
{
	static struct rg_verbs_options good, other;

	good = other = rg_verbs_options_default;
	good.device = "fake0";
	other.device = device;
	prepare_ranks(ranks, &rg_transport_mixed, goes_over);
	for (uint32_t i = 0; i < RANKS; i++) {
		ranks[i].config.verbs = i == 2 ? &other : &good;
		ranks[i].config.interface = interface;
	}
	run_ranks(ranks, 0);
	assert_int_equal(fake_live(), 0);
}

static void a_device_that_was_named_is_not_replaced_by_sockets(void **state)
{
	struct rank ranks[RANKS];

	mix("fake1", NULL, ranks);
	for (uint32_t i = 0; i < RANKS; i++)
		assert_int_equal(ranks[i].rc, 0);
	mix("fake9", NULL, ranks);
	for (uint32_t i = 0; i < RANKS; i++) {
		assert_int_equal(ranks[i].rc, RG_ERR_NOT_FOUND);
		assert_non_null(strstr(ranks[i].err.text, "fake9"));
	}
	mix("fake0", "lo", ranks);
	for (uint32_t i = 0; i < RANKS; i++)
		assert_int_equal(ranks[i].rc, RG_ERR_INVALID);
}

static void without_a_device_mixed_goes_over_sockets(void **state)
{
	static const char *const devices[] = {"fake0", "fake1", "fake2", "fake3"};
	struct rg_verbs_options options = rg_verbs_options_default;
	struct rank ranks[RANKS];

	for (size_t d = 0; d < 4; d++)
		fake_port(devices[d], 1, false);
	prepare_ranks(ranks, &rg_transport_mixed, goes_over);
	for (uint32_t i = 0; i < RANKS; i++)
		ranks[i].config.verbs = &options;
	run_ranks(ranks, 0);
	for (uint32_t i = 0; i < RANKS; i++) {
		if (ranks[i].rc)
			fail_msg("rank %u: %s", i, ranks[i].err.text);
	}
}

static int goes_over_sockets_because_of_2(struct rank *r)
{
	MUST(r, strstr(r->ep->about, "tcp to"));
	MUST(r, strstr(r->ep->about, "not verbs-rc: rank 2: verbs: "));
	return 0;
}

static void the_rank_whose_device_does_not_work_is_named_on_all(void **state)
{
	struct rg_verbs_options good = rg_verbs_options_default, bad = good;
	struct rank ranks[RANKS];

	bad.pkey_index = 1000;
	prepare_ranks(ranks, &rg_transport_mixed, goes_over_sockets_because_of_2);
	for (uint32_t i = 0; i < RANKS; i++)
		ranks[i].config.verbs = i == 2 ? &bad : &good;
	run_ranks(ranks, 0);
	for (uint32_t i = 0; i < RANKS; i++) {
		if (ranks[i].rc)
			fail_msg("rank %u: %s", i, ranks[i].err.text);
	}
	assert_int_equal(fake_live(), 0);
}

/* Ranks 1 and 2 share a node: ranks.h. Nodes are the same as with sockets; streams there are none.
 */
static int joins_nodes(struct rank *r)
{
	const uint32_t peer = next(r);
	uint32_t node[RANKS], local[RANKS], nnodes;
	int fd, rc = connect_all(r);

	MUST(r, strstr(r->ep->about, "verbs-rc to"));
	MUST(r, rg_streams_open(r->ep, &peer, 1, &fd, NULL) == RG_ERR_UNSUPPORTED);
	MUST(r, !rg_stream_reaches(r->ep, peer));
	MUST(r, !rg_stream_nodes(r->ep, node, local, &nnodes, &r->err));
	MUST(r, nnodes == 2 && node[0] == 0 && node[1] == 1 && node[2] == 1 && local[2] == 1);
	return rc ? rc : exchange(r, 0, 50, 4096);
}

static void mixed_joins_nodes_by_devices_and_has_no_streams_then(void **state)
{
	struct rg_verbs_options options = rg_verbs_options_default;
	struct rank ranks[RANKS];

	options.device = "fake0";
	prepare_ranks(ranks, &rg_transport_mixed, joins_nodes);
	for (uint32_t i = 0; i < RANKS; i++)
		ranks[i].config.verbs = &options;
	run_ranks(ranks, 0);
	for (uint32_t i = 0; i < RANKS; i++) {
		if (ranks[i].rc)
			fail_msg("rank %u: %s", i, ranks[i].err.text);
	}
	assert_int_equal(fake_live(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(immediate_data_tell_what_was_packed),
		cmocka_unit_test(two_counters_travel_in_one_notification),
		cmocka_unit_test(notifications_are_applied_in_the_order_of_their_numbers),
		cmocka_unit_test_setup(puts_to_one_peer_leave_with_one_doorbell, fresh_devices),
		cmocka_unit_test_setup(a_peer_whose_connection_fails_is_named_with_the_cause,
				       fresh_devices),
		cmocka_unit_test_setup(a_call_that_fails_ends_all_ranks_and_leaves_nothing,
				       fresh_devices),
		cmocka_unit_test_setup(a_peer_that_closes_says_so, fresh_devices),
		cmocka_unit_test_setup(a_rail_that_is_down_is_left_out_and_said_to_be,
				       fresh_devices),
		cmocka_unit_test_setup(ranks_that_notify_in_different_ways_are_named,
				       fresh_devices),
		cmocka_unit_test_setup(a_device_that_was_named_is_not_replaced_by_sockets,
				       fresh_devices),
		cmocka_unit_test_setup(without_a_device_mixed_goes_over_sockets, fresh_devices),
		cmocka_unit_test_setup(the_rank_whose_device_does_not_work_is_named_on_all,
				       fresh_devices),
		cmocka_unit_test_setup(mixed_joins_nodes_by_devices_and_has_no_streams_then,
				       fresh_devices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
