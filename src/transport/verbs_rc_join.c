/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * verbs-rc: what a rank has of each device, and what a connection adds to it: queue pairs, the
 * receives that its peer may use up, and room for completions.
 */
#include "config.h"

#include "verbs_rc_post.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/mem.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#define ROOM_AT_FIRST 16384u /* for completions of sends */

/* --- rails --- */

static uint32_t least(uint64_t a, uint64_t b)
{
	return (uint32_t)(a < b ? a : b);
}

static int open_queues(struct vrc *v, struct vrc_rail *rail, uint32_t cards, struct rg_err *err)
{
	struct ibv_srq_init_attr attr = {.attr = {.max_wr = v->nreceives, .max_sge = 1}};
	uint64_t sends = (uint64_t)(v->ep.nranks - 1) * (uint64_t)v->options.qps * v->depth;
	int e, rc;

	rail->others = v->nreceives + cards;
	rail->room = least(sends, ROOM_AT_FIRST);
	if (rail->room + rail->others > rail->device->max_cqes)
		rail->room = rail->device->max_cqes - rail->others;
	rc = rg_verbs_cq_open(rail->device, rail->others + rail->room, &rail->cq, err);
	if (rc)
		return rc;
	rail->srq = ibv_create_srq(rail->device->pd, &attr);
	e = errno;
	if (!rail->srq)
		return rg_err_errno(err, e, "verbs: %s port %u: a shared receive queue of %u",
				    rail->device->name, rail->device->port, v->nreceives);
	return 0;
}

int vrc_rail_open(struct vrc *v, struct vrc_rail *rail, struct rg_err *err)
{
	uint32_t nqps = (v->ep.nranks - 1) * (uint32_t)v->options.qps, size = 2;
	uint32_t cards = rail == v->rails ? vrc_cards_room(v) : 0;
	int rc;

	while (size < 2 * nqps)
		size *= 2;
	rail->mask = size - 1;
	rail->qp_of = rg_zalloc(size, sizeof(rail->qp_of[0]));
	rail->back = rg_zalloc(v->nreceives, sizeof(rail->back[0]));
	rail->receives = rg_zalloc(v->nreceives, sizeof(rail->receives[0]));
	if (!rail->qp_of || !rail->back || !rail->receives)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for %u queue pairs", nqps);
	rc = open_queues(v, rail, cards, err);
	return rc ? rc : vrc_receives_add(v, rail, VRC_REPOSTED + VRC_POLLED, err);
}

/* Room for the completions of so many sends more: all that is under way may fail at once. */
static int make_room(struct vrc *v, struct vrc_rail *rail, uint32_t more, struct rg_err *err)
{
	uint32_t need = rail->used + more, room = rail->room;
	int rc = 0;

	while (room < need)
		room = room ? 2 * room : need;
	if (room + rail->others > rail->device->max_cqes)
		room = rail->device->max_cqes - rail->others;
	if (room < need)
		return rg_err_set(
			err, RG_ERR_LIMIT,
			"verbs-rc: --verbs.depth %u and --verbs.qps %d for one peer more, "
			"with %u for others and %u receives: a completion queue of %s holds "
			"%u (a smaller depth, or fewer queue pairs)",
			v->depth, (int)v->options.qps, rail->used, rail->others, rail->device->name,
			rail->device->max_cqes);
	if (room > rail->room)
		rc = rg_verbs_cq_resize(rail->device, rail->cq, room + rail->others, err);
	if (rc)
		return rc;
	rail->room = room;
	rail->used = need;
	return 0;
}

/* --- queue pairs --- */

static int make_ring(struct vrc *v, struct vrc_qp *q, struct rg_err *err)
{
	q->wr = rg_zalloc(v->ring, sizeof(q->wr[0]));
	q->sge = rg_zalloc(2 * (size_t)v->ring, sizeof(q->sge[0]));
	q->stage = rg_zalloc(v->ring, sizeof(q->stage[0]));
	q->lent = rg_zalloc(v->ring, sizeof(q->lent[0]));
	if (!q->wr || !q->sge || !q->stage || !q->lent)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for a queue of %u", v->depth);
	for (uint32_t n = 0; n < v->ring; n++) {
		q->wr[n].next = &q->wr[vrc_entry(v, n + 1)];
		q->wr[n].sg_list = &q->sge[2 * n];
	}
	return 0;
}

static void note_qp(struct vrc *v, struct vrc_rail *rail, const struct vrc_qp *q)
{
	uint32_t k = VRC_HASH(q->qp->qp_num);

	while (rail->qp_of[k & rail->mask])
		k++;
	rail->qp_of[k & rail->mask] = (uint32_t)(q - v->qps) + 1;
}

