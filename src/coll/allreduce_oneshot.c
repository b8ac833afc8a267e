/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * All-reduce, direct one-shot: everybody gets everybody's vector and reduces it all.
 *
 * Steps 1. Bytes sent per rank n (p - 1) through slots; with windows none, n (p - 1) are read.
 * Scratch none. Any p up to 64. Reduced in rank order, so every rank has the same bits. The lowest
 * latency there is (one message time), at p - 1 times the work: for short vectors.
 * Source: the direct algorithm of [Thakur05, section 4]; one-shot as in [vLLM-CAR].
 */
#include "config.h"

#include "algorithms.h"
#include "gen.h"

#include "railgauge/device/reduce.h"

struct oneshot {
	uint64_t slice, total; /* bytes */
	uint32_t nout;
	struct rg_ref all[RG_REDUCE_MAX], out[RG_REDUCE_MAX], src, dst;
};

static int oneshot_check(const struct rg_problem *p, struct rg_err *err)
{
	int rc = rg_gen_check(&rg_allreduce_oneshot, p, RG_REDUCE_MAX, err);

	if (!rc && p->params.protocol == RG_PROTOCOL_WINDOW && p->in_place)
		return rg_err_set(
			err, RG_ERR_UNSUPPORTED,
			"allreduce oneshot with protocol \"window\" cannot work in place: "
			"peers still read what would be overwritten");
	return rc;
}

static void slice(struct rg_gen *g, uint64_t i, void *arg)
{
	const struct oneshot *o = arg;
	uint64_t off = i * o->slice;
	uint64_t len = o->total - off < o->slice ? o->total - off : o->slice;

	rg_gen_move(g, &(struct rg_gen_move){.src = &o->src,
					     .nsrc = 1,
					     .dst = o->out,
					     .ndst = o->nout,
					     .src_off = off,
					     .len_bytes = len});
	rg_gen_move(g, &(struct rg_gen_move){.src = o->all,
					     .nsrc = g->nranks,
					     .dst = &o->dst,
					     .ndst = 1,
					     .src_off = off,
					     .dst_off = off,
					     .len_bytes = len,
					     .last = true});
}

static void windows(struct rg_gen *g, const struct oneshot *o)
{
	rg_gen_signal_all(g, RG_CTR_ENTER);
	rg_gen_wait_all(g, RG_CTR_ENTER, 0);
	rg_gen_move(g, &(struct rg_gen_move){.src = o->all,
					     .nsrc = g->nranks,
					     .dst = &o->dst,
					     .ndst = 1,
					     .len_bytes = o->total,
					     .last = true});
	rg_gen_signal_all(g, RG_CTR_DONE);
	rg_gen_wait_all(g, RG_CTR_DONE, 0);
}

static int oneshot_generate(const struct rg_problem *p, uint32_t rank, struct rg_sink *sink,
			    struct rg_schedule_needs *needs_out, struct rg_err *err)
{
	bool window = p->params.protocol == RG_PROTOCOL_WINDOW;
	struct oneshot o = {
		.slice = rg_gen_slice_bytes(p),
		.total = rg_problem_block_bytes(p),
		.src = {RG_BUF_SRC, rank},
		.dst = {RG_BUF_DST, rank},
	};
	struct rg_gen g;

	rg_gen_open(&g, p, rank, sink, err);
	rg_gen_all(&g, window ? RG_BUF_SRC : RG_BUF_IN, RG_BUF_SRC, o.all);
	for (uint32_t i = 1; i < g.nranks; i++)
		o.out[o.nout++] = (struct rg_ref){RG_BUF_OUT, (rank + i) % g.nranks};
	if (g.nranks == 1 && !p->in_place)
		rg_gen_copy(&g, o.dst, 0, o.src, 0, o.total);
	else if (g.nranks > 1 && window)
		windows(&g, &o);
	else if (g.nranks > 1)
		rg_gen_loop(&g, (o.total + o.slice - 1) / o.slice, slice, &o);
	return rg_gen_close(&g, needs_out);
}

static uint64_t oneshot_sent_bytes(const struct rg_problem *p)
{
	if (p->params.protocol == RG_PROTOCOL_WINDOW)
		return 0;
	return rg_problem_block_bytes(p) * (p->layout.nranks - 1);
}

const struct rg_algorithm rg_allreduce_oneshot = {
	.name = "oneshot",
	.coll = RG_COLL_ALLREDUCE,
	.summary = "every rank reads all vectors and reduces them itself",
	.steps = "1",
	.bytes = "n (p-1); window: 0 (reads n (p-1))",
	.ranks = "1 to 64",
	.order = "rank order",
	.source = "[Thakur05, section 4]",
	.protocols = 1u << RG_PROTOCOL_SLOT | 1u << RG_PROTOCOL_WORD | 1u << RG_PROTOCOL_WINDOW,
	.check = oneshot_check,
	.generate = oneshot_generate,
	.sent_bytes = oneshot_sent_bytes,
};
