/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * All-reduce, Swing: reduce-scatter and all-gather as Rabenseifner's, but the longest messages go
 * to neighbours, on one side and the other in turn: made for rings and tori, and for ranks that are
 * numbered as they are wired.
 *
 * Steps 2 ceil(log2 p') per chunk, p' being p or, for odd p, p - 1. Bytes sent per rank about
 * 2 n (p - 1) / p. Scratch two slices, where messages have several blocks to pack: not if p is a
 * power of two. Any p. Each block is reduced along a tree of its own and then only copied:
 * every rank has the same bits, but they depend on p.
 *
 * Chunks of p slices go through all rounds (butterfly.h) one after the other: every block is one
 * slice. Source: [DeSensi24].
 */
#include "config.h"

#include "algorithms.h"
#include "butterfly.h"

struct swing {
	struct rg_butterfly butterfly;
	uint64_t chunk, total; /* bytes */
};

static int swing_check(const struct rg_problem *p, struct rg_err *err)
{
	return rg_gen_check(&rg_allreduce_swing, p, RG_GEN_RANKS, err);
}

static uint32_t rank_of(const void *arg, uint32_t member)
{
	(void)arg;
	return member;
}

static int swing_open(struct swing *s, const struct rg_problem *p, struct rg_err *err)
{
	int rc;

	s->total = rg_problem_block_bytes(p);
	s->chunk = rg_gen_slice_bytes(p) * p->layout.nranks;
	rc = rg_butterfly_open(&s->butterfly, p->layout.nranks, err);
	s->butterfly.rank_of = rank_of;
	return rc;
}

static void chunk(struct rg_gen *g, uint64_t i, void *arg)
{
	const struct swing *s = arg;
	struct rg_gen_piece all = {.off = i * s->chunk};

	all.len = s->total - all.off < s->chunk ? s->total - all.off : s->chunk;
	rg_butterfly_allreduce(g, &s->butterfly, all, RG_BUF_SRC, 0);
}

static int swing_generate(const struct rg_problem *p, uint32_t rank, struct rg_sink *sink,
			  struct rg_schedule_needs *needs_out, struct rg_err *err)
{
	struct swing s;
	struct rg_gen g;
	int rc = swing_open(&s, p, err);

	if (!rc) {
		s.butterfly.me = rank;
		rg_gen_open(&g, p, rank, sink, err);
		if (!rg_gen_alone(&g, s.total))
			rg_gen_loop(&g, (s.total + s.chunk - 1) / s.chunk, chunk, &s);
		rc = rg_gen_close(&g, needs_out);
	}
	rg_butterfly_close(&s.butterfly);
	return rc;
}

static uint64_t swing_sent_bytes(const struct rg_problem *p)
{
	uint64_t most = 0;
	struct swing s;

	if (swing_open(&s, p, NULL))
		most = UINT64_MAX;
	for (uint32_t r = 0; r < p->layout.nranks && most != UINT64_MAX; r++) {
		uint64_t sent;

		s.butterfly.me = r;
		sent = s.total / s.chunk * rg_butterfly_sent_bytes(p, &s.butterfly, s.chunk) +
		       rg_butterfly_sent_bytes(p, &s.butterfly, s.total % s.chunk);
		most = most > sent ? most : sent;
	}
	rg_butterfly_close(&s.butterfly);
	return most;
}

static struct rg_symmetry swing_symmetry(const struct rg_problem *p)
{
	uint32_t n = p->layout.nranks;
	uint64_t chunk = rg_gen_slice_bytes(p) * n, total = rg_problem_block_bytes(p);

	if (!rg_butterfly_repeats(p, n, chunk) || !rg_butterfly_repeats(p, n, total % chunk))
		return (struct rg_symmetry){0};
	return (struct rg_symmetry){RG_SYMMETRY_SHIFT, n < 2 ? n : 2};
}

const struct rg_algorithm rg_allreduce_swing = {
	.name = "swing",
	.coll = RG_COLL_ALLREDUCE,
	.summary = "reduce-scatter and all-gather with peers near on either side in turn",
	.steps = "2 ceil(log2(p)) s/p, odd: 2 ceil(log2(p-1)) s/p",
	.bytes = "2n (p-1)/p",
	.ranks = "any",
	.order = "trees, equal on all ranks",
	.source = "[DeSensi24]",
	.protocols = 1u << RG_PROTOCOL_SLOT | 1u << RG_PROTOCOL_WORD,
	.check = swing_check,
	.generate = swing_generate,
	.sent_bytes = swing_sent_bytes,
	.symmetry = swing_symmetry,
};
