/* SPDX-License-Identifier: BSD-3-Clause */
/* One end of the reliable stream of verbs-ud, which is told what a peer might say, and when. */
#include "config.h"

#include "transport/verbs_ud_flow.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define W  UD_FLOW_WINDOW
#define US UINT64_C(1000)
#define MS UINT64_C(1000000)
#define S  UINT64_C(1000000000)

static const struct ud_flow_config plain = {.first_window = 16, .silence_ns = 10 * S};

static uint32_t send_some(struct ud_flow *f, uint32_t count, uint64_t now)
{
	uint32_t sent = 0;

	for (uint32_t k = 0; k < count; k++)
		ud_flow_add(f, (uint16_t)k);
	for (; ud_flow_may_send(f); sent++)
		ud_flow_send(f, &plain, now);
	return sent;
}

static enum ud_flow_verdict hear(struct ud_flow *f, uint32_t next, uint64_t early, uint64_t now)
{
	const struct ud_flow_ack ack = {.next = next, .early = early};
	uint16_t freed[W];
	uint32_t n;

	return ud_flow_acknowledged(f, &plain, &ack, now, freed, &n);
}

static void two_packets_that_overtake_are_no_loss_and_three_are(void **state)
{
	struct ud_flow f;

	ud_flow_init(&f, &plain);
	assert_int_equal(send_some(&f, 8, 0), 8);
	assert_int_equal(hear(&f, 0, 3, 100 * US), UD_FLOW_NEXT); /* 1 and 2 are there */
	assert_false(ud_flow_may_send(&f));
	assert_int_equal(hear(&f, 0, 7, 100 * US), UD_FLOW_NEXT);
	assert_true(ud_flow_may_send(&f));
	struct ud_flow_packet p = ud_flow_send(&f, &plain, 100 * US);

	assert_true(p.number == 0 && p.again && p.ask);
	assert_false(ud_flow_may_send(&f));
}

/* Without waiting for the time to pass. */
static void a_repetition_that_is_lost_again_is_found_by_what_was_sent_after_it(void **state)
{
	struct ud_flow f;

	ud_flow_init(&f, &plain);
	send_some(&f, 8, 0);
	hear(&f, 0, 7, 100 * US); /* 1, 2, 3 */
	assert_int_equal(ud_flow_send(&f, &plain, 100 * US).number, 0);
	for (uint32_t k = 8; k < 11; k++)
		ud_flow_add(&f, (uint16_t)k);
	for (uint32_t k = 8; k < 11; k++)
		assert_int_equal(ud_flow_send(&f, &plain, 110 * US).number, k);
	hear(&f, 0, 0x7f | 3 << 7, 210 * US); /* up to 9 */
	assert_false(ud_flow_may_send(&f));
	hear(&f, 0, 0x7f | 7 << 7, 210 * US);
	assert_true(ud_flow_may_send(&f));
	assert_int_equal(ud_flow_send(&f, &plain, 220 * US).number, 0);
}

/* The first transmission was only late: what was sent since is not lost for that. */
static void an_acknowledgement_sooner_than_any_round_trip_is_of_the_first_sending(void **state)
{
	struct ud_flow f;

	ud_flow_init(&f, &plain);
	send_some(&f, 4, 0);
	hear(&f, 0, 7, 100 * US);
	send_some(&f, 4, 150 * US); /* 0 again, then 4 to 7 */
	assert_int_equal(f.repeated, 1);
	assert_int_equal(hear(&f, 4, 0, 160 * US), UD_FLOW_NEXT);
	assert_int_equal(f.newest_arrived, 4);
	assert_false(ud_flow_may_send(&f));
}

static void the_window_is_halved_by_loss_once_and_falls_when_nothing_answers_any_more(void **state)
{
	uint64_t now = 100 * US;
	struct ud_flow f;

	ud_flow_init(&f, &plain);
	assert_int_equal(send_some(&f, 30, 0), 16);
	assert_false(ud_flow_is_open(&f));
	/* 0 and 2 are lost, which is one loss; 4 arrived and 10 are under way. */
	hear(&f, 0, 1 | 7 << 2, now);
	assert_int_equal(f.window_256ths / 256, 8);
	assert_false(ud_flow_may_send(&f));
	for (uint32_t k = 1; k <= UD_FLOW_TIMEOUTS; k++) {
		assert_int_equal(f.window_256ths / 256, 8);
		now = ud_flow_due_ns(&f);
		ud_flow_pass(&f, &plain, now - 1);
		assert_false(ud_flow_may_send(&f));
		ud_flow_pass(&f, &plain, now);
		assert_int_equal(send_some(&f, 0, now), 1); /* whatever the window */
	}
	assert_int_equal(f.window_256ths / 256, UD_FLOW_WINDOW_MIN);
}

