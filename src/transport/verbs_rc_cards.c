/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * verbs-rc: how two ranks are joined. A card has the numbers of the queue pairs that its sender has
 * made for the receiver. It goes as a datagram, since there is no connection yet, and is repeated
 * until its sender knows that it has come. What cards say stays true, so they may come twice, late
 * and in any order; one that does not know this endpoint's nonce is of another job, or of an
 * endpoint before this one.
 */
#include "config.h"

#include "verbs_rc_impl.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/units.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#define RECEIVES_MIN  16u
#define RECEIVES_MAX  512u
#define STRIDE	      256u /* of a card in memory, with room for a GRH in front of it */
#define AGAIN_NS      ((uint64_t)2000000)
#define AGAIN_MAX_NS  ((uint64_t)128000000)
#define AWAY_NS	      ((uint64_t)100000000)
#define LAST_WORDS_NS ((uint64_t)200000000)

enum card_flag {
	CARD_HAVE = 1,	  /* the sender has the receiver's card: it may be sent to */
	CARD_SURE = 2,	  /* it knows that the receiver has its own */
	CARD_CLOSED = 4,  /* its last words */
	CARD_REFUSED = 8, /* it cannot be joined: why */
};

/* In the hosts' byte order, which is one (verbs.h). */
struct card {
	uint8_t nonce[VRC_NONCE_BYTES]; /* the receiver's */
	uint32_t from;			/* rank */
	uint32_t flags;			/* enum card_flag */
	uint32_t psn;			/* of all its queue pairs */
	uint32_t unused;
	union {
		uint32_t qpn[VRC_QPS];
		char why[VRC_QPS * sizeof(uint32_t)]; /* REFUSED */
	};
};
_Static_assert(sizeof(struct card) == 160, "wire layout");
_Static_assert(sizeof(struct card) <= 256, "it goes in one packet of the smallest MTU");
_Static_assert(sizeof(struct card) + RG_VERBS_GRH_BYTES <= STRIDE, "and in its place");

/* Receives first, then what is sent. */
static uint8_t *place_of(const struct vrc *v, uint32_t n)
{
	return v->cards.memory + (size_t)n * STRIDE;
}

static int post_receive(struct vrc *v, uint32_t n)
{
	struct ibv_sge sge = {(uintptr_t)place_of(v, n), STRIDE, v->cards.lkey};
	struct ibv_recv_wr *bad,
		wr = {.wr_id = VRC_WR_CARD | VRC_WR_RECEIVE | n, .sg_list = &sge, .num_sge = 1};

	return ibv_post_recv(v->cards.qp, &wr, &bad);
}

uint32_t vrc_cards_room(const struct vrc *v)
{
	uint32_t n = v->ep.nranks;

	return VRC_CARD_SENDS + (n < RECEIVES_MIN   ? RECEIVES_MIN
				 : n > RECEIVES_MAX ? RECEIVES_MAX
						    : n);
}

int vrc_cards_open(struct vrc *v, struct vrc_ticket *mine, struct rg_err *err)
{
	struct vrc_cards *c = &v->cards;
	uint32_t all = vrc_cards_room(v);
	const struct rg_verbs_queues queues = {
		.send_cq = v->rails[0].cq,
		.recv_cq = v->rails[0].cq,
		.send_depth = VRC_CARD_SENDS,
		.recv_depth = all - VRC_CARD_SENDS,
	};
	const struct vrc_chunk *in;
	uint32_t none;
	int e = 0, rc;

	rc = vrc_memory_take(v, (size_t)all * STRIDE, &c->memory, &in, err);
	if (rc)
		return rc;
	c->lkey = in->mr[0]->lkey;
	rc = rg_verbs_ud_open(v->rails[0].device, &queues, &c->qp, &none, err);
	if (rc)
		return rc;
	for (uint32_t n = 0; n < all - VRC_CARD_SENDS && !e; n++)
		e = post_receive(v, n);
	for (uint32_t n = all - VRC_CARD_SENDS; n < all; n++)
		c->free[c->nfree++] = (uint16_t)n;
	if (e)
		return rg_err_errno(err, e, "verbs: %s port %u: posting receives of datagrams",
				    v->rails[0].device->name, v->rails[0].device->port);
	if (getrandom(mine->nonce, sizeof(mine->nonce), 0) != (ssize_t)sizeof(mine->nonce))
		return rg_err_errno(err, errno, "verbs-rc: getrandom");
	rg_verbs_address_of(v->rails[0].device, c->qp, 0, &mine->datagrams);
	return 0;
}

/* --- sending --- */

