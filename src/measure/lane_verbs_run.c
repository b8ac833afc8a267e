/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Work requests posted and completions polled. Every function here but prepare is within what is
 * timed.
 *
 * A send makes a completion if it is the moderation-th since the last that does, if it fills the
 * window of its queue pair, or if it is the last one there: each queue pair's last message is held
 * back until all others are posted. Sends of a reliable connection complete in their order, so a
 * completion stands for all sends before it; how many, and on which queue pair, is in its wr_id.
 */
#include "config.h"

#include "railgauge/measure/lane.h"

#ifdef HAVE_VERBS

#include "lane_verbs.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/units.h"

#include <arpa/inet.h>
#include <sched.h>

#define TURNS	   64	    /* of waiting, between two looks at the clock */
#define YIELD_NS   1000000  /* who has waited so long may leave its processor to others */
#define ASK_NS	   50000000 /* and after so long asks the device what happened */
#define NAP_NS	   100000
#define CONTROL_ID UINT64_MAX

/* --- waiting --- */

struct patience {
	uint32_t turns;
	uint64_t since_ns, asked_ns;
};

static int give_up(const struct verbs_lane *v, uint64_t waited_ns, struct rg_err *err)
{
	const struct rg_verbs_device *down = NULL;
	char waited[RG_UNITS_BYTES];

	for (uint32_t r = 0; r < v->lane.nrails; r++)
		down = v->rails[r].device->active ? down : v->rails[r].device;
	return rg_err_set(err, RG_ERR_TIMEOUT, "verbs: %s: waited %s for rank %u on %s%s%s%s",
			  v->rails[0].device->name, rg_format_time((double)waited_ns, waited),
			  v->peer.rank, v->peer.node, down ? "; the port of " : "",
			  down ? down->name : "", down ? " is down" : "");
}

/* What the devices have to say: a port that went down explains more than a wait in vain. */
static int ask_devices(struct verbs_lane *v, struct rg_err *err)
{
	struct rg_verbs_event event;

	for (uint32_t r = 0; r < v->lane.nrails; r++) {
		while (rg_verbs_device_event(v->rails[r].device, &event)) {
			if (event.kind == RG_VERBS_EVENT_DEVICE_GONE ||
			    event.kind == RG_VERBS_EVENT_CQ_FAILED ||
			    event.kind == RG_VERBS_EVENT_QP_FAILED)
				return rg_err_set(err, RG_ERR_SYSTEM, "verbs: %s", event.text);
		}
	}
	return 0;
}

static int look(struct verbs_lane *v, struct patience *p, struct rg_err *err)
{
	uint64_t now = rg_clock_ns();

	if (!p->since_ns)
		p->since_ns = p->asked_ns = now;
	if (now - p->since_ns > YIELD_NS)
		sched_yield();
	if (now - p->asked_ns < ASK_NS)
		return 0;
	p->asked_ns = now;
	if (now - p->since_ns >= v->lane.wait_ns)
		return give_up(v, now - p->since_ns, err);
	return ask_devices(v, err);
}

static inline int wait_turn(struct verbs_lane *v, struct patience *p, struct rg_err *err)
{
	return ++p->turns % TURNS ? 0 : look(v, p, err);
}

/* --- completions --- */

static int failed(const struct verbs_lane *v, const struct rail *rail, const struct ibv_wc *wc,
		  const struct queue *q, struct rg_err *err)
{
	return rg_verbs_completion_error(rail->device, wc, q->qp, &q->theirs, &v->peer, err);
}

static int poll_failed(const struct rail *rail, struct rg_err *err)
{
	return rg_err_set(err, RG_ERR_SYSTEM, "verbs: %s port %u: its completions cannot be polled",
			  rail->device->name, rail->device->port);
}

static struct queue *queue_of(struct rail *rail, const struct ibv_wc *wc)
{
	return &rail->queues[wc->wr_id == CONTROL_ID ? 0 : wc->wr_id >> 32];
}

/* Sends that are known to be done by now: their number, or a code. */
static int64_t reap_sends(struct verbs_lane *v, struct rail *rail, bool *control_out,
			  struct rg_err *err)
{
	struct ibv_wc wc[POLL_BATCH];
	int n = ibv_poll_cq(rail->send_cq, POLL_BATCH, wc);
	int64_t done = 0;

	if (n < 0)
		return poll_failed(rail, err);
	for (int i = 0; i < n; i++) {
		struct queue *q = queue_of(rail, &wc[i]);
		uint32_t covered = (uint32_t)wc[i].wr_id;

		if (wc[i].status != IBV_WC_SUCCESS)
			return failed(v, rail, &wc[i], q, err);
		if (wc[i].wr_id == CONTROL_ID) {
			*control_out = true;
			continue;
		}
		q->under_way -= covered;
		done += covered;
	}
	return done;
}

int verbs_post_receives(struct verbs_lane *v, struct rail *rail, struct queue *q,
			struct rg_err *err)
{
	uint32_t n = v->recv_depth - q->receives;
	struct ibv_recv_wr *bad;
	int e;

