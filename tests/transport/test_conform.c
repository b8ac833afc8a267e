/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One suite for every transport: what links do. Data and counters arrive, in order, in their own
 * places, and only there; what does not exist is refused. Opening and closing is in test_open.c,
 * windows in test_window.c, peers that die in test_death.c.
 */
#include "config.h"

#include "ranks.h"

#include "railgauge/base/clock.h"
#include "transport/mapped.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define RING_BYTES ((size_t)4 * 4096)
#define LL_BYTES   ((size_t)4 * 2 * 256)

static int refuses_ranks_and_channels_that_do_not_exist(struct rank *r)
{
	static const struct {
		uint32_t peer, channel;
	} none[] = {{RANKS, 0}, {UINT32_MAX, 0}, {0, CHANNELS}, {0, UINT32_MAX}};
	int rc = connect_all(r);

	if (rc)
		return rc;
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		struct rg_put put = {
			.peer = none[i].peer, .channel = none[i].channel, .src = r, .len_bytes = 1};

		MUST(r,
		     r->ops->connect(r->ep, none[i].peer, none[i].channel, NULL) == RG_ERR_INVALID);
		MUST(r, r->ops->put(r->ep, &put, NULL) == RG_ERR_INVALID);
		MUST(r, r->ops->signal(r->ep, none[i].peer, none[i].channel, RG_CTR_DONE, 1,
				       NULL) == RG_ERR_INVALID);
		MUST(r, none[i].peer == 0 ||
				r->ops->peer_alive(r->ep, none[i].peer, NULL) == RG_ERR_INVALID);
	}
	return meet(r);
}

/* On the channel that is connected as well: links are per channel. */
static int refuses_to_put_or_signal_before_connect(struct rank *r)
{
	struct rg_put put = {.peer = next(r), .channel = 1, .src = r, .len_bytes = 1};
	int rc = r->ops->connect(r->ep, next(r), 0, &r->err);

	if (rc)
		return rc;
	MUST(r, r->ops->put(r->ep, &put, NULL) == RG_ERR_INVALID);
	MUST(r, r->ops->signal(r->ep, next(r), 1, RG_CTR_DONE, 1, NULL) == RG_ERR_INVALID);
	put.channel = 0;
	put.peer = previous(r);
	MUST(r, r->ops->put(r->ep, &put, NULL) == RG_ERR_INVALID);
	MUST(r, r->ops->signal(r->ep, previous(r), 0, RG_CTR_DONE, 1, NULL) == RG_ERR_INVALID);
	return meet(r);
}

static int connects_twice_and_to_itself(struct rank *r)
{
	const struct rg_link *link;
	uint32_t self = r->ep->rank, word = 77 + self;
	const struct rg_put put = {.peer = self, .offset = 4096, .src = &word, .len_bytes = 4};
	int rc = connect_all(r);

	if (rc)
		return rc;
	link = rg_endpoint_link(r->ep, 0, self);
	rc = connect_all(r);
	if (rc)
		return rc;
	MUST(r, rg_endpoint_link(r->ep, 0, self) == link);
	MUST(r, !put_all(r, &put));
	MUST(r, !signal_all(r, self, 0, RG_CTR_READY, 1));
	if (wait_counter(r, self, RG_CTR_READY, 1))
		return r->err.code;
	MUST(r, !moves_data(r) || !memcmp(link->rx_slots + 4096, &word, 4));
	return meet(r);
}

/* Puts len bytes of 0xee at an offset of the next rank's ring. */
static int put_at(struct rank *r, enum rg_region region, uint64_t offset, uint64_t len_bytes)
{
	uint8_t data[RING_BYTES];
	const struct rg_put put = {
		.peer = next(r),
		.region = region,
		.offset = offset,
		.src = memset(data, 0xee, sizeof(data)),
		.len_bytes = len_bytes,
	};

	return put_all(r, &put);
}

