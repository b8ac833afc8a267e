/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * verbs-ud on made-up devices: what the suites for all transports do not look at. Rank r is on
 * device fake<r>.
 */
#include "config.h"

#include "ud_ranks.h"

#include "railgauge/base/clock.h"
#include "transport/verbs_ud_impl.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

_Static_assert(sizeof(struct vud_peer) <= 1280, "what a peer costs");

/* --- GIDs that move --- */

static int connects_later(struct rank *r)
{
	static const uint8_t gids[][16] = {{[10] = 0xff, 0xff, 10, 99, 0, 1}};
	static const uint32_t types[] = {IBV_GID_TYPE_ROCE_V2};
	const struct vud *u = (struct vud *)r->ep;

	if (r->ep->rank == 0) {
		MUST(r, u->device->gid.index == 3);
		fake_gids("fake0", 1, gids, types);
	}
	if (meet(r) || ud_begin(r))
		return r->err.code;
	MUST(r, r->ep->rank || u->device->gid.index == 0);
	return 0;
}

static void peers_are_reached_from_an_address_that_has_another_index_by_now(void **state)
{
	ud_run(connects_later, TEN_S);
}

/* --- unlike ports --- */

#define LONG_BYTES 3000

/* Each puts something longer than the smallest of the three takes, in a packet, to both others. */
static int puts_long(struct rank *r)
{
	uint8_t data[LONG_BYTES];
	int rc = ud_begin(r);

	MUST(r, rc || ((struct vud *)r->ep)->packet_bytes == 1024);
	memset(data, (int)(r->ep->rank + 1), sizeof(data));
	for (uint32_t peer = 0; peer < RANKS && !rc; peer++) {
		const struct rg_put put = {.peer = peer,
					   .src = data,
					   .len_bytes = sizeof(data),
					   .notify = true,
					   .value = 1};

		if (peer != r->ep->rank)
			rc = put_all(r, &put);
	}
	for (uint32_t peer = 0; peer < RANKS && !rc; peer++) {
		const uint8_t *slot = rg_endpoint_link(r->ep, 0, peer)->rx_slots;

		if (peer == r->ep->rank)
			continue;
		rc = wait_counter(r, peer, RG_CTR_READY, 1);
		for (uint32_t i = 0; !rc && i < LONG_BYTES; i++)
			MUST(r, slot[i] == peer + 1);
	}
	return rc ? rc : meet(r);
}

static void where_ports_take_packets_of_different_sizes_the_smallest_counts(void **state)
{
	static const enum ibv_mtu mtus[RANKS] = {IBV_MTU_4096, IBV_MTU_1024, IBV_MTU_2048};
	struct fake_device devices[RANKS];

	for (uint32_t i = 0; i < RANKS; i++)
		devices[i] = (struct fake_device){
			.name = ud_names[i],
			.ports = 1,
			.mtu = mtus[i],
			.ngids = 1,
			.gids = {{[10] = 0xff, 0xff, 10, 99, 0, (uint8_t)(i + 1)}},
			.gid_types = {IBV_GID_TYPE_ROCE_V2}};
	fake_reset(devices, RANKS);
	ud_run(puts_long, TEN_S);
}

/* --- away --- */

#define ROUNDS 24

/* One packet in five is lost, and rank 0 waits at the barrier, where nothing of its own moves. */
static int goes_away(struct rank *r)
{
	int rc = ud_begin(r);

	for (uint64_t k = 1; k <= ROUNDS && !rc; k++) {
		if (r->ep->rank == 0)
			rc = signal_all(r, 1, 0, RG_CTR_DONE, k);
		else if (r->ep->rank == 1)
			rc = wait_counter(r, 0, RG_CTR_DONE, k);
		if (!rc)
			rc = meet(r);
	}
	return rc;
}