	if (!n || (v->op != RG_LANE_OP_SEND && v->op != RG_LANE_OP_WRITE_IMM))
		return 0;
	for (uint32_t i = 0; i < n; i++) {
		rail->receives[i].wr_id = (uint64_t)(q - rail->queues) << 32;
		rail->receives[i].next = i + 1 < n ? &rail->receives[i + 1] : NULL;
	}
	e = ibv_post_recv(q->qp, rail->receives, &bad);
	if (e)
		return rg_err_errno(err, e, "verbs: %s: posting receives", rail->device->name);
	q->receives += n;
	return 0;
}

/* Messages that have come by now, likewise; what they took is posted again in portions. */
static int64_t reap_receives(struct verbs_lane *v, struct rail *rail, struct rg_err *err)
{
	struct ibv_wc wc[POLL_BATCH];
	int n = ibv_poll_cq(rail->recv_cq, POLL_BATCH, wc), rc = 0;

	if (n < 0)
		return poll_failed(rail, err);
	for (int i = 0; i < n; i++) {
		struct queue *q = queue_of(rail, &wc[i]);

		if (wc[i].status != IBV_WC_SUCCESS)
			return failed(v, rail, &wc[i], q, err);
		q->receives--;
		if (q->receives <= v->recv_depth / 2)
			rc = verbs_post_receives(v, rail, q, err);
		if (rc)
			return rc;
	}
	return n;
}

/* --- posting --- */

static int post_failed(const struct rail *rail, int e, struct rg_err *err)
{
	return rg_err_errno(err, e, "verbs: %s port %u: posting a message", rail->device->name,
			    rail->device->port);
}

/*
 * n messages in one list. With more than `full` under way there is no room for the next list, so
 * the end of this one makes a completion; so does the queue pair's last message.
 */
static int post(struct verbs_lane *v, struct rail *rail, struct queue *q, uint32_t n, uint32_t full,
		bool last, struct rg_err *err)
{
	struct ibv_send_wr *bad, *tail = &q->wrs[n - 1], *behind = tail->next;
	uint32_t moderation = v->lane.moderation;
	int e;

	for (uint32_t i = 0; i < n; i++) {
		struct ibv_send_wr *wr = &q->wrs[i];

		q->under_way++;
		q->unsignalled++;
		wr->send_flags &= ~(unsigned)IBV_SEND_SIGNALED;
		if (q->unsignalled < moderation && !(i + 1 == n && (last || q->under_way > full)))
			continue;
		wr->send_flags |= IBV_SEND_SIGNALED;
		wr->wr_id = (uint64_t)(q - rail->queues) << 32 | q->unsignalled;
		q->unsignalled = 0;
	}
	tail->next = NULL;
	e = ibv_post_send(q->qp, q->wrs, &bad);
	tail->next = behind;
	return e ? post_failed(rail, e, err) : 0;
}

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
	rc = post(v, rail, q, 1, load->op == RG_LANE_OP_READ ? 0 : v->depth - 1, last, err);
	/* Meanwhile the message is on its way. */
	if (!rc && load->op != RG_LANE_OP_READ && q->under_way >= v->lane.moderation)
		done = reap_sends(v, rail, &control, err);
	return rc ? rc : done < 0 ? (int)done : 0;
}

static int await_mark(struct verbs_lane *v, struct rail *rail, const struct rg_lane_load *load,
		      struct rg_err *err)
{
	const volatile uint8_t *at = v->lane.sink + load->size_bytes - 1;
	uint8_t expected = ++v->mark_seen;
	struct patience p = {0};
	bool control = false;
	int64_t done = 0;
	int rc = 0;

