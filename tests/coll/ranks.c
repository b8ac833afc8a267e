/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "ranks.h"

#include "../lot.h"
#include "counts.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/matrix.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

const struct rg_geometry small_geometry = {
	.channels = 2,
	.slots = 4,
	.slot_bytes = 1024,
	.ll_slots = 4,
	.ll_bytes = 4096,
	.credit_batch = 2,
};

const struct rg_transport_ops *rank_transport = &rg_transport_inproc;
const struct rg_verbs_options *(*rank_verbs)(uint32_t rank);

const struct rg_geometry large_geometry = {
	.channels = 2,
	.slots = 4,
	.slot_bytes = 16384,
	.ll_slots = 4,
	.ll_bytes = 4096,
	.credit_batch = 2,
};

const struct rg_geometry *rank_geometry = &small_geometry;

/* What one thread gets. */
struct thread {
	struct rank rank;
	const struct rg_transport_config *config;
	const struct rg_verbs_options *verbs;
	int (*body)(struct rank *r, void *arg);
	void *arg;
	int rc;
};

static void *rank_main(void *arg)
{
	struct thread *t = arg;
	struct rank *r = &t->rank;
	struct rg_transport_config config = *t->config;

	config.node = r->rdv->rank % 3 ? "a" : "b"; /* for mixed */
	config.verbs = t->verbs;
	t->rc = rank_transport->open(r->rdv, &config, &r->ep, &r->err);
	if (!t->rc && r->ep->straight_bytes)
		r->ep->straight_bytes = r->ep->post_bytes = 64; /* slots are short here */
	if (!t->rc)
		t->rc = rg_executor_open(r->ep, 2, &r->x, &r->err);
	if (!t->rc)
		t->rc = t->body(r, t->arg);
	rg_executor_close(r->x);
	rank_transport->close(r->ep);
	return NULL;
}

void run_ranks(uint32_t nranks, uint32_t first_sequence, int (*body)(struct rank *r, void *arg),
	       void *arg, const char *what)
{
	const struct rg_transport_config config = {
		.geometry = *rank_geometry,
		.patience = rg_patience_shared_core,
		.timeout_ns = 10000000000u,
		.first_sequence = first_sequence,
	};
	struct rg_rendezvous *rdv[MAX_RANKS];
	struct thread threads[MAX_RANKS];
	pthread_t ids[MAX_RANKS];

	assert_true(nranks <= MAX_RANKS);
	assert_int_equal(rg_rendezvous_threads_open(nranks, rdv, NULL), 0);
	for (uint32_t i = 0; i < nranks; i++) {
		threads[i] = (struct thread){
			.rank = {.rdv = rdv[i], .drawn = i + 1},
			.config = &config,
			.verbs = rank_verbs ? rank_verbs(i) : NULL,
			.body = body,
			.arg = arg,
		};
		assert_int_equal(pthread_create(&ids[i], NULL, rank_main, &threads[i]), 0);
	}
	for (uint32_t i = 0; i < nranks; i++)
		pthread_join(ids[i], NULL);
	for (uint32_t i = 0; i < nranks; i++)
		rg_rendezvous_close(rdv[i]);
	/* Who waited in vain knows less than who saw something wrong. */
	for (uint32_t i = 0; i < nranks; i++) {
		if (threads[i].rc && threads[i].rc != RG_ERR_TIMEOUT)
			fail_msg("%s: %s", what, threads[i].rank.err.text);
	}
	for (uint32_t i = 0; i < nranks; i++) {
		if (threads[i].rc)
			fail_msg("%s: %s", what, threads[i].rank.err.text);
	}
}

struct rg_layout layout_of(uint32_t nranks, uint32_t which)
{
	static const uint32_t node[2][MAX_RANKS] = {{0, 0, 1, 1, 2, 2, 3, 3, 4},
						    {5, 1, 1, 5, 2, 5, 1, 1, 3}};
	static const uint32_t local[2][MAX_RANKS] = {{0, 1, 0, 1, 0, 1, 0, 1, 0},
						     {0, 0, 1, 1, 0, 2, 2, 3, 0}};
	struct rg_layout layout = {.nranks = nranks};

	if (which) {
		layout.node = node[which - 1];
		layout.local = layout.rail = local[which - 1];
	}
	return layout;
}

uint32_t draw(uint32_t *state, uint32_t n)
{
	return lot_draw(state, n);
}

