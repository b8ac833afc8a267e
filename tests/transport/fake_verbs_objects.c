/* SPDX-License-Identifier: BSD-3-Clause */
/* What is made on a made-up device, and unmade in the right order only. */
#include "config.h"

#include "fake_verbs_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#undef ibv_reg_mr
#undef ibv_reg_mr_iova

/* A zeroed object of a context, or NULL with errno. */
static void *make(const char *name, struct ibv_context *context, size_t len_bytes)
{
	int e = fake_call(name);
	void *p = e ? NULL : calloc(1, len_bytes);

	if (!p) {
		errno = e ? e : ENOMEM;
		return NULL;
	}
	fake_lock();
	fake.live++;
	((struct fake_context *)context)->users++;
	fake_unlock();
	return p;
}

/* With the lock held: the object is no longer counted. */
static void unmake(struct ibv_context *context)
{
	fake.live--;
	((struct fake_context *)context)->users--;
}

/* --- domains and memory --- */

struct ibv_pd *ibv_alloc_pd(struct ibv_context *context)
{
	struct fake_pd *pd = make("ibv_alloc_pd", context, sizeof(*pd));

	if (!pd)
		return NULL;
	pd->v.context = context;
	return &pd->v;
}

int ibv_dealloc_pd(struct ibv_pd *v)
{
	struct fake_pd *pd = (struct fake_pd *)v;
	bool busy;

	fake_note();
	fake_lock();
	busy = pd->users > 0;
	if (!busy)
		unmake(v->context);
	fake_unlock();
	if (busy)
		return EBUSY;
	free(pd);
	return 0;
}

/* A further mapping of the same pages keeps them; a private one has none. NULL, too, if unaligned.
 */
static uint8_t *hold(void *addr, size_t len_bytes)
{
	void *held = addr ? mremap(addr, 0, len_bytes, MREMAP_MAYMOVE) : MAP_FAILED;

	return held == MAP_FAILED ? NULL : held;
}

/* Also makes sure, as pinning does, that the memory is there. */
static struct ibv_mr *make_mr(const char *name, struct ibv_pd *pd, void *addr, size_t len_bytes,
			      uint64_t iova, unsigned access)
{
	struct fake_mr *mr = make(name, pd->context, sizeof(*mr));

	if (!mr)
		return NULL;
	for (size_t i = 0; addr && i < len_bytes; i += 4096)
		(void)*(volatile char *)((char *)addr + i);
	mr->held = hold(addr, len_bytes);
	fake_lock();
	mr->v.context = pd->context;
	mr->v.pd = pd;
	mr->v.addr = addr;
	mr->v.length = len_bytes;
	mr->v.lkey = fake.next_key++;
	mr->v.rkey = fake.next_key++;
	mr->iova = iova;
	mr->access = access;
	mr->dmabuf = !addr;
	mr->next = fake.mrs;
	fake.mrs = mr;
	((struct fake_pd *)pd)->users++;
	fake.counts.registered++;
	fake.counts.registered_bytes += len_bytes;
	fake.counts.held_bytes += len_bytes;
	fake_unlock();
	return &mr->v;
}

struct ibv_mr *ibv_reg_mr(struct ibv_pd *pd, void *addr, size_t len_bytes, int access)
{
	return make_mr("ibv_reg_mr", pd, addr, len_bytes, (uintptr_t)addr, (unsigned)access);
}

struct ibv_mr *ibv_reg_mr_iova2(struct ibv_pd *pd, void *addr, size_t len_bytes, uint64_t iova,
				unsigned access)
{
	return make_mr("ibv_reg_mr", pd, addr, len_bytes, iova, access);
}

#ifdef HAVE_IBV_REG_DMABUF_MR
struct ibv_mr *ibv_reg_dmabuf_mr(struct ibv_pd *pd, uint64_t offset, size_t len_bytes,
				 uint64_t iova, int fd, int access)
{
	(void)offset;
	if (fd < 0) {
		errno = EBADF;
		return NULL;
	}
	return make_mr("ibv_reg_dmabuf_mr", pd, NULL, len_bytes, iova, (unsigned)access);
}
#endif

int ibv_dereg_mr(struct ibv_mr *v)
{
	struct fake_mr **at = &fake.mrs, *mr = (struct fake_mr *)v;

	fake_note();
	fake_lock();
	while (*at != mr)
		at = &(*at)->next;
	*at = mr->next;
	((struct fake_pd *)v->pd)->users--;
	fake.counts.held_bytes -= v->length;
	unmake(v->context);
	fake_unlock();
	if (mr->held)
		munmap(mr->held, v->length);
	free(mr);
	return 0;
}

/* --- completion queues --- */

struct channel {
	struct ibv_comp_channel v;
	int pipe[2];
};

struct ibv_comp_channel *ibv_create_comp_channel(struct ibv_context *context)
{
	struct channel *c = make("ibv_create_comp_channel", context, sizeof(*c));

