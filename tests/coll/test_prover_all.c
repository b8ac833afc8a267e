/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Every algorithm is proved for 1 to 64 ranks: all protocols, counts around the number of ranks and
 * beyond one slot, in and out of place, persistent or not, with few and tiny slots. Three
 * operations follow each other: the row, another one, the row again.
 *
 * Up to SMALL ranks the counts, places and persistence are tried one by one. Of the numbers beyond
 * it one in FEW is drawn for each row (tests/lot.h), and tried with one protocol of the row and two
 * variants, above LARGE one, that are drawn from a fixed sequence. So is always what is left: root,
 * nodes, radix, window, channels, geometry, the operation in between. RG_FULL=1 in the environment
 * tries them one by one for all ranks: some 58000 sequences, which takes a core long. What the rows
 * say about steps is compared in test_prover_steps.c.
 */
#include "config.h"

#include "../lot.h"
#include "cases.h"
#include "counts.h"

#include "railgauge/base/matrix.h"
#include "railgauge/coll/prover.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SMALL  8u
#define FEW    8u
#define COUNTS 7u

static uint64_t drawn;

/* xorshift: the same sequence everywhere. */
static uint32_t draw(uint32_t below)
{
	drawn ^= drawn << 13;
	drawn ^= drawn >> 7;
	drawn ^= drawn << 17;
	return (uint32_t)((drawn >> 33) % below);
}

static uint64_t count_of(uint32_t which, uint32_t p)
{
	const uint64_t counts[COUNTS] = {
		0, 1, p - 1, p, p + 1, 3 * (uint64_t)p + 1, (p <= 16 ? 8 : 2) * 64 + 7};

	return counts[which];
}

static struct rg_geometry draw_geometry(void)
{
	return (struct rg_geometry){
		.channels = 2,
		.slots = 4,
		.slot_bytes = draw(2) ? 64 : 256,
		.ll_slots = 4,
		.ll_bytes = draw(2) ? 32 : 128,
		.credit_batch = 1 + draw(4),
	};
}

/* The default, or up to one round with all. */
static uint32_t draw_radix(uint32_t p)
{
	return draw(3) ? 2 + draw(p) % 63 : 0;
}

static uint32_t draw_for_counts(void *state, uint32_t below)
{
	(void)state;
	return draw(below);
}

/* Of an all-to-all-v: of up to `most` elements, kept while the next few are made. */
#define COUNTS_KEPT 20

static void set_counts(struct rg_problem *problem, uint64_t most)
{
	static uint64_t kept[COUNTS_KEPT][RG_PROVER_RANKS_MAX * RG_PROVER_RANKS_MAX];
	static uint32_t next;
	uint32_t p = problem->layout.nranks;
	uint64_t *counts;

	if (problem->coll != RG_COLL_ALLTOALLV)
		return;
	counts = kept[next++ % COUNTS_KEPT];
	make_counts(counts, p, most, problem->in_place, draw_for_counts, NULL);
	problem->counts = counts;
	problem->count = rg_matrix_busiest(counts, p);
}

static struct rg_problem problem_of(const struct rg_algorithm *row, uint32_t p, uint64_t count,
				    enum rg_protocol protocol, struct rg_geometry geometry,
				    bool in_place)
{
	struct rg_problem problem = {
		.coll = row->coll,
		.layout = {.nranks = p},
		.count = row->coll == RG_COLL_BARRIER ? 0 : count,
		.elem_bytes = 4,
		.root = rg_coll_has_root(row->coll) ? draw(p) : 0,
		.access = protocol == RG_PROTOCOL_WINDOW ? RG_ACCESS_WINDOW : RG_ACCESS_PRIVATE,
		.caps = RG_CAP_DATA | RG_CAP_MAPPED | RG_CAP_WORD8 | RG_CAP_READ | RG_CAP_MULTICAST,
		.geometry = geometry,
		.params = {.protocol = protocol,
			   .channels = 1 + draw(2),
			   .radix = row->radix ? draw_radix(p) : 0,
			   .window = row->window ? draw(p + 1) : 0},
		.in_place = in_place,
	};

	set_counts(&problem, count);
	return problem;
}

static enum rg_protocol draw_protocol(const struct rg_algorithm *row)
{
	enum rg_protocol protocol;

	do
		protocol = (enum rg_protocol)draw(RG_PROTOCOL_COUNT);
	while (!(row->protocols & 1u << protocol));
	return protocol;
}

static const struct rg_algorithm *draw_row(void)
{
	uint32_t n = 0;

	while (rg_algorithms[n])
		n++;
	return rg_algorithms[draw(n)];
}

/* Fills *out with a problem that the row takes; small counts, as others are proved elsewhere. */
static void draw_op(uint32_t p, struct rg_geometry geometry, struct rg_prover_op *out)
{
	do {
		out->algorithm = draw_row();
		out->problem = problem_of(out->algorithm, p, count_of(draw(COUNTS - 2), p),
					  draw_protocol(out->algorithm), geometry, draw(2));
	} while (out->algorithm->check(&out->problem, NULL));
}