static int refuses_puts_beyond_the_region(struct rank *r)
{
	static const uint8_t zero[64];
	const struct rg_link *from;
	int rc = connect_all(r);

	if (rc)
		return rc;
	MUST(r, put_at(r, RG_REGION_SLOT, RING_BYTES - 63, 64) == RG_ERR_RANGE);
	MUST(r, put_at(r, RG_REGION_SLOT, UINT64_MAX - 10, 64) == RG_ERR_RANGE);
	MUST(r, put_at(r, RG_REGION_SLOT, 64, UINT64_MAX - 10) == RG_ERR_RANGE);
	MUST(r, put_at(r, RG_REGION_SLOT, RING_BYTES + 1, 0) == RG_ERR_RANGE);
	MUST(r, put_at(r, RG_REGION_LL, LL_BYTES - 63, 64) == RG_ERR_RANGE);
	rc = meet(r);
	if (rc)
		return rc;
	from = rg_endpoint_link(r->ep, 0, previous(r));
	MUST(r, !memcmp(from->rx_slots + RING_BYTES - 63, zero, 63));
	MUST(r, !memcmp((uint8_t *)from->rx_ll + LL_BYTES - 63, zero, 63));
	return meet(r);
}

/* Nothing before, nothing after, and all of it. */
static int whole_rings_and_nothing_can_be_put(struct rank *r)
{
	const struct rg_link *from;
	int rc = connect_all(r);

	if (rc)
		return rc;
	from = rg_endpoint_link(r->ep, 0, previous(r));
	MUST(r, !put_at(r, RG_REGION_SLOT, RING_BYTES, 0));
	MUST(r, !put_at(r, RG_REGION_LL, LL_BYTES, 0));
	MUST(r, !put_at(r, RG_REGION_LL, 0, LL_BYTES));
	MUST(r, !signal_all(r, next(r), 0, RG_CTR_READY, 1));
	if (wait_counter(r, previous(r), RG_CTR_READY, 1))
		return r->err.code;
	for (size_t i = 0; moves_data(r) && i < LL_BYTES; i++)
		MUST(r, ((uint8_t *)from->rx_ll)[i] == 0xee);
	MUST(r, !moves_data(r) || (from->rx_slots[0] == 0 && from->rx_slots[RING_BYTES - 1] == 0));
	rc = meet(r);
	if (rc)
		return rc;
	MUST(r, !put_at(r, RG_REGION_SLOT, 0, RING_BYTES));
	MUST(r, !signal_all(r, next(r), 0, RG_CTR_READY, 2));
	if (wait_counter(r, previous(r), RG_CTR_READY, 2))
		return r->err.code;
	for (size_t i = 0; moves_data(r) && i < RING_BYTES; i++)
		MUST(r, from->rx_slots[i] == 0xee);
	return meet(r);
}

static uint8_t pattern(uint32_t sender, uint64_t message, size_t i)
{
	return (uint8_t)(sender * 31 + message * 17 + i * 7 + 1);
}

/* Sends message m to the next rank: waits for the slot, puts, signals. */
static int send_message(struct rank *r, uint64_t m, size_t len)
{
	const struct rg_geometry *g = &r->ep->config.geometry;
	uint8_t data[4096];

	if (m >= g->slots && wait_counter(r, next(r), RG_CTR_FREE, m - g->slots + 1))
		return r->err.code;
	for (size_t i = 0; i < len; i++)
		data[i] = pattern(r->ep->rank, m, i);
	const struct rg_put put = {
		.peer = next(r),
		.offset = (m % g->slots) * g->slot_bytes,
		.src = data,
		.len_bytes = len,
	};
	int rc = put_all(r, &put);

	memset(data, 0, sizeof(data)); /* the source is ours again */
	return rc ? rc : signal_all(r, next(r), 0, RG_CTR_READY, m + 1);
}

static int take_message(struct rank *r, uint64_t m, size_t len)
{
	const struct rg_geometry *g = &r->ep->config.geometry;
	const uint8_t *slot =
		rg_endpoint_link(r->ep, 0, previous(r))->rx_slots + (m % g->slots) * g->slot_bytes;

	if (wait_counter(r, previous(r), RG_CTR_READY, m + 1))
		return r->err.code;
	for (size_t i = 0; i < len && moves_data(r); i++) {
		if (slot[i] != pattern(previous(r), m, i))
			return rg_err_set(&r->err, RG_ERR_WRONG_DATA,
					  "message %d byte %zu of %zu is wrong", (int)m, i, len);
	}
	return signal_all(r, previous(r), 0, RG_CTR_FREE, m + 1);
}