/* One that cannot be sent now comes again, if it is one of those that do. */
static void send_card(struct vrc *v, uint32_t peer, uint32_t flags, const char *why)
{
	const struct vrc_ticket *to = &v->tickets[peer];
	struct vrc_cards *c = &v->cards;
	struct vrc_peer *p = &v->peers[peer];
	uint16_t n = c->nfree ? c->free[c->nfree - 1] : 0;
	struct card *card = (struct card *)place_of(v, n);
	struct ibv_sge sge = {(uintptr_t)card, sizeof(*card), c->lkey};
	struct ibv_send_wr *bad, wr = {.wr_id = VRC_WR_CARD | n,
				       .sg_list = &sge,
				       .num_sge = 1,
				       .opcode = IBV_WR_SEND,
				       .send_flags = IBV_SEND_SIGNALED};

	if (!c->nfree || !p->ah)
		return;
	*card = (struct card){.from = v->ep.rank, .flags = flags, .psn = p->psn};
	memcpy(card->nonce, to->nonce, sizeof(card->nonce));
	for (uint32_t k = 0; k < v->nqps && !why && p->used; k++)
		card->qpn[k] = vrc_qp_of(v, peer, k)->qp->qp_num;
	if (why)
		snprintf(card->why, sizeof(card->why), "%.127s", why);
	wr.wr.ud.ah = p->ah;
	wr.wr.ud.remote_qpn = to->datagrams.qpn;
	wr.wr.ud.remote_qkey = to->datagrams.qkey;
	if (!ibv_post_send(c->qp, &wr, &bad))
		c->to[c->free[--c->nfree] - (vrc_cards_room(v) - VRC_CARD_SENDS)] = peer;
}

static void tell(struct vrc *v, uint32_t peer)
{
	const struct vrc_peer *p = &v->peers[peer];

	send_card(v, peer, (p->joined ? CARD_HAVE : 0) | (p->sure ? CARD_SURE : 0), NULL);
}

static int find_way(struct vrc *v, uint32_t peer, struct rg_err *err)
{
	const struct rg_verbs_peer who = {.rank = peer, .node = v->ep.host[peer]};
	struct vrc_peer *p = &v->peers[peer];

	return p->ah ? 0
		     : rg_verbs_ah_open(v->rails[0].device, &v->tickets[peer].datagrams, &who,
					&p->ah, err);
}

/* GIDs may have other indices than when the endpoint was opened, and a port may be back. */
static void look_at_ports(struct vrc *v)
{
	vrc_look_at_events(v);
	for (uint32_t r = 0; r < v->nrails; r++) {
		if (v->rails[r].device->changed)
			(void)rg_verbs_device_ask(v->rails[r].device);
	}
}

/* Queue pairs for the peer, of which it is going to be told until it knows. */
static int begin(struct vrc *v, uint32_t peer, struct rg_err *err)
{
	struct vrc_peer *p = &v->peers[peer];
	int rc;

	look_at_ports(v);
	rc = find_way(v, peer, err);
	if (!rc)
		rc = vrc_qps_open(v, peer, err);
	if (rc)
		return rc;
	p->used = true;
	p->asked_ns = v->waited_ns;
	p->pause_ns = AGAIN_NS;
	p->again_ns = rg_clock_ns() + p->pause_ns;
	v->asking[v->nasking++] = peer;
	return 0;
}

int vrc_ask(struct vrc *v, uint32_t peer, struct rg_err *err)
{
	int rc;

	if (v->peers[peer].used)
		return 0;
	rc = begin(v, peer, err);
	if (!rc)
		tell(v, peer);
	return rc;
}

static void give_up(struct vrc *v, uint32_t peer, uint64_t waited_ns)
{
	const struct rg_verbs_address *a = &v->tickets[peer].datagrams;
	const struct rg_verbs_device *d = v->rails[0].device;
	char text[RG_UNITS_BYTES], mine[RG_VERBS_GID_TEXT_BYTES], theirs[RG_VERBS_GID_TEXT_BYTES];
	struct rg_err why = {0};

	vrc_look_at_events(v);
	v->ep.rails_failed |= v->rails[0].bit;
	rg_err_set(
		&why, RG_ERR_PEER,
		"rank %u (%s) on %.24s port %u (%s) has not answered %s port %u (%s) for %s, which "
		"asked for a connection: it ended or stands still, or there is no way to it%s",
		peer, v->ep.host[peer], a->device, a->port, rg_verbs_gid_text(a->gid, theirs),
		d->name, d->port, rg_verbs_gid_text(d->gid.raw, mine),
		rg_format_time((double)waited_ns, text), d->active ? "" : "; this port is down");
	vrc_fail(v, peer, &why);
}

void vrc_ask_again(struct vrc *v)
{
	uint64_t now = rg_clock_ns(), patience = v->ep.config.timeout_ns / 2;
	uint64_t since = now - v->looked_ns;
	uint32_t kept = 0;

	/* A rank that was away itself has not waited for anybody. */
	v->waited_ns += since < AWAY_NS ? since : 0;
	v->looked_ns = now;
	for (uint32_t n = 0; n < v->nasking; n++) {
		uint32_t peer = v->asking[n];
		struct vrc_peer *p = &v->peers[peer];

		if (!vrc_gone(v, peer) && !p->sure && v->waited_ns - p->asked_ns > patience)
			give_up(v, peer, v->waited_ns - p->asked_ns);
		if (vrc_gone(v, peer) || p->sure)
			continue;
		v->asking[kept++] = peer;
		if (now < p->again_ns)
			continue;
		p->pause_ns = p->pause_ns < AGAIN_MAX_NS ? 2 * p->pause_ns : AGAIN_MAX_NS;
		p->again_ns = now + p->pause_ns;
		tell(v, peer);
	}
	v->nasking = kept;
}

