/* SPDX-License-Identifier: BSD-3-Clause */
/* verbs-rc on made-up devices: what it takes of them, and gives back; what it refuses to take. */
#include "config.h"

#include "rc_ranks.h"

#include "railgauge/base/clock.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* --- receives --- */

/* Greetings leave that many receives to be posted again, nearly a batch. */
#define WIDE 14

struct told {
	uint64_t value[RANKS][WIDE];
};

/* Signals on all links until none takes one more, without a look at what comes. */
static int fill_windows(struct rank *r, struct told *mine)
{
	for (uint32_t n = 0; n < RANKS * WIDE; n++) {
		uint64_t *value = &mine->value[n / WIDE][n % WIDE];
		int rc = n / WIDE == r->ep->rank;

		while (!rc) {
			rc = r->ops->signal(r->ep, n / WIDE, n % WIDE, RG_CTR_DONE, *value + 1,
					    &r->err);
			*value += !rc;
		}
		if (rc < 0)
			return rc;
	}
	return meet(r);
}

/* What the others told, and all completions. */
static int empty_windows(struct rank *r, const struct told *mine)
{
	struct told all[RANKS];
	int rc = rg_rendezvous_allgather(r->rdv, mine, all, sizeof(*mine), rg_clock_ns() + TEN_S,
					 &r->err);

	for (uint32_t n = 0; n < RANKS * WIDE && !rc; n++) {
		if (n / WIDE != r->ep->rank)
			rc = wait_on(r, n / WIDE, n % WIDE, RG_CTR_DONE,
				     all[n / WIDE].value[r->ep->rank][n % WIDE]);
	}
	while (!rc && (rc = r->ops->progress(r->ep, &r->err)) > 0)
		rc = 0;
	return rc ? rc : meet(r);
}

static int fills_all_windows(struct rank *r)
{
	struct told mine = {0};
	int rc = 0;

	for (uint32_t n = 0; n < RANKS * WIDE && !rc; n++)
		rc = r->ops->connect(r->ep, n / WIDE, n % WIDE, &r->err);
	/* All know all places. */
	for (uint32_t n = 0; n < RANKS * WIDE && !rc; n++)
		rc = signal_all(r, n / WIDE, n % WIDE, RG_CTR_ENTER, 1);
	for (uint32_t n = 0; n < RANKS * WIDE && !rc; n++)
		rc = wait_on(r, n / WIDE, n % WIDE, RG_CTR_ENTER, 1);
	if (!rc)
		rc = meet(r);
	for (int round = 0; round < 3 && !rc; round++) {
		rc = fill_windows(r, &mine);
		if (!rc)
			rc = empty_windows(r, &mine);
	}
	/* All that a window lets through, but for the first. */
	MUST(r, rc || mine.value[next(r)][WIDE - 1] == 3 * 128 - 1);
	return rc;
}

static void all_that_may_be_under_way_finds_receives(void **state)
{
	struct rg_verbs_options options = rg_verbs_options_default;
	struct rg_geometry wide = small_config.geometry;

	wide.channels = WIDE;
	options.device = "fake0";
	options.depth = 4096;
	run_rc_as(fills_all_windows, &options, &wide);
	assert_int_equal(fake_counts().receiver_waits, 0);
}

/* --- windows --- */

#define WINDOW_BYTES ((size_t)1 << 20)

struct memory {
	struct rg_buffer buffer;
	struct rg_window *window;
};

static int open_memory(struct rank *r, struct memory *m)
{
	int rc = rg_buffer_open(RG_MEMORY_SHARED, WINDOW_BYTES, 0, -1, &m->buffer, &r->err);

	return rc ? rc : r->ops->window_open(r->ep, &m->buffer, &m->window, &r->err);
}

static void close_memory(struct rank *r, struct memory *m)
{
	r->ops->window_close(m->window);
	rg_buffer_close(&m->buffer);
	*m = (struct memory){0};
}

static int write_next(struct rank *r, const struct memory *m, uint64_t value)
{
	const struct rg_put put = {
		.peer = next(r),
		.region = RG_REGION_WINDOW,
		.window = m->window,
		.src = m->buffer.base,
		.len_bytes = 4096,
		.notify = true,
		.ctr = RG_CTR_DONE,
		.value = value,
	};
	int rc = r->ops->window_map(m->window, next(r), &r->err);

	if (!rc)
		rc = put_all(r, &put);
	return rc ? rc : wait_counter(r, previous(r), RG_CTR_DONE, value);
}

/* Of all ranks, while none of them does anything. */
static int held_bytes(struct rank *r, uint64_t *out)
{
	int rc = meet(r);

	*out = fake_counts().held_bytes;
	return rc ? rc : meet(r);
}

