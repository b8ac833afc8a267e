/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * verbs-rc: posting. Work requests are drafted into a ring per queue pair whose entries are chained
 * already, and handed to the device in one call: by flush, or when they are many or long. Those
 * without a completion of their own are done when a later one completes.
 */
#include "config.h"

#include "verbs_rc_post.h"

#include <errno.h>

/* What request n was sent from is not needed any more. */
static void give_back(struct vrc *v, struct vrc_qp *q, uint64_t n)
{
	uint32_t at = vrc_entry(v, n);

	if (q->stage[at]) {
		v->free_stages[v->nfree_stages++] = (uint8_t)(q->stage[at] - 1);
		q->stage[at] = 0;
	}
	if (q->lent[at]) {
		rg_verbs_memory_put(v->rails[q->rail].device, q->lent[at]);
		v->nlent--;
		q->lent[at] = NULL;
	}
}

/* What the device has not taken will not be sent. */
static void drop(struct vrc *v, struct vrc_qp *q)
{
	while (q->head > q->posted)
		give_back(v, q, --q->head);
	if (q->signalled > q->head)
		q->signalled = q->head;
	q->unposted_bytes = 0;
}

void vrc_fail(struct vrc *v, uint32_t peer, const struct rg_err *why)
{
	if (!v->peers[peer].why.code)
		v->peers[peer].why = *why;
	for (uint32_t k = 0; k < v->nqps; k++) {
		struct vrc_qp *q = vrc_qp_of(v, peer, k);

		q->broken = true;
		drop(v, q);
	}
}

static void fail_post(struct vrc *v, struct vrc_qp *q, int errnum)
{
	struct rg_err why = {0};

	rg_err_errno(&why, errnum, "verbs: %s port %u to rank %u on %s: posting a send",
		     v->rails[q->rail].device->name, v->rails[q->rail].device->port, q->peer,
		     v->ep.host[q->peer]);
	vrc_fail(v, q->peer, &why);
}

void vrc_post(struct vrc *v, struct vrc_qp *q)
{
	struct ibv_send_wr *first, *last, *next, *bad = NULL;
	int e;

	if (q->posted == q->head)
		return;
	first = &q->wr[vrc_entry(v, q->posted)];
	last = &q->wr[vrc_entry(v, q->head - 1)];
	next = last->next;
	last->next = NULL;
	e = ibv_post_send(q->qp, first, &bad);
	last->next = next;
	if (!e) {
		q->posted = q->head;
		q->unposted_bytes = 0;
		v->moved = true;
		return;
	}
	for (; bad && &q->wr[vrc_entry(v, q->posted)] != bad; q->posted++)
		v->moved = true;
	if (e != ENOMEM) /* else it takes them when others have left */
		fail_post(v, q, e);
}

int vrc_hand_over(struct vrc *v)
{
	bool told = !v->ndue || vrc_tell_due(v);
	uint32_t kept = 0;

	for (uint32_t k = 0; k < v->ndirty; k++) {
		struct vrc_qp *q = &v->qps[v->dirty[k]];

		vrc_post(v, q);
		q->dirty = q->head != q->posted;
		if (q->dirty)
			v->dirty[kept++] = v->dirty[k];
	}
	v->ndirty = kept;
	return !told || kept > 0 || v->nlent > 0;
}

int vrc_flush(struct rg_endpoint *ep, struct rg_err *err)
{
	return vrc_leave((struct vrc *)ep);
}

/* All up to a work request are done; its low 32 bits say which one it is. */
static void advance(struct vrc *v, struct vrc_qp *q, uint32_t low)
{
	uint64_t done = q->tail + (uint32_t)(low - (uint32_t)q->tail) + 1;

	if (done > q->posted)
		return;
	while (q->tail < done)
		give_back(v, q, q->tail++);
}

static bool is_within(const struct ibv_mr *mr, const void *base, size_t len_bytes)
{
	uint64_t from = (uintptr_t)base, at = (uintptr_t)mr->addr;

	return at < from + len_bytes && from < at + mr->length;
}

static bool sends_from(const struct vrc *v, const struct vrc_qp *q, const void *base,
		       size_t len_bytes)
{
	for (uint64_t n = q->tail; n < q->head; n++) {
		const struct ibv_mr *mr = q->lent[vrc_entry(v, n)];

		if (mr && is_within(mr, base, len_bytes))
			return true;
	}
	return false;
}

/* In the error state the device is done with what was posted, and takes nothing any more. */
void vrc_cut(struct vrc *v, uint32_t peer, const struct rg_err *why)
{
	struct ibv_qp_attr attr = {.qp_state = IBV_QPS_ERR};

	vrc_fail(v, peer, why);
	for (uint32_t k = 0; k < v->nqps; k++) {
		struct vrc_qp *q = vrc_qp_of(v, peer, k);

		if (!q->qp)
			continue;
		(void)ibv_modify_qp(q->qp, &attr, IBV_QP_STATE);
		for (uint64_t n = q->tail; n < q->posted; n++)
			give_back(v, q, n);
	}
}

void vrc_cut_off(struct vrc *v, const void *base, size_t len_bytes)
{
	for (uint32_t k = 0; v->nlent && k < v->ep.nranks * v->nqps; k++) {
		struct vrc_qp *q = &v->qps[k];
		struct rg_err why = {0};

		if (!q->qp || !sends_from(v, q, base, len_bytes))
			continue;
		rg_err_set(&why, RG_ERR_PEER,
			   "rank %u (%s) was cut off: what was being sent to it was taken back",
			   q->peer, v->ep.host[q->peer]);
		vrc_cut(v, q->peer, &why);
	}
}

/* Events first: whether the port is up belongs to the words. */
void vrc_explain(struct vrc *v, struct vrc_rail *rail, const struct ibv_wc *wc,
		 const struct vrc_qp *q)
{
	const struct rg_verbs_peer who = {
		.rank = q->peer, .node = v->ep.host[q->peer], .answered = q->tail > 0};
	const struct rg_verbs_address *at = &v->addresses[(size_t)q->peer * v->nrails + q->rail];
	struct rg_err why = {.code = RG_ERR_PEER};

	v->peers[q->peer].why = why; /* events of this queue pair say less */
	vrc_look_at_events(v);
	rg_verbs_completion_error(rail->device, wc, q->qp, at, &who, &why);
	v->peers[q->peer].why = why;
	vrc_fail(v, q->peer, &why);
}

bool vrc_sent(struct vrc *v, struct vrc_rail *rail, const struct ibv_wc *wc)
{
	struct vrc_qp *q = &v->qps[(wc->wr_id & ~VRC_WR_PROBE) >> 32];

	/* What is flushed comes after what went wrong, maybe on another queue pair. */
	if (wc->status != IBV_WC_SUCCESS && !vrc_gone(v, q->peer)) {
		/* Of one that is gone it would be no sign: its queue pairs may be. */
		if (wc->status == IBV_WC_RETRY_EXC_ERR)
			v->ep.rails_failed |= rail->bit;
		vrc_explain(v, rail, wc, q);
	}
	if (wc->status != IBV_WC_SUCCESS)
		q->broken = true;
	advance(v, q, (uint32_t)wc->wr_id);
	return !(wc->wr_id & VRC_WR_PROBE);
}
