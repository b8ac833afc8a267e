/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Send and receive, pull: every rank reads the source of the previous one.
 *
 * Steps 1. Bytes sent per rank none; each reads n. Scratch none, in place two pieces: what
 * was read waits there until the next rank has read what it replaces. Any p. Reduces nothing.
 *
 * Source: the definition (base/collective.h); the receiver fetches, as in [Jin05].
 */
#include "config.h"

#include "algorithms.h"
#include "pull.h"

static int pull_check(const struct rg_problem *p, struct rg_err *err)
{
	return rg_gen_check(&rg_sendrecv_pull, p, UINT32_MAX, err);
}

static void pull(struct rg_gen *g, uint64_t total)
{
	uint32_t next = (g->rank + 1) % g->nranks, previous = (g->rank + g->nranks - 1) % g->nranks;

	rg_gen_signal(g, next, RG_CTR_ENTER);
	rg_gen_wait(g, previous, RG_CTR_ENTER, 0);
	if (g->problem->in_place) {
		rg_pull_exchange(g, previous, next, 0, 0, total);
		return;
	}
	rg_pull_copy(g, RG_BUF_DST, 0, previous, 0, total);
	rg_gen_signal(g, previous, RG_CTR_DONE);
	rg_gen_wait(g, next, RG_CTR_DONE, 0);
}

static int pull_generate(const struct rg_problem *p, uint32_t rank, struct rg_sink *sink,
			 struct rg_schedule_needs *needs_out, struct rg_err *err)
{
	struct rg_gen g;

	rg_gen_open(&g, p, rank, sink, err);
	if (g.nranks > 1)
		pull(&g, rg_problem_block_bytes(p));
	else if (!p->in_place)
		rg_pull_copy(&g, RG_BUF_DST, 0, rank, 0, rg_problem_block_bytes(p));
	return rg_gen_close(&g, needs_out);
}

const struct rg_algorithm rg_sendrecv_pull = {
	.name = "pull",
	.coll = RG_COLL_SENDRECV,
	.summary = "every rank reads the source of the previous one",
	.steps = "1",
	.bytes = "0 (reads n)",
	.ranks = "any",
	.order = "none",
	.source = "[Jin05]",
	.protocols = 1u << RG_PROTOCOL_READ,
	.check = pull_check,
	.generate = pull_generate,
	.sent_bytes = rg_pull_sent_bytes,
};
