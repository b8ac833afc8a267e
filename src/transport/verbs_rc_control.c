/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * verbs-rc: what the two ends tell each other besides data: where a link's memory is (HELLO), how
 * many notifications were applied (ACK), that one closes (BYE), and whether the other is still
 * there.
 */
#include "config.h"

#include "verbs_rc_post.h"

#include "railgauge/base/clock.h"

#include <string.h>

/* A message without immediate data; the first queue pair keeps their order. */
static bool send_message(struct vrc *v, uint32_t peer, const struct vrc_message *m, bool completion)
{
	struct vrc_qp *q = vrc_qp_of(v, peer, 0);
	struct ibv_send_wr *wr;
	struct vrc_message *cell;

	if (!vrc_has_room(v, q))
		return false;
	wr = vrc_draft(v, q);
	cell = vrc_cell(v, q);
	*cell = *m;
	wr->opcode = IBV_WR_SEND;
	wr->sg_list[0] = (struct ibv_sge){(uintptr_t)cell, sizeof(*cell), q->lkey};
	wr->num_sge = 1;
	vrc_append(v, q, sizeof(*cell), completion);
	return true;
}

static bool send_hello(struct vrc *v, struct vrc_link *l)
{
	struct vrc_message m = {.kind = VRC_HELLO, .channel = l->channel, .at = (uintptr_t)l->rx};

	for (uint32_t r = 0; r < v->nrails; r++)
		m.rkey[r] = l->chunk->mr[r]->rkey;
	return send_message(v, l->peer, &m, false);
}

static bool send_ack(struct vrc *v, struct vrc_link *l)
{
	struct vrc_qp *q = vrc_qp_of(v, l->peer, vrc_home(v, l));
	struct ibv_send_wr *wr;
	struct vrc_message *cell;

	if (!l->at || !vrc_has_room(v, q))
		return false;
	wr = vrc_draft(v, q);
	cell = vrc_cell(v, q);
	cell->value = l->order.next;
	wr->opcode = IBV_WR_RDMA_WRITE;
	wr->wr.rdma.remote_addr = l->at + ((uint8_t *)l->seen - l->rx);
	wr->wr.rdma.rkey = l->rkey[q->rail];
	wr->sg_list[0] = (struct ibv_sge){(uintptr_t)&cell->value, sizeof(cell->value), q->lkey};
	wr->num_sge = 1;
	vrc_append(v, q, sizeof(cell->value), false);
	l->acked = l->order.next;
	l->ack_due = false;
	return true;
}

void vrc_ack(struct vrc *v, struct vrc_link *l)
{
	(void)send_ack(v, l);
}

/* True if nothing is left to be told. */
static bool tell(struct vrc *v, struct vrc_link *l)
{
	if (vrc_gone(v, l->peer) || v->peers[l->peer].said_bye)
		return true;
	if (!v->peers[l->peer].sure)
		return false;
	if (l->hello_due)
		l->hello_due = !send_hello(v, l);
	if (l->ack_due)
		(void)send_ack(v, l);
	if (l->nfresh && !vrc_tell_places(v, l)) /* with credit */
		return false;
	if (l->credit && !vrc_notify(v, l, RG_CTR_FREE, l->credit))
		l->credit = 0;
	return !l->hello_due && !l->ack_due && !l->credit;
}

void vrc_tell_later(struct vrc *v, struct vrc_link *l)
{
	if (l->due)
		return;
	l->due = true;
	v->due[v->ndue++] = l;
}

void vrc_tell(struct vrc *v, struct vrc_link *l)
{
	if (!tell(v, l))
		vrc_tell_later(v, l);
}

bool vrc_tell_due(struct vrc *v)
{
	uint32_t kept = 0;
	bool credit = false;

	for (uint32_t k = 0; k < v->ndue; k++) {
		struct vrc_link *l = v->due[k];

		l->due = !tell(v, l);
		if (!l->due)
			continue;
		credit |= l->credit != 0;
		v->due[kept++] = l;
	}
	v->ndue = kept;
	return !credit;
}

static const char *told_hello(struct vrc *v, uint32_t peer, const struct vrc_message *m)
{
	struct vrc_link *l;

	if (m->channel >= v->ep.config.geometry.channels)
		return "a greeting on a channel that there is not";
	if (!m->at)
		return "it has no memory for what is sent to it";
	l = v->links[(size_t)m->channel * v->ep.nranks + peer];
	if (!l && vrc_link_make(v, peer, m->channel, &l, NULL)) {
		const struct vrc_message none = {.kind = VRC_HELLO, .channel = m->channel};

		(void)send_message(v, peer, &none, false);
		return "there is no memory here for what it sends";
	}
	l->at = m->at;
	memcpy(l->rkey, m->rkey, sizeof(l->rkey));
	return NULL;
}

const char *vrc_told(struct vrc *v, uint32_t peer, const struct vrc_message *m, uint32_t len_bytes)
{
	if (len_bytes != sizeof(*m))
		return "a message of another length than there is";
	v->peers[peer].sure = true; /* it has joined us, or it could not send */
	if (m->kind == VRC_HELLO)
		return told_hello(v, peer, m);
	if (m->kind != VRC_BYE)
		return "a message of no known kind";
	v->peers[peer].closed = true;
	return NULL;
}

/* --- is it still there --- */

static void failed_device(struct vrc *v, const char *words)
{
	struct rg_err why = {0};

	rg_err_set(&why, RG_ERR_SYSTEM, "verbs: %s", words);
	for (uint32_t peer = 0; peer < v->ep.nranks; peer++) {
		if (peer != v->ep.rank)
			vrc_fail(v, peer, &why);
	}
}

