/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "topo/assign.h"

#include "railgauge/base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define RANKS_MAX 6
#define NICS_MAX  4
#define CASES	  4000

/* A small generator of our own: the same cases on every machine. */
static uint64_t random_state;

static uint32_t draw(uint32_t below)
{
	uint64_t z = random_state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return (uint32_t)((z ^ z >> 31) % below);
}

struct test_case {
	struct assign_problem p;
	uint32_t link[NICS_MAX];
	int64_t dist[RANKS_MAX * NICS_MAX];
	int64_t rail[RANKS_MAX * NICS_MAX];
};

/* Few different distances, so that many assignments tie and the later criteria decide. */
static void make_case(struct test_case *c)
{
	uint32_t span = 1 + draw(4);

	c->p = (struct assign_problem){
		.nranks = 1 + draw(RANKS_MAX),
		.nnics = 1 + draw(NICS_MAX),
		.link = c->link,
		.dist = c->dist,
		.rail = c->rail,
	};
	c->p.nlinks = 1 + draw(c->p.nnics);
	for (uint32_t i = 0; i < c->p.nnics; i++)
		c->link[i] = draw(c->p.nlinks);
	for (uint32_t i = 0; i < c->p.nranks * c->p.nnics; i++) {
		c->dist[i] = draw(span);
		c->rail[i] = draw(5);
	}
}

/* The least cost of all nnics^nranks assignments. */
static struct assign_cost try_all(const struct assign_problem *p)
{
	struct assign_cost best = {{INT64_MAX, 0, 0, 0}}, cost;
	uint32_t nic[RANKS_MAX] = {0};
	uint32_t r;

	do {
		assert_int_equal(assign_cost_of(p, nic, &cost, NULL), 0);
		if (assign_compare(&cost, &best) < 0)
			best = cost;
		for (r = 0; r < p->nranks && ++nic[r] == p->nnics; r++)
			nic[r] = 0;
	} while (r < p->nranks);
	return best;
}

static void no_assignment_costs_less_than_the_one_found(void **state)
{
	random_state = 1;
	for (int i = 0; i < CASES; i++) {
		struct test_case c;
		struct assign_cost best, found;
		uint32_t nic[RANKS_MAX];

		make_case(&c);
		best = try_all(&c.p);
		assert_int_equal(assign_solve(&c.p, nic, NULL), 0);
		assert_int_equal(assign_cost_of(&c.p, nic, &found, NULL), 0);
		assert_int_equal(assign_compare(&found, &best), 0);
	}
}

static void the_same_problem_has_the_same_answer(void **state)
{
	random_state = 2;
	for (int i = 0; i < 100; i++) {
		struct test_case c;
		uint32_t first[RANKS_MAX], second[RANKS_MAX];

		make_case(&c);
		memset(first, 0, sizeof(first));
		memset(second, 0xff, sizeof(second));
		assert_int_equal(assign_solve(&c.p, first, NULL), 0);
		assert_int_equal(assign_solve(&c.p, second, NULL), 0);
		assert_memory_equal(first, second, c.p.nranks * sizeof(first[0]));
	}
}

/* Worked by hand: costs of {0, 0, 1} with adapters 0 and 1 on one link. */
static void the_cost_is_what_the_header_says(void **state)
{
	const uint32_t link[] = {0, 0}, nic[] = {0, 0, 1};
	const int64_t dist[] = {1, 9, 2, 9, 9, 4}, rail[] = {5, 9, 6, 9, 9, 7};
	struct assign_problem p = {3, 2, 1, link, dist, rail};
	struct assign_cost cost;

	assert_int_equal(assign_cost_of(&p, nic, &cost, NULL), 0);
	assert_int_equal(cost.part[0], 1 + 2 + 4);
	assert_int_equal(cost.part[1], 2 * 2 + 1);
	assert_int_equal(cost.part[2], 3 * 3);
	assert_int_equal(cost.part[3], 5 + 6 + 7);
}

/* Two cards of two ports; two ranks should not share a card's link. */
static void ranks_go_to_different_links_before_ports_of_one(void **state)
{
	const uint32_t link[] = {0, 0, 1, 1};
	const int64_t dist[8] = {0}, rail[] = {0, 1, 4, 9, 1, 0, 1, 4};
	struct assign_problem p = {2, 4, 2, link, dist, rail};
	uint32_t nic[2];

	assert_int_equal(assign_solve(&p, nic, NULL), 0);
	assert_int_equal(nic[0], 0);
	assert_int_equal(nic[1], 2);
}

static void no_memory_is_an_error_and_nothing_leaks(void **state)
{
	const uint32_t link[] = {0};
	const int64_t zero[] = {0};
	struct assign_problem p = {1, 1, 1, link, zero, zero};
	struct rg_err err = {0};
	uint32_t nic[1];
	unsigned long n = 1;
	int rc;

	for (;; n++) {
		rg_mem_fail_nth(n);
		rc = assign_solve(&p, nic, &err);
		if (!rg_mem_fail_fired())
			break;
		assert_int_equal(rc, RG_ERR_NO_MEMORY);
		assert_true(err.text[0]);
	}
	rg_mem_fail_nth(0);
	assert_int_equal(rc, 0);
	assert_true(n > 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_assignment_costs_less_than_the_one_found),
		cmocka_unit_test(the_same_problem_has_the_same_answer),
		cmocka_unit_test(the_cost_is_what_the_header_says),
		cmocka_unit_test(ranks_go_to_different_links_before_ports_of_one),
		cmocka_unit_test(no_memory_is_an_error_and_nothing_leaks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
