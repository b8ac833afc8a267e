/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The simulation against another one that does the same in the plainest way: all steps of all ranks
 * are stored, every message and credit has a place of its own, and ranks are tried in turn until
 * nobody can go ahead. For all rows, small numbers of ranks, and geometries with few slots.
 */
#include "config.h"

#include "../coll/kept.h"
#include "../lot.h"
#include "../watched.h"
#include "sim_cases.h"

#include "railgauge/base/matrix.h"
#include "railgauge/base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#define RANKS 17

static const struct link_fs near = {300000007, 40000003, 30000001, 10009};
static const struct link_fs far = {2000000011, 300000017, 250000013, 50021};
#define COPY_FS	  7001
#define REDUCE_FS 9001

/* What came over one link in one way, in order of numbers: when it is there, and how long. */
struct arrivals {
	struct arrival {
		int64_t value, there, serial;
	} * list; /* owned */
	size_t n, cap;
};

struct link {
	struct arrivals ctr[RG_CTR_COUNT], words;
	uint32_t seen[RG_CTR_COUNT]; /* by the receiver */
	int64_t free_told[2];	     /* by it, about messages that came over this link */
	uint64_t put_bytes;
};

struct rank {
	struct kept_schedule kept;
	size_t at; /* its next step */
	int64_t time, out[RG_HOP_COUNT], in[RG_HOP_COUNT];
};

static struct oracle {
	const struct rg_problem *p;
	struct rank rank[RANKS];
	struct link link[RANKS][RANKS];
} o;

static enum rg_hop hop(uint32_t a, uint32_t b)
{
	return o.p->layout.node[a] == o.p->layout.node[b] ? RG_HOP_NODE : RG_HOP_NETWORK;
}

static const struct link_fs *link_fs(uint32_t a, uint32_t b)
{
	return hop(a, b) == RG_HOP_NODE ? &near : &far;
}

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static void arrive(struct arrivals *a, int64_t value, int64_t there, int64_t serial)
{
	kept_grow(&a->list, &a->cap, a->n + 1, sizeof(*a->list));
	a->list[a->n++] = (struct arrival){value, there, serial};
}

static void send(uint32_t from, uint32_t to, struct arrivals *a, int64_t value, uint64_t bytes)
{
	const struct link_fs *l = link_fs(from, to);
	int64_t serial = bytes ? (int64_t)(bytes - 1) * l->byte : 0;
	struct rank *r = &o.rank[from];
	int64_t *port = &r->out[hop(from, to)];
	int64_t start = later(r->time, *port);

	r->time = start + l->overhead;
	*port = start + l->gap + serial;
	arrive(a, value, r->time + serial + l->latency, serial);
}

static void receive(uint32_t rank, uint32_t from, const struct arrival *a)
{
	const struct link_fs *l = link_fs(from, rank);
	struct rank *r = &o.rank[rank];
	int64_t *port = &r->in[hop(from, rank)];
	int64_t end = later(a->there, *port + a->serial);

	*port = end + l->gap;
	r->time = later(r->time, end) + l->overhead;
}

static bool is_free(enum rg_ctr ctr)
{
	return ctr == RG_CTR_FREE || ctr == RG_CTR_LL_FREE;
}

static void signal_step(uint32_t rank, const struct rg_step *s)
{
	struct link *out = &o.link[rank][s->peer], *in = &o.link[s->peer][rank];
	int64_t *told = &in->free_told[s->ctr == RG_CTR_LL_FREE];

	if (!is_free(s->ctr)) {
		send(rank, s->peer, &out->ctr[s->ctr], s->value,
		     s->ctr == RG_CTR_READY ? out->put_bytes : 0);
	} else if (s->value - *told >= o.p->geometry.credit_batch) {
		*told = s->value;
		arrive(&out->ctr[s->ctr], s->value,
		       o.rank[rank].time + link_fs(rank, s->peer)->latency, 0);
	}
}

