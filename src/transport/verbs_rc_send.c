/* SPDX-License-Identifier: BSD-3-Clause */
/* verbs-rc: puts and signals become work requests. See verbs_rc_impl.h. */
#include "config.h"

#include "verbs_rc_post.h"

#include <arpa/inet.h>
#include <string.h>

/* Of READY, whose message was put where the peer wants it. */
static uint32_t placed(const struct vrc_link *l, uint32_t ctr)
{
	return l->to && ctr == RG_CTR_READY ? VRC_PLACED : 0;
}

static uint32_t next_imm(struct vrc_link *l, uint32_t ctr, uint64_t value)
{
	uint32_t imm = vrc_imm_pack(l->channel, ctr, l->sent++, value);

	if (ctr != VRC_NOTHING)
		l->value[ctr] = value;
	return htonl(imm | placed(l, ctr));
}

/* The same for a write, which takes credit along with READY. */
static inline uint32_t next_write_imm(struct vrc_link *l, uint32_t ctr, uint64_t value)
{
	struct vrc_both before = {l->value[RG_CTR_READY], l->value[RG_CTR_FREE]};
	struct vrc_both now = {value, l->credit};

	if (ctr != RG_CTR_READY || !l->credit || !vrc_imm_tells_both(&before, &now))
		return next_imm(l, ctr, value);
	l->value[RG_CTR_READY] = now.ready;
	l->value[RG_CTR_FREE] = now.free;
	l->credit = 0;
	return htonl(vrc_imm_pack(l->channel, VRC_READY_FREE, l->sent++, vrc_imm_join(&now)) |
		     placed(l, ctr));
}

/* A write of nothing, with immediate data. */
static void append_imm(struct vrc *v, struct vrc_link *l, uint32_t k, uint32_t ctr, uint64_t value)
{
	struct vrc_qp *q = vrc_qp_of(v, l->peer, k);
	struct ibv_send_wr *wr = vrc_draft(v, q);

	wr->opcode = IBV_WR_RDMA_WRITE_WITH_IMM;
	wr->wr.rdma.remote_addr = l->at;
	wr->wr.rdma.rkey = l->rkey[q->rail];
	wr->imm_data = next_write_imm(l, ctr, value);
	l->open &= ~(1u << k);
	vrc_append(v, q, 0, false);
}

void vrc_append_message(struct vrc *v, struct vrc_link *l, const struct vrc_message *m,
			uint32_t ctr, uint64_t value)
{
	uint32_t home = vrc_home(v, l);
	struct vrc_qp *q = vrc_qp_of(v, l->peer, home);
	struct ibv_send_wr *wr = vrc_draft(v, q);
	struct vrc_message *cell = vrc_cell(v, q);

	*cell = *m;
	wr->opcode = IBV_WR_SEND_WITH_IMM;
	wr->imm_data = next_imm(l, ctr, value);
	wr->sg_list[0] = (struct ibv_sge){(uintptr_t)cell, sizeof(*cell), q->lkey};
	wr->num_sge = 1;
	l->open &= ~(1u << home);
	vrc_append(v, q, sizeof(*cell), false);
}

/* The value of a counter, whole. */
static void append_value(struct vrc *v, struct vrc_link *l, uint32_t ctr, uint64_t value)
{
	const struct vrc_message m = {.kind = VRC_VALUE, .value = value};

	vrc_append_message(v, l, &m, ctr, value);
}

/* The counter itself, behind the data on the only queue pair. */
static void append_counter(struct vrc *v, struct vrc_link *l, uint32_t ctr, uint64_t value)
{
	struct vrc_qp *q = vrc_qp_of(v, l->peer, 0);
	struct ibv_send_wr *wr = vrc_draft(v, q);
	struct vrc_message *m = vrc_cell(v, q);

	m->value = value;
	wr->opcode = IBV_WR_RDMA_WRITE;
	wr->wr.rdma.remote_addr = l->at + ctr * sizeof(struct rg_counter);
	wr->wr.rdma.rkey = l->rkey[q->rail];
	wr->sg_list[0] = (struct ibv_sge){(uintptr_t)&m->value, sizeof(m->value), q->lkey};
	wr->num_sge = 1;
	vrc_append(v, q, sizeof(m->value), false);
}

