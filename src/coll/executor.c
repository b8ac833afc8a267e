/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The interpreter of programs.
 *
 * Ordering. Data put into a peer's slots or windows are plain stores; the SIGNAL that announces
 * them is a store-release to the peer's counter, and its WAIT a load-acquire: so who sees the
 * counter sees the data. The other way round, a slot is read before the store-release of FREE, and
 * the writer overwrites it only after the load-acquire that saw FREE. Streaming stores are fenced
 * by rg_copy and the kernels themselves. Word messages need none of this: data and sequence share
 * the word.
 *
 * Sequence numbers of word messages have 32 bits. A word that a long message left behind could be
 * taken for the same word of a message 2^32 later. So, when the numbers pass a multiple s of 2^31,
 * the first message into each slot is preceded by filling the slot with the sequence s - 1
 * (wait_free, scrub). Then a slot holds nothing but numbers from s - 1 to s + 2^31 - 1 until it is
 * filled again, and a receiver that looks for the message before that filling looks for s + 2^31 or
 * a little more.
 */
#include "config.h"

#include "exec.h"

#include "railgauge/device/ll.h"

#include <assert.h>
#include <string.h>

static inline uint64_t counter_get(const struct rg_counter *c)
{
	return atomic_load_explicit(&c->value, memory_order_acquire);
}

/*
 * Stores and then looks whether the peer sleeps. No fence between the two: a sleeper raises its
 * flag, makes every running thread of the job execute a barrier (membarrier), and looks at its
 * counters once more before it sleeps; so either it sees our store, or we see its flag.
 */
static inline void wake_if_asleep(struct rg_run *run, const struct run_link *l)
{
	atomic_signal_fence(memory_order_seq_cst);
	if (__builtin_expect(atomic_load_explicit(l->asleep, memory_order_relaxed), 0))
		run->executor->ep->ops->wake(run->executor->ep, l->peer);
}

static inline bool counter_set(struct rg_run *run, const struct run_link *l, uint32_t ctr,
			       uint64_t value)
{
	if (__builtin_expect(!l->tx, 0))
		return rg_far_signal(run, l, ctr, value);
	atomic_store_explicit(&l->tx[ctr].value, value, memory_order_release);
	wake_if_asleep(run, l);
	return true;
}

static inline uint32_t sequence(const struct rg_run *run, uint64_t message)
{
	return (uint32_t)message + 1 + run->executor->ep->config.first_sequence;
}

/* Is a message the first into its slot since the numbers passed a multiple of 2^31? */
static inline bool is_wrap(const struct rg_run *run, uint32_t seq)
{
	return (seq & 0x7fffffffu) < run->executor->ep->config.geometry.ll_slots;
}

static void scrub(const struct rg_run *run, const struct run_link *l, uint64_t message)
{
	const struct rg_geometry *geo = &run->executor->ep->config.geometry;
	size_t n = geo->ll_bytes / 4;
	uint64_t *slot = l->tx_ll + (message & (geo->ll_slots - 1)) * n;
	uint64_t word = (uint64_t)((sequence(run, message) & 0x80000000u) - 1) << 32;

	for (size_t i = 0; i < n; i++)
		__atomic_store_n(&slot[i], word, __ATOMIC_RELAXED);
}

/*
 * ENTER under READ: the places travel on the counter's line. They are plain stores before the
 * store-release of the value, read after the load-acquire that saw it. Who writes them anew has
 * left the operation before, and so has acquired a DONE or SYNC that its reader released after
 * reading.
 */
_Static_assert(RG_BUF_SRC == 0 && RG_BUF_DST == 1, "they index place[]");

static void tell_place(const struct rg_run *run, const struct rg_insn *i)
{
	struct rg_counter *c = &run->links[i->link].tx[i->ctr];

	c->place[RG_BUF_SRC] = (uintptr_t)run->args.src;
	c->place[RG_BUF_DST] = (uintptr_t)run->args.dst;
}

static void learn_place(struct rg_run *run, const struct rg_insn *i)
{
	struct run_link *l = &run->links[i->link];

	memcpy(l->place, l->rx[i->ctr].place, sizeof(l->place));
}

