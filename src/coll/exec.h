/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What executor.c (the interpreter), executor_admit.c (how runs begin), executor_far.c and
 * executor_wait.c (resources, waiting, words) share.
 */
#ifndef RG_COLL_EXEC_H
#define RG_COLL_EXEC_H

#include "railgauge/coll/executor.h"

enum run_state {
	RUN_IDLE,
	RUN_QUEUED, /* started, not yet admitted: an earlier run has one of its channels */
	RUN_GOING,
	RUN_DONE,
};

/* One link as this run uses it: addresses, and the numbers at which the run began. */
struct run_link {
	struct rg_counter *rx, *tx; /* borrowed from the endpoint, as all below */
	uint8_t *rx_slots, *tx_slots;
	uint64_t *rx_ll, *tx_ll;
	_Atomic uint32_t *asleep;
	struct rg_link *link;
	uint32_t peer;
	uint64_t told0[RG_CTR_COUNT];  /* by me, at the start of the run */
	uint64_t heard0[RG_CTR_COUNT]; /* by the peer */
	uint64_t place[2];	       /* READ: where its SRC and DST are, from its ENTER */
};

/*
 * One channel: where it stands, and how far a half-taken word instruction is. What is taken of it
 * waits in `words` while other channels take theirs, so each channel has its own.
 */
struct stream {
	const struct rg_insn *pc;
	uint8_t *words;	     /* borrowed from the run, [word_sources + 1][ll_bytes] */
	uint32_t taken;	     /* sources that are complete */
	size_t word;	     /* words taken of the next one */
	uint8_t *result;     /* borrowed from the run, [slot_bytes]: what RG_INSN_PUT computes */
	const uint8_t *from; /* what it puts; NULL: not computed yet */
	uint32_t put;	     /* destinations that are done */
};

struct rg_run {
	struct rg_executor *executor;	  /* borrowed */
	const struct rg_program *program; /* borrowed */
	enum run_state state;
	struct rg_run_args args;
	struct run_link *links; /* owned, [nlinks] */
	uint8_t **base;		/* owned, [nbases]; unused for IN and OUT */
	struct stream *streams; /* owned, [nstreams] */
	uint8_t *tmp;		/* owned scratch */
	uint32_t word_sources;	/* most sources of a word instruction of the program */
	uint8_t *words;		/* owned, [nstreams][word_sources + 1][ll_bytes] */
	uint8_t *results;	/* owned, [nstreams][slot_bytes]; NULL without RG_INSN_PUT */
};

struct rg_executor {
	struct rg_endpoint *ep; /* borrowed */
	struct rg_run **active; /* owned, [max_runs]: in the order of their start */
	uint32_t nactive, max_runs;
	bool driven; /* not all links are mapped: the transport is to be driven */
	bool put;    /* by it, since it was handed over: leaves before what has come is looked at */
	bool urgent; /* and not only credit, for which nobody waits yet */
	bool early;  /* some of it has left before this turn's end */
	int rc;	     /* of the transport, which failed: nothing moves any more */
	struct rg_err err;
};

/* The memory that entry `base` means in this instruction; not for word messages. */
static inline uint8_t *rg_run_address(const struct rg_run *run, uint32_t base, uint64_t off,
				      const struct rg_insn *i)
{
	const struct rg_base *b = &run->program->bases[base];
	const struct rg_geometry *geo = &run->executor->ep->config.geometry;
	const struct run_link *l;

	if (b->buf < RG_BUF_IN)
		return run->base[base] + off;
	l = &run->links[b->link];
	if (b->buf == RG_BUF_IN)
		return l->rx_slots +
		       (size_t)((l->heard0[RG_CTR_READY] + i->in_msg) & (geo->slots - 1)) *
			       geo->slot_bytes;
	return l->tx_slots +
	       (size_t)((l->told0[RG_CTR_READY] + i->out_msg) & (geo->slots - 1)) * geo->slot_bytes;
}

/* Elements of so many bytes, which have the size of a type: no division. */
static inline size_t rg_run_count(const struct rg_run *run, uint64_t len_bytes)
{
	return len_bytes >> run->program->elem_shift;
}

/* Its turn has come (executor_admit.c): from now on the links' numbers include this run. */
void rg_run_admit(struct rg_run *run);

/* --- where links are not mapped (executor_far.c) --- */

/* False if the transport does not take the signal now, or has failed. */
bool rg_far_signal(struct rg_run *run, const struct run_link *l, uint32_t ctr, uint64_t value);

/* RG_INSN_POST and RG_INSN_TAKE. */
void rg_far_post(struct rg_run *run, const struct rg_insn *i);
void rg_far_take(struct rg_run *run, const struct rg_insn *i);

/* RG_INSN_PUT: comes back here until all peers have their message. */
bool rg_far_put(struct rg_run *run, struct stream *s, const struct rg_insn *i);

/* Nonzero if the network does not take all that was put and signalled, or has failed. */
static inline int rg_far_hand_over(struct rg_executor *x)
{
	int rc = x->driven ? x->ep->ops->flush(x->ep, &x->err) : 0;

	x->put = x->urgent = false;
	if (rc < 0)
		x->rc = rc;
	return rc;
}

/* Copying or reducing so much takes longer than a doorbell. */
#define RG_FAR_EARLY_BYTES 1024

/*
 * Before this rank's own work on so many bytes: what was put is on its way meanwhile. Once in a
 * turn: who puts and copies by turns would else have a doorbell for each. False if the transport
 * has failed.
 */
static inline bool rg_far_hurry(struct rg_executor *x, uint64_t len_bytes)
{
	if (!x->urgent || x->early || len_bytes < RG_FAR_EARLY_BYTES)
		return true;
	x->early = true;
	return rg_far_hand_over(x) >= 0;
}

/* What has come, and what is to leave; true if anything moved. */
static inline bool rg_far_drive(struct rg_executor *x)
{
	int rc = x->ep->ops->progress(x->ep, &x->err);

	if (rc < 0)
		x->rc = rc;
	return rc > 0;
}

#endif
