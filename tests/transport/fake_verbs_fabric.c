/* SPDX-License-Identifier: BSD-3-Clause */
/* What happens to a request in the made-up fabric. */
#include "config.h"

#include "fake_verbs_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* --- completions --- */

static void add_completion(struct ibv_cq *v, const struct fake_cqe *e, bool solicited)
{
	struct fake_cq *cq = (struct fake_cq *)v;

	if (cq->overrun)
		return;
	if (cq->n == cq->v.cqe) {
		cq->overrun = true;
		fake.counts.overruns++;
		fake_push_event((struct fake_context *)v->context, IBV_EVENT_CQ_ERR, v, 0);
		for (struct fake_qp *qp = fake.qps; qp; qp = qp->next) {
			if (qp->v.send_cq == v || qp->v.recv_cq == v)
				fake_qp_fail(qp);
		}
		return;
	}
	cq->entries[cq->n++] = *e;
	if (cq->armed == 1 || (cq->armed && (solicited || e->wc.status))) {
		cq->armed = 0;
		fake_notify(v);
	}
}

static enum ibv_wc_opcode done_as(enum ibv_wr_opcode op)
{
	if (op == IBV_WR_RDMA_READ)
		return IBV_WC_RDMA_READ;
	return op == IBV_WR_SEND || op == IBV_WR_SEND_WITH_IMM ? IBV_WC_SEND : IBV_WC_RDMA_WRITE;
}

void fake_complete_wqe(struct fake_qp *qp, uint64_t number, enum ibv_wc_status status,
		       uint32_t vendor, uint32_t len_bytes)
{
	struct fake_wqe *w = &qp->sq[number % qp->cap.max_send_wr];
	struct fake_cqe e = {
		.wc = {.wr_id = w->wr_id,
		       .status = status,
		       .opcode = done_as(w->opcode),
		       .vendor_err = vendor,
		       .byte_len = len_bytes,
		       .qp_num = qp->v.qp_num},
		.qp = qp,
		.number = number,
		.send = true,
	};

	free(w->copy);
	w->copy = NULL;
	qp->carried = number + 1;
	if (w->signaled || status)
		add_completion(qp->v.send_cq, &e, false);
	if (status && status != IBV_WC_WR_FLUSH_ERR)
		fake_qp_fail(qp);
}

void fake_qp_fail(struct fake_qp *qp)
{
	struct fake_rq *rq = &qp->rq;

	qp->v.state = IBV_QPS_ERR;
	while (qp->carried < qp->posted)
		fake_complete_wqe(qp, qp->carried, IBV_WC_WR_FLUSH_ERR, 0, 0);
	while (rq->taken < rq->posted) {
		struct fake_cqe e = {
			.wc = {.wr_id = rq->entries[rq->taken % rq->depth].wr_id,
			       .status = IBV_WC_WR_FLUSH_ERR,
			       .opcode = IBV_WC_RECV,
			       .qp_num = qp->v.qp_num},
			.qp = qp,
			.number = rq->taken++,
		};

		add_completion(qp->v.recv_cq, &e, false);
	}
}

/* --- memory --- */

/* See the header: what another thread may be polling is stored whole, and last. */
static void store(void *dst, const void *src, size_t len_bytes)
{
	if (len_bytes > 64 || len_bytes % 8 || (uintptr_t)dst % 8) {
		memcpy(dst, src, len_bytes);
		return;
	}
	for (size_t i = len_bytes; i > 0; i -= 8) {
		uint64_t word;

		memcpy(&word, (const uint8_t *)src + i - 8, 8);
		__atomic_store_n((uint64_t *)dst + i / 8 - 1, word, __ATOMIC_RELEASE);
	}
}

/* Where the device may find address..address+len; NULL: nowhere, or not with these rights. */
static void *translate(const struct ibv_pd *pd, uint32_t key, bool remote, uint64_t address,
		       uint64_t len_bytes, unsigned rights)
{
	for (struct fake_mr *mr = fake.mrs; mr; mr = mr->next) {
		if ((remote ? mr->v.rkey : mr->v.lkey) != key)
			continue;
		if (mr->v.pd != pd || (mr->access & rights) != rights || mr->dmabuf ||
		    address < mr->iova || len_bytes > mr->v.length ||
		    address - mr->iova > mr->v.length - len_bytes)
			return NULL;
		return (mr->held ? mr->held : (uint8_t *)mr->v.addr) + (address - mr->iova);
	}
	return NULL;
}

