/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * All-reduce, direct two-shot: rank r reduces part r of everybody's vector and hands it to
 * everybody.
 *
 * Steps 2. Bytes sent per rank at most n + (p - 2) c, c the largest part (about n / p), so about
 * 2 n (p - 1) / p; with windows c (p - 1), the other half being read. Scratch none. Any p up to 64;
 * parts may be empty. Reduced in rank order, so every rank has the same bits. What is sent goes to
 * rank + 1, rank + 2 ... and is taken from rank - 1, rank - 2 ..., so that no rank gets all first
 * messages at once.
 *
 * Through slots it is a pipeline of three stages per slice: A sends the peers their parts of the
 * source, B reduces what came for one's own part and writes the result to the own destination and
 * into all slots in one pass, C takes the peers' results out. Iteration i does A(i), B(i-1), C(i-2)
 * on every rank, so that messages are taken in the order in which they are sent and slots stay in
 * the cache. A rank that waits for credit to do B(i-1) may have A(i-1), A(i) and B(i-2) on the way
 * to a peer that waits likewise, so this order needs a credit of 4; with 2 or 3 the stages of one
 * slice follow each other. Source: reduce-scatter and all-gather as in [Rabenseifner04], both by
 * direct exchange.
 */
#include "config.h"

#include "algorithms.h"
#include "gen.h"

#include "railgauge/device/reduce.h"

struct twoshot {
	uint64_t slice;	  /* bytes */
	uint64_t nslices; /* of the largest part; smaller parts end with empty messages */
	uint64_t lag;	  /* slices between stages: 1 or 0 */
	struct rg_ref all[RG_REDUCE_MAX], to[RG_REDUCE_MAX];
};

static int twoshot_check(const struct rg_problem *p, struct rg_err *err)
{
	return rg_gen_check_credit(&rg_allreduce_twoshot, p, RG_REDUCE_MAX, err);
}

/* Part r of the vector in bytes. */
static void part(const struct rg_problem *p, uint32_t r, uint64_t *off_out, uint64_t *len_out)
{
	rg_part(p->count, p->layout.nranks, r, off_out, len_out);
	*off_out *= p->elem_bytes;
	*len_out *= p->elem_bytes;
}

/* Slice i of part r; empty past its end. */
static void part_slice(const struct rg_gen *g, const struct twoshot *t, uint32_t r, uint64_t i,
		       uint64_t *off_out, uint64_t *len_out)
{
	uint64_t off, len, skip = i * t->slice;

	part(g->problem, r, &off, &len);
	if (skip > len)
		skip = len;
	*off_out = off + skip;
	*len_out = len - skip < t->slice ? len - skip : t->slice;
}

static void stage_a(struct rg_gen *g, const struct twoshot *t, uint64_t i)
{
	for (uint32_t k = 1; k < g->nranks; k++) {
		uint32_t r = (g->rank + k) % g->nranks;
		uint64_t off, len;

		part_slice(g, t, r, i, &off, &len);
		rg_gen_copy(g, (struct rg_ref){RG_BUF_OUT, r}, 0,
			    (struct rg_ref){RG_BUF_SRC, g->rank}, off, len);
	}
}

static void stage_b(struct rg_gen *g, const struct twoshot *t, uint64_t i)
{
	uint64_t off, len;

	part_slice(g, t, g->rank, i, &off, &len);
	rg_gen_move(g, &(struct rg_gen_move){.src = t->all,
					     .nsrc = g->nranks,
					     .dst = t->to,
					     .ndst = g->nranks,
					     .src_off = off,
					     .dst_off = off,
					     .len_bytes = len,
					     .last = true});
}

static void stage_c(struct rg_gen *g, const struct twoshot *t, uint64_t i)
{
	for (uint32_t k = 1; k < g->nranks; k++) {
		uint32_t r = (g->rank + g->nranks - k) % g->nranks;
		uint64_t off, len;

		part_slice(g, t, r, i, &off, &len);
		rg_gen_copy(g, (struct rg_ref){RG_BUF_DST, g->rank}, off,
			    (struct rg_ref){RG_BUF_IN, r}, 0, len);
	}
}

static void iteration(struct rg_gen *g, uint64_t i, void *arg)
{
	const struct twoshot *t = arg;

	if (i < t->nslices)
		stage_a(g, t, i);
	if (i >= t->lag && i - t->lag < t->nslices)
		stage_b(g, t, i - t->lag);
	if (i >= 2 * t->lag)
		stage_c(g, t, i - 2 * t->lag);
}

static void windows(struct rg_gen *g, const struct twoshot *t)
{
	uint64_t off, len;

	part(g->problem, g->rank, &off, &len);
	rg_gen_signal_all(g, RG_CTR_ENTER);
	rg_gen_wait_all(g, RG_CTR_ENTER, 0);
	if (len)
		rg_gen_move(g, &(struct rg_gen_move){.src = t->all,
						     .nsrc = g->nranks,
						     .dst = t->to,
						     .ndst = g->nranks,
						     .src_off = off,
						     .dst_off = off,
						     .len_bytes = len,
						     .last = true});
	rg_gen_signal_all(g, RG_CTR_DONE);
	rg_gen_wait_all(g, RG_CTR_DONE, 0);
}

static int twoshot_generate(const struct rg_problem *p, uint32_t rank, struct rg_sink *sink,
			    struct rg_schedule_needs *needs_out, struct rg_err *err)
{
	bool window = p->params.protocol == RG_PROTOCOL_WINDOW;
	struct twoshot t = {.slice = rg_gen_slice_bytes(p), .lag = rg_gen_credit(p) >= 4};
	uint64_t first, largest;
	struct rg_gen g;

	part(p, 0, &first, &largest);
	t.nslices = (largest + t.slice - 1) / t.slice;
	rg_gen_open(&g, p, rank, sink, err);
	rg_gen_all(&g, window ? RG_BUF_SRC : RG_BUF_IN, RG_BUF_SRC, t.all);
	for (uint32_t k = 0; k < g.nranks; k++)
		t.to[k] = (struct rg_ref){k && !window ? RG_BUF_OUT : RG_BUF_DST,
					  (rank + k) % g.nranks};
	if (g.nranks == 1 && !p->in_place)
		rg_gen_copy(&g, t.to[0], 0, t.all[0], 0, largest);
	else if (g.nranks > 1 && window)
		windows(&g, &t);
	else if (g.nranks > 1 && t.nslices)
		rg_gen_loop(&g, t.nslices + 2 * t.lag, iteration, &t);
	return rg_gen_close(&g, needs_out);
}

static uint64_t twoshot_sent_bytes(const struct rg_problem *p)
{
	uint64_t first, largest, others = p->layout.nranks - 1;

	if (!others)
		return 0;
	part(p, 0, &first, &largest);
	if (p->params.protocol == RG_PROTOCOL_WINDOW)
		return others * largest;
	return rg_problem_block_bytes(p) - largest + others * largest;
}

const struct rg_algorithm rg_allreduce_twoshot = {
	.name = "twoshot",
	.coll = RG_COLL_ALLREDUCE,
	.summary = "each rank reduces one part and gives it to all, both by direct exchange",
	.steps = "2",
	.bytes = "2n (p-1)/p; window: n (p-1)/p (and reads as much)",
	.ranks = "1 to 64",
	.order = "rank order",
	.source = "[Rabenseifner04]",
	.protocols = 1u << RG_PROTOCOL_SLOT | 1u << RG_PROTOCOL_WORD | 1u << RG_PROTOCOL_WINDOW,
	.check = twoshot_check,
	.generate = twoshot_generate,
	.sent_bytes = twoshot_sent_bytes,
};
