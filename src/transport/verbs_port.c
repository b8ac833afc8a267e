/* SPDX-License-Identifier: BSD-3-Clause */
/* verbs: a device's port, and its GIDs. */
#include "config.h"

#include "verbs_impl.h"

#include "railgauge/base/mem.h"
#include "railgauge/topo/line.h"

#include <ifaddrs.h>
#include <infiniband/verbs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

/* An older active_speed ends at NDR, which faster ports say as well. */
static uint32_t speed_of(const struct ibv_port_attr *attr)
{
#ifdef HAVE_STRUCT_IBV_PORT_ATTR_ACTIVE_SPEED_EX
	if (attr->active_speed_ex)
		return attr->active_speed_ex;
#endif
	return attr->active_speed;
}

static int port_down(const struct rg_verbs_device *d, const struct ibv_port_attr *attr,
		     struct rg_err *err)
{
	const char *fix = "cable, switch port, or ip link set dev INTERFACE up";

	if (attr->link_layer != IBV_LINK_LAYER_ETHERNET)
		fix = attr->state == IBV_PORT_INIT || attr->state == IBV_PORT_ARMED
			      ? "no subnet manager has configured it (opensm, or the switch's own)"
			      : "cable or switch port";
	return rg_err_set(err, RG_ERR_UNSUPPORTED, "verbs: %s port %u is not active (%s): %s",
			  d->name, d->port,
			  attr->state == IBV_PORT_DOWN	  ? "down"
			  : attr->state == IBV_PORT_INIT  ? "initialising"
			  : attr->state == IBV_PORT_ARMED ? "armed"
							  : "unknown state",
			  fix);
}

static int query_port(struct rg_verbs_device *d, uint8_t port, struct ibv_port_attr *attr,
		      struct rg_err *err)
{
	int e = ibv_query_port(d->context, port, attr);

	return e ? rg_err_errno(err, e, "verbs: %s port %u does not answer", d->name, port) : 0;
}

/* wanted, or with 0 the first that is active. */
int verbs_port_choose(struct rg_verbs_device *d, uint8_t nports, int64_t wanted,
		      struct ibv_port_attr *attr, struct rg_err *err)
{
	struct ibv_port_attr first = {0};
	int rc = 0;

	if (wanted > nports)
		return rg_err_set(err, RG_ERR_NOT_FOUND,
				  "verbs: %s has no port %lld; it has %u port%s", d->name,
				  (long long)wanted, nports, nports == 1 ? "" : "s");
	for (uint8_t p = 1; !rc && p <= nports; p++) {
		if (wanted && p != wanted)
			continue;
		rc = query_port(d, p, attr, err);
		d->port = p;
		if (!rc && attr->state == IBV_PORT_ACTIVE)
			return 0;
		if (!first.state)
			first = *attr;
	}
	if (!wanted)
		d->port = 1;
	return rc ? rc : port_down(d, &first, err);
}

int verbs_port_take(struct rg_verbs_device *d, const struct ibv_port_attr *attr, struct rg_err *err)
{
	d->infiniband = attr->link_layer != IBV_LINK_LAYER_ETHERNET;
	d->grh = d->infiniband && (attr->flags & IBV_QPF_GRH_REQUIRED);
	d->lid = attr->lid;
	d->sm_lid = attr->sm_lid;
	d->mtu = attr->active_mtu;
	if (d->infiniband)
		d->rate_Bps = rg_line_infiniband_Bps(speed_of(attr), attr->active_width);
	d->max_message_bytes = attr->max_msg_sz;
	d->active = true;
	if (d->options->pkey_index >= attr->pkey_tbl_len)
		return rg_err_set(
			err, RG_ERR_RANGE,
			"verbs: --verbs.pkey-index %lld: %s port %u has %u partition keys",
			(long long)d->options->pkey_index, d->name, d->port, attr->pkey_tbl_len);
	if (d->options->mtu > (int)d->mtu)
		return rg_err_set(err, RG_ERR_RANGE,
				  "verbs: --verbs.mtu %u: %s port %u is set to %u (the interface's "
				  "MTU, less headers)",
				  verbs_mtu_bytes((uint32_t)d->options->mtu), d->name, d->port,
				  verbs_mtu_bytes(d->mtu));
	return 0;
}

/* --- GIDs --- */

static uint32_t count_bits(const uint8_t *mask, size_t len_bytes)
{
	uint32_t bits = 0;

	for (size_t i = 0; i < len_bytes; i++)
		bits += (uint32_t)__builtin_popcount(mask[i]);
	return bits;
}