/* Rank 1 keeps its window the longest. */
static int closes_windows(struct rank *r)
{
	struct memory kept = {0}, m = {0};
	uint64_t before = 0, now = 0;
	int rc = connect_all(r);

	if (!rc)
		rc = open_memory(r, &kept);
	if (!rc)
		rc = write_next(r, &kept, 1);
	if (!rc)
		rc = held_bytes(r, &before);
	if (!rc && r->ep->rank != 1)
		close_memory(r, &kept);
	for (uint64_t n = 2; n < 8 && !rc; n++) {
		rc = open_memory(r, &m);
		if (!rc)
			rc = write_next(r, &m, n);
		if (!rc)
			rc = held_bytes(r, &now);
		MUST(r, rc || now == before + RANKS * WINDOW_BYTES);
		close_memory(r, &m);
	}
	close_memory(r, &kept);
	if (!rc)
		rc = open_memory(r, &m);
	if (!rc)
		rc = held_bytes(r, &now);
	MUST(r, rc || now == before);
	close_memory(r, &m);
	return rc;
}

static void a_window_that_all_have_closed_is_not_registered_any_more(void **state)
{
	run_rc(closes_windows, NULL);
}

static int cannot_open_a_window(struct rank *r)
{
	struct memory first = {0}, m = {0};
	uint64_t before = 0, now = 0;
	int rc = connect_all(r);

	if (!rc)
		rc = open_memory(r, &first);
	if (!rc)
		rc = held_bytes(r, &before);
	if (!rc && r->ep->rank == 0)
		fake_fail("ibv_reg_mr", 2, ENOMEM);
	if (!rc)
		rc = meet(r);
	if (rc)
		return rc;
	MUST(r, open_memory(r, &m));
	MUST(r, strstr(r->err.text, "registering 1048576 bytes"));
	MUST(r, !m.window);
	rc = held_bytes(r, &now);
	MUST(r, rc || now == before);
	/* The next one is none the worse for it. */
	rg_buffer_close(&m.buffer);
	if (!rc)
		rc = open_memory(r, &m);
	if (!rc)
		rc = write_next(r, &m, 1);
	if (!rc)
		rc = meet(r);
	close_memory(r, &m);
	close_memory(r, &first);
	return rc;
}

static void a_window_that_cannot_be_opened_leaves_nothing_registered(void **state)
{
	run_rc(cannot_open_a_window, NULL);
}

/* --- depth --- */

static int has_that_depth(struct rank *r)
{
	MUST(r, strstr(r->ep->about, "1 QP of depth 128, moderation 32"));
	return 0;
}

static void a_depth_is_honoured_or_refused(void **state)
{
	const struct fake_device small = {
		.name = "fake0",
		.ports = 1,
		.ngids = 1,
		.gids = {{[10] = 0xff, 0xff, 10, 0, 0, 1}},
		.gid_types = {IBV_GID_TYPE_ROCE_V2},
		.max_cqe = 1024,
	};
	struct rg_verbs_options options = rg_verbs_options_default;

	fake_reset(&small, 1);
	options.device = "fake0";
	run_rc(has_that_depth, &options);
	options.depth = 512;
	run_rc_refused(&options, RG_ERR_LIMIT, "--verbs.depth 512");
}

/* --- order --- */

static int writes_counters(struct rank *r)
{
	int rc = connect_all(r);

	MUST(r, r->ep->caps & RG_CAP_ORDERED);
	MUST(r, strstr(r->ep->about, "write-counter (in order: --verbs.path-order)"));
	return rc ? rc : exchange(r, 0, 50, 4096);
}

static int promises_no_order(struct rank *r)
{
	MUST(r, !(r->ep->caps & RG_CAP_ORDERED));
	return 0;
}

/* Made-up devices are not known to be soft. */
static void counters_are_written_only_where_order_is_granted(void **state)
{
	struct rg_verbs_options options = rg_verbs_options_default;

	options.device = "fake0";
	options.path_order = RG_VERBS_ON;
	run_rc(promises_no_order, &options); /* since stores may overtake each other */
	options.notify = RG_VERBS_WRITE_COUNTER;
	run_rc(writes_counters, &options);
	options.qps = 2;
	run_rc_refused(&options, RG_ERR_INVALID, "--verbs.qps");
	options.qps = 1;
	options.device = "fake0,fake1";
	run_rc_refused(&options, RG_ERR_INVALID, "one device");
	options.device = "fake0";
	options.path_order = RG_VERBS_AUTO;
	run_rc_refused(&options, RG_ERR_UNSUPPORTED, "--verbs.path-order on");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(all_that_may_be_under_way_finds_receives, fresh_devices),
		cmocka_unit_test_setup(a_window_that_all_have_closed_is_not_registered_any_more,
				       fresh_devices),
		cmocka_unit_test_setup(a_window_that_cannot_be_opened_leaves_nothing_registered,
				       fresh_devices),
		cmocka_unit_test_setup(a_depth_is_honoured_or_refused, fresh_devices),
		cmocka_unit_test_setup(counters_are_written_only_where_order_is_granted,
				       fresh_devices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
