/* SPDX-License-Identifier: BSD-3-Clause */
/* Made-up devices, as libibverbs shows them. */
#include "config.h"

#include "fake_verbs_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#undef ibv_get_device_list
#undef ibv_query_port

int ibv_fork_init(void)
{
	fake_lock();
	fake.counts.others++;
	fake.counts.forks_prepared++;
	fake_unlock();
	return 0;
}

struct ibv_device **ibv_get_device_list(int *n_out)
{
	int e = fake_call("ibv_get_device_list");
	struct ibv_device **list;

	if (e) {
		errno = e;
		return NULL;
	}
	list = calloc(fake.ndevices + 1, sizeof(*list));
	for (uint32_t i = 0; list && i < fake.ndevices; i++)
		list[i] = &fake.devices[i].v;
	if (n_out)
		*n_out = (int)fake.ndevices;
	fake_lock();
	fake.live++;
	fake_unlock();
	return list;
}

void ibv_free_device_list(struct ibv_device **list)
{
	free(list);
	fake_lock();
	fake.live--;
	fake_unlock();
}

const char *ibv_get_device_name(struct ibv_device *device)
{
	return device->name;
}

static struct fake_context *make_context(struct fake_dev *dev)
{
	struct fake_context *c = calloc(1, sizeof(*c));

	if (!c || pipe(c->event_pipe) || fcntl(c->event_pipe[1], F_SETFL, O_NONBLOCK))
		abort();
	c->dev = dev;
	c->v.device = &dev->v;
	c->v.async_fd = c->event_pipe[0];
	c->v.cmd_fd = -1;
	c->v.num_comp_vectors = 1;
	c->v.ops.post_send = fake_post_send;
	c->v.ops.post_recv = fake_post_recv;
	c->v.ops.post_srq_recv = fake_post_srq_recv;
	c->v.ops.poll_cq = fake_poll_cq;
	c->v.ops.req_notify_cq = fake_req_notify_cq;
	return c;
}

struct ibv_context *ibv_open_device(struct ibv_device *device)
{
	struct fake_dev *dev = (struct fake_dev *)device;
	int e = fake_call("ibv_open_device");
	struct fake_context *c;

	if (!e && dev->config.absent)
		e = ENOENT;
	if (e) {
		errno = e;
		return NULL;
	}
	c = make_context(dev);
	fake_lock();
	c->next = fake.contexts;
	fake.contexts = c;
	fake.live++;
	fake_unlock();
	return &c->v;
}

int ibv_close_device(struct ibv_context *context)
{
	struct fake_context *c = (struct fake_context *)context, **at;
	bool busy;

	fake_note();
	fake_lock();
	busy = c->users > 0;
	if (!busy) {
		for (at = &fake.contexts; *at != c;)
			at = &(*at)->next;
		*at = c->next;
		fake.live--;
	}
	fake_unlock();
	if (busy)
		return EBUSY;
	close(c->event_pipe[0]);
	close(c->event_pipe[1]);
	free(c);
	return 0;
}

int ibv_query_device(struct ibv_context *context, struct ibv_device_attr *attr)
{
	const struct fake_device *d = &((struct fake_context *)context)->dev->config;
	int e = fake_call("ibv_query_device");

	if (e)
		return e;
	*attr = (struct ibv_device_attr){
		.max_mr_size = UINT64_MAX,
		.max_qp = 1000,
		.max_qp_wr = d->max_qp_wr,
		.max_sge = FAKE_SGE,
		.max_cq = 1000,
		.max_cqe = d->max_cqe,
		.max_mr = 10000,
		.max_pd = 100,
		.max_qp_rd_atom = d->max_reads,
		.max_qp_init_rd_atom = d->max_reads,
		.max_ah = 1000,
		.max_srq = 100,
		.max_srq_wr = d->max_qp_wr,
		.max_srq_sge = FAKE_SGE,
		.max_mcast_grp = 100,
		.max_pkeys = 1,
		.phys_port_cnt = d->ports,
	};
	return 0;
}

int ibv_query_port(struct ibv_context *context, uint8_t port, struct _compat_ibv_port_attr *out)
{
	const struct fake_dev *dev = ((struct fake_context *)context)->dev;
	const struct fake_device *d = &dev->config;
	struct ibv_port_attr *attr = (struct ibv_port_attr *)out;
	int e = fake_call("ibv_query_port");

	if (!e && (port < 1 || port > d->ports))
		e = EINVAL;
	if (e)
		return e;
	fake_lock();
	*attr = (struct ibv_port_attr){
		.state = dev->ports[port].up	       ? IBV_PORT_ACTIVE
			 : d->state == IBV_PORT_ACTIVE ? IBV_PORT_DOWN
						       : d->state,
		.max_mtu = IBV_MTU_4096,
		.active_mtu = d->mtu,
		.gid_tbl_len = FAKE_GIDS_MAX,
		.max_msg_sz = 1u << 30,
		.pkey_tbl_len = 1,
		.lid = fake_lid(dev, port),
		.flags = d->grh ? IBV_QPF_GRH_REQUIRED : 0,
		.sm_lid = d->infiniband,
		.active_width = 2, /* 4 lanes */
		.active_speed = d->speed,
		.phys_state = 5,
		.link_layer = d->infiniband ? IBV_LINK_LAYER_INFINIBAND : IBV_LINK_LAYER_ETHERNET,
	};
	fake_unlock();
	return 0;
}

int ibv_query_gid(struct ibv_context *context, uint8_t port, int index, union ibv_gid *gid)
{
	int e = fake_call("ibv_query_gid");

	if (!e && index >= FAKE_GIDS_MAX)
		e = EINVAL;
	if (e) {
		errno = e;
		return -1;
	}
	if (!fake_gid(((struct fake_context *)context)->dev, port, (uint32_t)index, gid->raw))
		*gid = (union ibv_gid){{0}};
	return 0;
}

ssize_t _ibv_query_gid_table(struct ibv_context *context, struct ibv_gid_entry *entries, size_t max,
			     uint32_t flags, size_t entry_bytes)
{
	const struct fake_dev *dev = ((struct fake_context *)context)->dev;
	int e = fake_call("ibv_query_gid_table");
	size_t n = 0;

	if (e || flags || entry_bytes != sizeof(*entries))
		return e ? -e : -EINVAL;
	for (uint8_t port = 1; port <= dev->config.ports; port++) {
		for (uint32_t i = 0; i < dev->config.ngids && n < max; i++) {
			entries[n] = (struct ibv_gid_entry){
				.gid_index = i,
				.port_num = port,
				.gid_type = dev->config.gid_types[i],
			};
			n += fake_gid(dev, port, i, entries[n].gid.raw);
		}
	}
	return (ssize_t)n;
}

const char *ibv_port_state_str(enum ibv_port_state state)
{
	return state == IBV_PORT_ACTIVE ? "active" : "not active";
}

int ibv_query_pkey(struct ibv_context *context, uint8_t port, int index, __be16 *pkey)
{
	int e = fake_call("ibv_query_pkey");

	(void)context;
	(void)port;
	if (!e && index > 0)
		e = EINVAL;
	if (e) {
		errno = e;
		return -1;
	}
	*pkey = 0xffff;
	return 0;
}
