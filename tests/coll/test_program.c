/* SPDX-License-Identifier: BSD-3-Clause */
/* Programs, executors and runs as resources: what they refuse, and what they do without memory. */
#include "config.h"

#include "ranks.h"

#include "railgauge/base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <time.h>

#include <cmocka.h>

#define RANKS 3

static struct rg_problem problem_of(const struct rg_algorithm *a, enum rg_protocol protocol,
				    bool in_place)
{
	return (struct rg_problem){
		.coll = a->coll,
		.layout = {.nranks = RANKS},
		.count = a->coll == RG_COLL_BARRIER ? 0 : 1500,
		.elem_bytes = 4,
		.in_place = in_place,
		.access = protocol == RG_PROTOCOL_WINDOW ? RG_ACCESS_WINDOW : RG_ACCESS_PRIVATE,
		.caps = rg_transport_inproc.caps,
		.geometry = small_geometry,
		.params = {.protocol = protocol, .channels = 1},
	};
}

/* Opens all three and closes what could be opened. */
static int open_and_close(struct rank *r, const struct rg_algorithm *a, const struct rg_problem *p)
{
	struct rg_executor *x = NULL;
	struct rg_program *program = NULL;
	struct rg_run *run = NULL;
	int rc;

	rc = rg_program_open(r->ep, a, p, RG_TYPE_INT32, RG_OP_SUM, 0, 0, &program, &r->err);
	if (!rc)
		rc = rg_executor_open(r->ep, 2, &x, &r->err);
	if (!rc)
		rc = rg_run_open(x, program, &run, &r->err);
	if (rc && run)
		rc = rg_err_set(&r->err, RG_ERR_INTERNAL, "a failed open left something behind");
	rg_run_close(run);
	rg_executor_close(x);
	rg_program_close(program);
	return rc;
}

/* Lets each allocation fail in turn. */
static int sweep(struct rank *r, const struct rg_algorithm *a, const struct rg_problem *p)
{
	bool failed = true;

	for (unsigned long n = 1; failed; n++) {
		int rc;

		rg_mem_fail_nth(n);
		rc = open_and_close(r, a, p);
		failed = rg_mem_fail_fired();
		rg_mem_fail_nth(0);
		if (failed ? rc != RG_ERR_NO_MEMORY : rc != 0)
			return rg_err_set(&r->err, RG_ERR_INTERNAL,
					  "%s %s, allocation %lu: code %d", rg_coll_name(p->coll),
					  a->name, n, rc);
	}
	return 0;
}

/* Rank 0 sweeps; the others wait without allocating anything, since every allocation counts. */
static int rank_sweeps(struct rank *r, void *arg)
{
	atomic_bool *done = arg;
	uint64_t counts[PAIRS_MAX];
	int rc = meet(r);

	while (r->ep->rank != 0 && !atomic_load(done))
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	for (const struct rg_algorithm *const *a = rg_algorithms; *a && r->ep->rank == 0; a++) {
		for (int v = 0; v < 2 * RG_PROTOCOL_COUNT && !rc; v++) {
			struct rg_problem p = problem_of(*a, (enum rg_protocol)(v / 2), v % 2);

			set_counts(&p, p.count, &r->drawn, counts);
			if (!(*a)->check(&p, NULL))
				rc = sweep(r, *a, &p);
		}
	}
	atomic_store(done, true);
	return rc;
}

static void without_memory_opening_fails_and_leaves_nothing(void **state)
{
	atomic_bool done = false;

	run_ranks(RANKS, 0, rank_sweeps, &done, "allocation sweep");
}

static int refused(struct rank *r, const struct rg_problem *p, uint32_t first_channel, int code)
{
	struct rg_program *program = NULL;
	int rc = rg_program_open(r->ep, rg_algorithms[0], p, RG_TYPE_INT32, RG_OP_SUM,
				 first_channel, 0, &program, &r->err);

	if (rc == code && !program && r->err.text[0])
		return 0;
	rg_program_close(program);
	return rg_err_set(&r->err, RG_ERR_INTERNAL, "code %d, not %d", rc, code);
}

static int rank_refuses(struct rank *r, void *arg)
{
	struct rg_problem p = problem_of(rg_algorithms[0], RG_PROTOCOL_SLOT, false);
	int rc;

	rc = refused(r, &p, small_geometry.channels, RG_ERR_UNSUPPORTED);
	p.params.channels = 0;
	if (!rc)
		rc = refused(r, &p, 0, RG_ERR_UNSUPPORTED);
	p.params.channels = 1;
	p.params.protocol = RG_PROTOCOL_WINDOW; /* but the buffers are private */
	if (!rc)
		rc = refused(r, &p, 0, RG_ERR_UNSUPPORTED);
	p.params.protocol = RG_PROTOCOL_SLOT;
	p.layout.nranks++;
	if (!rc)
		rc = refused(r, &p, 0, RG_ERR_INTERNAL);
	return rc;
}

static void what_does_not_fit_the_endpoint_is_refused(void **state)
{
	run_ranks(RANKS, 0, rank_refuses, NULL, "refusals");
}

/* Are user buffers streamed, from one byte on? */
static int streams(struct rank *r, const struct rg_problem *p, bool *out)
{
	const struct rg_algorithm *twoshot = NULL;
	struct rg_program *program = NULL;
	int rc;

	rc = rg_algorithm_find(RG_COLL_ALLREDUCE, "twoshot", &twoshot, &r->err);
	if (!rc)
		rc = rg_program_open(r->ep, twoshot, p, RG_TYPE_INT32, RG_OP_SUM, 0, 1, &program,
				     &r->err);
	if (!rc)
		*out = program->stream;
	rg_program_close(program);
	return rc;
}

static int rank_streams(struct rank *r, void *arg)
{
	int rc = 0;

	for (int k = 0; k < 4 && !rc; k++) {
		bool window = k & 1, in_place = k & 2, got = false;
		struct rg_problem p = problem_of(rg_algorithms[0], RG_PROTOCOL_SLOT, in_place);

		p.count = 1000;
		p.access = window ? RG_ACCESS_WINDOW : RG_ACCESS_PRIVATE;
		p.params.protocol = window ? RG_PROTOCOL_WINDOW : RG_PROTOCOL_SLOT;
		rc = streams(r, &p, &got);
		if (!rc && got == (window && in_place))
			rc = rg_err_set(&r->err, RG_ERR_INTERNAL, "case %d: streamed: %d", k, got);
	}
	return rc;
}

static void long_vectors_are_streamed_but_not_over_what_was_just_read(void **state)
{
	run_ranks(RANKS, 0, rank_streams, NULL, "streams");
}

static void closing_nothing_is_allowed(void **state)
{
	rg_run_close(NULL);
	rg_program_close(NULL);
	rg_executor_close(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_memory_opening_fails_and_leaves_nothing),
		cmocka_unit_test(what_does_not_fit_the_endpoint_is_refused),
		cmocka_unit_test(long_vectors_are_streamed_but_not_over_what_was_just_read),
		cmocka_unit_test(closing_nothing_is_allowed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
