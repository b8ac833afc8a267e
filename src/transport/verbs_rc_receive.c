/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * verbs-rc: what arrives. Data are in their place when their notification is here; the notification
 * is applied when all before it on the link have been.
 */
#include "config.h"

#include "verbs_rc_impl.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#define ROUNDS 8 /* of polls at a time, so that a flood does not keep the caller */

/* The queue pair that a completion of a receive names; NULL: none of ours. */
static struct vrc_qp *find_qp(struct vrc *v, const struct vrc_rail *rail, uint32_t qpn)
{
	for (uint32_t k = VRC_HASH(qpn);; k++) {
		uint32_t n = rail->qp_of[k & rail->mask];

		if (!n)
			return NULL;
		if (v->qps[n - 1].qp->qp_num == qpn)
			return &v->qps[n - 1];
	}
}

/* --- receives --- */

static int post_receives(struct vrc *v, struct vrc_rail *rail)
{
	struct ibv_recv_wr wr[VRC_REPOSTED], *bad;
	struct ibv_sge sge[VRC_REPOSTED];
	uint32_t n = rail->nback < VRC_REPOSTED ? rail->nback : VRC_REPOSTED;
	int e;

	for (uint32_t k = 0; k < n; k++) {
		uint32_t b = rail->back[rail->nback - 1 - k];
		const struct vrc_receive *r = &rail->receives[b];

		sge[k] = (struct ibv_sge){(uintptr_t)r->at, v->receive_bytes, r->lkey};
		wr[k] = (struct ibv_recv_wr){.wr_id = VRC_WR_RECEIVE | b,
					     .next = k + 1 < n ? &wr[k + 1] : NULL,
					     .sg_list = &sge[k],
					     .num_sge = 1};
	}
	if (!n)
		return 0;
	e = ibv_post_srq_recv(rail->srq, wr, &bad);
	rail->nback -= e ? (uint32_t)(bad - wr) : n;
	return e;
}

int vrc_receives_add(struct vrc *v, struct vrc_rail *rail, uint32_t n, struct rg_err *err)
{
	const struct vrc_chunk *in;
	uint8_t *at;
	int e = 0, rc;

	if (n > v->nreceives - rail->nreceives)
		n = v->nreceives - rail->nreceives;
	if (!n)
		return 0;
	rc = vrc_memory_take(v, (size_t)n * v->receive_bytes, &at, &in, err);
	if (rc)
		return rc;
	for (uint32_t k = 0; k < n; k++, at += v->receive_bytes) {
		rail->receives[rail->nreceives] =
			(struct vrc_receive){at, in->mr[rail - v->rails]->lkey};
		rail->back[rail->nback++] = rail->nreceives++;
	}
	/* All of them, also what waited for a batch. */
	while (rail->nback && !e)
		e = post_receives(v, rail);
	return e ? rg_err_errno(err, e, "verbs: %s port %u: posting %u receives",
				rail->device->name, rail->device->port, n)
		 : 0;
}

/* --- notifications --- */

static void fault(struct vrc *v, uint32_t peer, const char *words)
{
	struct rg_err why = {0};

	rg_err_set(&why, RG_ERR_PEER, "rank %u (%s) was cut off: %s", peer, v->ep.host[peer],
		   words);
	vrc_fail(v, peer, &why);
}

static uint64_t counter(const struct vrc_link *l, uint32_t ctr)
{
	return atomic_load_explicit(&l->base.rx[ctr].value, memory_order_relaxed);
}

static uint64_t whole_value(const struct vrc_link *l, const struct vrc_note *note)
{
	return note->whole ? note->value
			   : vrc_imm_value(counter(l, note->ctr), (uint32_t)note->value);
}

static void set_counter(struct vrc_link *l, uint32_t ctr, uint64_t value)
{
	atomic_store_explicit(&l->base.rx[ctr].value, value, memory_order_release);
}

/* What a notification says. Words if that cannot be, else NULL. */
static const char *apply_one(struct vrc *v, struct vrc_link *l, const struct vrc_note *note)
{
	struct vrc_both before = {counter(l, RG_CTR_READY), counter(l, RG_CTR_FREE)};
	struct vrc_both now = before;
	const char *words = NULL;

	if (note->ctr == VRC_NOTHING)
		return NULL;
	if (note->ctr == VRC_READY_FREE)
		now = vrc_imm_both(&before, (uint32_t)note->value);
	else if (note->ctr == RG_CTR_READY)
		now.ready = whole_value(l, note);
	if (now.ready < before.ready)
		return "a counter that goes back";
	if (l->nwanted || note->placed)
		words = vrc_came(v, l, before.ready, now.ready, note->placed);
	if (words)
		return words;
	if (note->ctr != VRC_READY_FREE) {
		set_counter(l, note->ctr, whole_value(l, note));
		return NULL;
	}
	set_counter(l, RG_CTR_READY, now.ready);
	set_counter(l, RG_CTR_FREE, now.free);
	return NULL;
}

/* All whose turn it is; none behind one that cannot be. */
static const char *apply(struct vrc *v, struct vrc_link *l)
{
	const char *words = NULL;
	struct vrc_note note;

	while (!l->refused && vrc_order_take(&l->order, &note)) {
		words = apply_one(v, l, &note);
		l->refused = words;
	}
	if (l->order.next - l->acked >= v->window / 2) {
		l->ack_due = true;
		vrc_tell(v, l);
	}
	return words;
}

