/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * verbs-rc on made-up devices: long messages are received straight into lent memory where they are
 * posted there, whatever the order in which things arrive; and nobody writes there afterwards.
 */
#include "config.h"

#include "fake_verbs.h"
#include "ranks.h"

#include "railgauge/base/clock.h"
#include "railgauge/transport/verbs.h"

#include "transport/verbs_rc_impl.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define SLOTS	   4u
#define SLOT_BYTES ((size_t)64 << 10)
#define ROUNDS	   3u
#define MESSAGES   (ROUNDS * SLOTS)
#define ALL_BYTES  (MESSAGES * SLOT_BYTES)

/* What the present case is about, for all ranks. */
static bool lends, all_placed;
static uint64_t len_bytes; /* of a message */
static uint64_t placed_before;

static uint8_t byte_at(uint32_t rank, uint64_t message, size_t i)
{
	return (uint8_t)(i * 7 + i / 4096 + 31 * message + rank);
}

static void post(struct rank *r, const struct rg_buffer *sink, uint64_t message)
{
	struct rg_link *l = rg_endpoint_link(r->ep, 0, previous(r));

	l->posted[message % SLOTS] = (struct rg_posted){
		.ready = message + 1,
		.dst = (uint8_t *)sink->base + message * len_bytes,
		.len_bytes = len_bytes,
	};
	r->ops->post(r->ep, previous(r), 0, message + 1);
}

static int send(struct rank *r, uint8_t *data, uint64_t message)
{
	const struct rg_put put = {
		.peer = next(r),
		.offset = message % SLOTS * SLOT_BYTES,
		.src = data,
		.len_bytes = len_bytes,
		.notify = true,
		.ctr = RG_CTR_READY,
		.value = message + 1,
	};

	for (size_t i = 0; i < len_bytes; i++)
		data[i] = byte_at(r->ep->rank, message, i);
	return put_all(r, &put);
}

/* It is either in its place or in its slot; the other one is as it was. */
static int check(struct rank *r, const struct rg_buffer *sink, uint64_t message, bool must_be)
{
	const struct rg_link *l = rg_endpoint_link(r->ep, 0, previous(r));
	const struct rg_posted *p = &l->posted[message % SLOTS];
	const uint8_t *slot = l->rx_slots + message % SLOTS * SLOT_BYTES, *place = p->dst;
	const uint8_t *is = p->placed ? place : slot;

	MUST(r, place == (uint8_t *)sink->base + message * len_bytes);
	MUST(r, p->placed || !must_be);
	MUST(r, !p->placed || lends);
	for (size_t i = 0; i < len_bytes; i++) {
		if (is[i] != byte_at(previous(r), message, i))
			return rg_err_set(&r->err, RG_ERR_WRONG_DATA, "message %u: byte %zu",
					  (unsigned)message, i);
	}
	for (size_t i = 0; i < len_bytes && !p->placed; i++)
		MUST(r, place[i] == 0xee);
	return 0;
}

/* A ring full. In the first round all know what is wanted before anybody sends. */
static int go_round(struct rank *r, const struct rg_buffer *sink, uint8_t *data, uint32_t round)
{
	uint64_t first = round * SLOTS;
	int rc = 0;

	for (uint64_t k = first; k < first + SLOTS; k++)
		post(r, sink, k);
	if (!round)
		rc = meet(r);
	if (!rc && r->ops->progress(r->ep, &r->err) < 0)
		rc = r->err.code;
	for (uint64_t k = first; k < first + SLOTS && !rc; k++)
		rc = send(r, data, k);
	if (!rc)
		rc = wait_counter(r, previous(r), RG_CTR_READY, first + SLOTS);
	for (uint64_t k = first; k < first + SLOTS && !rc; k++)
		rc = check(r, sink, k, all_placed && !round);
	if (!rc)
		rc = signal_all(r, previous(r), 0, RG_CTR_FREE, first + SLOTS);
	return rc ? rc : wait_counter(r, next(r), RG_CTR_FREE, first + SLOTS);
}

