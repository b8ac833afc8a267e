/* SPDX-License-Identifier: BSD-3-Clause */
/* verbs: queue pairs, from their making to their connection. */
#include "config.h"

#include "verbs_impl.h"

#include <errno.h>
#include <infiniband/verbs.h>
#include <stdio.h>
#include <string.h>

#define HOPS 64 /* what Linux gives a packet */

int rg_verbs_cq_open(const struct rg_verbs_device *device, uint32_t entries, struct ibv_cq **out,
		     struct rg_err *err)
{
	struct ibv_cq *cq;
	int e;

	if (!entries || entries > device->max_cqes)
		return rg_err_set(
			err, RG_ERR_LIMIT,
			"verbs: a completion queue of %u entries: %s takes up to %u (fewer "
			"--verbs.qps or a smaller --verbs.depth)",
			entries, device->name, device->max_cqes);
	errno = 0;
	cq = ibv_create_cq(device->context, (int)entries, NULL, NULL, 0);
	e = errno;
	if (!cq)
		return verbs_errno(err, e ? e : EIO,
				   "verbs: a completion queue of %u entries on %s", entries,
				   device->name);
	*out = cq;
	return 0;
}

int rg_verbs_cq_resize(const struct rg_verbs_device *device, struct ibv_cq *cq, uint32_t entries,
		       struct rg_err *err)
{
	int e = ibv_resize_cq(cq, (int)entries);

	if (e == ENOSYS || e == EOPNOTSUPP)
		return rg_err_set(err, RG_ERR_UNSUPPORTED,
				  "verbs: %s cannot make a completion queue longer, to %u entries "
				  "(fewer --verbs.qps or a smaller --verbs.depth)",
				  device->name, entries);
	return e ? verbs_errno(err, e, "verbs: a completion queue of %s, of %u entries from now on",
			       device->name, entries)
		 : 0;
}

static int create(const struct rg_verbs_device *d, const struct rg_verbs_queues *q,
		  enum ibv_qp_type type, struct ibv_qp **out, struct rg_err *err)
{
	uint32_t sge = q->sge ? q->sge : 1;
	struct ibv_qp_init_attr init = {
		.send_cq = q->send_cq,
		.recv_cq = q->recv_cq,
		.srq = q->srq,
		.qp_type = type,
		.sq_sig_all = q->signal_all,
		.cap = {.max_send_wr = q->send_depth,
			.max_recv_wr = q->srq ? 0 : q->recv_depth,
			.max_send_sge = sge,
			.max_recv_sge = q->srq ? 0 : sge,
			.max_inline_data = q->inline_bytes},
	};
	struct ibv_qp *qp;
	int e;

	if (q->send_depth > d->max_depth || q->recv_depth > d->max_depth || sge > d->max_sge)
		return rg_err_set(
			err, RG_ERR_LIMIT,
			"verbs: a queue pair of %u sends and %u receives with %u pieces of "
			"memory each: %s takes up to %u, and %u pieces (--verbs.depth)",
			q->send_depth, q->recv_depth, sge, d->name, d->max_depth, d->max_sge);
	errno = 0;
	qp = ibv_create_qp(d->pd, &init);
	e = errno;
	if (!qp)
		return verbs_errno(
			err, e ? e : EIO,
			"verbs: a queue pair of %u sends, %u receives and %u bytes inline "
			"on %s",
			q->send_depth, q->recv_depth, q->inline_bytes, d->name);
	*out = qp;
	return 0;
}

/* A queue pair that got no further is destroyed. */
static int step(const struct rg_verbs_device *d, struct ibv_qp *qp, struct ibv_qp_attr *attr,
		int mask, const char *name, struct rg_err *err)
{
	int e = ibv_modify_qp(qp, attr, mask);

	if (!e)
		return 0;
	(void)ibv_destroy_qp(qp);
	return rg_err_errno(err, e, "verbs: %s port %u: a new queue pair, %s", d->name, d->port,
			    name);
}

int rg_verbs_rc_open(const struct rg_verbs_device *device, const struct rg_verbs_queues *queues,
		     struct ibv_qp **out, struct rg_err *err)
{
	struct ibv_qp_attr attr = {
		.qp_state = IBV_QPS_INIT,
		.pkey_index = (uint16_t)device->options->pkey_index,
		.port_num = device->port,
		.qp_access_flags =
			IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ,
	};
	struct ibv_qp *qp;
	int rc = create(device, queues, IBV_QPT_RC, &qp, err);

