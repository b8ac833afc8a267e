/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "planted.h"

#include <stddef.h>

struct writer {
	struct rg_sink *sink;
	struct rg_err *err;
	uint32_t channel;
	uint32_t flags; /* of moves: RG_STEP_WORDS or none */
	int rc;
};

static void emit(struct writer *w, const struct rg_step *step)
{
	struct rg_step s = *step;

	s.channel = w->channel;
	if (!w->rc)
		w->rc = w->sink->step(w->sink, &s, w->err);
}

static void counter(struct writer *w, enum rg_step_op op, uint32_t peer, enum rg_ctr ctr,
		    int64_t value)
{
	emit(w, &(struct rg_step){.op = op, .peer = peer, .ctr = ctr, .value = value});
}

static void move(struct writer *w, const struct rg_ref *src, uint32_t nsrc, struct rg_ref dst,
		 uint64_t off, uint64_t len, uint32_t msg)
{
	emit(w, &(struct rg_step){
			.op = RG_STEP_MOVE,
			.flags = w->flags | (nsrc > 1 ? RG_STEP_LAST : 0u),
			.src = src,
			.nsrc = nsrc,
			.dst = &dst,
			.ndst = 1,
			.src_off = off,
			.dst_off = off,
			.len_bytes = len,
			.in_msg = msg,
			.out_msg = msg,
		});
}

/* Each sends its vector as one message, and reduces its own with the one that comes. */
static int exchange(enum mistake m, const struct rg_problem *p, uint32_t rank, struct writer *w)
{
	uint32_t peer = 1 - rank;
	uint64_t len = p->count * p->elem_bytes;
	const struct rg_ref own = {RG_BUF_SRC, rank}, in = {RG_BUF_IN, peer};
	const struct rg_ref out = {RG_BUF_OUT, peer}, dst = {RG_BUF_DST, rank};
	struct rg_ref both[2] = {rank ? in : own, rank ? own : in};
	bool words = p->params.protocol == RG_PROTOCOL_WORD;
	enum rg_ctr free_ctr = words ? RG_CTR_LL_FREE : RG_CTR_FREE;
	int64_t slots = words ? p->geometry.ll_slots : p->geometry.slots;
	struct rg_step last;

	w->flags = words ? RG_STEP_WORDS : 0;
	if (m == REDUCE_TWICE)
		both[0] = both[1] = in;
	if (m == OWN_FIRST) {
		both[0] = own;
		both[1] = in;
	}
	if (m != NO_WAIT_FREE)
		counter(w, RG_STEP_WAIT, peer, free_ctr, 1 - slots);
	move(w, &own, 1, out, m == OTHER_INDEX ? ELEM : 0,
	     m == OTHER_INDEX ? len - ELEM
	     : m == TOO_LONG  ? len + ELEM
			      : len,
	     0);
	if (m != READY_MISSING && !words)
		counter(w, RG_STEP_SIGNAL, peer, RG_CTR_READY, m == READY_TOO_HIGH ? 2 : 1);
	if (m == READY_LOWERED)
		counter(w, RG_STEP_SIGNAL, peer, RG_CTR_READY, 0);
	if (m == FREE_TOO_EARLY)
		counter(w, RG_STEP_SIGNAL, peer, RG_CTR_FREE, 1);
	if (m != NO_WAIT_READY && !words)
		counter(w, RG_STEP_WAIT, peer, RG_CTR_READY, 1);
	last = (struct rg_step){
		.op = RG_STEP_MOVE,
		.flags = w->flags | (m == NOT_DIVIDED ? 0u : RG_STEP_LAST),
		.src = both,
		.nsrc = 2,
		.dst = &dst,
		.ndst = 1,
		.dst_off = m == OUT_OF_BOUNDS ? ELEM : 0,
		.len_bytes = m == UNWRITTEN || m == STRANGE_LENGTH || m == OTHER_INDEX ? len - ELEM
										       : len,
	};
	if (m == UNWRITTEN)
		last.src = &own, last.nsrc = 1, last.flags = w->flags;
	emit(w, &last);
	if (m != FREE_MISSING && m != UNWRITTEN)
		counter(w, RG_STEP_SIGNAL, peer, free_ctr, 1);
	if (m == TAKE_AGAIN)
		emit(w, &last);
	return w->rc;
}