int vrc_notify(struct vrc *v, struct vrc_link *l, uint32_t ctr, uint64_t value)
{
	uint32_t home = vrc_home(v, l);
	struct vrc_qp *q = vrc_qp_of(v, l->peer, home);

	if (v->options.notify == RG_VERBS_WRITE_COUNTER) {
		if (!vrc_has_room(v, q))
			return 1;
		append_counter(v, l, ctr, value);
		return 0;
	}
	for (uint32_t k = 0; l->open & ~(1u << home); k++) {
		if (k == home || !(l->open & 1u << k))
			continue;
		if (!vrc_is_within_window(v, l) || !vrc_has_room(v, vrc_qp_of(v, l->peer, k)))
			return 1;
		append_imm(v, l, k, VRC_NOTHING, 0);
	}
	if (!vrc_is_within_window(v, l) || !vrc_has_room(v, q))
		return 1;
	if (v->options.notify == RG_VERBS_SEND || !vrc_imm_tells(l->value[ctr], value))
		append_value(v, l, ctr, value);
	else
		append_imm(v, l, home, ctr, value);
	return 0;
}

/* --- data --- */

/* How a put is cut: all pieces are alike but the last, and go to queue pairs in turn. */
static uint64_t piece_bytes(const struct vrc *v, const struct rg_put *put)
{
	uint64_t each;

	if (put->region != RG_REGION_WINDOW && v->options.notify == RG_VERBS_SEND)
		return VRC_PAYLOAD_BYTES;
	if (v->nqps == 1 || put->len_bytes <= VRC_STRIPE_BYTES) /* most are, and divide nothing */
		return VRC_PIECE_BYTES;
	each = (put->len_bytes / v->nqps + 4095) & ~(uint64_t)4095;
	if (each >= VRC_PIECE_BYTES)
		return VRC_PIECE_BYTES;
	return each > VRC_STRIPE_BYTES ? each : VRC_STRIPE_BYTES;
}

/* What a piece is sent from, and what is given back when it has been. */
struct source {
	struct ibv_sge sge;
	struct ibv_mr *lent;
	uint8_t stage; /* plus 1 */
};

/* Where the device reads it: the shadow, or a staging piece. False if there is none. */
static inline bool copy(struct vrc *v, struct vrc_link *l, const struct rg_put *put,
			const uint8_t *from, struct source *s)
{
	uint8_t *to;

	if (put->region == RG_REGION_WINDOW) {
		if (!v->nfree_stages)
			return false;
		s->stage = (uint8_t)(v->free_stages[--v->nfree_stages] + 1);
		to = v->stages + (s->stage - 1) * VRC_PIECE_BYTES;
	} else {
		to = put->region == RG_REGION_SLOT ? l->base.tx_shadow : l->shadow;
		to += put->offset + l->done_bytes;
	}
	if (to != from) /* else it was made there */
		memcpy(to, from, s->sge.length);
	s->sge.addr = (uintptr_t)to;
	return true;
}

/* The next len_bytes of a put, straight from where they lie or copied. False: not now. */
static inline bool find_source(struct vrc *v, struct vrc_link *l, const struct rg_put *put,
			       uint64_t len_bytes, const struct vrc_qp *q, struct source *s)
{
	const struct vrc_chunk *in = put->region == RG_REGION_WINDOW ? v->stages_in : l->chunk;
	const uint8_t *from = (const uint8_t *)put->src + l->done_bytes;

	*s = (struct source){
		.lent = put->lasting ? vrc_lent_of(v, q, put, from, len_bytes) : NULL,
		.sge = {(uintptr_t)from, (uint32_t)len_bytes, in->mr[q->rail]->lkey},
	};
	if (!s->lent)
		return copy(v, l, put, from, s);
	s->sge.lkey = s->lent->lkey;
	return true;
}

/* Appends a draft that sends so many bytes, those of the source among them. */
static inline void append(struct vrc *v, struct vrc_qp *q, const struct source *s,
			  uint64_t len_bytes)
{
	bool held = s->stage || s->lent;

	if (held) {
		q->stage[vrc_entry(v, q->head)] = s->stage;
		q->lent[vrc_entry(v, q->head)] = s->lent;
		v->nlent += s->lent != NULL;
	}
	vrc_append(v, q, len_bytes, held);
}

static inline uint64_t remote_address(const struct vrc *v, const struct vrc_link *l,
				      const struct rg_put *put, const struct vrc_qp *q,
				      uint32_t *rkey_out)
{
	const uint8_t *ring; /* here; the peer's lies alike */

	if (put->region == RG_REGION_WINDOW) {
		const struct vrc_window *w = (const struct vrc_window *)put->window;

		*rkey_out = w->at[l->peer].rkey[q->rail];
		return w->at[l->peer].address + put->offset + l->done_bytes;
	}
	if (l->to) {
		*rkey_out = l->to->rkey[q->rail];
		return l->to->at + l->done_bytes;
	}
	*rkey_out = l->rkey[q->rail];
	ring = put->region == RG_REGION_SLOT ? l->base.rx_slots : (uint8_t *)l->base.rx_ll;
	return l->at + (uint64_t)(ring - l->rx) + put->offset + l->done_bytes;
}

