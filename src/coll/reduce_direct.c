/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reduce, direct: with windows everybody reduces a part of all vectors into the root's destination;
 * otherwise all hand their vectors to the root, which reduces them in one pass.
 *
 * Steps 1. Bytes sent n by all but the root; with windows n / p, and n (p - 1) / p are read.
 * Scratch none. Any p up to 64, any root. Reduced in rank order, with one rounding.
 *
 * With windows nobody leaves before everybody has read: sources are read by all, and the root's
 * destination is written by all. In place a part of it is read and written by one rank alone.
 *
 * Source: the definition, [MPI41, section 6.9], taken literally; with windows the first half of the
 * two-shot of [vLLM-CAR], its results put together at the root.
 */
#include "config.h"

#include "algorithms.h"
#include "gen.h"

#include "railgauge/device/reduce.h"

struct direct {
	uint64_t total; /* bytes */
	struct rg_ref all[RG_REDUCE_MAX];
};

static int direct_check(const struct rg_problem *p, struct rg_err *err)
{
	return rg_gen_check(&rg_reduce_direct, p, RG_REDUCE_MAX, err);
}

static void reduce(struct rg_gen *g, const struct direct *d, struct rg_gen_piece piece)
{
	const struct rg_ref dst = {RG_BUF_DST, g->problem->root};

	rg_gen_move(g, &(struct rg_gen_move){.src = d->all,
					     .nsrc = g->nranks,
					     .dst = &dst,
					     .ndst = 1,
					     .src_off = piece.off,
					     .dst_off = piece.off,
					     .len_bytes = piece.len,
					     .last = true});
}

static void slice(struct rg_gen *g, uint64_t i, void *arg)
{
	const struct direct *d = arg;
	struct rg_gen_piece piece = rg_gen_slice(g->problem, d->total, i);

	if (g->rank == g->problem->root)
		reduce(g, d, piece);
	else
		rg_gen_copy(g, (struct rg_ref){RG_BUF_OUT, g->problem->root}, 0,
			    (struct rg_ref){RG_BUF_SRC, g->rank}, piece.off, piece.len);
}

static void windows(struct rg_gen *g, const struct direct *d)
{
	struct rg_gen_piece mine = rg_gen_part(g->problem, g->rank);

	rg_gen_signal_all(g, RG_CTR_ENTER);
	rg_gen_wait_all(g, RG_CTR_ENTER, 0);
	if (mine.len)
		reduce(g, d, mine);
	rg_gen_signal_all(g, RG_CTR_DONE);
	rg_gen_wait_all(g, RG_CTR_DONE, 0);
}

static int direct_generate(const struct rg_problem *p, uint32_t rank, struct rg_sink *sink,
			   struct rg_schedule_needs *needs_out, struct rg_err *err)
{
	bool window = p->params.protocol == RG_PROTOCOL_WINDOW;
	struct direct d = {.total = rg_problem_block_bytes(p)};
	struct rg_gen g;

	rg_gen_open(&g, p, rank, sink, err);
	rg_gen_all(&g, window ? RG_BUF_SRC : RG_BUF_IN, RG_BUF_SRC, d.all);
	if (!rg_gen_alone(&g, d.total)) {
		if (window)
			windows(&g, &d);
		else
			rg_gen_loop(&g, rg_gen_nslices(p, d.total), slice, &d);
	}
	return rg_gen_close(&g, needs_out);
}

static uint64_t direct_sent_bytes(const struct rg_problem *p)
{
	if (p->layout.nranks == 1)
		return 0;
	if (p->params.protocol != RG_PROTOCOL_WINDOW)
		return rg_problem_block_bytes(p);
	/* The first part is the largest, but the root's own is put nowhere. */
	return rg_gen_part(p, p->root == 0).len;
}

const struct rg_algorithm rg_reduce_direct = {
	.name = "direct",
	.coll = RG_COLL_REDUCE,
	.summary = "the root reduces all vectors in one pass; window: each rank a part of them",
	.steps = "1",
	.bytes = "n but for the root; window: n/p (and reads n (p-1)/p)",
	.ranks = "1 to 64",
	.order = "rank order",
	.source = "[MPI41, section 6.9], [vLLM-CAR]",
	.protocols = 1u << RG_PROTOCOL_SLOT | 1u << RG_PROTOCOL_WORD | 1u << RG_PROTOCOL_WINDOW,
	.check = direct_check,
	.generate = direct_generate,
	.sent_bytes = direct_sent_bytes,
};