/* One message per element; all are put before the first is taken. */
static int bursts(const struct rg_problem *p, uint32_t rank, struct writer *w)
{
	uint32_t peer = 1 - rank;
	const struct rg_ref own = {RG_BUF_SRC, rank}, in = {RG_BUF_IN, peer};
	const struct rg_ref both[2] = {rank ? in : own, rank ? own : in};

	for (uint32_t i = 0; i < BURSTS; i++) {
		counter(w, RG_STEP_WAIT, peer, RG_CTR_FREE,
			(int64_t)i + 1 - (int64_t)p->geometry.slots);
		move(w, &own, 1, (struct rg_ref){RG_BUF_OUT, peer}, i * ELEM, ELEM, i);
		counter(w, RG_STEP_SIGNAL, peer, RG_CTR_READY, i + 1);
	}
	for (uint32_t i = 0; i < BURSTS; i++) {
		counter(w, RG_STEP_WAIT, peer, RG_CTR_READY, i + 1);
		move(w, both, 2, (struct rg_ref){RG_BUF_DST, rank}, i * ELEM, ELEM, i);
		counter(w, RG_STEP_SIGNAL, peer, RG_CTR_FREE, i + 1);
	}
	return w->rc;
}

/* Both read the peer's source where it is. */
static int windows(enum mistake m, const struct rg_problem *p, uint32_t rank, struct writer *w)
{
	uint32_t peer = 1 - rank;
	const struct rg_ref both[2] = {{RG_BUF_SRC, 0}, {RG_BUF_SRC, 1}};
	const struct rg_ref scratch[2] = {{RG_BUF_TMP, rank}, {RG_BUF_SRC, peer}};

	counter(w, RG_STEP_SIGNAL, peer, RG_CTR_ENTER, 1);
	if (m != NO_ENTER && m != UNHEARD_ENTER)
		emit(w, &(struct rg_step){.op = RG_STEP_WAIT,
					  .peer = peer,
					  .ctr = RG_CTR_ENTER,
					  .value = 1,
					  .lag = m == LAG});
	if (m == UNHEARD_ENTER) /* something else orders them */
		counter(w, RG_STEP_SIGNAL, peer, RG_CTR_SYNC, 1);
	if (m == UNHEARD_ENTER)
		counter(w, RG_STEP_WAIT, peer, RG_CTR_SYNC, 1);
	move(w, m == READ_SCRATCH ? scratch : both, 2, (struct rg_ref){RG_BUF_DST, rank}, 0,
	     p->count * p->elem_bytes, 0);
	counter(w, RG_STEP_SIGNAL, peer, RG_CTR_DONE, 1);
	if (m != NO_DONE)
		counter(w, RG_STEP_WAIT, peer, RG_CTR_DONE, 1);
	return w->rc;
}

/* Both read the peer's source into scratch, and reduce that with their own. */
static int reads(enum mistake m, const struct rg_problem *p, uint32_t rank, struct writer *w)
{
	uint32_t peer = 1 - rank;
	uint64_t len = p->count * p->elem_bytes;
	const struct rg_ref theirs = {RG_BUF_SRC, peer}, own = {RG_BUF_SRC, rank};
	const struct rg_ref tmp = {RG_BUF_TMP, rank};
	const struct rg_ref both[2] = {rank ? tmp : own, rank ? own : tmp};
	bool late = m == PLACE_LATE; /* something else orders them */

	counter(w, RG_STEP_SIGNAL, peer, RG_CTR_ENTER, 1);
	if (late)
		counter(w, RG_STEP_SIGNAL, peer, RG_CTR_SYNC, 1);
	counter(w, RG_STEP_WAIT, peer, late ? RG_CTR_SYNC : RG_CTR_ENTER, 1);
	emit(w, &(struct rg_step){.op = RG_STEP_MOVE,
				  .flags = m == READ_DIVIDED ? RG_STEP_LAST : 0u,
				  .src = &theirs,
				  .nsrc = 1,
				  .dst = &tmp,
				  .ndst = 1,
				  .len_bytes = len});
	if (late)
		counter(w, RG_STEP_WAIT, peer, RG_CTR_ENTER, 1);
	counter(w, RG_STEP_SIGNAL, peer, RG_CTR_DONE, 1);
	move(w, both, 2, (struct rg_ref){RG_BUF_DST, rank}, 0, len, 0);
	if (m != NO_DONE)
		counter(w, RG_STEP_WAIT, peer, RG_CTR_DONE, 1);
	return w->rc;
}