static uint32_t draw_for_counts(void *state, uint32_t below)
{
	return draw(state, below);
}

void set_counts(struct rg_problem *p, uint64_t most, uint32_t *state, uint64_t *counts)
{
	if (p->coll != RG_COLL_ALLTOALLV)
		return;
	make_counts(counts, p->layout.nranks, most, p->in_place, draw_for_counts, state);
	p->counts = counts;
	p->count = rg_matrix_busiest(counts, p->layout.nranks);
}

int meet(struct rank *r)
{
	return rg_rendezvous_barrier(r->rdv, rg_clock_ns() + 20000000000u, &r->err);
}

void part(struct rank *r)
{
	struct rg_err err;

	(void)rg_rendezvous_barrier(r->rdv, rg_clock_ns() + 30000000000u, &err);
}

/* Threads reach any memory of each other; shm, and so mixed, what is made for it. */
static enum rg_memory_kind rank_memory(void)
{
	bool made = rank_transport == &rg_transport_shm || rank_transport == &rg_transport_mixed;

	return made ? RG_MEMORY_SHARED : RG_MEMORY_HOST;
}

int open_place(struct rank *r, uint64_t bytes, struct place *out)
{
	int rc;

	*out = (struct place){.ep = r->ep};
	rc = rg_buffer_open(rank_memory(), bytes, 0, -1, &out->src, &r->err);
	if (!rc)
		rc = rg_buffer_open(rank_memory(), bytes, 0, -1, &out->dst, &r->err);
	if (!rc)
		rc = r->ep->ops->window_open(r->ep, &out->src, &out->src_window, &r->err);
	if (!rc)
		rc = r->ep->ops->window_open(r->ep, &out->dst, &out->dst_window, &r->err);
	if (!rc) {
		r->ep->ops->lend(r->ep, &out->src);
		r->ep->ops->lend(r->ep, &out->dst);
	}
	for (uint32_t i = 0; i < r->ep->nranks && !rc; i++) {
		rc = r->ep->ops->window_map(out->src_window, i, &r->err);
		if (!rc)
			rc = r->ep->ops->window_map(out->dst_window, i, &r->err);
	}
	return rc;
}

void close_place(struct place *place)
{
	rank_transport->window_close(place->src_window);
	rank_transport->window_close(place->dst_window);
	if (place->ep) {
		rank_transport->take_back(place->ep, &place->src);
		rank_transport->take_back(place->ep, &place->dst);
	}
	rg_buffer_close(&place->src);
	rg_buffer_close(&place->dst);
}

static uint64_t src_count(const struct rg_problem *p)
{
	return rg_coll_src_count(p->coll, p->count, p->layout.nranks);
}

static uint64_t dst_count(const struct rg_problem *p)
{
	return rg_coll_dst_count(p->coll, p->count, p->layout.nranks);
}

uint64_t place_bytes(const struct rg_problem *p)
{
	return (src_count(p) > dst_count(p) ? src_count(p) : dst_count(p)) * p->elem_bytes;
}

/* nccl-tests' in place: the smaller buffer is this rank's block of the larger. */
static int32_t *src_of(const struct rank *r, const struct rg_problem *p, const struct place *place)
{
	bool block = p->in_place && dst_count(p) > src_count(p);

	return (int32_t *)place->src.base + (block ? r->ep->rank * p->count : 0);
}

static int32_t *dst_of(const struct rank *r, const struct rg_problem *p, const struct place *place)
{
	bool block = p->in_place && src_count(p) > dst_count(p);

	return (int32_t *)(p->in_place ? place->src : place->dst).base +
	       (block ? r->ep->rank * p->count : 0);
}

#define POISON 0xa5

static int32_t input(uint32_t rank, uint64_t i, uint32_t op)
{
	return (int32_t)((rank * 7 + i * 3 + op * 5) % 41);
}

void poison(const struct rank *r, const struct rg_problem *p, struct place *place)
{
	if (p->in_place)
		memset(place->src.base, POISON, place_bytes(p));
	else
		memset(dst_of(r, p, place), POISON, dst_count(p) * p->elem_bytes);
}

void fill(const struct rank *r, const struct rg_problem *p, struct place *place, uint32_t op)
{
	int32_t *src = src_of(r, p, place);

	for (uint64_t i = 0; i < rg_problem_src_count(p, r->ep->rank); i++)
		src[i] = input(r->ep->rank, i, op);
}

