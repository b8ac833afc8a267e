/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * verbs-rc on made-up devices: how connections end. Whatever a completion or an event says reaches
 * the user in words, and ends what it is about, no more.
 */
#include "config.h"

#include "rc_ranks.h"
#include "transport/verbs_rc_impl.h"

#include "railgauge/base/clock.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* All are connected, and have exchanged something. Rank 0 goes on, the others meet it at the end.
 */
static int begin(struct rank *r)
{
	int rc = connect_all(r);

	if (!rc)
		rc = exchange(r, 0, 4, 64);
	return rc ? rc : meet(r);
}

static void use_fake0(struct rg_verbs_options *options)
{
	*options = rg_verbs_options_default;
	options->device = "fake0";
}

/* --- completions --- */

static const char *const status_words[] = {
	[IBV_WC_LOC_LEN_ERR] = "local length error",
	[IBV_WC_LOC_QP_OP_ERR] = "local queue pair operation error",
	[IBV_WC_LOC_EEC_OP_ERR] = "local EE context operation error",
	[IBV_WC_LOC_PROT_ERR] = "memory that is not registered",
	[IBV_WC_WR_FLUSH_ERR] = "work request flushed",
	[IBV_WC_MW_BIND_ERR] = "memory window bind error",
	[IBV_WC_BAD_RESP_ERR] = "bad response",
	[IBV_WC_LOC_ACCESS_ERR] = "local access error",
	[IBV_WC_REM_INV_REQ_ERR] = "remote invalid request",
	[IBV_WC_REM_ACCESS_ERR] = "remote access error",
	[IBV_WC_REM_OP_ERR] = "remote operation error",
	[IBV_WC_RETRY_EXC_ERR] = "transport retry counter exceeded",
	[IBV_WC_RNR_RETRY_EXC_ERR] = "the peer posts no receives",
	[IBV_WC_LOC_RDD_VIOL_ERR] = "local RDD violation",
	[IBV_WC_REM_INV_RD_REQ_ERR] = "remote invalid RD request",
	[IBV_WC_REM_ABORT_ERR] = "remote aborted",
	[IBV_WC_INV_EECN_ERR] = "invalid EE context number",
	[IBV_WC_INV_EEC_STATE_ERR] = "invalid EE context state",
	[IBV_WC_FATAL_ERR] = "fatal device error",
	[IBV_WC_RESP_TIMEOUT_ERR] = "response timeout",
	[IBV_WC_GENERAL_ERR] = "general error",
	[IBV_WC_GENERAL_ERR + 1] = "a status that is not known here",
};

static uint32_t status_tried;

static int meets_a_status(struct rank *r)
{
	uint8_t data[64] = {0};
	const struct rg_put put = put_of(r, data, sizeof(data), 4);
	char number[32];
	int rc = begin(r);

	if (rc || r->ep->rank)
		return rc ? rc : meet(r);
	fake_complete(1, (enum ibv_wc_status)status_tried, 0x81);
	MUST(r, !put_all(r, &put));
	MUST(r, !wait_for_end(r, 1));
	snprintf(number, sizeof(number), "(status %u, vendor 0x81", status_tried);
	MUST(r, strstr(r->err.text, "fake0 port 1 to rank 1 on"));
	MUST(r, strstr(r->err.text, status_words[status_tried]));
	MUST(r, strstr(r->err.text, number));
	MUST(r, status_tried == IBV_WC_WR_FLUSH_ERR || strstr(r->err.text, "in state error"));
	MUST(r, !r->ops->peer_alive(r->ep, 2, &r->err));
	return meet(r);
}

static void each_status_of_a_completion_is_told_in_words(void **state)
{
	struct rg_verbs_options options;

	use_fake0(&options);
	for (uint32_t s = 1; s < sizeof(status_words) / sizeof(status_words[0]); s++) {
		fake_reset(NULL, 0);
		status_tried = s;
		run_rc(meets_a_status, &options);
	}
}

static int cannot_poll(struct rank *r)
{
	int rc = begin(r);

	if (rc || r->ep->rank)
		return rc ? rc : meet(r);
	fake_fail("ibv_poll_cq", 1, EIO);
	/* It may meet another rank that closes, but there are none before the end. */
	MUST(r, r->ops->progress(r->ep, &r->err) == RG_ERR_SYSTEM);
	MUST(r, strstr(r->err.text, "fake0 port 1: its completions cannot be had"));
	return meet(r);
}