	while (!rc && *at != expected) {
		rc = wait_turn(v, &p, err);
		/* That our message did not arrive is told there. */
		if (!rc && p.turns % TURNS == 0)
			done = reap_sends(v, rail, &control, err);
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
		come = reap_receives(v, rail, err);
		if (come > 0)
			v->early = (uint64_t)come;
		rc = come < 0 ? (int)come : wait_turn(v, &p, err);
		if (!rc && !come && p.turns % TURNS == 0)
			done = reap_sends(v, rail, &control, err);
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
		int64_t done = reap_sends(v, rail, &control, err);

		rc = done < 0 ? (int)done : done ? 0 : wait_turn(v, &p, err);
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

/* A list on this queue pair if there is room. Returns whether it was, or a code. */
static int feed(struct streaming *s, struct rail *rail, struct queue *q, struct rg_err *err)
{
	uint32_t n = s->load->post_list, full = s->load->outstanding - n;
	int rc;

	if (q->under_way > full || !s->free)
		return 0;
	n = s->free < n ? (uint32_t)s->free : n;
	s->free -= n;
	rc = post(s->v, rail, q, n, full, false, err);
	return rc ? rc : 1;
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
	rc = post(s->v, rail, q, 1, s->load->outstanding - 1, true, err);
	return rc ? rc : 1;
}

static int feed_rail(struct streaming *s, struct rail *rail, struct rg_err *err)
{
	int moved = 0;

	for (uint32_t i = 0; i < s->v->nqueues; i++) {
		int rc = s->free ? feed(s, rail, &rail->queues[i], err)
				 : feed_last(s, rail, &rail->queues[i], err);

		if (rc < 0)
			return rc;
		moved |= rc;
	}
	return moved;
}

/* One turn over all rails: whether anything moved, or a code. */
static int turn(struct streaming *s, bool sending, bool receiving, struct rg_err *err)
{
	int moved = 0;

	for (uint32_t r = s->first; r < s->end; r++) {
		struct rail *rail = &s->v->rails[r];
		int64_t n = 0;
		int rc = sending ? feed_rail(s, rail, err) : 0;

		if (rc < 0)
			return rc;
		moved |= rc;
		n = reap_sends(s->v, rail, &s->control, err);
		if (n < 0)
			return (int)n;
		s->done += (uint64_t)n;
		moved |= n > 0;
		n = receiving ? reap_receives(s->v, rail, err) : 0;
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
	return e ? post_failed(rail, e, err) : 0;
}

static int run_turns(struct streaming *s, bool sending, bool receiving, struct patience *p,
		     struct rg_err *err)
{
	int rc = turn(s, sending, receiving, err);

	if (rc > 0)
		*p = (struct patience){0};
	return rc < 0 ? rc : rc ? 0 : wait_turn(s->v, p, err);
}

/*
 * Who has nothing to do in a stream, neither to send nor to take, leaves its processor to those who
 * have, the kernel's part of a soft device among them, until it hears that all is done. Its own
 * time is nobody's.
 */
static int sleep_until_told(struct verbs_lane *v, struct rg_err *err)
{
	uint64_t begin = rg_clock_ns(), now = begin, asked = begin;
	int rc = 0;

	while (!rc && v->control->come < v->heard) {
		rg_clock_sleep_until(now + NAP_NS);
		now = rg_clock_ns();
		if (now - asked < ASK_NS)
			continue;
		asked = now;
		rc = ask_devices(v, err);
		/* As long as the sender's own wait takes, and what it may send meanwhile. */
		if (!rc && now - begin >= 2 * v->lane.wait_ns)
			rc = give_up(v, now - begin, err);
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

/* --- before --- */

static enum ibv_wr_opcode opcode_of(enum rg_lane_op op)
{
	switch (op) {
	case RG_LANE_OP_WRITE_IMM:
		return IBV_WR_RDMA_WRITE_WITH_IMM;
	case RG_LANE_OP_SEND:
		return IBV_WR_SEND;
	case RG_LANE_OP_READ:
		return IBV_WR_RDMA_READ;
	default:
		return IBV_WR_RDMA_WRITE;
	}
}

static void fill_requests(struct verbs_lane *v, struct rail *rail, struct queue *q,
			  const struct rg_lane_load *load)
{
	bool read = load->op == RG_LANE_OP_READ;
	bool in_request = !read && load->size_bytes <= v->lane.inline_bytes;

	for (uint32_t i = 0; i < v->depth; i++) {
		struct ibv_send_wr *wr = &q->wrs[i];

		*wr = (struct ibv_send_wr){
			.next = i + 1 < v->depth ? &q->wrs[i + 1] : NULL,
			.sg_list = &rail->sge,
			.num_sge = 1,
			.opcode = opcode_of(load->op),
			.send_flags = in_request ? IBV_SEND_INLINE : 0,
			.imm_data = htonl(v->lane.peer),
		};
		if (load->op == RG_LANE_OP_SEND)
			continue;
		wr->wr.rdma.remote_addr = read ? rail->peer.source : rail->peer.sink;
		wr->wr.rdma.rkey = read ? rail->peer.source_key : rail->peer.sink_key;
	}
}

int verbs_prepare(struct rg_lane *lane, const struct rg_lane_load *load, struct rg_err *err)
{
	struct verbs_lane *v = (struct verbs_lane *)lane;

	if (load->outstanding > v->depth)
		return rg_err_set(err, RG_ERR_LIMIT,
				  "%u messages under way: a queue pair takes --verbs.depth %u",
				  load->outstanding, v->depth);
	for (uint32_t r = 0; r < lane->nrails; r++) {
		struct rail *rail = &v->rails[r];

		if (load->size_bytes > rail->device->max_message_bytes)
			return rg_err_set(err, RG_ERR_LIMIT,
					  "verbs: %s port %u takes messages of up to %llu bytes",
					  rail->device->name, rail->device->port,
					  (unsigned long long)rail->device->max_message_bytes);
		rail->sge = (struct ibv_sge){
			.addr = (uintptr_t)lane->source,
			.length = (uint32_t)load->size_bytes,
			.lkey = rail->source->lkey,
		};
		if (load->op == RG_LANE_OP_READ) { /* what is read goes there */
			rail->sge.addr = (uintptr_t)lane->sink;
			rail->sge.lkey = rail->sink->lkey;
		}
		for (uint32_t i = 0; i < v->nqueues; i++)
			fill_requests(v, rail, &rail->queues[i], load);
	}
	/* What lies there from messages of other sizes is no mark. */
	v->memory[v->sink_at + load->size_bytes - 1] = v->mark_seen;
	return 0;
}

#endif
