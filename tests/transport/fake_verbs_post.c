/* SPDX-License-Identifier: BSD-3-Clause */
/* Posts to made-up queue pairs, and polls of their completions. */
#include "config.h"

#include "fake_verbs_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* --- sends --- */

static bool is_write(enum ibv_wr_opcode op)
{
	return op == IBV_WR_RDMA_WRITE || op == IBV_WR_RDMA_WRITE_WITH_IMM;
}

static bool is_known(const struct fake_qp *qp, const struct ibv_send_wr *wr)
{
	bool send = wr->opcode == IBV_WR_SEND || wr->opcode == IBV_WR_SEND_WITH_IMM;

	if (wr->num_sge < 0 || (uint32_t)wr->num_sge > qp->cap.max_send_sge)
		return false;
	if (qp->v.qp_type == IBV_QPT_UD)
		return send && wr->wr.ud.ah && ((struct ibv_ah *)wr->wr.ud.ah)->pd == qp->v.pd;
	if (wr->opcode == IBV_WR_RDMA_READ && wr->send_flags & IBV_SEND_INLINE)
		return false;
	return send || is_write(wr->opcode) || wr->opcode == IBV_WR_RDMA_READ;
}

static int copy_inline(const struct fake_qp *qp, struct fake_wqe *w)
{
	size_t len_bytes = 0, at = 0;

	for (uint32_t i = 0; i < w->nsge; i++)
		len_bytes += w->sge[i].length;
	if (len_bytes > qp->cap.max_inline_data)
		return EINVAL;
	w->copy = malloc(len_bytes + 1);
	if (!w->copy)
		return ENOMEM;
	for (uint32_t i = 0; i < w->nsge; at += w->sge[i++].length) {
		if (w->sge[i].length)
			memcpy(w->copy + at, (void *)(uintptr_t)w->sge[i].addr, w->sge[i].length);
	}
	return 0;
}

static void count_send(const struct fake_wqe *w)
{
	struct fake_counts *c = &fake.counts;

	c->sends++;
	c->signaled += w->signaled;
	c->inlined += w->inlined;
	for (uint32_t i = 0; i < w->nsge; i++)
		c->sent_bytes += w->sge[i].length;
	for (uint32_t i = 0; i < w->nsge; i++)
		c->watched_bytes += fake_is_watched(w->sge[i].addr) ? w->sge[i].length : 0;
	c->writes += w->opcode == IBV_WR_RDMA_WRITE;
	c->write_imms += w->opcode == IBV_WR_RDMA_WRITE_WITH_IMM;
	c->reads += w->opcode == IBV_WR_RDMA_READ;
	c->messages += w->opcode == IBV_WR_SEND || w->opcode == IBV_WR_SEND_WITH_IMM;
}

static int take_send(struct fake_qp *qp, const struct ibv_send_wr *wr)
{
	struct fake_wqe *w;
	int e = 0;

	if (!is_known(qp, wr))
		return EINVAL;
	if (qp->posted - qp->freed >= qp->cap.max_send_wr)
		return ENOMEM;
	w = &qp->sq[qp->posted % qp->cap.max_send_wr];
	*w = (struct fake_wqe){
		.wr_id = wr->wr_id,
		.opcode = wr->opcode,
		.signaled = qp->signal_all || wr->send_flags & IBV_SEND_SIGNALED,
		.solicited = wr->send_flags & IBV_SEND_SOLICITED,
		.inlined = wr->send_flags & IBV_SEND_INLINE,
		.imm = wr->imm_data,
		.nsge = (uint32_t)wr->num_sge,
	};
	if (w->nsge)
		memcpy(w->sge, wr->sg_list, sizeof(w->sge[0]) * w->nsge);
	if (qp->v.qp_type == IBV_QPT_UD) {
		w->to = ((struct fake_ah *)wr->wr.ud.ah)->attr;
		w->to_qpn = wr->wr.ud.remote_qpn;
		w->to_qkey = wr->wr.ud.remote_qkey;
	} else {
		w->remote_addr = wr->wr.rdma.remote_addr;
		w->rkey = wr->wr.rdma.rkey;
	}
	if (w->inlined)
		e = copy_inline(qp, w);
	if (e)
		return e;
	if (++fake.sends == fake.complete_nth) {
		w->forced = fake.complete_status;
		w->vendor = fake.complete_vendor;
	}
	qp->posted++;
	((struct fake_context *)qp->v.context)->dev->sends++;
	count_send(w);
	return 0;
}