	if (!rc)
		rc = step(device, qp, &attr,
			  IBV_QP_STATE | IBV_QP_PKEY_INDEX | IBV_QP_PORT | IBV_QP_ACCESS_FLAGS,
			  "RESET -> INIT", err);
	if (!rc)
		*out = qp;
	return rc;
}

/* With as much inline as it takes, up to what was asked for: downwards by halves. */
static int create_ud(const struct rg_verbs_device *d, const struct rg_verbs_queues *asked,
		     struct ibv_qp **out, uint32_t *inline_out, struct rg_err *err)
{
	struct rg_verbs_queues queues = *asked;
	uint32_t low = 0, high = asked->inline_bytes; /* low works, high does not */
	struct ibv_qp *qp;
	int rc;

	*inline_out = high;
	if (!create(d, asked, IBV_QPT_UD, out, NULL))
		return 0;
	queues.inline_bytes = low;
	rc = create(d, &queues, IBV_QPT_UD, out, err);
	while (!rc && high - low > 1) {
		queues.inline_bytes = low + (high - low) / 2;
		if (create(d, &queues, IBV_QPT_UD, &qp, NULL)) {
			high = queues.inline_bytes;
			continue;
		}
		low = queues.inline_bytes;
		(void)ibv_destroy_qp(*out);
		*out = qp;
	}
	*inline_out = low;
	return rc;
}

int rg_verbs_ud_open(const struct rg_verbs_device *device, const struct rg_verbs_queues *queues,
		     struct ibv_qp **out, uint32_t *inline_out, struct rg_err *err)
{
	struct ibv_qp_attr attr = {
		.qp_state = IBV_QPS_INIT,
		.pkey_index = (uint16_t)device->options->pkey_index,
		.port_num = device->port,
		.qkey = RG_VERBS_QKEY,
	};
	uint32_t inline_bytes;
	struct ibv_qp *qp;
	int rc = create_ud(device, queues, &qp, &inline_bytes, err);

	if (!rc)
		rc = step(device, qp, &attr,
			  IBV_QP_STATE | IBV_QP_PKEY_INDEX | IBV_QP_PORT | IBV_QP_QKEY,
			  "RESET -> INIT", err);
	attr = (struct ibv_qp_attr){.qp_state = IBV_QPS_RTR};
	if (!rc)
		rc = step(device, qp, &attr, IBV_QP_STATE, "INIT -> RTR", err);
	attr.qp_state = IBV_QPS_RTS;
	if (!rc)
		rc = step(device, qp, &attr, IBV_QP_STATE | IBV_QP_SQ_PSN, "RTR -> RTS", err);
	if (rc)
		return rc;
	*out = qp;
	*inline_out = inline_bytes;
	return 0;
}

/* --- addresses --- */

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* READs at a time: as many as the option says, or as there may be. */
static uint32_t reads(const struct rg_verbs_device *d, uint32_t most)
{
	return least(d->options->reads ? (uint32_t)d->options->reads : 255, least(most, 255));
}

void rg_verbs_address_of(const struct rg_verbs_device *device, const struct ibv_qp *qp,
			 uint32_t psn, struct rg_verbs_address *out)
{
	bool datagram = qp->qp_type == IBV_QPT_UD;

	*out = (struct rg_verbs_address){
		.magic = RG_VERBS_ADDRESS_MAGIC,
		.qpn = qp->qp_num & 0xffffff,
		.psn = psn & 0xffffff,
		.qkey = datagram ? RG_VERBS_QKEY : 0,
		.lid = device->lid,
		.mtu = (uint8_t)(device->options->mtu ? (uint32_t)device->options->mtu
						      : device->mtu),
		.flags = (uint8_t)((device->infiniband ? RG_VERBS_ADDRESS_INFINIBAND : 0) |
				   (datagram ? RG_VERBS_ADDRESS_DATAGRAM : 0) |
				   (device->grh ? RG_VERBS_ADDRESS_GRH : 0)),
		.port = device->port,
		.reads = (uint8_t)reads(device, device->max_reads_served),
		.gid_type = (uint8_t)device->gid.type,
	};
	memcpy(out->gid, device->gid.raw, sizeof(out->gid));
	snprintf(out->device, sizeof(out->device), "%.23s", device->name);
}

