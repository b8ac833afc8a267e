/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "sysfs.h"

#include "impl.h"

#include "railgauge/topo/line.h"

#include "railgauge/base/io.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ATTRIBUTE_MAX_BYTES 8192 /* sysfs gives a page at most, 4 KiB here */

bool topo_sysfs_read(char *text_out, size_t len_bytes, const char *fmt, ...)
{
	char path[512], text[ATTRIBUTE_MAX_BYTES];
	va_list ap;
	int n;

	text_out[0] = '\0';
	va_start(ap, fmt);
	n = vsnprintf(path, sizeof(path), fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(path) || !rg_io_read_line(path, text, sizeof(text)))
		return false;
	topo_copy_text(text_out, len_bytes, text);
	return text_out[0] != '\0';
}

/* "16.0 GT/s PCIe" and "16" lanes. Encoding: 8b/10b up to 5 GT/s, then 128b/130b. */
static void read_link(const char *dir, const char *which, struct rg_topo_link *link)
{
	char speed[64], width[64];
	double gts;
	unsigned long lanes;

	if (!topo_sysfs_read(speed, sizeof(speed), "%s/%s_link_speed", dir, which) ||
	    !topo_sysfs_read(width, sizeof(width), "%s/%s_link_width", dir, which))
		return;
	gts = strtod(speed, NULL);
	lanes = strtoul(width, NULL, 10);
	if (!(gts > 0 && gts < 1000) || lanes == 0 || lanes > 64)
		return; /* "Unknown", width 255: the link is down, or virtual */
	link->speed_MTps = (uint32_t)(gts * 1000 + 0.5);
	link->width = (uint32_t)lanes;
	link->rate_Bps =
		(uint64_t)(gts * 1e9 / 8 * (double)lanes * (gts <= 5 ? 8.0 / 10 : 128.0 / 130) +
			   0.5);
}

static void read_links(const char *root, const struct rg_topo_place *at, struct rg_topo_link *cur,
		       struct rg_topo_link *max)
{
	char dir[256];

	if (!at->busid[0])
		return;
	snprintf(dir, sizeof(dir), "%s/sys/bus/pci/devices/%s", root, at->busid);
	read_link(dir, "current", cur);
	read_link(dir, "max", max);
}

/* Speed, MTU and state of a network interface. */
static void read_netdev(const char *root, struct rg_topo_nic *nic)
{
	char text[64], dir[256];

	snprintf(dir, sizeof(dir), "%s/sys/class/net/%s", root, nic->netdev);
	if (topo_sysfs_read(text, sizeof(text), "%s/mtu", dir))
		nic->mtu_bytes = (uint32_t)strtoul(text, NULL, 10);
	if (nic->rdma[0] && !nic->soft)
		return; /* the RDMA port knows better */
	/* A soft NIC claims 2.5 Gbit/s whatever it runs on. */
	nic->rate_Bps = rg_line_ethernet_Bps(root, nic->netdev);
	if (nic->rdma[0])
		return;
	if (topo_sysfs_read(text, sizeof(text), "%s/operstate", dir)) {
		if (!strcmp(text, "up"))
			nic->state = RG_TOPO_STATE_ACTIVE;
		else if (!strcmp(text, "down") || !strcmp(text, "lowerlayerdown"))
			nic->state = RG_TOPO_STATE_DOWN;
	}
}

int topo_sysfs(const char *root, struct rg_topo *topo, struct rg_err *err)
{
	int rc = topo_sysfs_rdma(root, topo, err);

	if (rc)
		return rc;
	for (uint32_t i = 0; i < topo->ngpus; i++)
		read_links(root, &topo->gpus[i].at, &topo->gpus[i].pcie_cur,
			   &topo->gpus[i].pcie_max);
	for (uint32_t i = 0; i < topo->nnics; i++) {
		struct rg_topo_nic *nic = &topo->nics[i];

		read_links(root, &nic->at, &nic->pcie_cur, &nic->pcie_max);
		if (nic->netdev[0])
			read_netdev(root, nic);
	}
	topo_sort_nics(topo);
	return 0;
}
