/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Counters, credits and messages. Numbers of messages and values of counters are absolute here;
 * steps, and so the words of errors, count from the start of their operation.
 */
#include "config.h"

#include "prover_state.h"

#include "railgauge/base/mem.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *const ctr_names[] = {"READY", "FREE", "LL_FREE", "ENTER", "DONE", "SYNC"};
static const char *const pipe_names[] = {"slot", "word"};

_Static_assert(sizeof(ctr_names) / sizeof(ctr_names[0]) == RG_CTR_COUNT, "a name per counter");

static uint32_t nslots(const struct prover *p, uint32_t w)
{
	return w ? p->geometry.ll_slots : p->geometry.slots;
}

static size_t nlinks(const struct prover *p)
{
	return (size_t)p->channels * p->nranks * p->nranks;
}

int rg_prover_open_links(struct prover *p)
{
	p->links = rg_zalloc(nlinks(p), sizeof(*p->links));
	p->tallies = rg_zalloc(nlinks(p) * p->nops, sizeof(*p->tallies));
	return p->links && p->tallies ? 0 : rg_prover_no_memory(p);
}

static void close_pipe(struct pipe *pipe, uint32_t n)
{
	for (uint32_t i = 0; pipe->slots && i < n; i++)
		rg_free(pipe->slots[i].values);
	rg_free(pipe->slots);
}

void rg_prover_close_links(struct prover *p)
{
	for (size_t i = 0; p->links && i < nlinks(p); i++) {
		for (uint32_t k = 0; k < RG_CTR_COUNT; k++)
			rg_free(p->links[i].history[k].entries);
		for (uint32_t w = 0; w < 2; w++)
			close_pipe(&p->links[i].pipe[w], nslots(p, w));
	}
	rg_free(p->links);
	rg_free(p->tallies);
}

void rg_prover_enter_links(struct prover *p, uint32_t rank)
{
	for (uint32_t k = 0; k < p->channels * p->nranks; k++) {
		struct link *out = rg_prover_link(p, k / p->nranks, rank, k % p->nranks);
		struct link *in = rg_prover_link(p, k / p->nranks, k % p->nranks, rank);

		for (uint32_t w = 0; w < 2; w++) {
			out->pipe[w].sent_start = out->pipe[w].sent;
			in->pipe[w].received_start = in->pipe[w].received;
		}
		memcpy(out->told.start, out->told.now, sizeof(out->told.now));
		memcpy(in->heard.start, in->heard.now, sizeof(in->heard.now));
	}
}

/* Do both ends of a link agree on operation op, once both are through? */
static int compare(struct prover *p, const struct tally *t, uint32_t writer, uint32_t reader)
{
	for (uint32_t w = 0; w < 2; w++) {
		if (t->sent[w] != t->received[w])
			return rg_prover_wrong(
				p, "rank %u sent %u %s messages to rank %u, which took %u", writer,
				t->sent[w], pipe_names[w], reader, t->received[w]);
	}
	for (uint32_t k = RG_CTR_ENTER; k < RG_CTR_COUNT; k++) {
		if (t->told[k] != t->heard[k])
			return rg_prover_wrong(p,
					       "rank %u moved %s at rank %u by %u, which waited "
					       "for %u",
					       writer, ctr_names[k], reader, t->told[k],
					       t->heard[k]);
	}
	return 0;
}

