/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Schedules of many ranks: those of both ends fit together, and stay within their buffers.
 *
 * Nothing of a rank is kept. Per rank messages are counted; of all ranks together there is one sum,
 * to which a message adds a hash of its ends, number and length where it is put, and from which it
 * takes that where it is taken: it is zero if each message put is taken as it is, and else, but for
 * one case in 2^64, not.
 */
#include "config.h"

#include "../watched.h"

#include "railgauge/base/matrix.h"
#include "railgauge/base/mem.h"
#include "railgauge/coll/schedule.h"
#include "railgauge/device/reduce.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define CHANNELS 2
#define RANKS	 4096

/* What one rank and a peer have told each other on one channel; [0] slot, [1] word. */
struct told {
	uint32_t put[2], taken[2];
	int32_t signalled[RG_CTR_COUNT], waited[RG_CTR_COUNT];
	bool met;
};

struct look {
	struct rg_sink sink;
	const struct rg_algorithm *row;
	const struct rg_problem *p;
	uint32_t rank;
	struct told *told; /* owned, [CHANNELS][nranks]: of this rank */
	uint32_t *met;	   /* owned, likewise: those that are not zero */
	uint32_t nmet;
	uint64_t sum; /* of all ranks */
	uint64_t sent, most, tmp_bytes, steps;
};

static void wrong(const struct look *l, const char *what)
{
	fail_msg("%s %s (%s), %u ranks, %llu elements, in place %d, root %u, radix %u, %u "
		 "channels: rank %u, step %llu: %s",
		 rg_coll_name(l->p->coll), l->row->name, rg_protocol_name(l->p->params.protocol),
		 l->p->layout.nranks, (unsigned long long)l->p->count, l->p->in_place, l->p->root,
		 l->p->params.radix, l->p->params.channels, l->rank, (unsigned long long)l->steps,
		 what);
}

static uint64_t mix(uint64_t hash, uint64_t x)
{
	hash = (hash ^ x) * 0x9e3779b97f4a7c15u;
	return hash ^ hash >> 29;
}

static uint64_t hash_of(uint32_t channel, uint32_t from, uint32_t to, uint64_t what, uint64_t len)
{
	uint64_t hash = mix(mix(channel + 1, (uint64_t)from << 32 | to), what);

	return mix(mix(hash, len), 0x5bd1e995);
}

static struct told *told(struct look *l, uint32_t channel, uint32_t peer)
{
	struct told *t;

	if (channel >= l->p->params.channels || peer >= l->p->layout.nranks || peer == l->rank)
		wrong(l, "no such peer or channel");
	t = &l->told[channel * l->p->layout.nranks + peer];
	if (!t->met)
		l->met[l->nmet++] = channel * l->p->layout.nranks + peer;
	t->met = true;
	return t;
}

static void check_memory(struct look *l, struct rg_ref ref, uint64_t off, uint64_t len)
{
	uint64_t bytes = 0;

	if (ref.rank >= l->p->layout.nranks)
		wrong(l, "no such rank");
	if (ref.buf == RG_BUF_SRC)
		bytes = rg_problem_src_count(l->p, ref.rank) * l->p->elem_bytes;
	if (ref.buf == RG_BUF_DST)
		bytes = rg_problem_dst_count(l->p, ref.rank) * l->p->elem_bytes;
	if (ref.buf == RG_BUF_TMP) {
		if (ref.rank != l->rank)
			wrong(l, "another rank's scratch");
		bytes = UINT64_MAX;
		l->tmp_bytes = l->tmp_bytes > off + len ? l->tmp_bytes : off + len;
	}
	if (off > bytes || len > bytes - off)
		wrong(l, "outside of a buffer");
}

static void see_message(struct look *l, const struct rg_step *s, uint32_t peer, bool put)
{
	struct told *t = told(l, s->channel, peer);
	bool words = s->flags & RG_STEP_WORDS;
	uint64_t room = words ? l->p->geometry.ll_bytes : l->p->geometry.slot_bytes;
	uint32_t msg = put ? s->out_msg : s->in_msg, *count = put ? t->put : t->taken;

	if (s->len_bytes > room || msg != count[words]++)
		wrong(l, "a message that is too long, or not the next one");
	if (!put && !words && t->waited[RG_CTR_READY] <= (int64_t)msg)
		wrong(l, "takes what it did not wait for");
	if (put)
		l->sum += hash_of(s->channel, l->rank, peer, (uint64_t)msg << 1 | words,
				  s->len_bytes);
	else
		l->sum -= hash_of(s->channel, peer, l->rank, (uint64_t)msg << 1 | words,
				  s->len_bytes);
}