/* A list of local memory, taken piece by piece. */
struct pieces {
	const struct ibv_pd *pd;
	const struct ibv_sge *sge;
	uint32_t n;
	unsigned rights;
};

uint64_t fake_total(const struct ibv_sge *sge, uint32_t n)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < n; i++)
		sum += sge[i].length;
	return sum;
}

static bool may_use(const struct pieces *p)
{
	for (uint32_t i = 0; i < p->n; i++) {
		if (p->sge[i].length && !translate(p->pd, p->sge[i].lkey, false, p->sge[i].addr,
						   p->sge[i].length, p->rights))
			return false;
	}
	return true;
}

/* Between the list and plain memory; those at the list are known to be usable. */
static void move(const struct pieces *p, uint8_t *memory, uint64_t len_bytes, bool to_list)
{
	for (uint32_t i = 0; i < p->n && len_bytes; i++) {
		uint64_t n = p->sge[i].length < len_bytes ? p->sge[i].length : len_bytes;
		void *at = (void *)(uintptr_t)p->sge[i].addr;

		if (!n)
			continue;
		if (to_list)
			store(at, memory, n);
		else
			store(memory, at, n);
		memory += n;
		len_bytes -= n;
	}
}

void fake_gather(const struct fake_qp *qp, const struct fake_wqe *w, uint8_t *memory)
{
	struct pieces p = {.pd = qp->v.pd, .sge = w->sge, .n = w->nsge};
	uint64_t len_bytes = fake_total(w->sge, w->nsge);

	if (w->inlined)
		store(memory, w->copy, len_bytes);
	else
		move(&p, memory, len_bytes, false);
}

bool fake_may_send(const struct fake_qp *qp, const struct fake_wqe *w, unsigned rights)
{
	const struct pieces p = {qp->v.pd, w->sge, w->nsge, rights};

	return w->inlined || may_use(&p);
}

/* --- receiving --- */

struct fake_rq *fake_receives(struct fake_qp *qp)
{
	return qp->v.srq ? &((struct fake_srq *)qp->v.srq)->rq : &qp->rq;
}

/* A received message, or the immediate of a WRITE (data NULL), takes the next receive. */
enum ibv_wc_status fake_receive(struct fake_qp *qp, const uint8_t *data, uint64_t len_bytes,
				struct ibv_wc *wc, bool solicited)
{
	struct fake_rq *rq = fake_receives(qp);
	struct fake_rqe *r = &rq->entries[rq->taken % rq->depth];
	struct fake_cqe e = {.qp = qp, .number = rq->taken++};
	struct pieces p = {qp->v.pd, r->sge, r->nsge, IBV_ACCESS_LOCAL_WRITE};

	wc->wr_id = r->wr_id;
	wc->qp_num = qp->v.qp_num;
	wc->byte_len = (uint32_t)len_bytes;
	if (data && fake_total(r->sge, r->nsge) < len_bytes)
		wc->status = IBV_WC_LOC_LEN_ERR;
	else if (data && !may_use(&p))
		wc->status = IBV_WC_LOC_PROT_ERR;
	else if (data)
		move(&p, (uint8_t *)data, len_bytes, true);
	e.wc = *wc;
	add_completion(qp->v.recv_cq, &e, solicited);
	if (e.wc.status)
		fake_qp_fail(qp);
	return e.wc.status;
}

/* --- RC --- */

/* The version of RoCE, which both ends must agree on. */
static uint32_t sent_as(const struct fake_qp *qp)
{
	const struct fake_device *d = &((struct fake_context *)qp->v.context)->dev->config;

	return d->infiniband ? IBV_GID_TYPE_IB : d->gid_types[qp->attr.ah_attr.grh.sgid_index];
}