/* --- receiving --- */

static void refuse(struct vrc *v, uint32_t peer, const struct rg_err *why)
{
	vrc_fail(v, peer, why);
	if (!find_way(v, peer, NULL))
		send_card(v, peer, CARD_REFUSED, v->peers[peer].why.text);
}

/* Which of its queue pairs belong to ours: both ends are joined by what was exchanged. */
static void join(struct vrc *v, uint32_t peer, const struct card *card)
{
	struct vrc_peer *p = &v->peers[peer];
	struct rg_err why = {0};
	int rc = p->used ? 0 : begin(v, peer, &why);

	if (!rc)
		rc = vrc_qps_join(v, peer, card->qpn, card->psn, &why);
	p->joined = !rc;
	if (rc)
		refuse(v, peer, &why);
}

static void was_refused(struct vrc *v, uint32_t peer, const struct card *card)
{
	struct rg_err why = {0};

	rg_err_set(&why, RG_ERR_PEER, "rank %u (%s) cannot be connected to: %.*s", peer,
		   v->ep.host[peer], (int)strnlen(card->why, sizeof(card->why)), card->why);
	vrc_fail(v, peer, &why);
}

static void answer(struct vrc *v, uint32_t peer, const struct card *card)
{
	struct vrc_peer *p = &v->peers[peer];

	if (!p->joined && v->parting && !find_way(v, peer, NULL))
		send_card(v, peer, CARD_CLOSED, NULL);
	else if (!p->joined && !v->parting)
		join(v, peer, card);
	if (!p->joined)
		return;
	if (card->flags & CARD_HAVE)
		p->sure = true;
	if (!(card->flags & CARD_SURE))
		tell(v, peer);
}

static void take(struct vrc *v, const struct card *card)
{
	uint32_t peer = card->from;
	struct vrc_peer *p;

	if (peer >= v->ep.nranks || peer == v->ep.rank ||
	    memcmp(card->nonce, v->tickets[v->ep.rank].nonce, sizeof(card->nonce)) != 0)
		return;
	p = &v->peers[peer];
	if (card->flags & CARD_CLOSED)
		p->closed = true;
	else if (card->flags & CARD_REFUSED && !vrc_gone(v, peer))
		was_refused(v, peer, card);
	else if (p->why.code && !(card->flags & CARD_REFUSED))
		send_card(v, peer, CARD_REFUSED, p->why.text);
	if (!vrc_gone(v, peer))
		answer(v, peer, card);
}

static void sent(struct vrc *v, const struct ibv_wc *wc)
{
	struct vrc_cards *c = &v->cards;
	uint16_t n = (uint16_t)wc->wr_id;
	uint32_t peer = c->to[n - (vrc_cards_room(v) - VRC_CARD_SENDS)];
	const struct rg_verbs_peer who = {.rank = peer, .node = v->ep.host[peer]};
	struct rg_err why = {0};

	c->free[c->nfree++] = n;
	if (wc->status == IBV_WC_SUCCESS || vrc_gone(v, peer))
		return;
	vrc_look_at_events(v);
	rg_verbs_completion_error(v->rails[0].device, wc, c->qp, &v->tickets[peer].datagrams, &who,
				  &why);
	vrc_fail(v, peer, &why);
}

void vrc_card(struct vrc *v, const struct ibv_wc *wc)
{
	uint32_t n = (uint16_t)wc->wr_id;

	if (!(wc->wr_id & VRC_WR_RECEIVE)) {
		sent(v, wc);
		return;
	}
	if (wc->status == IBV_WC_SUCCESS &&
	    wc->byte_len == RG_VERBS_GRH_BYTES + sizeof(struct card)) {
		struct card card;

		memcpy(&card, place_of(v, n) + RG_VERBS_GRH_BYTES, sizeof(card));
		take(v, &card);
	}
	if (wc->status == IBV_WC_SUCCESS)
		(void)post_receive(v, n); /* one fewer, if that fails: cards are repeated */
}

/* --- parting --- */

/* To those that are not joined with this rank yet, or may not know it. */
void vrc_cards_part(struct vrc *v)
{
	uint64_t until = rg_clock_ns() + LAST_WORDS_NS;
	bool any = true;

	if (!v->cards.qp)
		return;
	for (uint32_t n = 0; n < v->nasking; n++) {
		if (!vrc_gone(v, v->asking[n]))
			send_card(v, v->asking[n], CARD_CLOSED, NULL);
	}
	while (v->cards.nfree < VRC_CARD_SENDS && !vrc_poll(v, &any, NULL) && rg_clock_ns() < until)
		;
}
