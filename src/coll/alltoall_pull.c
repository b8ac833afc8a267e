/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * All-to-all, pull: every rank reads its block out of each other's source.
 *
 * Steps 1; in place p - 1, with one partner after the other. Bytes sent per rank none; each reads
 * n (p - 1) / p out of its peers' sources, beginning with the next rank, so that no rank is read by
 * all at once. Scratch none, in place two pieces: what was read waits there until the partner has
 * read what it replaces. Any p. Reduces nothing.
 *
 * Source: the definition, [MPI41, section 6.8]; the receiver fetches, as in [Jin05].
 */
#include "config.h"

#include "algorithms.h"
#include "alltoall.h"
#include "pull.h"

static int pull_check(const struct rg_problem *p, struct rg_err *err)
{
	return rg_alltoall_check(&rg_alltoall_pull, p, UINT32_MAX, err);
}

/* Does one rank read something of another? */
static bool is_read(const struct rg_gen *g, uint32_t from, uint32_t to)
{
	return from != to && rg_block_len(g->problem, from, to);
}

static void out_of_place(struct rg_gen *g)
{
	for (uint32_t k = 1; k < g->nranks; k++) {
		uint32_t peer = (g->rank + k) % g->nranks;
		struct rg_gen_piece dst = rg_block_dst(g->problem, peer, g->rank);

		if (!dst.len)
			continue;
		rg_gen_wait(g, peer, RG_CTR_ENTER, 0);
		rg_pull_copy(g, RG_BUF_DST, dst.off, peer,
			     rg_block_src(g->problem, peer, g->rank).off, dst.len);
	}
	for (uint32_t k = 1; k < g->nranks; k++) {
		if (is_read(g, (g->rank + k) % g->nranks, g->rank))
			rg_gen_signal(g, (g->rank + k) % g->nranks, RG_CTR_DONE);
	}
	rg_block_own(g);
	for (uint32_t k = 1; k < g->nranks; k++) {
		if (is_read(g, g->rank, (g->rank + k) % g->nranks))
			rg_gen_wait(g, (g->rank + k) % g->nranks, RG_CTR_DONE, 0);
	}
}

/* As much comes as goes, and takes its place. */
static void in_place(struct rg_gen *g)
{
	for (uint32_t k = 0; k < g->nranks; k++) {
		uint32_t peer = rg_gen_partner(g, k);
		struct rg_gen_piece dst = rg_block_dst(g->problem, peer, g->rank);

		if (!is_read(g, peer, g->rank))
			continue;
		rg_gen_wait(g, peer, RG_CTR_ENTER, 0);
		rg_pull_exchange(g, peer, peer, dst.off,
				 rg_block_src(g->problem, peer, g->rank).off, dst.len);
	}
}

int rg_alltoall_pull_generate(const struct rg_problem *p, uint32_t rank, struct rg_sink *sink,
			      struct rg_schedule_needs *needs_out, struct rg_err *err)
{
	struct rg_gen g;

	rg_gen_open(&g, p, rank, sink, err);
	for (uint32_t k = 1; k < g.nranks; k++) {
		if (is_read(&g, rank, (rank + k) % g.nranks))
			rg_gen_signal(&g, (rank + k) % g.nranks, RG_CTR_ENTER);
	}
	if (p->in_place)
		in_place(&g);
	else
		out_of_place(&g);
	return rg_gen_close(&g, needs_out);
}

const struct rg_algorithm rg_alltoall_pull = {
	.name = "pull",
	.coll = RG_COLL_ALLTOALL,
	.summary = "every rank reads its block out of each other's source",
	.steps = "1 (in place p-1)",
	.bytes = "0 (reads n (p-1)/p)",
	.ranks = "any",
	.order = "none",
	.source = "[MPI41, section 6.8]; [Jin05]",
	.protocols = 1u << RG_PROTOCOL_READ,
	.check = pull_check,
	.generate = rg_alltoall_pull_generate,
	.sent_bytes = rg_pull_sent_bytes,
};
