/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * verbs-ud: receiving. What comes is checked and handed to its peer's flow; what is in its turn
 * waits in one queue to be applied, which only the rank itself does.
 */
#include "config.h"

#include "verbs_ud_impl.h"

#include <string.h>

/* --- the ring --- */

static void give_back(struct vud *u, uint16_t receive)
{
	u->back[u->nback++] = receive;
}

static void keep_out(struct vud *u)
{
	u->nheld++;
}

void vud_keep_no_more(struct vud *u, uint16_t receive)
{
	u->nheld--;
	give_back(u, receive);
}

/* Up to a batch of those that are back. */
static void post_batch(struct vud *u)
{
	struct ibv_recv_wr wr[VUD_BATCH], *bad;
	struct ibv_sge sge[VUD_BATCH];
	struct rg_err err = {0};
	uint32_t n = u->nback < VUD_BATCH ? u->nback : VUD_BATCH;
	int e;

	for (uint32_t k = 0; k < n; k++) {
		uint16_t receive = u->back[u->nback - n + k];

		sge[k] = (struct ibv_sge){
			(uintptr_t)(u->receives + (size_t)receive * u->receive_stride),
			u->receive_stride, u->mr->lkey};
		wr[k] = (struct ibv_recv_wr){.wr_id = receive,
					     .next = k + 1 < n ? &wr[k + 1] : NULL,
					     .sg_list = &sge[k],
					     .num_sge = 1};
	}
	u->nback -= n;
	e = ibv_post_recv(u->qp, wr, &bad);
	if (e) {
		rg_err_errno(&err, e, "verbs-ud: %s port %u: posting receives", u->device->name,
			     u->device->port);
		vud_fail(u, &err);
	}
}

void vud_repost(struct vud *u, bool all)
{
	while (!u->rc && u->nback >= (all ? 1 : VUD_BATCH))
		post_batch(u);
}

/* --- what comes --- */

static void cut_off(struct vud *u, uint32_t peer, const char *fault)
{
	vud_let_go(u, peer, VUD_CUT_OFF, fault);
}

void vud_arrive(struct vud *u, uint32_t peer, uint16_t receive, bool group)
{
	u->arrived[(u->first_arrived + u->narrived++) % u->nreceives] =
		(struct vud_arrived){.peer = peer, .receive = receive, .group = group};
}

/* True if the receive is kept. */
static bool take_data(struct vud *u, const struct vud_head *h, uint16_t receive, uint64_t now_ns)
{
	struct ud_flow *f = &u->peers[h->from].flow;
	bool may_hold = u->nheld < u->nreceives / 2;

	/*
	 * The keeper applies nothing, and what waits for the group is not applied either: what
	 * cannot be kept is as if it were lost. For what is waited for there is always room.
	 */
	if (u->nheld >= u->nreceives - 2 * VUD_BATCH || (u->peers[h->from].grouped && !may_hold))
		return false;
	if (u->away)
		ud_flow_was_away(f);
	switch (ud_flow_came(f, h->number, h->flags & VUD_ASK, receive, may_hold, now_ns)) {
	case UD_FLOW_NEXT:
		keep_out(u);
		vud_arrive(u, h->from, receive, false);
		while (ud_flow_next_held(f, &receive))
			vud_arrive(u, h->from, receive, false);
		return true;
	case UD_FLOW_HELD:
		keep_out(u);
		return true;
	case UD_FLOW_NONSENSE:
		cut_off(u, h->from, "a packet beyond its window");
		return false;
	default:
		return false;
	}
}

/* NULL, or why the peer is to be cut off. */
static const char *heed(struct vud *u, const struct vud_head *h, uint64_t now_ns)
{
	const struct ud_flow_ack ack = {
		.next = h->next, .late = u->away || h->flags & VUD_LATE, .early = h->early};
	struct vud_peer *p = &u->peers[h->from];
	uint16_t freed[UD_FLOW_WINDOW];
	uint32_t n;

	if (!p->ah && vud_meet(u, h->from, NULL))
		return "no way leads back to it";
	if (ud_flow_acknowledged(&p->flow, &u->flow, &ack, now_ns, freed, &n) == UD_FLOW_NONSENSE)
		return "it acknowledges what was not sent";
	for (uint32_t k = 0; k < n; k++) /* who only asks moves nothing */
		u->moved |= u->packets[freed[k]].len_bytes > sizeof(*h);
	vud_release(u, freed, n);
	if (ud_flow_has_unsent(&p->flow) || p->open != VUD_NONE)
		vud_list_add(&u->dirty, &p->dirty, h->from);
	return NULL;
}