static void see_move(struct look *l, const struct rg_step *s)
{
	if (!s->nsrc || !s->ndst || s->nsrc > RG_REDUCE_MAX || s->ndst > RG_REDUCE_MAX)
		wrong(l, "too much for one move");
	for (uint32_t k = 0; k < s->nsrc; k++) {
		if (s->src[k].buf == RG_BUF_IN)
			see_message(l, s, s->src[k].rank, false);
		else
			check_memory(l, s->src[k],
				     s->src_off + (uint64_t)((int64_t)k * s->src_stride),
				     s->len_bytes);
	}
	for (uint32_t k = 0; k < s->ndst; k++) {
		if (s->dst[k].buf == RG_BUF_OUT)
			see_message(l, s, s->dst[k].rank, true);
		else
			check_memory(l, s->dst[k], s->dst_off, s->len_bytes);
		if (s->dst[k].buf == RG_BUF_OUT || s->dst[k].rank != l->rank)
			l->sent += s->len_bytes;
	}
}

/* Counters other than credits: each value that is signalled is waited for, or a later one. */
static void see_counter(struct look *l, const struct rg_step *s)
{
	struct told *t = told(l, s->channel, s->peer);
	bool signal = s->op == RG_STEP_SIGNAL;
	int32_t *count = signal ? t->signalled : t->waited;

	if (s->ctr != RG_CTR_FREE && s->ctr != RG_CTR_LL_FREE && s->value <= count[s->ctr])
		wrong(l, "a counter that does not move");
	if (s->value > count[s->ctr])
		count[s->ctr] = (int32_t)s->value;
}

static int see(struct rg_sink *sink, const struct rg_step *s, struct rg_err *err)
{
	struct look *l = (struct look *)sink;

	l->steps++;
	if (s->op == RG_STEP_MOVE)
		see_move(l, s);
	else
		see_counter(l, s);
	return 0;
}

/* At the end of a rank: what it put is announced, what it took is free, and how counters stand. */
static void see_end(struct look *l, const struct rg_schedule_needs *needs)
{
	uint32_t n = l->p->layout.nranks;

	if (l->tmp_bytes > needs->tmp_bytes)
		wrong(l, "outside of its scratch");
	for (uint32_t k = 0; k < l->nmet; k++) {
		uint32_t i = l->met[k];
		struct told *t = &l->told[i];

		if (t->signalled[RG_CTR_READY] != (int64_t)t->put[0] ||
		    t->waited[RG_CTR_READY] != (int64_t)t->taken[0] ||
		    t->signalled[RG_CTR_FREE] != (int64_t)t->taken[0] ||
		    t->signalled[RG_CTR_LL_FREE] != (int64_t)t->taken[1])
			wrong(l, "messages that are not announced, or not freed");
		for (uint32_t c = 0; c < RG_CTR_COUNT; c++) {
			if (c == RG_CTR_FREE || c == RG_CTR_LL_FREE || c == RG_CTR_READY)
				continue;
			if (t->signalled[c])
				l->sum += hash_of(i / n, l->rank, i % n, c,
						  (uint64_t)t->signalled[c]);
			if (t->waited[c])
				l->sum -= hash_of(i / n, i % n, l->rank, c, (uint64_t)t->waited[c]);
		}
		*t = (struct told){0};
	}
	l->most = l->most > l->sent ? l->most : l->sent;
}

static void look_at(struct look *l, uint32_t rank)
{
	struct rg_schedule_needs needs;
	struct rg_unroll *unroll;
	struct rg_err err = {0};

	l->sink.step = see;
	l->rank = rank;
	l->sent = l->tmp_bytes = l->steps = 0;
	l->nmet = 0;
	assert_int_equal(rg_unroll_open(&l->sink, &unroll, NULL), 0);
	if (l->row->generate(l->p, rank, rg_unroll_sink(unroll), &needs, &err))
		wrong(l, err.text);
	rg_unroll_close(unroll);
	see_end(l, &needs);
}