static int leave_link(struct prover *p, uint32_t channel, uint32_t rank, uint32_t peer)
{
	size_t nth = ((size_t)channel * p->nranks + rank) * p->nranks + peer;
	size_t back = ((size_t)channel * p->nranks + peer) * p->nranks + rank;
	const struct link *out = &p->links[nth], *in = &p->links[back];
	struct tally *told = &p->tallies[nth * p->nops + p->rank->op];
	struct tally *heard = &p->tallies[back * p->nops + p->rank->op];
	int rc = 0;

	if (out->history[RG_CTR_READY].now != out->pipe[0].sent)
		return rg_prover_wrong(p,
				       "%" PRId64 " slot messages to rank %u were put, but "
				       "%" PRId64 " announced",
				       out->pipe[0].sent - out->pipe[0].sent_start, peer,
				       out->history[RG_CTR_READY].now - out->pipe[0].sent_start);
	for (uint32_t w = 0; w < 2; w++) {
		const struct pipe *from = &in->pipe[w];

		if (from->freed != from->received)
			return rg_prover_wrong(p,
					       "%" PRId64
					       " %s messages from rank %u were taken, but %" PRId64
					       " freed",
					       from->received - from->received_start, pipe_names[w],
					       peer, from->freed - from->received_start);
		told->sent[w] = (uint32_t)(out->pipe[w].sent - out->pipe[w].sent_start);
		heard->received[w] = (uint32_t)(from->received - from->received_start);
	}
	for (uint32_t k = 0; k < RG_CTR_COUNT; k++) {
		told->told[k] = (uint32_t)(out->told.now[k] - out->told.start[k]);
		heard->heard[k] = (uint32_t)(in->heard.now[k] - in->heard.start[k]);
	}
	if (p->ranks[peer].op > p->rank->op || peer == rank) {
		rc = compare(p, told, rank, peer);
		if (!rc)
			rc = compare(p, heard, peer, rank);
	}
	return rc;
}

int rg_prover_leave_links(struct prover *p, const struct rank *r)
{
	int rc = 0;

	for (uint32_t k = 0; k < p->channels * p->nranks && !rc; k++)
		rc = leave_link(p, k / p->nranks, r->id, k % p->nranks);
	return rc;
}

/* The number of words-or-slots for the counters that have one. */
static uint32_t pipe_of(enum rg_ctr ctr)
{
	return ctr == RG_CTR_LL_FREE;
}

static int push(struct prover *p, struct history *h, uint32_t agent, int64_t value, uint32_t depth)
{
	struct signal *e;
	int rc;

	if (h->head == h->n)
		h->head = h->n = 0;
	rc = rg_prover_grow(p, &h->entries, &h->cap, h->n + 1, sizeof(*h->entries));
	if (rc)
		return rc;
	e = &h->entries[h->n];
	rc = rg_prover_publish(p, agent, &e->vector);
	if (rc)
		return rc;
	e->value = value;
	e->depth = depth;
	h->n++;
	h->now = value;
	return 0;
}

int rg_prover_signal(struct prover *p, const struct rg_step *s)
{
	uint32_t rank = p->rank->id, agent = rg_prover_agent(p, rank, s->channel);
	struct link *out = rg_prover_link(p, s->channel, rank, s->peer);
	struct pipe *from = &rg_prover_link(p, s->channel, s->peer, rank)->pipe[pipe_of(s->ctr)];
	struct history *h = &out->history[s->ctr];
	uint32_t depth = p->depths[agent] + 1;
	int64_t value = s->value;

	if (s->ctr == RG_CTR_READY) {
		value += out->pipe[0].sent_start;
		if (value > out->pipe[0].sent)
			return rg_prover_wrong(p,
					       "READY at rank %u becomes %" PRId64
					       ", but only %" PRId64 " messages were put",
					       s->peer, s->value,
					       out->pipe[0].sent - out->pipe[0].sent_start);
	} else if (s->ctr == RG_CTR_FREE || s->ctr == RG_CTR_LL_FREE) {
		value += from->received_start;
		if (value > from->received)
			return rg_prover_wrong(p,
					       "%s at rank %u becomes %" PRId64
					       ", but only %" PRId64 " messages were read",
					       ctr_names[s->ctr], s->peer, s->value,
					       from->received - from->received_start);
		depth = 0;
	} else {
		value += out->told.start[s->ctr];
	}
	if (value < h->now)
		return rg_prover_wrong(p, "lowers %s at rank %u by %" PRId64, ctr_names[s->ctr],
				       s->peer, h->now - value);
	if (value == h->now)
		return 0;
	if (s->ctr == RG_CTR_FREE || s->ctr == RG_CTR_LL_FREE)
		from->freed = value;
	out->told.now[s->ctr] = value;
	return push(p, h, agent, value, depth);
}

