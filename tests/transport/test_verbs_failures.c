/* SPDX-License-Identifier: BSD-3-Clause */
/* verbs: each call fails in turn, each completion status and each event comes: the right words. */
#include "config.h"

#include "verbs_pair.h"

#include "railgauge/base/mem.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* --- calls --- */

struct words {
	const char *call, *words;
};

/* What is said where this call fails. */
static const struct words said[] = {
	{"ibv_get_device_list", "verbs: the list of devices"},
	{"ibv_open_device", "fake0 cannot be opened"},
	{"ibv_query_device", "fake0 does not answer"},
	{"ibv_query_port", "fake0 port 1 does not answer"},
	{"ibv_query_gid_table", "the GIDs of fake0"},
	{"ibv_alloc_pd", "a protection domain on fake0"},
	{"ibv_create_cq", "a completion queue"},
	{"ibv_create_qp", "a queue pair of"},
	{"ibv_reg_mr", "bytes of memory with fake0"},
	{"ibv_modify_qp", " -> "},
	{"ibv_create_ah", "fake0 port 1 to rank 3 on node7 (fake0 port 1), an address handle"},
	{NULL, NULL},
};

static const char *words_for(const char *call)
{
	for (const struct words *w = said; w->call; w++) {
		if (!strcmp(w->call, call))
			return w->words;
	}
	fail_msg("%s is not in the list", call);
	return NULL;
}

static struct pair pair;

static int open_probe(struct rg_err *err)
{
	pair.options.device = "fake0";
	return rg_verbs_probe(&pair.options, 0, 1, 4096, NULL, 0, err);
}

static int open_datagrams(struct rg_err *err)
{
	int rc;

	pair.datagrams = true;
	pair.names[0] = pair.names[1] = "fake0";
	rc = pair_open(&pair, err);
	pair_close(&pair);
	return rc;
}

/* What is opened by `body` fails at its n-th call, for all n. How many there are. */
static unsigned long fail_each(int (*body)(struct rg_err *err), int errnum)
{
	for (unsigned long n = 1;; n++) {
		struct rg_err err = {0};
		const char *failed;
		int rc;

		fake_reset(NULL, 0);
		pair_init(&pair);
		fake_fail(NULL, n, errnum);
		rc = body(&err);
		failed = fake_failed();
		if (fake_live())
			fail_msg("call %lu, %s: something was left open", n, failed);
		if (!failed) {
			assert_int_equal(rc, 0);
			return n - 1;
		}
		/* A queue pair that cannot be made with so much inline is tried with less. */
		if (!rc && !strcmp(failed, "ibv_create_qp"))
			continue;
		if (!rc || !strstr(err.text, words_for(failed)) ||
		    !strstr(err.text, strerror(errnum)))
			fail_msg("call %lu, %s: %d %s", n, failed, rc, err.text);
	}
}

static void whichever_call_fails_is_named_and_nothing_is_left(void **state)
{
	const int errnums[] = {EIO, ENOMEM, EACCES, EINVAL};

	for (size_t i = 0; i < sizeof(errnums) / sizeof(errnums[0]); i++) {
		assert_in_range(fail_each(open_probe, errnums[i]), 10, 40);
		assert_in_range(fail_each(open_datagrams, errnums[i]), 25, 60);
	}
}

static void no_way_to_the_peer_is_said_with_both_addresses(void **state)
{
	struct rg_err err = {0};

	fake_reset(NULL, 0);
	pair_init(&pair);
	fake_fail("ibv_modify_qp", 3, ETIMEDOUT); /* the first one to RTR */
	assert_int_equal(pair_open(&pair, &err), RG_ERR_TIMEOUT);
	assert_non_null(strstr(err.text, "fake0 port 1 to rank 3 on node7 (fake1 port 1), INIT -> "
					 "RTR: "));
	assert_non_null(strstr(err.text, "no way from GID 10.99.0.1 to GID 10.99.0.2"));
	assert_int_equal(fake_live(), 0);
}

