/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Programs that follow each other on one endpoint without any barrier between them, with ranks that
 * are now and then late: counters, slots and user buffers are handed from one to the next.
 */
#include "config.h"

#include "../watched.h"
#include "ranks.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#define OPS 16

/* The same on all ranks. */
struct sequence {
	struct {
		const struct rg_algorithm *algorithm;
		struct rg_problem problem;
		uint32_t first_channel;
		uint64_t counts[PAIRS_MAX]; /* of an all-to-all-v's problem */
	} ops[OPS];
	uint32_t nplaces; /* operation i uses place i % nplaces */
	uint64_t bytes;	  /* of the largest buffer */
};

/* One rank's resources for a sequence. */
struct resources {
	struct rg_program *programs[OPS];
	struct rg_run *runs[OPS];
	struct place places[2];
};

static const uint64_t counts[] = {0, 1, 3, 64, 257, 1000, 3000};

static struct rg_problem problem_of(const struct rg_algorithm *a, uint32_t n, uint32_t *seed,
				    uint64_t *counts_out)
{
	enum rg_protocol protocol;

	do
		protocol = (enum rg_protocol)draw(seed, RG_PROTOCOL_COUNT);
	while (!(a->protocols & 1u << protocol));
	struct rg_problem p = {
		.coll = a->coll,
		.layout = layout_of(n, draw(seed, 3)),
		.count = a->coll == RG_COLL_BARRIER
				 ? 0
				 : counts[draw(seed, sizeof(counts) / sizeof(counts[0]))],
		.elem_bytes = 4,
		.root = rg_coll_has_root(a->coll) ? draw(seed, n) : 0,
		.in_place = draw(seed, 2),
		.access = protocol == RG_PROTOCOL_WINDOW ? RG_ACCESS_WINDOW : RG_ACCESS_PRIVATE,
		.caps = rank_transport->caps,
		.geometry = small_geometry,
		.params = {.protocol = protocol,
			   .channels = 1 + draw(seed, 2),
			   .radix = draw(seed, 2) ? 2 + draw(seed, 4) : 0,
			   .window = draw(seed, 4)},
	};

	set_counts(&p, p.count, seed, counts_out);
	return p;
}

static void draw_op(struct sequence *s, uint32_t i, uint32_t n, uint32_t *seed)
{
	const struct rg_algorithm *a;
	struct rg_problem p;
	uint32_t rows = 0;

	while (rg_algorithms[rows])
		rows++;
	do {
		a = rg_algorithms[draw(seed, rows)];
		p = problem_of(a, n, seed, s->ops[i].counts);
	} while (a->check(&p, NULL));
	s->ops[i].algorithm = a;
	s->ops[i].problem = p;
	s->ops[i].first_channel = p.params.channels == 1 ? draw(seed, 2) : 0;
}

static void measure_places(struct sequence *s)
{
	s->bytes = 0;
	for (uint32_t i = 0; i < OPS; i++) {
		uint64_t bytes = place_bytes(&s->ops[i].problem);

		s->bytes = bytes > s->bytes ? bytes : s->bytes;
	}
}

static int open_resources(struct rank *r, const struct sequence *s, struct resources *x)
{
	int rc = 0;

	for (uint32_t k = 0; k < s->nplaces && !rc; k++)
		rc = open_place(r, s->bytes, &x->places[k]);
	for (uint32_t i = 0; i < OPS && !rc; i++) {
		rc = rg_program_open(r->ep, s->ops[i].algorithm, &s->ops[i].problem, RG_TYPE_INT32,
				     RG_OP_SUM, s->ops[i].first_channel, 1 << 12, &x->programs[i],
				     &r->err);
		if (!rc)
			rc = rg_run_open(r->x, x->programs[i], &x->runs[i], &r->err);
	}
	return rc;
}

static void close_resources(struct resources *x)
{
	for (uint32_t i = 0; i < OPS; i++) {
		rg_run_close(x->runs[i]);
		rg_program_close(x->programs[i]);
	}
	close_place(&x->places[0]);
	close_place(&x->places[1]);
}

