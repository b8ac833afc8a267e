/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * verbs-ud on made-up devices, when all ranks are sent to at once: whether that is granted, and
 * that broadcasts by it are right whatever the network does. Rank r is on device fake<r>.
 */
#include "config.h"

#include "fake_verbs.h"
#include "ranks.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/mem.h"
#include "railgauge/coll/executor.h"
#include "transport/verbs_ud_impl.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define ONE_S UINT64_C(1000000000)

static struct rg_verbs_options options[RANKS];
static const char *const names[RANKS] = {"fake0", "fake1", "fake2"};

static void prepare(struct rank ranks[RANKS], int (*body)(struct rank *r), uint64_t timeout_ns)
{
	prepare_ranks(ranks, &rg_transport_verbs_ud, body);
	for (uint32_t i = 0; i < RANKS; i++) {
		options[i] = rg_verbs_options_default;
		options[i].device = names[i];
		options[i].mtu = IBV_MTU_512;
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

/* --- broadcasts --- */

#define WORDS_MAX 20000

static uint32_t word_of(uint32_t root, uint32_t turn, uint32_t i)
{
	return (root * 1000003u + turn * 7919u + i) * 2654435761u;
}

static int check_words(struct rank *r, const uint32_t *words, uint32_t n, uint32_t root,
		       uint32_t turn)
{
	for (uint32_t i = 0; i < n; i++) {
		if (words[i] != word_of(root, turn, i))
			return rg_err_set(&r->err, RG_ERR_WRONG_DATA,
					  "root %u, turn %u: word %u of %u is wrong", root, turn, i,
					  n);
	}
	return 0;
}

/* Of count words from the root, `turns` times. */
static int broadcast(struct rank *r, struct rg_executor *x, uint32_t root, uint32_t count,
		     uint32_t turns)
{
	const struct rg_problem problem = {
		.coll = RG_COLL_BROADCAST,
		.layout = {.nranks = RANKS},
		.count = count,
		.elem_bytes = 4,
		.root = root,
		.caps = r->ep->caps,
		.geometry = r->ep->config.geometry,
		.params = {.protocol = RG_PROTOCOL_SLOT, .channels = 1},
	};
	uint32_t *src = rg_zalloc(count, 4), *dst = rg_zalloc(count, 4);
	const struct rg_run_args args = {.src = src, .dst = dst};
	const struct rg_algorithm *a;
	struct rg_program *program = NULL;
	struct rg_run *run = NULL;
	int rc = rg_algorithm_find(RG_COLL_BROADCAST, "multicast", &a, &r->err);

	if (!rc)
		rc = rg_program_open(r->ep, a, &problem, RG_TYPE_INT32, RG_OP_SUM, 0, 1 << 20,
				     &program, &r->err);
	if (!rc)
		rc = rg_run_open(x, program, &run, &r->err);
	/* All have connected before anybody sends. */
	if (!rc)
		rc = meet(r);
	for (uint32_t turn = 0; turn < turns && !rc; turn++) {
		memset(dst, 0xff, (size_t)count * 4);
		for (uint32_t i = 0; i < count && r->ep->rank == root; i++)
			src[i] = word_of(root, turn, i);
		rc = rg_run_once(run, &args, &r->err);
		if (!rc)
			rc = check_words(r, dst, count, root, turn);
	}
	rg_run_close(run);
	rg_program_close(program);
	rg_free(src);
	rg_free(dst);
	return rc;
}

static int broadcasts(struct rank *r)
{
	static const uint32_t counts[] = {1, 25, 33, 500, 1024, 1025, WORDS_MAX};
	struct rg_executor *x;
	int rc = rg_executor_open(r->ep, 1, &x, &r->err);

	MUST(r, rc || r->ep->caps & RG_CAP_MULTICAST);
	for (size_t k = 0; k < sizeof(counts) / sizeof(counts[0]) && !rc; k++) {
		for (uint32_t root = 0; root < RANKS && !rc; root++)
			rc = broadcast(r, x, root, counts[k], k < 4 ? 10 : 3);
	}
	if (!rc)
		rc = meet(r);
	rg_executor_close(x);
	return rc;
}

static void broadcasts_are_right_where_nothing_is_lost(void **state)
{
	run(broadcasts, TEN_S);
}

static void broadcasts_are_right_where_much_is_lost_doubled_and_overtaken(void **state)
{
	const char *text = getenv("RG_TEST_SEED");
	uint64_t seed = text ? strtoull(text, NULL, 0) : (uint64_t)getpid();

	print_message("RG_TEST_SEED=%llu\n", (unsigned long long)seed);
	fake_ud_loss(50, 20, seed);
	fake_order(FAKE_UD_ANY_ORDER, seed);
	run(broadcasts, TEN_S);
}

static void broadcasts_are_right_with_short_queues(void **state)
{
	struct rank ranks[RANKS];

	prepare(ranks, broadcasts, TEN_S);
	for (uint32_t i = 0; i < RANKS; i++) {
		options[i].depth = 8;
		options[i].moderation = 2;
	}
	fake_ud_loss(20, 0, 7);
	run_ranks(ranks, 0);
	for (uint32_t i = 0; i < RANKS; i++) {
		if (ranks[i].rc)
			fail_msg("rank %u: %s", i, ranks[i].err.text);
	}
	assert_int_equal(fake_live(), 0);
}

static int sends_once(struct rank *r)
{
	struct fake_counts before, after;
	struct rg_executor *x;
	int rc = rg_executor_open(r->ep, 1, &x, &r->err);

	if (!rc)
		rc = broadcast(r, x, 0, 1, 1);
	if (!rc)
		rc = meet(r);
	before = fake_counts();
	if (!rc)
		rc = meet(r);
	if (!rc)
		rc = broadcast(r, x, 0, WORDS_MAX, 1);
	if (!rc)
		rc = meet(r);
	after = fake_counts();
	rg_executor_close(x);
	/* With heads, announcements and acknowledgements; to two peers apart it would be twice. */
	MUST(r, rc || after.sent_bytes - before.sent_bytes < WORDS_MAX * 4 * 3 / 2);
	MUST(r, rc || after.sent_bytes - before.sent_bytes > WORDS_MAX * 4);
	return rc ? rc : meet(r);
}

static void what_all_get_is_sent_once(void **state)
{
	run(sends_once, TEN_S);
}

/* --- among others --- */

#define ROUNDS 40

static int put_to_all(struct rank *r, const struct rg_put *puts, uint32_t n)
{
	uint64_t end = rg_clock_ns() + TEN_S;
	uint32_t idle = 0;
	int rc;

	while ((rc = r->ops->put_all(r->ep, puts, n, &r->err)) == 1) {
		rc = turn(r, &idle);
		if (rc)
			return rc;
		MUST(r, rg_clock_ns() < end);
	}
	return rc;
}

/* Puts to each, to all, and signals, on two channels: each link's own order is kept. */
static int mixes(struct rank *r)
{
	uint32_t root = 0;
	uint8_t data[3000];
	int rc = connect_all(r);

	if (!rc)
		rc = meet(r);
	for (uint64_t k = 1; k <= ROUNDS && !rc; k++) {
		uint32_t len = k % 3 ? sizeof(data) : 700;

		memset(data, (int)k, sizeof(data));
		if (r->ep->rank == root) {
			struct rg_put puts[2] = {0};

			for (uint32_t p = 0; p < 2; p++)
				puts[p] = (struct rg_put){.peer = p + 1,
							  .channel = 1,
							  .offset = (k % 4) * 4096,
							  .src = data,
							  .len_bytes = len,
							  .notify = true,
							  .ctr = RG_CTR_READY,
							  .value = k};
			/* Something before it, and something behind. */
			for (uint32_t p = 1; p < RANKS && !rc; p++)
				rc = signal_all(r, p, 1, RG_CTR_ENTER, k);
			if (!rc)
				rc = put_to_all(r, puts, 2);
			for (uint32_t p = 1; p < RANKS && !rc; p++)
				rc = signal_all(r, p, 1, RG_CTR_DONE, k);
			for (uint32_t p = 1; p < RANKS && !rc; p++)
				rc = wait_on(r, p, 1, RG_CTR_FREE, k);
			continue;
		}
		rc = wait_on(r, root, 1, RG_CTR_DONE, k);
		MUST(r, rc || counter(r, root, 1, RG_CTR_READY) == k);
		MUST(r, rc || counter(r, root, 1, RG_CTR_ENTER) == k);
		for (uint32_t i = 0; i < len && !rc; i++)
			MUST(r, rg_endpoint_link(r->ep, 1, root)->rx_slots[(k % 4) * 4096 + i] ==
					(uint8_t)k);
		if (!rc)
			rc = signal_all(r, root, 1, RG_CTR_FREE, k);
	}
	return rc ? rc : meet(r);
}

static void what_goes_to_all_keeps_its_place_among_what_goes_to_each(void **state)
{
	run(mixes, TEN_S);
	fake_reset(NULL, 0);
	fake_ud_loss(50, 20, 11);
	fake_order(FAKE_UD_ANY_ORDER, 11);
	run(mixes, TEN_S);
}

/* Rank 2 is cut off the network; the others go on. */
static int loses_a_member(struct rank *r)
{
	uint64_t end = rg_clock_ns() + TEN_S;
	uint8_t data[3000] = {7};
	uint32_t idle = 0;
	int rc = connect_all(r);

	if (!rc)
		rc = meet(r);
	if (!rc && r->ep->rank == 2)
		fake_port("fake2", 1, false);
	if (!rc)
		rc = meet(r);
	for (uint64_t k = 1; k <= 40 && !rc && r->ep->rank < 2; k++) {
		struct rg_put puts[2] = {0};

		for (uint32_t p = 0; p < 2; p++)
			puts[p] = (struct rg_put){.peer = p + 1,
						  .offset = (k % 4) * 4096,
						  .src = data,
						  .len_bytes = sizeof(data),
						  .notify = true,
						  .ctr = RG_CTR_READY,
						  .value = k};
		if (r->ep->rank == 1) {
			rc = wait_counter(r, 0, RG_CTR_READY, k);
			if (!rc)
				rc = signal_all(r, 0, 0, RG_CTR_FREE, k);
			continue;
		}
		rc = put_to_all(r, puts, 2);
		if (!rc)
			rc = wait_counter(r, 1, RG_CTR_FREE, k);
	}
	while (!rc && r->ep->rank == 0 && !r->ops->peer_alive(r->ep, 2, &r->err)) {
		rc = turn(r, &idle);
		MUST(r, rg_clock_ns() < end);
	}
	part(r);
	return rc;
}

static void a_member_that_is_gone_holds_up_nobody_for_long(void **state)
{
	run(loses_a_member, ONE_S);
}

/* --- whether it is granted --- */

static const char *reason; /* in about; NULL: granted */

static int looks(struct rank *r)
{
	struct rg_put puts[2] = {{.peer = (r->ep->rank + 1) % 3}, {.peer = (r->ep->rank + 2) % 3}};
	int rc = connect_all(r);

	MUST(r, !rc);
	MUST(r, !(r->ep->caps & RG_CAP_MULTICAST) == !!reason);
	if (reason && !strstr(r->ep->about, reason))
		return rg_err_set(&r->err, RG_ERR_INTERNAL, "not \"%s\" but: %s", reason,
				  r->ep->about);
	MUST(r, reason || strstr(r->ep->about, "; multicast to all"));
	MUST(r, !reason || r->ops->put_all(r->ep, puts, 2, NULL) == RG_ERR_UNSUPPORTED);
	return meet(r);
}

static void where_one_device_has_no_groups_nobody_uses_them_and_all_say_why(void **state)
{
	reason = "attaching to a group";
	fake_fail("ibv_attach_mcast", 2, EOPNOTSUPP);
	run(looks, TEN_S);
	reason = NULL;
	fake_reset(NULL, 0);
	run(looks, TEN_S);
}

/* Rank 1's device takes part, but nothing reaches it. */
static void make_deaf(void)
{
	struct fake_device devices[RANKS];

	for (uint32_t i = 0; i < RANKS; i++)
		devices[i] = (struct fake_device){
			.name = names[i],
			.ports = 1,
			.deaf = i == 1,
			.ngids = 1,
			.gids = {{[10] = 0xff, 0xff, 10, 99, 0, (uint8_t)(i + 1)}},
			.gid_types = {IBV_GID_TYPE_ROCE_V2}};
	fake_reset(devices, RANKS);
}

static void where_one_does_not_hear_the_group_nobody_uses_it(void **state)
{
	make_deaf();
	reason = "no multicast: rank 1 does not hear rank 0";
	run(looks, TEN_S);
}

static int fails(struct rank *r)
{
	return 0;
}

static void who_insists_on_a_group_is_told_why_there_is_none(void **state)
{
	struct rank ranks[RANKS];

	make_deaf();
	prepare(ranks, fails, TEN_S);
	for (uint32_t i = 0; i < RANKS; i++)
		options[i].multicast = RG_VERBS_ON;
	run_ranks(ranks, 0);
	for (uint32_t i = 0; i < RANKS; i++) {
		assert_int_equal(ranks[i].rc, RG_ERR_UNSUPPORTED);
		assert_non_null(strstr(ranks[i].err.text, "--verbs.multicast"));
		assert_non_null(strstr(ranks[i].err.text, "rank 1 does not hear rank 0"));
	}
	assert_int_equal(fake_live(), 0);
}

static int is_off(struct rank *r)
{
	MUST(r, !(r->ep->caps & RG_CAP_MULTICAST));
	MUST(r, !strstr(r->ep->about, "multicast"));
	return 0;
}

static void who_wants_no_group_joins_none(void **state)
{
	struct rank ranks[RANKS];

	prepare(ranks, is_off, TEN_S);
	for (uint32_t i = 0; i < RANKS; i++)
		options[i].multicast = RG_VERBS_OFF;
	fake_fail("ibv_attach_mcast", 1, EIO);
	run_ranks(ranks, 0);
	for (uint32_t i = 0; i < RANKS; i++)
		assert_int_equal(ranks[i].rc, 0);
	assert_null(fake_failed());
	assert_int_equal(fake_live(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(broadcasts_are_right_where_nothing_is_lost, reset),
		cmocka_unit_test_setup(
			broadcasts_are_right_where_much_is_lost_doubled_and_overtaken, reset),
		cmocka_unit_test_setup(broadcasts_are_right_with_short_queues, reset),
		cmocka_unit_test_setup(what_all_get_is_sent_once, reset),
		cmocka_unit_test_setup(what_goes_to_all_keeps_its_place_among_what_goes_to_each,
				       reset),
		cmocka_unit_test_setup(a_member_that_is_gone_holds_up_nobody_for_long, reset),
		cmocka_unit_test_setup(
			where_one_device_has_no_groups_nobody_uses_them_and_all_say_why, reset),
		cmocka_unit_test(where_one_does_not_hear_the_group_nobody_uses_it),
		cmocka_unit_test(who_insists_on_a_group_is_told_why_there_is_none),
		cmocka_unit_test_setup(who_wants_no_group_joins_none, reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
