/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Send and receive, direct: every rank sends its vector to the next one and gets the previous
 * one's.
 *
 * Steps 1. Bytes sent per rank n. Scratch none; with windows in place n. Any p; one rank copies.
 * Reduces nothing.
 *
 * Through slots and words slice i is sent before slice i - 1 is taken (with a credit of 1: i), so
 * in place nothing is overwritten that is still to be sent. With windows the vector goes straight
 * into the next rank's destination once that has entered (with persistent buffers: has entered the
 * operation before). In place a destination is also a source, so it is copied to scratch before
 * entering, and the entry itself is waited for.
 *
 * Source: the exchange of [NCCL-tests], its sendrecv.
 */
#include "config.h"

#include "algorithms.h"
#include "gen.h"

struct shift {
	uint64_t total, nslices; /* bytes */
	uint64_t lag;		 /* slices between sending and taking */
	uint32_t next, previous;
	struct rg_ref src, dst;
};

static int direct_check(const struct rg_problem *p, struct rg_err *err)
{
	return rg_gen_check(&rg_sendrecv_direct, p, UINT32_MAX, err);
}

static void iteration(struct rg_gen *g, uint64_t i, void *arg)
{
	const struct shift *s = arg;
	struct rg_gen_piece piece = rg_gen_slice(g->problem, s->total, i);

	if (i < s->nslices)
		rg_gen_copy(g, (struct rg_ref){RG_BUF_OUT, s->next}, 0, s->src, piece.off,
			    piece.len);
	if (i < s->lag)
		return;
	piece = rg_gen_slice(g->problem, s->total, i - s->lag);
	rg_gen_copy(g, s->dst, piece.off, (struct rg_ref){RG_BUF_IN, s->previous}, 0, piece.len);
}

/* Without a byte to move the counters move all the same: entering hands over the next buffers. */
static void windows(struct rg_gen *g, const struct shift *s)
{
	bool in_place = g->problem->in_place;
	const struct rg_ref tmp = {RG_BUF_TMP, g->rank};

	if (in_place) {
		g->tmp_bytes = s->total;
		rg_gen_copy(g, tmp, 0, s->src, 0, s->total);
	}
	rg_gen_signal(g, s->previous, RG_CTR_ENTER);
	rg_gen_wait(g, s->next, RG_CTR_ENTER, g->problem->params.persistent && !in_place);
	rg_gen_copy(g, (struct rg_ref){RG_BUF_DST, s->next}, 0, in_place ? tmp : s->src, 0,
		    s->total);
	rg_gen_signal(g, s->next, RG_CTR_DONE);
	rg_gen_wait(g, s->previous, RG_CTR_DONE, 0);
}

static int direct_generate(const struct rg_problem *p, uint32_t rank, struct rg_sink *sink,
			   struct rg_schedule_needs *needs_out, struct rg_err *err)
{
	uint32_t n = p->layout.nranks;
	struct shift s = {
		.total = rg_problem_block_bytes(p),
		.nslices = rg_gen_nslices(p, rg_problem_block_bytes(p)),
		.lag = rg_gen_credit(p) >= 2,
		.next = (rank + 1) % n,
		.previous = (rank + n - 1) % n,
		.src = {RG_BUF_SRC, rank},
		.dst = {RG_BUF_DST, rank},
	};
	struct rg_gen g;

	rg_gen_open(&g, p, rank, sink, err);
	if (n == 1 && !p->in_place)
		rg_gen_copy(&g, s.dst, 0, s.src, 0, s.total);
	else if (n > 1 && p->params.protocol == RG_PROTOCOL_WINDOW)
		windows(&g, &s);
	else if (n > 1 && s.nslices)
		rg_gen_loop(&g, s.nslices + s.lag, iteration, &s);
	return rg_gen_close(&g, needs_out);
}

static uint64_t direct_sent_bytes(const struct rg_problem *p)
{
	return p->layout.nranks > 1 ? rg_problem_block_bytes(p) : 0;
}

static struct rg_symmetry direct_symmetry(const struct rg_problem *p)
{
	return (struct rg_symmetry){RG_SYMMETRY_SHIFT, 1};
}

const struct rg_algorithm rg_sendrecv_direct = {
	.name = "direct",
	.coll = RG_COLL_SENDRECV,
	.summary = "every rank sends to the next and receives from the previous one",
	.steps = "1",
	.bytes = "n",
	.ranks = "any",
	.order = "none",
	.source = "[NCCL-tests]",
	.protocols = 1u << RG_PROTOCOL_SLOT | 1u << RG_PROTOCOL_WORD | 1u << RG_PROTOCOL_WINDOW,
	.check = direct_check,
	.generate = direct_generate,
	.sent_bytes = direct_sent_bytes,
	.symmetry = direct_symmetry,
};