static void completions_that_cannot_be_had_are_an_error(void **state)
{
	struct rg_verbs_options options;

	use_fake0(&options);
	run_rc(cannot_poll, &options);
}

/* --- events --- */

static enum ibv_event_type event_tried;
static const char *event_words;

/* Every peer is lost to every rank: the event is at all contexts of the device. */
static int loses_all(struct rank *r)
{
	int rc = begin(r);

	if (!rc && r->ep->rank == 0)
		fake_event("fake0", event_tried, NULL);
	if (!rc)
		rc = meet(r);
	for (uint32_t peer = 0; peer < RANKS && !rc; peer++) {
		if (peer == r->ep->rank)
			continue;
		rc = wait_for_end(r, peer);
		MUST(r, rc || strstr(r->err.text, "fake0 port 1: "));
		MUST(r, rc || strstr(r->err.text, event_words));
	}
	/* What is put goes nowhere, and there is no new connection. */
	if (!rc)
		rc = signal_all(r, next(r), 0, RG_CTR_FREE, 7);
	return rc ? rc : meet(r);
}

static void what_a_device_cannot_go_on_without_ends_all_connections(void **state)
{
	static const struct {
		enum ibv_event_type type;
		const char *words;
	} events[] = {
		{IBV_EVENT_CQ_ERR, "a completion queue has overrun"},
		{IBV_EVENT_SRQ_ERR, "a shared receive queue failed"},
		{IBV_EVENT_WQ_FATAL, "a work queue failed"},
		{IBV_EVENT_DEVICE_FATAL, "the device failed, was reset or taken away"},
	};
	struct rg_verbs_options options;

	use_fake0(&options);
	for (size_t n = 0; n < sizeof(events) / sizeof(events[0]); n++) {
		fake_reset(NULL, 0);
		event_tried = events[n].type;
		event_words = events[n].words;
		run_rc(loses_all, &options);
	}
}

static int loses_one(struct rank *r)
{
	int rc = begin(r);

	if (rc || r->ep->rank)
		return rc ? rc : meet(r);
	fake_event("fake0", event_tried, vrc_qp_of((struct vrc *)r->ep, 1, 0)->qp);
	MUST(r, !wait_for_end(r, 1));
	MUST(r, strstr(r->err.text, "rank 1"));
	MUST(r, strstr(r->err.text, "a queue pair failed"));
	MUST(r, !r->ops->peer_alive(r->ep, 2, &r->err));
	MUST(r, !signal_all(r, 2, 0, RG_CTR_SYNC, 1));
	return meet(r);
}

static void a_queue_pair_that_fails_ends_its_connection_alone(void **state)
{
	static const enum ibv_event_type events[] = {IBV_EVENT_QP_FATAL, IBV_EVENT_QP_REQ_ERR,
						     IBV_EVENT_QP_ACCESS_ERR};
	struct rg_verbs_options options;

	use_fake0(&options);
	for (size_t n = 0; n < sizeof(events) / sizeof(events[0]); n++) {
		fake_reset(NULL, 0);
		event_tried = events[n];
		run_rc(loses_one, &options);
	}
}

/* Events that say nothing of the kind: for 50 ms, in which they are looked at. */
static int loses_none(struct rank *r)
{
	static const enum ibv_event_type of_qp[] = {IBV_EVENT_COMM_EST, IBV_EVENT_SQ_DRAINED,
						    IBV_EVENT_PATH_MIG, IBV_EVENT_PATH_MIG_ERR,
						    IBV_EVENT_QP_LAST_WQE_REACHED};
	static const enum ibv_event_type others[] = {
		IBV_EVENT_LID_CHANGE, IBV_EVENT_PKEY_CHANGE,	   IBV_EVENT_SM_CHANGE,
		IBV_EVENT_GID_CHANGE, IBV_EVENT_SRQ_LIMIT_REACHED, IBV_EVENT_CLIENT_REREGISTER};
	uint64_t end = rg_clock_ns() + 50000000;
	uint32_t idle = 0;
	int rc = begin(r);

	for (size_t n = 0; n < sizeof(of_qp) / sizeof(of_qp[0]) && !rc && !r->ep->rank; n++)
		fake_event("fake0", of_qp[n], vrc_qp_of((struct vrc *)r->ep, 1, 0)->qp);
	for (size_t n = 0; n < sizeof(others) / sizeof(others[0]) && !rc && !r->ep->rank; n++)
		fake_event("fake0", others[n], NULL);
	while (!rc && rg_clock_ns() < end) {
		rc = turn(r, &idle);
		if (!rc)
			rc = r->ops->peer_alive(r->ep, next(r), &r->err);
	}
	return rc ? rc : exchange(r, 4, 8, 64);
}

