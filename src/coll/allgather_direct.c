/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * All-gather, direct: every rank hands its block to everybody in one pass over it.
 *
 * Steps 1. Bytes sent per rank n (p - 1) / p. Scratch none. Any p up to 64. Reduces nothing.
 *
 * Through slots and words iteration i writes slice i into the own destination and the slots of all
 * peers at once, and then takes the peers' slices i - 1 (with a credit of 1: i). With windows the
 * block goes straight into all destinations once everybody has entered (with persistent buffers:
 * has entered the operation before). In place is no different, since a rank's source is the one
 * block of its destination that nobody else writes.
 *
 * Source: the concatenation of [Bruck97] where a rank has p - 1 ports: one round.
 */
#include "config.h"

#include "algorithms.h"
#include "gen.h"

#include "railgauge/device/reduce.h"

struct direct {
	uint64_t block;	  /* bytes */
	uint64_t nslices; /* of a block */
	uint64_t lag;	  /* slices between sending and taking */
	uint32_t nto;
	struct rg_ref to[RG_REDUCE_MAX]; /* all that get the own block */
};

static int direct_check(const struct rg_problem *p, struct rg_err *err)
{
	return rg_gen_check(&rg_allgather_direct, p, RG_REDUCE_MAX, err);
}

static void put(struct rg_gen *g, const struct direct *d, struct rg_gen_piece piece)
{
	const struct rg_ref src = {RG_BUF_SRC, g->rank};

	rg_gen_move(g, &(struct rg_gen_move){.src = &src,
					     .nsrc = 1,
					     .dst = d->to,
					     .ndst = d->nto,
					     .src_off = piece.off,
					     .dst_off = g->rank * d->block + piece.off,
					     .len_bytes = piece.len});
}

static void take(struct rg_gen *g, const struct direct *d, uint32_t peer, uint64_t i)
{
	struct rg_gen_piece piece = rg_gen_slice(g->problem, d->block, i);

	rg_gen_copy(g, (struct rg_ref){RG_BUF_DST, g->rank}, peer * d->block + piece.off,
		    (struct rg_ref){RG_BUF_IN, peer}, 0, piece.len);
}

static void iteration(struct rg_gen *g, uint64_t i, void *arg)
{
	const struct direct *d = arg;

	if (i < d->nslices)
		put(g, d, rg_gen_slice(g->problem, d->block, i));
	for (uint32_t k = 1; k < g->nranks && i >= d->lag; k++)
		take(g, d, (g->rank + g->nranks - k) % g->nranks, i - d->lag);
}

/* Without a byte to move the counters move all the same: entering hands over the next buffers. */
static void windows(struct rg_gen *g, const struct direct *d)
{
	rg_gen_signal_all(g, RG_CTR_ENTER);
	rg_gen_wait_all(g, RG_CTR_ENTER, g->problem->params.persistent);
	if (d->block)
		put(g, d, (struct rg_gen_piece){0, d->block});
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
	if (!p->in_place)
		d.to[d.nto++] = (struct rg_ref){RG_BUF_DST, rank};
	for (uint32_t i = 1; i < g.nranks; i++)
		d.to[d.nto++] =
			(struct rg_ref){window ? RG_BUF_DST : RG_BUF_OUT, (rank + i) % g.nranks};
	if (g.nranks == 1 && !p->in_place && d.block)
		put(&g, &d, (struct rg_gen_piece){0, d.block});
	else if (g.nranks > 1 && window)
		windows(&g, &d);
	else if (g.nranks > 1 && d.nslices)
		rg_gen_loop(&g, d.nslices + d.lag, iteration, &d);
	return rg_gen_close(&g, needs_out);
}

static uint64_t direct_sent_bytes(const struct rg_problem *p)
{
	return rg_problem_block_bytes(p) * (p->layout.nranks - 1);
}

const struct rg_algorithm rg_allgather_direct = {
	.name = "direct",
	.coll = RG_COLL_ALLGATHER,
	.summary = "every rank hands its block to all others in one pass",
	.steps = "1",
	.bytes = "n (p-1)/p",
	.ranks = "1 to 64",
	.order = "none",
	.source = "[Bruck97, concatenation with p-1 ports]",
	.protocols = 1u << RG_PROTOCOL_SLOT | 1u << RG_PROTOCOL_WORD | 1u << RG_PROTOCOL_WINDOW,
	.check = direct_check,
	.generate = direct_generate,
	.sent_bytes = direct_sent_bytes,
};
