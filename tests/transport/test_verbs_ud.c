/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * verbs-ud on made-up devices: what the suites for all transports do not look at. Rank r is on
 * device fake<r>.
 */
#include "config.h"

#include "fake_verbs.h"
#include "ranks.h"

#include "railgauge/base/clock.h"
#include "transport/verbs_ud_impl.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define ONE_S UINT64_C(1000000000)

_Static_assert(sizeof(struct vud_peer) <= 1280, "what a peer costs");

static struct rg_verbs_options options[RANKS];
static const char *const names[RANKS] = {"fake0", "fake1", "fake2"};

static void prepare(struct rank ranks[RANKS], int (*body)(struct rank *r), uint64_t timeout_ns)
{
	prepare_ranks(ranks, &rg_transport_verbs_ud, body);
	for (uint32_t i = 0; i < RANKS; i++) {
		options[i] = rg_verbs_options_default;
		options[i].device = names[i];
		ranks[i].config.verbs = &options[i];
		ranks[i].config.timeout_ns = timeout_ns;
	}
}

static void run(int (*body)(struct rank *r), uint64_t timeout_ns)
{
	struct rank ranks[RANKS];

	prepare(ranks, body, timeout_ns);
	run_ranks(ranks, 0);
	for (uint32_t i = 0; i < RANKS; i++) {
		if (ranks[i].rc)
			fail_msg("rank %u: %s", i, ranks[i].err.text);
	}
	assert_int_equal(fake_live(), 0);
}

static int reset(void **state)
{
	fake_reset(NULL, 0);
	return 0;
}

/* Connected, and all have seen each other's first signal. */
static int begin(struct rank *r)
{
	int rc = connect_all(r);

	if (!rc)
		rc = meet(r);
	if (!rc)
		rc = settle(r);
	return rc ? rc : meet(r);
}

/* Has the peer acknowledged all, and been told all that came? */
static bool is_at_rest(struct vud *u, uint32_t peer)
{
	const struct ud_flow *f = &u->peers[peer].flow;
	bool rests;

	vud_enter(u);
	rests = ud_flow_is_settled(f) && ud_flow_due_ns(f) == UINT64_MAX;
	vud_leave(u);
	return rests;
}

/* Nobody has anything to send until somebody puts or signals. */
static int come_to_rest(struct rank *r)
{
	uint64_t end = rg_clock_ns() + TEN_S;
	uint32_t idle = 0;

	for (uint32_t peer = 0; peer < RANKS; peer++) {
		while (!is_at_rest((struct vud *)r->ep, peer)) {
			if (turn(r, &idle))
				return r->err.code;
			MUST(r, rg_clock_ns() < end);
		}
	}
	return meet(r);
}

/* Until peer_alive says something of the peer. */
static int wait_until_gone(struct rank *r, uint32_t peer)
{
	uint64_t end = rg_clock_ns() + TEN_S;
	uint32_t idle = 0;

	while (!r->ops->peer_alive(r->ep, peer, &r->err)) {
		if (turn(r, &idle))
			return r->err.code;
		MUST(r, rg_clock_ns() < end);
	}
	MUST(r, r->err.code == RG_ERR_PEER);
	return 0;
}

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
	if (meet(r) || begin(r))
		return r->err.code;
	MUST(r, r->ep->rank || u->device->gid.index == 0);
	return 0;
}

static void peers_are_reached_from_an_address_that_has_another_index_by_now(void **state)
{
	run(connects_later, TEN_S);
}

/* --- unlike ports --- */

#define LONG_BYTES 3000

/* Each puts something longer than the smallest of the three takes, in a packet, to both others. */
static int puts_long(struct rank *r)
{
	uint8_t data[LONG_BYTES];
	int rc = begin(r);

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
			.name = names[i],
			.ports = 1,
			.mtu = mtus[i],
			.ngids = 1,
			.gids = {{[10] = 0xff, 0xff, 10, 99, 0, (uint8_t)(i + 1)}},
			.gid_types = {IBV_GID_TYPE_ROCE_V2}};
	fake_reset(devices, RANKS);
	run(puts_long, TEN_S);
}

/* --- away --- */

#define ROUNDS 24

/* One packet in five is lost, and rank 0 waits at the barrier, where nothing of its own moves. */
static int goes_away(struct rank *r)
{
	int rc = begin(r);

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
	run(goes_away, TEN_S);
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
	run(is_away_when_first_sent_to, TEN_S);
}

/* --- who is gone --- */

