/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * More ranks than the prover takes get through with as little credit as a row takes: nobody waits
 * for what never comes, and no message is left over. What they do with data is for
 * tests/coll/test_many_results.c.
 */
#include "config.h"

#include "../lot.h"
#include "../watched.h"
#include "sim_cases.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static const struct link_fs near = {300000000, 40000000, 30000000, 10000};
static const struct link_fs far = {2000000000, 300000000, 250000000, 50000};

#define RANKS 130

static const struct rg_geometry geometries[] = {
	{.channels = 1,
	 .slots = 1,
	 .slot_bytes = 256,
	 .ll_slots = 1,
	 .ll_bytes = 64,
	 .credit_batch = 1},
	{.channels = 1,
	 .slots = 4,
	 .slot_bytes = 64,
	 .ll_slots = 4,
	 .ll_bytes = 64,
	 .credit_batch = 3},
	{.channels = 1,
	 .slots = 8,
	 .slot_bytes = 1024,
	 .ll_slots = 8,
	 .ll_bytes = 256,
	 .credit_batch = 4},
};

/* Nodes of 1, 2 ... 11 ranks in turn, or all of 8. */
static void put_on_nodes(struct rg_problem *p, bool ragged)
{
	static uint32_t node[RANKS], local[RANKS];
	uint32_t room = ragged ? 1 : 8, at = 0, k = 0;

	for (uint32_t r = 0; r < p->layout.nranks; r++, k++) {
		if (k == room) {
			at++;
			k = 0;
			room = ragged ? room % 11 + 1 : 8;
		}
		node[r] = at;
		local[r] = k;
	}
	p->layout.node = node;
	p->layout.local = p->layout.rail = local;
}

static uint32_t done;

static void get_through(const struct rg_algorithm *a, struct rg_problem *p)
{
	const struct rg_costs costs = costs_of(near, far);
	struct rg_sim_result r;
	struct rg_err err = {0};

	for (size_t g = 0; g < sizeof(geometries) / sizeof(geometries[0]); g++) {
		p->geometry = geometries[g];
		if (a->check(p, NULL))
			continue;
		if (rg_sim_run(a, p, &costs, &r, &err))
			fail_msg("%s %s (%s), %u ranks, %llu elements, %u slots, root %u: %s",
				 rg_coll_name(p->coll), a->name,
				 rg_protocol_name(p->params.protocol), p->layout.nranks,
				 (unsigned long long)p->count, p->geometry.slots, p->root,
				 err.text);
		done++;
	}
}

static void nobody_waits_for_what_never_comes(void **state)
{
	static const uint32_t sizes[] = {65, 100, 128, RANKS};
	static const uint64_t counts[] = {1, 70, 3000};
	struct lot lot = lot_of(WATCHED ? 6 : 2);

	for (const struct rg_algorithm *const *a = rg_algorithms; *a; a++) {
		for (uint32_t k = 0; k < 4 * 3; k++) {
			enum rg_coll coll = (*a)->coll;
			bool blocks = coll == RG_COLL_ALLTOALLV ||
				      rg_coll_src_count(coll, 1, 2) > 1 ||
				      rg_coll_dst_count(coll, 1, 2) > 1;
			uint64_t count = counts[k / 4] / (blocks ? 40 : 1) + blocks;
			struct rg_problem p = problem_of(coll, sizes[k % 4],
							 coll == RG_COLL_BARRIER ? 0 : 4 * count);

			p.root = rg_coll_has_root(p.coll) ? k * 7 : 0;
			p.in_place = k % 2;
			p.params.protocol = k % 3 ? RG_PROTOCOL_SLOT : RG_PROTOCOL_WORD;
			p.params.radix = (*a)->radix && k % 5 == 4 ? 16 : 0;
			put_on_nodes(&p, k % 3 == 1);
			if (is_drawn(&lot))
				get_through(*a, &p);
		}
	}
	assert_true(done > (WATCHED ? 60 : 250));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_waits_for_what_never_comes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
