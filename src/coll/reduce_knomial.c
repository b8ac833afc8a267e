/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reduce, k-nomial tree: every rank reduces its vector with what comes from its children, up to
 * k - 1 at each distance (k the radix), and hands the result to its parent.
 *
 * Steps at most ceil(log_k p) for the first slice, as all children are taken in one pass, then one
 * more per slice (a pipeline). Bytes sent n by all but the root. Scratch none: the pass goes from
 * the children's slots into the parent's. Any p with at most 63 children of the root, any root, any
 * radix from 2 to 64; 4 unless asked for. Reduced up the tree of knomial.h, each rank with one
 * rounding: results depend on p, the root and the radix alone. Source: the reduction of short
 * vectors of [Thakur05], for k = 2; the radix [Ruefenacht17].
 */
#include "config.h"

#include "algorithms.h"
#include "knomial.h"

#include "railgauge/device/reduce.h"

struct reduction {
	uint64_t total; /* bytes */
	bool last;
	uint32_t nsrc;
	struct rg_ref src[RG_REDUCE_MAX], dst; /* the own vector, and the children's */
};

static int knomial_check(const struct rg_problem *p, struct rg_err *err)
{
	uint32_t radix = rg_gen_radix(&rg_reduce_knomial, p);

	return rg_knomial_check_moves(&rg_reduce_knomial, p, radix, err);
}

static void iteration(struct rg_gen *g, uint64_t i, void *arg)
{
	const struct reduction *r = arg;
	struct rg_gen_piece piece = rg_gen_slice(g->problem, r->total, i);

	rg_gen_move(g, &(struct rg_gen_move){.src = r->src,
					     .nsrc = r->nsrc,
					     .dst = &r->dst,
					     .ndst = 1,
					     .src_off = piece.off,
					     .dst_off = piece.off,
					     .len_bytes = piece.len,
					     .last = r->last});
}

static int knomial_generate(const struct rg_problem *p, uint32_t rank, struct rg_sink *sink,
			    struct rg_schedule_needs *needs_out, struct rg_err *err)
{
	struct reduction r = {.total = rg_problem_block_bytes(p)};
	struct rg_knomial tree;
	struct rg_gen g;

	rg_knomial_init(&tree, p, rank, rg_gen_radix(&rg_reduce_knomial, p));
	rg_gen_open(&g, p, rank, sink, err);
	r.last = tree.is_root;
	r.dst = tree.is_root ? (struct rg_ref){RG_BUF_DST, rank}
			     : (struct rg_ref){RG_BUF_OUT, tree.parent};
	r.src[r.nsrc++] = (struct rg_ref){RG_BUF_SRC, rank};
	/* The nearest are done first. */
	for (uint32_t i = tree.nchildren; i > 0; i--)
		r.src[r.nsrc++] = (struct rg_ref){RG_BUF_IN, tree.child[i - 1]};
	if (!rg_gen_alone(&g, r.total))
		rg_gen_loop(&g, rg_gen_nslices(p, r.total), iteration, &r);
	return rg_gen_close(&g, needs_out);
}

static uint64_t knomial_sent_bytes(const struct rg_problem *p)
{
	return p->layout.nranks > 1 ? rg_problem_block_bytes(p) : 0;
}

const struct rg_algorithm rg_reduce_knomial = {
	.name = "knomial",
	.coll = RG_COLL_REDUCE,
	.summary = "up a tree of k (radix, 4) at each distance, slices following each other",
	.steps = "ceil(log_k(p)) + s - 1 at most",
	.bytes = "n but for the root",
	.ranks = "any, 63 children at most",
	.order = "tree",
	.source = "[Thakur05, short vectors], [Ruefenacht17]",
	.protocols = 1u << RG_PROTOCOL_SLOT | 1u << RG_PROTOCOL_WORD,
	.radix = 4,
	.check = knomial_check,
	.generate = knomial_generate,
	.sent_bytes = knomial_sent_bytes,
};