/* The ranks' places, of the one proof that goes on. */
static uint32_t node_of[RG_PROVER_RANKS_MAX], local_of[RG_PROVER_RANKS_MAX],
	rail_of[RG_PROVER_RANKS_MAX];

/* Puts ranks on nodes: `size` on each, 0 means from 1 to 4; or, dealt out, on `size` nodes. */
static struct rg_layout layout_of(uint32_t p, uint32_t size, bool dealt, uint32_t per_rail)
{
	uint32_t node = 0, local = 0, room = size ? size : 1 + draw(4);

	for (uint32_t r = 0; r < p; r++, local++) {
		if (local == room) {
			node++;
			local = 0;
			room = size ? size : 1 + draw(4);
		}
		node_of[r] = 7 + (dealt ? local : node);
		local_of[r] = dealt ? node : local;
		rail_of[r] = per_rail ? local_of[r] / per_rail : p - r;
	}
	return (struct rg_layout){.nranks = p, .node = node_of, .local = local_of, .rail = rail_of};
}

static struct rg_layout draw_layout(uint32_t p)
{
	if (draw(3) == 0)
		return (struct rg_layout){.nranks = p};
	return layout_of(p, draw(2) ? 1 + draw(p) : 0, draw(2), draw(3));
}

/* The row twice with another operation in between. 1: the row does not take such problems. */
static int prove(const struct rg_algorithm *row, struct rg_problem problem)
{
	struct rg_prover_op ops[3] = {{row, problem}, {0}, {row, problem}};
	struct rg_err err = {0};
	uint32_t buffers = problem.params.persistent ? 3 : 1 + draw(2);

	if (row->check(&problem, NULL))
		return 1;
	draw_op(problem.layout.nranks, problem.geometry, &ops[1]);
	ops[1].problem.layout = problem.layout;
	if (rg_coll_has_root(row->coll))
		ops[2].problem.root = draw(problem.layout.nranks);
	set_counts(&ops[2].problem, 1 + draw(9));
	if (rg_prover_run(ops, 3, buffers, NULL, &err))
		fail_msg("in place %d, persistent %d, root %u, radix %u, window %u, %u channels, "
			 "%u bytes per "
			 "slot, %u per word slot, credit batch %u, %s %s in between: %s",
			 problem.in_place, problem.params.persistent, problem.root,
			 problem.params.radix, problem.params.window, problem.params.channels,
			 problem.geometry.slot_bytes, problem.geometry.ll_bytes,
			 problem.geometry.credit_batch, rg_coll_name(ops[1].algorithm->coll),
			 ops[1].algorithm->name, err.text);
	return 0;
}

/* Variant v of a row's problems; whether the row takes it (and then it is proved). */
static bool prove_variant(const struct rg_algorithm *row, enum rg_protocol protocol, uint32_t p,
			  uint32_t v)
{
	struct rg_problem problem = problem_of(row, p, count_of(v % COUNTS, p), protocol,
					       draw_geometry(), v / COUNTS % 2);

	problem.params.persistent = v / COUNTS / 2;
	problem.layout = draw_layout(p);
	return prove(row, problem) == 0;
}

/* Numbers of ranks above that take long. */
#define LARGE 33

/* The variants of a row with a protocol and a number of ranks; how many were proved. */
static uint32_t prove_ranks(const struct rg_algorithm *row, enum rg_protocol protocol, uint32_t p)
{
	uint32_t variants = COUNTS * 2 * (protocol == RG_PROTOCOL_WINDOW ? 2 : 1), proved = 0;

	if (is_full() || p <= (WATCHED ? 3 : SMALL)) {
		/* Each time with other counts. */
		for (uint32_t v = 0; v < variants * (row->coll == RG_COLL_ALLTOALLV ? 4 : 1); v++)
			proved += prove_variant(row, protocol, p, v % variants);
		return proved;
	}
	/* Some drawn geometries give less credit than a row may ask for. */
	for (uint32_t i = 0; proved < (p <= LARGE ? 2 : 1) && i < 20; i++)
		proved += prove_variant(row, protocol, p, draw(variants));
	return proved;
}

/* Above SMALL a number of ranks is tried with one of the row's protocols. */
static bool is_its_turn(const struct rg_algorithm *row, uint32_t protocol, uint32_t p)
{
	uint32_t before = row->protocols & ((1u << protocol) - 1);

	return p % (uint32_t)__builtin_popcount(row->protocols) ==
	       (uint32_t)__builtin_popcount(before);
}

static void every_algorithm_is_proved(void **state)
{
	struct lot lot = lot_of(FEW);

	(void)state;
	for (const struct rg_algorithm *const *a = rg_algorithms; *a; a++) {
		uint32_t proved = 0;

		drawn = UINT64_C(88172645463325252) + (uint64_t)(a - rg_algorithms);
		for (uint32_t protocol = 0; protocol < RG_PROTOCOL_COUNT; protocol++) {
			if (!((*a)->protocols & 1u << protocol))
				continue;
			for (uint32_t p = 1; p <= MOST_RANKS; p++) {
				uint32_t n;

				if (p > SMALL && !is_full() &&
				    (!is_its_turn(*a, protocol, p) || !is_drawn(&lot)))
					continue;
				n = prove_ranks(*a, (enum rg_protocol)protocol, p);
				assert_true(n > 0);
				proved += n;
			}
		}
		printf("%s %s: %u sequences\n", rg_coll_name((*a)->coll), (*a)->name, proved);
	}
}

