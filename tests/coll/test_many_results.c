/* SPDX-License-Identifier: BSD-3-Clause */
/* More ranks than the prover takes: every element of every result is compared. */
#include "config.h"

#include "../lot.h"
#include "../watched.h"
#include "carry_out.h"

#include "railgauge/base/matrix.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static uint32_t drawn;

/* The same sequence everywhere. */
static uint32_t draw(uint32_t below)
{
	drawn = drawn * 1664525u + 1013904223u;
	return (uint32_t)((uint64_t)(drawn >> 8) * below >> 24);
}

/* Nodes of 8 ranks, of 1 to 9, or ranks dealt out to 10 nodes in turn. */
static struct rg_layout draw_layout(uint32_t nranks)
{
	static uint32_t node[CARRY_RANKS], local[CARRY_RANKS];
	uint32_t which = draw(3), room = which ? 1 + draw(9) : 8, at = 0, k = 0;

	for (uint32_t r = 0; r < nranks; r++, k++) {
		if (k == room) {
			at++;
			k = 0;
			room = which ? 1 + draw(9) : 8;
		}
		node[r] = which == 2 ? r % 10 : at;
		local[r] = which == 2 ? r / 10 : k;
	}
	return (struct rg_layout){.nranks = nranks, .node = node, .local = local, .rail = local};
}

static bool is_made_of_blocks(enum rg_coll coll)
{
	return rg_coll_src_count(coll, 1, 2) + rg_coll_dst_count(coll, 1, 2) > 2;
}

static bool has_radix(const struct rg_algorithm *row, uint32_t radix)
{
	return row->radix && radix;
}

/* From 0 to 6 elements from rank to rank, both ways as many. */
static void set_counts(struct rg_problem *p)
{
	static uint64_t counts[CARRY_RANKS * CARRY_RANKS];
	uint32_t n = p->layout.nranks;

	for (uint32_t i = 0; i < n * n; i++)
		counts[i] = i / n * (i % n) % 7;
	p->counts = counts;
	p->count = rg_matrix_busiest(counts, n);
}

/* One case of a row; false: it does not take it. */
static bool try_one(const struct rg_algorithm *row, enum rg_protocol protocol, uint32_t nranks,
		    uint64_t count)
{
	static const uint32_t radixes[] = {0, 2, 3, 7, 64};
	uint32_t radix = radixes[draw(5)];
	struct rg_problem p = {
		.coll = row->coll,
		.layout = draw_layout(nranks),
		.count = row->coll == RG_COLL_BARRIER ? 0 : count,
		.elem_bytes = 4,
		.root = rg_coll_has_root(row->coll) ? draw(nranks) : 0,
		.in_place = draw(2),
		.access = protocol == RG_PROTOCOL_WINDOW ? RG_ACCESS_WINDOW : RG_ACCESS_PRIVATE,
		.caps = RG_CAP_DATA | RG_CAP_MAPPED | RG_CAP_WORD8 | RG_CAP_READ | RG_CAP_MULTICAST,
		.geometry = {.channels = CARRY_CHANNELS,
			     .slots = 4,
			     .slot_bytes = draw(2) ? 64 : 256,
			     .ll_slots = 4,
			     .ll_bytes = 64,
			     .credit_batch = 1 + draw(3)},
		.params = {.protocol = protocol,
			   .channels = 1 + draw(CARRY_CHANNELS),
			   .radix = has_radix(row, radix) ? radix : 0},
	};

	if (p.coll == RG_COLL_ALLTOALLV)
		set_counts(&p);
	if (row->check(&p, NULL))
		return false;
	carry_out(row, &p);
	return true;
}

/* One of the sizes is drawn, unless all are tried. */
static void results_of_more_than_64_ranks_are_right(void **state)
{
	static const uint32_t sizes[] = {65, 100, 128};
	struct lot lot = lot_of(1);
	uint32_t first = WATCHED ? 0 : lot_draw(&lot.state, 3);
	uint32_t nsizes = is_full() ? 3 : 1, rows = 0;

	drawn = 1;
	for (const struct rg_algorithm *const *a = rg_algorithms; *a; a++) {
		uint32_t n = 0;

		for (uint32_t k = 0; k < 3 * nsizes * RG_PROTOCOL_COUNT; k++) {
			enum rg_protocol protocol = (enum rg_protocol)(k % RG_PROTOCOL_COUNT);
			uint32_t nranks = sizes[(first + k / RG_PROTOCOL_COUNT % nsizes) % 3];
			const uint64_t counts[2][3] = {{1, nranks + 1, 20 * (uint64_t)nranks + 3},
						       {1, 5, 70}};

			if ((*a)->protocols & 1u << protocol)
				n += try_one(*a, protocol, nranks,
					     counts[is_made_of_blocks((*a)->coll)]
						   [k / RG_PROTOCOL_COUNT / nsizes]);
		}
		/* Some geometries give too little credit. */
		assert_true((n > 0) == (strncmp((*a)->ranks, "any", 3) == 0));
		rows += n > 0;
	}
	assert_true(rows >= 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(results_of_more_than_64_ranks_are_right),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