static void a_rank_of_its_own_choice_leaves_nothing_whichever_call_fails(void **state)
{
	struct rg_verbs_device *devices[RG_VERBS_DEVICES_MAX];
	uint32_t count;

	for (unsigned long n = 1;; n++) {
		struct rg_err err = {0};
		int rc;

		fake_reset(NULL, 0);
		fake_fail(NULL, n, EIO);
		rc = rg_verbs_devices_open(&rg_verbs_options_default, 1, 2, devices, &count, &err);
		if (!rc)
			rg_verbs_devices_close(devices, count);
		else
			assert_int_not_equal(err.text[0], '\0');
		assert_int_equal(fake_live(), 0);
		if (!fake_failed())
			break;
	}
}

static void whichever_allocation_fails_nothing_is_left(void **state)
{
	for (unsigned long n = 1;; n++) {
		struct rg_err err = {0};
		int rc;
		bool fired;

		fake_reset(NULL, 0);
		pair_init(&pair);
		rg_mem_fail_nth(n);
		rc = pair_open(&pair, &err);
		fired = rg_mem_fail_fired();
		rg_mem_fail_nth(0);
		if (!rc)
			pair_close(&pair);
		assert_int_equal(fake_live(), 0);
		assert_int_equal(rc, fired ? RG_ERR_NO_MEMORY : 0);
		if (!fired)
			break;
		assert_true(n < 100);
	}
}

/* --- completions --- */

struct expected {
	enum ibv_wc_status status;
	int code;
	const char *words;
};

static const struct expected expected[] = {
	{IBV_WC_LOC_LEN_ERR, RG_ERR_INTERNAL, "local length error"},
	{IBV_WC_LOC_QP_OP_ERR, RG_ERR_INTERNAL, "local queue pair operation error"},
	{IBV_WC_LOC_EEC_OP_ERR, RG_ERR_SYSTEM, "local EE context operation error"},
	{IBV_WC_LOC_PROT_ERR, RG_ERR_INTERNAL, "memory that is not registered (any more)"},
	{IBV_WC_WR_FLUSH_ERR, RG_ERR_PEER, "an earlier request of this queue pair failed"},
	{IBV_WC_MW_BIND_ERR, RG_ERR_INTERNAL, "memory window bind error"},
	{IBV_WC_BAD_RESP_ERR, RG_ERR_PEER, "the peer's device answered what it should not"},
	{IBV_WC_LOC_ACCESS_ERR, RG_ERR_INTERNAL, "local access error"},
	{IBV_WC_REM_INV_REQ_ERR, RG_ERR_PEER, "the peer's receive is too short"},
	{IBV_WC_REM_ACCESS_ERR, RG_ERR_PEER, "the peer's memory is not registered any more"},
	{IBV_WC_REM_OP_ERR, RG_ERR_PEER, "the peer's device could not carry it out"},
	{IBV_WC_RETRY_EXC_ERR, RG_ERR_PEER,
	 "transport retry counter exceeded (status 12, vendor 0x77"},
	{IBV_WC_RETRY_EXC_ERR, RG_ERR_PEER,
	 "the peer is unreachable or has ended, or the MTU is larger than the path's, or the GID "
	 "of "
	 "the wrong type"},
	{IBV_WC_RNR_RETRY_EXC_ERR, RG_ERR_PEER, "the peer posts no receives"},
	{IBV_WC_LOC_RDD_VIOL_ERR, RG_ERR_SYSTEM, "local RDD violation"},
	{IBV_WC_REM_INV_RD_REQ_ERR, RG_ERR_PEER, "remote invalid RD request"},
	{IBV_WC_REM_ABORT_ERR, RG_ERR_PEER, "remote aborted"},
	{IBV_WC_INV_EECN_ERR, RG_ERR_SYSTEM, "invalid EE context number"},
	{IBV_WC_INV_EEC_STATE_ERR, RG_ERR_SYSTEM, "invalid EE context state"},
	{IBV_WC_FATAL_ERR, RG_ERR_SYSTEM, "the device has failed or was reset (dmesg)"},
	{IBV_WC_RESP_TIMEOUT_ERR, RG_ERR_PEER, "response timeout"},
	{IBV_WC_GENERAL_ERR, RG_ERR_SYSTEM, "general error"},
	{(enum ibv_wc_status)99, RG_ERR_SYSTEM, "a status that is not known here (status 99"},
};

