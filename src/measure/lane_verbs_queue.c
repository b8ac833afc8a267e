/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Work requests prepared and posted, completions polled, and waiting for either. All but prepare is
 * within what is timed.
 *
 * A send makes a completion if it is the moderation-th since the last that does, if without it too
 * many to send more would be left under way by the last one, or if it is the last one there: each
 * queue pair's last message is held back until all others are posted. Sends of a reliable
 * connection complete in their order, so a completion stands for all sends before it; how many, and
 * on which queue pair, is in its wr_id.
 */
#include "config.h"

#include "railgauge/measure/lane.h"

#ifdef HAVE_VERBS

#include "lane_verbs.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/units.h"

#include <arpa/inet.h>
#include <sched.h>

/* Who has waited so long may leave its processor to others; to a soft device's kernel at once. */
#define YIELD_NS      1000000
#define YIELD_SOFT_NS 2000

/* --- waiting --- */

int verbs_give_up(const struct verbs_lane *v, uint64_t waited_ns, struct rg_err *err)
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

int verbs_ask_devices(struct verbs_lane *v, struct rg_err *err)
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

int verbs_look(struct verbs_lane *v, struct patience *p, struct rg_err *err)
{
	uint64_t now = rg_clock_ns();

	if (!p->since_ns)
		p->since_ns = p->asked_ns = now;
	if (now - p->since_ns >= (v->soft ? YIELD_SOFT_NS : YIELD_NS))
		sched_yield();
	if (now - p->asked_ns < ASK_NS)
		return 0;
	p->asked_ns = now;
	if (now - p->since_ns >= v->lane.wait_ns)
		return verbs_give_up(v, now - p->since_ns, err);
	return verbs_ask_devices(v, err);
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

int64_t verbs_reap_sends(struct verbs_lane *v, struct rail *rail, bool *control_out,
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
		/* The data of a write with immediate go where the writer says. */
		rail->receives[i].sg_list = &q->receive_sge;
		rail->receives[i].num_sge = v->op == RG_LANE_OP_SEND;
		rail->receives[i].next = i + 1 < n ? &rail->receives[i + 1] : NULL;
	}
	e = ibv_post_recv(q->qp, rail->receives, &bad);
	if (e)
		return rg_err_errno(err, e, "verbs: %s: posting receives", rail->device->name);
	q->receives += n;
	return 0;
}

int64_t verbs_reap_receives(struct verbs_lane *v, struct rail *rail, struct rg_err *err)
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

int verbs_post_failed(const struct rail *rail, int e, struct rg_err *err)
{
	return rg_err_errno(err, e, "verbs: %s port %u: posting a message", rail->device->name,
			    rail->device->port);
}

int verbs_post(struct verbs_lane *v, struct rail *rail, struct queue *q, uint32_t n, uint32_t full,
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
		if (q->unsignalled < moderation && !(i + 1 == n && (last || q->unsignalled > full)))
			continue;
		wr->send_flags |= IBV_SEND_SIGNALED;
		wr->wr_id = (uint64_t)(q - rail->queues) << 32 | q->unsignalled;
		q->unsignalled = 0;
	}
	tail->next = NULL;
	e = ibv_post_send(q->qp, q->wrs, &bad);
	tail->next = behind;
	return e ? verbs_post_failed(rail, e, err) : 0;
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
	uint64_t at = rail->peer.sinks + (uint64_t)(q->sink - v->memory) - v->part_bytes;
	bool in_request = !read && load->size_bytes <= v->lane.inline_bytes;

	q->sge = (struct ibv_sge){
		.addr = (uintptr_t)v->lane.source,
		.length = (uint32_t)load->size_bytes,
		.lkey = rail->source->lkey,
	};
	if (read) { /* what is read goes there */
		q->sge.addr = (uintptr_t)q->sink;
		q->sge.lkey = rail->sink->lkey;
	}
	for (uint32_t i = 0; i < v->depth; i++) {
		struct ibv_send_wr *wr = &q->wrs[i];

		*wr = (struct ibv_send_wr){
			.next = i + 1 < v->depth ? &q->wrs[i + 1] : NULL,
			.sg_list = &q->sge,
			.num_sge = 1,
			.opcode = opcode_of(load->op),
			.send_flags = in_request ? IBV_SEND_INLINE : 0,
			.imm_data = htonl(v->lane.peer),
		};
		if (load->op == RG_LANE_OP_SEND)
			continue;
		wr->wr.rdma.remote_addr = read ? rail->peer.source : at;
		wr->wr.rdma.rkey = read		  ? rail->peer.source_key
				   : load->stream ? rail->peer.sink_key
						  : rail->peer.ordered_key;
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
		for (uint32_t i = 0; i < v->nqueues; i++)
			fill_requests(v, rail, &rail->queues[i], load);
		/* What lies there from messages of other sizes is no mark. */
		rail->queues[0].sink[load->size_bytes - 1] = v->mark_seen;
	}
	return 0;
}

#endif
