/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "knomial.h"

#include "railgauge/device/reduce.h"

struct broadcast {
	uint64_t total; /* bytes */
	uint32_t ndst;
	struct rg_ref src, dst[RG_REDUCE_MAX]; /* the children, and the own destination */
};

/* The place of the lowest nonzero digit of v; for the root, one above all. */
static uint32_t lowest(uint32_t v, uint32_t radix, uint32_t nranks)
{
	uint32_t d = 1;

	while (v ? v / d % radix == 0 : d < nranks)
		d *= radix;
	return d;
}

void rg_knomial_init(struct rg_knomial *t, const struct rg_problem *problem, uint32_t rank,
		     uint32_t radix)
{
	uint32_t n = problem->layout.nranks, root = problem->root, v = (rank + n - root) % n;
	uint32_t low = lowest(v, radix, n);

	*t = (struct rg_knomial){
		.is_root = v == 0,
		.v = v,
		.span = low < n - v ? low : n - v,
		.parent = (v - v / low % radix * low + root) % n,
	};
	for (uint32_t d = low / radix; d; d /= radix) {
		for (uint32_t z = 1; z < radix && v + z * d < n; z++) {
			uint32_t c = v + z * d;

			t->child[t->nchildren] = (c + root) % n;
			t->child_span[t->nchildren++] = d < n - c ? d : n - c;
		}
	}
}

int rg_knomial_check_moves(const struct rg_algorithm *algorithm, const struct rg_problem *problem,
			   uint32_t radix, struct rg_err *err)
{
	struct rg_knomial tree;
	int rc = rg_gen_check(algorithm, problem, RG_GEN_RANKS, err);

	if (rc)
		return rc;
	rg_knomial_init(&tree, problem, problem->root, radix);
	if (tree.nchildren < RG_REDUCE_MAX)
		return 0;
	return rg_err_set(err, RG_ERR_UNSUPPORTED,
			  "%s %s works for up to %d children of one rank, not %u: %u ranks need a "
			  "radix below %u",
			  rg_coll_name(problem->coll), algorithm->name, RG_REDUCE_MAX - 1,
			  tree.nchildren, problem->layout.nranks, radix);
}

static void iteration(struct rg_gen *g, uint64_t i, void *arg)
{
	const struct broadcast *b = arg;
	struct rg_gen_piece piece = rg_gen_slice(g->problem, b->total, i);

	rg_gen_move(g, &(struct rg_gen_move){.src = &b->src,
					     .nsrc = 1,
					     .dst = b->dst,
					     .ndst = b->ndst,
					     .src_off = piece.off,
					     .dst_off = piece.off,
					     .len_bytes = piece.len});
}

int rg_knomial_broadcast(const struct rg_problem *problem, uint32_t rank, uint32_t radix,
			 struct rg_sink *sink, struct rg_schedule_needs *needs_out,
			 struct rg_err *err)
{
	struct broadcast b = {.total = rg_problem_block_bytes(problem)};
	struct rg_knomial tree;
	struct rg_gen g;

	rg_knomial_init(&tree, problem, rank, radix);
	rg_gen_open(&g, problem, rank, sink, err);
	b.src = tree.is_root ? (struct rg_ref){RG_BUF_SRC, rank}
			     : (struct rg_ref){RG_BUF_IN, tree.parent};
	for (uint32_t i = 0; i < tree.nchildren; i++)
		b.dst[b.ndst++] = (struct rg_ref){RG_BUF_OUT, tree.child[i]};
	if (!tree.is_root || !problem->in_place)
		b.dst[b.ndst++] = (struct rg_ref){RG_BUF_DST, rank};
	if (b.ndst)
		rg_gen_loop(&g, rg_gen_nslices(problem, b.total), iteration, &b);
	return rg_gen_close(&g, needs_out);
}

uint64_t rg_knomial_sent_bytes(const struct rg_problem *problem, uint32_t radix)
{
	struct rg_knomial tree;

	rg_knomial_init(&tree, problem, problem->root, radix);
	return rg_problem_block_bytes(problem) * tree.nchildren;
}