/* Sizes 0, 1, odd, a whole slot; far more messages than slots. */
static int messages_arrive_whole_and_in_their_slots(struct rank *r)
{
	static const size_t sizes[] = {0, 1, 3, 7, 8, 63, 65, 1000, 4095, 4096};
	int rc = connect_all(r);

	for (uint64_t m = 0; m < 200 && !rc; m++) {
		size_t len = sizes[m % (sizeof(sizes) / sizeof(sizes[0]))];

		rc = send_message(r, m, len);
		if (!rc)
			rc = take_message(r, m, len);
	}
	return rc ? rc : meet(r);
}

/* Pieces of one round in all slots, words included: with the signal all of them are there. */
static int put_round(struct rank *r, uint64_t round)
{
	const struct rg_geometry *g = &r->ep->config.geometry;
	int rc = 0;

	for (uint32_t s = 0; s < 2 * g->slots && !rc; s++) {
		bool words = s >= g->slots;
		const struct rg_put put = {
			.peer = next(r),
			.region = words ? RG_REGION_LL : RG_REGION_SLOT,
			.offset = words ? (s - g->slots) * 2 * g->ll_bytes : s * g->slot_bytes,
			.src = &round,
			.len_bytes = sizeof(round),
		};

		rc = put_all(r, &put);
	}
	return rc ? rc : signal_all(r, next(r), 0, RG_CTR_READY, round);
}

static int check_round(struct rank *r, uint64_t round)
{
	const struct rg_geometry *g = &r->ep->config.geometry;
	const struct rg_link *l = rg_endpoint_link(r->ep, 0, previous(r));

	for (uint32_t s = 0; s < g->slots; s++) {
		MUST(r, !memcmp(l->rx_slots + (size_t)s * g->slot_bytes, &round, sizeof(round)));
		MUST(r, l->rx_ll[(size_t)s * g->ll_bytes / 4] == round);
	}
	return 0;
}

/* Fewer where each takes long: in a machine that is emulated. */
static uint64_t rounds(void)
{
	const char *text = getenv("RG_TEST_ROUNDS");

	return text && *text ? strtoull(text, NULL, 10) : 3000;
}

static int a_signal_is_seen_after_all_that_was_put_before(struct rank *r)
{
	int rc = connect_all(r);

	for (uint64_t round = 1; round <= rounds() && !rc; round++) {
		rc = put_round(r, round);
		if (!rc)
			rc = wait_counter(r, previous(r), RG_CTR_READY, round);
		if (!rc && moves_data(r))
			rc = check_round(r, round);
		/* The next round overwrites this one: only after it was looked at. */
		if (!rc)
			rc = signal_all(r, previous(r), 0, RG_CTR_FREE, round);
		if (!rc)
			rc = wait_counter(r, next(r), RG_CTR_FREE, round);
	}
	return rc ? rc : meet(r);
}

/* What rank `from` tells rank `to`; 0: nothing. */
static uint64_t told(uint32_t from, uint32_t to, uint32_t channel, uint32_t ctr)
{
	if (to != (from + 1) % RANKS)
		return 0;
	return (uint64_t)1 << 40 | (from * 1000 + channel * 100 + ctr);
}