static void what_a_rank_sent_before_it_went_away_arrives_whatever_is_lost(void **state)
{
	fake_ud_loss(200, 0, 3);
	ud_run(goes_away, TEN_S);
}

/* Has the keeper heard the peer? Looks without being taken for the rank. */
static bool is_heard(struct vud *u, uint32_t peer)
{
	bool heard = false;

	if (!atomic_exchange_explicit(&u->taken, 1, memory_order_acquire)) {
		heard = u->peers[peer].heard_ns;
		vud_leave(u);
	}
	return heard;
}

/* Rank 1 sends to rank 0, which has not met it yet, and stays away until it has been heard. */
static int is_away_when_first_sent_to(struct rank *r)
{
	struct vud *u = (struct vud *)r->ep;
	uint64_t end = rg_clock_ns() + TEN_S;
	int rc = 0;

	if (r->ep->rank == 1) {
		rc = connect_all(r);
		if (!rc)
			rc = signal_all(r, 0, 0, RG_CTR_DONE, 7);
	}
	if (rc || r->ep->rank)
		return rc ? rc : meet(r);
	while (!is_heard(u, 1)) {
		MUST(r, rg_clock_ns() < end);
		rg_clock_sleep_until(rg_clock_ns() + UINT64_C(1000000));
	}
	MUST(r, !u->peers[1].ah && !u->peers[1].flow.expected);
	rc = connect_all(r);
	if (!rc)
		rc = wait_counter(r, 1, RG_CTR_DONE, 7);
	return rc ? rc : meet(r);
}

static void
a_peer_that_is_first_heard_while_the_rank_is_away_is_met_by_the_rank_itself(void **state)
{
	ud_run(is_away_when_first_sent_to, TEN_S);
}

/* --- this rank's own failures --- */

static int fails_to_send(struct rank *r)
{
	int rc = ud_begin(r);

	if (!rc)
		rc = ud_come_to_rest(r);
	if (!rc && r->ep->rank == 0) {
		uint64_t end = rg_clock_ns() + TEN_S;

		fake_complete(1, IBV_WC_LOC_PROT_ERR, 0x51);
		rc = signal_all(r, 1, 0, RG_CTR_DONE, 1);
		for (uint32_t idle = 0; !rc && rg_clock_ns() < end;)
			rc = turn(r, &idle);
		MUST(r, rc && strstr(r->err.text, "fake0") && strstr(r->err.text, "0x51"));
		MUST(r, r->ops->signal(r->ep, 1, 0, RG_CTR_DONE, 2, NULL) == 1);
		MUST(r, r->ops->flush(r->ep, NULL) == 1);
		MUST(r, r->ops->progress(r->ep, NULL) == rc);
		rc = 0;
	}
	(void)rg_rendezvous_barrier(r->rdv, rg_clock_ns() + TEN_S, NULL);
	return rc;
}

/* Its peers take it for gone. */
static void a_completion_with_an_error_ends_the_endpoint_with_its_words(void **state)
{
	ud_run(fails_to_send, 2 * ONE_S);
}

static int connects(struct rank *r)
{
	int rc = connect_all(r);

	return rg_rendezvous_agree(r->rdv, rc, rg_clock_ns() + TEN_S, &r->err);
}

/* Whatever call of the library it is, and on whatever rank. */
static void a_call_that_fails_ends_all_ranks_with_its_words_and_leaves_nothing(void **state)
{
	uint32_t failures = 0;

	for (unsigned long n = 1;; n++) {
		struct rank ranks[RANKS];
		const char *name;

		fake_reset(NULL, 0);
		ud_prepare(ranks, connects, 2 * ONE_S);
		fake_fail(NULL, n, ENOMEM);
		run_ranks(ranks, 0);
		assert_int_equal(fake_live(), 0);
		name = fake_failed();
		if (!name)
			break;
		for (uint32_t i = 0; i < RANKS; i++) {
			assert_int_equal(ranks[i].rc != 0, ranks[0].rc != 0);
			if (ranks[i].rc && strlen(ranks[i].err.text) < 20)
				fail_msg("%s: %s", name, ranks[i].err.text);
		}
		failures += ranks[0].rc != 0;
	}
	assert_true(failures > RANKS * 5);
	for (unsigned long n = 1;; n++) {
		fake_reset(NULL, 0);
		fake_fail(NULL, n, EINVAL);
		assert_true(rg_transport_verbs_ud.probe(NULL, NULL) == 0 || fake_failed());
		assert_int_equal(fake_live(), 0);
		if (!fake_failed())
			break;
	}
}