struct rg_run_args args_of(const struct rank *r, const struct rg_problem *p,
			   const struct place *place)
{
	return (struct rg_run_args){
		.src = src_of(r, p, place),
		.dst = dst_of(r, p, place),
		.src_window = place->src_window,
		.dst_window = p->in_place ? place->src_window : place->dst_window,
	};
}

/* Element i of a rank's destination after the collective. */
static int32_t expected(const struct rg_problem *p, uint32_t rank, uint64_t i, uint32_t op)
{
	uint32_t n = p->layout.nranks;
	int32_t sum = 0;

	switch (p->coll) {
	case RG_COLL_ALLREDUCE:
	case RG_COLL_REDUCE:
		for (uint32_t r = 0; r < n; r++)
			sum += input(r, i, op);
		return sum;
	case RG_COLL_REDUCESCATTER:
		for (uint32_t r = 0; r < n; r++)
			sum += input(r, rank * p->count + i, op);
		return sum;
	case RG_COLL_ALLGATHER:
	case RG_COLL_GATHER:
		return input((uint32_t)(i / p->count), i % p->count, op);
	case RG_COLL_ALLTOALL:
		return input((uint32_t)(i / p->count), rank * p->count + i % p->count, op);
	case RG_COLL_ALLTOALLV:
		for (uint32_t r = 0; r < n; r++) {
			if (i < rg_matrix_at(p->counts, n, r, rank))
				return input(r, rg_matrix_src_at(p->counts, n, r, rank) + i, op);
			i -= rg_matrix_at(p->counts, n, r, rank);
		}
		return 0;
	case RG_COLL_SCATTER:
		return input(p->root, rank * p->count + i, op);
	case RG_COLL_BROADCAST:
		return input(p->root, i, op);
	case RG_COLL_SENDRECV:
		return input((rank + n - 1) % n, i, op);
	default:
		return 0;
	}
}

int check(struct rank *r, const struct rg_problem *p, const struct place *place, uint32_t op)
{
	const int32_t *dst = dst_of(r, p, place);
	uint64_t ndst = rg_problem_dst_count(p, r->ep->rank);
	int32_t poisoned;

	memset(&poisoned, POISON, sizeof(poisoned));
	for (uint64_t i = 0; i < dst_count(p); i++) {
		int32_t want = i < ndst ? expected(p, r->ep->rank, i, op) : poisoned;
		uint64_t first = src_of(r, p, place) - dst;

		/* Who has no destination leaves its source alone, which is in it in place. */
		if (!ndst && p->in_place && i - first < rg_problem_src_count(p, r->ep->rank))
			want = input(r->ep->rank, i - first, op);
		if (dst[i] != want)
			return rg_err_set(&r->err, RG_ERR_WRONG_DATA,
					  "rank %u op %u element %llu: %d, not %d", r->ep->rank, op,
					  (unsigned long long)i, dst[i], want);
	}
	return 0;
}

static int run_ops(struct rank *r, const struct rg_problem *p, struct rg_run *run,
		   struct place *place, uint32_t ops)
{
	const struct rg_run_args args = args_of(r, p, place);
	int rc = 0;

	for (uint32_t op = 0; op < ops && !rc; op++) {
		poison(r, p, place);
		fill(r, p, place, op);
		rc = meet(r);
		if (!rc)
			rc = rg_run_once(run, &args, &r->err);
		if (!rc)
			rc = check(r, p, place, op);
		if (!rc)
			rc = meet(r);
	}
	return rc;
}

int run_problem(struct rank *r, const struct rg_algorithm *algorithm, const struct rg_problem *p,
		uint32_t ops)
{
	struct rg_program *program = NULL;
	struct rg_run *run = NULL;
	struct place place = {0};
	int rc;

	rc = rg_program_open(r->ep, algorithm, p, RG_TYPE_INT32, RG_OP_SUM, 0, 1 << 16, &program,
			     &r->err);
	if (!rc)
		rc = rg_run_open(r->x, program, &run, &r->err);
	if (!rc)
		rc = open_place(r, place_bytes(p), &place);
	if (!rc)
		rc = run_ops(r, p, run, &place, ops);
	part(r);
	rg_run_close(run);
	rg_program_close(program);
	close_place(&place);
	return rc;
}