static bool read_peer(struct rg_run *run, const struct rg_insn *i)
{
	struct rg_executor *x = run->executor;
	const struct rg_base *b = &run->program->bases[i->src];
	const struct run_link *l = &run->links[b->link];

	x->rc = x->ep->ops->read(x->ep, l->peer, run->base[i->dst] + i->dst_off,
				 l->place[b->buf] + i->src_off, i->len_bytes, &x->err);
	return !x->rc;
}

/* May the message that the instruction speaks of be put? */
static bool wait_free(struct rg_run *run, const struct rg_insn *i)
{
	struct run_link *l = &run->links[i->link];
	bool words = i->flags & RG_INSN_WORDS;
	uint64_t need = l->heard0[i->ctr] + (uint64_t)i->value;
	uint64_t *seen = &l->link->free_seen[words];

	if ((int64_t)(*seen - need) < 0) {
		*seen = counter_get(&l->rx[i->ctr]);
		if ((int64_t)(*seen - need) < 0)
			return false;
	}
	if (words) {
		uint64_t message = need + run->executor->ep->config.geometry.ll_slots - 1;

		if (__builtin_expect(is_wrap(run, sequence(run, message)), 0))
			scrub(run, l, message);
	}
	return true;
}

static bool signal_free(struct rg_run *run, const struct rg_insn *i)
{
	struct run_link *l = &run->links[i->link];
	bool words = i->flags & RG_INSN_WORDS;
	uint64_t value = l->told0[i->ctr] + (uint64_t)i->value;
	uint64_t *told = &l->link->free_told[words];

	l->link->free_due[words] = value;
	if (value - *told < run->executor->ep->config.geometry.credit_batch)
		return true;
	if (!counter_set(run, l, i->ctr, value))
		return false;
	*told = value;
	return true;
}

static inline uint64_t *words_in(const struct rg_run *run, const struct run_link *l, uint32_t msg)
{
	const struct rg_geometry *geo = &run->executor->ep->config.geometry;

	return l->rx_ll + ((l->told0[RG_CTR_LL_FREE] + msg) & (geo->ll_slots - 1)) *
				  (size_t)(geo->ll_bytes / 4);
}

static inline uint64_t *words_out(const struct rg_run *run, const struct run_link *l, uint32_t msg)
{
	const struct rg_geometry *geo = &run->executor->ep->config.geometry;

	return l->tx_ll + ((l->heard0[RG_CTR_LL_FREE] + msg) & (geo->ll_slots - 1)) *
				  (size_t)(geo->ll_bytes / 4);
}

static void put_words(struct rg_run *run, const struct rg_insn *i, uint32_t base, const void *data)
{
	const struct run_link *l = &run->links[run->program->bases[base].link];

	rg_ll_encode(words_out(run, l, i->out_msg), data, i->len_bytes,
		     sequence(run, l->heard0[RG_CTR_LL_FREE] + i->out_msg));
	wake_if_asleep(run, l);
}

/* Collects the sources; word messages are taken apart as far as they are there. */
static bool take_sources(struct rg_run *run, struct stream *s, const struct rg_insn *i,
			 const void **src)
{
	uint32_t room = run->executor->ep->config.geometry.ll_bytes;

	for (uint32_t k = 0; k < i->nsrc; k++) {
		const struct rg_base *b = &run->program->bases[i->src + k];
		uint64_t off = i->src_off + k * (uint64_t)i->src_stride;

		if (b->buf != RG_BUF_IN) {
			src[k] = run->base[i->src + k] + off;
			continue;
		}
		src[k] = s->words + (size_t)k * room;
		if (k < s->taken)
			continue;
		const struct run_link *l = &run->links[b->link];

		s->word = rg_ll_ready_decode(s->words + (size_t)k * room,
					     words_in(run, l, i->in_msg), i->len_bytes,
					     sequence(run, l->told0[RG_CTR_LL_FREE] + i->in_msg),
					     s->word);
		if (s->word < rg_ll_words(i->len_bytes))
			return false;
		s->taken = k + 1;
		s->word = 0;
	}
	return true;
}

