/* SPDX-License-Identifier: BSD-3-Clause */
/* Programs on real endpoints: every algorithm and protocol over threads, results exact. */
#include "config.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/mem.h"
#include "railgauge/coll/executor.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define MAX_RANKS 9
#define OPS	  5

struct job {
	const struct rg_transport_config *config;
	struct rg_problem problem; /* of every operation */
	const struct rg_algorithm *algorithm;
	struct rg_rendezvous *rdv;
	int rc;
	struct rg_err err;
};

/* Small integers, exact in float for any number of ranks here. */
static int32_t input(uint32_t rank, uint64_t i, uint32_t op)
{
	return (int32_t)((rank * 7 + i * 3 + op * 5) % 41);
}

/* Element i of this rank's destination after the collective. */
static int32_t expected(const struct rg_problem *p, uint32_t rank, uint64_t i, uint32_t op)
{
	uint32_t n = p->layout.nranks;
	int32_t sum = 0;

	switch (p->coll) {
	case RG_COLL_ALLREDUCE:
		for (uint32_t r = 0; r < n; r++)
			sum += input(r, i, op);
		return sum;
	case RG_COLL_REDUCESCATTER:
		for (uint32_t r = 0; r < n; r++)
			sum += input(r, rank * p->count + i, op);
		return sum;
	case RG_COLL_ALLGATHER:
		return input((uint32_t)(i / p->count), i % p->count, op);
	case RG_COLL_ALLTOALL:
		return input((uint32_t)(i / p->count), rank * p->count + i % p->count, op);
	case RG_COLL_BROADCAST:
		return input(p->root, i, op);
	case RG_COLL_SENDRECV:
		return input((rank + n - 1) % n, i, op);
	default:
		return 0;
	}
}

struct buffers {
	struct rg_buffer src, dst;
	struct rg_window *src_window, *dst_window;
};

static int open_buffers(struct rg_endpoint *ep, const struct rg_problem *p, struct buffers *b,
			struct rg_err *err)
{
	uint64_t src = rg_coll_src_count(p->coll, p->count, p->layout.nranks) * p->elem_bytes;
	uint64_t dst = rg_coll_dst_count(p->coll, p->count, p->layout.nranks) * p->elem_bytes;
	int rc;

	rc = rg_buffer_open(RG_MEMORY_HOST, src > dst ? src : dst, 0, -1, &b->src, err);
	if (!rc)
		rc = rg_buffer_open(RG_MEMORY_HOST, dst, 0, -1, &b->dst, err);
	if (!rc)
		rc = ep->ops->window_open(ep, &b->src, &b->src_window, err);
	if (!rc)
		rc = ep->ops->window_open(ep, &b->dst, &b->dst_window, err);
	return rc;
}

static int run_ops(struct job *j, struct rg_endpoint *ep, struct rg_run *run, struct buffers *b)
{
	const struct rg_problem *p = &j->problem;
	uint32_t n = p->layout.nranks, rank = ep->rank;
	uint64_t src = rg_coll_src_count(p->coll, p->count, n);
	uint64_t dst = rg_coll_dst_count(p->coll, p->count, n);
	/* nccl-tests' in place: the smaller buffer is this rank's block of the larger. */
	uint64_t src_at = p->in_place && dst > src ? rank * p->count : 0;
	uint64_t dst_at = p->in_place && src > dst ? rank * p->count : 0;
	struct rg_buffer *out = p->in_place ? &b->src : &b->dst;
	struct rg_window *out_window = p->in_place ? b->src_window : b->dst_window;

	for (uint32_t op = 0; op < OPS; op++) {
		int32_t *s = (int32_t *)b->src.base + src_at;
		int32_t *d = (int32_t *)out->base + dst_at;
		struct rg_run_args args = {
			.src = s,
			.dst = d,
			.src_window = b->src_window,
			.dst_window = out_window,
		};

		if (!p->in_place)
			memset(d, 0xa5, dst * p->elem_bytes);
		for (uint64_t i = 0; i < src; i++)
			s[i] = input(rank, i, op);
		j->rc = rg_rendezvous_barrier(j->rdv, rg_clock_ns() + 10000000000u, &j->err);
		if (!j->rc)
			j->rc = rg_run_once(run, &args, &j->err);
		if (j->rc)
			return j->rc;
		for (uint64_t i = 0; i < dst; i++) {
			if (d[i] != expected(p, rank, i, op))
				return j->rc = rg_err_set(&j->err, RG_ERR_WRONG_DATA,
							  "rank %u op %u element %llu: %d, not %d",
							  rank, op, (unsigned long long)i, d[i],
							  expected(p, rank, i, op));
		}
		j->rc = rg_rendezvous_barrier(j->rdv, rg_clock_ns() + 10000000000u, &j->err);
	}
	return j->rc;
}