/* What the WAIT needs in absolute terms, and what it can see at worst. */
static void wait_values(const struct prover *p, uint32_t rank, const struct rg_step *s,
			int64_t *want_out, int64_t *seen_out)
{
	const struct link *in = rg_prover_link(p, s->channel, s->peer, rank);
	const struct link *out = rg_prover_link(p, s->channel, rank, s->peer);

	*seen_out = in->history[s->ctr].now;
	*want_out = s->value;
	if (s->ctr == RG_CTR_READY) {
		*want_out += in->pipe[0].received_start;
	} else if (s->ctr == RG_CTR_FREE || s->ctr == RG_CTR_LL_FREE) {
		*want_out += out->pipe[pipe_of(s->ctr)].sent_start;
		*seen_out -= (int64_t)p->geometry.credit_batch - 1;
	} else {
		*want_out += in->heard.start[s->ctr] - s->lag;
	}
}

int rg_prover_wait(struct prover *p, const struct rg_step *s, bool *ready_out)
{
	struct link *in = rg_prover_link(p, s->channel, s->peer, p->rank->id);
	struct history *h = &in->history[s->ctr];
	int64_t want, seen;

	wait_values(p, p->rank->id, s, &want, &seen);
	*ready_out = want <= 0 || seen >= want;
	if (!*ready_out)
		return 0;
	if (in->heard.now[s->ctr] < want + s->lag)
		in->heard.now[s->ctr] = want + s->lag;
	if (want <= h->waited)
		return 0;
	h->waited = want;
	while (h->entries[h->head].value < want)
		rg_prover_drop_vector(p, h->entries[h->head++].vector);
	rg_prover_learn(p, rg_prover_agent(p, p->rank->id, s->channel), h->entries[h->head].vector,
			h->entries[h->head].depth);
	return 0;
}

struct words rg_prover_waits_for(const struct prover *p, uint32_t rank, const struct rg_step *s)
{
	struct words w;
	int64_t want, seen;

	if (s->op == RG_STEP_MOVE) {
		snprintf(w.text, sizeof(w.text), "word message %u", s->in_msg);
		return w;
	}
	wait_values(p, rank, s, &want, &seen);
	snprintf(w.text, sizeof(w.text),
		 "%s of rank %u to become %" PRId64 ", it can count on %" PRId64, ctr_names[s->ctr],
		 s->peer, s->value, s->value - want - s->lag + seen);
	return w;
}

bool rg_prover_words_here(const struct prover *p, const struct rg_step *s)
{
	if (!(s->flags & RG_STEP_WORDS) || !s->len_bytes)
		return true;
	for (uint32_t k = 0; k < s->nsrc; k++) {
		const struct pipe *pipe;

		if (s->src[k].buf != RG_BUF_IN)
			continue;
		pipe = &rg_prover_link(p, s->channel, s->src[k].rank, p->rank->id)->pipe[1];
		if (pipe->sent <= pipe->received_start + s->in_msg)
			return false;
	}
	return true;
}

static int wrong_length(struct prover *p, const char *kind, uint32_t msg, uint32_t peer)
{
	return rg_prover_wrong(p, "%s message %u has another length at rank %u", kind, msg, peer);
}