	if (!c)
		return NULL;
	if (pipe(c->pipe))
		abort();
	c->v.context = context;
	c->v.fd = c->pipe[0];
	return &c->v;
}

int ibv_destroy_comp_channel(struct ibv_comp_channel *v)
{
	struct channel *c = (struct channel *)v;
	bool busy;

	fake_note();
	fake_lock();
	busy = v->refcnt > 0;
	if (!busy)
		unmake(v->context);
	fake_unlock();
	if (busy)
		return EBUSY;
	close(c->pipe[0]);
	close(c->pipe[1]);
	free(c);
	return 0;
}

void fake_notify(struct ibv_cq *cq)
{
	struct channel *c = (struct channel *)cq->channel;

	if (write(c->pipe[1], &cq, sizeof(cq)) != sizeof(cq))
		abort();
}

int ibv_get_cq_event(struct ibv_comp_channel *channel, struct ibv_cq **cq, void **context)
{
	int e = fake_call("ibv_get_cq_event");

	if (e) {
		errno = e;
		return -1;
	}
	if (read(channel->fd, cq, sizeof(*cq)) != sizeof(*cq))
		return -1;
	*context = (*cq)->cq_context;
	fake_lock();
	fake.live++;
	fake_unlock();
	return 0;
}

void ibv_ack_cq_events(struct ibv_cq *cq, unsigned n)
{
	(void)cq;
	fake_lock();
	fake.live -= n;
	fake_unlock();
}

struct ibv_cq *ibv_create_cq(struct ibv_context *context, int cqe, void *cq_context,
			     struct ibv_comp_channel *channel, int vector)
{
	const struct fake_device *d = &((struct fake_context *)context)->dev->config;
	struct fake_cq *cq = make("ibv_create_cq", context, sizeof(*cq));

	if (!cq)
		return NULL;
	if (cqe > 0 && cqe <= d->max_cqe && vector == 0)
		cq->entries = calloc((size_t)cqe, sizeof(*cq->entries));
	fake_lock();
	if (!cq->entries) {
		unmake(context);
	} else if (channel) {
		channel->refcnt++;
	}
	fake_unlock();
	if (!cq->entries) {
		free(cq);
		errno = EINVAL;
		return NULL;
	}
	cq->v.context = context;
	cq->v.channel = channel;
	cq->v.cq_context = cq_context;
	cq->v.cqe = cqe;
	return &cq->v;
}

int ibv_resize_cq(struct ibv_cq *v, int cqe)
{
	const struct fake_device *d = &((struct fake_context *)v->context)->dev->config;
	struct fake_cq *cq = (struct fake_cq *)v;
	int e = fake_call("ibv_resize_cq");
	void *more = NULL;

	if (e)
		return e;
	fake_lock();
	if (cqe >= cq->n && cqe > 0 && cqe <= d->max_cqe)
		more = realloc(cq->entries, (size_t)cqe * sizeof(*cq->entries));
	if (more) {
		cq->entries = more;
		v->cqe = cqe;
	}
	fake_unlock();
	return more ? 0 : EINVAL;
}

int ibv_destroy_cq(struct ibv_cq *v)
{
	struct fake_cq *cq = (struct fake_cq *)v;
	bool busy;

	fake_note();
	fake_lock();
	busy = cq->users > 0;
	if (!busy) {
		unmake(v->context);
		if (v->channel)
			v->channel->refcnt--;
	}
	fake_unlock();
	if (busy)
		return EBUSY;
	free(cq->entries);
	free(cq);
	return 0;
}

/* --- queue pairs and shared receives --- */

struct ibv_srq *ibv_create_srq(struct ibv_pd *pd, struct ibv_srq_init_attr *init)
{
	const struct fake_device *d = &((struct fake_context *)pd->context)->dev->config;
	struct fake_srq *srq = make("ibv_create_srq", pd->context, sizeof(*srq));

	if (!srq)
		return NULL;
	srq->rq.depth = init->attr.max_wr;
	if (srq->rq.depth && srq->rq.depth <= (uint32_t)d->max_qp_wr)
		srq->rq.entries = calloc(srq->rq.depth, sizeof(*srq->rq.entries));
	fake_lock();
	if (srq->rq.entries)
		((struct fake_pd *)pd)->users++;
	else
		unmake(pd->context);
	fake_unlock();
	if (!srq->rq.entries) {
		free(srq);
		errno = EINVAL;
		return NULL;
	}
	srq->v.context = pd->context;
	srq->v.pd = pd;
	return &srq->v;
}

int ibv_destroy_srq(struct ibv_srq *v)
{
	struct fake_srq *srq = (struct fake_srq *)v;
	bool busy;

	fake_note();
	fake_lock();
	busy = srq->users > 0;
	if (!busy) {
		((struct fake_pd *)v->pd)->users--;
		unmake(v->context);
	}
	fake_unlock();
	if (busy)
		return EBUSY;
	free(srq->rq.entries);
	free(srq);
	return 0;
}