enum step { STEP_NO_ROOM, STEP_TAKEN, STEP_TOLD };

/* One write, with a notification if it closes. */
static inline enum step write_piece(struct vrc *v, struct vrc_link *l, const struct rg_put *put,
				    uint64_t n, uint32_t k, bool closes, uint32_t ctr)
{
	struct vrc_qp *q = vrc_qp_of(v, l->peer, k);
	struct ibv_send_wr *wr;
	struct source source;

	if (!vrc_has_room(v, q) || (closes && !vrc_is_within_window(v, l)) ||
	    !find_source(v, l, put, n, q, &source))
		return STEP_NO_ROOM;
	wr = vrc_draft(v, q);
	wr->sg_list[0] = source.sge;
	wr->num_sge = 1;
	wr->opcode = closes ? IBV_WR_RDMA_WRITE_WITH_IMM : IBV_WR_RDMA_WRITE;
	wr->wr.rdma.remote_addr = remote_address(v, l, put, q, &wr->wr.rdma.rkey);
	l->done_bytes += n;
	if (closes) {
		wr->imm_data = next_write_imm(l, ctr, put->value);
		l->open &= ~(1u << k);
	} else {
		l->open |= 1u << k;
	}
	append(v, q, &source, n);
	return closes && ctr != VRC_NOTHING ? STEP_TOLD : STEP_TAKEN;
}

/* One message with data; the last one with the counter. */
static enum step send_piece(struct vrc *v, struct vrc_link *l, const struct rg_put *put, uint64_t n,
			    uint32_t k, uint32_t ctr)
{
	struct vrc_qp *q = vrc_qp_of(v, l->peer, k);
	struct vrc_message *m;
	struct ibv_send_wr *wr;
	struct source source;

	if (!vrc_has_room(v, q) || !vrc_is_within_window(v, l) ||
	    !find_source(v, l, put, n, q, &source))
		return STEP_NO_ROOM;
	wr = vrc_draft(v, q);
	m = vrc_cell(v, q);
	*m = (struct vrc_message){
		.kind = put->region == RG_REGION_LL ? VRC_LL : VRC_SLOT,
		.at = put->offset + l->done_bytes,
		.value = put->value,
		.len_bytes = (uint32_t)n,
	};
	wr->opcode = IBV_WR_SEND_WITH_IMM;
	wr->imm_data = next_imm(l, ctr, put->value);
	wr->sg_list[0] = (struct ibv_sge){(uintptr_t)m, sizeof(*m), q->lkey};
	wr->sg_list[1] = source.sge;
	wr->num_sge = 2;
	l->done_bytes += n;
	append(v, q, &source, sizeof(*m) + n);
	return ctr != VRC_NOTHING ? STEP_TOLD : STEP_TAKEN;
}

/*
 * The next piece of a put. Pieces are dealt so that the last one is at home: its notification can
 * then be that of the put. Those that are the last on other queue pairs close these.
 */
static enum step put_piece(struct vrc *v, struct vrc_link *l, const struct rg_put *put)
{
	uint64_t each = piece_bytes(v, put), left = put->len_bytes - l->done_bytes;
	uint64_t n = left < each ? left : each;
	uint64_t after = left > n ? (left - n + each - 1) / each : 0;
	uint32_t home = vrc_home(v, l), k = after ? (uint32_t)((home + after) % v->nqps) : home;
	uint32_t ctr = put->notify && !after ? (uint32_t)put->ctr : VRC_NOTHING;
	bool joins;

	if (v->options.notify == RG_VERBS_SEND && put->region != RG_REGION_WINDOW)
		return send_piece(v, l, put, n, k, ctr);
	joins = put->notify && v->options.notify == RG_VERBS_WRITE_IMM;
	if (!after) /* the only open one, and with a value that its bits can tell */
		joins &= !(l->open & ~(1u << k)) && vrc_imm_tells(l->value[put->ctr], put->value);
	else
		joins &= after < v->nqps;
	return write_piece(v, l, put, n, k, joins, ctr);
}

/* Is it one write from its beginning, that carries its notification? Most are. */
static inline bool is_short(const struct vrc *v, const struct vrc_link *l, const struct rg_put *put)
{
	return put->notify && v->options.notify == RG_VERBS_WRITE_IMM && put->len_bytes &&
	       put->len_bytes <= VRC_STRIPE_BYTES && !l->done_bytes && !l->open &&
	       vrc_imm_tells(l->value[put->ctr], put->value);
}

