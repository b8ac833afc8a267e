/* SPDX-License-Identifier: BSD-3-Clause */
/* What a run begins with: the numbers of its messages and counters, and its addresses. */
#include "config.h"

#include "exec.h"

static void take_word_numbers(struct run_link *l, const struct rg_program_link *pl)
{
	struct rg_link *link = l->link;

	l->heard0[RG_CTR_LL_FREE] = link->sent[1];
	l->told0[RG_CTR_LL_FREE] = link->received[1];
	link->sent[1] += pl->sent[1];
	link->received[1] += pl->received[1];
}

static void take_counters(struct run_link *l, const struct rg_program_link *pl)
{
	struct rg_link *link = l->link;

	for (int c = RG_CTR_ENTER; c < RG_CTR_COUNT; c++) {
		l->told0[c] = link->told[c];
		l->heard0[c] = link->heard[c];
		link->told[c] += pl->told[c];
		link->heard[c] += pl->heard[c];
	}
}

/*
 * The counters' starting values, and from now on the links' numbers include this run. What no
 * instruction names is left out: of many peers all this is done before the first message leaves.
 */
static void take_numbers(struct rg_run *run)
{
	const struct rg_program *p = run->program;

	for (uint32_t k = 0; k < p->nlinks; k++) {
		const struct rg_program_link *pl = &p->links[k];
		struct run_link *l = &run->links[k];
		struct rg_link *link = l->link;

		l->told0[RG_CTR_READY] = l->heard0[RG_CTR_FREE] = link->sent[0];
		l->heard0[RG_CTR_READY] = l->told0[RG_CTR_FREE] = link->received[0];
		link->sent[0] += pl->sent[0];
		link->received[0] += pl->received[0];
		if (p->words)
			take_word_numbers(l, pl);
		if (p->counters)
			take_counters(l, pl);
	}
}

/* A peer's buffer in its window; without one it is read by the place that the peer tells. */
static uint8_t *remote(const struct rg_window *window, uint32_t rank, uint64_t offset)
{
	return window && window->remote[rank] ? window->remote[rank] + offset : NULL;
}

static void take_addresses(struct rg_run *run)
{
	const struct rg_program *p = run->program;
	const struct rg_run_args *a = &run->args;

	for (uint32_t k = 0; k < p->nbases; k++) {
		const struct rg_base *b = &p->bases[k];
		bool src = b->buf == RG_BUF_SRC;

		if (!src && b->buf != RG_BUF_DST)
			continue;
		if (b->rank == p->rank)
			run->base[k] = src ? (uint8_t *)a->src : a->dst;
		else
			run->base[k] = src ? remote(a->src_window, b->rank, a->src_offset)
					   : remote(a->dst_window, b->rank, a->dst_offset);
	}
}

void rg_run_admit(struct rg_run *run)
{
	const struct rg_program *p = run->program;

	take_numbers(run);
	take_addresses(run);
	/* Nothing else of a stream is left half done by a run that ended. */
	for (uint32_t c = 0; c < p->nstreams; c++)
		run->streams[c].pc = p->insns + p->stream_first[c];
	run->state = RUN_GOING;
}