/* The rank is late, sometimes. */
static void dawdle(struct rank *r)
{
	if (draw(&r->drawn, 4) == 0)
		nanosleep(&(struct timespec){.tv_nsec = draw(&r->drawn, 200000)}, NULL);
}

/* Runs body and adds the operation to its error. */
static int run_sequence(struct rank *r, const struct sequence *s,
			int (*run)(struct rank *r, const struct sequence *s, struct resources *x))
{
	struct resources x = {0};
	int rc = open_resources(r, s, &x);

	if (!rc)
		rc = run(r, s, &x);
	part(r);
	close_resources(&x);
	return rc;
}

static int name_op(struct rank *r, const struct sequence *s, uint32_t i, int rc)
{
	const struct rg_problem *p = &s->ops[i].problem;

	if (rc)
		rg_err_prefix(&r->err, "%s %s %s of %llu elements%s", rg_coll_name(p->coll),
			      s->ops[i].algorithm->name, rg_protocol_name(p->params.protocol),
			      (unsigned long long)p->count, p->in_place ? " in place" : "");
	return rc;
}

static int one_by_one(struct rank *r, const struct sequence *s, struct resources *x)
{
	int rc = 0;

	for (uint32_t i = 0; i < OPS && !rc; i++) {
		const struct rg_problem *p = &s->ops[i].problem;
		struct place *place = &x->places[i % s->nplaces];
		const struct rg_run_args args = args_of(r, p, place);

		poison(r, p, place);
		fill(r, p, place, i);
		dawdle(r);
		rc = rg_run_once(x->runs[i], &args, &r->err);
		if (!rc)
			rc = check(r, p, place, i);
		poison(r, p, place);
		rc = name_op(r, s, i, rc);
	}
	return rc;
}

/* As a program does that has other work meanwhile. The wait that follows has the deadline. */
static void look_for_a_while(struct rank *r, const struct rg_run *run)
{
	for (int looks = 0; looks < 1000 && !rg_run_test(run); looks++) {
		if (!rg_executor_progress(r->x))
			sched_yield();
	}
}

/* Starts two operations, then waits for both; odd ranks for the later one first. */
static int two_at_once(struct rank *r, const struct sequence *s, struct resources *x)
{
	int rc = 0;

	for (uint32_t i = 0; i < OPS && !rc; i += 2) {
		for (uint32_t k = i; k < i + 2; k++) {
			const struct rg_problem *p = &s->ops[k].problem;
			const struct rg_run_args args = args_of(r, p, &x->places[k % 2]);

			poison(r, p, &x->places[k % 2]);
			fill(r, p, &x->places[k % 2], k);
			dawdle(r);
			rg_run_start(x->runs[k], &args);
		}
		for (uint32_t k = 0; k < 2 && !rc; k++) {
			uint32_t op = i + (k ^ (r->ep->rank & 1));

			if (i & 2)
				look_for_a_while(r, x->runs[op]);
			rc = rg_run_wait(x->runs[op], &r->err);
			if (!rc && !rg_run_test(x->runs[op]))
				rc = rg_err_set(&r->err, RG_ERR_INTERNAL, "not done after all");
			if (!rc)
				rc = check(r, &s->ops[op].problem, &x->places[op % 2], op);
			rc = name_op(r, s, op, rc);
		}
	}
	return rc;
}

/*
 * Two pairs of buffers: what operation i + 1 will write is handed over before operation i is
 * entered, as the promise of persistent buffers says, and left alone until it is done.
 */
static int handed_over_before(struct rank *r, const struct sequence *s, struct resources *x)
{
	int rc;

	for (uint32_t i = 0; i < 2; i++) {
		poison(r, &s->ops[i].problem, &x->places[i]);
		fill(r, &s->ops[i].problem, &x->places[i], i);
	}
	rc = meet(r); /* the first destination is handed over by hand */
	for (uint32_t i = 0; i < OPS && !rc; i++) {
		const struct rg_problem *p = &s->ops[i].problem;
		struct place *place = &x->places[i % 2];
		const struct rg_run_args args = args_of(r, p, place);

		dawdle(r);
		rc = rg_run_once(x->runs[i], &args, &r->err);
		if (!rc)
			rc = check(r, p, place, i);
		poison(r, &s->ops[(i + 2) % OPS].problem, place);
		fill(r, &s->ops[(i + 2) % OPS].problem, place, i + 2);
		rc = name_op(r, s, i, rc);
	}
	return rc;
}

