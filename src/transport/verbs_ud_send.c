/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * verbs-ud: sending. Frames gather in the peer's open packet; packets that are full, or flushed, go
 * to the peer's flow, which says when they are sent, and from there into the send queue.
 */
#include "config.h"

#include "verbs_ud_impl.h"

#include "railgauge/base/clock.h"

#include <string.h>

/* --- the pool and the send queue --- */

static void put_back(struct vud *u, uint16_t id)
{
	uint32_t other = id >= u->ndata;

	u->free[other][u->nfree[other]++] = id;
}

void vud_release(struct vud *u, const uint16_t *ids, uint32_t n)
{
	for (uint32_t k = 0; k < n; k++) {
		if (!--u->packets[ids[k]].wanted && !u->packets[ids[k]].posted)
			put_back(u, ids[k]);
	}
}

void vud_post(struct vud *u)
{
	struct ibv_send_wr *bad;
	struct rg_err err = {0};
	int e;

	if (u->head == u->posted)
		return;
	u->wr[u->head - u->posted - 1].next = NULL;
	e = u->rc ? 0 : ibv_post_send(u->qp, u->wr, &bad);
	u->posted = u->head;
	if (e) {
		rg_err_errno(&err, e, "verbs-ud: %s port %u: posting sends", u->device->name,
			     u->device->port);
		vud_fail(u, &err);
	}
}

void vud_enqueue(struct vud *u, uint32_t peer, uint16_t id)
{
	const struct rg_verbs_address *to = &u->addresses[peer].verbs;
	bool group = peer == u->f.ep.rank;
	uint32_t k = (uint32_t)(u->head - u->posted), len = u->packets[id].len_bytes;
	bool tells = ++u->quiet >= u->moderation || u->head - u->tail + 1 == u->depth;

	u->sge[k] = (struct ibv_sge){(uintptr_t)vud_packet_at(u, id), len, u->mr->lkey};
	u->wr[k] = (struct ibv_send_wr){
		.wr_id = u->head,
		.sg_list = &u->sge[k],
		.num_sge = 1,
		.opcode = IBV_WR_SEND,
		.send_flags = (tells ? IBV_SEND_SIGNALED : 0u) |
			      (len <= u->inline_bytes ? IBV_SEND_INLINE : 0u),
		.wr.ud = {u->peers[peer].ah, to->qpn, to->qkey},
	};
	if (group) {
		u->wr[k].wr.ud.ah = u->group->way->ah;
		u->wr[k].wr.ud.remote_qpn = RG_VERBS_GROUP_QPN;
	}
	if (k)
		u->wr[k - 1].next = &u->wr[k];
	if (tells)
		u->quiet = 0;
	u->queued[u->head++ % u->depth] = (struct vud_queued){.peer = peer, .packet = id};
	u->packets[id].posted++;
	if (k + 1 == VUD_BATCH)
		vud_post(u);
}

/* Completions are in order: that of one request is that of all before it as well. */
bool vud_sent(struct vud *u)
{
	struct ibv_wc wc[VUD_BATCH];
	int n = u->head == u->tail ? 0 : ibv_poll_cq(u->send_cq, VUD_BATCH, wc);
	struct rg_err err = {0};

	for (int k = 0; k < n; k++) {
		if (wc[k].status != IBV_WC_SUCCESS) {
			vud_fail_completion(u, &wc[k], u->queued[wc[k].wr_id % u->depth].peer);
			return true;
		}
		while (u->tail <= wc[k].wr_id) {
			uint16_t id = u->queued[u->tail++ % u->depth].packet;

			if (!--u->packets[id].posted && !u->packets[id].wanted)
				put_back(u, id);
		}
	}
	if (n < 0) {
		rg_err_set(&err, RG_ERR_SYSTEM, "verbs-ud: %s: its completions cannot be polled",
			   u->device->name);
		vud_fail(u, &err);
	}
	return n > 0;
}

/* With what is acknowledged of the flow. */
static void write_head(struct vud *u, uint32_t peer, uint16_t id, struct vud_head head,
		       struct ud_flow *flow, uint64_t now_ns)
{
	struct vud_peer *p = &u->peers[peer];
	struct ud_flow_ack ack = ud_flow_tell(flow, now_ns);

	head.tag = p->tag_out;
	head.from = u->f.ep.rank;
	head.len_bytes = (uint16_t)(u->packets[id].len_bytes - sizeof(head));
	head.next = ack.next;
	head.early = ack.early;
	head.flags |= ack.late ? VUD_LATE : 0;
	head = vud_head_wire(head);
	memcpy(vud_packet_at(u, id), &head, sizeof(head));
}

bool vud_tell(struct vud *u, uint32_t peer, enum vud_kind kind, uint64_t now_ns)
{
	struct ud_flow *flow = &u->peers[peer].flow;
	uint16_t id;

	if (!u->nfree[1] || !vud_has_place(u))
		return false;
	if (kind == VUD_GROUP_ACK)
		flow = &vud_member_of(u, peer)->flow;
	id = u->free[1][--u->nfree[1]];
	u->packets[id].len_bytes = sizeof(struct vud_head);
	write_head(u, peer, id, (struct vud_head){.kind = (uint8_t)kind}, flow, now_ns);
	vud_enqueue(u, peer, id);
	vud_time(u, peer);
	return true;
}

/* --- a peer's packets --- */

/*
 * A packet that is sent again while its last transmission may still be on its way to the device is
 * not written to: what was acknowledged then is acknowledged once more.
 */