static int open_sink(struct rank *r, struct rg_buffer *sink)
{
	int rc = rg_buffer_open(RG_MEMORY_HOST, ALL_BYTES, 0, -1, sink, &r->err);

	if (rc)
		return rc;
	memset(sink->base, 0xee, ALL_BYTES);
	if (lends)
		r->ops->lend(r->ep, sink);
	fake_watch(sink->base, ALL_BYTES);
	return 0;
}

static int takes(struct rank *r)
{
	static uint8_t data[RANKS][SLOT_BYTES];
	struct rg_buffer sink = {0};
	int rc = connect_all(r);

	if (!rc)
		rc = open_sink(r, &sink);
	for (uint32_t round = 0; round < ROUNDS && !rc; round++)
		rc = go_round(r, &sink, data[r->ep->rank], round);
	part(r);
	r->ops->take_back(r->ep, &sink);
	rg_buffer_close(&sink);
	return rc;
}

static void run(int (*body)(struct rank *r), const struct rg_verbs_options *options)
{
	struct rank ranks[RANKS];

	prepare_ranks(ranks, &rg_transport_verbs_rc, body);
	for (uint32_t i = 0; i < RANKS; i++) {
		ranks[i].config.geometry.slots = SLOTS;
		ranks[i].config.geometry.slot_bytes = SLOT_BYTES;
		ranks[i].config.verbs = options;
	}
	run_ranks(ranks, 0);
	for (uint32_t i = 0; i < RANKS; i++) {
		if (ranks[i].rc)
			fail_msg("rank %u: %s (%s, %d qps)", i, ranks[i].err.text, options->device,
				 (int)options->qps);
	}
	assert_int_equal(fake_live(), 0);
}

/* With queue pairs and rails, in order and not. */
static void run_all_ways(bool lent, uint64_t bytes)
{
	lends = lent;
	len_bytes = bytes;
	for (unsigned way = 0; way < 8; way++) {
		struct rg_verbs_options options = rg_verbs_options_default;

		options.device = way & 1 ? "fake0,fake1" : "fake0";
		options.qps = way & 2 ? 2 : 1;
		all_placed = lent && bytes == SLOT_BYTES && !(way & 4);
		fake_reset(NULL, 0);
		fake_order(way & 4 ? FAKE_LATE | FAKE_SHUFFLE : 0, way);
		run(takes, &options);
		placed_before = fake_counts().placed_bytes;
		if (all_placed)
			assert_true(placed_before >= RANKS * SLOTS * bytes);
		else if (!lent)
			assert_int_equal(placed_before, 0);
	}
}

static void long_messages_are_received_where_they_are_posted(void **state)
{
	run_all_ways(true, SLOT_BYTES);
	run_all_ways(true, SLOT_BYTES - 8);
}

static void into_memory_that_is_not_lent_they_are_copied(void **state)
{
	run_all_ways(false, SLOT_BYTES);
}

static void short_ones_are_not_worth_telling(void **state)
{
	run_all_ways(true, VRC_POST_BYTES - 8); /* each */
	assert_int_equal(placed_before, 0);
	run_all_ways(true, VRC_POST_BYTES); /* all that there are at a time */
	assert_int_equal(placed_before, 0);
}

static void with_other_notifications_they_are_copied(void **state)
{
	for (int way = 0; way < 2; way++) {
		struct rg_verbs_options options = rg_verbs_options_default;

		options.notify = way ? RG_VERBS_SEND : RG_VERBS_WRITE_COUNTER;
		options.path_order = RG_VERBS_ON;
		options.device = "fake0";
		lends = true;
		len_bytes = SLOT_BYTES;
		all_placed = false;
		fake_reset(NULL, 0);
		run(takes, &options);
		assert_int_equal(fake_counts().placed_bytes, 0);
	}
}