static void each_status_is_put_in_words_with_both_ends(void **state)
{
	static const char ends[] = "verbs: fake0 port 1 to rank 3 on node7 (fake1 port 1): ";
	bool seen[IBV_WC_GENERAL_ERR + 1] = {true};

	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		const struct expected *e = &expected[i];
		struct rg_err err = {0};
		struct ibv_wc wc;
		char state_words[64];

		fake_reset(NULL, 0);
		pair_init(&pair);
		assert_int_equal(pair_open(&pair, &err), 0);
		fake_complete(1, e->status, 0x77);
		assert_int_equal(pair_post(&pair, 0, IBV_WR_RDMA_WRITE, 8, 1), 0);
		assert_true(pair_poll(&pair, 0, &wc));
		assert_int_equal(wc.status, e->status);
		assert_int_equal(rg_verbs_completion_error(pair.end[0].device, &wc, pair.end[0].qp,
							   &pair.end[1].address, &pair_peer, &err),
				 e->code);
		snprintf(state_words, sizeof(state_words),
			 "(status %d, vendor 0x77, QP %u in state %s)", e->status, wc.qp_num,
			 e->status == IBV_WC_WR_FLUSH_ERR ? "RTS" : "error");
		if (strncmp(err.text, ends, strlen(ends)) != 0 || !strstr(err.text, e->words) ||
		    !strstr(err.text, state_words))
			fail_msg("%s", err.text);
		if (e->status <= IBV_WC_GENERAL_ERR)
			seen[e->status] = true;
		pair_close(&pair);
		assert_int_equal(fake_live(), 0);
	}
	for (int s = 0; s <= IBV_WC_GENERAL_ERR; s++)
		assert_true(seen[s]);
}

static void little_that_is_known_makes_fewer_words(void **state)
{
	const struct ibv_wc wc = {.status = IBV_WC_RETRY_EXC_ERR, .qp_num = 5};
	struct rg_err err = {0};

	fake_reset(NULL, 0);
	pair_init(&pair);
	assert_int_equal(pair_open(&pair, &err), 0);
	pair.end[0].device->active = false;
	assert_int_equal(rg_verbs_completion_error(pair.end[0].device, &wc, NULL, NULL, &pair_peer,
						   &err),
			 RG_ERR_PEER);
	assert_non_null(strstr(err.text, "fake0 port 1 to rank 3 on node7: transport"));
	assert_non_null(strstr(err.text, "QP 5 in state unknown)"));
	assert_non_null(strstr(err.text, "; this port is down"));
	pair_close(&pair);
}

/* --- events --- */

static enum rg_verbs_event_kind kind_of(int type)
{
	switch (type) {
	case IBV_EVENT_CQ_ERR:
		return RG_VERBS_EVENT_CQ_FAILED;
	case IBV_EVENT_QP_FATAL:
	case IBV_EVENT_QP_REQ_ERR:
	case IBV_EVENT_QP_ACCESS_ERR:
		return RG_VERBS_EVENT_QP_FAILED;
	case IBV_EVENT_SRQ_ERR:
	case IBV_EVENT_WQ_FATAL:
		return RG_VERBS_EVENT_RQ_FAILED;
	case IBV_EVENT_DEVICE_FATAL:
		return RG_VERBS_EVENT_DEVICE_GONE;
	case IBV_EVENT_PORT_ACTIVE:
		return RG_VERBS_EVENT_PORT_UP;
	case IBV_EVENT_PORT_ERR:
		return RG_VERBS_EVENT_PORT_DOWN;
	case IBV_EVENT_GID_CHANGE:
		return RG_VERBS_EVENT_GIDS_CHANGED;
	default:
		return RG_VERBS_EVENT_OTHER;
	}
}