static bool wait_step(uint32_t rank, const struct rg_step *s)
{
	struct link *in = &o.link[s->peer][rank];
	const struct arrivals *a = &in->ctr[s->ctr];
	uint32_t i = 0;

	while (i < a->n && a->list[i].value < s->value)
		i++;
	if (s->value <= 0)
		return true;
	if (i == a->n)
		return false;
	if (is_free(s->ctr)) {
		o.rank[rank].time = later(o.rank[rank].time, a->list[i].there);
		return true;
	}
	while (in->seen[s->ctr] <= i)
		receive(rank, s->peer, &a->list[in->seen[s->ctr]++]);
	return true;
}

static const struct arrival *word(uint32_t from, uint32_t to, uint32_t msg)
{
	const struct arrivals *a = &o.link[from][to].words;

	for (size_t i = 0; i < a->n; i++) {
		if (a->list[i].value == msg)
			return &a->list[i];
	}
	return NULL;
}

static bool move_step(uint32_t rank, const struct rg_step *s, const struct rg_ref *src)
{
	const struct rg_ref *dst = src + s->nsrc;
	bool words = s->flags & RG_STEP_WORDS;

	for (uint32_t i = 0; i < s->nsrc && words && s->len_bytes; i++) {
		if (src[i].buf == RG_BUF_IN && !word(src[i].rank, rank, s->in_msg))
			return false;
	}
	for (uint32_t i = 0; i < s->nsrc && words && s->len_bytes; i++) {
		if (src[i].buf == RG_BUF_IN)
			receive(rank, src[i].rank, word(src[i].rank, rank, s->in_msg));
	}
	o.rank[rank].time +=
		(int64_t)s->len_bytes * (COPY_FS * s->ndst + REDUCE_FS * (s->nsrc - 1));
	for (uint32_t i = 0; i < s->ndst; i++) {
		struct link *out = &o.link[rank][dst[i].rank];

		if (dst[i].buf != RG_BUF_OUT)
			continue;
		out->put_bytes = s->len_bytes;
		if (words && s->len_bytes)
			send(rank, dst[i].rank, &out->words, s->out_msg, 2 * s->len_bytes);
	}
	return true;
}

static bool go(uint32_t rank)
{
	struct rank *r = &o.rank[rank];
	size_t begun = r->at;
	bool went = true;

	while (r->at < r->kept.n && went) {
		const struct kept *k = &r->kept.steps[r->at];

		if (k->step.op == RG_STEP_MOVE)
			went = move_step(rank, &k->step, r->kept.refs + k->refs);
		else if (k->step.op == RG_STEP_WAIT)
			went = wait_step(rank, &k->step);
		else
			signal_step(rank, &k->step);
		r->at += went;
	}
	return r->at > begun;
}

static void keep_all(const struct rg_algorithm *a)
{
	struct rg_schedule_needs needs;

	for (uint32_t i = 0; i < o.p->layout.nranks; i++)
		assert_int_equal(keep_schedule(a, o.p, i, &o.rank[i].kept, &needs, NULL), 0);
}

static void forget_all(void)
{
	for (uint32_t i = 0; i < RANKS; i++) {
		kept_free(&o.rank[i].kept);
		for (uint32_t j = 0; j < RANKS; j++) {
			for (int c = 0; c < RG_CTR_COUNT; c++)
				rg_free(o.link[i][j].ctr[c].list);
			rg_free(o.link[i][j].words.list);
		}
	}
	memset(&o, 0, sizeof(o));
}

static int64_t oracle_fs(const struct rg_algorithm *a, const struct rg_problem *p)
{
	int64_t most = 0;
	bool moved = true;

	o.p = p;
	keep_all(a);
	while (moved) {
		moved = false;
		/* Downwards, as the simulation begins with rank 0. */
		for (uint32_t i = p->layout.nranks; i-- > 0;)
			moved = go(i) || moved;
	}
	for (uint32_t i = 0; i < p->layout.nranks; i++) {
		assert_int_equal(o.rank[i].at, o.rank[i].kept.n);
		most = later(most, o.rank[i].time);
	}
	forget_all();
	return most;
}

