/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Every algorithm is proved for 1 to 64 ranks: all protocols, counts around the number of ranks and
 * beyond one slot, in and out of place, persistent or not, with few and tiny slots. Three
 * operations follow each other: the row, another one, the row again.
 *
 * Up to SMALL ranks the counts, places and persistence are tried one by one, beyond it some are
 * drawn; what is left (root, channels, geometry, the operation in between) is always drawn, from a
 * fixed sequence. RG_FULL=1 in the environment tries them one by one for all ranks: some 33000
 * sequences, eight minutes of one core.
 */
#include "config.h"

#include "railgauge/coll/prover.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SMALL  9u
#define COUNTS 7u

/* Sanitizers look at the prover's own memory, for which few ranks are enough. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define MOST_RANKS 12u
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define MOST_RANKS 12u
#endif
#endif
#ifndef MOST_RANKS
#define MOST_RANKS RG_PROVER_RANKS_MAX
#endif

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

static struct rg_problem problem_of(const struct rg_algorithm *row, uint32_t p, uint64_t count,
				    enum rg_protocol protocol, struct rg_geometry geometry)
{
	return (struct rg_problem){
		.coll = row->coll,
		.layout = {.nranks = p},
		.count = row->coll == RG_COLL_BARRIER ? 0 : count,
		.elem_bytes = 4,
		.root = rg_coll_has_root(row->coll) ? draw(p) : 0,
		.access = protocol == RG_PROTOCOL_WINDOW ? RG_ACCESS_WINDOW : RG_ACCESS_PRIVATE,
		.caps = RG_CAP_DATA | RG_CAP_MAPPED | RG_CAP_WORD8 | RG_CAP_READ,
		.geometry = geometry,
		.params = {.protocol = protocol,
			   .channels = 1 + draw(2),
			   .radix = row->radix ? draw_radix(p) : 0,
			   .window = row->window ? draw(p + 1) : 0},
	};
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
					  draw_protocol(out->algorithm), geometry);
		out->problem.in_place = draw(2);
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
	struct rg_problem problem =
		problem_of(row, p, count_of(v % COUNTS, p), protocol, draw_geometry());

	problem.layout = draw_layout(p);
	problem.in_place = v / COUNTS % 2;
	problem.params.persistent = v / COUNTS / 2;
	return prove(row, problem) == 0;
}

/* The variants of a row with a protocol and a number of ranks; how many were proved. */
static uint32_t prove_ranks(const struct rg_algorithm *row, enum rg_protocol protocol, uint32_t p,
			    bool full)
{
	uint32_t variants = COUNTS * 2 * (protocol == RG_PROTOCOL_WINDOW ? 2 : 1), proved = 0;

	if (full || p <= SMALL) {
		for (uint32_t v = 0; v < variants; v++)
			proved += prove_variant(row, protocol, p, v);
		return proved;
	}
	/* Some drawn geometries give less credit than a row may ask for. */
	for (uint32_t i = 0; proved < (p <= 33 ? 2 : 1) && i < 20; i++)
		proved += prove_variant(row, protocol, p, draw(variants));
	return proved;
}