int fake_post_send(struct ibv_qp *v, struct ibv_send_wr *wr, struct ibv_send_wr **bad)
{
	struct fake_qp *qp = (struct fake_qp *)v;
	int e = fake_call("ibv_post_send");

	fake_lock();
	fake.counts.doorbells++;
	if (!e && v->state != IBV_QPS_RTS && v->state != IBV_QPS_ERR)
		e = EINVAL;
	for (*bad = wr; !e && *bad; *bad = e ? *bad : (*bad)->next)
		e = take_send(qp, *bad);
	if (!(fake.modes & FAKE_LATE) || v->state == IBV_QPS_ERR)
		fake_run_qp(qp);
	fake_unlock();
	return e;
}

/* --- receives --- */

static int take_recvs(struct fake_rq *rq, uint32_t max_sge, struct ibv_recv_wr *wr,
		      struct ibv_recv_wr **bad)
{
	fake.counts.recv_calls++;
	for (*bad = wr; *bad; *bad = (*bad)->next) {
		struct fake_rqe *r;

		if ((*bad)->num_sge < 0 || (uint32_t)(*bad)->num_sge > max_sge)
			return EINVAL;
		if (rq->posted - rq->freed >= rq->depth)
			return ENOMEM;
		r = &rq->entries[rq->posted++ % rq->depth];
		r->wr_id = (*bad)->wr_id;
		r->nsge = (uint32_t)(*bad)->num_sge;
		if (r->nsge)
			memcpy(r->sge, (*bad)->sg_list, sizeof(r->sge[0]) * r->nsge);
		fake.counts.recvs++;
	}
	return 0;
}

int fake_post_recv(struct ibv_qp *v, struct ibv_recv_wr *wr, struct ibv_recv_wr **bad)
{
	struct fake_qp *qp = (struct fake_qp *)v;
	int e = fake_call("ibv_post_recv");

	*bad = wr;
	fake_lock();
	if (!e && (v->state == IBV_QPS_RESET || v->srq))
		e = EINVAL;
	if (!e)
		e = take_recvs(&qp->rq, qp->cap.max_recv_sge, wr, bad);
	if (v->state == IBV_QPS_ERR)
		fake_qp_fail(qp); /* flushes what has come */
	else if (!(fake.modes & FAKE_LATE))
		fake_run_all();
	fake_unlock();
	return e;
}

int fake_post_srq_recv(struct ibv_srq *v, struct ibv_recv_wr *wr, struct ibv_recv_wr **bad)
{
	int e = fake_call("ibv_post_recv");

	*bad = wr;
	fake_lock();
	if (!e)
		e = take_recvs(&((struct fake_srq *)v)->rq, FAKE_SGE, wr, bad);
	if (!(fake.modes & FAKE_LATE))
		fake_run_all();
	fake_unlock();
	return e;
}

/* --- completions --- */

/* The oldest one, or with FAKE_SHUFFLE the oldest of a queue drawn from those that have any. */
static int pick(const struct fake_cq *cq)
{
	int i = fake.modes & FAKE_SHUFFLE ? (int)(fake_draw() % (uint64_t)cq->n) : 0;

	for (int k = 0; k < i; k++) {
		if (cq->entries[k].qp == cq->entries[i].qp &&
		    cq->entries[k].send == cq->entries[i].send)
			return k;
	}
	return i;
}

/* The places of this request and of all before it are free again. */
static void free_places(const struct fake_cqe *e)
{
	struct fake_srq *srq = (struct fake_srq *)e->qp->v.srq;

	if (e->send && e->number >= e->qp->freed)
		e->qp->freed = e->number + 1;
	if (!e->send && srq)
		srq->rq.freed++;
	else if (!e->send)
		e->qp->rq.freed++;
}

int fake_poll_cq(struct ibv_cq *v, int max, struct ibv_wc *wc)
{
	struct fake_cq *cq = (struct fake_cq *)v;
	int e = fake_call("ibv_poll_cq"), n = 0;

	fake_lock();
	fake.counts.polls++;
	fake_run_late();
	while (!e && n < max && cq->n) {
		int i = pick(cq);

		free_places(&cq->entries[i]);
		wc[n++] = cq->entries[i].wc;
		cq->n--;
		memmove(&cq->entries[i], &cq->entries[i + 1],
			sizeof(cq->entries[0]) * (size_t)(cq->n - i));
	}
	fake.counts.empty_polls += n == 0;
	fake.counts.completions += (uint64_t)n;
	if (e || (!n && max && cq->overrun))
		n = -1;
	fake_unlock();
	return n;
}

int fake_req_notify_cq(struct ibv_cq *v, int solicited_only)
{
	int e = fake_call("ibv_req_notify_cq");

	if (e)
		return e;
	fake_lock();
	((struct fake_cq *)v)->armed = solicited_only ? 2 : 1;
	fake_unlock();
	return 0;
}