static int loses_a_peer(struct rank *r)
{
	int rc = begin(r);

	if (rc)
		return rc;
	if (r->ep->rank == 0)
		fake_port("fake1", 1, false);
	rc = meet(r);
	/* Rank 0 sends something, rank 2 only waits. */
	if (!rc && r->ep->rank == 0)
		rc = signal_all(r, 1, 0, RG_CTR_DONE, 1);
	if (!rc)
		rc = wait_until_gone(r, r->ep->rank == 1 ? 0 : 1);
	part(r);
	if (rc)
		return rc;
	if (r->ep->rank == 1) {
		MUST(r, strstr(r->err.text, "the port went down"));
		return 0;
	}
	MUST(r, strstr(r->err.text, "rank 1") && strstr(r->err.text, r->ep->host[1]));
	MUST(r, strstr(r->err.text, "fake1") && strstr(r->err.text, names[r->ep->rank]));
	MUST(r, strstr(r->err.text, "acknowledged nothing"));
	/* What is sent to it now is harmless. */
	for (uint64_t v = 1; v < 200; v++)
		MUST(r, !r->ops->signal(r->ep, 1, 0, RG_CTR_FREE, v, &r->err));
	return 0;
}

static void
a_peer_that_answers_no_more_is_named_whether_or_not_anything_was_sent_to_it(void **state)
{
	run(loses_a_peer, ONE_S);
}

static int parts_early(struct rank *r)
{
	int rc = begin(r);

	if (!rc && r->ep->rank == 1) {
		rc = signal_all(r, 0, 0, RG_CTR_DONE, 7);
		r->ops->close(r->ep); /* with the signal on its way */
		r->ep = NULL;
		part(r);
		return rc;
	}
	if (!rc)
		rc = wait_until_gone(r, 1);
	MUST(r, rc || strstr(r->err.text, "has closed") ||
			strstr(r->err.text, "acknowledged nothing"));
	MUST(r, rc || r->ep->rank != 0 || counter(r, 1, 0, RG_CTR_DONE) == 7);
	part(r);
	return rc;
}

static void a_peer_that_closes_says_so_and_what_it_sent_comes_before(void **state)
{
	run(parts_early, TEN_S);
	fake_reset(NULL, 0);
	fake_ud_loss(200, 100, 5);
	fake_order(FAKE_UD_ANY_ORDER, 5);
	run(parts_early, 2 * ONE_S); /* its last words may be lost: then its silence says it */
}

/*
 * Rank 1 gets what rank 2 sent last, and closes; whatever it says meanwhile, its last words among
 * it, is lost. Rank 0 waits for it, rank 2 has nothing left to do but to close.
 */
static int loses_last_words(struct rank *r)
{
	struct vud *u = (struct vud *)r->ep;
	int rc = begin(r);

	if (!rc)
		rc = come_to_rest(r);
	if (!rc && r->ep->rank == 1)
		vud_enter(u); /* so that nothing is acknowledged yet */
	if (!rc)
		rc = rg_rendezvous_barrier(r->rdv, rg_clock_ns() + TEN_S, &r->err);
	if (!rc && r->ep->rank == 2) {
		rc = signal_all(r, 1, 0, RG_CTR_DONE, 7);
		MUST(r, rc || !r->ops->flush(r->ep, &r->err));
	}
	if (!rc)
		rc = rg_rendezvous_barrier(r->rdv, rg_clock_ns() + TEN_S, &r->err);
	if (!rc && r->ep->rank == 1) {
		fake_ud_loss(1000, 0, 1);
		vud_leave(u);
		rc = wait_counter(r, 2, RG_CTR_DONE, 7);
		r->ops->close(r->ep);
		r->ep = NULL;
		fake_ud_loss(0, 0, 1);
	}
	if (!rc)
		rc = rg_rendezvous_barrier(r->rdv, rg_clock_ns() + TEN_S, &r->err);
	if (!rc && r->ep && r->ep->rank == 0) {
		rc = wait_until_gone(r, 1);
		MUST(r, rc || strstr(r->err.text, "acknowledged nothing"));
	}
	part(r);
	return rc;
}

static void who_hears_no_last_words_ends_all_the_same(void **state)
{
	run(loses_last_words, ONE_S);
}

/* Rank 0 gives rank 1 up, which hears of it with what it sends next. */
static int gives_up(struct rank *r)
{
	struct vud *u = (struct vud *)r->ep;
	int rc = begin(r);

	if (!rc && r->ep->rank == 0) {
		vud_enter(u);
		vud_let_go(u, 1, VUD_SILENT, NULL);
		u->peers[1].refused = false; /* as if these words had been lost */
		vud_leave(u);
	}
	if (!rc)
		rc = meet(r);
	if (!rc && r->ep->rank == 1)
		rc = signal_all(r, 0, 0, RG_CTR_DONE, 1);
	if (!rc && r->ep->rank == 1)
		rc = wait_until_gone(r, 0);
	MUST(r, rc || r->ep->rank != 1 || strstr(r->err.text, "has given this rank up"));
	part(r);
	return rc;
}