static void every_algorithm_is_proved(void **state)
{
	bool full = getenv("RG_FULL") != NULL;

	(void)state;
	for (const struct rg_algorithm *const *a = rg_algorithms; *a; a++) {
		uint32_t proved = 0;

		drawn = UINT64_C(88172645463325252) + (uint64_t)(a - rg_algorithms);
		for (uint32_t protocol = 0; protocol < RG_PROTOCOL_COUNT; protocol++) {
			if (!((*a)->protocols & 1u << protocol))
				continue;
			for (uint32_t p = 1; p <= MOST_RANKS; p++) {
				uint32_t n = prove_ranks(*a, (enum rg_protocol)protocol, p, full);

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

	(void)state;
	drawn = 2463534242;
	for (const struct rg_algorithm *const *a = rg_algorithms; *a; a++) {
		for (uint32_t v = 0; v < RG_PROTOCOL_COUNT * 8 * 3; v++) {
			enum rg_protocol protocol = (enum rg_protocol)(v % RG_PROTOCOL_COUNT);
			uint32_t p = ranks[v / RG_PROTOCOL_COUNT % 8];
			const uint64_t counts[] = {1, 8, 3 * 8 + 1};
			struct rg_problem problem =
				problem_of(*a, p, counts[v / (RG_PROTOCOL_COUNT * 8)], protocol,
					   rg_geometry_default);
			struct rg_prover_op ops[3];
			struct rg_err err = {0};

			problem.elem_bytes = 4096;
			problem.in_place = draw(2);
			if ((*a)->check(&problem, NULL))
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
	for (uint32_t i = 0; i < 300; i++) {
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
			struct rg_problem problem = problem_of(*a, p, 3 * (uint64_t)p + 1,
							       RG_PROTOCOL_WINDOW, draw_geometry());
			struct rg_prover_op ops[5];
			struct rg_err err = {0};

			problem.params.persistent = true;
			if (!((*a)->protocols & 1u << RG_PROTOCOL_WINDOW) ||
			    (*a)->check(&problem, NULL))
				continue;
			for (uint32_t k = 0; k < 5; k++)
				ops[k] = (struct rg_prover_op){*a, problem};
			if (rg_prover_run(ops, 5, 2, NULL, &err))
				fail_msg("%s", err.text);
		}
	}
}

static uint32_t log2_down(uint32_t p)
{
	return 31u - (uint32_t)__builtin_clz(p);
}

static uint32_t log2_up(uint32_t p)
{
	return p > 1 ? log2_down(p - 1) + 1 : 0;
}

/* The most; one less where no chain needs both the fold and its return. */
static uint32_t log2_folded(uint32_t p)
{
	return log2_down(p) + (p & (p - 1) ? 2 : 0);
}

/* With the radix of 4. */
static uint32_t log4_folded(uint32_t p)
{
	uint32_t power = 1, rounds = 0;

	for (; power * 4 <= p; power *= 4)
		rounds++;
	return rounds + (p / power > 1) + (p % power ? 2 : 0);
}

static uint32_t trees(uint32_t p)
{
	return 2 * log2_up(p);
}

static uint32_t scattered(uint32_t p)
{
	return p > 1 ? log2_down(p + 1) + log2_up(p) - 1 : 0;
}

static uint32_t swing(uint32_t p)
{
	return p > 1 ? 2 * log2_up(p & ~1u) : 0;
}

static uint32_t halving(uint32_t p)
{
	return log2_folded(p) + log2_down(p);
}

/* The most nonzero digits to the base 4 of a number below p. */
static uint32_t digits4(uint32_t p)
{
	uint32_t most = 0;

	for (uint32_t v = 0; v < p; v++) {
		uint32_t n = 0;

		for (uint32_t rest = v; rest; rest /= 4)
			n += rest % 4 > 0;
		most = most > n ? most : n;
	}
	return most;
}

static uint32_t ring(uint32_t p)
{
	return p - 1;
}

/* With the window of 8. */
static uint32_t eights(uint32_t p)
{
	return (p - 1 + 7) / 8;
}

static uint32_t two_rings(uint32_t p)
{
	return 2 * (p - 1);
}

/* Steps of the rows for one short slice where they are not a constant. */
static const struct {
	enum rg_coll coll;
	const char *name;
	uint32_t (*steps)(uint32_t p);
} steps_of[] = {
	{RG_COLL_ALLREDUCE, "ring", two_rings},
	{RG_COLL_ALLREDUCE, "double_tree", trees},
	{RG_COLL_ALLREDUCE, "recursive_doubling", log2_folded},
	{RG_COLL_ALLREDUCE, "recursive_multiplying", log4_folded},
	{RG_COLL_ALLREDUCE, "bine", log2_folded},
	{RG_COLL_ALLREDUCE, "rabenseifner", halving},
	{RG_COLL_ALLREDUCE, "swing", swing},
	{RG_COLL_REDUCE, "knomial", digits4},
	{RG_COLL_REDUCESCATTER, "ring", ring},
	{RG_COLL_REDUCESCATTER, "bruck", log2_up},
	{RG_COLL_REDUCESCATTER, "pat", log2_up},
	{RG_COLL_ALLGATHER, "ring", ring},
	{RG_COLL_ALLGATHER, "bruck", log2_up},
	{RG_COLL_ALLGATHER, "pat", log2_up},
	{RG_COLL_ALLTOALL, "linear", eights},
	{RG_COLL_ALLTOALL, "bruck", log2_up},
	{RG_COLL_BROADCAST, "binomial", log2_down},
	{RG_COLL_BROADCAST, "knomial", digits4},
	{RG_COLL_BROADCAST, "scatter_allgather", scattered},
	{RG_COLL_BARRIER, "dissemination", log2_up},
};

static uint32_t documented_steps(const struct rg_algorithm *row, uint32_t p)
{
	for (size_t i = 0; i < sizeof(steps_of) / sizeof(steps_of[0]); i++) {
		if (steps_of[i].coll == row->coll && !strcmp(steps_of[i].name, row->name))
			return steps_of[i].steps(p);
	}
	if (!strcmp(row->name, "twoshot") || !strcmp(row->name, "scatter_gather") ||
	    (row->coll == RG_COLL_ALLREDUCE && !strcmp(row->name, "hierarchical")))
		return p == 1 ? 0 : 2;
	return p == 1 ? 0 : 1;
}

static bool may_be_folded(const struct rg_algorithm *row)
{
	const char *const names[] = {"recursive_doubling", "recursive_multiplying", "rabenseifner",
				     "bine"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!strcmp(row->name, names[i]))
			return true;
	}
	return false;
}

/* The longest chain of messages that wait for each other is what the rows call steps. */
static void steps_are_those_documented(void **state)
{
	const struct rg_geometry geometry = {.channels = 2,
					     .slots = 8,
					     .slot_bytes = 4096,
					     .ll_slots = 8,
					     .ll_bytes = 4096,
					     .credit_batch = 1};

	(void)state;
	drawn = 1;
	for (const struct rg_algorithm *const *a = rg_algorithms; *a; a++) {
		for (uint32_t k = 1; k <= 2 * MOST_RANKS; k++) {
			uint32_t p = (k + 1) / 2;
			enum rg_protocol protocol = k % 2 ? RG_PROTOCOL_SLOT : RG_PROTOCOL_WORD;
			struct rg_prover_op op = {*a, problem_of(*a, p, p, protocol, geometry)};
			struct rg_prover_report report;
			struct rg_err err = {0};

			op.problem.params.channels = 1;
			op.problem.params.radix = op.problem.params.window = 0;
			if (!((*a)->protocols & 1u << protocol))
				continue;
			if (rg_prover_run(&op, 1, 1, &report, &err))
				fail_msg("%s", err.text);
			if (report.rounds != documented_steps(*a, p) &&
			    !(may_be_folded(*a) && report.rounds + 1 == documented_steps(*a, p)))
				fail_msg("%s %s takes %u steps over %u ranks, not %u",
					 rg_coll_name((*a)->coll), (*a)->name,
					 (unsigned)report.rounds, p, documented_steps(*a, p));
		}
	}
}

/* Nodes as they come: alike, ragged, one rank each, one alone, ranks dealt out to them in turn. */
static const struct {
	uint32_t nranks;
	uint32_t node[12];
	uint32_t largest, nnodes; /* for the steps below */
} places[] = {
	{4, {0, 0, 1, 1}, 2, 2},
	{12, {0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3}, 3, 4},
	{6, {0, 0, 0, 1, 2, 2}, 3, 3},
	{5, {0, 1, 2, 3, 4}, 1, 5},
	{7, {0, 0, 0, 0, 0, 0, 0}, 7, 1},
	{8, {0, 1, 0, 1, 0, 1, 0, 1}, 4, 2},
	{9, {3, 1, 1, 4, 1, 5, 5, 2, 1}, 4, 5},
	{12, {1, 1, 1, 1, 1, 2, 2, 3, 3, 3, 2, 2}, 5, 3},
};

static struct rg_layout place(size_t i)
{
	for (uint32_t r = 0; r < places[i].nranks; r++) {
		local_of[r] = 0;
		for (uint32_t before = 0; before < r; before++)
			local_of[r] += places[i].node[before] == places[i].node[r];
		rail_of[r] = local_of[r];
	}
	return (struct rg_layout){.nranks = places[i].nranks,
				  .node = places[i].node,
				  .local = local_of,
				  .rail = rail_of};
}

static void two_levels_are_proved_on_nodes_of_all_kinds(void **state)
{
	(void)state;
	drawn = 362436069;
	for (const struct rg_algorithm *const *a = rg_algorithms; *a; a++) {
		for (uint32_t v = 0; v < sizeof(places) / sizeof(places[0]) * COUNTS * 4; v++) {
			size_t i = v / (COUNTS * 4);
			uint32_t p = places[i].nranks;
			struct rg_problem problem =
				problem_of(*a, p, count_of(v % COUNTS, p),
					   v / COUNTS & 1 ? RG_PROTOCOL_SLOT : RG_PROTOCOL_WORD,
					   draw_geometry());

			if (strcmp((*a)->name, "hierarchical") != 0)
				continue;
			problem.layout = place(i);
			problem.in_place = v / COUNTS & 2;
			assert_int_equal(prove(*a, problem), 0);
		}
	}
}

/* The longest chain of messages depends on the nodes, as the rows say. */
static void two_levels_take_the_steps_documented(void **state)
{
	const struct rg_geometry geometry = {.channels = 1,
					     .slots = 8,
					     .slot_bytes = 4096,
					     .ll_slots = 8,
					     .ll_bytes = 4096,
					     .credit_batch = 1};

	(void)state;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		for (uint32_t k = 0; k < 2; k++) {
			enum rg_coll coll = k ? RG_COLL_ALLTOALL : RG_COLL_ALLREDUCE;
			uint32_t n = places[i].nnodes, within = places[i].largest > 1;
			uint32_t steps = k ? within + (n > 1) : 2 * within + swing(n);
			struct rg_prover_op op = {0};
			struct rg_prover_report report;
			struct rg_err err = {0};

			assert_int_equal(
				rg_algorithm_find(coll, "hierarchical", &op.algorithm, &err), 0);
			op.problem = problem_of(op.algorithm, places[i].nranks, 100,
						RG_PROTOCOL_SLOT, geometry);
			op.problem.params.channels = 1;
			op.problem.layout = place(i);
			if (rg_prover_run(&op, 1, 1, &report, &err))
				fail_msg("%s", err.text);
			if (report.rounds != steps)
				fail_msg("%s: %u steps, not %u, in place %zu", rg_coll_name(coll),
					 (unsigned)report.rounds, steps, i);
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
		cmocka_unit_test(steps_are_those_documented),
		cmocka_unit_test(two_levels_are_proved_on_nodes_of_all_kinds),
		cmocka_unit_test(two_levels_take_the_steps_documented),
	};

	return cmocka_run_group_tests_name("prover, all algorithms", tests, NULL, NULL);
}