static void failed_qp(struct vrc *v, uint32_t rail, const struct rg_verbs_event *event)
{
	struct rg_err why = {0};

	for (uint32_t n = 0; n < v->ep.nranks * v->nqps; n++) {
		const struct vrc_qp *q = &v->qps[n];

		if (!q->qp || q->rail != rail || q->qp->qp_num != event->qpn ||
		    vrc_gone(v, q->peer))
			continue;
		rg_err_set(&why, RG_ERR_PEER, "verbs: rank %u (%s): %s", q->peer,
			   v->ep.host[q->peer], event->text);
		vrc_fail(v, q->peer, &why);
	}
}

static void took_event(struct vrc *v, uint32_t rail, const struct rg_verbs_event *event)
{
	uint32_t bit = v->rails[rail].bit;

	switch (event->kind) {
	case RG_VERBS_EVENT_PORT_DOWN: /* it may be up again before retries end */
		v->ep.rails_down |= bit;
		break;
	case RG_VERBS_EVENT_PORT_UP:
		v->ep.rails_down &= ~bit;
		break;
	case RG_VERBS_EVENT_QP_FAILED:
		failed_qp(v, rail, event);
		break;
	case RG_VERBS_EVENT_DEVICE_GONE:
		v->ep.rails_down |= bit;
		failed_device(v, event->text);
		break;
	case RG_VERBS_EVENT_CQ_FAILED:
	case RG_VERBS_EVENT_RQ_FAILED:
		failed_device(v, event->text);
		break;
	default:
		break;
	}
}

void vrc_look_at_events(struct vrc *v)
{
	struct rg_verbs_event event;

	for (uint32_t r = 0; r < v->nrails; r++) {
		while (rg_verbs_device_event(v->rails[r].device, &event) > 0)
			took_event(v, r, &event);
	}
}

/* A write of nothing, whose completion says that all before it has arrived. */
static void probe_qp(struct vrc *v, struct vrc_qp *q)
{
	struct ibv_send_wr *wr;

	if (!vrc_has_room(v, q))
		return;
	wr = vrc_draft(v, q);
	wr->wr_id |= VRC_WR_PROBE;
	wr->opcode = IBV_WR_RDMA_WRITE;
	wr->wr.rdma.remote_addr = 0; /* of no bytes neither is looked at */
	wr->wr.rdma.rkey = 0;
	vrc_append(v, q, 0, true);
	vrc_post(v, q);
}

void vrc_look_after(struct vrc *v, uint32_t peer)
{
	uint64_t now = rg_clock_ns();

	if (now - v->events_ns >= VRC_EVENTS_NS) {
		v->events_ns = now;
		vrc_look_at_events(v);
	}
	if (!v->peers[peer].sure || vrc_gone(v, peer) ||
	    now - v->peers[peer].probed_ns < VRC_PROBE_NS)
		return;
	v->peers[peer].probed_ns = now;
	for (uint32_t k = 0; k < v->nqps; k++) {
		struct vrc_qp *q = vrc_qp_of(v, peer, k);

		if (q->tail >= q->signalled)
			probe_qp(v, q);
	}
}

/* --- parting --- */

/* The last ones may have no completion of their own; then something behind them gets one. */
static bool is_done(struct vrc *v, uint32_t peer)
{
	bool done = true;

	for (uint32_t k = 0; k < v->nqps; k++) {
		struct vrc_qp *q = vrc_qp_of(v, peer, k);

		if (q->tail == q->head || q->broken)
			continue;
		if (q->signalled < q->head)
			probe_qp(v, q);
		done = false;
	}
	return done;
}

/* With peers that are gone there is nothing left to do. */
static bool is_settled(struct vrc *v, uint32_t peer)
{
	return !v->peers[peer].sure || vrc_gone(v, peer) || is_done(v, peer);
}

/* Is there credit that has not left for want of room? */
static bool owes_credit(const struct vrc *v, uint32_t peer)
{
	for (uint32_t k = 0; k < v->ndue; k++) {
		if (v->due[k]->peer == peer && v->due[k]->credit)
			return true;
	}
	return false;
}

/* Behind all that was sent, also by other queue pairs: who has read it looks for no more. */
static bool has_parted(struct vrc *v, uint32_t peer)
{
	const struct vrc_message bye = {.kind = VRC_BYE};
	struct vrc_peer *p = &v->peers[peer];

	if (!is_settled(v, peer))
		return false;
	if (!p->sure || vrc_gone(v, peer) || p->said_bye)
		return true;
	if (owes_credit(v, peer))
		return false;
	p->said_bye = send_message(v, peer, &bye, true);
	return false;
}

/* Until it is so of all peers, each at its own pace: one may not take what is sent to it. */
static bool go_on_until(struct vrc *v, bool (*is_so)(struct vrc *v, uint32_t peer),
			uint64_t until_ns)
{
	for (;;) {
		bool all = true, any = false;

		for (uint32_t peer = 0; peer < v->ep.nranks; peer++)
			all &= is_so(v, peer);
		if (all)
			return true;
		vrc_flush(&v->ep, NULL);
		if (vrc_poll(v, &any, NULL) || rg_clock_ns() > until_ns)
			return false;
		if (!any)
			rg_clock_sleep_until(rg_clock_ns() + 20000);
	}
}

bool vrc_settle(struct vrc *v, uint64_t until_ns)
{
	return go_on_until(v, is_settled, until_ns);
}

void vrc_part(struct vrc *v)
{
	bool any = false;

	v->parting = true;
	(void)vrc_poll(v, &any, NULL); /* who asks by now hears that it is too late */
	(void)go_on_until(v, has_parted, rg_clock_ns() + VRC_LINGER_NS);
	vrc_cards_part(v);
}