/* Between such two nothing ever arrives, and nobody says why. */
static int check_gids(const struct rg_verbs_device *d, const struct rg_verbs_address *a,
		      const char *ends, struct rg_err *err)
{
	char mine[RG_VERBS_GID_TEXT_BYTES], theirs[RG_VERBS_GID_TEXT_BYTES];

	if (d->gid.type == a->gid_type && verbs_gid_is_v4(d->gid.raw) == verbs_gid_is_v4(a->gid))
		return 0;
	return rg_err_set(err, RG_ERR_UNSUPPORTED,
			  "verbs: %s: GID %s is for %s, and GID %s for %s: choose two of the same "
			  "kind by --verbs.gid-index",
			  ends, rg_verbs_gid_text(d->gid.raw, mine),
			  verbs_gid_type_text(d->gid.type), rg_verbs_gid_text(a->gid, theirs),
			  verbs_gid_type_text(a->gid_type));
}

/* The first half of a GID is the subnet's prefix. A LID means something in its own subnet only. */
static int check_subnet(const struct rg_verbs_device *d, const struct rg_verbs_address *a,
			const char *ends, struct rg_err *err)
{
	char mine[RG_VERBS_GID_TEXT_BYTES], theirs[RG_VERBS_GID_TEXT_BYTES];

	if (!memcmp(a->gid, d->gid.raw, 8))
		return 0;
	return rg_err_set(err, RG_ERR_UNSUPPORTED,
			  "verbs: %s: GID %s and GID %s are in two subnets of InfiniBand: the way "
			  "needs a path record (rdma_cm), which is not asked for; choose ports of "
			  "one subnet by --verbs.device",
			  ends, rg_verbs_gid_text(d->gid.raw, mine),
			  rg_verbs_gid_text(a->gid, theirs));
}

static int check_address(const struct rg_verbs_device *d, const struct rg_verbs_address *a,
			 bool datagram, const struct rg_verbs_peer *peer, struct rg_err *err)
{
	char ends[192];

	if (a->magic != RG_VERBS_ADDRESS_MAGIC || a->mtu < IBV_MTU_256 || a->mtu > IBV_MTU_4096 ||
	    a->qpn > 0xffffff || a->psn > 0xffffff)
		return rg_err_set(err, RG_ERR_FORMAT,
				  "verbs: what rank %u on %s sent is no address of a queue pair",
				  peer->rank, peer->node);
	verbs_ends(d, a, peer, ends, sizeof(ends));
	if (!(a->flags & RG_VERBS_ADDRESS_INFINIBAND) != !d->infiniband)
		return rg_err_set(err, RG_ERR_UNSUPPORTED,
				  "verbs: %s: one is InfiniBand, the other Ethernet: choose by "
				  "--verbs.device",
				  ends);
	if (!(a->flags & RG_VERBS_ADDRESS_DATAGRAM) != !datagram)
		return rg_err_set(err, RG_ERR_UNSUPPORTED,
				  "verbs: %s: one queue pair is for datagrams, the other for a "
				  "connection",
				  ends);
	return d->infiniband ? check_subnet(d, a, ends, err) : check_gids(d, a, ends, err);
}

void verbs_fill_way(const struct rg_verbs_device *d, const struct rg_verbs_address *a,
		    struct ibv_ah_attr *way)
{
	const struct rg_verbs_options *o = d->options;

	*way = (struct ibv_ah_attr){
		.dlid = a->lid,
		.sl = (uint8_t)o->sl,
		.port_num = d->port,
		.is_global =
			!d->infiniband || d->grh || !a->lid || (a->flags & RG_VERBS_ADDRESS_GRH),
	};
	if (!way->is_global)
		return;
	way->grh = (struct ibv_global_route){
		.flow_label = (uint32_t)o->flow_label,
		.sgid_index = (uint8_t)d->gid.index,
		.hop_limit = HOPS,
		.traffic_class = (uint8_t)o->traffic_class,
	};
	memcpy(way->grh.dgid.raw, a->gid, sizeof(a->gid));
}

