/* SPDX-License-Identifier: BSD-3-Clause */
/* There and back, and streams, over queue pairs. All of it is within what is timed. */
#include "config.h"

#include "railgauge/measure/lane.h"

#ifdef HAVE_VERBS

#include "lane_verbs.h"

#include "railgauge/base/clock.h"

#define TURNS  64      /* of waiting, between two looks at the completions of what was sent */
#define NAP_NS 1000000 /* shortest nap of who only receives */

/* --- there and back --- */

static struct rail *rail_of(struct verbs_lane *v, const struct rg_lane_load *load)
{
	return &v->rails[load->rail == RG_LANE_ALL_RAILS ? 0 : load->rail];
}

/* The peer looks at the last byte, which is another one in each message. */
static int ping(struct verbs_lane *v, struct rail *rail, const struct rg_lane_load *load, bool last,
		struct rg_err *err)
{
	struct queue *q = &rail->queues[0];
	bool control = false;
	int64_t done = 0;
	int rc;

	if (load->op == RG_LANE_OP_WRITE)
		v->lane.source[load->size_bytes - 1] = ++v->mark;
	rc = verbs_post(v, rail, q, 1, load->op == RG_LANE_OP_READ ? 0 : v->depth - 1, last, err);
	/* Meanwhile the message is on its way. */
	if (!rc && load->op != RG_LANE_OP_READ && q->under_way >= v->lane.moderation)
		done = verbs_reap_sends(v, rail, &control, err);
	return rc ? rc : done < 0 ? (int)done : 0;
}

static int await_mark(struct verbs_lane *v, struct rail *rail, const struct rg_lane_load *load,
		      struct rg_err *err)
{
	const volatile uint8_t *at = rail->queues[0].sink + load->size_bytes - 1;
	uint8_t expected = ++v->mark_seen;
	struct patience p = {0};
	bool control = false;
	int64_t done = 0;
	int rc = 0;

	while (!rc && *at != expected) {
		rc = verbs_wait_turn(v, &p, err);
		/* That our message did not arrive is told there. */
		if (!rc && p.turns % TURNS == 0)
			done = verbs_reap_sends(v, rail, &control, err);
		if (done < 0)
			rc = (int)done;
	}
	(void)__atomic_load_n(at, __ATOMIC_ACQUIRE); /* what it marks was written before it */
	return rc;
}

/* The peer may be in its stream already: what it sends there comes early, and is kept. */
static int await_receive(struct verbs_lane *v, struct rail *rail, struct rg_err *err)
{
	struct patience p = {0};
	bool control = false;
	int64_t come = 0, done = 0;
	int rc = 0;

	while (!rc && !v->early) {
		come = verbs_reap_receives(v, rail, err);
		if (come > 0)
			v->early = (uint64_t)come;
		rc = come < 0 ? (int)come : verbs_wait_turn(v, &p, err);
		if (!rc && !come && p.turns % TURNS == 0)
			done = verbs_reap_sends(v, rail, &control, err);
		if (done < 0)
			rc = (int)done;
	}
	v->early -= !rc;
	return rc;
}

/* Until nothing is under way on a rail's first queue pair. */
static int await_sends(struct verbs_lane *v, struct rail *rail, struct rg_err *err)
{
	struct queue *q = &rail->queues[0];
	struct patience p = {0};
	bool control = false;
	int rc = 0;

	while (!rc && q->under_way) {
		int64_t done = verbs_reap_sends(v, rail, &control, err);

		rc = done < 0 ? (int)done : done ? 0 : verbs_wait_turn(v, &p, err);
	}
	return rc;
}

static int pong(struct verbs_lane *v, struct rail *rail, const struct rg_lane_load *load,
		struct rg_err *err)
{
	switch (load->op) {
	case RG_LANE_OP_WRITE:
		return await_mark(v, rail, load, err);
	case RG_LANE_OP_READ:
		return await_sends(v, rail, err);
	default:
		return await_receive(v, rail, err);
	}
}

static int ask(struct verbs_lane *v, struct rail *rail, const struct rg_lane_load *load, uint64_t n,
	       struct rg_series *series, struct rg_err *err)
{
	uint64_t before = rg_clock_ns(), now;
	int rc = 0;

	for (uint64_t i = 0; !rc && i < n; i++) {
		rc = ping(v, rail, load, i + 1 == n, err);
		if (!rc)
			rc = pong(v, rail, load, err);
		now = rg_clock_ns();
		if (!rc && series && rg_series_add(series, now - before))
			now = rg_clock_ns();
		before = now;
	}
	return rc;
}

static int answer(struct verbs_lane *v, struct rail *rail, const struct rg_lane_load *load,
		  uint64_t n, struct rg_err *err)
{
	int rc = 0;

	for (uint64_t i = 0; !rc && i < n; i++) {
		rc = pong(v, rail, load, err);
		if (!rc)
			rc = ping(v, rail, load, i + 1 == n, err);
	}
	return rc;
}