/* The peer was busy: all had arrived, and nothing was lost. */
static void a_timeout_sends_one_packet_and_is_no_loss(void **state)
{
	struct ud_flow f;

	ud_flow_init(&f, &plain);
	assert_int_equal(send_some(&f, 10, 0), 10);
	ud_flow_pass(&f, &plain, UD_FLOW_RTO_FIRST_NS);
	assert_int_equal(send_some(&f, 0, 20 * MS), 1);
	ud_flow_pass(&f, &plain, 20 * MS + 2 * UD_FLOW_RTO_FIRST_NS);
	assert_int_equal(send_some(&f, 0, 60 * MS), 1);
	assert_int_equal(hear(&f, 10, 0, 61 * MS), UD_FLOW_NEXT);
	assert_true(ud_flow_is_settled(&f));
	assert_int_equal(f.repeated, 2);
	assert_true(f.window_256ths / 256 >= 16);
}

/* The last two are lost, which nothing overtakes until the timeout. */
static void what_a_timeout_sends_finds_the_others_that_are_lost(void **state)
{
	struct ud_flow f;

	ud_flow_init(&f, &plain);
	send_some(&f, 5, 0);
	hear(&f, 3, 0, 100 * US);
	ud_flow_pass(&f, &plain, 2 * MS);
	assert_int_equal(ud_flow_send(&f, &plain, 2 * MS).number, 3);
	hear(&f, 4, 0, 2 * MS + 100 * US);
	assert_true(ud_flow_may_send(&f));
	assert_int_equal(ud_flow_send(&f, &plain, 3 * MS).number, 4);
}

static void late_acknowledgements_are_not_measured(void **state)
{
	const struct ud_flow_ack late = {.next = 2, .late = true};
	uint16_t freed[W];
	struct ud_flow f;
	uint32_t n;

	ud_flow_init(&f, &plain);
	send_some(&f, 1, 0);
	hear(&f, 1, 0, 100 * US);
	send_some(&f, 1, S);
	ud_flow_acknowledged(&f, &plain, &late, S + 400 * MS, freed, &n);
	send_some(&f, 1, 2 * S);
	assert_int_equal(ud_flow_due_ns(&f), 2 * S + UD_FLOW_RTO_MIN_NS);
	/* They are told to be so, by who was away or took too long. */
	ud_flow_came(&f, 0, false, 0, true, 3 * S);
	assert_false(ud_flow_tell(&f, 3 * S + UD_FLOW_ACK_DELAY_NS + UD_FLOW_AWAY_NS).late);
	ud_flow_came(&f, 1, false, 0, true, 3 * S);
	assert_true(ud_flow_tell(&f, 3 * S + UD_FLOW_ACK_DELAY_NS + UD_FLOW_AWAY_NS + 1).late);
	ud_flow_was_away(&f);
	ud_flow_came(&f, 2, false, 0, true, 3 * S);
	assert_true(ud_flow_tell(&f, 3 * S).late);
	assert_false(ud_flow_tell(&f, 3 * S).late);
}

static void the_window_grows_while_it_is_used_and_has_an_end(void **state)
{
	struct ud_flow f;
	uint32_t next = 0;

	ud_flow_init(&f, &plain);
	for (uint32_t k = 0; k < 100; k++) { /* one at a time: the window is not used */
		next += send_some(&f, 1, k * MS);
		hear(&f, next, 0, k * MS + 50 * US);
	}
	assert_int_equal(f.window_256ths, 16 * 256);
	for (uint32_t k = 100; k < 200; k++) {
		next += send_some(&f, W, k * MS);
		hear(&f, next, 0, k * MS + 50 * US);
		next += send_some(&f, 0, k * MS + 50 * US);
		hear(&f, next, 0, k * MS + 100 * US);
		next += send_some(&f, 0, k * MS + 100 * US);
		hear(&f, next, 0, k * MS + 150 * US);
		assert_true(ud_flow_is_settled(&f));
	}
	assert_int_equal(f.window_256ths, W * 256);
	assert_int_equal(send_some(&f, W, 300 * MS), W);
	assert_false(ud_flow_has_room(&f));
}