static int open_qp(struct vrc *v, struct vrc_qp *q, struct rg_err *err)
{
	struct vrc_rail *rail = &v->rails[q->rail];
	const struct rg_verbs_queues queues = {
		.send_cq = rail->cq,
		.recv_cq = rail->cq,
		.srq = rail->srq,
		.send_depth = v->depth,
		.sge = 2,
		.inline_bytes = v->inline_bytes,
	};
	int rc = make_room(v, rail, v->depth, err);

	if (rc)
		return rc;
	rc = rg_verbs_rc_open(rail->device, &queues, &q->qp, err);
	if (rc)
		rail->used -= v->depth;
	return rc;
}

static void close_qp(struct vrc *v, struct vrc_qp *q)
{
	if (q->qp) {
		ibv_destroy_qp(q->qp);
		v->rails[q->rail].used -= v->depth;
	}
	rg_free(q->wr);
	rg_free(q->sge);
	rg_free(q->stage);
	rg_free(q->lent);
	*q = (struct vrc_qp){0};
}

void vrc_qps_close(struct vrc *v, uint32_t peer)
{
	for (uint32_t k = 0; k < v->nqps; k++)
		close_qp(v, vrc_qp_of(v, peer, k));
}

static int open_all(struct vrc *v, uint32_t peer, uint8_t *cells, const struct vrc_chunk *in,
		    struct rg_err *err)
{
	int rc = 0;

	for (uint32_t k = 0; k < v->nqps && !rc; k++) {
		struct vrc_qp *q = vrc_qp_of(v, peer, k);

		q->peer = peer;
		q->rail = k % v->nrails;
		q->cells = (struct vrc_message *)cells + (size_t)k * v->ring;
		q->lkey = in->mr[q->rail]->lkey;
		rc = make_ring(v, q, err);
		if (!rc)
			rc = open_qp(v, q, err);
	}
	return rc;
}

int vrc_qps_open(struct vrc *v, uint32_t peer, struct rg_err *err)
{
	size_t cells_bytes = (size_t)v->nqps * v->ring * VRC_MESSAGE_BYTES;
	struct vrc_peer *p = &v->peers[peer];
	const struct vrc_chunk *in;
	uint8_t *cells;
	int rc;

	if (getrandom(&p->psn, sizeof(p->psn), GRND_NONBLOCK) != (ssize_t)sizeof(p->psn))
		p->psn = (uint32_t)rg_clock_ns();
	p->psn &= 0xffffff;
	rc = vrc_memory_take(v, cells_bytes, &cells, &in, err);
	if (!rc)
		rc = open_all(v, peer, cells, in, err);
	for (uint32_t r = 0; r < v->nrails && !rc; r++)
		rc = vrc_receives_add(v, &v->rails[r], vrc_receives_of_peer(v), err);
	if (rc) {
		vrc_qps_close(v, peer);
		return rc;
	}
	for (uint32_t k = 0; k < v->nqps; k++)
		note_qp(v, &v->rails[k % v->nrails], vrc_qp_of(v, peer, k));
	return 0;
}

int vrc_qps_join(struct vrc *v, uint32_t peer, const uint32_t *qpn, uint32_t psn,
		 struct rg_err *err)
{
	const struct rg_verbs_peer who = {.rank = peer, .node = v->ep.host[peer]};
	int rc = 0;

	for (uint32_t k = 0; k < v->nqps && !rc; k++) {
		struct vrc_qp *q = vrc_qp_of(v, peer, k);
		struct rg_verbs_address mine = v->addresses[v->ep.rank * v->nrails + q->rail];
		struct rg_verbs_address theirs = v->addresses[peer * v->nrails + q->rail];

		mine.qpn = q->qp->qp_num;
		mine.psn = v->peers[peer].psn;
		theirs.qpn = qpn[k];
		theirs.psn = psn;
		rc = rg_verbs_rc_connect(v->rails[q->rail].device, q->qp, &mine, &theirs, &who,
					 err);
	}
	return rc;
}

/* A port is the same for all queue pairs that are going to be made there. */
void vrc_addresses_of(const struct vrc *v, struct rg_verbs_address *out)
{
	const struct ibv_qp any = {.qp_type = IBV_QPT_RC};

	for (uint32_t r = 0; r < v->nrails; r++)
		rg_verbs_address_of(v->rails[r].device, &any, 0, &out[r]);
}
