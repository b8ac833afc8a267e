/* SPDX-License-Identifier: BSD-3-Clause */
/* verbs: opening one port of one device. */
#include "config.h"

#include "verbs_impl.h"

#include "railgauge/base/mem.h"
#include "railgauge/base/units.h"
#include "railgauge/topo/limits.h"
#include "railgauge/topo/rdma.h"

#include <errno.h>
#include <fcntl.h>
#include <infiniband/verbs.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* --- words --- */

int verbs_errno(struct rg_err *err, int errnum, const char *fmt, ...)
{
	char words[320], size[RG_UNITS_BYTES];
	uint64_t limit = errnum == ENOMEM ? rg_limits_memlock_bytes() : RG_UNLIMITED;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(words, sizeof(words), fmt, ap);
	va_end(ap);
	if (limit == RG_UNLIMITED)
		return rg_err_errno(err, errnum, "%s", words);
	return rg_err_set(err, RG_ERR_LIMIT,
			  "%s: %s; maybe the limit of locked memory, %s (ulimit -l): " VERBS_RAISE,
			  words, strerror(errnum), rg_format_size(limit, size));
}

/* --- what it can do --- */

static int take_limits(struct rg_verbs_device *d, const struct ibv_device_attr *a,
		       struct rg_err *err)
{
	const struct rg_verbs_options *o = d->options;

	d->max_depth = a->max_qp_wr > 0 ? (uint32_t)a->max_qp_wr : 0;
	d->max_cqes = a->max_cqe > 0 ? (uint32_t)a->max_cqe : 0;
	d->max_sge = a->max_sge > 0 ? (uint32_t)a->max_sge : 1;
	d->max_reads = a->max_qp_init_rd_atom > 0 ? (uint32_t)a->max_qp_init_rd_atom : 0;
	d->max_reads_served = a->max_qp_rd_atom > 0 ? (uint32_t)a->max_qp_rd_atom : 0;
	if (o->depth > (int64_t)d->max_depth)
		return rg_err_set(err, RG_ERR_LIMIT, "verbs: --verbs.depth %lld: %s takes up to %u",
				  (long long)o->depth, d->name, d->max_depth);
	if (o->reads > (int64_t)d->max_reads)
		return rg_err_set(err, RG_ERR_LIMIT, "verbs: --verbs.reads %lld: %s takes up to %u",
				  (long long)o->reads, d->name, d->max_reads);
	return 0;
}

/* 0, or the errno with which a queue pair of the asked depth and so much inline is refused. */
static int try_inline(const struct rg_verbs_device *d, struct ibv_cq *cq, uint32_t inline_bytes)
{
	struct ibv_qp_init_attr init = {
		.send_cq = cq,
		.recv_cq = cq,
		.qp_type = IBV_QPT_RC,
		.cap = {.max_send_wr = (uint32_t)d->options->depth,
			.max_recv_wr = 1,
			.max_send_sge = 1,
			.max_recv_sge = 1,
			.max_inline_data = inline_bytes},
	};
	struct ibv_qp *qp = ibv_create_qp(d->pd, &init);
	int e = errno;

	if (!qp)
		return e ? e : EINVAL;
	(void)ibv_destroy_qp(qp);
	return 0;
}

/* There is no attribute for it: tried, from what was asked for downwards by halves. */
static int find_inline(struct rg_verbs_device *d, struct rg_err *err)
{
	uint32_t low = 0, high = (uint32_t)d->options->inline_bytes; /* low works, high does not */
	struct ibv_cq *cq = ibv_create_cq(d->context, 1, NULL, NULL, 0);
	int e = errno;

	if (!cq)
		return verbs_errno(err, e, "verbs: a completion queue on %s", d->name);
	e = try_inline(d, cq, high);
	if (!e)
		low = high;
	else if (high)
		e = try_inline(d, cq, 0);
	while (!e && high - low > 1) {
		uint32_t middle = low + (high - low) / 2;

		if (try_inline(d, cq, middle))
			high = middle;
		else
			low = middle;
	}
	(void)ibv_destroy_cq(cq);
	d->max_inline_bytes = low;
	return e ? verbs_errno(err, e, "verbs: a queue pair of depth %lld on %s",
			       (long long)d->options->depth, d->name)
		 : 0;
}