static bool fits(const struct fake_device *d, const struct ibv_qp_init_attr *init)
{
	const struct ibv_qp_cap *c = &init->cap;

	return (init->qp_type == IBV_QPT_RC || init->qp_type == IBV_QPT_UD) && init->send_cq &&
	       init->recv_cq && c->max_send_wr <= (uint32_t)d->max_qp_wr &&
	       c->max_recv_wr <= (uint32_t)d->max_qp_wr && c->max_send_sge <= FAKE_SGE &&
	       c->max_recv_sge <= FAKE_SGE &&
	       c->max_inline_data <=
		       (init->qp_type == IBV_QPT_UD ? d->max_inline_ud : d->max_inline);
}

/* With the lock held: what the queue pair uses is in use by one more, or one fewer. */
static void use(struct fake_qp *qp, int by)
{
	((struct fake_pd *)qp->v.pd)->users += (uint32_t)by;
	((struct fake_cq *)qp->v.send_cq)->users += (uint32_t)by;
	((struct fake_cq *)qp->v.recv_cq)->users += (uint32_t)by;
	if (qp->v.srq)
		((struct fake_srq *)qp->v.srq)->users += (uint32_t)by;
}

struct ibv_qp *ibv_create_qp(struct ibv_pd *pd, struct ibv_qp_init_attr *init)
{
	struct fake_qp *qp = make("ibv_create_qp", pd->context, sizeof(*qp));

	if (!qp)
		return NULL;
	fake_lock();
	if (!fits(&((struct fake_context *)pd->context)->dev->config, init)) {
		unmake(pd->context);
		fake_unlock();
		free(qp);
		errno = EINVAL;
		return NULL;
	}
	qp->v = (struct ibv_qp){
		.context = pd->context,
		.qp_context = init->qp_context,
		.pd = pd,
		.send_cq = init->send_cq,
		.recv_cq = init->recv_cq,
		.srq = init->srq,
		.qp_num = fake.next_qpn++,
		.state = IBV_QPS_RESET,
		.qp_type = init->qp_type,
	};
	qp->cap = init->cap;
	qp->signal_all = init->sq_sig_all;
	qp->rq.depth = init->srq ? 0 : init->cap.max_recv_wr;
	qp->sq = calloc(init->cap.max_send_wr + 1, sizeof(*qp->sq));
	qp->rq.entries = calloc(qp->rq.depth + 1, sizeof(*qp->rq.entries));
	if (!qp->sq || !qp->rq.entries)
		abort();
	use(qp, 1);
	qp->next = fake.qps;
	fake.qps = qp;
	fake.counts.connections += init->qp_type == IBV_QPT_RC;
	fake_unlock();
	return &qp->v;
}

int ibv_destroy_qp(struct ibv_qp *v)
{
	struct fake_qp *qp = (struct fake_qp *)v, **at = &fake.qps;
	bool busy = false;

	fake_note();
	fake_lock();
	for (struct fake_group *g = fake.groups; g; g = g->next)
		busy |= g->qp == qp;
	if (!busy) {
		fake_qp_clear(qp);
		use(qp, -1);
		fake.counts.connections -= v->qp_type == IBV_QPT_RC;
		while (*at != qp)
			at = &(*at)->next;
		*at = qp->next;
		unmake(v->context);
	}
	fake_unlock();
	if (busy)
		return EBUSY;
	free(qp->sq);
	free(qp->rq.entries);
	free(qp);
	return 0;
}

/* --- datagrams --- */

struct ibv_ah *ibv_create_ah(struct ibv_pd *pd, struct ibv_ah_attr *attr)
{
	const struct fake_dev *dev = ((struct fake_context *)pd->context)->dev;
	struct fake_ah *ah = make("ibv_create_ah", pd->context, sizeof(*ah));
	uint8_t gid[16];
	bool ok;

	if (!ah)
		return NULL;
	fake_lock();
	ok = attr->port_num >= 1 && attr->port_num <= dev->config.ports &&
	     (attr->is_global || dev->config.infiniband) &&
	     (!attr->is_global || fake_gid(dev, attr->port_num, attr->grh.sgid_index, gid));
	if (ok)
		((struct fake_pd *)pd)->users++;
	else
		unmake(pd->context);
	fake_unlock();
	if (!ok) {
		free(ah);
		errno = EINVAL;
		return NULL;
	}
	ah->v.context = pd->context;
	ah->v.pd = pd;
	ah->attr = *attr;
	return &ah->v;
}

int ibv_destroy_ah(struct ibv_ah *v)
{
	fake_note();
	fake_lock();
	((struct fake_pd *)v->pd)->users--;
	unmake(v->context);
	fake_unlock();
	free(v);
	return 0;
}