/* The words for a step that failed, with what is likely behind it. */
static int connect_error(const struct rg_verbs_device *d, const struct rg_verbs_address *a,
			 const struct rg_verbs_peer *peer, const char *what, int errnum,
			 struct rg_err *err)
{
	char ends[192], theirs[RG_VERBS_GID_TEXT_BYTES], mine[RG_VERBS_GID_TEXT_BYTES];

	verbs_ends(d, a, peer, ends, sizeof(ends));
	rg_verbs_gid_text(a->gid, theirs);
	rg_verbs_gid_text(d->gid.raw, mine);
	if (errnum == ETIMEDOUT || errnum == EHOSTUNREACH || errnum == ENETUNREACH)
		return rg_err_set(
			err, RG_ERR_TIMEOUT,
			"verbs: %s, %s: %s: no way from GID %s to GID %s (ping it; another "
			"interface or address family? --verbs.device, --verbs.gid-index)",
			ends, what, strerror(errnum), mine, theirs);
	if (errnum == EINVAL)
		return rg_err_set(
			err, RG_ERR_SYSTEM,
			"verbs: %s, %s: %s: GID %s and GID %s of different kinds, or an MTU, "
			"SL, P_Key or number of READs that the device does not take",
			ends, what, strerror(errnum), mine, theirs);
	return rg_err_errno(err, errnum, "verbs: %s, %s", ends, what);
}

int rg_verbs_rc_connect(const struct rg_verbs_device *device, struct ibv_qp *qp,
			const struct rg_verbs_address *mine, const struct rg_verbs_address *peers,
			const struct rg_verbs_peer *peer, struct rg_err *err)
{
	const struct rg_verbs_options *o = device->options;
	struct ibv_qp_attr attr = {
		.qp_state = IBV_QPS_RTR,
		.path_mtu = (enum ibv_mtu)least(mine->mtu, peers->mtu),
		.dest_qp_num = peers->qpn,
		.rq_psn = peers->psn,
		.max_dest_rd_atomic = mine->reads,
		.min_rnr_timer = rg_verbs_rnr_code(o->rnr_timer_ns),
	};
	int e, rc = check_address(device, peers, false, peer, err);

	if (rc)
		return rc;
	verbs_fill_way(device, peers, &attr.ah_attr);
	e = ibv_modify_qp(qp, &attr,
			  IBV_QP_STATE | IBV_QP_AV | IBV_QP_PATH_MTU | IBV_QP_DEST_QPN |
				  IBV_QP_RQ_PSN | IBV_QP_MAX_DEST_RD_ATOMIC | IBV_QP_MIN_RNR_TIMER);
	if (e)
		return connect_error(device, peers, peer, "INIT -> RTR", e, err);
	attr = (struct ibv_qp_attr){
		.qp_state = IBV_QPS_RTS,
		.sq_psn = mine->psn,
		.timeout = rg_verbs_timeout_exponent(o->timeout_ns),
		.retry_cnt = (uint8_t)o->retry_count,
		.rnr_retry = (uint8_t)o->rnr_retry,
		.max_rd_atomic = (uint8_t)least(reads(device, device->max_reads), peers->reads),
	};
	e = ibv_modify_qp(qp, &attr,
			  IBV_QP_STATE | IBV_QP_TIMEOUT | IBV_QP_RETRY_CNT | IBV_QP_RNR_RETRY |
				  IBV_QP_SQ_PSN | IBV_QP_MAX_QP_RD_ATOMIC);
	return e ? connect_error(device, peers, peer, "RTR -> RTS", e, err) : 0;
}

int rg_verbs_ah_open(const struct rg_verbs_device *device, const struct rg_verbs_address *peers,
		     const struct rg_verbs_peer *peer, struct ibv_ah **out, struct rg_err *err)
{
	struct ibv_ah_attr way;
	struct ibv_ah *ah;
	int e, rc = check_address(device, peers, true, peer, err);

	if (rc)
		return rc;
	verbs_fill_way(device, peers, &way);
	errno = 0;
	ah = ibv_create_ah(device->pd, &way);
	e = errno;
	if (!ah)
		return connect_error(device, peers, peer, "an address handle", e ? e : EIO, err);
	*out = ah;
	return 0;
}