static void *rank_main(void *arg)
{
	struct job *j = arg;
	struct rg_endpoint *ep = NULL;
	struct rg_executor *x = NULL;
	struct rg_program *prog = NULL;
	struct rg_run *run = NULL;
	struct buffers b = {0};

	j->rc = rg_transport_inproc.open(j->rdv, j->config, &ep, &j->err);
	if (!j->rc)
		j->rc = rg_program_open(ep, j->algorithm, &j->problem, RG_TYPE_INT32, RG_OP_SUM, 0,
					1 << 16, &prog, &j->err);
	if (!j->rc)
		j->rc = rg_executor_open(ep, 2, &x, &j->err);
	if (!j->rc)
		j->rc = rg_run_open(x, prog, &run, &j->err);
	if (!j->rc)
		j->rc = open_buffers(ep, &j->problem, &b, &j->err);
	if (!j->rc)
		j->rc = run_ops(j, ep, run, &b);
	rg_run_close(run);
	rg_executor_close(x);
	rg_program_close(prog);
	rg_transport_inproc.window_close(b.src_window);
	rg_transport_inproc.window_close(b.dst_window);
	rg_transport_inproc.close(ep);
	rg_buffer_close(&b.src);
	rg_buffer_close(&b.dst);
	return NULL;
}

static void run_job(const struct rg_transport_config *config, const struct rg_problem *problem,
		    const struct rg_algorithm *algorithm)
{
	uint32_t n = problem->layout.nranks;
	struct rg_rendezvous *rdv[MAX_RANKS];
	struct job jobs[MAX_RANKS];
	pthread_t threads[MAX_RANKS];

	assert_int_equal(rg_rendezvous_threads_open(n, rdv, NULL), 0);
	for (uint32_t r = 0; r < n; r++) {
		jobs[r] = (struct job){config, *problem, algorithm, rdv[r], 0, {0}};
		assert_int_equal(pthread_create(&threads[r], NULL, rank_main, &jobs[r]), 0);
	}
	for (uint32_t r = 0; r < n; r++)
		pthread_join(threads[r], NULL);
	for (uint32_t r = 0; r < n; r++) {
		if (jobs[r].rc)
			fail_msg("%s %s %s, %u ranks, %llu elements%s: %s",
				 rg_coll_name(problem->coll), algorithm->name,
				 rg_protocol_name(problem->params.protocol), n,
				 (unsigned long long)problem->count,
				 problem->in_place ? " in place" : "", jobs[r].err.text);
		rg_rendezvous_close(rdv[r]);
	}
}

static const uint64_t counts[] = {0, 1, 2, 5, 64, 1000, 5003};

static void every_size_of(const struct rg_transport_config *config, struct rg_problem *p,
			  const struct rg_algorithm *a)
{
	size_t ncounts = p->coll == RG_COLL_BARRIER ? 1 : sizeof(counts) / sizeof(counts[0]);

	for (size_t c = 0; c < ncounts; c++) {
		for (int in_place = 0; in_place < 2; in_place++) {
			p->count = counts[c];
			p->params.channels = 1 + c % 2;
			p->in_place = in_place;
			p->root = (uint32_t)c % p->layout.nranks;
			if (a->check(p, NULL))
				continue;
			run_job(config, p, a);
		}
	}
}

static void every_algorithm_with(uint32_t first_sequence)
{
	const struct rg_transport_config config = {
		.geometry = {.channels = 2,
			     .slots = 4,
			     .slot_bytes = 1024,
			     .ll_slots = 4,
			     .ll_bytes = 4096,
			     .credit_batch = 2},
		.patience = rg_patience_shared_core,
		.timeout_ns = 20000000000u,
		.first_sequence = first_sequence,
	};

	for (const struct rg_algorithm *const *a = rg_algorithms; *a; a++) {
		for (uint32_t n = 1; n <= MAX_RANKS; n += n < 5 ? 1 : 4) {
			for (int protocol = 0; protocol < RG_PROTOCOL_COUNT; protocol++) {
				struct rg_problem p = {
					.coll = (*a)->coll,
					.layout = {.nranks = n},
					.elem_bytes = 4,
					.access = protocol == RG_PROTOCOL_WINDOW
							  ? RG_ACCESS_WINDOW
							  : RG_ACCESS_PRIVATE,
					.caps = rg_transport_inproc.caps,
					.geometry = config.geometry,
					.params = {.protocol = (enum rg_protocol)protocol,
						   .channels = 1},
				};

				every_size_of(&config, &p, *a);
			}
		}
	}
}

static void every_algorithm_gives_exact_results(void **state)
{
	every_algorithm_with(0);
}

static void word_messages_survive_the_wrap_of_their_sequence(void **state)
{
	every_algorithm_with(0x7fffffffu - 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_algorithm_gives_exact_results),
		cmocka_unit_test(word_messages_survive_the_wrap_of_their_sequence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