static bool take_words(struct rg_run *run, struct stream *s, const struct rg_insn *i)
{
	const struct rg_program *p = run->program;
	const void *src[RG_REDUCE_MAX];
	void *dst[RG_REDUCE_MAX];
	uint32_t n = 0, scale = i->flags & RG_INSN_SCALE ? p->problem.layout.nranks : 1;

	if (!take_sources(run, s, i, src))
		return false;
	s->taken = 0;
	for (uint32_t k = 0; k < i->ndst; k++) {
		if (p->bases[i->dst + k].buf != RG_BUF_OUT)
			dst[n++] = run->base[i->dst + k] + i->dst_off;
	}
	if (n < i->ndst) /* the encoder reads the result from here */
		dst[n++] = s->words +
			   (size_t)run->word_sources * run->executor->ep->config.geometry.ll_bytes;
	p->reduce(dst, n, src, i->nsrc, rg_run_count(run, i->len_bytes), 0, scale);
	for (uint32_t k = 0; k < i->ndst; k++) {
		if (p->bases[i->dst + k].buf == RG_BUF_OUT)
			put_words(run, i, i->dst + k, dst[n - 1]);
	}
	return true;
}

static void put_plain_words(struct rg_run *run, const struct rg_insn *i)
{
	const uint8_t *src = run->base[i->src] + i->src_off;

	for (uint32_t k = 0; k < i->ndst; k++) {
		if (run->program->bases[i->dst + k].buf == RG_BUF_OUT)
			put_words(run, i, i->dst + k, src);
		else
			memcpy(run->base[i->dst + k] + i->dst_off, src, i->len_bytes);
	}
}

static inline bool streams(const struct rg_program *p, const struct rg_insn *i, uint32_t base)
{
	uint8_t buf = p->bases[base].buf;

	return (buf == RG_BUF_DST && p->stream) ||
	       (buf == RG_BUF_OUT && p->stream_slots && i->len_bytes >= RG_STREAM_SLOT_BYTES);
}

static void copy(const struct rg_run *run, const struct rg_insn *i)
{
	bool stream = streams(run->program, i, i->dst);

	rg_copy(rg_run_address(run, i->dst, i->dst_off, i),
		rg_run_address(run, i->src, i->src_off, i), i->len_bytes,
		stream ? RG_STORE_STREAM : RG_STORE_CACHED);
}

static void move(const struct rg_run *run, const struct rg_insn *i)
{
	const struct rg_program *p = run->program;
	const void *src[RG_REDUCE_MAX];
	void *dst[RG_REDUCE_MAX];
	uint64_t stream = 0;

	for (uint32_t k = 0; k < i->nsrc; k++)
		src[k] = rg_run_address(run, i->src + k, i->src_off + k * (uint64_t)i->src_stride,
					i);
	for (uint32_t k = 0; k < i->ndst; k++) {
		dst[k] = rg_run_address(run, i->dst + k, i->dst_off, i);
		if (streams(p, i, i->dst + k))
			stream |= (uint64_t)1 << k;
	}
	p->reduce(dst, i->ndst, src, i->nsrc, rg_run_count(run, i->len_bytes), stream,
		  i->flags & RG_INSN_SCALE ? p->problem.layout.nranks : 1);
}