static int rank_one_by_one(struct rank *r, void *arg)
{
	return run_sequence(r, arg, one_by_one);
}

static int rank_two_at_once(struct rank *r, void *arg)
{
	return run_sequence(r, arg, two_at_once);
}

static int rank_handed_over_before(struct rank *r, void *arg)
{
	return run_sequence(r, arg, handed_over_before);
}

static void mixed_operations_follow_each_other_without_a_barrier(void **state)
{
	uint32_t seed = 1;

	for (uint32_t k = 0; k < 150; k += WATCHED ? 4 : 1) {
		uint32_t n = 1 + draw(&seed, 6);
		struct sequence s = {.nplaces = 1 + draw(&seed, 2)};
		char what[64];

		rank_transport = k < 60	   ? &rg_transport_inproc
				 : k < 100 ? &rg_transport_tcp
					   : &rg_transport_mixed;

		for (uint32_t i = 0; i < OPS; i++)
			draw_op(&s, i, n, &seed);
		measure_places(&s);
		snprintf(what, sizeof(what), "sequence %u, %u ranks", k, n);
		run_ranks(n, draw(&seed, 2) ? 0x7fffffffu - 3 : 0, rank_one_by_one, &s, what);
	}
}

static void two_programs_are_in_flight_at_once(void **state)
{
	uint32_t seed = 2;

	for (uint32_t k = 0; k < 150; k += WATCHED ? 4 : 1) {
		uint32_t n = 1 + draw(&seed, 6);
		struct sequence s = {.nplaces = 2};
		char what[64];

		rank_transport = k < 60	   ? &rg_transport_inproc
				 : k < 100 ? &rg_transport_tcp
					   : &rg_transport_mixed;

		/* On different channels for the most part: there they overlap, else they queue. */
		for (uint32_t i = 0; i < OPS; i++) {
			draw_op(&s, i, n, &seed);
			if (s.ops[i].problem.params.channels == 1 && k % 4)
				s.ops[i].first_channel = i % 2;
		}
		measure_places(&s);
		snprintf(what, sizeof(what), "sequence %u, %u ranks", k, n);
		run_ranks(n, 0, rank_two_at_once, &s, what);
	}
}

static void persistent_windows_alternate_without_a_barrier(void **state)
{
	rank_transport = &rg_transport_inproc;
	uint32_t seed = 3;

	for (const struct rg_algorithm *const *a = rg_algorithms; *a; a++) {
		if (!((*a)->protocols & 1u << RG_PROTOCOL_WINDOW))
			continue;
		for (uint32_t v = 0; v < 24; v += WATCHED ? 5 : 1) {
			struct sequence s = {.nplaces = 2};
			uint64_t unused[PAIRS_MAX];
			struct rg_problem p = problem_of(*a, 1 + v / 4, &seed, unused);

			p.params.protocol = RG_PROTOCOL_WINDOW;
			p.access = RG_ACCESS_WINDOW;
			p.params.persistent = true;
			p.in_place = v % 2;
			set_counts(&p, 300, &seed, unused);
			if ((*a)->check(&p, NULL))
				continue;
			for (uint32_t i = 0; i < OPS; i++) {
				s.ops[i].algorithm = *a;
				s.ops[i].problem = p;
				if (rg_coll_has_root(p.coll))
					s.ops[i].problem.root = draw(&seed, p.layout.nranks);
				/* Also nothing at all, which is entered all the same. */
				s.ops[i].problem.count = draw(&seed, 4) ? draw(&seed, 300) : 0;
				set_counts(&s.ops[i].problem, 300, &seed, s.ops[i].counts);
			}
			measure_places(&s);
			run_ranks(p.layout.nranks, 0, rank_handed_over_before, &s, "persistent");
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mixed_operations_follow_each_other_without_a_barrier),
		cmocka_unit_test(two_programs_are_in_flight_at_once),
		cmocka_unit_test(persistent_windows_alternate_without_a_barrier),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
