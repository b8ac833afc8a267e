/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What an operation costs on the transports over verbs, on made-up devices: posts and polls, and no
 * memory, no other call of libibverbs and no system call.
 */
#include "config.h"

#include "fake_verbs.h"
#include "ranks.h"
#include "system_calls.h"

#include "railgauge/base/mem.h"
#include "railgauge/transport/verbs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* Messages of rank 0 to rank 1 and back, each answered before the next; so many are looked at. */
#define WARMUPS	 50
#define MESSAGES 200

/* What rank 0 saw; the counts are all ranks'. */
static struct {
	size_t len_bytes; /* of a message */
	bool credit;	  /* each message that is answered is freed, too */
	struct system_calls calls;
	int unwatched; /* why the system calls are not counted */
	unsigned system_calls;
	bool allocated;
	struct fake_counts before, after;
} seen;

static int play(struct rank *r, uint64_t from, uint64_t to)
{
	uint32_t peer = 1 - r->ep->rank;
	uint8_t data[4096] = {0};
	int rc = 0;

	for (uint64_t k = from; k < to && !rc; k++) {
		const struct rg_put ball = {.peer = peer,
					    .offset = k % 4 * sizeof(data),
					    .src = data,
					    .len_bytes = seen.len_bytes,
					    .notify = true,
					    .ctr = RG_CTR_READY,
					    .value = k + 1};

		if (r->ep->rank == 1)
			rc = wait_counter(r, peer, RG_CTR_READY, k + 1);
		if (!rc && seen.credit && k)
			rc = signal_all(r, peer, 0, RG_CTR_FREE, k);
		if (!rc)
			rc = put_all(r, &ball);
		if (!rc && r->ep->rank == 0)
			rc = wait_counter(r, peer, RG_CTR_READY, k + 1);
	}
	return rc;
}

static int play_watched(struct rank *r)
{
	int rc;

	seen.before = fake_counts();
	rg_mem_fail_nth(1);
	system_calls_begin(&seen.calls);
	rc = play(r, WARMUPS, WARMUPS + MESSAGES);
	seen.system_calls = system_calls_end(&seen.calls);
	seen.allocated = rg_mem_fail_fired();
	rg_mem_fail_nth(0);
	seen.after = fake_counts();
	for (uint32_t peer = 1; peer < RANKS && !rc; peer++)
		rc = signal_all(r, peer, 0, RG_CTR_DONE, 1);
	return rc;
}

/* The others wait for rank 0's word, and not at the barrier, which takes memory. */
static int costs(struct rank *r)
{
	int rc = connect_all(r);

	if (!rc)
		rc = meet(r);
	if (!rc)
		rc = settle(r);
	if (!rc)
		rc = meet(r);
	if (!rc && r->ep->rank == 0)
		seen.unwatched = system_calls_watch(&seen.calls);
	if (!rc && r->ep->rank != 2)
		rc = play(r, 0, WARMUPS);
	if (!rc && r->ep->rank == 0)
		rc = play_watched(r);
	if (!rc && r->ep->rank == 1)
		rc = play(r, WARMUPS, WARMUPS + MESSAGES);
	if (!rc && r->ep->rank)
		rc = wait_counter(r, 0, RG_CTR_DONE, 1);
	return rc ? rc : meet(r);
}

/* What was done in between, and nothing besides. */
static struct fake_counts look_at(const struct rg_transport_ops *ops, int notify, size_t len_bytes,
				  bool credit)
{
	struct rg_verbs_options options[RANKS];
	static const char *const names[RANKS] = {"fake0", "fake1", "fake2"};
	struct rank ranks[RANKS];
	struct fake_counts done;

	memset(&seen, 0, sizeof(seen));
	seen.len_bytes = len_bytes;
	seen.credit = credit;
	fake_reset(NULL, 0);
	prepare_ranks(ranks, ops, costs);
	for (uint32_t i = 0; i < RANKS; i++) {
		options[i] = rg_verbs_options_default;
		options[i].device = names[i];
		options[i].notify = notify;
		options[i].path_order = RG_VERBS_ON; /* for write-counter */
		ranks[i].config.verbs = &options[i];
	}
	run_ranks(ranks, 0);
	system_calls_close(&seen.calls);
	for (uint32_t i = 0; i < RANKS; i++) {
		if (ranks[i].rc)
			fail_msg("rank %u: %s", i, ranks[i].err.text);
	}
	assert_int_equal(fake_live(), 0);
	done = seen.after;
	if (seen.allocated)
		fail_msg("%s allocates", ops->name);
	if (seen.system_calls)
		fail_msg("%s makes %u system calls, the last one of number %d", ops->name,
			 seen.system_calls, atomic_load(&seen.calls.last));
	done.doorbells -= seen.before.doorbells;
	done.sends -= seen.before.sends;
	done.signaled -= seen.before.signaled;
	done.inlined -= seen.before.inlined;
	done.recv_calls -= seen.before.recv_calls;
	done.registered -= seen.before.registered;
	done.events_asked -= seen.before.events_asked;
	done.others -= seen.before.others;
	assert_int_equal(done.registered, 0);
	assert_int_equal(done.others, done.events_asked);
	return done;
}