static uint32_t compared;

static void compare(const struct rg_algorithm *a, const struct rg_problem *p)
{
	struct rg_costs costs = costs_of(near, far);
	struct rg_sim_result r = {0};
	struct rg_err err = {0};
	int64_t expected;

	if (a->check(p, NULL))
		return;
	costs.copy_s = COPY_FS * 1e-15;
	costs.reduce_s = REDUCE_FS * 1e-15;
	expected = oracle_fs(a, p);
	if (rg_sim_run(a, p, &costs, &r, &err) || r.time_fs != expected)
		fail_msg("%s %s (%s), %u ranks, %u slots, %llu elements: %lld fs, not %lld. %s",
			 rg_coll_name(p->coll), a->name, rg_protocol_name(p->params.protocol),
			 p->layout.nranks, p->geometry.slots, (unsigned long long)p->count,
			 (long long)r.time_fs, (long long)expected, err.text);
	compared++;
}

/* Of an all-to-all-v: blocks of none, count or twice as many, as many back. */
static void set_counts(struct rg_problem *p)
{
	static uint64_t counts[RANKS * RANKS];
	uint32_t n = p->layout.nranks;

	if (p->coll != RG_COLL_ALLTOALLV)
		return;
	for (uint32_t i = 0; i < n * n; i++)
		counts[i] = (i / n + i % n + 1) % 3 * p->count;
	p->counts = counts;
	p->count = rg_matrix_busiest(counts, n);
}

static void compare_counts(const struct rg_algorithm *a, struct rg_problem *p)
{
	static const uint64_t counts[] = {0, 1, 100, 700};

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		p->count = counts[i];
		set_counts(p);
		for (int words = 0; words < 2; words++) {
			p->params.protocol = words ? RG_PROTOCOL_WORD : RG_PROTOCOL_SLOT;
			p->in_place = i % 2;
			compare(a, p);
		}
	}
}

static const struct rg_geometry geometries[] = {
	{.channels = 1,
	 .slots = 1,
	 .slot_bytes = 256,
	 .ll_slots = 1,
	 .ll_bytes = 64,
	 .credit_batch = 1},
	{.channels = 1,
	 .slots = 4,
	 .slot_bytes = 128,
	 .ll_slots = 4,
	 .ll_bytes = 64,
	 .credit_batch = 2},
	{.channels = 1,
	 .slots = 8,
	 .slot_bytes = 1024,
	 .ll_slots = 8,
	 .ll_bytes = 256,
	 .credit_batch = 4},
};

/* Nodes of 1, 2, 3 and 4 ranks, and so on. */
static const uint32_t ragged[RANKS] = {0, 1, 1, 2, 2, 2, 3, 3, 3, 3, 4, 5, 5, 6, 6, 6, 7};
static const uint32_t even[RANKS] = {0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8};
static const uint32_t round_robin[RANKS] = {0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1};

static void compare_ranks(const struct rg_algorithm *a, const struct rg_geometry *geometry,
			  struct lot *lot)
{
	static const uint32_t *const layouts[] = {ragged, even, round_robin};

	for (uint32_t n = 1; n <= RANKS; n++) {
		struct rg_problem p = problem_of(a->coll, n, 0);

		if (!is_drawn(lot))
			continue;
		p.geometry = *geometry;
		p.root = n / 2;
		p.layout.node = layouts[n % 3];
		compare_counts(a, &p);
	}
}

static void it_gives_the_times_of_a_plain_simulation_that_stores_everything(void **state)
{
	struct lot lot = lot_of(WATCHED ? 8 : 2);

	for (const struct rg_algorithm *const *a = rg_algorithms; *a; a++) {
		for (size_t g = 0; g < sizeof(geometries) / sizeof(geometries[0]); g++)
			compare_ranks(*a, &geometries[g], &lot);
	}
	assert_true(compared > (WATCHED ? 150 : 1000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_gives_the_times_of_a_plain_simulation_that_stores_everything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