static void time_runs_out_later_each_time_and_a_silent_peer_is_told_by_its_limit(void **state)
{
	uint64_t now = 5 * S, last = 0, first = 0;
	struct ud_flow f;

	ud_flow_init(&f, &plain);
	assert_false(ud_flow_is_silent(&f, &plain, UINT64_MAX));
	send_some(&f, 1, now);
	for (uint32_t k = 0; now < 15 * S; k++) {
		uint64_t due = ud_flow_due_ns(&f), wait = due - now;

		first = k ? first : wait;
		assert_true(k == 0 || wait == 2 * last || wait == UD_FLOW_RTO_MAX_NS);
		assert_false(ud_flow_is_silent(&f, &plain, now));
		last = wait;
		now = due;
		ud_flow_pass(&f, &plain, now - 1);
		assert_false(ud_flow_may_send(&f));
		ud_flow_pass(&f, &plain, now);
		assert_true(ud_flow_may_send(&f));
		assert_true(ud_flow_send(&f, &plain, now).again);
	}
	assert_int_equal(first, UD_FLOW_RTO_FIRST_NS);
	assert_true(ud_flow_is_silent(&f, &plain, 15 * S + 1));
	assert_true(f.repeated < 40);
	/* An answer, however late, ends it. */
	hear(&f, 1, 0, now);
	assert_false(ud_flow_is_silent(&f, &plain, 100 * S));
	assert_int_equal(ud_flow_due_ns(&f), UINT64_MAX);
}

/* As RFC 6298 has it, and between its bounds. */
static void the_timeout_follows_the_round_trips(void **state)
{
	struct ud_flow f;

	ud_flow_init(&f, &plain);
	for (uint32_t k = 0; k < 200; k++) {
		send_some(&f, 1, k * S);
		hear(&f, k + 1, 0, k * S + 40 * MS);
	}
	assert_in_range(f.srtt_ns, 39 * MS, 41 * MS);
	send_some(&f, 1, 200 * S);
	assert_in_range(ud_flow_due_ns(&f) - 200 * S, 40 * MS - MS, 44 * MS);
	hear(&f, 201, 0, 200 * S + 80 * MS); /* a spread: 40 + 5, and 4 times a quarter of 40 */
	send_some(&f, 1, 201 * S);
	assert_in_range(ud_flow_due_ns(&f) - 201 * S, 83 * MS, 90 * MS);
	for (uint32_t k = 202; k < 500; k++) {
		hear(&f, k, 0, (k - 1) * S + 10 * US);
		send_some(&f, 1, k * S);
	}
	assert_int_equal(ud_flow_due_ns(&f) - 499 * S, UD_FLOW_RTO_MIN_NS);
}

static void acknowledgements_of_what_was_not_sent_are_nonsense_and_change_nothing(void **state)
{
	struct ud_flow f, before;

	ud_flow_init(&f, &plain);
	assert_int_equal(hear(&f, 1, 0, 0), UD_FLOW_NONSENSE);
	assert_int_equal(hear(&f, 0, 1, 0), UD_FLOW_NONSENSE);
	send_some(&f, 20, 0); /* 16 of them are sent */
	hear(&f, 4, 0, 10);
	before = f;
	assert_int_equal(hear(&f, 17, 0, 20), UD_FLOW_NONSENSE);
	assert_int_equal(hear(&f, 4 + (1u << 31), 0, 20), UD_FLOW_OLD); /* 2^31 behind */
	assert_int_equal(hear(&f, 4 + (1u << 30), 0, 20), UD_FLOW_NONSENSE);
	assert_int_equal(hear(&f, 4, UINT64_C(1) << 11, 20), UD_FLOW_NONSENSE); /* 16 */
	assert_int_equal(hear(&f, 4, UINT64_C(1) << 63, 20), UD_FLOW_NONSENSE);
	assert_int_equal(hear(&f, 16, 1, 20), UD_FLOW_NONSENSE);
	assert_int_equal(hear(&f, 2, UINT64_MAX, 20), UD_FLOW_OLD); /* it came late */
	assert_int_equal(hear(&f, 4, 0, 20), UD_FLOW_OLD);
	assert_memory_equal(&f, &before, sizeof(f));
	assert_int_equal(hear(&f, 4, UINT64_C(1) << 10, 20), UD_FLOW_NEXT); /* 15 */
}