static int put_pieces(struct vrc *v, struct vrc_link *l, const struct rg_put *put)
{
	enum step step = STEP_TAKEN;

	if (is_short(v, l, put))
		return write_piece(v, l, put, put->len_bytes, vrc_home(v, l), true, put->ctr) ==
		       STEP_NO_ROOM;
	while (l->done_bytes < put->len_bytes) {
		step = put_piece(v, l, put);
		if (step == STEP_NO_ROOM)
			return 1;
	}
	if (!put->notify || step == STEP_TOLD)
		return 0;
	return vrc_notify(v, l, put->ctr, put->value);
}

static int put_all(struct vrc *v, struct vrc_link *l, const struct rg_put *put)
{
	int rc = put_pieces(v, l, put);

	if (!rc && l->order.next - l->acked >= v->window / 4)
		vrc_ack(v, l);
	return rc;
}

/* What the peer wants may be told in what has come by now. */
static int start(struct vrc *v, struct vrc_link *l, const struct rg_put *put, struct rg_err *err)
{
	bool any = false;
	int rc = 0;

	l->done_bytes = 0;
	if (l->nfresh)
		(void)vrc_tell_places(v, l);
	if (put->len_bytes >= v->ep.post_bytes && l->told_places && !vrc_place_of(v, l, put))
		rc = vrc_poll(v, &any, err);
	l->to = l->told_places ? vrc_place_of(v, l, put) : NULL;
	return rc;
}

static int put_to_peer(struct vrc *v, struct vrc_link *l, const struct rg_put *put,
		       struct rg_err *err)
{
	int rc = 0;

	if (l->at && !l->going && !vrc_gone(v, l->peer))
		rc = start(v, l, put, err);
	if (rc)
		return rc;
	if (vrc_gone(v, l->peer)) {
		l->going = false;
		l->to = NULL;
		return 0;
	}
	if (!l->at || (l->going && !rg_put_is_same(put, &l->put)))
		return 1;
	rc = put_all(v, l, put);
	l->going = rc == 1;
	if (l->going)
		l->put = *put;
	else
		l->to = NULL;
	return rc;
}

/* This rank's own link: the ring is here. */
static void put_to_self(struct vrc *v, struct rg_link *l, const struct rg_put *put)
{
	uint8_t *to = put->region == RG_REGION_SLOT ? l->rx_slots
		      : put->region == RG_REGION_LL ? (uint8_t *)l->rx_ll
						    : put->window->remote[v->ep.rank];

	memcpy(to + put->offset, put->src, put->len_bytes);
	if (put->notify)
		atomic_store_explicit(&l->rx[put->ctr].value, put->value, memory_order_release);
}

int vrc_put(struct rg_endpoint *ep, const struct rg_put *put, struct rg_err *err)
{
	struct rg_link *l = rg_endpoint_connected(ep, put->peer, put->channel, err);
	struct vrc *v = (struct vrc *)ep;
	int rc;

	if (!l)
		return RG_ERR_INVALID;
	if (put->region == RG_REGION_WINDOW && !put->window->remote_bytes[put->peer])
		return rg_err_set(err, RG_ERR_INVALID, "the window of rank %u is not mapped",
				  put->peer);
	rc = rg_put_check(ep, put, err);
	if (rc)
		return rc;
	if (put->peer != ep->rank)
		return put_to_peer(v, (struct vrc_link *)l, put, err);
	put_to_self(v, l, put);
	return 0;
}

int vrc_signal(struct rg_endpoint *ep, uint32_t peer, uint32_t channel, enum rg_ctr ctr,
	       uint64_t value, struct rg_err *err)
{
	struct rg_link *base = rg_endpoint_connected(ep, peer, channel, err);
	struct vrc_link *l = (struct vrc_link *)base;
	struct vrc *v = (struct vrc *)ep;

	if (!l)
		return RG_ERR_INVALID;
	if (peer == ep->rank) {
		atomic_store_explicit(&base->rx[ctr].value, value, memory_order_release);
		return 0;
	}
	if (vrc_gone(v, peer))
		return 0;
	if (!l->at)
		return 1;
	if (ctr != RG_CTR_FREE || v->options.notify != RG_VERBS_WRITE_IMM) {
		/* Signals of a link stay in their order. */
		if (l->credit && vrc_notify(v, l, RG_CTR_FREE, l->credit))
			return 1;
		l->credit = 0;
		return vrc_notify(v, l, ctr, value);
	}
	l->credit = value;
	vrc_tell_later(v, l);
	return 0;
}
