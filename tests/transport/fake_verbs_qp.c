/* SPDX-License-Identifier: BSD-3-Clause */
/* The states of made-up queue pairs. */
#include "config.h"

#include "fake_verbs_impl.h"

#include <errno.h>
#include <stdlib.h>

/* Which attributes a transition takes: all of them, and no others. */
struct transition {
	enum ibv_qp_type type;
	enum ibv_qp_state from, to;
	int mask;
};

static const struct transition transitions[] = {
	{IBV_QPT_RC, IBV_QPS_RESET, IBV_QPS_INIT,
	 IBV_QP_STATE | IBV_QP_PKEY_INDEX | IBV_QP_PORT | IBV_QP_ACCESS_FLAGS},
	{IBV_QPT_RC, IBV_QPS_INIT, IBV_QPS_RTR,
	 IBV_QP_STATE | IBV_QP_AV | IBV_QP_PATH_MTU | IBV_QP_DEST_QPN | IBV_QP_RQ_PSN |
		 IBV_QP_MAX_DEST_RD_ATOMIC | IBV_QP_MIN_RNR_TIMER},
	{IBV_QPT_RC, IBV_QPS_RTR, IBV_QPS_RTS,
	 IBV_QP_STATE | IBV_QP_TIMEOUT | IBV_QP_RETRY_CNT | IBV_QP_RNR_RETRY | IBV_QP_SQ_PSN |
		 IBV_QP_MAX_QP_RD_ATOMIC},
	{IBV_QPT_UD, IBV_QPS_RESET, IBV_QPS_INIT,
	 IBV_QP_STATE | IBV_QP_PKEY_INDEX | IBV_QP_PORT | IBV_QP_QKEY},
	{IBV_QPT_UD, IBV_QPS_INIT, IBV_QPS_RTR, IBV_QP_STATE},
	{IBV_QPT_UD, IBV_QPS_RTR, IBV_QPS_RTS, IBV_QP_STATE | IBV_QP_SQ_PSN},
};

static bool is_allowed(const struct fake_qp *qp, enum ibv_qp_state to, int mask)
{
	for (size_t i = 0; i < sizeof(transitions) / sizeof(transitions[0]); i++) {
		const struct transition *t = &transitions[i];

		if (t->type == qp->v.qp_type && t->from == qp->v.state && t->to == to)
			return t->mask == mask;
	}
	return false;
}

static bool values_are_right(const struct fake_qp *qp, const struct ibv_qp_attr *a, int mask)
{
	const struct fake_dev *dev = ((struct fake_context *)qp->v.context)->dev;
	const struct ibv_ah_attr *av = &a->ah_attr;
	uint8_t gid[16];

	if (mask & IBV_QP_PORT && (a->port_num < 1 || a->port_num > dev->config.ports))
		return false;
	if (mask & IBV_QP_PKEY_INDEX && a->pkey_index > 0)
		return false;
	if (mask & IBV_QP_PATH_MTU && (a->path_mtu < IBV_MTU_256 || a->path_mtu > dev->config.mtu))
		return false;
	if (mask & IBV_QP_MAX_DEST_RD_ATOMIC && a->max_dest_rd_atomic > dev->config.max_reads)
		return false;
	if (mask & IBV_QP_MAX_QP_RD_ATOMIC && a->max_rd_atomic > dev->config.max_reads)
		return false;
	if (mask & IBV_QP_RETRY_CNT && (a->retry_cnt > 7 || a->rnr_retry > 7 || a->timeout > 31))
		return false;
	if (mask & IBV_QP_MIN_RNR_TIMER && a->min_rnr_timer > 31)
		return false;
	if (mask & IBV_QP_AV)
		return av->port_num == qp->attr.port_num &&
		       (av->is_global || dev->config.infiniband) &&
		       (!av->is_global || fake_gid(dev, av->port_num, av->grh.sgid_index, gid));
	return true;
}

