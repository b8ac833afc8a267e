/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * verbs-rc on made-up devices: long lasting puts out of lent memory are not copied, and what is
 * done with the memory afterwards does no harm. With FAKE_LATE devices read what they send when it
 * is delivered, so who is told too early that a source is his again sends what he writes then.
 */
#include "config.h"

#include "fake_verbs.h"
#include "locked.h"
#include "ranks.h"

#include "railgauge/base/clock.h"
#include "railgauge/transport/verbs.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define SLOT_BYTES   ((size_t)64 << 10)
#define WINDOW_BYTES ((size_t)1 << 20)
#define ALL_BYTES    (SLOT_BYTES + WINDOW_BYTES)

/* Source and destination of a rank: what goes to a slot, then what goes to the window. */
struct memory {
	struct rg_buffer source, sink;
	struct rg_window *window;
};

/* What the present case is about, for all ranks. */
static bool lends, lasts;
static uint64_t puts_bytes; /* of one put to the window */
static struct fake_counts before;

static uint8_t byte_at(uint32_t rank, size_t i)
{
	return (uint8_t)(i * 7 + i / 4096 + rank);
}

static int open_memory(struct rank *r, struct memory *m)
{
	int rc;

	*m = (struct memory){0};
	rc = rg_buffer_open(RG_MEMORY_HOST, ALL_BYTES, 0, -1, &m->source, &r->err);
	if (!rc)
		rc = rg_buffer_open(RG_MEMORY_SHARED, WINDOW_BYTES, 0, -1, &m->sink, &r->err);
	if (!rc)
		rc = r->ops->window_open(r->ep, &m->sink, &m->window, &r->err);
	if (!rc)
		rc = r->ops->window_map(m->window, next(r), &r->err);
	if (rc)
		return rc;
	if (lends)
		r->ops->lend(r->ep, &m->source);
	fake_watch(m->source.base, ALL_BYTES);
	for (size_t i = 0; i < ALL_BYTES; i++)
		((uint8_t *)m->source.base)[i] = byte_at(r->ep->rank, i);
	return 0;
}

static void close_memory(struct rank *r, struct memory *m)
{
	r->ops->window_close(m->window);
	r->ops->take_back(r->ep, &m->source);
	rg_buffer_close(&m->source);
	rg_buffer_close(&m->sink);
}

/* Until its sources are this rank's again. */
static int hand_over(struct rank *r)
{
	uint64_t end = rg_clock_ns() + TEN_S;
	uint32_t idle = 0;
	int rc;

	while ((rc = r->ops->flush(r->ep, &r->err)) == 1) {
		rc = turn(r, &idle);
		if (rc)
			return rc;
		MUST(r, rg_clock_ns() < end);
	}
	return rc;
}

static struct rg_put put_of(struct rank *r, const struct memory *m, bool window)
{
	return (struct rg_put){
		.peer = next(r),
		.region = window ? RG_REGION_WINDOW : RG_REGION_SLOT,
		.window = window ? m->window : NULL,
		.src = (uint8_t *)m->source.base + (window ? SLOT_BYTES : 0),
		.len_bytes = window ? puts_bytes : SLOT_BYTES,
		.lasting = lasts,
		.notify = true,
		.ctr = window ? RG_CTR_DONE : RG_CTR_READY,
		.value = 1,
	};
}

/* A slot, and the window in puts of puts_bytes. */
static int put_both(struct rank *r, const struct memory *m)
{
	struct rg_put put = put_of(r, m, false);

	MUST(r, !put_all(r, &put));
	put = put_of(r, m, true);
	for (; put.offset < WINDOW_BYTES; put.offset += puts_bytes, put.value++) {
		MUST(r, !put_all(r, &put));
		put.src = (const uint8_t *)put.src + puts_bytes;
	}
	return 0;
}

static int check_both(struct rank *r, const struct memory *m)
{
	const struct rg_link *l = rg_endpoint_link(r->ep, 0, previous(r));

	MUST(r, !wait_counter(r, previous(r), RG_CTR_READY, 1));
	MUST(r, !wait_counter(r, previous(r), RG_CTR_DONE, WINDOW_BYTES / puts_bytes));
	for (size_t i = 0; i < ALL_BYTES; i++) {
		uint8_t is =
			i < SLOT_BYTES ? l->rx_slots[i] : ((uint8_t *)m->sink.base)[i - SLOT_BYTES];

		if (is != byte_at(previous(r), i))
			return rg_err_set(&r->err, RG_ERR_WRONG_DATA, "byte %zu is wrong", i);
	}
	return 0;
}

/* The source is written over as soon as it is this rank's again. */
static int exchange(struct rank *r, const struct memory *m)
{
	int rc = meet(r);

	if (!rc && r->ep->rank == 0)
		before = fake_counts();
	if (!rc)
		rc = meet(r);
	if (!rc)
		rc = put_both(r, m);
	if (!rc && lasts)
		rc = hand_over(r);
	memset(m->source.base, 0xff, ALL_BYTES);
	return rc ? rc : check_both(r, m);
}