/* Where the data of a message go; NULL: they would lie outside. */
static uint8_t *data_place(const struct vrc *v, const struct vrc_link *l,
			   const struct vrc_message *m)
{
	const struct rg_geometry *g = &v->ep.config.geometry;
	bool words = m->kind == VRC_LL;
	uint64_t room = words ? (uint64_t)g->ll_slots * g->ll_bytes * 2
			      : (uint64_t)g->slots * g->slot_bytes;

	if (m->at > room || m->len_bytes > room - m->at)
		return NULL;
	return (words ? (uint8_t *)l->base.rx_ll : l->base.rx_slots) + m->at;
}

/* The notification of a message, whose data are copied. Words if it is none, else NULL. */
static const char *take_message(struct vrc *v, struct vrc_link *l, const uint8_t *at,
				uint32_t len_bytes, struct vrc_note *note)
{
	struct vrc_message m;
	uint8_t *to;

	if (len_bytes < sizeof(m))
		return "a message that is too short";
	memcpy(&m, at, sizeof(m));
	if (m.kind == VRC_PLACE && len_bytes == sizeof(m))
		return vrc_told_places(v, l, &m);
	note->value = m.value;
	note->whole = true;
	if (m.kind == VRC_VALUE)
		return NULL;
	if (m.kind != VRC_SLOT && m.kind != VRC_LL)
		return "a message of no known kind";
	if (m.len_bytes != len_bytes - sizeof(m))
		return "a message of another length than it says";
	to = data_place(v, l, &m);
	if (!to)
		return "data beyond a ring";
	memcpy(to, at + sizeof(m), m.len_bytes);
	return NULL;
}

static const char *notified(struct vrc *v, uint32_t peer, const struct ibv_wc *wc,
			    const uint8_t *at)
{
	struct vrc_imm imm = vrc_imm_unpack(ntohl(wc->imm_data));
	struct vrc_note note = {.ctr = (uint8_t)imm.ctr, .value = imm.low, .placed = imm.placed};
	struct vrc_link *l = NULL;
	const char *words = NULL;

	if (imm.channel < v->ep.config.geometry.channels)
		l = v->links[(size_t)imm.channel * v->ep.nranks + peer];
	if (!l ||
	    ((imm.ctr == VRC_READY_FREE || imm.placed) && wc->opcode != IBV_WC_RECV_RDMA_WITH_IMM))
		return "a notification for a link or a counter that there is not";
	if (wc->opcode != IBV_WC_RECV_RDMA_WITH_IMM)
		words = take_message(v, l, at, wc->byte_len, &note);
	if (words)
		return words;
	if (!vrc_order_add(&l->order, imm.seq, note))
		return "a notification that was not due";
	return apply(v, l);
}

static void received(struct vrc *v, struct vrc_rail *rail, const struct ibv_wc *wc)
{
	uint32_t n = (uint32_t)wc->wr_id;
	struct vrc_qp *q = find_qp(v, rail, wc->qp_num);
	const char *words = NULL;

	rail->back[rail->nback++] = n;
	if (!q || wc->status == IBV_WC_WR_FLUSH_ERR)
		return;
	if (wc->status != IBV_WC_SUCCESS) {
		if (!vrc_gone(v, q->peer))
			vrc_explain(v, rail, wc, q);
		return;
	}
	if (wc->wc_flags & IBV_WC_WITH_IMM)
		words = notified(v, q->peer, wc, rail->receives[n].at);
	else
		words = vrc_told(v, q->peer, (const void *)rail->receives[n].at, wc->byte_len);
	if (words)
		fault(v, q->peer, words);
}

/* --- completions --- */

/* True if that is progress. */
static inline bool completed(struct vrc *v, struct vrc_rail *rail, const struct ibv_wc *wc)
{
	if ((wc->wr_id & (VRC_WR_RECEIVE | VRC_WR_CARD)) == VRC_WR_RECEIVE)
		received(v, rail, wc);
	else if (wc->wr_id & VRC_WR_CARD)
		vrc_card(v, wc);
	else
		return vrc_sent(v, rail, wc);
	return true;
}

static int refuse_poll(const struct vrc_rail *rail, int n, struct rg_err *err)
{
	return rg_err_set(err, RG_ERR_SYSTEM,
			  "verbs: %s port %u: its completions cannot be had (%d)",
			  rail->device->name, rail->device->port, n);
}

int vrc_poll(struct vrc *v, bool *any_out, struct rg_err *err)
{
	struct ibv_wc wc[VRC_POLLED];

	for (struct vrc_rail *rail = v->rails; rail < v->rails + v->nrails; rail++) {
		int n = VRC_POLLED;

		for (int round = 0; round < ROUNDS && n == VRC_POLLED; round++) {
			n = ibv_poll_cq(rail->cq, VRC_POLLED, wc);
			if (n < 0)
				return refuse_poll(rail, n, err);
			for (int k = 0; k < n; k++)
				*any_out |= completed(v, rail, &wc[k]);
			/* In batches: each is a write to the device, and most are never short. */
			while (rail->nback >= VRC_REPOSTED && !post_receives(v, rail))
				;
		}
	}
	return 0;
}
