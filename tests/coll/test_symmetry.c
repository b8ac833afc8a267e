/* SPDX-License-Identifier: BSD-3-Clause */
/* What rows say about the symmetry of their steps is so, for every rank. */
#include "config.h"

#include "railgauge/coll/schedule.h"
#include "railgauge/base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

/* The steps of one rank as numbers, ranks being given as seen from rank 0. */
struct seen {
	struct rg_sink sink;
	enum rg_symmetry symmetry;
	uint32_t rank, nranks;
	uint64_t *list; /* owned, [cap] */
	size_t n, cap;
};

static uint32_t from_rank_0(const struct seen *s, uint32_t rank)
{
	if (s->symmetry == RG_SYMMETRY_FLIP)
		return rank ^ s->rank;
	return (rank + s->nranks - s->rank) % s->nranks;
}

static void put(struct seen *s, uint64_t number)
{
	if (s->n == s->cap) {
		s->cap = s->cap ? 2 * s->cap : 1024;
		s->list = rg_realloc(s->list, s->cap * sizeof(*s->list));
		assert_non_null(s->list);
	}
	s->list[s->n++] = number;
}

static void put_refs(struct seen *s, const struct rg_ref *refs, uint32_t n)
{
	put(s, n);
	for (uint32_t i = 0; i < n; i++) {
		put(s, refs[i].buf);
		put(s, from_rank_0(s, refs[i].rank));
	}
}

static int see(struct rg_sink *sink, const struct rg_step *step, struct rg_err *err)
{
	struct seen *s = (struct seen *)sink;

	put(s, step->op);
	put(s, step->channel);
	if (step->op == RG_STEP_MOVE) {
		put(s, step->flags);
		put_refs(s, step->src, step->nsrc);
		put_refs(s, step->dst, step->ndst);
		put(s, step->len_bytes);
		put(s, step->in_msg);
		put(s, step->out_msg);
	} else {
		put(s, from_rank_0(s, step->peer));
		put(s, step->ctr);
		put(s, (uint64_t)step->value);
		put(s, step->lag);
	}
	return 0;
}

static void look(const struct rg_algorithm *a, const struct rg_problem *p, uint32_t rank,
		 struct seen *s)
{
	struct rg_schedule_needs needs;
	struct rg_unroll *unroll;

	s->sink.step = see;
	s->symmetry = a->symmetry(p);
	s->rank = rank;
	s->nranks = p->layout.nranks;
	s->n = 0;
	assert_int_equal(rg_unroll_open(&s->sink, &unroll, NULL), 0);
	assert_int_equal(a->generate(p, rank, rg_unroll_sink(unroll), &needs, NULL), 0);
	rg_unroll_close(unroll);
}

static struct rg_problem problem_of(enum rg_coll coll, uint32_t nranks, enum rg_protocol protocol)
{
	return (struct rg_problem){
		.coll = coll,
		.layout = {.nranks = nranks},
		.elem_bytes = 4,
		.access = protocol == RG_PROTOCOL_WINDOW ? RG_ACCESS_WINDOW : RG_ACCESS_PRIVATE,
		.caps = RG_CAP_DATA | RG_CAP_MAPPED | RG_CAP_WORD8 | RG_CAP_READ,
		.geometry = {.channels = 2,
			     .slots = 4,
			     .slot_bytes = 1024,
			     .ll_slots = 4,
			     .ll_bytes = 256,
			     .credit_batch = 2},
		.params = {.protocol = protocol, .channels = 1},
	};
}

static void compare(const struct rg_algorithm *a, const struct rg_problem *p)
{
	struct seen first = {0}, other = {0};

	if (a->check(p, NULL) || a->symmetry(p) == RG_SYMMETRY_NONE)
		return;
	look(a, p, 0, &first);
	for (uint32_t r = 1; r < p->layout.nranks; r++) {
		look(a, p, r, &other);
		if (other.n != first.n ||
		    (first.n && memcmp(other.list, first.list, first.n * sizeof(*first.list))))
			fail_msg("%s %s (%s), %u ranks, %llu elements: rank %u does not do what "
				 "rank 0 does",
				 rg_coll_name(p->coll), a->name,
				 rg_protocol_name(p->params.protocol), p->layout.nranks,
				 (unsigned long long)p->count, r);
	}
	rg_free(first.list);
	rg_free(other.list);
}

static void all_ranks_do_the_same_where_a_row_says_so(void **state)
{
	static const uint64_t counts[] = {0, 1, 33, 256, 1000, 4097};
	uint32_t rows = 0;

	for (const struct rg_algorithm *const *a = rg_algorithms; *a; a++) {
		rows += (*a)->symmetry != NULL;
		for (uint32_t n = 1; n <= 40 && (*a)->symmetry; n++) {
			for (uint32_t k = 0; k < 2 * 6 * RG_PROTOCOL_COUNT; k++) {
				struct rg_problem p =
					problem_of((*a)->coll, n, k % RG_PROTOCOL_COUNT);

				p.count = counts[k / RG_PROTOCOL_COUNT % 6];
				p.in_place = k / RG_PROTOCOL_COUNT / 6;
				compare(*a, &p);
			}
		}
	}
	assert_true(rows >= 3);
}

static void many_ranks_do_the_same_as_well(void **state)
{
	static const uint32_t sizes[] = {64, 100, 256};

	for (const struct rg_algorithm *const *a = rg_algorithms; *a; a++) {
		for (size_t i = 0; i < 3 && (*a)->symmetry; i++) {
			struct rg_problem p = problem_of((*a)->coll, sizes[i], RG_PROTOCOL_SLOT);

			p.count = 100;
			compare(*a, &p);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_ranks_do_the_same_where_a_row_says_so),
		cmocka_unit_test(many_ranks_do_the_same_as_well),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