/* Who was given up does not know it yet, unless it has given up itself. */
static void refuse(struct vud *u, const struct vud_head *h)
{
	struct vud_peer *p = &u->peers[h->from];

	if ((p->fate != VUD_SILENT && p->fate != VUD_CUT_OFF) || h->kind == VUD_CLOSED ||
	    h->kind == VUD_GIVEN_UP)
		return;
	p->refused = true;
	vud_list_add(&u->urgent, &p->urgent, h->from);
}

/* Of a peer that is here. True if the receive is kept. */
static bool take_from_peer(struct vud *u, const struct vud_head *h, size_t len_bytes,
			   uint16_t receive, uint64_t now_ns)
{
	bool group = u->group && h->kind == VUD_GROUP_ACK && len_bytes == sizeof(*h);
	const char *fault = group ? vud_group_heed(u, h, now_ns) : vud_head_check(h, len_bytes);
	bool kept = false;

	if (!fault && !group)
		fault = heed(u, h, now_ns);
	if (fault) {
		cut_off(u, h->from, fault);
		return false;
	}
	if (h->kind == VUD_DATA)
		kept = take_data(u, h, receive, now_ns);
	else if (h->kind == VUD_CLOSED)
		vud_let_go(u, h->from, VUD_HAS_CLOSED, NULL);
	else if (h->kind == VUD_GIVEN_UP)
		vud_let_go(u, h->from, VUD_LEFT_US, NULL);
	vud_time(u, h->from);
	return kept;
}

void vud_take(struct vud *u, uint16_t receive, size_t len_bytes, uint64_t now_ns)
{
	struct vud_peer *p;
	struct vud_head h;
	bool kept;

	if (len_bytes < RG_VERBS_GRH_BYTES + sizeof(h) ||
	    len_bytes > RG_VERBS_GRH_BYTES + u->packet_bytes) {
		u->strays++;
		give_back(u, receive);
		return;
	}
	memcpy(&h, vud_receive_at(u, receive), sizeof(h));
	h = vud_head_wire(h);
	if (vud_group_take(u, &h, len_bytes - RG_VERBS_GRH_BYTES, receive, now_ns, &kept)) {
		if (!kept)
			give_back(u, receive);
		return;
	}
	if (h.from >= u->f.ep.nranks || h.from == u->f.ep.rank ||
	    h.tag != u->peers[h.from].tag_in) {
		u->strays++;
		give_back(u, receive);
		return;
	}
	p = &u->peers[h.from];
	p->heard_ns = now_ns;
	/* The rank would wait for the end of the meeting, in whatever it does: as if lost. */
	if (!p->ah && u->driver == VUD_KEEPER) {
		give_back(u, receive);
		return;
	}
	if (p->fate != VUD_HERE)
		refuse(u, &h);
	else if (take_from_peer(u, &h, len_bytes - RG_VERBS_GRH_BYTES, receive, now_ns))
		return;
	give_back(u, receive);
}

bool vud_receive(struct vud *u, uint64_t now_ns)
{
	struct ibv_wc wc[VUD_BATCH];
	int n = ibv_poll_cq(u->recv_cq, VUD_BATCH, wc);
	struct rg_err err = {0};

	for (int k = 0; k < n && !u->rc; k++) {
		if (wc[k].status == IBV_WC_SUCCESS) {
			vud_take(u, (uint16_t)wc[k].wr_id, wc[k].byte_len, now_ns);
			continue;
		}
		vud_fail_completion(u, &wc[k], u->f.ep.rank);
	}
	if (n < 0) {
		rg_err_set(&err, RG_ERR_SYSTEM, "verbs-ud: %s: its completions cannot be polled",
			   u->device->name);
		vud_fail(u, &err);
	}
	return n > 0;
}

