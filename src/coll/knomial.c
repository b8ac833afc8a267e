/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "knomial.h"

#include "railgauge/device/reduce.h"

struct tree {
	uint64_t total; /* bytes */
	uint32_t ndst;
	struct rg_ref src, dst[RG_REDUCE_MAX]; /* the children, and the own destination */
};

static void iteration(struct rg_gen *g, uint64_t i, void *arg)
{
	const struct tree *t = arg;
	struct rg_gen_piece piece = rg_gen_slice(g->problem, t->total, i);

	rg_gen_move(g, &(struct rg_gen_move){.src = &t->src,
					     .nsrc = 1,
					     .dst = t->dst,
					     .ndst = t->ndst,
					     .src_off = piece.off,
					     .dst_off = piece.off,
					     .len_bytes = piece.len});
}

/* The place of the lowest nonzero digit of v; for the root, one above all. */
static uint32_t lowest(uint32_t v, uint32_t radix, uint32_t nranks)
{
	uint32_t d = 1;

	while (v ? v / d % radix == 0 : d < nranks)
		d *= radix;
	return d;
}

int rg_knomial_generate(const struct rg_problem *problem, uint32_t rank, uint32_t radix,
			struct rg_sink *sink, struct rg_schedule_needs *needs_out,
			struct rg_err *err)
{
	uint32_t n = problem->layout.nranks, root = problem->root, v = (rank + n - root) % n;
	uint32_t low = lowest(v, radix, n);
	struct tree t = {
		.total = rg_problem_block_bytes(problem),
		.src = {v ? RG_BUF_IN : RG_BUF_SRC, (v - v / low % radix * low + root) % n},
	};
	struct rg_gen g;

	rg_gen_open(&g, problem, rank, sink, err);
	for (uint32_t d = low / radix; d; d /= radix) {
		for (uint32_t z = 1; z < radix && v + z * d < n; z++)
			t.dst[t.ndst++] = (struct rg_ref){RG_BUF_OUT, (v + z * d + root) % n};
	}
	if (v || !problem->in_place)
		t.dst[t.ndst++] = (struct rg_ref){RG_BUF_DST, rank};
	if (t.ndst)
		rg_gen_loop(&g, rg_gen_nslices(problem, t.total), iteration, &t);
	return rg_gen_close(&g, needs_out);
}

uint64_t rg_knomial_sent_bytes(const struct rg_problem *problem, uint32_t radix)
{
	uint64_t children = 0;

	for (uint32_t d = 1; d < problem->layout.nranks; d *= radix) {
		for (uint32_t z = 1; z < radix && z * d < problem->layout.nranks; z++)
			children++;
	}
	return rg_problem_block_bytes(problem) * children;
}