/* --- opening --- */

int verbs_open_error(struct rg_err *err, int errnum, const char *name)
{
	const char *fix = "";

	if (errnum == EACCES || errnum == EPERM)
		fix = "; may this user read and write /dev/infiniband/uverbs*? (a group, or udev's "
		      "rules of rdma-core)";
	else if (errnum == ENOENT || errnum == ENODEV || errnum == ENXIO)
		fix = "; there is no /dev/infiniband/uverbs* for it: modprobe ib_uverbs, or in a "
		      "container --device /dev/infiniband";
	return rg_err_set(err, errnum == ENOMEM ? RG_ERR_NO_MEMORY : RG_ERR_SYSTEM,
			  "verbs: %s cannot be opened: %s%s", name, strerror(errnum), fix);
}

static int open_named(struct rg_verbs_device *d, const char *name, size_t len, struct rg_err *err)
{
	struct ibv_device **list, *found = NULL;
	char names[240] = "";
	size_t used = 0;
	int n, e = 0, rc = verbs_list(&list, &n, err);

	if (rc)
		return rc;
	for (int i = 0; i < n; i++) {
		const char *have = ibv_get_device_name(list[i]);

		if (strlen(have) == len && !memcmp(have, name, len))
			found = list[i];
		if (used < sizeof(names))
			used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s",
						 used ? ", " : "", have);
	}
	if (!found) {
		rc = rg_err_set(err, RG_ERR_NOT_FOUND,
				"verbs: there is no device %.*s; there %s %s", (int)len, name,
				n == 1 ? "is" : "are", names);
	} else if (!verbs_has_connections(found)) {
		rc = rg_err_set(err, RG_ERR_UNSUPPORTED,
				"verbs: %.*s is %s, not InfiniBand or RoCE: without immediate "
				"data, or without connections and addresses of this kind",
				(int)len, name,
				found->transport_type == IBV_TRANSPORT_IWARP
					? "an iWARP device"
					: "a device with a transport of its own (EFA, usNIC)");
	} else {
		snprintf(d->name, sizeof(d->name), "%.*s", (int)len, name);
		d->soft = rg_rdma_is_soft("", d->name);
		errno = 0;
		d->context = ibv_open_device(found);
		e = errno;
	}
	ibv_free_device_list(list);
	if (!rc && !d->context)
		rc = verbs_open_error(err, e ? e : EIO, d->name);
	return rc;
}

/* "NAME:PORT"; 0 where there is no port in it. */
static int split_name(const char *name, size_t *len_out, int64_t *port_out, struct rg_err *err)
{
	const char *colon = strchr(name, ':');

	*len_out = colon ? (size_t)(colon - name) : strlen(name);
	*port_out = 0;
	if (!*len_out || *len_out >= RG_VERBS_NAME_BYTES)
		return rg_err_set(
			err, RG_ERR_INVALID,
			"--verbs.device: \"%.80s\" is no device: NAME or NAME:PORT, such as "
			"mlx5_0 or mlx5_0:1",
			name);
	return colon ? rg_parse_int(colon + 1, "--verbs.device: the port", 1, 254, port_out, err)
		     : 0;
}

static int set_up(struct rg_verbs_device *d, int64_t port, struct rg_err *err)
{
	struct ibv_device_attr attr = {0};
	struct ibv_port_attr port_attr = {0};
	int e = ibv_query_device(d->context, &attr), rc;

	if (e)
		return rg_err_errno(err, e, "verbs: %s does not answer", d->name);
	rc = take_limits(d, &attr, err);
	if (!rc)
		rc = verbs_port_choose(d, attr.phys_port_cnt, port, &port_attr, err);
	if (!rc)
		rc = verbs_port_take(d, &port_attr, err);
	d->gid_room = (uint32_t)port_attr.gid_tbl_len * attr.phys_port_cnt;
	if (!rc)
		rc = verbs_gids_read(d, err);
	if (rc)
		return rc;
	rc = verbs_gid_settle(d, NULL, 0, err);
	if (rc) {
		struct rg_err why = *err;

		return rg_err_set(err, rc, "verbs: %s port %u: %s", d->name, d->port, why.text);
	}
	e = fcntl(d->context->async_fd, F_GETFL);
	if (e < 0 || fcntl(d->context->async_fd, F_SETFL, e | O_NONBLOCK))
		return rg_err_errno(err, errno, "verbs: the events of %s", d->name);
	errno = 0;
	d->pd = ibv_alloc_pd(d->context);
	if (!d->pd)
		return rg_err_errno(err, errno, "verbs: a protection domain on %s", d->name);
	d->memory = verbs_memory_open();
	if (!d->memory)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "verbs: no memory for registrations");
	return find_inline(d, err);
}

