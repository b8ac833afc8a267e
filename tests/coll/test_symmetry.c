/* SPDX-License-Identifier: BSD-3-Clause */
/* What rows say about the symmetry of their steps is so, for every rank. */
#include "config.h"

#include "../lot.h"
#include "../watched.h"

#include "railgauge/coll/schedule.h"
#include "railgauge/base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

/*
 * The steps of one rank as numbers, ranks being given as seen from the one below `unit` that is to
 * do the same.
 */
struct seen {
	struct rg_sink sink;
	enum rg_symmetry_kind symmetry;
	uint32_t by, nranks; /* by how much the rank is moved */
	uint64_t *list;	     /* owned, [cap] */
	size_t n, cap;
};

/* Of a symmetry of parts, how long they are; 1 more, 0 for those that were not seen. */
#define PARTS_MAX 100000
static uint64_t parts[PARTS_MAX];

static uint32_t moved_back(const struct seen *s, uint32_t rank)
{
	if (s->symmetry == RG_SYMMETRY_FLIP)
		return rank ^ s->by;
	return (rank + s->nranks - s->by) % s->nranks;
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

/* The messages in their order, the others anywhere. */
static void put_refs(struct seen *s, const struct rg_ref *refs, uint32_t n)
{
	uint64_t others = 0;

	put(s, n);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t rank = moved_back(s, refs[i].rank);

		if (refs[i].buf == RG_BUF_IN || refs[i].buf == RG_BUF_OUT)
			put(s, (uint64_t)refs[i].buf << 32 | rank);
		else
			others += ((uint64_t)refs[i].buf << 32 | rank) * 0x9e3779b97f4a7c15u;
	}
	put(s, others);
}

/* How long a move is, or which part it is about. */
static void put_length(struct seen *s, const struct rg_step *step)
{
	uint64_t i = step->part % s->nranks;

	if (s->symmetry != RG_SYMMETRY_SHIFT_PARTS) {
		put(s, step->len_bytes);
		return;
	}
	assert_true(step->part < PARTS_MAX);
	if (!parts[step->part])
		parts[step->part] = step->len_bytes + 1;
	assert_int_equal(parts[step->part], step->len_bytes + 1);
	put(s, step->part - i + moved_back(s, (uint32_t)i));
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
		put_length(s, step);
		put(s, step->in_msg);
		put(s, step->out_msg);
	} else {
		put(s, moved_back(s, step->peer));
		put(s, step->ctr);
		put(s, (uint64_t)step->value);
		put(s, step->lag);
	}
	return 0;
}

static void look(const struct rg_algorithm *a, const struct rg_problem *p, uint32_t rank,
		 uint32_t by, struct seen *s)
{
	struct rg_schedule_needs needs;
	struct rg_unroll *unroll;

	s->sink.step = see;
	s->symmetry = a->symmetry(p).kind;
	s->by = by;
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
		.caps = RG_CAP_DATA | RG_CAP_MAPPED | RG_CAP_WORD8 | RG_CAP_READ | RG_CAP_MULTICAST,
		.geometry = {.channels = 2,
			     .slots = 4,
			     .slot_bytes = 1024,
			     .ll_slots = 4,
			     .ll_bytes = 256,
			     .credit_batch = 2},
		.params = {.protocol = protocol, .channels = 1},
	};
}

/* On one node, or on nodes of 4 ranks, of which the last one has what is left. */
static void put_on_nodes(struct rg_problem *p, bool one)
{
	static uint32_t node[256], local[256];

	for (uint32_t r = 0; r < p->layout.nranks; r++) {
		node[r] = 9 + r / 4;
		local[r] = r % 4;
	}
	p->layout = (struct rg_layout){
		.nranks = p->layout.nranks, .node = node, .local = local, .rail = local};
	if (one)
		p->layout.node = p->layout.local = p->layout.rail = NULL;
}

static void compare(const struct rg_algorithm *a, const struct rg_problem *p)
{
	struct seen first = {0}, other = {0};
	uint32_t unit;

	if (a->check(p, NULL) || a->symmetry(p).kind == RG_SYMMETRY_NONE)
		return;
	if (a->symmetry(p).kind == RG_SYMMETRY_SHIFT_PARTS)
		memset(parts, 0, sizeof(parts));
	unit = a->symmetry(p).unit;
	assert_true(unit && p->layout.nranks % unit == 0);
	for (uint32_t r = 0; r < p->layout.nranks; r++) {
		uint32_t like = r % unit;

		if (unit > 1 || r == 0)
			look(a, p, like, 0, &first);
		look(a, p, r, r - like, &other);
		if (other.n != first.n ||
		    (first.n && memcmp(other.list, first.list, first.n * sizeof(*first.list))))
			fail_msg("%s %s (%s), %u ranks, %llu elements: rank %u does not do what "
				 "rank %u does",
				 rg_coll_name(p->coll), a->name,
				 rg_protocol_name(p->params.protocol), p->layout.nranks,
				 (unsigned long long)p->count, r, like);
	}
	rg_free(first.list);
	rg_free(other.list);
}

static void all_ranks_do_the_same_where_a_row_says_so(void **state)
{
	static const uint64_t counts[] = {0, 1, 33, 256, 1024, 4097};
	struct lot lot = lot_of(WATCHED ? 1 : 3);
	uint32_t rows = 0;

	for (const struct rg_algorithm *const *a = rg_algorithms; *a; a++) {
		rows += (*a)->symmetry != NULL;
		for (uint32_t n = 1; n <= 40 && (*a)->symmetry; n += WATCHED ? 5 : 1) {
			for (uint32_t k = 0; k < 2 * 6 * RG_PROTOCOL_COUNT; k++) {
				struct rg_problem p =
					problem_of((*a)->coll, n, k % RG_PROTOCOL_COUNT);

				p.count = counts[k / RG_PROTOCOL_COUNT % 6];
				p.in_place = k / RG_PROTOCOL_COUNT / 6;
				put_on_nodes(&p, k % 3);
				if (n <= 8 || is_drawn(&lot))
					compare(*a, &p);
			}
		}
	}
	assert_true(rows >= 12);
}

static void many_ranks_do_the_same_as_well(void **state)
{
	static const uint32_t sizes[] = {64, 100, 256};

	for (const struct rg_algorithm *const *a = rg_algorithms; *a; a++) {
		for (size_t i = 0; i < (WATCHED ? 2 : 3) && (*a)->symmetry; i++) {
			struct rg_problem p = problem_of((*a)->coll, sizes[i], RG_PROTOCOL_SLOT);

			p.count = 100;
			put_on_nodes(&p, false);
			compare(*a, &p);
			p.count = 256;
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