/* The other end, if both agree that they are connected. */
static struct fake_qp *find_peer(const struct fake_qp *qp, const struct fake_dev *dev,
				 const struct fake_dev *to, uint8_t port)
{
	for (struct fake_qp *p = fake.qps; p; p = p->next) {
		struct fake_dev *back;
		uint8_t back_port;

		if (p->v.qp_num != qp->attr.dest_qp_num || p->v.qp_type != IBV_QPT_RC ||
		    (p->v.state != IBV_QPS_RTR && p->v.state != IBV_QPS_RTS))
			continue;
		if (((struct fake_context *)p->v.context)->dev != to || p->attr.port_num != port ||
		    p->attr.dest_qp_num != qp->v.qp_num || p->attr.rq_psn != qp->attr.sq_psn ||
		    sent_as(qp) != sent_as(p))
			return NULL;
		if (!fake_find_port(to, &p->attr.ah_attr, &back, &back_port) || back != dev ||
		    back_port != qp->attr.port_num)
			return NULL;
		return p;
	}
	return NULL;
}

static enum ibv_wc_status do_write(struct fake_qp *qp, struct fake_qp *peer, struct fake_wqe *w)
{
	uint64_t len_bytes = fake_total(w->sge, w->nsge);
	void *at;

	if (!len_bytes)
		return IBV_WC_SUCCESS;
	at = translate(peer->v.pd, w->rkey, true, w->remote_addr, len_bytes,
		       IBV_ACCESS_REMOTE_WRITE);
	if (!at || !(peer->attr.qp_access_flags & IBV_ACCESS_REMOTE_WRITE))
		return IBV_WC_REM_ACCESS_ERR;
	fake.counts.relaxed += translate(peer->v.pd, w->rkey, true, w->remote_addr, len_bytes,
					 IBV_ACCESS_RELAXED_ORDERING) != NULL;
	fake.counts.placed_bytes += fake_is_watched(w->remote_addr) ? len_bytes : 0;
	fake_gather(qp, w, at);
	return IBV_WC_SUCCESS;
}

static enum ibv_wc_status do_read(struct fake_qp *qp, struct fake_qp *peer, struct fake_wqe *w)
{
	struct pieces p = {qp->v.pd, w->sge, w->nsge, IBV_ACCESS_LOCAL_WRITE};
	uint64_t len_bytes = fake_total(w->sge, w->nsge);
	void *at = translate(peer->v.pd, w->rkey, true, w->remote_addr, len_bytes,
			     IBV_ACCESS_REMOTE_READ);

	if (!qp->attr.max_rd_atomic || !peer->attr.max_dest_rd_atomic)
		return IBV_WC_REM_INV_REQ_ERR;
	if (len_bytes && (!at || !(peer->attr.qp_access_flags & IBV_ACCESS_REMOTE_READ)))
		return IBV_WC_REM_ACCESS_ERR;
	move(&p, at, len_bytes, true);
	return IBV_WC_SUCCESS;
}

/* The part of a message that takes a receive. */
static enum ibv_wc_status do_receive(struct fake_qp *qp, struct fake_qp *peer, struct fake_wqe *w)
{
	bool write = w->opcode == IBV_WR_RDMA_WRITE_WITH_IMM;
	uint64_t len_bytes = fake_total(w->sge, w->nsge);
	uint8_t *data = write ? NULL : malloc(len_bytes + 1);
	struct ibv_wc wc = {
		.opcode = write ? IBV_WC_RECV_RDMA_WITH_IMM : IBV_WC_RECV,
		.imm_data = w->imm,
		.wc_flags = w->opcode == IBV_WR_SEND ? 0 : IBV_WC_WITH_IMM,
		.src_qp = qp->v.qp_num,
	};
	enum ibv_wc_status status;

	if (!write && !data)
		abort();
	if (!write)
		fake_gather(qp, w, data);
	status = fake_receive(peer, data, len_bytes, &wc, w->solicited);
	free(data);
	return status ? IBV_WC_REM_INV_REQ_ERR : IBV_WC_SUCCESS;
}

