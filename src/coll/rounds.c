/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "rounds.h"

#include "railgauge/base/mem.h"

/* Enough to work while a message is on its way; more would only spread over more cache. */
#define LAG_MAX 2

/* Messages so far: all parts before `part`, and `done` bytes of it. */
struct cursor {
	const struct rg_round_part *parts;
	uint32_t n, part;
	uint64_t done;
};

/* The next message: n parts from `first` on, or len_bytes after `skip` of a long one. */
struct message {
	const struct rg_round_part *first;
	uint32_t n;
	uint64_t skip, len_bytes;
};

static bool next_message(struct cursor *c, uint64_t slice, struct message *m)
{
	uint64_t left;

	while (c->part < c->n && !c->parts[c->part].len_bytes)
		c->part++;
	if (c->part == c->n)
		return false;
	*m = (struct message){.first = &c->parts[c->part], .n = 1, .skip = c->done};
	left = m->first->len_bytes - c->done;
	if (left > slice) {
		m->len_bytes = slice;
		c->done += slice;
		return true;
	}
	m->len_bytes = left;
	while (++c->part < c->n && !c->done &&
	       m->len_bytes + c->parts[c->part].len_bytes <= slice) {
		m->len_bytes += c->parts[c->part].len_bytes;
		m->n++;
	}
	c->done = 0;
	return true;
}

/* Does part b lie behind the end of a, at this rank? */
static bool follows(const struct rg_round_part *a, const struct rg_round_part *b)
{
	if (b->buf != a->buf || b->off != a->off + a->len_bytes || b->reduce != a->reduce)
		return false;
	return !a->reduce || (b->own == a->own && b->own_off == a->own_off + a->len_bytes);
}

/* The next stretch of memory of m from part *at on; false at the end. */
static bool next_run(const struct message *m, uint32_t *at, struct rg_round_part *run)
{
	if (*at == m->n)
		return false;
	*run = m->first[(*at)++];
	run->off += m->skip;
	run->own_off += m->skip;
	if (m->n == 1)
		run->len_bytes = m->len_bytes;
	for (; *at < m->n && follows(run, &m->first[*at]); ++*at)
		run->len_bytes += m->first[*at].len_bytes;
	return true;
}

static void need_stage(struct rg_gen *g, const struct rg_round *r)
{
	uint64_t end = r->stage + 2 * rg_gen_slice_bytes(g->problem);

	if (g->tmp_bytes < end)
		g->tmp_bytes = end;
}

static void put(struct rg_gen *g, const struct rg_round *r, const struct message *m)
{
	const struct rg_ref out = {RG_BUF_OUT, r->to}, tmp = {RG_BUF_TMP, g->rank};
	struct rg_round_part run;
	uint64_t packed = 0;
	uint32_t at = 0;

	while (next_run(m, &at, &run) && run.len_bytes < m->len_bytes) {
		need_stage(g, r);
		rg_gen_copy(g, tmp, r->stage + packed, (struct rg_ref){run.buf, g->rank}, run.off,
			    run.len_bytes);
		packed += run.len_bytes;
	}
	if (packed)
		rg_gen_copy(g, out, 0, tmp, r->stage, packed);
	else
		rg_gen_copy(g, out, 0, (struct rg_ref){run.buf, g->rank}, run.off, m->len_bytes);
}

/* Combines a run with what came for it, or copies that: in the slot, or at `at` of scratch. */
static void finish(struct rg_gen *g, const struct rg_round *r, const struct rg_round_part *run,
		   struct rg_ref came, uint64_t at)
{
	const struct rg_ref dst = {run->buf, g->rank};
	const struct rg_ref src[2] = {came, {run->own, g->rank}};

	if (!run->reduce)
		rg_gen_copy(g, dst, run->off, came, at, run->len_bytes);
	else
		rg_gen_move(g, &(struct rg_gen_move){.src = src,
						     .nsrc = 2,
						     .dst = &dst,
						     .ndst = 1,
						     .src_off = at,
						     .src_stride = (int64_t)(run->own_off - at),
						     .dst_off = run->off,
						     .len_bytes = run->len_bytes,
						     .last = r->last});
}

static void take(struct rg_gen *g, const struct rg_round *r, const struct message *m)
{
	const struct rg_ref in = {RG_BUF_IN, r->from}, tmp = {RG_BUF_TMP, g->rank};
	uint64_t stage = r->stage + rg_gen_slice_bytes(g->problem), done = 0;
	struct rg_round_part run;
	uint32_t at = 0;

	while (next_run(m, &at, &run)) {
		if (run.len_bytes == m->len_bytes) {
			finish(g, r, &run, in, run.own_off);
			return;
		}
		if (!done) {
			need_stage(g, r);
			rg_gen_copy(g, tmp, stage, in, 0, m->len_bytes);
		}
		finish(g, r, &run, tmp, stage + done);
		done += run.len_bytes;
	}
}

/* puts, takes: room for [n]. */
static void exchange(struct rg_gen *g, const struct rg_round *rounds, uint32_t n,
		     struct cursor *puts, struct cursor *takes)
{
	uint64_t slice = rg_gen_slice_bytes(g->problem);
	uint32_t lag = rg_gen_credit(g->problem) - 1;
	bool more = n > 0;
	struct message m;

	lag = lag < LAG_MAX ? lag : LAG_MAX;
	for (uint32_t i = 0; i < n; i++) {
		puts[i] = (struct cursor){.parts = rounds[i].put, .n = rounds[i].nput};
		takes[i] = (struct cursor){.parts = rounds[i].take, .n = rounds[i].ntake};
	}
	for (uint32_t turn = 0; more; turn++) {
		more = turn < lag;
		for (uint32_t i = 0; i < n; i++) {
			if (!next_message(&puts[i], slice, &m))
				continue;
			put(g, &rounds[i], &m);
			more = true;
		}
		for (uint32_t i = 0; i < n && turn >= lag; i++) {
			if (!next_message(&takes[i], slice, &m))
				continue;
			take(g, &rounds[i], &m);
			more = true;
		}
	}
}

void rg_rounds(struct rg_gen *g, const struct rg_round *rounds, uint32_t n)
{
	struct cursor *cursors = rg_gen_alloc(g, 2 * (size_t)n, sizeof(*cursors));

	if (cursors)
		exchange(g, rounds, n, cursors, cursors + n);
	rg_free(cursors);
}

void rg_round(struct rg_gen *g, const struct rg_round *round)
{
	struct cursor put, take;

	exchange(g, round, 1, &put, &take);
}

uint64_t rg_round_stage(uint64_t used_bytes)
{
	return (used_bytes + 63) / 64 * 64;
}