static void each_event_is_put_in_words(void **state)
{
	struct rg_verbs_event event;
	struct rg_err err = {0};

	fake_reset(NULL, 0);
	pair_init(&pair);
	assert_int_equal(pair_open(&pair, &err), 0);
	for (int type = IBV_EVENT_CQ_ERR; type <= IBV_EVENT_WQ_FATAL; type++) {
		bool of_qp = type == IBV_EVENT_QP_FATAL || type == IBV_EVENT_QP_REQ_ERR ||
			     type == IBV_EVENT_QP_ACCESS_ERR || type == IBV_EVENT_COMM_EST ||
			     type == IBV_EVENT_SQ_DRAINED || type == IBV_EVENT_PATH_MIG ||
			     type == IBV_EVENT_PATH_MIG_ERR ||
			     type == IBV_EVENT_QP_LAST_WQE_REACHED;

		fake_event("fake0", (enum ibv_event_type)type, of_qp ? pair.end[0].qp : NULL);
		assert_int_equal(rg_verbs_device_event(pair.end[0].device, &event), 1);
		assert_int_equal(event.kind, kind_of(type));
		assert_null(strstr(event.text, "not known"));
		assert_int_equal(strncmp(event.text, "fake0 port 1", 12), 0);
		assert_int_equal(event.qpn, of_qp ? pair.end[0].qp->qp_num : 0);
	}
	assert_true(pair.end[0].device->removed);
	assert_false(rg_verbs_device_ask(pair.end[0].device));
	assert_int_equal(rg_verbs_device_event(pair.end[1].device, &event), 0);
	pair_close(&pair);
	assert_int_equal(fake_live(), 0);
}

static void events_of_another_port_are_dropped(void **state)
{
	const struct fake_device two = {.name = "two",
					.ports = 2,
					.ngids = 1,
					.gids = {{0xfe, 0x80, [15] = 1}},
					.gid_types = {IBV_GID_TYPE_ROCE_V2}};
	struct rg_verbs_device *d;
	struct rg_verbs_event event;
	struct rg_err err = {0};

	fake_reset(&two, 1);
	pair_init(&pair);
	assert_int_equal(rg_verbs_device_open(&pair.options, "two:2", "", &d, &err), 0);
	fake_port("two", 1, false);
	assert_int_equal(rg_verbs_device_event(d, &event), 0);
	assert_true(d->active);
	fake_port("two", 2, false);
	assert_int_equal(rg_verbs_device_event(d, &event), 1);
	assert_false(d->active);
	rg_verbs_device_close(d);
	assert_int_equal(fake_live(), 0);
}

/* --- the timed path --- */

static void known_memory_and_posts_make_no_other_call(void **state)
{
	struct rg_err err = {0};
	struct fake_counts before, after;
	struct ibv_wc wc;
	struct ibv_mr *mr;

	fake_reset(NULL, 0);
	pair_init(&pair);
	assert_int_equal(pair_open(&pair, &err), 0);
	before = fake_counts();
	rg_mem_fail_nth(1);
	for (uint64_t i = 0; i < 10; i++) {
		assert_int_equal(rg_verbs_memory_get(pair.end[0].device, pair.end[0].bytes, 8, 0,
						     &mr, &err),
				 0);
		assert_int_equal(pair_post(&pair, 0, IBV_WR_RDMA_WRITE, 8, i), 0);
		assert_true(pair_poll(&pair, 0, &wc));
		rg_verbs_memory_put(pair.end[0].device, mr);
	}
	assert_false(rg_mem_fail_fired());
	rg_mem_fail_nth(0);
	after = fake_counts();
	assert_int_equal(after.others, before.others);
	assert_int_equal(after.doorbells - before.doorbells, 10);
	assert_int_equal(after.completions - before.completions, 10);
	pair_close(&pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whichever_call_fails_is_named_and_nothing_is_left),
		cmocka_unit_test(no_way_to_the_peer_is_said_with_both_addresses),
		cmocka_unit_test(a_rank_of_its_own_choice_leaves_nothing_whichever_call_fails),
		cmocka_unit_test(whichever_allocation_fails_nothing_is_left),
		cmocka_unit_test(each_status_is_put_in_words_with_both_ends),
		cmocka_unit_test(little_that_is_known_makes_fewer_words),
		cmocka_unit_test(each_event_is_put_in_words),
		cmocka_unit_test(events_of_another_port_are_dropped),
		cmocka_unit_test(known_memory_and_posts_make_no_other_call),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