/* Is it an address of this interface? Of one with a label ("eth0:1") the name stands before it. */
static bool is_of_netdev(const struct ifaddrs *i, const char *netdev)
{
	size_t len = strcspn(i->ifa_name, ":");

	return !netdev[0] || (strlen(netdev) == len && !memcmp(netdev, i->ifa_name, len));
}

/* The network prefix of the interface's address that a GID of RoCE is made of. */
static void find_bits(const struct ifaddrs *list, struct rg_verbs_gid *g)
{
	bool is_v4 = verbs_gid_is_v4(g->raw);

	for (const struct ifaddrs *i = list; i && g->type != RG_VERBS_GID_IB; i = i->ifa_next) {
		const struct sockaddr_in *v4 = (const struct sockaddr_in *)i->ifa_addr;
		const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)i->ifa_addr;

		if (!i->ifa_addr || !i->ifa_netmask || !is_of_netdev(i, g->netdev) ||
		    i->ifa_addr->sa_family != (is_v4 ? AF_INET : AF_INET6))
			continue;
		if (is_v4 && !memcmp(&v4->sin_addr, g->raw + 12, 4))
			g->bits =
				96 + count_bits((const uint8_t *)&(
							(const struct sockaddr_in *)i->ifa_netmask)
							->sin_addr,
						4);
		else if (!is_v4 && !memcmp(&v6->sin6_addr, g->raw, 16))
			g->bits = count_bits(
				(const uint8_t *)&((const struct sockaddr_in6 *)i->ifa_netmask)
					->sin6_addr,
				16);
	}
}

static void take_gids(struct rg_verbs_device *d, const struct ibv_gid_entry *entries, ssize_t n)
{
	struct ifaddrs *addresses = NULL;

	if (getifaddrs(&addresses))
		addresses = NULL; /* then no subnet is known */
	for (ssize_t i = 0; i < n; i++) {
		struct rg_verbs_gid *g = &d->gids[d->ngids];
		char netdev[IF_NAMESIZE] = "";

		/* Addresses of queue pairs have 8 bits for it. */
		if (entries[i].port_num != d->port || entries[i].gid_index > UINT8_MAX)
			continue;
		*g = (struct rg_verbs_gid){.index = entries[i].gid_index,
					   .type = entries[i].gid_type};
		memcpy(g->raw, entries[i].gid.raw, sizeof(g->raw));
		if (entries[i].ndev_ifindex && if_indextoname(entries[i].ndev_ifindex, netdev))
			snprintf(g->netdev, sizeof(g->netdev), "%s", netdev);
		find_bits(addresses, g);
		d->ngids++;
	}
	freeifaddrs(addresses);
}

int verbs_gids_read(struct rg_verbs_device *d, struct rg_err *err)
{
	size_t room = (size_t)d->gid_room + 1;
	struct ibv_gid_entry *entries = rg_zalloc(room, sizeof(*entries));
	struct rg_verbs_gid *gids = rg_zalloc(room, sizeof(*gids));
	ssize_t n = -1;

	if (entries && gids)
		n = ibv_query_gid_table(d->context, entries, room, 0);
	if (n >= 0) {
		rg_free(d->gids);
		d->gids = gids;
		d->ngids = 0;
		take_gids(d, entries, n);
	} else {
		rg_free(gids);
	}
	rg_free(entries);
	if (!entries || !gids)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "verbs: no memory for %zu GIDs", room);
	return n < 0 ? rg_err_errno(err, (int)-n, "verbs: the GIDs of %s", d->name) : 0;
}

bool verbs_gid_find_again(struct rg_verbs_device *d)
{
	for (uint32_t i = 0; i < d->ngids; i++) {
		const struct rg_verbs_gid *g = &d->gids[i];

		if (g->type == d->gid.type && !memcmp(g->raw, d->gid.raw, sizeof(g->raw)) &&
		    !strcmp(g->netdev, d->gid.netdev)) {
			d->gid = *g;
			return true;
		}
	}
	return false;
}

int verbs_gid_settle(struct rg_verbs_device *d, const struct rg_verbs_offer *peers, uint32_t npeers,
		     struct rg_err *err)
{
	uint32_t chosen;
	int rc = rg_verbs_gid_choose(d->gids, d->ngids, d->infiniband, d->options->gid_index, peers,
				     npeers, &chosen, d->gid_why, err);

	if (rc)
		return rc;
	d->gid = d->gids[chosen];
	snprintf(d->netdev, sizeof(d->netdev), "%s", d->gid.netdev);
	if (!d->infiniband)
		d->rate_Bps = d->netdev[0] ? rg_line_ethernet_Bps("", d->netdev) : 0;
	return 0;
}