static void a_peer_that_was_given_up_is_told_so(void **state)
{
	run(gives_up, TEN_S);
}

/* Rank 1 acknowledges what was never sent. */
static int talks_nonsense(struct rank *r)
{
	struct vud *u = (struct vud *)r->ep;
	int rc = begin(r);

	if (!rc && r->ep->rank == 1) {
		vud_enter(u);
		u->peers[0].flow.expected += 5;
		vud_leave(u);
		rc = signal_all(r, 0, 0, RG_CTR_DONE, 1);
	}
	if (!rc && r->ep->rank < 2)
		rc = wait_until_gone(r, 1 - r->ep->rank);
	MUST(r, rc || r->ep->rank != 0 || strstr(r->err.text, "was cut off: it acknowledges"));
	MUST(r, rc || r->ep->rank != 1 || strstr(r->err.text, "has given this rank up"));
	part(r);
	return rc;
}

static void a_peer_that_makes_no_sense_is_cut_off_and_told_so(void **state)
{
	run(talks_nonsense, TEN_S);
}

static uint64_t strays(struct vud *u)
{
	uint64_t n;

	vud_enter(u);
	n = u->strays;
	vud_leave(u);
	return n;
}

/* Some of rank 1's packets look like those of somebody else. */
static int is_strange(struct rank *r)
{
	struct vud *u = (struct vud *)r->ep;
	int rc = begin(r);

	if (!rc && r->ep->rank == 1) {
		vud_enter(u);
		u->peers[0].tag_out ^= 1;
		for (int k = 0; k < 5; k++)
			(void)vud_tell(u, 0, VUD_CLOSED, rg_clock_ns());
		vud_post(u);
		u->peers[0].tag_out ^= 1;
		vud_leave(u);
		rc = signal_all(r, 0, 0, RG_CTR_DONE, 1);
	}
	if (!rc && r->ep->rank == 0) {
		rc = wait_counter(r, 1, RG_CTR_DONE, 1);
		MUST(r, rc || strays(u) == 5);
		MUST(r, rc || !r->ops->peer_alive(r->ep, 1, &r->err));
	}
	return rc ? rc : meet(r);
}

static void packets_of_strangers_are_dropped_unread(void **state)
{
	run(is_strange, TEN_S);
}

/* --- this rank's own failures --- */

static int fails_to_send(struct rank *r)
{
	int rc = begin(r);

	if (!rc)
		rc = come_to_rest(r);
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
	run(fails_to_send, 2 * ONE_S);
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
		prepare(ranks, connects, TEN_S);
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

	snprintf(nic, sizeof(nic), "%s:1", names[r->ep->rank]);
	MUST(r, !strcmp(r->ep->nics, nic));
	MUST(r, strstr(r->ep->about, names[r->ep->rank]));
	MUST(r, !strstr(r->ep->about, "(the first of 2)") == (r->ep->rank != 1));
	return 0;
}

static void of_several_devices_the_first_is_used_and_that_is_said(void **state)
{
	struct rank ranks[RANKS];

	prepare(ranks, says_where_it_is, TEN_S);
	options[1].device = "fake1,fake3";
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
			peers_are_reached_from_an_address_that_has_another_index_by_now, reset),
		cmocka_unit_test(where_ports_take_packets_of_different_sizes_the_smallest_counts),
		cmocka_unit_test_setup(
			what_a_rank_sent_before_it_went_away_arrives_whatever_is_lost, reset),
		cmocka_unit_test_setup(
			a_peer_that_is_first_heard_while_the_rank_is_away_is_met_by_the_rank_itself,
			reset),
		cmocka_unit_test_setup(
			a_peer_that_answers_no_more_is_named_whether_or_not_anything_was_sent_to_it,
			reset),
		cmocka_unit_test_setup(a_peer_that_closes_says_so_and_what_it_sent_comes_before,
				       reset),
		cmocka_unit_test_setup(who_hears_no_last_words_ends_all_the_same, reset),
		cmocka_unit_test_setup(a_peer_that_was_given_up_is_told_so, reset),
		cmocka_unit_test_setup(a_peer_that_makes_no_sense_is_cut_off_and_told_so, reset),
		cmocka_unit_test_setup(packets_of_strangers_are_dropped_unread, reset),
		cmocka_unit_test_setup(a_completion_with_an_error_ends_the_endpoint_with_its_words,
				       reset),
		cmocka_unit_test_setup(
			a_call_that_fails_ends_all_ranks_with_its_words_and_leaves_nothing, reset),
		cmocka_unit_test_setup(of_several_devices_the_first_is_used_and_that_is_said,
				       reset),
		cmocka_unit_test(a_probe_is_of_the_device_that_the_rank_would_use),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
