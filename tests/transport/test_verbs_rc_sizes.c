/* SPDX-License-Identifier: BSD-3-Clause */
/* verbs-rc on made-up devices: what it takes of them, and gives back; what it refuses to take. */
#include "config.h"

#include "rc_ranks.h"

#include "railgauge/base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(all_that_may_be_under_way_finds_receives, fresh_devices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