static int counters_are_each_a_place_of_their_own(struct rank *r)
{
	uint32_t me = r->ep->rank;
	int rc = connect_all(r);

	for (uint32_t i = 0; i < CHANNELS * RG_CTR_COUNT && !rc; i++)
		rc = signal_all(r, next(r), i / RG_CTR_COUNT, (enum rg_ctr)(i % RG_CTR_COUNT),
				told(me, next(r), i / RG_CTR_COUNT, i % RG_CTR_COUNT));
	if (!rc)
		rc = meet(r);
	if (rc || !moves_data(r))
		return rc;
	for (uint32_t c = 0; c < CHANNELS && !rc; c++) /* the last that was sent on each channel */
		rc = wait_on(r, previous(r), c, (enum rg_ctr)(RG_CTR_COUNT - 1), 1);
	if (rc)
		return rc;
	for (uint32_t peer = 0; peer < RANKS; peer++) {
		for (uint32_t i = 0; i < CHANNELS * RG_CTR_COUNT; i++) {
			uint32_t channel = i / RG_CTR_COUNT, ctr = i % RG_CTR_COUNT;

			MUST(r, counter(r, peer, channel, (enum rg_ctr)ctr) ==
					told(peer, me, channel, ctr));
		}
	}
	return meet(r);
}

/* The same offset on every link: each sender and each channel has a ring of its own. */
static int rings_are_each_a_place_of_their_own(struct rank *r)
{
	uint32_t me = r->ep->rank;
	int rc = connect_all(r);

	for (uint32_t i = 0; i < RANKS * CHANNELS && !rc; i++) {
		uint32_t data = 1 + me * 100 + i;
		const struct rg_put put = {
			.peer = i / CHANNELS,
			.channel = i % CHANNELS,
			.offset = 4096,
			.src = &data,
			.len_bytes = sizeof(data),
		};

		rc = put_all(r, &put);
		if (!rc)
			rc = signal_all(r, put.peer, put.channel, RG_CTR_READY, 1);
	}
	if (!rc)
		rc = meet(r);
	for (uint32_t i = 0; i < RANKS * CHANNELS && !rc && moves_data(r); i++) {
		uint32_t peer = i / CHANNELS, channel = i % CHANNELS, seen;

		rc = wait_on(r, peer, channel, RG_CTR_READY, 1);
		if (rc)
			break;
		MUST(r, counter(r, peer, channel, RG_CTR_READY) == 1);
		memcpy(&seen, rg_endpoint_link(r->ep, channel, peer)->rx_slots + 4096, 4);
		MUST(r, seen == 1 + peer * 100 + me * CHANNELS + channel);
	}
	return rc ? rc : meet(r);
}

/* Sleeps until its doorbell rang, however often a sleep ends before by itself. */
static int sleep_until_rung(struct rank *r)
{
	const struct mapped *m = (const struct mapped *)r->ep; /* all that sleep so are mapped */
	uint32_t before = atomic_load(&m->mine->doorbell);
	uint64_t end = rg_clock_ns() + TEN_S;

	for (uint32_t idle = 0; atomic_load(&m->mine->doorbell) == before; idle++) {
		r->ops->idle(r->ep, idle);
		MUST(r, rg_clock_ns() < end);
	}
	r->ops->idle(r->ep, 0); /* awake again */
	return signal_all(r, 0, 0, RG_CTR_DONE, 1);
}

/* Signals to rank 1 whenever it sleeps, until it says that it heard the bell. */
static int signal_to_sleeper(struct rank *r)
{
	const struct rg_link *l = rg_endpoint_link(r->ep, 0, 1);
	uint64_t end = rg_clock_ns() + TEN_S, value = 0;
	int rc = 0;

	while (counter(r, 1, 0, RG_CTR_DONE) == 0 && !rc) {
		if (atomic_load(l->tx_asleep))
			rc = signal_all(r, 1, 0, RG_CTR_SYNC, ++value);
		MUST(r, rg_clock_ns() < end);
	}
	return rc;
}

static int a_signal_rings_for_a_sleeper(struct rank *r)
{
	int rc = connect_all(r);

	if (!rc)
		rc = meet(r);
	if (!rc && moves_data(r) && r->ep->caps & RG_CAP_MAPPED && r->ep->rank < 2)
		rc = r->ep->rank ? sleep_until_rung(r) : signal_to_sleeper(r);
	return rc ? rc : meet(r);
}