/* All ranks; only the last one where all together have more steps than there is time for. */
static bool look_at_all(const struct rg_algorithm *row, const struct rg_problem *p,
			uint64_t steps_max)
{
	struct look l = {.row = row, .p = p};
	uint32_t n = p->layout.nranks;
	bool all;

	l.told = rg_zalloc((size_t)n * CHANNELS, sizeof(*l.told));
	l.met = rg_zalloc((size_t)n * CHANNELS, sizeof(*l.met));
	assert_true(l.told && l.met);
	look_at(&l, n - 1);
	all = l.steps * n <= steps_max;
	for (uint32_t r = 0; r + 1 < n && all; r++)
		look_at(&l, r);
	if (all && l.sum)
		wrong(&l, "both ends of some link differ");
	if (all && l.most != row->sent_bytes(p))
		wrong(&l, "other bytes are sent than the row says");
	rg_free(l.told);
	rg_free(l.met);
	return all;
}

/* --- cases --- */

/* Nodes of 8 ranks, or of 1, 2 ... 13 in turn. */
static struct rg_layout layout_of(uint32_t nranks, bool ragged)
{
	static uint32_t node[RANKS], local[RANKS];
	uint32_t room = ragged ? 1 : 8, at = 0, k = 0;

	for (uint32_t r = 0; r < nranks; r++, k++) {
		if (k == room) {
			at++;
			k = 0;
			room = ragged ? room % 13 + 1 : 8;
		}
		node[r] = at;
		local[r] = k;
	}
	return (struct rg_layout){.nranks = nranks, .node = node, .local = local, .rail = local};
}

/* Variant v of the problems of a row: all that does not take long to go through. */
static struct rg_problem problem_of(const struct rg_algorithm *row, uint32_t nranks, uint32_t v)
{
	bool words = v % 2;

	return (struct rg_problem){
		.coll = row->coll,
		.layout = layout_of(nranks, v % 3 == 1),
		.count = row->coll == RG_COLL_BARRIER ? 0
			 : v % 4 < 2		      ? 3
						      : nranks + 1,
		.elem_bytes = 4,
		.root = rg_coll_has_root(row->coll) ? nranks / 3 : 0,
		.in_place = v / 2 % 2,
		.access = RG_ACCESS_PRIVATE,
		.caps = RG_CAP_DATA | RG_CAP_WORD8,
		.geometry = {.channels = CHANNELS,
			     .slots = 8,
			     .slot_bytes = 1024,
			     .ll_slots = 8,
			     .ll_bytes = 256,
			     .credit_batch = 4},
		.params = {.protocol = words ? RG_PROTOCOL_WORD : RG_PROTOCOL_SLOT,
			   .channels = 1 + v / 4 % 2,
			   .radix = row->radix && v / 3 % 2 ? 16 : 0},
	};
}

/* Of an all-to-all-v: from 0 to 4 elements, both ways as much. False where the matrix is too big.
 */
#define RANKS_V 128

static bool set_counts(struct rg_problem *p)
{
	static uint64_t counts[RANKS_V * RANKS_V];
	uint32_t n = p->layout.nranks;

	if (n > RANKS_V)
		return false;
	for (uint32_t i = 0; i < n * n; i++)
		counts[i] = i / n * (i % n) % 5;
	p->counts = counts;
	p->count = rg_matrix_busiest(counts, n);
	return true;
}

static void look_at_rows(uint32_t nranks, uint32_t variants, uint64_t steps_max)
{
	uint32_t refused = 0, some = 0;

	for (const struct rg_algorithm *const *a = rg_algorithms; *a; a++) {
		for (uint32_t v = 0; v < variants; v++) {
			struct rg_problem p = problem_of(*a, nranks, v);

			if (!((*a)->protocols & 1u << p.params.protocol))
				continue;
			if (rg_coll_src_count(p.coll, 2, 2) + rg_coll_dst_count(p.coll, 2, 2) > 4)
				p.count = p.count % nranks; /* per rank */
			if (p.coll == RG_COLL_ALLTOALLV && !set_counts(&p))
				continue;
			if ((*a)->check(&p, NULL))
				refused++;
			else
				some += !look_at_all(*a, &p, steps_max);
			assert_true((*a)->check(&p, NULL) == 0 ||
				    strncmp((*a)->ranks, "any", 3) != 0);
		}
	}
	printf("%u ranks: %u refused, of %u one rank only\n", nranks, refused, some);
}

static void both_ends_of_all_links_fit(void **state)
{
	look_at_rows(65, 8, 1000000);
	if (WATCHED)
		return;
	look_at_rows(100, 8, 1000000);
	look_at_rows(128, 8, 1000000);
}

static void those_of_thousands_of_ranks_do(void **state)
{
	look_at_rows(1000, WATCHED ? 1 : 3, 2000000);
	if (!WATCHED)
		look_at_rows(4096, 1, 4000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_ends_of_all_links_fit),
		cmocka_unit_test(those_of_thousands_of_ranks_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
