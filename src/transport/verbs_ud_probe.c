/* SPDX-License-Identifier: BSD-3-Clause */
/* verbs-ud: does it work here? All that needs no peer. */
#include "config.h"

#include "verbs_ud_impl.h"

/* Datagram queue pairs are made by other means than connected ones. */
static int make_queues(const struct rg_verbs_device *device, struct rg_err *err)
{
	struct rg_verbs_queues queues = {.send_depth = 1, .recv_depth = 1};
	uint32_t inline_bytes;
	struct ibv_qp *qp;
	struct ibv_cq *cq;
	int rc = rg_verbs_cq_open(device, 2, &cq, err);

	if (rc)
		return rc;
	queues.send_cq = queues.recv_cq = cq;
	rc = rg_verbs_ud_open(device, &queues, &qp, &inline_bytes, err);
	if (!rc)
		ibv_destroy_qp(qp);
	ibv_destroy_cq(cq);
	return rc;
}

int vud_probe(const struct rg_transport_config *config, struct rg_err *err)
{
	static const struct rg_transport_config defaults;
	const struct rg_transport_config *c = config ? config : &defaults;
	struct rg_verbs_device *devices[RG_VERBS_DEVICES_MAX];
	uint32_t n = 0;
	int rc = rg_verbs_devices_open(c->verbs ? c->verbs : &rg_verbs_options_default, c->local,
				       c->nlocal ? c->nlocal : 1, devices, &n, err);

	if (rc)
		return rc;
	rc = make_queues(devices[0], err);
	rg_verbs_devices_close(devices, n);
	return rc;
}