static void take_values(struct fake_qp *qp, const struct ibv_qp_attr *a, int mask)
{
	struct ibv_qp_attr *q = &qp->attr;

	if (mask & IBV_QP_PORT) {
		q->port_num = a->port_num;
		q->pkey_index = a->pkey_index;
		q->qp_access_flags = a->qp_access_flags;
		q->qkey = a->qkey;
	}
	if (mask & IBV_QP_AV) {
		q->ah_attr = a->ah_attr;
		q->path_mtu = a->path_mtu;
		q->dest_qp_num = a->dest_qp_num;
		q->rq_psn = a->rq_psn;
		q->max_dest_rd_atomic = a->max_dest_rd_atomic;
		q->min_rnr_timer = a->min_rnr_timer;
	}
	if (mask & IBV_QP_SQ_PSN) {
		q->sq_psn = a->sq_psn;
		q->timeout = a->timeout;
		q->retry_cnt = a->retry_cnt;
		q->rnr_retry = a->rnr_retry;
		q->max_rd_atomic = a->max_rd_atomic;
	}
}

static int modify(struct fake_qp *qp, const struct ibv_qp_attr *attr, int mask)
{
	if (!(mask & IBV_QP_STATE))
		return EINVAL;
	if (attr->qp_state == IBV_QPS_ERR) {
		fake_qp_fail(qp);
		return 0;
	}
	if (attr->qp_state == IBV_QPS_RESET) {
		fake_qp_clear(qp);
		qp->v.state = IBV_QPS_RESET;
		qp->attr = (struct ibv_qp_attr){.qp_state = IBV_QPS_RESET};
		return 0;
	}
	if (!is_allowed(qp, attr->qp_state, mask) || !values_are_right(qp, attr, mask))
		return EINVAL;
	take_values(qp, attr, mask);
	qp->v.state = attr->qp_state;
	qp->attr.qp_state = attr->qp_state;
	return 0;
}

int ibv_modify_qp(struct ibv_qp *qp, struct ibv_qp_attr *attr, int mask)
{
	int e = fake_call("ibv_modify_qp");

	if (e)
		return e;
	fake_lock();
	e = modify((struct fake_qp *)qp, attr, mask);
	fake_unlock();
	return e;
}

int ibv_query_qp(struct ibv_qp *v, struct ibv_qp_attr *attr, int mask,
		 struct ibv_qp_init_attr *init)
{
	struct fake_qp *qp = (struct fake_qp *)v;
	int e = fake_call("ibv_query_qp");

	(void)mask;
	if (e)
		return e;
	fake_lock();
	*attr = qp->attr;
	attr->qp_state = v->state;
	attr->cap = qp->cap;
	*init = (struct ibv_qp_init_attr){
		.qp_context = v->qp_context,
		.send_cq = v->send_cq,
		.recv_cq = v->recv_cq,
		.srq = v->srq,
		.cap = qp->cap,
		.qp_type = v->qp_type,
		.sq_sig_all = qp->signal_all,
	};
	fake_unlock();
	return 0;
}

/* --- the end of a queue pair --- */

static void drop_completions(struct ibv_cq *v, const struct fake_qp *qp)
{
	struct fake_cq *cq = (struct fake_cq *)v;
	int kept = 0;

	for (int i = 0; i < cq->n; i++) {
		if (cq->entries[i].qp != qp)
			cq->entries[kept++] = cq->entries[i];
	}
	cq->n = kept;
}

void fake_qp_clear(struct fake_qp *qp)
{
	for (; qp->carried < qp->posted; qp->carried++)
		free(qp->sq[qp->carried % qp->cap.max_send_wr].copy);
	qp->freed = qp->posted;
	qp->rq.taken = qp->rq.freed = qp->rq.posted;
	drop_completions(qp->v.send_cq, qp);
	drop_completions(qp->v.recv_cq, qp);
	for (struct fake_datagram *d = fake.datagrams; d; d = d->next) {
		if (d->to == qp)
			d->to = NULL;
	}
}