/* Each way to notify: how many sends a message is. */
static const struct {
	int notify;
	unsigned sends;
} ways[] = {
	{RG_VERBS_WRITE_IMM, 1},
	{RG_VERBS_WRITE_COUNTER, 2},
	{RG_VERBS_SEND, 1},
};

static void a_message_of_verbs_rc_takes_nothing_but_posts_and_polls(void **state)
{
	const uint64_t messages = 2 * MESSAGES;

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		struct fake_counts done =
			look_at(&rg_transport_verbs_rc, ways[i].notify, 64, false);
		uint64_t least = ways[i].sends * messages;

		/* Few are more than the messages, and what belongs together leaves together. */
		assert_in_range(done.sends, least, least + messages / 8);
		assert_in_range(done.doorbells, messages, messages + 2);
		assert_true(done.inlined >= least);
		/* Receives are given back in batches, and of sends few complete by themselves. */
		assert_true(done.recv_calls < messages / 4);
		assert_true(done.signaled < done.sends / 8);
		/* What is not inline is no different. */
		done = look_at(&rg_transport_verbs_rc, ways[i].notify, 4096, false);
		assert_true(done.inlined < done.sends);
	}
}

static void credit_travels_with_what_is_put(void **state)
{
	const uint64_t messages = 2 * MESSAGES;
	struct fake_counts done = look_at(&rg_transport_verbs_rc, RG_VERBS_WRITE_IMM, 64, true);

	assert_in_range(done.sends, messages, messages + messages / 8);
}

static void a_message_of_verbs_ud_takes_nothing_but_posts_and_polls(void **state)
{
	const uint64_t messages = 2 * MESSAGES;
	struct fake_counts done = look_at(&rg_transport_verbs_ud, RG_VERBS_WRITE_IMM, 3000, false);

	/* Few acknowledgements of their own, and few completions. */
	assert_in_range(done.sends, messages, messages + messages / 5);
	assert_true(done.signaled < done.sends / 8);
	(void)look_at(&rg_transport_verbs_ud, RG_VERBS_WRITE_IMM, 64, false);
}

/* A call that is made shows, one that the made-up devices make does not. */
static void *make_calls(void *arg)
{
	char c;

	(void)arg;
	seen.unwatched = system_calls_watch(&seen.calls);
	system_calls_begin(&seen.calls);
	fake_port("fake0", 1, false); /* writes events */
	seen.system_calls = system_calls_end(&seen.calls);
	system_calls_begin(&seen.calls);
	(void)!read(-1, &c, 1);
	(void)getppid();
	(void)getppid();
	system_calls_end(&seen.calls);
	return NULL;
}

static void the_counter_of_system_calls_counts_them(void **state)
{
	struct rg_verbs_device *device;
	struct rg_err err = {0};
	pthread_t thread;

	memset(&seen, 0, sizeof(seen));
	fake_reset(NULL, 0);
	assert_int_equal(
		rg_verbs_device_open(&rg_verbs_options_default, "fake0", "", &device, &err), 0);
	assert_int_equal(pthread_create(&thread, NULL, make_calls, NULL), 0);
	pthread_join(thread, NULL);
	system_calls_close(&seen.calls);
	rg_verbs_device_close(device);
	if (seen.unwatched) {
		print_message("skip: system calls cannot be counted here: %s\n",
			      strerror(seen.unwatched));
		skip();
	}
	assert_int_equal(seen.system_calls, 0);
	assert_int_equal(atomic_load(&seen.calls.count), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_counter_of_system_calls_counts_them),
		cmocka_unit_test(a_message_of_verbs_rc_takes_nothing_but_posts_and_polls),
		cmocka_unit_test(credit_travels_with_what_is_put),
		cmocka_unit_test(a_message_of_verbs_ud_takes_nothing_but_posts_and_polls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