/* What becomes of a request once its way is known. -1: it waits for a receive. */
static int carry_out(struct fake_qp *qp, struct fake_qp *peer, struct fake_wqe *w)
{
	bool takes = w->opcode != IBV_WR_RDMA_WRITE && w->opcode != IBV_WR_RDMA_READ;
	unsigned rights = w->opcode == IBV_WR_RDMA_READ ? IBV_ACCESS_LOCAL_WRITE : 0;
	struct fake_rq *rq = fake_receives(peer);
	enum ibv_wc_status status = IBV_WC_SUCCESS;

	if (!fake_may_send(qp, w, rights))
		return IBV_WC_LOC_PROT_ERR;
	if (takes && rq->taken == rq->posted) {
		fake.counts.receiver_waits += !w->waited;
		w->waited = true;
		return qp->attr.rnr_retry == 7 ? -1 : IBV_WC_RNR_RETRY_EXC_ERR;
	}
	if (w->opcode == IBV_WR_RDMA_READ)
		status = do_read(qp, peer, w);
	else if (w->opcode == IBV_WR_RDMA_WRITE || w->opcode == IBV_WR_RDMA_WRITE_WITH_IMM)
		status = do_write(qp, peer, w);
	if (!status && takes)
		status = do_receive(qp, peer, w);
	if (status == IBV_WC_REM_ACCESS_ERR) {
		fake_qp_fail(peer);
		fake_push_event((struct fake_context *)peer->v.context, IBV_EVENT_QP_ACCESS_ERR,
				&peer->v, 0);
	}
	return status;
}

/* -1: it waits. */
static int carry_rc(struct fake_qp *qp, struct fake_wqe *w)
{
	struct fake_dev *dev = ((struct fake_context *)qp->v.context)->dev, *to;
	struct fake_qp *peer;
	uint8_t port;

	if (!fake_find_port(dev, &qp->attr.ah_attr, &to, &port))
		return IBV_WC_RETRY_EXC_ERR;
	if (!dev->ports[qp->attr.port_num].up || !to->ports[port].up)
		return -1;
	peer = find_peer(qp, dev, to, port);
	return peer ? carry_out(qp, peer, w) : IBV_WC_RETRY_EXC_ERR;
}

void fake_give_up_qp(struct fake_qp *qp, const struct fake_dev *dev)
{
	struct fake_dev *mine = ((struct fake_context *)qp->v.context)->dev, *to;
	uint8_t port;

	if (qp->v.qp_type != IBV_QPT_RC || qp->v.state != IBV_QPS_RTS ||
	    qp->carried == qp->posted || !fake_find_port(mine, &qp->attr.ah_attr, &to, &port) ||
	    (mine != dev && to != dev))
		return;
	if (!mine->ports[qp->attr.port_num].up || !to->ports[port].up)
		fake_complete_wqe(qp, qp->carried, IBV_WC_RETRY_EXC_ERR, 0x81, 0);
}

/* --- who is next --- */

/* false: there is nothing, or it waits. */
static bool carry_next(struct fake_qp *qp)
{
	struct fake_wqe *w;
	int status;

	if (qp->carried == qp->posted)
		return false;
	w = &qp->sq[qp->carried % qp->cap.max_send_wr];
	if (qp->v.state == IBV_QPS_ERR) {
		fake_qp_fail(qp);
		return false;
	}
	if (w->forced)
		status = (int)w->forced;
	else
		status = qp->v.qp_type == IBV_QPT_UD ? fake_carry_ud(qp, w) : carry_rc(qp, w);
	if (status < 0 || qp->carried == qp->posted) /* or it has failed meanwhile */
		return false;
	fake_complete_wqe(qp, qp->carried, (enum ibv_wc_status)status, w->forced ? w->vendor : 0,
			  (uint32_t)fake_total(w->sge, w->nsge));
	return true;
}

void fake_run_qp(struct fake_qp *qp)
{
	while (carry_next(qp))
		;
}

void fake_run_all(void)
{
	for (struct fake_qp *qp = fake.qps; qp; qp = qp->next) {
		if (qp->carried < qp->posted)
			fake_run_qp(qp);
	}
}

/* Each turn some of what is under way moves on. */
void fake_run_late(void)
{
	uint64_t waiting = 0, chosen;

	fake_run_datagrams();
	if (!(fake.modes & FAKE_LATE))
		return;
	for (struct fake_qp *qp = fake.qps; qp; qp = qp->next)
		waiting += qp->carried < qp->posted;
	for (int turns = 0; turns < 4 && waiting; turns++) {
		chosen = fake_draw() % waiting;
		for (struct fake_qp *qp = fake.qps; qp; qp = qp->next) {
			if (qp->carried < qp->posted && chosen-- == 0) {
				carry_next(qp);
				break;
			}
		}
	}
}