/* Nobody is between the two counts but with what is counted. */
static int count(struct rank *r, const struct memory *m)
{
	uint64_t of_each = puts_bytes >= r->ep->straight_bytes ? ALL_BYTES : SLOT_BYTES;
	struct fake_counts now;
	int rc = exchange(r, m);

	if (!rc)
		rc = meet(r);
	if (rc)
		return rc;
	now = fake_counts();
	MUST(r, now.watched_bytes - before.watched_bytes == (lends && lasts ? RANKS * of_each : 0));
	MUST(r, now.registered == before.registered);
	return meet(r);
}

static int sends(struct rank *r)
{
	struct memory m = {0};
	int rc = connect_all(r);

	MUST(r, r->ep->straight_bytes > 4096 && r->ep->straight_bytes <= SLOT_BYTES);
	if (!rc)
		rc = open_memory(r, &m);
	if (!rc)
		rc = count(r, &m);
	part(r);
	close_memory(r, &m);
	return rc;
}

static void run(int (*body)(struct rank *r), const struct rg_verbs_options *options)
{
	struct rank ranks[RANKS];

	prepare_ranks(ranks, &rg_transport_verbs_rc, body);
	for (uint32_t i = 0; i < RANKS; i++) {
		ranks[i].config.geometry.slot_bytes = SLOT_BYTES;
		if (options)
			ranks[i].config.verbs = options;
	}
	run_ranks(ranks, 0);
	for (uint32_t i = 0; i < RANKS; i++) {
		if (ranks[i].rc)
			fail_msg("rank %u: %s", i, ranks[i].err.text);
	}
	assert_int_equal(fake_live(), 0);
}

/* With each way to notify, over one rail and over two, in order and not. */
static void run_all_ways(void)
{
	for (int way = 0; way < 12; way++) {
		struct rg_verbs_options options = rg_verbs_options_default;
		bool two = way / 3 % 2;

		options.notify = way % 3;
		options.path_order = RG_VERBS_ON;
		if (two && options.notify == RG_VERBS_WRITE_COUNTER)
			continue; /* relies on the order of one queue pair */
		options.device = two ? "fake0,fake1" : "fake0";
		options.qps = two ? 2 : 1;
		fake_reset(NULL, 0);
		fake_order(way < 6 ? 0 : FAKE_LATE | FAKE_SHUFFLE, (uint64_t)way);
		run(sends, &options);
	}
}

static void set(bool lent, bool lasting, uint64_t bytes)
{
	lends = lent;
	lasts = lasting;
	puts_bytes = bytes;
}

static void no_byte_of_a_long_lasting_put_out_of_lent_memory_is_copied(void **state)
{
	set(true, true, WINDOW_BYTES);
	run_all_ways();
	set(true, true, WINDOW_BYTES / 16);
	run_all_ways();
}

static void what_does_not_last_or_is_not_lent_or_short_is_reusable_when_put_returns(void **state)
{
	set(true, false, WINDOW_BYTES);
	run_all_ways();
	set(false, true, WINDOW_BYTES);
	run_all_ways();
	set(true, true, 4096);
	run_all_ways();
}

/* --- registrations --- */

static int cannot_lend(struct rank *r)
{
	struct memory m = {0};
	int rc = connect_all(r);

	if (!rc)
		rc = open_memory(r, &m);
	if (!rc)
		rc = meet(r);
	if (!rc && r->ep->rank == 0) {
		fake_fail("ibv_reg_mr", 1, ENOMEM);
		r->ops->lend(r->ep, &m.source);
		rc = fake_failed() ? 0 : rg_err_set(&r->err, RG_ERR_INTERNAL, "nothing failed");
	}
	if (!rc)
		rc = exchange(r, &m);
	if (!rc)
		rc = meet(r);
	if (!rc && fake_counts().watched_bytes)
		rc = rg_err_set(&r->err, RG_ERR_INTERNAL, "sent from where it lay");
	part(r);
	close_memory(r, &m);
	return rc;
}

static void what_cannot_be_registered_is_copied(void **state)
{
	struct rg_verbs_options options = rg_verbs_options_default;

	fake_reset(NULL, 0);
	options.device = "fake0";
	set(false, true, WINDOW_BYTES);
	run(cannot_lend, &options);
}

/* What must be registered takes the place of what only saves copying. */
static int is_displaced(struct rank *r)
{
	struct memory m = {0};
	struct rg_buffer more = {0};
	int rc = connect_all(r);

	if (!rc)
		rc = open_memory(r, &m);
	if (!rc)
		rc = rg_buffer_open(RG_MEMORY_HOST, 4096, 0, -1, &more, &r->err);
	if (!rc)
		rc = meet(r);
	if (!rc && r->ep->rank == 0) {
		fake_fail("ibv_reg_mr", 1, ENOMEM);
		r->ops->lend(r->ep, &more);
	}
	if (!rc)
		rc = exchange(r, &m);
	if (!rc)
		rc = meet(r);
	if (!rc && fake_counts().watched_bytes - before.watched_bytes != (RANKS - 1) * ALL_BYTES)
		rc = rg_err_set(&r->err, RG_ERR_INTERNAL, "it was not displaced");
	part(r);
	r->ops->take_back(r->ep, &more);
	rg_buffer_close(&more);
	close_memory(r, &m);
	return rc;
}