static void packets_beyond_the_window_are_nonsense_and_old_ones_are_told_about(void **state)
{
	struct ud_flow_ack ack;
	struct ud_flow f;
	uint16_t id;

	ud_flow_init(&f, &plain);
	assert_int_equal(ud_flow_came(&f, W, false, 1, true, 0), UD_FLOW_NONSENSE);
	assert_int_equal(ud_flow_came(&f, 1u << 31, false, 1, true, 0), UD_FLOW_OLD);
	ud_flow_tell(&f, 0);
	assert_int_equal(ud_flow_came(&f, W - 1, false, 7, false, 0), UD_FLOW_REFUSED);
	assert_false(ud_flow_must_tell(&f, 0));
	assert_int_equal(ud_flow_came(&f, W - 1, false, 7, true, 0), UD_FLOW_HELD);
	assert_int_equal(ud_flow_came(&f, W - 1, false, 8, true, 0), UD_FLOW_OLD);
	assert_int_equal(ud_flow_came(&f, 0, false, 9, true, 0), UD_FLOW_NEXT);
	assert_false(ud_flow_next_held(&f, &id));
	ack = ud_flow_tell(&f, 0);
	assert_int_equal(ack.next, 1);
	assert_true(ack.early == UINT64_C(1) << (W - 3));
	for (uint32_t k = 1; k < W - 1; k++)
		assert_int_equal(ud_flow_came(&f, k, false, 9, true, 0), UD_FLOW_NEXT);
	assert_true(ud_flow_next_held(&f, &id));
	assert_int_equal(id, 7);
	assert_false(ud_flow_next_held(&f, &id));
	assert_int_equal(f.doubled, 2);
}

static void an_acknowledgement_waits_for_data_but_not_for_long_and_not_when_asked_for(void **state)
{
	struct ud_flow_ack ack;
	struct ud_flow f;

	ud_flow_init(&f, &plain);
	assert_int_equal(ud_flow_due_ns(&f), UINT64_MAX);
	ud_flow_came(&f, 0, false, 0, true, 5 * US);
	ud_flow_came(&f, 1, false, 0, true, 50 * US); /* the first one's time counts */
	assert_int_equal(ud_flow_due_ns(&f), 5 * US + UD_FLOW_ACK_DELAY_NS);
	assert_false(ud_flow_must_tell(&f, 5 * US + UD_FLOW_ACK_DELAY_NS - 1));
	assert_true(ud_flow_must_tell(&f, 5 * US + UD_FLOW_ACK_DELAY_NS));
	ack = ud_flow_tell(&f, 60 * US); /* taken along */
	assert_true(ack.next == 2 && !ack.early);
	assert_int_equal(ud_flow_due_ns(&f), UINT64_MAX);
	ud_flow_came(&f, 2, true, 0, true, 60 * US);
	assert_true(ud_flow_must_tell(&f, 60 * US));
	ud_flow_tell(&f, 0);
	ud_flow_came(&f, 4, false, 0, true, 60 * US); /* a gap */
	assert_true(ud_flow_must_tell(&f, 60 * US));
}

static void the_end_gives_back_what_was_not_acknowledged_and_what_is_held(void **state)
{
	uint16_t sent[W], held[W];
	uint32_t nsent, nheld;
	struct ud_flow f;

	ud_flow_init(&f, &plain);
	send_some(&f, 20, 0);
	hear(&f, 3, 1 << 4, 10); /* 8 */
	ud_flow_came(&f, 2, false, 77, true, 0);
	ud_flow_came(&f, 5, false, 78, true, 0);
	ud_flow_end(&f, sent, &nsent, held, &nheld);
	assert_int_equal(nsent, 20 - 4);
	assert_true(sent[0] == 3 && sent[4] == 7 && sent[5] == 9 && sent[15] == 19);
	assert_true(nheld == 2 && held[0] == 77 && held[1] == 78);
	assert_true(ud_flow_is_settled(&f) && !ud_flow_may_send(&f));
	assert_int_equal(ud_flow_due_ns(&f), UINT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_packets_that_overtake_are_no_loss_and_three_are),
		cmocka_unit_test(
			a_repetition_that_is_lost_again_is_found_by_what_was_sent_after_it),
		cmocka_unit_test(
			an_acknowledgement_sooner_than_any_round_trip_is_of_the_first_sending),
		cmocka_unit_test(
			the_window_is_halved_by_loss_once_and_falls_when_nothing_answers_any_more),
		cmocka_unit_test(a_timeout_sends_one_packet_and_is_no_loss),
		cmocka_unit_test(what_a_timeout_sends_finds_the_others_that_are_lost),
		cmocka_unit_test(late_acknowledgements_are_not_measured),
		cmocka_unit_test(the_window_grows_while_it_is_used_and_has_an_end),
		cmocka_unit_test(
			time_runs_out_later_each_time_and_a_silent_peer_is_told_by_its_limit),
		cmocka_unit_test(the_timeout_follows_the_round_trips),
		cmocka_unit_test(
			acknowledgements_of_what_was_not_sent_are_nonsense_and_change_nothing),
		cmocka_unit_test(
			packets_beyond_the_window_are_nonsense_and_old_ones_are_told_about),
		cmocka_unit_test(
			an_acknowledgement_waits_for_data_but_not_for_long_and_not_when_asked_for),
		cmocka_unit_test(the_end_gives_back_what_was_not_acknowledged_and_what_is_held),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
