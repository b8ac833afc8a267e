/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reduce-scatter, direct: rank r gets block r of everybody's source and reduces them in one pass.
 *
 * Steps 1. Bytes sent per rank n (p - 1) / p; with windows none, as many are read. Scratch none.
 * Any p up to 64. Reduced in rank order, with one rounding.
 *
 * Through slots and words iteration i sends slice i of each peer's block, and then reduces slice
 * i - 1 of the own block (with a credit of 1: i). With windows the blocks are read from the sources
 * once everybody has entered, and nobody leaves before everybody has read. In place is no
 * different: what is overwritten, a rank's own block of its source, is read by that rank only.
 *
 * Source: the pairwise exchange of [Thakur05, section 4] without its order of rounds; with windows
 * the first half of the two-shot of [vLLM-CAR].
 */
#include "config.h"

#include "algorithms.h"
#include "gen.h"

#include "railgauge/device/reduce.h"

struct direct {
	uint64_t block;	  /* bytes */
	uint64_t nslices; /* of a block */
	uint64_t lag;	  /* slices between sending and reducing */
	struct rg_ref all[RG_REDUCE_MAX];
};

static int direct_check(const struct rg_problem *p, struct rg_err *err)
{
	return rg_gen_check(&rg_reducescatter_direct, p, RG_REDUCE_MAX, err);
}

static void send(struct rg_gen *g, const struct direct *d, uint32_t peer, uint64_t i)
{
	struct rg_gen_piece piece = rg_gen_slice(g->problem, d->block, i);

	rg_gen_copy(g, (struct rg_ref){RG_BUF_OUT, peer}, 0, (struct rg_ref){RG_BUF_SRC, g->rank},
		    peer * d->block + piece.off, piece.len);
}

static void reduce(struct rg_gen *g, const struct direct *d, struct rg_gen_piece piece)
{
	const struct rg_ref dst = {RG_BUF_DST, g->rank};

	rg_gen_move(g, &(struct rg_gen_move){.src = d->all,
					     .nsrc = g->nranks,
					     .dst = &dst,
					     .ndst = 1,
					     .src_off = g->rank * d->block + piece.off,
					     .dst_off = piece.off,
					     .len_bytes = piece.len,
					     .last = true});
}

static void iteration(struct rg_gen *g, uint64_t i, void *arg)
{
	const struct direct *d = arg;

	for (uint32_t k = 1; k < g->nranks && i < d->nslices; k++)
		send(g, d, (g->rank + k) % g->nranks, i);
	if (i >= d->lag)
		reduce(g, d, rg_gen_slice(g->problem, d->block, i - d->lag));
}

static void windows(struct rg_gen *g, const struct direct *d)
{
	rg_gen_signal_all(g, RG_CTR_ENTER);
	rg_gen_wait_all(g, RG_CTR_ENTER, 0);
	if (d->block)
		reduce(g, d, (struct rg_gen_piece){0, d->block});
	rg_gen_signal_all(g, RG_CTR_DONE);
	rg_gen_wait_all(g, RG_CTR_DONE, 0);
}

static int direct_generate(const struct rg_problem *p, uint32_t rank, struct rg_sink *sink,
			   struct rg_schedule_needs *needs_out, struct rg_err *err)
{
	bool window = p->params.protocol == RG_PROTOCOL_WINDOW;
	struct direct d = {
		.block = rg_problem_block_bytes(p),
		.nslices = rg_gen_nslices(p, rg_problem_block_bytes(p)),
		.lag = rg_gen_credit(p) >= 2,
	};
	struct rg_gen g;

	rg_gen_open(&g, p, rank, sink, err);
	rg_gen_all(&g, window ? RG_BUF_SRC : RG_BUF_IN, RG_BUF_SRC, d.all);
	if (g.nranks == 1 && !p->in_place)
		rg_gen_copy(&g, (struct rg_ref){RG_BUF_DST, rank}, 0, d.all[0], 0, d.block);
	else if (g.nranks > 1 && window)
		windows(&g, &d);
	else if (g.nranks > 1 && d.nslices)
		rg_gen_loop(&g, d.nslices + d.lag, iteration, &d);
	return rg_gen_close(&g, needs_out);
}

static uint64_t direct_sent_bytes(const struct rg_problem *p)
{
	if (p->params.protocol == RG_PROTOCOL_WINDOW)
		return 0;
	return rg_problem_block_bytes(p) * (p->layout.nranks - 1);
}

const struct rg_algorithm rg_reducescatter_direct = {
	.name = "direct",
	.coll = RG_COLL_REDUCESCATTER,
	.summary = "every rank gets its block from all others and reduces it in one pass",
	.steps = "1",
	.bytes = "n (p-1)/p; window: 0 (reads n (p-1)/p)",
	.ranks = "1 to 64",
	.order = "rank order",
	.source = "[Thakur05, section 4]",
	.protocols = 1u << RG_PROTOCOL_SLOT | 1u << RG_PROTOCOL_WORD | 1u << RG_PROTOCOL_WINDOW,
	.check = direct_check,
	.generate = direct_generate,
	.sent_bytes = direct_sent_bytes,
};
