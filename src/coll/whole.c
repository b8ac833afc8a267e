/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "whole.h"

struct state {
	const struct rg_whole *whole;
	uint64_t total; /* bytes */
};

/* The slots of the others in round j, and after the last round that of the partner. */
static uint32_t next_slots(const struct rg_gen *g, const struct rg_whole *w, uint32_t j,
			   struct rg_ref *refs)
{
	uint32_t n = 0;

	if (j == w->nrounds && w->fold.partner != RG_FOLD_NOBODY)
		refs[n++] = (struct rg_ref){RG_BUF_OUT, w->fold.partner};
	for (uint32_t i = 0; j < w->nrounds && i < w->round[j].n; i++) {
		if (w->round[j].rank[i] != g->rank)
			refs[n++] = (struct rg_ref){RG_BUF_OUT, w->round[j].rank[i]};
	}
	return n;
}

/* Combines what the ranks of a group have, `own` being this one's, and puts it to round `next`. */
static void combine(struct rg_gen *g, const struct rg_whole *w, const uint32_t *group, uint32_t n,
		    enum rg_buf own, uint32_t next, struct rg_gen_piece piece)
{
	struct rg_ref src[RG_REDUCE_MAX], dst[RG_REDUCE_MAX];

	for (uint32_t i = 0; i < n; i++)
		src[i] = (struct rg_ref){group[i] == g->rank ? own : RG_BUF_IN, group[i]};
	dst[0] = (struct rg_ref){RG_BUF_DST, g->rank};
	rg_gen_move(g, &(struct rg_gen_move){.src = src,
					     .nsrc = n,
					     .dst = dst,
					     .ndst = 1 + next_slots(g, w, next, dst + 1),
					     .src_off = piece.off,
					     .dst_off = piece.off,
					     .len_bytes = piece.len,
					     .last = next == w->nrounds});
}

static void slice(struct rg_gen *g, uint64_t i, void *arg)
{
	const struct state *s = arg;
	const struct rg_whole *w = s->whole;
	const struct rg_fold *f = &w->fold;
	const struct rg_gen_piece piece = rg_gen_slice(g->problem, s->total, i);
	const struct rg_ref src = {RG_BUF_SRC, g->rank}, dst = {RG_BUF_DST, g->rank};
	struct rg_ref slots[RG_REDUCE_MAX];
	enum rg_buf own = RG_BUF_SRC;

	if (!f->inside) {
		rg_gen_copy(g, (struct rg_ref){RG_BUF_OUT, f->partner}, 0, src, piece.off,
			    piece.len);
		rg_gen_copy(g, dst, piece.off, (struct rg_ref){RG_BUF_IN, f->partner}, 0,
			    piece.len);
		return;
	}
	if (f->partner != RG_FOLD_NOBODY) {
		const uint32_t pair[2] = {f->partner, g->rank};

		combine(g, w, pair, 2, own, 0, piece);
		own = RG_BUF_DST;
	} else {
		rg_gen_move(g, &(struct rg_gen_move){.src = &src,
						     .nsrc = 1,
						     .dst = slots,
						     .ndst = next_slots(g, w, 0, slots),
						     .src_off = piece.off,
						     .len_bytes = piece.len});
	}
	for (uint32_t j = 0; j < w->nrounds; j++) {
		combine(g, w, w->round[j].rank, w->round[j].n, own, j + 1, piece);
		own = RG_BUF_DST;
	}
}

int rg_whole_generate(const struct rg_problem *problem, uint32_t rank, const struct rg_whole *whole,
		      struct rg_sink *sink, struct rg_schedule_needs *needs_out, struct rg_err *err)
{
	struct state s = {.whole = whole, .total = rg_problem_block_bytes(problem)};
	struct rg_gen g;

	rg_gen_open(&g, problem, rank, sink, err);
	if (!rg_gen_alone(&g, s.total))
		rg_gen_loop(&g, rg_gen_nslices(problem, s.total), slice, &s);
	return rg_gen_close(&g, needs_out);
}

uint64_t rg_whole_sent_bytes(const struct rg_problem *problem, const struct rg_whole *whole)
{
	uint64_t vectors = whole->fold.partner != RG_FOLD_NOBODY;

	for (uint32_t j = 0; j < whole->nrounds; j++)
		vectors += whole->round[j].n - 1;
	return vectors * rg_problem_block_bytes(problem);
}
