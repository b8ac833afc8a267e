/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * verbs: groups of datagram queue pairs. Over RoCE v2 a group is an IP multicast address: the queue
 * pair is attached to it at the device, and the interface joins it, so that switches, and the
 * kernel before soft devices, let its packets pass.
 */
#include "config.h"

#include "verbs_impl.h"

#include "railgauge/base/mem.h"

#include <errno.h>
#include <infiniband/verbs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Organization-local scope [RFC2365, section 6.2]; a transient address of site scope [RFC4291]. */
static void make_gid(const struct rg_verbs_device *d, uint32_t number, uint8_t gid[16])
{
	const uint8_t v4[16] = {[10] = 0xff,
				0xff,
				239,
				(uint8_t)(192 | (number >> 16 & 3)),
				(uint8_t)(number >> 8),
				(uint8_t)number};
	const uint8_t v6[16] = {0xff,
				0x15,
				[10] = 0x52,
				0x47,
				(uint8_t)(number >> 24),
				(uint8_t)(number >> 16),
				(uint8_t)(number >> 8),
				(uint8_t)number};

	memcpy(gid, verbs_gid_is_v4(d->gid.raw) ? v4 : v6, 16);
}

/* Whatever is behind it: there is no group with this device. */
static int refuse(const struct rg_verbs_device *d, const char *what, int errnum, struct rg_err *err)
{
	return rg_err_set(err, RG_ERR_UNSUPPORTED, "%s port %u: %s: %s", d->name, d->port, what,
			  strerror(errnum));
}

/* Lasts as long as the socket. */
static int join(const struct rg_verbs_device *d, const uint8_t gid[16], int *fd_out,
		struct rg_err *err)
{
	bool v4 = verbs_gid_is_v4(d->gid.raw);
	int index = (int)if_nametoindex(d->netdev), e = 0;
	struct ip_mreqn ip4 = {.imr_ifindex = index};
	struct ipv6_mreq ip6 = {.ipv6mr_interface = (unsigned)index};
	int fd = socket(v4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return refuse(d, "a socket to join a group by", errno, err);
	memcpy(&ip4.imr_multiaddr, gid + 12, 4);
	memcpy(&ip6.ipv6mr_multiaddr, gid, 16);
	if (v4 ? setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &ip4, sizeof(ip4))
	       : setsockopt(fd, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, &ip6, sizeof(ip6)))
		e = errno;
	if (e) {
		close(fd);
		return refuse(d, "its interface joining a group", e, err);
	}
	*fd_out = fd;
	return 0;
}

static int open_way(const struct rg_verbs_device *d, struct rg_verbs_group *g, struct rg_err *err)
{
	struct rg_verbs_address a = {.mtu = (uint8_t)d->mtu};
	struct ibv_ah_attr way;

	memcpy(a.gid, g->gid, sizeof(a.gid));
	verbs_fill_way(d, &a, &way);
	errno = 0;
	g->ah = ibv_create_ah(d->pd, &way);
	return g->ah ? 0 : refuse(d, "a way to a group", errno ? errno : EIO, err);
}

int rg_verbs_group_open(const struct rg_verbs_device *device, struct ibv_qp *qp, uint32_t number,
			struct rg_verbs_group **out, struct rg_err *err)
{
	struct rg_verbs_group *g;
	union ibv_gid gid;
	int rc = 0, e;

	if (device->infiniband)
		return rg_err_set(
			err, RG_ERR_UNSUPPORTED,
			"a group on InfiniBand is the subnet manager's to make (rdma_cm), "
			"which is not asked for");
	if (device->gid.type != RG_VERBS_GID_ROCE_V2)
		return rg_err_set(err, RG_ERR_UNSUPPORTED, "RoCE v1 is not IP multicast");
	g = rg_zalloc(1, sizeof(*g));
	if (!g)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "verbs: no memory for a group");
	g->fd = -1;
	make_gid(device, number, g->gid);
	if (device->netdev[0])
		rc = join(device, g->gid, &g->fd, err);
	if (!rc) {
		memcpy(gid.raw, g->gid, sizeof(gid.raw));
		e = ibv_attach_mcast(qp, &gid, 0);
		if (e)
			rc = refuse(device, "attaching to a group", e, err);
		else
			g->qp = qp;
	}
	if (!rc)
		rc = open_way(device, g, err);
	if (rc) {
		rg_verbs_group_close(g);
		return rc;
	}
	*out = g;
	return 0;
}

void rg_verbs_group_close(struct rg_verbs_group *group)
{
	union ibv_gid gid;

	if (!group)
		return;
	memcpy(gid.raw, group->gid, sizeof(gid.raw));
	if (group->ah)
		(void)ibv_destroy_ah(group->ah);
	if (group->qp)
		(void)ibv_detach_mcast(group->qp, &gid, 0);
	if (group->fd >= 0)
		close(group->fd);
	rg_free(group);
}
