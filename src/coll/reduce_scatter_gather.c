/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reduce by reduce-scatter and gather: rank r reduces part r of everybody's vector and hands it to
 * the root.
 *
 * Steps 2. Bytes sent per rank n, by the root less its own part; unlike the direct way, what is
 * taken and combined is spread over the ranks: n each, and n more by the root. Scratch none, with
 * more than 64 ranks two slices. Any p, any root. Reduced in rank order, with one rounding; more
 * than 64 ranks in groups of 64 ranks, one after the other, each of which is rounded.
 *
 * A pipeline of three stages per slice: A sends the peers their parts of the source, B reduces what
 * came for one's own part and writes the result into the root's slot or destination, C, at the root
 * alone, takes the others' results out. Iteration i does A(i), B(i - 1), C(i - 2) on every rank, so
 * that messages are taken in the order in which they are sent. A rank that waits for credit to do
 * B(i - 1) may have A(i - 1), A(i) and B(i - 2) on the way to the root: this order needs a credit
 * of 4; with less the stages of one slice follow each other.
 *
 * B takes as many messages from all peers. So parts have as many slices, empty ones at the end of
 * the shorter ones; only with fewer elements than ranks, where no part has more than one slice and
 * the root has done B before it takes results, the parts without any are left out.
 *
 * Source: the reduction of long vectors of [Rabenseifner04], both phases by direct exchange.
 */
#include "config.h"

#include "algorithms.h"
#include "gen.h"

#include "railgauge/base/mem.h"
#include "railgauge/device/reduce.h"

struct phases {
	uint64_t nslices;   /* of the largest part; smaller parts end with empty messages */
	uint64_t lag;	    /* slices between stages: 1 or 0 */
	struct rg_ref *all; /* owned, [nranks] */
};

static int phases_check(const struct rg_problem *p, struct rg_err *err)
{
	return rg_gen_check(&rg_reduce_scatter_gather, p, RG_GEN_RANKS, err);
}

static bool has_part(const struct rg_gen *g, uint32_t r)
{
	return r < g->problem->count;
}

/* Slice i of part r; empty past its end. */
static struct rg_gen_piece part_slice(const struct rg_gen *g, uint32_t r, uint64_t i)
{
	struct rg_gen_piece part = rg_gen_part(g->problem, r);
	struct rg_gen_piece piece = rg_gen_slice(g->problem, part.len, i);

	piece.off += part.off;
	return piece;
}

static void scatter(struct rg_gen *g, uint64_t i)
{
	for (uint32_t k = 1; k < g->nranks; k++) {
		uint32_t r = (g->rank + k) % g->nranks;
		struct rg_gen_piece piece = part_slice(g, r, i);

		if (has_part(g, r))
			rg_gen_copy(g, (struct rg_ref){RG_BUF_OUT, r}, 0,
				    (struct rg_ref){RG_BUF_SRC, g->rank}, piece.off, piece.len);
	}
}

/* What ranks first .. first + n - 1 have of the own part -> dst. */
static void reduce_group(struct rg_gen *g, const struct phases *t, struct rg_gen_piece piece,
			 uint32_t first, uint32_t n, struct rg_ref dst, uint64_t dst_off)
{
	rg_gen_move(g, &(struct rg_gen_move){.src = t->all + first,
					     .nsrc = n,
					     .dst = &dst,
					     .ndst = 1,
					     .src_off = piece.off,
					     .dst_off = dst_off,
					     .len_bytes = piece.len,
					     .last = n == g->nranks});
}

/* Groups are reduced in scratch: the sum so far, and behind it the next group's. */
static void reduce(struct rg_gen *g, const struct phases *t, uint64_t i)
{
	const struct rg_ref sums[2] = {{RG_BUF_TMP, g->rank}, {RG_BUF_TMP, g->rank}};
	uint64_t slice = rg_gen_slice_bytes(g->problem);
	uint32_t root = g->problem->root, n = RG_REDUCE_MAX;
	const struct rg_ref dst = {g->rank == root ? RG_BUF_DST : RG_BUF_OUT, root};
	struct rg_gen_piece piece = part_slice(g, g->rank, i);

	if (!has_part(g, g->rank))
		return;
	if (g->nranks <= n) {
		reduce_group(g, t, piece, 0, g->nranks, dst, piece.off);
		return;
	}
	g->tmp_bytes = 2 * slice;
	reduce_group(g, t, piece, 0, n, sums[0], 0);
	for (uint32_t first = n; first < g->nranks; first += n) {
		bool last = g->nranks - first <= n;

		reduce_group(g, t, piece, first, last ? g->nranks - first : n, sums[1], slice);
		rg_gen_move(g, &(struct rg_gen_move){.src = sums,
						     .nsrc = 2,
						     .dst = last ? &dst : &sums[0],
						     .ndst = 1,
						     .src_stride = (int64_t)slice,
						     .dst_off = last ? piece.off : 0,
						     .len_bytes = piece.len,
						     .last = last});
	}
}

static void gather(struct rg_gen *g, uint64_t i)
{
	for (uint32_t k = 1; k < g->nranks && g->rank == g->problem->root; k++) {
		uint32_t r = (g->rank + k) % g->nranks;
		struct rg_gen_piece piece = part_slice(g, r, i);

		if (has_part(g, r))
			rg_gen_copy(g, (struct rg_ref){RG_BUF_DST, g->rank}, piece.off,
				    (struct rg_ref){RG_BUF_IN, r}, 0, piece.len);
	}
}

static void iteration(struct rg_gen *g, uint64_t i, void *arg)
{
	const struct phases *t = arg;

	if (i < t->nslices)
		scatter(g, i);
	if (i >= t->lag && i - t->lag < t->nslices)
		reduce(g, t, i - t->lag);
	if (i >= 2 * t->lag)
		gather(g, i - 2 * t->lag);
}

static int phases_generate(const struct rg_problem *p, uint32_t rank, struct rg_sink *sink,
			   struct rg_schedule_needs *needs_out, struct rg_err *err)
{
	struct phases t = {
		.nslices = rg_gen_nslices(p, rg_gen_part(p, 0).len),
		.lag = rg_gen_credit(p) >= 4,
	};
	struct rg_gen g;

	rg_gen_open(&g, p, rank, sink, err);
	t.all = rg_gen_alloc(&g, p->layout.nranks, sizeof(*t.all));
	if (t.all)
		rg_gen_all(&g, RG_BUF_IN, RG_BUF_SRC, t.all);
	if (!rg_gen_alone(&g, rg_problem_block_bytes(p)) && t.nslices)
		rg_gen_loop(&g, t.nslices + 2 * t.lag, iteration, &t);
	rg_free(t.all);
	return rg_gen_close(&g, needs_out);
}

static uint64_t phases_sent_bytes(const struct rg_problem *p)
{
	return p->layout.nranks > 1 ? rg_problem_block_bytes(p) : 0;
}

const struct rg_algorithm rg_reduce_scatter_gather = {
	.name = "scatter_gather",
	.coll = RG_COLL_REDUCE,
	.summary = "each rank reduces one part and hands it to the root, both by direct exchange",
	.steps = "2",
	.bytes = "n but for the root",
	.ranks = "any",
	.order = "rank order",
	.source = "[Rabenseifner04]",
	.protocols = 1u << RG_PROTOCOL_SLOT | 1u << RG_PROTOCOL_WORD,
	.check = phases_check,
	.generate = phases_generate,
	.sent_bytes = phases_sent_bytes,
};