static int generate(enum mistake m, const struct rg_problem *p, uint32_t rank, struct rg_sink *sink,
		    struct rg_schedule_needs *needs, struct rg_err *err)
{
	struct writer w = {.sink = sink, .err = err};

	needs->tmp_bytes = m == READ_SCRATCH || p->params.protocol == RG_PROTOCOL_READ
				   ? p->count * p->elem_bytes
				   : 0;
	if (m == SEND_ALL_FIRST)
		return bursts(p, rank, &w);
	if (m == TWO_CHANNELS) {
		move(&w, &(struct rg_ref){RG_BUF_SRC, rank}, 1, (struct rg_ref){RG_BUF_DST, rank},
		     0, ELEM, 0);
		w.channel = 1;
		move(&w, &(struct rg_ref){RG_BUF_SRC, rank}, 1, (struct rg_ref){RG_BUF_DST, rank},
		     0, ELEM, 0);
		return w.rc;
	}
	if (p->params.protocol == RG_PROTOCOL_WINDOW)
		return windows(m, p, rank, &w);
	if (p->params.protocol == RG_PROTOCOL_READ)
		return reads(m, p, rank, &w);
	return exchange(m, p, rank, &w);
}

static int check_any(const struct rg_problem *problem, struct rg_err *err)
{
	return 0;
}

static uint64_t slot_bytes(const struct rg_problem *p)
{
	bool puts =
		p->params.protocol == RG_PROTOCOL_SLOT || p->params.protocol == RG_PROTOCOL_WORD;

	return puts ? p->count * p->elem_bytes : 0;
}

static uint64_t wrong_bytes(const struct rg_problem *p)
{
	return slot_bytes(p) + 1;
}

/* Each generator is a pure function that knows its own mistake. */
#define GENERATE(m)                                                                              \
	static int generate_##m(const struct rg_problem *p, uint32_t rank, struct rg_sink *sink, \
				struct rg_schedule_needs *n, struct rg_err *err)                 \
	{                                                                                        \
		return generate(m, p, rank, sink, n, err);                                       \
	}
MISTAKE_LIST(GENERATE)

#define ROW(m)                                                             \
	[m] = {                                                            \
		.name = #m,                                                \
		.coll = RG_COLL_ALLREDUCE,                                 \
		.order = "rank order",                                     \
		.check = check_any,                                        \
		.generate = generate_##m,                                  \
		.sent_bytes = m == WRONG_BYTES ? wrong_bytes : slot_bytes, \
	},

const struct rg_algorithm planted[MISTAKES] = {MISTAKE_LIST(ROW)};

static int generate_half_barrier(const struct rg_problem *p, uint32_t rank, struct rg_sink *sink,
				 struct rg_schedule_needs *needs, struct rg_err *err)
{
	struct writer w = {.sink = sink, .err = err};

	needs->tmp_bytes = 0;
	if (rank == 1)
		counter(&w, RG_STEP_SIGNAL, 0, RG_CTR_SYNC, 1);
	else
		counter(&w, RG_STEP_WAIT, 1, RG_CTR_SYNC, 1);
	return w.rc;
}

const struct rg_algorithm planted_half_barrier = {
	.name = "half",
	.coll = RG_COLL_BARRIER,
	.order = "none",
	.check = check_any,
	.generate = generate_half_barrier,
	.sent_bytes = slot_bytes,
};
