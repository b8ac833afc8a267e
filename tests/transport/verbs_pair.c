/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "verbs_pair.h"

#include <string.h>

const struct rg_verbs_peer pair_peer = {.rank = 3, .node = "node7"};

void pair_init(struct pair *p)
{
	memset(p, 0, sizeof(*p));
	p->options = rg_verbs_options_default;
	p->options.depth = PAIR_DEPTH;
	p->options.moderation = 1;
}

static int open_end(struct pair *p, int i, struct rg_err *err)
{
	struct end *e = &p->end[i];
	const char *name = p->names[i] ? p->names[i] : i ? "fake1" : "fake0";
	struct rg_verbs_queues queues = {
		.send_depth = PAIR_DEPTH, .recv_depth = PAIR_DEPTH, .sge = 2};
	int rc = rg_verbs_device_open(&p->options, name, "asked for", &e->device, err);

	if (!rc)
		rc = rg_verbs_cq_open(e->device, p->cqes ? (uint32_t)p->cqes : 4 * PAIR_DEPTH,
				      &e->cq, err);
	if (!rc)
		rc = rg_verbs_memory_get(e->device, e->bytes, sizeof(e->bytes), RG_VERBS_REMOTE,
					 &e->mr, err);
	if (rc)
		return rc;
	e->rkey = e->mr->rkey;
	queues.send_cq = queues.recv_cq = e->cq;
	queues.inline_bytes = e->inline_bytes = e->device->max_inline_bytes;
	rc = p->datagrams ? rg_verbs_ud_open(e->device, &queues, &e->qp, &e->inline_bytes, err)
			  : rg_verbs_rc_open(e->device, &queues, &e->qp, err);
	if (!rc)
		rg_verbs_address_of(e->device, e->qp, 0x1000001u * (unsigned)(i + 5), &e->address);
	return rc;
}

static int connect_end(struct pair *p, int i, struct rg_err *err)
{
	struct end *e = &p->end[i];
	struct rg_verbs_address to = p->end[1 - i].address;

	to.psn += i ? p->wrong_psn : 0;
	return p->datagrams
		       ? rg_verbs_ah_open(e->device, &to, &pair_peer, &e->ah, err)
		       : rg_verbs_rc_connect(e->device, e->qp, &e->address, &to, &pair_peer, err);
}

int pair_open(struct pair *p, struct rg_err *err)
{
	int rc = 0;

	for (int i = 0; !rc && i < 2; i++)
		rc = open_end(p, i, err);
	for (int i = 0; !rc && i < 2; i++)
		rc = connect_end(p, i, err);
	if (rc)
		pair_close(p);
	return rc;
}

void pair_close(struct pair *p)
{
	for (int i = 0; i < 2; i++) {
		struct end *e = &p->end[i];

		if (e->ah)
			(void)ibv_destroy_ah(e->ah);
		if (e->qp)
			(void)ibv_destroy_qp(e->qp);
		if (e->cq)
			(void)ibv_destroy_cq(e->cq);
		if (e->mr)
			rg_verbs_memory_put(e->device, e->mr);
		rg_verbs_device_close(e->device);
		memset(e, 0, sizeof(*e));
	}
}

int pair_post(struct pair *p, int from, enum ibv_wr_opcode op, uint32_t len, uint64_t id)
{
	struct end *e = &p->end[from], *to = &p->end[1 - from];
	struct ibv_sge sge = {
		.addr = (uintptr_t)e->bytes, .length = len, .lkey = e->mr ? e->mr->lkey : 0};
	struct ibv_send_wr wr = {.wr_id = id,
				 .sg_list = &sge,
				 .num_sge = 1,
				 .opcode = op,
				 .send_flags = IBV_SEND_SIGNALED,
				 .imm_data = (uint32_t)id},
			   *bad;

	if (p->datagrams) {
		wr.wr.ud.ah = e->ah;
		wr.wr.ud.remote_qpn = to->address.qpn;
		wr.wr.ud.remote_qkey = to->address.qkey;
	} else {
		wr.wr.rdma.remote_addr = (uintptr_t)to->bytes + 1024;
		wr.wr.rdma.rkey = to->rkey;
	}
	return ibv_post_send(e->qp, &wr, &bad);
}

int pair_receive(struct pair *p, int at, uint32_t len, uint64_t id)
{
	struct end *e = &p->end[at];
	struct ibv_sge sge = {
		.addr = (uintptr_t)e->bytes + 2048, .length = len, .lkey = e->mr->lkey};
	struct ibv_recv_wr wr = {.wr_id = id, .sg_list = &sge, .num_sge = 1}, *bad;

	return ibv_post_recv(e->qp, &wr, &bad);
}

bool pair_poll(struct pair *p, int at, struct ibv_wc *wc)
{
	return ibv_poll_cq(p->end[at].cq, 1, wc) == 1;
}