int rg_verbs_device_open(const struct rg_verbs_options *options, const char *name, const char *why,
			 struct rg_verbs_device **out, struct rg_err *err)
{
	struct rg_verbs_device *d;
	struct rg_err own = {0};
	int64_t port;
	size_t len;
	int rc = split_name(name, &len, &port, &own);

	if (rc) {
		if (err)
			*err = own;
		return rc;
	}
	d = rg_zalloc(1, sizeof(*d));
	if (!d)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "verbs: no memory for a device");
	d->options = options;
	snprintf(d->why, sizeof(d->why), "%s", why ? why : "");
	rc = open_named(d, name, len, &own);
	if (!rc)
		rc = set_up(d, port ? port : options->port, &own);
	if (!rc) {
		*out = d;
		return 0;
	}
	rg_verbs_device_close(d);
	if (err)
		*err = own;
	return rc;
}

void rg_verbs_device_close(struct rg_verbs_device *device)
{
	if (!device)
		return;
	verbs_memory_close(device->memory);
	/* Where these fail something of the device is still in use: nothing to do about it. */
	if (device->pd)
		(void)ibv_dealloc_pd(device->pd);
	if (device->context)
		(void)ibv_close_device(device->context);
	rg_free(device->gids);
	rg_free(device);
}

/* --- what it tells --- */

int rg_verbs_device_settle(struct rg_verbs_device *device, const struct rg_verbs_offer *peers,
			   uint32_t npeers, uint32_t *bad_out, struct rg_err *err)
{
	for (uint32_t i = 0; i < npeers; i++) {
		if (peers[i].infiniband == device->infiniband)
			continue;
		if (bad_out)
			*bad_out = i;
		return rg_err_set(err, RG_ERR_UNSUPPORTED,
				  "verbs: %s port %u is %s, and the peer's port is not: choose by "
				  "--verbs.device",
				  device->name, device->port,
				  device->infiniband ? "InfiniBand" : "Ethernet");
	}
	return verbs_gid_settle(device, peers, npeers, err);
}

bool rg_verbs_device_ask(struct rg_verbs_device *device)
{
	struct ibv_port_attr attr = {0};

	device->changed = false;
	device->active = !device->removed &&
			 !ibv_query_port(device->context, device->port, &attr) &&
			 attr.state == IBV_PORT_ACTIVE && !verbs_gids_read(device, NULL) &&
			 verbs_gid_find_again(device);
	return device->active;
}

void rg_verbs_device_about(const struct rg_verbs_device *device, char *text, size_t room)
{
	const struct rg_verbs_options *o = device->options;
	char rate[40] = "", gid[RG_VERBS_GID_TEXT_BYTES], wait[RG_UNITS_BYTES];
	uint32_t mtu = o->mtu ? (uint32_t)o->mtu : device->mtu;

	if (device->rate_Bps)
		snprintf(rate, sizeof(rate), ", %g Gbit/s", (double)device->rate_Bps * 8 / 1e9);
	snprintf(text, room, "%s port %u, %s, GID %u %s, MTU up to %u%s, inline %u, timeout %s",
		 device->name, device->port, verbs_gid_type_text(device->gid.type),
		 device->gid.index, rg_verbs_gid_text(device->gid.raw, gid), verbs_mtu_bytes(mtu),
		 rate, device->max_inline_bytes,
		 o->timeout_ns ? rg_format_time((double)rg_verbs_timeout_ns(
							rg_verbs_timeout_exponent(o->timeout_ns)),
						wait)
			       : "none");
}
