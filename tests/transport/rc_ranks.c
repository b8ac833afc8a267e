/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "rc_ranks.h"

#include "railgauge/base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

int fresh_devices(void **state)
{
	fake_reset(NULL, 0);
	return 0;
}

static void run_all(struct rank ranks[RANKS], int (*body)(struct rank *r),
		    const struct rg_verbs_options *options, const struct rg_geometry *geometry)
{
	prepare_ranks(ranks, &rg_transport_verbs_rc, body);
	for (uint32_t i = 0; i < RANKS; i++) {
		if (geometry)
			ranks[i].config.geometry = *geometry;
		if (options)
			ranks[i].config.verbs = options;
	}
	run_ranks(ranks, 0);
	assert_int_equal(fake_live(), 0);
}

void run_rc_as(int (*body)(struct rank *r), const struct rg_verbs_options *options,
	       const struct rg_geometry *geometry)
{
	struct rank ranks[RANKS];

	run_all(ranks, body, options, geometry);
	for (uint32_t i = 0; i < RANKS; i++) {
		if (ranks[i].rc)
			fail_msg("rank %u: %s", i, ranks[i].err.text);
	}
}

void run_rc(int (*body)(struct rank *r), const struct rg_verbs_options *options)
{
	run_rc_as(body, options, NULL);
}

static int does_nothing(struct rank *r)
{
	return 0;
}

void run_rc_refused(const struct rg_verbs_options *options, int code, const char *words)
{
	struct rank ranks[RANKS];

	run_all(ranks, does_nothing, options, NULL);
	for (uint32_t i = 0; i < RANKS; i++) {
		if (ranks[i].rc != code || !strstr(ranks[i].err.text, words))
			fail_msg("rank %u: %d, %s", i, ranks[i].rc, ranks[i].err.text);
	}
}

struct rg_put put_of(struct rank *r, const void *src, size_t len_bytes, uint64_t message)
{
	return (struct rg_put){
		.peer = next(r),
		.offset = message % 4 * 4096,
		.src = src,
		.len_bytes = len_bytes,
		.notify = true,
		.ctr = RG_CTR_READY,
		.value = message + 1,
	};
}

int exchange(struct rank *r, uint64_t from, uint64_t to, size_t len_bytes)
{
	uint8_t data[4096] = {0};

	for (uint64_t m = from; m < to; m++) {
		const struct rg_put put = put_of(r, data, len_bytes, m);
		int rc = m >= 4 ? wait_counter(r, next(r), RG_CTR_FREE, m - 3) : 0;

		if (!rc)
			rc = put_all(r, &put);
		if (!rc)
			rc = wait_counter(r, previous(r), RG_CTR_READY, m + 1);
		if (!rc)
			rc = signal_all(r, previous(r), 0, RG_CTR_FREE, m + 1);
		if (rc)
			return rc;
	}
	return 0;
}

int wait_for_end(struct rank *r, uint32_t peer)
{
	uint64_t end = rg_clock_ns() + TEN_S;
	uint32_t idle = 0;

	while (!r->ops->peer_alive(r->ep, peer, &r->err)) {
		int rc = turn(r, &idle);

		if (rc)
			return rc;
		MUST(r, rg_clock_ns() < end);
	}
	return 0;
}