static void where_locked_memory_is_short_lent_memory_gives_way(void **state)
{
	struct rg_verbs_options options = rg_verbs_options_default;

	fake_reset(NULL, 0);
	options.device = "fake0";
	set(true, true, WINDOW_BYTES);
	run(is_displaced, &options);
}

static int only_opens(struct rank *r)
{
	return 0;
}

static void too_little_locked_memory_for_the_options_is_said_before_anything_is_sent(void **state)
{
	struct rank ranks[RANKS];
	struct rlimit old;
	bool may;

	fake_reset(NULL, 0);
	lower_limit(&old);
	may = lock_beyond_limits(false);
	prepare_ranks(ranks, &rg_transport_verbs_rc, only_opens);
	for (uint32_t i = 0; i < RANKS; i++)
		ranks[i].config.geometry.slot_bytes = SLOT_BYTES;
	run_ranks(ranks, 0);
	if (may)
		lock_beyond_limits(true);
	assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &old), 0);
	for (uint32_t i = 0; i < RANKS; i++) {
		assert_int_equal(ranks[i].rc, RG_ERR_LIMIT);
		assert_non_null(strstr(ranks[i].err.text, "--verbs.depth"));
		assert_non_null(strstr(ranks[i].err.text, "4 slots of 65536 bytes"));
		assert_non_null(strstr(ranks[i].err.text, "ulimit -l"));
	}
	assert_int_equal(fake_counts().registered, 0);
	assert_int_equal(fake_live(), 0);
}

/* --- failures --- */

/* While the way is down what is sent waits; after take_back nobody reads it any more. */
static int takes_back(struct rank *r, struct memory *m)
{
	const struct rg_put put = put_of(r, m, true);

	fake_port("fake0", 1, false);
	MUST(r, !put_all(r, &put));
	MUST(r, r->ops->flush(r->ep, &r->err) == 1);
	r->ops->take_back(r->ep, &m->source);
	rg_buffer_close(&m->source);
	fake_port("fake0", 1, true);
	MUST(r, !hand_over(r));
	MUST(r, r->ops->peer_alive(r->ep, put.peer, &r->err) == RG_ERR_PEER);
	MUST(r, strstr(r->err.text, "rank 1") && strstr(r->err.text, "taken back"));
	MUST(r, !r->ops->peer_alive(r->ep, 2, &r->err));
	return 0;
}

static int takes_back_too_early(struct rank *r)
{
	struct memory m = {0};
	int rc = connect_all(r);

	if (!rc)
		rc = open_memory(r, &m);
	if (!rc)
		rc = meet(r);
	if (!rc && r->ep->rank == 0)
		rc = takes_back(r, &m);
	part(r);
	close_memory(r, &m);
	return rc;
}

static void what_is_taken_back_while_it_is_sent_is_not_read_any_more(void **state)
{
	struct rg_verbs_options options = rg_verbs_options_default;

	fake_reset(NULL, 0);
	options.device = "fake0";
	set(true, true, WINDOW_BYTES);
	run(takes_back_too_early, &options);
}

/* Its sources are this rank's again. */
static int loses_its_peer(struct rank *r)
{
	struct memory m = {0};
	int rc = connect_all(r);

	if (!rc)
		rc = open_memory(r, &m);
	if (!rc)
		rc = meet(r);
	if (!rc && r->ep->rank == 0) {
		const struct rg_put put = put_of(r, &m, true);

		fake_complete(2, IBV_WC_RETRY_EXC_ERR, 0x81);
		rc = put_all(r, &put);
		if (!rc)
			rc = hand_over(r);
		if (!rc && r->ops->peer_alive(r->ep, put.peer, &r->err) != RG_ERR_PEER)
			rc = rg_err_set(&r->err, RG_ERR_INTERNAL, "the peer has not failed");
	}
	part(r);
	close_memory(r, &m);
	return rc;
}

static void a_peer_that_fails_holds_no_source(void **state)
{
	struct rg_verbs_options options = rg_verbs_options_default;

	fake_reset(NULL, 0);
	options.device = "fake0";
	set(true, true, WINDOW_BYTES);
	run(loses_its_peer, &options);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_byte_of_a_long_lasting_put_out_of_lent_memory_is_copied),
		cmocka_unit_test(
			what_does_not_last_or_is_not_lent_or_short_is_reusable_when_put_returns),
		cmocka_unit_test(what_cannot_be_registered_is_copied),
		cmocka_unit_test(where_locked_memory_is_short_lent_memory_gives_way),
		cmocka_unit_test(
			too_little_locked_memory_for_the_options_is_said_before_anything_is_sent),
		cmocka_unit_test(what_is_taken_back_while_it_is_sent_is_not_read_any_more),
		cmocka_unit_test(a_peer_that_fails_holds_no_source),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
