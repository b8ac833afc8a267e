/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Broadcast, direct: the root hands its vector to everybody.
 *
 * Steps 1. Bytes sent by the root n (p - 1), by others none; with windows none by anybody, every
 * other rank reads n. Scratch none. Any p up to 64. Reduces nothing.
 *
 * Through slots and words the root writes each slice into all peers' slots (and out of place its
 * own destination) in one pass over its source; the peers take them as they come. With windows the
 * peers read the root's source, all at the same time, and the root leaves when all have read.
 *
 * Source: the definition, [MPI41, section 6.4], taken literally. Right where the ranks share memory
 * rather than the root's one link.
 */
#include "config.h"

#include "algorithms.h"
#include "gen.h"

#include "railgauge/device/reduce.h"

struct direct {
	uint64_t total; /* bytes */
	bool at_once;
	uint32_t nto;
	struct rg_ref to[RG_REDUCE_MAX]; /* the root's destinations */
};

static int direct_check(const struct rg_problem *p, struct rg_err *err)
{
	return rg_gen_check(&rg_broadcast_direct, p, RG_REDUCE_MAX, err);
}

static void slice(struct rg_gen *g, uint64_t i, void *arg)
{
	const struct direct *d = arg;
	const struct rg_ref src = {RG_BUF_SRC, g->rank};
	struct rg_gen_piece piece = rg_gen_slice(g->problem, d->total, i);

	if (g->rank == g->problem->root)
		rg_gen_move(g, &(struct rg_gen_move){.src = &src,
						     .nsrc = 1,
						     .dst = d->to,
						     .ndst = d->nto,
						     .src_off = piece.off,
						     .dst_off = piece.off,
						     .len_bytes = piece.len,
						     .at_once = d->at_once});
	else
		rg_gen_copy(g, (struct rg_ref){RG_BUF_DST, g->rank}, piece.off,
			    (struct rg_ref){RG_BUF_IN, g->problem->root}, 0, piece.len);
}

static void windows(struct rg_gen *g, const struct direct *d)
{
	uint32_t root = g->problem->root;
	const struct rg_ref src = {RG_BUF_SRC, root}, dst = {RG_BUF_DST, g->rank};

	if (g->rank == root) {
		rg_gen_signal_all(g, RG_CTR_ENTER);
		if (!g->problem->in_place)
			rg_gen_copy(g, dst, 0, src, 0, d->total);
		rg_gen_wait_all(g, RG_CTR_DONE, 0);
	} else {
		rg_gen_wait(g, root, RG_CTR_ENTER, 0);
		rg_gen_copy(g, dst, 0, src, 0, d->total);
		rg_gen_signal(g, root, RG_CTR_DONE);
	}
}

int rg_broadcast_flat(const struct rg_problem *p, uint32_t rank, bool at_once, struct rg_sink *sink,
		      struct rg_schedule_needs *needs_out, struct rg_err *err)
{
	struct direct d = {.total = rg_problem_block_bytes(p), .at_once = at_once};
	struct rg_gen g;

	rg_gen_open(&g, p, rank, sink, err);
	if (!p->in_place)
		d.to[d.nto++] = (struct rg_ref){RG_BUF_DST, rank};
	for (uint32_t i = 1; i < g.nranks; i++)
		d.to[d.nto++] = (struct rg_ref){RG_BUF_OUT, (rank + i) % g.nranks};
	if (g.nranks > 1 && p->params.protocol == RG_PROTOCOL_WINDOW)
		windows(&g, &d);
	else if (d.nto)
		rg_gen_loop(&g, rg_gen_nslices(p, d.total), slice, &d);
	return rg_gen_close(&g, needs_out);
}

static int direct_generate(const struct rg_problem *p, uint32_t rank, struct rg_sink *sink,
			   struct rg_schedule_needs *needs_out, struct rg_err *err)
{
	return rg_broadcast_flat(p, rank, false, sink, needs_out, err);
}

static uint64_t direct_sent_bytes(const struct rg_problem *p)
{
	if (p->params.protocol == RG_PROTOCOL_WINDOW)
		return 0;
	return rg_problem_block_bytes(p) * (p->layout.nranks - 1);
}

const struct rg_algorithm rg_broadcast_direct = {
	.name = "direct",
	.coll = RG_COLL_BROADCAST,
	.summary = "the root hands its vector to all others in one pass",
	.steps = "1",
	.bytes = "root: n (p-1); window: 0 (others read n)",
	.ranks = "1 to 64",
	.order = "none",
	.source = "[MPI41, section 6.4]",
	.protocols = 1u << RG_PROTOCOL_SLOT | 1u << RG_PROTOCOL_WORD | 1u << RG_PROTOCOL_WINDOW,
	.check = direct_check,
	.generate = direct_generate,
	.sent_bytes = direct_sent_bytes,
};