/* One instruction; false if it must wait, or is none. */
static inline bool execute(struct rg_run *run, struct stream *s, const struct rg_insn *i)
{
	struct run_link *l;

	switch ((enum rg_insn_op)i->op) {
	case RG_INSN_WAIT:
		l = &run->links[i->link];
		if ((int64_t)(counter_get(&l->rx[i->ctr]) -
			      (l->heard0[i->ctr] + (uint64_t)i->value)) < 0)
			return false;
		if (i->flags & RG_INSN_PLACE)
			learn_place(run, i);
		return true;
	case RG_INSN_WAIT_FREE:
		return wait_free(run, i);
	case RG_INSN_SIGNAL:
		l = &run->links[i->link];
		if (i->flags & RG_INSN_PLACE)
			tell_place(run, i);
		return counter_set(run, l, i->ctr, l->told0[i->ctr] + (uint64_t)i->value);
	case RG_INSN_SIGNAL_FREE:
		return signal_free(run, i);
	case RG_INSN_COPY:
		if (!rg_far_hurry(run->executor, i->len_bytes))
			return false;
		copy(run, i);
		return true;
	case RG_INSN_MOVE:
		if (!rg_far_hurry(run->executor, i->len_bytes))
			return false;
		move(run, i);
		return true;
	case RG_INSN_READ:
		return read_peer(run, i);
	case RG_INSN_POST:
		rg_far_post(run, i);
		return true;
	case RG_INSN_TAKE:
		if (!rg_far_hurry(run->executor, i->len_bytes))
			return false;
		rg_far_take(run, i);
		return true;
	case RG_INSN_PUT:
		return rg_far_put(run, s, i);
	case RG_INSN_PUT_WORDS:
		put_plain_words(run, i);
		return true;
	case RG_INSN_TAKE_WORDS:
		return take_words(run, s, i);
	case RG_INSN_END:
		break;
	}
	return false;
}

/* Runs a stream until it waits or ends; true if it got anywhere. */
static bool advance(struct rg_run *run, struct stream *s)
{
	const struct rg_insn *from = s->pc, *pc = from;

	while (execute(run, s, pc)) /* END never is */
		pc++;
	s->pc = pc;
	return pc != from;
}

/* True if any stream got anywhere. */
static bool run_progress(struct rg_run *run)
{
	uint32_t nstreams = run->program->nstreams, ended = 0;
	bool any = false;

	/* A failure must not be forgotten by another channel's read that succeeds. */
	for (uint32_t c = 0; c < nstreams && !run->executor->rc; c++) {
		any |= advance(run, &run->streams[c]);
		ended += run->streams[c].pc->op == RG_INSN_END;
	}
	/* What is still here would leave only with the next run, and a peer may wait for it. */
	if (ended == nstreams && !rg_far_hand_over(run->executor)) {
		run->state = RUN_DONE;
		any = true;
	}
	return any;
}

bool rg_executor_progress(struct rg_executor *executor)
{
	uint64_t busy = 0;
	uint32_t kept = 0;
	bool any = executor->driven && !executor->rc && rg_far_drive(executor);

	executor->early = false;
	for (uint32_t k = 0; k < executor->nactive; k++) {
		struct rg_run *run = executor->active[k];

		if (!(run->program->channel_mask & busy) && !executor->rc) {
			if (run->state == RUN_QUEUED)
				rg_run_admit(run);
			any |= run_progress(run);
		}
		if (run->state == RUN_DONE)
			continue;
		busy |= run->program->channel_mask;
		executor->active[kept++] = run;
	}
	executor->nactive = kept;
	if (executor->put && !executor->rc)
		(void)rg_far_hand_over(executor);
	return any;
}

void rg_run_start(struct rg_run *run, const struct rg_run_args *args)
{
	struct rg_executor *executor = run->executor;

	assert(run->state == RUN_IDLE || run->state == RUN_DONE);
	assert(executor->nactive < executor->max_runs);
	run->args = *args;
	run->state = RUN_QUEUED;
	if (executor->nactive == 0) {
		executor->early = false;
		rg_run_admit(run);
		run_progress(run);
		if (run->state == RUN_DONE)
			return;
		executor->active[executor->nactive++] = run;
		if (executor->put && !executor->rc)
			(void)rg_far_hand_over(executor);
		return;
	}
	executor->active[executor->nactive++] = run;
	rg_executor_progress(executor);
}

bool rg_run_test(const struct rg_run *run)
{
	return run->state == RUN_DONE;
}

int rg_run_once(struct rg_run *run, const struct rg_run_args *args, struct rg_err *err)
{
	if (run->program->ninsns == run->program->nstreams) /* nothing but ENDs */
		return 0;
	rg_run_start(run, args);
	return run->state == RUN_DONE ? 0 : rg_run_wait(run, err);
}
