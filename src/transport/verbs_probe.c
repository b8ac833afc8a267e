/* SPDX-License-Identifier: BSD-3-Clause */
/* verbs: does it work here? Everything once, from a device to itself. */
#include "config.h"

#include "verbs_impl.h"

#ifdef HAVE_VERBS

#include "railgauge/base/clock.h"

#include <infiniband/verbs.h>
#include <string.h>

#define PATIENCE_NS UINT64_C(1000000000)
#define NUMBER	    UINT64_C(0x5261696c47617567)

/* A device, and two queue pairs on it that are connected to each other. */
struct loop {
	struct rg_verbs_device *device; /* borrowed */
	struct ibv_cq *cq;		/* owned, as what follows */
	struct ibv_qp *qp[2];
	struct ibv_mr *mr;
	struct rg_verbs_address address[2];
	uint64_t words[2]; /* from, to */
};

static const struct rg_verbs_peer self = {.rank = 0, .node = "this node"};

static int connect_loop(struct loop *l, struct rg_err *err)
{
	const struct rg_verbs_device *d = l->device;
	struct rg_verbs_queues queues = {.send_depth = 2, .recv_depth = 1};
	int rc = rg_verbs_cq_open(d, 8, &l->cq, err);

	queues.send_cq = queues.recv_cq = l->cq;
	for (int i = 0; !rc && i < 2; i++) {
		rc = rg_verbs_rc_open(d, &queues, &l->qp[i], err);
		if (!rc)
			rg_verbs_address_of(d, l->qp[i], (uint32_t)i + 1, &l->address[i]);
	}
	for (int i = 0; !rc && i < 2; i++)
		rc = rg_verbs_rc_connect(d, l->qp[i], &l->address[i], &l->address[1 - i], &self,
					 err);
	return rc;
}

static int wait_done(struct loop *l, struct rg_err *err)
{
	uint64_t deadline_ns = rg_clock_ns() + PATIENCE_NS;
	struct ibv_wc wc;
	int n;

	do
		n = ibv_poll_cq(l->cq, 1, &wc);
	while (!n && rg_clock_ns() < deadline_ns);
	if (n < 0)
		return rg_err_set(err, RG_ERR_SYSTEM,
				  "verbs: %s: its completion queue cannot be read",
				  l->device->name);
	if (!n)
		return rg_err_set(err, RG_ERR_TIMEOUT,
				  "verbs: %s port %u: 8 bytes to itself did not arrive within a "
				  "second",
				  l->device->name, l->device->port);
	if (wc.status)
		return rg_verbs_completion_error(l->device, &wc, l->qp[0], &l->address[1], &self,
						 err);
	if (__atomic_load_n(&l->words[1], __ATOMIC_ACQUIRE) != NUMBER)
		return rg_err_set(err, RG_ERR_WRONG_DATA,
				  "verbs: %s port %u: 8 bytes to itself arrived as others",
				  l->device->name, l->device->port);
	return 0;
}

static int write_once(struct loop *l, struct rg_err *err)
{
	struct ibv_sge sge = {.addr = (uintptr_t)&l->words[0], .length = sizeof(l->words[0])};
	struct ibv_send_wr wr = {.sg_list = &sge,
				 .num_sge = 1,
				 .opcode = IBV_WR_RDMA_WRITE,
				 .send_flags = IBV_SEND_SIGNALED},
			   *bad;
	int e, rc = rg_verbs_memory_get(l->device, l->words, sizeof(l->words), RG_VERBS_REMOTE,
					&l->mr, err);

	if (rc)
		return rc;
	l->words[0] = NUMBER;
	sge.lkey = l->mr->lkey;
	wr.wr.rdma.remote_addr = (uintptr_t)&l->words[1];
	wr.wr.rdma.rkey = l->mr->rkey;
	e = ibv_post_send(l->qp[0], &wr, &bad);
	return e ? verbs_errno(err, e, "verbs: posting to %s", l->device->name) : wait_done(l, err);
}

static int probe_device(struct rg_verbs_device *device, struct rg_err *err)
{
	struct loop l = {.device = device};
	int rc = connect_loop(&l, err);

	if (!rc)
		rc = write_once(&l, err);
	for (int i = 0; i < 2; i++) {
		if (l.qp[i])
			(void)ibv_destroy_qp(l.qp[i]);
	}
	if (l.cq)
		(void)ibv_destroy_cq(l.cq);
	rg_verbs_memory_put(device, l.mr);
	rg_verbs_memory_forget(device, l.words, sizeof(l.words));
	return rc;
}

int rg_verbs_probe(const struct rg_verbs_options *options, char *about, size_t room,
		   struct rg_err *err)
{
	struct rg_verbs_device *devices[RG_VERBS_DEVICES_MAX];
	uint32_t n = 0;
	int rc = rg_verbs_devices_open(options, 0, 1, devices, &n, err);

	if (rc)
		return rc;
	for (uint32_t i = 0; !rc && i < n; i++)
		rc = probe_device(devices[i], err);
	if (!rc && about)
		rg_verbs_device_about(devices[0], about, room);
	rg_verbs_devices_close(devices, n);
	return rc;
}

#else /* without libibverbs */

int rg_verbs_probe(const struct rg_verbs_options *options, char *about, size_t room,
		   struct rg_err *err)
{
	(void)options;
	(void)about;
	(void)room;
	return rg_err_set(err, RG_ERR_UNSUPPORTED,
			  "verbs: built without libibverbs (install libibverbs-dev or "
			  "rdma-core-devel, and configure again)");
}

#endif