int verbs_pingpong(struct rg_lane *lane, const struct rg_lane_load *load, uint64_t n, bool first,
		   struct rg_series *series, struct rg_err *err)
{
	struct verbs_lane *v = (struct verbs_lane *)lane;
	struct rail *rail = rail_of(v, load);
	int rc;

	v->came_by = (uint32_t)(rail - v->rails);
	v->came_to = 1;
	if (load->op == RG_LANE_OP_READ && !first)
		return 0;
	rc = first ? ask(v, rail, load, n, series, err) : answer(v, rail, load, n, err);
	return rc ? rc : await_sends(v, rail, err);
}

/* --- streams --- */

struct streaming {
	struct verbs_lane *v;
	const struct rg_lane_load *load;
	uint32_t first, end; /* rails */
	uint32_t queues;     /* of all of them */
	uint64_t last;	     /* messages that are each a queue pair's last */
	uint64_t free;	     /* messages for any queue pair, not posted yet */
	uint64_t done;	     /* messages done */
	uint64_t come;	     /* and come, where a receive tells */
	bool control;	     /* the word to the peer has left */
};

/* Up to so many messages on this queue pair, as long as there is room. Whether any, or a code. */
static int feed(struct streaming *s, struct rail *rail, struct queue *q, uint64_t part,
		struct rg_err *err)
{
	uint32_t list = s->load->post_list, full = s->load->outstanding - list;
	int rc = 0;

	while (part && q->under_way <= full) {
		uint32_t n = part < list ? (uint32_t)part : list;

		rc = verbs_post(s->v, rail, q, n, full, false, err);
		if (rc)
			return rc;
		s->free -= n;
		part -= n;
		rc = 1;
	}
	return rc;
}

/* All others are posted: what is left is one message for each of the first so many queue pairs. */
static int feed_last(struct streaming *s, struct rail *rail, struct queue *q, struct rg_err *err)
{
	uint64_t number = (uint64_t)(rail - s->v->rails - s->first) * s->v->nqueues +
			  (uint64_t)(q - rail->queues);
	int rc;

	if (number >= s->last || q->last_posted || q->under_way >= s->load->outstanding)
		return 0;
	q->last_posted = true;
	rc = verbs_post(s->v, rail, q, 1, s->load->outstanding - 1, true, err);
	return rc ? rc : 1;
}

/* What a queue pair gets of the rest, of which there is some, in a turn: in whole lists. */
static uint64_t part_of(const struct streaming *s)
{
	uint64_t list = s->load->post_list, part = (s->free + s->queues - 1) / s->queues;

	return (part + list - 1) / list * list;
}

/*
 * One queue pair gets its part before the next one gets any, as far as it takes it; with a part of
 * 0 those are due that are held back. A soft device that has begun with some may go on with these
 * on another processor while more are posted here.
 */
static int feed_rail(struct streaming *s, struct rail *rail, uint64_t part, struct rg_err *err)
{
	int moved = 0;

	for (uint32_t i = 0; i < s->v->nqueues; i++) {
		struct queue *q = &rail->queues[i];
		int rc = part ? feed(s, rail, q, s->free < part ? s->free : part, err)
			      : feed_last(s, rail, q, err);

		if (rc < 0)
			return rc;
		moved |= rc;
	}
	return moved;
}

/* One turn over all rails: whether anything moved, or a code. */
static int turn(struct streaming *s, bool sending, bool receiving, struct rg_err *err)
{
	uint64_t part = sending && s->free ? part_of(s) : 0;
	int moved = 0;

	for (uint32_t r = s->first; r < s->end; r++) {
		struct rail *rail = &s->v->rails[r];
		int64_t n = 0;
		int rc = sending ? feed_rail(s, rail, part, err) : 0;

		if (rc < 0)
			return rc;
		moved |= rc;
		n = verbs_reap_sends(s->v, rail, &s->control, err);
		if (n < 0)
			return (int)n;
		s->done += (uint64_t)n;
		moved |= n > 0;
		n = receiving ? verbs_reap_receives(s->v, rail, err) : 0;
		if (n < 0)
			return (int)n;
		s->come += (uint64_t)n;
		moved |= n > 0;
	}
	return moved;
}