static void send_allowed(struct vud *u, uint32_t peer, uint64_t now_ns)
{
	struct vud_peer *p = &u->peers[peer];

	while (ud_flow_may_send(&p->flow) && vud_has_place(u)) {
		struct ud_flow_packet out = ud_flow_send(&p->flow, &u->flow, now_ns);
		struct vud_head head = {
			.number = out.number, .kind = VUD_DATA, .flags = out.ask ? VUD_ASK : 0};

		if (!u->packets[out.id].posted)
			write_head(u, peer, out.id, head, &p->flow, now_ns);
		vud_enqueue(u, peer, out.id);
	}
	vud_time(u, peer);
}

static bool open_packet(struct vud *u, uint32_t peer)
{
	struct vud_peer *p = &u->peers[peer];

	if (!ud_flow_has_room(&p->flow) || !u->nfree[0])
		return false;
	p->open = u->free[0][--u->nfree[0]];
	u->packets[p->open].len_bytes = sizeof(struct vud_head);
	u->packets[p->open].wanted = 1;
	vud_list_add(&u->dirty, &p->dirty, peer);
	return true;
}

static void close_packet(struct vud_peer *p)
{
	ud_flow_add(&p->flow, p->open);
	p->open = VUD_NONE;
}

/* Bytes that go into the open packet, at least as many as asked for; 0: not now. */
static uint32_t make_room(struct vud *u, uint32_t peer, uint32_t least)
{
	struct vud_peer *p = &u->peers[peer];

	if (p->open != VUD_NONE && u->packet_bytes - u->packets[p->open].len_bytes < least) {
		close_packet(p);
		send_allowed(u, peer, rg_clock_ns());
	}
	if (p->open == VUD_NONE && !open_packet(u, peer))
		return 0;
	return u->packet_bytes - u->packets[p->open].len_bytes;
}

static void append(struct vud *u, const struct vud_peer *p, const void *data, uint32_t len)
{
	struct vud_packet *packet = &u->packets[p->open];

	memcpy(vud_packet_at(u, p->open) + packet->len_bytes, data, len);
	packet->len_bytes = (uint16_t)(packet->len_bytes + len);
}

bool vud_append_head(struct vud *u, uint32_t peer, const struct frame *frame)
{
	const struct frame wire = frame_wire(*frame);

	if (!make_room(u, peer, sizeof(wire)))
		return false;
	append(u, &u->peers[peer], &wire, sizeof(wire));
	return true;
}

void vud_ask(struct vud *u, uint32_t peer)
{
	if (u->peers[peer].open == VUD_NONE && open_packet(u, peer))
		close_packet(&u->peers[peer]);
}

/* --- members of the row --- */

int vud_put_to_peer(struct vud *u, const struct rg_put *put)
{
	struct vud_peer *p = &u->peers[put->peer];
	struct frame frame = frame_of_put(put);

	if (p->fate != VUD_HERE)
		return 0;
	if (p->pending && !rg_put_is_same(put, &p->put))
		return 1;
	if (!p->pending) {
		if (!vud_append_head(u, put->peer, &frame))
			return 1;
		p->put = *put;
		p->done_bytes = 0;
	}
	p->pending = true;
	while (p->done_bytes < put->len_bytes) {
		uint64_t left = put->len_bytes - p->done_bytes;
		uint32_t n = make_room(u, put->peer, 1);

		if (!n)
			return 1;
		n = n < left ? n : (uint32_t)left;
		append(u, p, (const uint8_t *)put->src + p->done_bytes, n);
		p->done_bytes += n;
	}
	p->pending = false;
	return 0;
}

int vud_put(struct rg_endpoint *ep, const struct rg_put *put, struct rg_err *err)
{
	struct vud *u = (struct vud *)ep;
	int rc = framed_check_put(&u->f, put, err);

	if (rc)
		return rc;
	if (put->peer == ep->rank) {
		framed_put_to_self(&u->f, put);
		return 0;
	}
	vud_enter(u);
	rc = u->rc ? 1 : vud_put_to_peer(u, put);
	vud_leave(u);
	return rc;
}

int vud_signal(struct rg_endpoint *ep, uint32_t peer, uint32_t channel, enum rg_ctr ctr,
	       uint64_t value, struct rg_err *err)
{
	const struct frame frame = frame_of_signal(channel, ctr, value);
	struct vud *u = (struct vud *)ep;
	int rc = 0;

	if (!rg_endpoint_connected(ep, peer, channel, err))
		return RG_ERR_INVALID;
	if (peer == ep->rank) {
		framed_signal_to_self(&u->f, channel, ctr, value);
		return 0;
	}
	vud_enter(u);
	if (u->rc)
		rc = 1;
	else if (u->peers[peer].fate == VUD_HERE)
		rc = u->peers[peer].pending || !vud_append_head(u, peer, &frame);
	vud_leave(u);
	return rc;
}

/* True if the peer has nothing left. */
static bool flush_peer(struct vud *u, uint32_t peer, uint64_t now_ns)
{
	struct vud_peer *p = &u->peers[peer];

	if (p->fate != VUD_HERE)
		return true;
	send_allowed(u, peer, now_ns);
	/* While nothing may be sent more may come into the open one. */
	if (p->open != VUD_NONE && ud_flow_is_open(&p->flow) && vud_has_place(u)) {
		close_packet(p);
		send_allowed(u, peer, now_ns);
	}
	return p->open == VUD_NONE && !ud_flow_has_unsent(&p->flow);
}

bool vud_flush(struct vud *u, uint64_t now_ns)
{
	uint32_t kept = 0;
	bool all;

	for (uint32_t k = 0; k < u->dirty.n; k++) {
		uint32_t peer = u->dirty.peers[k];

		u->peers[peer].dirty = !flush_peer(u, peer, now_ns);
		if (u->peers[peer].dirty)
			u->dirty.peers[kept++] = peer;
	}
	u->dirty.n = kept;
	all = vud_group_flush(u, now_ns);
	vud_post(u);
	return all && !kept;
}
