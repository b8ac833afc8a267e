/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "sysfs.h"

#include "impl.h"

#include "railgauge/topo/rdma.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PORT_DIR_BYTES 400

static struct rg_topo_nic *find_port(struct rg_topo *topo, const char *rdma, uint32_t port)
{
	for (uint32_t i = 0; i < topo->nnics; i++) {
		if (!strcmp(topo->nics[i].rdma, rdma) && topo->nics[i].port == port)
			return &topo->nics[i];
	}
	return NULL;
}

/* The row of a network interface without RDMA. */
static struct rg_topo_nic *find_netdev(struct rg_topo *topo, const char *netdev)
{
	for (uint32_t i = 0; i < topo->nnics; i++) {
		if (!topo->nics[i].rdma[0] && !strcmp(topo->nics[i].netdev, netdev))
			return &topo->nics[i];
	}
	return NULL;
}

static bool is_zero_gid(const char *gid)
{
	return !gid[strspn(gid, "0:")];
}

static void read_gids(const char *dir, struct rg_topo_nic *nic)
{
	nic->ngids = 0;
	memset(nic->gids, 0, sizeof(nic->gids));
	for (uint32_t i = 0; i < 256; i++) {
		struct rg_topo_gid *g = &nic->gids[nic->ngids];
		char gid[sizeof(g->gid)];

		if (!topo_sysfs_read(gid, sizeof(gid), "%s/gids/%" PRIu32, dir, i))
			break;
		if (is_zero_gid(gid))
			continue;
		if (nic->ngids++ >= RG_TOPO_GIDS_MAX)
			continue;
		g->index = i;
		memcpy(g->gid, gid, sizeof(gid));
		topo_sysfs_read(g->type, sizeof(g->type), "%s/gid_attrs/types/%" PRIu32, dir, i);
		topo_sysfs_read(g->netdev, sizeof(g->netdev), "%s/gid_attrs/ndevs/%" PRIu32, dir,
				i);
	}
}

static void read_port(const char *dir, struct rg_topo_nic *nic)
{
	char text[64];
	double rate_Gbitps;

	if (topo_sysfs_read(text, sizeof(text), "%s/link_layer", dir)) {
		if (!strcmp(text, "InfiniBand"))
			nic->layer = RG_TOPO_LAYER_INFINIBAND;
		else if (!strcmp(text, "Ethernet"))
			nic->layer = RG_TOPO_LAYER_ETHERNET;
	}
	/* "4: ACTIVE" */
	if (topo_sysfs_read(text, sizeof(text), "%s/state", dir)) {
		unsigned long state = strtoul(text, NULL, 10);

		if (state >= RG_TOPO_STATE_DOWN && state <= RG_TOPO_STATE_ACTIVE)
			nic->state = (enum rg_topo_state)state;
	}
	/* "200 Gb/sec (4X HDR)" */
	if (topo_sysfs_read(text, sizeof(text), "%s/rate", dir)) {
		rate_Gbitps = strtod(text, NULL);
		if (rate_Gbitps > 0 && rate_Gbitps < 1e6)
			nic->rate_Bps = (uint64_t)(rate_Gbitps * 1e9 / 8);
	}
	read_gids(dir, nic);
}

bool rg_rdma_is_soft(const char *root, const char *device)
{
	char dir[PORT_DIR_BYTES], path[PORT_DIR_BYTES + 16], text[64];
	bool bus;

	snprintf(dir, sizeof(dir), "%.200s/sys/class/infiniband/%.100s", root, device);
	if (access(dir, F_OK))
		return false;
	snprintf(path, sizeof(path), "%s/device", dir);
	bus = readlink(path, text, sizeof(text)) >= 0;
	if (!bus || topo_sysfs_read(text, sizeof(text), "%s/parent", dir))
		return true;
	return topo_sysfs_read(text, sizeof(text), "%s/node_desc", dir) &&
	       !strncmp(text, "Software", strlen("Software"));
}

/* The bus id of a device's folder, from its link "device", if there is one. */
static void read_busid(const char *dir, char *busid, size_t len_bytes)
{
	char link[512], path[PORT_DIR_BYTES];
	unsigned d[4];
	const char *base;
	ssize_t n;

	snprintf(path, sizeof(path), "%.380s/device", dir);
	n = readlink(path, link, sizeof(link) - 1);
	if (n <= 0)
		return;
	link[n] = '\0';
	base = strrchr(link, '/');
	base = base ? base + 1 : link;
	if (sscanf(base, "%x:%x:%x.%x", &d[0], &d[1], &d[2], &d[3]) == 4)
		snprintf(busid, len_bytes, "%04x:%02x:%02x.%x", d[0], d[1], d[2] & 0x1fu,
			 d[3] & 7u);
}