/* --- applying --- */

/* A head, and the data that are coming; NULL, or what is wrong. */
static const char *begin_frame(struct vud *u, uint32_t peer, const uint8_t *data)
{
	struct vud_peer *p = &u->peers[peer];
	struct frame frame;
	const char *fault;
	bool grouped;

	memcpy(&frame, data, sizeof(frame));
	frame = frame_wire(frame);
	grouped = u->group && frame.kind == VUD_FRAME_GROUP;
	if (grouped)
		frame.kind = FRAME_SLOT;
	fault = frame_check(&frame, &u->f.ep.config.geometry);
	if (fault)
		return fault;
	p->to = framed_place(&u->f, peer, &frame, &fault);
	if (fault)
		return fault;
	p->frame = frame;
	p->left = frame.len_bytes;
	p->grouped = grouped && p->left;
	if (!p->left)
		framed_finish(&u->f, peer, &frame);
	return NULL;
}

size_t vud_take_piece(struct vud *u, uint32_t peer, const uint8_t *data, size_t len)
{
	struct vud_peer *p = &u->peers[peer];
	size_t n = len < p->left ? len : (size_t)p->left;

	if (p->to) {
		memcpy(p->to, data, n);
		p->to += n;
	}
	p->left -= n;
	if (!p->left)
		framed_finish(&u->f, peer, &p->frame);
	return n;
}

/* NULL, or what is wrong with the packet; how much of it was taken, which may be for the group. */
static const char *apply(struct vud *u, uint32_t peer, const uint8_t *data, size_t len,
			 size_t *done)
{
	const struct vud_peer *p = &u->peers[peer];

	while (*done < len && !p->grouped) {
		const char *fault;

		if (p->left) {
			*done += vud_take_piece(u, peer, data + *done, len - *done);
		} else if (len - *done < sizeof(struct frame)) {
			return "a packet that ends within a head";
		} else {
			fault = begin_frame(u, peer, data + *done);
			if (fault)
				return fault;
			*done += sizeof(struct frame);
			vud_group_fill(u, peer);
		}
	}
	return NULL;
}

/* A packet of the peer's own stream, from `done` of its data on. */
static void apply_packet(struct vud *u, uint32_t peer, uint16_t receive, size_t done)
{
	const uint8_t *at = vud_receive_at(u, receive);
	const char *fault = NULL;
	struct vud_head h;

	memcpy(&h, at, sizeof(h));
	h = vud_head_wire(h);
	if (u->peers[peer].fate != VUD_CUT_OFF) {
		fault = apply(u, peer, at + sizeof(h), h.len_bytes, &done);
		if (!fault && done < h.len_bytes) {
			vud_group_wait(u, peer, receive, done);
			return;
		}
	}
	vud_keep_no_more(u, receive);
	if (fault)
		cut_off(u, peer, fault);
}

/* Now that the group's data are here. */
static void resume(struct vud *u, uint32_t peer)
{
	for (;;) {
		uint16_t receive;
		size_t done;

		vud_group_fill(u, peer);
		receive = vud_group_resume(u, peer, &done);
		if (receive == VUD_NONE)
			return;
		apply_packet(u, peer, receive, done);
	}
}

bool vud_apply(struct vud *u)
{
	bool any = u->narrived;

	while (u->narrived) {
		struct vud_arrived a = u->arrived[u->first_arrived];
		struct vud_head h;

		u->first_arrived = (u->first_arrived + 1) % u->nreceives;
		u->narrived--;
		memcpy(&h, vud_receive_at(u, a.receive), sizeof(h));
		u->moved |= vud_head_wire(h).len_bytes > 0;
		if (a.group)
			vud_group_arrived(u, a.peer, a.receive);
		else if (u->peers[a.peer].grouped)
			vud_group_wait(u, a.peer, a.receive, 0);
		else
			apply_packet(u, a.peer, a.receive, 0);
		if (u->group)
			resume(u, a.peer);
	}
	return any;
}
