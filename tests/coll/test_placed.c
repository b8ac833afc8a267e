/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What programs post, verbs-rc on made-up devices receives there: of long blocks in lent memory, as
 * far as their senders know in time, which they do of most that credit makes them wait for.
 */
#include "config.h"

#include "../transport/fake_verbs.h"
#include "ranks.h"

#include "railgauge/transport/verbs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define RANKS	   3u
#define OPERATIONS 5u
#define SLICES	   64u /* of a block: many times the slots */

static const struct rg_verbs_options *devices(uint32_t rank)
{
	static struct rg_verbs_options options;

	options = rg_verbs_options_default;
	options.device = "fake0";
	return &options;
}

static int run_operations(struct rank *r, const struct rg_problem *p, struct rg_run *run,
			  struct place *place)
{
	int rc = 0;

	for (uint32_t op = 0; op < OPERATIONS && !rc; op++) {
		struct rg_run_args args = args_of(r, p, place);

		poison(r, p, place);
		fill(r, p, place, op);
		rc = rg_run_once(run, &args, &r->err);
		if (!rc)
			rc = check(r, p, place, op);
	}
	return rc;
}

static int exchange(struct rank *r, void *arg)
{
	const struct rg_problem *p = arg;
	const struct rg_algorithm *linear = NULL;
	struct rg_program *program = NULL;
	struct rg_run *run = NULL;
	struct place place = {0};
	int rc = open_place(r, place_bytes(p), &place);

	if (!rc)
		rc = rg_algorithm_find(RG_COLL_ALLTOALL, "linear", &linear, &r->err);
	if (!rc)
		fake_watch(place.dst.base, place_bytes(p));
	if (!rc)
		rc = rg_program_open(r->ep, linear, p, RG_TYPE_INT32, RG_OP_SUM, 0, UINT64_MAX,
				     &program, &r->err);
	if (!rc)
		rc = rg_run_open(r->x, program, &run, &r->err);
	if (!rc)
		rc = meet(r);
	if (!rc)
		rc = run_operations(r, p, run, &place);
	part(r);
	rg_run_close(run);
	rg_program_close(program);
	close_place(&place);
	return rc;
}

static void most_of_what_is_long_is_received_in_place(void **state)
{
	struct rg_problem p = {
		.coll = RG_COLL_ALLTOALL,
		.count = SLICES * large_geometry.slot_bytes / 4,
		.layout = layout_of(RANKS, 0),
		.elem_bytes = 4,
		.caps = rg_transport_verbs_rc.caps,
		.geometry = large_geometry,
		.params = {.protocol = RG_PROTOCOL_SLOT, .channels = 1},
	};
	uint64_t all = OPERATIONS * RANKS * (RANKS - 1) * p.count * p.elem_bytes, placed;

	fake_reset(NULL, 0);
	rank_transport = &rg_transport_verbs_rc;
	rank_geometry = &large_geometry;
	rank_verbs = devices;
	run_ranks(RANKS, 0, exchange, &p, "all-to-all");
	placed = fake_counts().placed_bytes;
	print_message("%llu of %llu bytes were received in place\n", (unsigned long long)placed,
		      (unsigned long long)all);
	assert_in_range(placed, all / 2, all);
	assert_int_equal(fake_live(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(most_of_what_is_long_is_received_in_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