static void other_events_end_nothing(void **state)
{
	struct rg_verbs_options options;

	use_fake0(&options);
	run_rc(loses_none, &options);
}

/* --- ports --- */

static int is_cut_off(struct rank *r)
{
	uint8_t data[64] = {0};
	const struct rg_put put = put_of(r, data, sizeof(data), 100);
	int rc = begin(r);

	/* So many that some are known to have arrived. */
	if (!rc)
		rc = exchange(r, 4, 100, 64);
	if (!rc)
		rc = meet(r);
	if (rc || r->ep->rank)
		return rc ? rc : meet(r);
	fake_port("fake0", 1, false);
	MUST(r, !put_all(r, &put));
	MUST(r, !r->ops->flush(r->ep, &r->err));
	fake_give_up("fake0");
	MUST(r, !wait_for_end(r, 1));
	MUST(r, strstr(r->err.text, "transport retry counter exceeded"));
	MUST(r, strstr(r->err.text, "the peer has ended, or it or a link on the way is down"));
	MUST(r, strstr(r->err.text, "this port is down"));
	return meet(r);
}

static void a_port_that_is_down_is_named_beside_what_it_did(void **state)
{
	struct rg_verbs_options options;

	use_fake0(&options);
	run_rc(is_cut_off, &options);
}

static int comes_back(struct rank *r)
{
	uint64_t end = rg_clock_ns() + 50000000;
	uint32_t idle = 0;
	int rc = begin(r);

	if (!rc && r->ep->rank == 0)
		fake_port("fake0", 1, false);
	if (!rc)
		rc = meet(r);
	if (!rc)
		rc = signal_all(r, next(r), 0, RG_CTR_SYNC, 1);
	while (!rc && rg_clock_ns() < end) {
		rc = turn(r, &idle);
		if (!rc)
			rc = r->ops->peer_alive(r->ep, next(r), &r->err);
	}
	MUST(r, rc || counter(r, previous(r), 0, RG_CTR_SYNC) == 0);
	if (!rc)
		rc = meet(r);
	if (!rc && r->ep->rank == 0)
		fake_port("fake0", 1, true);
	if (!rc)
		rc = wait_counter(r, previous(r), RG_CTR_SYNC, 1);
	return rc ? rc : exchange(r, 4, 8, 64);
}

static void a_port_that_comes_back_in_time_ends_nothing(void **state)
{
	struct rg_verbs_options options;

	use_fake0(&options);
	run_rc(comes_back, &options);
}

/* --- closing, and full queues --- */

static _Atomic bool is_told;

/* Rank 0 closes while nothing gets to rank 1, for which it has something. */
static int closes_for_others(struct rank *r)
{
	uint8_t data[64] = {0};
	const struct rg_put put = put_of(r, data, sizeof(data), 4);
	uint64_t end = rg_clock_ns() + TEN_S;
	uint32_t idle = 0;
	int rc = begin(r);

	if (!rc && r->ep->rank == 1)
		fake_port("fake1", 1, false);
	if (!rc)
		rc = meet(r);
	if (!rc && r->ep->rank == 0) {
		rc = put_all(r, &put);
		r->ops->close(r->ep);
		r->ep = NULL;
		return rc ? rc : meet(r);
	}
	if (!rc && r->ep->rank == 2) {
		MUST(r, !wait_for_end(r, 0));
		MUST(r, strstr(r->err.text, "rank 0"));
		MUST(r, strstr(r->err.text, "has closed its connection"));
		is_told = true;
	}
	while (!rc && r->ep->rank == 1 && !is_told && rg_clock_ns() < end)
		rc = turn(r, &idle);
	if (r->ep->rank == 1)
		fake_port("fake1", 1, true);
	return rc ? rc : meet(r);
}

