/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * All-to-all, linear: to each rank in turn, the next one first, with messages to at most `window`
 * ranks on the way before the first is waited for.
 *
 * Steps ceil((p - 1) s / w), w being the window, s the slices of a block. Bytes sent per rank n (p
 * - 1) / p. Scratch none; in place a slice of every block. Any p, any window; 8 unless asked for.
 * Reduces nothing.
 *
 * Message t of a slice, t = 1 .. p - 1, goes to rank + t and comes from rank - t. With a window of
 * w a rank has put w messages more than it has taken, also from one slice to the next. A small
 * window keeps many senders from falling upon one receiver at once; a large one hides who is late.
 * A put waits for a message that its receiver takes earlier in this common order, since w < p,
 * whatever the credit. In place what is sent would be overwritten by what comes, so each slice is
 * copied to scratch before it is sent.
 *
 * Source: [Thakur05, section 4], its medium-message all-to-all; the window as in Open MPI's
 * linear_sync [OMPI-linear].
 */
#include "config.h"

#include "algorithms.h"
#include "alltoall.h"

struct linear {
	uint64_t nslices; /* of the longest block */
	uint64_t stride;  /* of slices in scratch, bytes */
	uint64_t lag;	  /* messages between putting and taking: the window less one */
};

static int linear_check(const struct rg_problem *p, struct rg_err *err)
{
	return rg_alltoall_check(&rg_alltoall_linear, p, UINT32_MAX, err);
}

static void put(struct rg_gen *g, const struct linear *l, uint64_t i, uint32_t peer)
{
	struct rg_gen_piece piece = rg_block_src_slice(g->problem, g->rank, peer, i);
	bool in_place = g->problem->in_place;

	if (piece.len)
		rg_gen_copy(g, (struct rg_ref){RG_BUF_OUT, peer}, 0,
			    (struct rg_ref){in_place ? RG_BUF_TMP : RG_BUF_SRC, g->rank},
			    in_place ? peer * l->stride : piece.off, piece.len);
}

/* Message m of all slices. */
static void take(struct rg_gen *g, uint64_t m)
{
	uint32_t t = (uint32_t)(m % (g->nranks - 1)) + 1;
	uint32_t peer = (g->rank + g->nranks - t) % g->nranks;
	struct rg_gen_piece piece =
		rg_block_dst_slice(g->problem, peer, g->rank, m / (g->nranks - 1));

	if (piece.len)
		rg_gen_copy(g, (struct rg_ref){RG_BUF_DST, g->rank}, piece.off,
			    (struct rg_ref){RG_BUF_IN, peer}, 0, piece.len);
}

/* Before slice i is sent: what would be overwritten. */
static void prepare(struct rg_gen *g, const struct linear *l, uint64_t i)
{
	for (uint32_t r = 0; r < g->nranks && g->problem->in_place; r++) {
		struct rg_gen_piece piece = rg_block_src_slice(g->problem, g->rank, r, i);

		if (r != g->rank)
			rg_gen_copy(g, (struct rg_ref){RG_BUF_TMP, g->rank}, r * l->stride,
				    (struct rg_ref){RG_BUF_SRC, g->rank}, piece.off, piece.len);
	}
}

static void slice(struct rg_gen *g, uint64_t i, void *arg)
{
	const struct linear *l = arg;

	if (i < l->nslices)
		prepare(g, l, i);
	for (uint32_t t = 1; t < g->nranks; t++) {
		uint64_t turn = i * (g->nranks - 1) + t - 1;

		if (i < l->nslices)
			put(g, l, i, (g->rank + t) % g->nranks);
		if (i < l->nslices && t == l->lag + 1) /* while those are on their way */
			rg_block_own_slice(g, i);
		if (turn >= l->lag && turn - l->lag < l->nslices * (g->nranks - 1))
			take(g, turn - l->lag);
	}
}

int rg_alltoall_linear_generate(const struct rg_problem *p, uint32_t rank, uint32_t window,
				struct rg_sink *sink, struct rg_schedule_needs *needs_out,
				struct rg_err *err)
{
	uint64_t longest = rg_block_longest(p);
	struct linear l = {
		.nslices = rg_gen_nslices(p, longest),
		.stride = rg_gen_slice(p, longest, 0).len,
		.lag = window - 1,
	};
	struct rg_gen g;

	rg_gen_open(&g, p, rank, sink, err);
	if (g.nranks == 1) {
		rg_block_own(&g);
	} else if (l.nslices) {
		if (l.lag > g.nranks - 2)
			l.lag = g.nranks - 2;
		if (p->in_place)
			g.tmp_bytes = g.nranks * l.stride;
		rg_gen_loop(&g, l.nslices + (l.lag > 0), slice, &l);
	}
	return rg_gen_close(&g, needs_out);
}

static int linear_generate(const struct rg_problem *p, uint32_t rank, struct rg_sink *sink,
			   struct rg_schedule_needs *needs_out, struct rg_err *err)
{
	uint32_t window = rg_gen_window(&rg_alltoall_linear, p);

	return rg_alltoall_linear_generate(p, rank, window, sink, needs_out, err);
}

static struct rg_symmetry linear_symmetry(const struct rg_problem *p)
{
	return (struct rg_symmetry){RG_SYMMETRY_SHIFT, 1};
}

const struct rg_algorithm rg_alltoall_linear = {
	.name = "linear",
	.coll = RG_COLL_ALLTOALL,
	.summary = "to each rank in turn, with messages to w (window, 8) of them on the way",
	.steps = "ceil((p-1) s/w)",
	.bytes = "n (p-1)/p",
	.ranks = "any",
	.order = "none",
	.source = "[Thakur05, section 4], [OMPI-linear]",
	.protocols = 1u << RG_PROTOCOL_SLOT | 1u << RG_PROTOCOL_WORD,
	.window = 8,
	.check = linear_check,
	.generate = linear_generate,
	.sent_bytes = rg_block_sent_bytes,
	.symmetry = linear_symmetry,
};