static int a_token_goes_round_among_sleepers(struct rank *r)
{
	int rc = connect_all(r);

	if (!rc)
		rc = meet(r);
	/* Three times; who does not have it sleeps. */
	for (uint64_t lap = 1; lap <= 3 && !rc && moves_data(r); lap++) {
		if (r->ep->rank != 0 && wait_counter(r, previous(r), RG_CTR_SYNC, lap))
			return r->err.code;
		rg_clock_sleep_until(rg_clock_ns() + 30000000);
		rc = signal_all(r, next(r), 0, RG_CTR_SYNC, lap);
		if (!rc && r->ep->rank == 0)
			rc = wait_counter(r, previous(r), RG_CTR_SYNC, lap);
	}
	return rc ? rc : meet(r);
}

/* Any memory, here of the stack, as soon as its owner tells where; nothing need be connected. */
static int memory_of_a_peer_is_read_by_its_address(struct rank *r)
{
	bool may = r->ep->caps & RG_CAP_READ;
	uint32_t mine[300], seen[300] = {0};
	uint64_t here = (uintptr_t)mine, at[RANKS];
	int rc;

	for (uint32_t i = 0; i < 300; i++)
		mine[i] = r->ep->rank * 1000 + i;
	rc = rg_rendezvous_allgather(r->rdv, &here, at, sizeof(here), rg_clock_ns() + TEN_S,
				     &r->err);
	for (uint32_t peer = 0; peer < RANKS && !rc; peer++) {
		int got = r->ops->read(r->ep, peer, seen, at[peer], sizeof(seen), &r->err);

		MUST(r, got == (may ? 0 : RG_ERR_UNSUPPORTED));
		for (uint32_t i = 0; i < 300; i++)
			MUST(r, seen[i] == (may ? peer * 1000 + i : 0));
	}
	MUST(r, !may || r->ops->read(r->ep, RANKS, seen, here, 4, NULL) == RG_ERR_INVALID);
	return rc ? rc : meet(r);
}

static int peers_of_this_process_are_alive(struct rank *r)
{
	int rc = r->ops->peer_alive(r->ep, next(r), &r->err);

	if (!rc)
		rc = connect_all(r);
	for (uint32_t peer = 0; peer < RANKS && !rc; peer++)
		rc = r->ops->peer_alive(r->ep, peer, &r->err);
	if (!rc)
		rc = r->ops->progress(r->ep, &r->err);
	return rc < 0 ? rc : meet(r);
}

#define CASE(name)                            \
	static void test_##name(void **state) \
	{                                     \
		every_transport(name);        \
	}

CASE(refuses_ranks_and_channels_that_do_not_exist)
CASE(refuses_to_put_or_signal_before_connect)
CASE(connects_twice_and_to_itself)
CASE(refuses_puts_beyond_the_region)
CASE(whole_rings_and_nothing_can_be_put)
CASE(messages_arrive_whole_and_in_their_slots)
CASE(a_signal_is_seen_after_all_that_was_put_before)
CASE(counters_are_each_a_place_of_their_own)
CASE(rings_are_each_a_place_of_their_own)
CASE(a_signal_rings_for_a_sleeper)
CASE(a_token_goes_round_among_sleepers)
CASE(memory_of_a_peer_is_read_by_its_address)
CASE(peers_of_this_process_are_alive)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refuses_ranks_and_channels_that_do_not_exist),
		cmocka_unit_test(test_refuses_to_put_or_signal_before_connect),
		cmocka_unit_test(test_connects_twice_and_to_itself),
		cmocka_unit_test(test_refuses_puts_beyond_the_region),
		cmocka_unit_test(test_whole_rings_and_nothing_can_be_put),
		cmocka_unit_test(test_messages_arrive_whole_and_in_their_slots),
		cmocka_unit_test(test_a_signal_is_seen_after_all_that_was_put_before),
		cmocka_unit_test(test_counters_are_each_a_place_of_their_own),
		cmocka_unit_test(test_rings_are_each_a_place_of_their_own),
		cmocka_unit_test(test_a_signal_rings_for_a_sleeper),
		cmocka_unit_test(test_a_token_goes_round_among_sleepers),
		cmocka_unit_test(test_memory_of_a_peer_is_read_by_its_address),
		cmocka_unit_test(test_peers_of_this_process_are_alive),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