/* --- registrations --- */

static int cannot_lend(struct rank *r)
{
	struct rg_buffer sink = {0};
	static uint8_t data[RANKS][SLOT_BYTES];
	int rc = connect_all(r);

	if (!rc)
		rc = open_sink(r, &sink);
	if (!rc)
		rc = meet(r);
	if (!rc && r->ep->rank == 0)
		fake_fail("ibv_reg_mr", 1, ENOMEM);
	if (!rc)
		rc = meet(r);
	if (!rc && r->ep->rank == 0)
		r->ops->lend(r->ep, &sink);
	if (!rc)
		rc = go_round(r, &sink, data[r->ep->rank], 0);
	part(r);
	r->ops->take_back(r->ep, &sink);
	rg_buffer_close(&sink);
	return rc;
}

static void what_cannot_be_registered_is_copied(void **state)
{
	struct rg_verbs_options options = rg_verbs_options_default;

	options.device = "fake0";
	len_bytes = SLOT_BYTES;
	lends = all_placed = false;
	fake_reset(NULL, 0);
	run(cannot_lend, &options);
	assert_string_equal(fake_failed(), "ibv_reg_mr");
	assert_int_equal(fake_counts().placed_bytes, 0);
}

/* --- failures --- */

/* Rank 1 takes back what it has told rank 0 of, who sends it all the same. */
static int takes_back_too_early(struct rank *r)
{
	static uint8_t data[SLOT_BYTES];
	struct rg_buffer sink = {0};
	struct rg_err err = {0};
	int rc = connect_all(r);

	if (!rc)
		rc = open_sink(r, &sink);
	for (uint64_t k = 0; k < SLOTS && !rc && r->ep->rank == 1; k++)
		post(r, &sink, k);
	if (!rc)
		rc = meet(r);
	if (!rc && r->ep->rank == 1) {
		r->ops->take_back(r->ep, &sink);
		rc = r->ops->peer_alive(r->ep, 0, &err) == RG_ERR_PEER &&
				     strstr(err.text, "taken back") &&
				     !r->ops->peer_alive(r->ep, 2, &err)
			     ? 0
			     : rg_err_set(&r->err, RG_ERR_INTERNAL, "rank 0 is not cut off");
	}
	if (!rc)
		rc = rg_rendezvous_barrier(r->rdv, rg_clock_ns() + TEN_S, &r->err);
	if (!rc && r->ep->rank == 0)
		rc = send(r, data, 0);
	part(r);
	for (size_t i = 0; i < SLOT_BYTES && r->ep->rank == 1; i++)
		MUST(r, ((uint8_t *)sink.base)[i] == 0xee);
	r->ops->take_back(r->ep, &sink);
	rg_buffer_close(&sink);
	return rc;
}

static void nobody_writes_where_memory_was_taken_back(void **state)
{
	struct rg_verbs_options options = rg_verbs_options_default;

	options.device = "fake0";
	lends = true;
	len_bytes = SLOT_BYTES;
	fake_reset(NULL, 0);
	run(takes_back_too_early, &options);
	assert_int_equal(fake_counts().placed_bytes, 0);
}