/*
 * The sizes that are used by default, where algorithms that depend on them take other ways. Big
 * elements keep the proofs small: a slot holds 8 of them.
 */
static void the_default_geometry_is_proved(void **state)
{
	const uint32_t ranks[] = {2, 3, 5, 8, 9, 12, 16, 24};
	struct lot lot = lot_of(WATCHED ? 4 : 1);

	(void)state;
	drawn = 2463534242;
	for (const struct rg_algorithm *const *a = rg_algorithms; *a; a++) {
		for (uint32_t v = 0; v < RG_PROTOCOL_COUNT * 8 * 3; v++) {
			enum rg_protocol protocol = (enum rg_protocol)(v % RG_PROTOCOL_COUNT);
			uint32_t p = ranks[v / RG_PROTOCOL_COUNT % 8];
			const uint64_t counts[] = {1, 8, 3 * 8 + 1};
			struct rg_problem problem =
				problem_of(*a, p, counts[v / (RG_PROTOCOL_COUNT * 8)], protocol,
					   rg_geometry_default, draw(2));
			struct rg_prover_op ops[3];
			struct rg_err err = {0};

			problem.elem_bytes = 4096;
			if ((*a)->check(&problem, NULL) || !is_drawn(&lot))
				continue;
			for (uint32_t k = 0; k < 3; k++)
				ops[k] = (struct rg_prover_op){*a, problem};
			if (rg_prover_run(ops, 3, 1, NULL, &err))
				fail_msg("%s", err.text);
		}
	}
}

/* Longer sequences of anything, with one pair of buffers or two. */
static void mixed_sequences_are_proved(void **state)
{
	struct rg_prover_op ops[RG_PROVER_OPS_MAX];

	(void)state;
	drawn = 4101842887655102017;
	for (uint32_t i = 0; i < (WATCHED ? 60 : 300); i++) {
		struct rg_geometry geometry = draw_geometry();
		uint32_t p = 1 + draw(8), n = 2 + draw(RG_PROVER_OPS_MAX - 1);
		struct rg_err err = {0};

		for (uint32_t k = 0; k < n; k++)
			draw_op(p, geometry, &ops[k]);
		if (rg_prover_run(ops, n, 1 + draw(2), NULL, &err))
			fail_msg("sequence %u: %s", i, err.text);
	}
}

/* One operation after the other on the same buffers, as a benchmark does with persistent ones. */
static void persistent_buffers_alternate(void **state)
{
	(void)state;
	drawn = 88172645463325252;
	for (const struct rg_algorithm *const *a = rg_algorithms; *a; a++) {
		for (uint32_t p = 1; p <= 9; p++) {
			struct rg_problem problem =
				problem_of(*a, p, 3 * (uint64_t)p + 1, RG_PROTOCOL_WINDOW,
					   draw_geometry(), false);
			struct rg_prover_op ops[5];
			struct rg_err err = {0};

			problem.params.persistent = true;
			if (!((*a)->protocols & 1u << RG_PROTOCOL_WINDOW) ||
			    (*a)->check(&problem, NULL))
				continue;
			for (uint32_t k = 0; k < 5; k++) {
				ops[k] = (struct rg_prover_op){*a, problem};
				set_counts(&ops[k].problem, 1 + draw(9));
			}
			if (rg_prover_run(ops, 5, 2, NULL, &err))
				fail_msg("%s", err.text);
		}
	}
}

static void two_levels_are_proved_on_nodes_of_all_kinds(void **state)
{
	(void)state;
	drawn = 362436069;
	for (const struct rg_algorithm *const *a = rg_algorithms; *a; a++) {
		for (uint32_t v = 0; v < PLACES * COUNTS * 4; v++) {
			size_t i = v / (COUNTS * 4);
			uint32_t p = place_of(i).nranks;
			struct rg_problem problem =
				problem_of(*a, p, count_of(v % COUNTS, p),
					   v / COUNTS & 1 ? RG_PROTOCOL_SLOT : RG_PROTOCOL_WORD,
					   draw_geometry(), v / COUNTS & 2);

			if (strcmp((*a)->name, "hierarchical") != 0)
				continue;
			problem.layout = place_of(i);
			assert_int_equal(prove(*a, problem), 0);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_algorithm_is_proved),
		cmocka_unit_test(the_default_geometry_is_proved),
		cmocka_unit_test(mixed_sequences_are_proved),
		cmocka_unit_test(persistent_buffers_alternate),
		cmocka_unit_test(two_levels_are_proved_on_nodes_of_all_kinds),
	};

	return cmocka_run_group_tests_name("prover, all algorithms", tests, NULL, NULL);
}