static void who_closes_tells_its_peers_although_one_cannot_be_reached(void **state)
{
	static const char *const devices[RANKS] = {"fake0", "fake1", "fake2"};
	struct rg_verbs_options options[RANKS];
	struct rank ranks[RANKS];

	is_told = false;
	prepare_ranks(ranks, &rg_transport_verbs_rc, closes_for_others);
	for (uint32_t i = 0; i < RANKS; i++) {
		options[i] = rg_verbs_options_default;
		options[i].device = devices[i];
		ranks[i].config.verbs = &options[i];
	}
	run_ranks(ranks, 0);
	assert_int_equal(fake_live(), 0);
	for (uint32_t i = RANKS; i-- > 0;) {
		if (ranks[i].rc)
			fail_msg("rank %u: %s", i, ranks[i].err.text);
	}
}

static _Atomic bool is_held;

/* Rank 0 owes rank 1 credit for which there is no room until that one looks again. */
static int closes_with_credit(struct rank *r)
{
	uint64_t end = rg_clock_ns() + TEN_S, value = 0;
	int rc = begin(r), full = 0;

	while (!rc && r->ep->rank == 0 && !full)
		full = r->ops->signal(r->ep, 1, 0, RG_CTR_DONE, ++value, &r->err);
	if (!rc && r->ep->rank == 0) {
		MUST(r, full == 1);
		MUST(r, !r->ops->signal(r->ep, 1, 0, RG_CTR_FREE, 1000, &r->err));
		is_held = true;
		r->ops->close(r->ep);
		r->ep = NULL;
	}
	while (!rc && r->ep && r->ep->rank == 1 && !is_held && rg_clock_ns() < end)
		;
	if (!rc && r->ep && r->ep->rank == 1) {
		/* Time enough to say the last word too early. */
		rg_clock_sleep_until(rg_clock_ns() + 100000000);
		MUST(r, !wait_for_end(r, 0));
		MUST(r, counter(r, 0, 0, RG_CTR_FREE) == 1000);
	}
	return rc ? rc : meet(r);
}

static void credit_leaves_before_the_last_word(void **state)
{
	struct rg_verbs_options options;

	is_held = false;
	use_fake0(&options);
	options.depth = 1024; /* the window is full first */
	run_rc(closes_with_credit, &options);
}

/* A queue that takes nothing for a while. */
static int waits_for_room(struct rank *r)
{
	int rc = begin(r);

	if (rc || r->ep->rank)
		return rc ? rc : meet(r);
	while (r->ops->progress(r->ep, &r->err) == 1)
		;
	fake_fail("ibv_post_send", 1, ENOMEM);
	MUST(r, !r->ops->signal(r->ep, 1, 0, RG_CTR_SYNC, 1, &r->err));
	MUST(r, r->ops->flush(r->ep, &r->err) == 1);
	for (int n = 0; n < 3; n++) {
		fake_fail("ibv_post_send", 1, ENOMEM);
		MUST(r, r->ops->progress(r->ep, &r->err) == 0);
		MUST(r, !strcmp(fake_failed(), "ibv_post_send"));
	}
	MUST(r, r->ops->progress(r->ep, &r->err) == 1);
	MUST(r, !r->ops->flush(r->ep, &r->err));
	return meet(r);
}

static void what_a_full_queue_does_not_take_is_no_progress(void **state)
{
	run_rc(waits_for_room, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(each_status_of_a_completion_is_told_in_words, fresh_devices),
		cmocka_unit_test_setup(completions_that_cannot_be_had_are_an_error, fresh_devices),
		cmocka_unit_test_setup(what_a_device_cannot_go_on_without_ends_all_connections,
				       fresh_devices),
		cmocka_unit_test_setup(a_queue_pair_that_fails_ends_its_connection_alone,
				       fresh_devices),
		cmocka_unit_test_setup(other_events_end_nothing, fresh_devices),
		cmocka_unit_test_setup(a_port_that_is_down_is_named_beside_what_it_did,
				       fresh_devices),
		cmocka_unit_test_setup(a_port_that_comes_back_in_time_ends_nothing, fresh_devices),
		cmocka_unit_test_setup(who_closes_tells_its_peers_although_one_cannot_be_reached,
				       fresh_devices),
		cmocka_unit_test_setup(credit_leaves_before_the_last_word, fresh_devices),
		cmocka_unit_test_setup(what_a_full_queue_does_not_take_is_no_progress,
				       fresh_devices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