static int says_where_it_is(struct rank *r)
{
	char nic[16];

	snprintf(nic, sizeof(nic), "%s:1", ud_names[r->ep->rank]);
	MUST(r, !strcmp(r->ep->nics, nic));
	MUST(r, strstr(r->ep->about, ud_names[r->ep->rank]));
	MUST(r, !strstr(r->ep->about, "(the first of 2)") == (r->ep->rank != 1));
	return 0;
}

static void of_several_devices_the_first_is_used_and_that_is_said(void **state)
{
	struct rank ranks[RANKS];

	ud_prepare(ranks, says_where_it_is, TEN_S);
	ud_options[1].device = "fake1,fake3";
	run_ranks(ranks, 0);
	for (uint32_t i = 0; i < RANKS; i++) {
		if (ranks[i].rc)
			fail_msg("rank %u: %s", i, ranks[i].err.text);
	}
	assert_int_equal(fake_live(), 0);
}

static void a_probe_is_of_the_device_that_the_rank_would_use(void **state)
{
	static const struct rg_transport_ops *const rows[] = {&rg_transport_verbs_rc,
							      &rg_transport_verbs_ud};
	const struct fake_device devices[] = {
		{.name = "good",
		 .ports = 1,
		 .ngids = 1,
		 .gids = {{0xfe, 0x80, [15] = 1}},
		 .gid_types = {IBV_GID_TYPE_ROCE_V2}},
		{.name = "bad", .ports = 1},
	};

	fake_reset(devices, 2);
	for (int i = 0; i < 2; i++) {
		struct rg_verbs_options named = rg_verbs_options_default;
		struct rg_transport_config config = {.verbs = &named};
		struct rg_err err = {0};

		assert_int_equal(rows[i]->probe(NULL, NULL), 0);
		assert_int_equal(rows[i]->probe(&config, NULL), 0);
		named.device = "none";
		assert_int_equal(rows[i]->probe(&config, &err), RG_ERR_NOT_FOUND);
		assert_non_null(strstr(err.text, "none"));
		config = (struct rg_transport_config){.local = 1, .nlocal = 2};
		assert_int_equal(rows[i]->probe(&config, &err), RG_ERR_NOT_FOUND);
		assert_non_null(strstr(err.text, "bad"));
		assert_int_equal(fake_live(), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(
			peers_are_reached_from_an_address_that_has_another_index_by_now, ud_reset),
		cmocka_unit_test(where_ports_take_packets_of_different_sizes_the_smallest_counts),
		cmocka_unit_test_setup(
			what_a_rank_sent_before_it_went_away_arrives_whatever_is_lost, ud_reset),
		cmocka_unit_test_setup(
			a_peer_that_is_first_heard_while_the_rank_is_away_is_met_by_the_rank_itself,
			ud_reset),
		cmocka_unit_test_setup(a_completion_with_an_error_ends_the_endpoint_with_its_words,
				       ud_reset),
		cmocka_unit_test_setup(
			a_call_that_fails_ends_all_ranks_with_its_words_and_leaves_nothing,
			ud_reset),
		cmocka_unit_test_setup(of_several_devices_the_first_is_used_and_that_is_said,
				       ud_reset),
		cmocka_unit_test(a_probe_is_of_the_device_that_the_rank_would_use),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
