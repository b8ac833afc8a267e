/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The longest chain of messages that wait for each other, as the prover finds it for one short
 * slice, is what the rows call steps.
 */
#include "config.h"

#include "../lot.h"
#include "cases.h"

#include "railgauge/base/matrix.h"
#include "railgauge/coll/prover.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct rg_problem problem_of(const struct rg_algorithm *row, struct rg_layout layout,
				    uint64_t count, enum rg_protocol protocol)
{
	static uint64_t counts[RG_PROVER_RANKS_MAX * RG_PROVER_RANKS_MAX];
	uint32_t p = layout.nranks;
	bool v = row->coll == RG_COLL_ALLTOALLV;

	rg_matrix_scale(NULL, p, count * p, counts);
	return (struct rg_problem){
		.coll = row->coll,
		.layout = layout,
		.count = row->coll == RG_COLL_BARRIER ? 0
			 : v			      ? count * p
						      : count,
		.counts = v ? counts : NULL,
		.elem_bytes = 4,
		.root = rg_coll_has_root(row->coll) ? layout.nranks / 2 : 0,
		.access = RG_ACCESS_PRIVATE,
		.caps = RG_CAP_DATA | RG_CAP_WORD8 | RG_CAP_MULTICAST,
		.geometry = {.channels = 1,
			     .slots = 8,
			     .slot_bytes = 4096,
			     .ll_slots = 8,
			     .ll_bytes = 4096,
			     .credit_batch = 1},
		.params = {.protocol = protocol, .channels = 1},
	};
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
	{RG_COLL_GATHER, "knomial", digits4},
	{RG_COLL_SCATTER, "knomial", digits4},
	{RG_COLL_REDUCESCATTER, "ring", ring},
	{RG_COLL_REDUCESCATTER, "bruck", log2_up},
	{RG_COLL_REDUCESCATTER, "pat", log2_up},
	{RG_COLL_ALLGATHER, "ring", ring},
	{RG_COLL_ALLGATHER, "bruck", log2_up},
	{RG_COLL_ALLGATHER, "pat", log2_up},
	{RG_COLL_ALLTOALL, "linear", eights},
	{RG_COLL_ALLTOALL, "bruck", log2_up},
	{RG_COLL_ALLTOALLV, "linear", eights},
	{RG_COLL_ALLTOALLV, "bruck", log2_up},
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

/*
 * The longest chain of messages that wait for each other is what the rows call steps. Beyond 16
 * ranks a quarter of the numbers is drawn.
 */
static void steps_are_those_documented(void **state)
{
	struct lot lot = lot_of(4);

	(void)state;
	for (const struct rg_algorithm *const *a = rg_algorithms; *a; a++) {
		for (uint32_t k = 1; k <= 2 * MOST_RANKS; k++) {
			uint32_t p = (k + 1) / 2;
			enum rg_protocol protocol = k % 2 ? RG_PROTOCOL_SLOT : RG_PROTOCOL_WORD;
			const struct rg_layout layout = {.nranks = p};
			struct rg_prover_op op = {*a, problem_of(*a, layout, p, protocol)};
			struct rg_prover_report report;
			struct rg_err err = {0};

			if (!((*a)->protocols & 1u << protocol) || (p > 16 && !is_drawn(&lot)))
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

/* The longest chain of messages depends on the nodes, as the rows say. */
static void two_levels_take_the_steps_documented(void **state)
{
	static const enum rg_coll colls[] = {RG_COLL_ALLREDUCE, RG_COLL_ALLTOALL,
					     RG_COLL_ALLTOALLV};

	(void)state;
	for (size_t i = 0; i < PLACES; i++) {
		for (uint32_t k = 0; k < 3; k++) {
			enum rg_coll coll = colls[k];
			uint32_t n = places[i].nnodes, within = places[i].largest > 1;
			uint32_t steps = k ? within + (n > 1) : 2 * within + swing(n);
			struct rg_prover_op op = {0};
			struct rg_prover_report report;
			struct rg_err err = {0};

			assert_int_equal(
				rg_algorithm_find(coll, "hierarchical", &op.algorithm, &err), 0);
			op.problem = problem_of(op.algorithm, place_of(i), 100, RG_PROTOCOL_SLOT);
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
		cmocka_unit_test(steps_are_those_documented),
		cmocka_unit_test(two_levels_take_the_steps_documented),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