int rg_prover_take(struct prover *p, const struct rg_step *s, uint32_t from,
		   const struct value **values_out)
{
	uint32_t agent = rg_prover_agent(p, p->rank->id, s->channel);
	uint32_t w = s->flags & RG_STEP_WORDS ? 1 : 0;
	struct pipe *pipe = &rg_prover_link(p, s->channel, from, p->rank->id)->pipe[w];
	struct slot *slot = pipe->slots;
	int64_t m = pipe->received_start + s->in_msg;

	if (m > pipe->received)
		return rg_prover_wrong(p,
				       "takes %s message %u from rank %u before message %" PRId64,
				       pipe_names[w], s->in_msg, from,
				       pipe->received - pipe->received_start);
	if (m < pipe->freed)
		return rg_prover_wrong(p, "takes %s message %u from rank %u after freeing it",
				       pipe_names[w], s->in_msg, from);
	if (slot)
		slot += m % nslots(p, w);
	*values_out = slot ? slot->values : NULL;
	if (pipe->received == m)
		pipe->received++;
	if (w && !s->len_bytes) {
		/* Empty word messages touch no memory: they are in the counting only. */
		return slot && slot->next == m + 1 ? wrong_length(p, "word", s->in_msg, from) : 0;
	}
	if (w && slot && slot->next == m + 1)
		rg_prover_learn(p, agent, slot->vector, slot->depth);
	else if (w)
		return wrong_length(p, "word", s->in_msg, from);
	if (!slot || slot->next != m + 1 ||
	    !rg_prover_knows(rg_prover_clock(p, agent), slot->write))
		return rg_prover_wrong(p,
				       "takes slot message %u from rank %u, which may not be there "
				       "yet: no WAIT for READY %u",
				       s->in_msg, from, s->in_msg + 1);
	if ((uint64_t)slot->n * p->elem_bytes != s->len_bytes)
		return wrong_length(p, pipe_names[w], s->in_msg, from);
	slot->read = rg_prover_now(p, agent);
	p->report.races_checked++;
	return 0;
}

/* May the slot be written: has the reader of its old message let go of it? */
static int check_free(struct prover *p, const struct rg_step *s, const struct pipe *pipe,
		      const struct slot *slot, uint32_t to)
{
	const char *kind = pipe_names[s->flags & RG_STEP_WORDS ? 1 : 0];
	const uint32_t *clock = rg_prover_clock(p, rg_prover_agent(p, p->rank->id, s->channel));

	if (slot->next && (slot->next > pipe->received || !rg_prover_knows(clock, slot->read)))
		return rg_prover_wrong(
			p,
			"puts %s message %u to rank %u into a slot that is not free: message "
			"%" PRId64 " may still be read there",
			kind, s->out_msg, to, slot->next - 1 - pipe->sent_start);
	return 0;
}

int rg_prover_put(struct prover *p, const struct rg_step *s, uint32_t to,
		  const struct value *values)
{
	uint32_t agent = rg_prover_agent(p, p->rank->id, s->channel);
	uint32_t w = s->flags & RG_STEP_WORDS ? 1 : 0, n = (uint32_t)(s->len_bytes / p->elem_bytes);
	struct pipe *pipe = &rg_prover_link(p, s->channel, p->rank->id, to)->pipe[w];
	int64_t m = pipe->sent_start + s->out_msg;
	struct slot *slot;
	int rc;

	if (m != pipe->sent)
		return rg_prover_wrong(p, "puts %s message %u to rank %u, but the next is %" PRId64,
				       pipe_names[w], s->out_msg, to,
				       pipe->sent - pipe->sent_start);
	if (s->len_bytes > (w ? p->geometry.ll_bytes : p->geometry.slot_bytes))
		return rg_prover_wrong(p,
				       "%s message %u to rank %u of %" PRIu64
				       " bytes does not fit its slot",
				       pipe_names[w], s->out_msg, to, s->len_bytes);
	pipe->sent++;
	if (w && (!n || m < pipe->received))
		return n ? wrong_length(p, "word", s->out_msg, to) : 0;
	if (!pipe->slots)
		pipe->slots = rg_zalloc(nslots(p, w), sizeof(*pipe->slots));
	if (!pipe->slots)
		return rg_prover_no_memory(p);
	slot = &pipe->slots[m % nslots(p, w)];
	rc = check_free(p, s, pipe, slot, to);
	if (!rc)
		rc = rg_prover_grow(p, &slot->values, &slot->cap, n, sizeof(*slot->values));
	if (rc)
		return rc;
	if (n)
		memcpy(slot->values, values, n * sizeof(*values));
	if (w && slot->next)
		rg_prover_drop_vector(p, slot->vector);
	slot->n = n;
	slot->next = m + 1;
	slot->write = rg_prover_now(p, agent);
	slot->vector = NO_VECTOR;
	slot->depth = p->depths[agent] + 1;
	p->report.races_checked++;
	return w ? rg_prover_publish(p, agent, &slot->vector) : 0;
}