/* Everything from here is done: the peer, who may see nothing of it, hears so. */
static int tell_done(struct verbs_lane *v, struct rail *rail, struct rg_err *err)
{
	struct ibv_sge sge = {.addr = (uintptr_t)&v->control->told,
			      .length = sizeof(v->control->told),
			      .lkey = rail->control->lkey};
	struct ibv_send_wr *bad, wr = {
					 .wr_id = CONTROL_ID,
					 .sg_list = &sge,
					 .num_sge = 1,
					 .opcode = IBV_WR_RDMA_WRITE,
					 .send_flags = IBV_SEND_SIGNALED,
				 };
	int e;

	if (rail->device->max_inline_bytes >= sizeof(v->control->told))
		wr.send_flags |= IBV_SEND_INLINE;
	wr.wr.rdma.remote_addr = rail->peer.control;
	wr.wr.rdma.rkey = rail->peer.control_key;
	v->control->told++;
	e = ibv_post_send(rail->queues[0].qp, &wr, &bad);
	return e ? verbs_post_failed(rail, e, err) : 0;
}

static int run_turns(struct streaming *s, bool sending, bool receiving, struct patience *p,
		     struct rg_err *err)
{
	int rc = turn(s, sending, receiving, err);

	if (rc > 0)
		*p = (struct patience){0};
	return rc < 0 ? rc : rc ? 0 : verbs_wait_turn(s->v, p, err);
}

/*
 * Who has nothing to do in a stream, neither to send nor to take, leaves its processor to those who
 * have, the kernel's part of a soft device among them, until it hears that all is done. A nap
 * is an eighth of what has passed, up to ASK_NS: who meets it next waits for it that long at most.
 * Its own time is nobody's.
 */
static int sleep_until_told(struct verbs_lane *v, struct rg_err *err)
{
	uint64_t begin = rg_clock_ns(), now = begin, asked = begin;
	int rc = 0;

	while (!rc && v->control->come < v->heard) {
		uint64_t nap = (now - begin) / 8;

		nap = nap < NAP_NS ? NAP_NS : nap > ASK_NS ? ASK_NS : nap;
		rg_clock_sleep_until(now + nap);
		now = rg_clock_ns();
		if (now - asked < ASK_NS)
			continue;
		asked = now;
		rc = verbs_ask_devices(v, err);
		/* As long as the sender's own wait takes, and what it may send meanwhile. */
		if (!rc && now - begin >= 2 * v->lane.wait_ns)
			rc = verbs_give_up(v, now - begin, err);
	}
	(void)__atomic_load_n(&v->control->come, __ATOMIC_ACQUIRE);
	return rc;
}

/* Both ends have told the other, where they had something to tell. */
static int finish(struct streaming *s, const struct rg_lane_flow *flow, struct rg_err *err)
{
	struct verbs_lane *v = s->v;
	bool received = v->op == RG_LANE_OP_SEND || v->op == RG_LANE_OP_WRITE_IMM;
	struct patience p = {0};
	int rc = flow->out ? tell_done(v, &v->rails[s->first], err) : 0;

	v->heard += flow->in > 0;
	if (!flow->out && !received)
		return sleep_until_told(v, err);
	while (!rc && ((flow->out && !s->control) || v->control->come < v->heard ||
		       (received && s->come < flow->in)))
		rc = run_turns(s, false, received, &p, err);
	v->early = received ? s->come - flow->in : 0;
	(void)__atomic_load_n(&v->control->come, __ATOMIC_ACQUIRE);
	return rc;
}

int verbs_stream(struct rg_lane *lane, const struct rg_lane_load *load,
		 const struct rg_lane_flow *flow, struct rg_series *series,
		 uint64_t *elapsed_ns_out, struct rg_err *err)
{
	struct verbs_lane *v = (struct verbs_lane *)lane;
	bool all = load->rail == RG_LANE_ALL_RAILS;
	struct streaming s = {.v = v,
			      .load = load,
			      .first = all ? 0 : (uint32_t)load->rail,
			      .end = all ? lane->nrails : (uint32_t)load->rail + 1};
	struct rg_series_blocks blocks = {.series = series, .block = flow->block};
	bool receiving = flow->in && (v->op == RG_LANE_OP_SEND || v->op == RG_LANE_OP_WRITE_IMM);
	struct patience p = {0};
	uint64_t begin;
	int rc = 0;

	s.come = v->early;
	s.queues = (s.end - s.first) * v->nqueues;
	v->came_by = s.first;
	v->came_to = v->op == RG_LANE_OP_READ ? flow->out : flow->in;
	if (v->came_to > s.queues)
		v->came_to = s.queues;
	s.last = flow->out < s.queues ? flow->out : s.queues;
	s.free = flow->out - s.last;
	for (uint32_t r = s.first; r < s.end; r++) {
		for (uint32_t q = 0; q < v->nqueues; q++)
			v->rails[r].queues[q].last_posted = false;
	}
	begin = blocks.before_ns = rg_clock_ns();
	while (!rc && s.done < flow->out) {
		rc = run_turns(&s, true, receiving, &p, err);
		rg_series_blocks_add(&blocks, s.done);
	}
	*elapsed_ns_out = rg_clock_ns() - begin;
	return rc ? rc : finish(&s, flow, err);
}

#endif