/* A device that hwloc has not placed: only its NUMA node is known. */
static void place_alone(const struct rg_topo *topo, const char *dir, struct rg_topo_nic *nic)
{
	char text[32];
	unsigned long os = UINT32_MAX;

	nic->at = (struct rg_topo_place){.bridge = RG_TOPO_NONE,
					 .host_bridge = RG_TOPO_NONE,
					 .numa = RG_TOPO_NONE,
					 .package = RG_TOPO_NONE};
	read_busid(dir, nic->at.busid, sizeof(nic->at.busid));
	if (topo_sysfs_read(text, sizeof(text), "%s/device/numa_node", dir))
		os = strtoul(text, NULL, 10);
	for (uint32_t i = 0; i < topo->nnumas; i++) {
		if (topo->numas[i].os_index == os) {
			nic->at.numa = i;
			nic->at.package = topo->numas[i].package;
		}
	}
}

/* The netdev that a port says is its own: rxe's "parent", else that of the first GID. */
static void read_parent(const char *dir, const char *port_dir, char *netdev, size_t len_bytes)
{
	if (!topo_sysfs_read(netdev, len_bytes, "%s/parent", dir))
		topo_sysfs_read(netdev, len_bytes, "%s/gid_attrs/ndevs/0", port_dir);
}

/* A port that hwloc has not found: on the row of its netdev, where that has none, or a new one. */
static struct rg_topo_nic *add_row(struct rg_topo *topo, const char *dir, const char *rdma,
				   uint32_t port, const char *netdev, bool soft, struct rg_err *err)
{
	struct rg_topo_nic *nic = netdev[0] ? find_netdev(topo, netdev) : NULL;

	if (!nic) {
		nic = topo_grow((void **)&topo->nics, &topo->nnics, sizeof(*nic), err);
		if (!nic)
			return NULL;
		place_alone(topo, dir, nic);
		topo_copy_text(nic->model, sizeof(nic->model), soft ? "software" : "unknown model");
	}
	topo_copy_text(nic->rdma, sizeof(nic->rdma), rdma);
	nic->port = port;
	if (port > 1)
		snprintf(nic->name, sizeof(nic->name), "%.58s:%" PRIu32, rdma, port);
	else
		topo_copy_text(nic->name, sizeof(nic->name), rdma);
	return nic;
}

static int add_port(const char *root, struct rg_topo *topo, const char *dir, const char *rdma,
		    uint32_t port, struct rg_err *err)
{
	char port_dir[PORT_DIR_BYTES], netdev[RG_TOPO_NAME_BYTES];
	struct rg_topo_nic *nic = find_port(topo, rdma, port);
	bool soft = rg_rdma_is_soft(root, rdma);

	snprintf(port_dir, sizeof(port_dir), "%.380s/ports/%" PRIu32, dir, port);
	read_parent(dir, port_dir, netdev, sizeof(netdev));
	if (!nic)
		nic = add_row(topo, dir, rdma, port, netdev, soft, err);
	if (!nic)
		return RG_ERR_NO_MEMORY;
	nic->soft = soft;
	if (netdev[0])
		topo_copy_text(nic->netdev, sizeof(nic->netdev), netdev);
	read_port(port_dir, nic);
	return 0;
}

static int add_device(const char *root, struct rg_topo *topo, const char *rdma, struct rg_err *err)
{
	char dir[PORT_DIR_BYTES], ports[PORT_DIR_BYTES];
	struct dirent *entry;
	int rc = 0;
	DIR *d;

	snprintf(dir, sizeof(dir), "%.200s/sys/class/infiniband/%.100s", root, rdma);
	snprintf(ports, sizeof(ports), "%.390s/ports", dir);
	d = opendir(ports);
	while (d && !rc && (entry = readdir(d))) {
		unsigned long port = strtoul(entry->d_name, NULL, 10);

		if (port > 0 && port < 256)
			rc = add_port(root, topo, dir, rdma, (uint32_t)port, err);
	}
	if (d)
		closedir(d);
	return rc;
}

int topo_sysfs_rdma(const char *root, struct rg_topo *topo, struct rg_err *err)
{
	char path[PORT_DIR_BYTES];
	struct dirent *entry;
	int rc = 0;
	DIR *d;

	snprintf(path, sizeof(path), "%.200s/sys/class/infiniband", root);
	d = opendir(path);
	if (!d)
		return 0; /* no RDMA here */
	while (!rc && (entry = readdir(d))) {
		if (entry->d_name[0] != '.')
			rc = add_device(root, topo, entry->d_name, err);
	}
	closedir(d);
	return rc;
}