/* What a peer might say of places. */
static void places_that_cannot_be_are_refused(void **state)
{
	struct vrc_place places[SLOTS] = {0};
	struct vrc v = {.ep.config.geometry.slots = SLOTS};
	struct vrc_link l = {.places = places};
	const struct vrc_message bad[] = {
		{.value = 1, .len_bytes = 0, .each_bytes = 4096},
		{.value = 1, .len_bytes = 4096, .each_bytes = 0},
		{.value = 0, .len_bytes = 4096, .each_bytes = 4096},
		{.value = 1, .len_bytes = SLOTS * 4096 + 1, .each_bytes = 4096},
		{.value = 1, .len_bytes = UINT32_MAX, .each_bytes = UINT32_MAX / 8},
		{.value = 1, .len_bytes = UINT32_MAX, .each_bytes = 1},
	};
	const struct vrc_message good = {
		.at = 1000, .value = 4, .len_bytes = 2 * 4096 + 1, .each_bytes = 4096};

	const struct vrc_message longest = {
		.value = 1, .len_bytes = UINT32_MAX, .each_bytes = 1 << 30};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_non_null(vrc_told_places(&v, &l, &bad[i]));
		assert_false(l.told_places);
	}
	assert_null(vrc_told_places(&v, &l, &good));
	assert_true(l.told_places);
	assert_true(places[3].ready == 4 && places[3].at == 1000 && places[3].len_bytes == 4096);
	assert_true(places[1].ready == 6 && places[1].at == 9192 && places[1].len_bytes == 1);
	assert_true(places[2].ready == 0);
	assert_null(vrc_told_places(&v, &l, &longest));
	assert_true(places[3].ready == 4 && places[3].len_bytes == ((uint64_t)1 << 30) - 1);
}

/* What a peer says that it has put where nobody wants it. */
static void messages_that_are_placed_where_none_is_wanted_are_refused(void **state)
{
	struct rg_posted posted[SLOTS] = {0};
	struct vrc_wanted wanted[SLOTS] = {0};
	struct vrc v = {.ep.config.geometry.slots = SLOTS};
	struct vrc_link l = {.base.posted = posted, .wanted = wanted};

	assert_null(vrc_came(&v, &l, 0, 1, false));
	assert_non_null(vrc_came(&v, &l, 0, 1, true));
	posted[0].ready = 1;
	assert_non_null(vrc_came(&v, &l, 0, 1, true)); /* it was not told */
	wanted[0].told = true;
	assert_non_null(vrc_came(&v, &l, 1, 1, true)); /* it has come */
	assert_non_null(vrc_came(&v, &l, 4, 5, true)); /* another one */
	assert_false(posted[0].placed);
	assert_null(vrc_came(&v, &l, 0, 1, true));
	assert_true(posted[0].placed);
}

/* What comes behind it is not believed either. */
static int counts_back(struct rank *r)
{
	const uint64_t values[] = {5, 3, 9};
	uint64_t end = rg_clock_ns() + TEN_S;
	uint32_t idle = 0;
	int rc = connect_all(r);

	for (int k = 0; k < 3 && !rc && r->ep->rank == 0; k++)
		rc = signal_all(r, 1, 0, RG_CTR_READY, values[k]);
	while (!rc && r->ep->rank == 1 && !r->ops->peer_alive(r->ep, 0, &r->err)) {
		MUST(r, rg_clock_ns() < end);
		rc = turn(r, &idle);
	}
	part(r);
	if (rc || r->ep->rank != 1)
		return rc;
	MUST(r, strstr(r->err.text, "rank 0") && strstr(r->err.text, "goes back"));
	MUST(r, r->ops->progress(r->ep, &r->err) >= 0);
	MUST(r, counter(r, 0, 0, RG_CTR_READY) == 5);
	return 0;
}

static void a_peer_that_counts_back_is_cut_off(void **state)
{
	struct rg_verbs_options options = rg_verbs_options_default;

	options.device = "fake0";
	fake_reset(NULL, 0);
	run(counts_back, &options);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(long_messages_are_received_where_they_are_posted),
		cmocka_unit_test(into_memory_that_is_not_lent_they_are_copied),
		cmocka_unit_test(short_ones_are_not_worth_telling),
		cmocka_unit_test(with_other_notifications_they_are_copied),
		cmocka_unit_test(what_cannot_be_registered_is_copied),
		cmocka_unit_test(nobody_writes_where_memory_was_taken_back),
		cmocka_unit_test(places_that_cannot_be_are_refused),
		cmocka_unit_test(messages_that_are_placed_where_none_is_wanted_are_refused),
		cmocka_unit_test(a_peer_that_counts_back_is_cut_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
