/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/topo/rdma.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SECTION "RDMA"

#ifdef HAVE_VERBS

#include <infiniband/verbs.h>

/* One port as "port 1 active, Ethernet, MTU 1024". */
static void check_port(struct ibv_context *context, const char *device, uint8_t port,
		       struct rg_findings *list)
{
	struct ibv_port_attr attr = {0};
	struct rg_finding *row;
	int e = ibv_query_port(context, port, &attr);
	bool active;

	if (e) {
		rg_findings_add(list, SECTION, device, RG_STATE_NO, "port %u: %s", port,
				strerror(e));
		return;
	}
	active = attr.state == IBV_PORT_ACTIVE;
	row = rg_findings_add(list, SECTION, device, active ? RG_STATE_OK : RG_STATE_LIMITED,
			      "port %u %s, %s, MTU %u", port, ibv_port_state_str(attr.state),
			      attr.link_layer == IBV_LINK_LAYER_ETHERNET ? "Ethernet"
									 : "InfiniBand",
			      128u << attr.active_mtu); /* IBV_MTU_256 is 1 */
	if (!active)
		rg_finding_advise(row, "the link is not up: cable, switch port, ip link, or subnet "
				       "manager");
}

static void check_device(struct ibv_device *device, struct rg_findings *list)
{
	const char *name = ibv_get_device_name(device);
	struct ibv_context *context = ibv_open_device(device);
	struct ibv_device_attr attr;
	struct rg_finding *row;
	int e = errno;

	if (!context) {
		row = rg_findings_add(list, SECTION, name, RG_STATE_NO, "cannot be opened: %s",
				      strerror(e));
		rg_finding_advise(row, "may this user use /dev/infiniband/uverbs*? In a container: "
				       "docker run --device /dev/infiniband");
		return;
	}
	e = ibv_query_device(context, &attr);
	if (e)
		rg_findings_add(list, SECTION, name, RG_STATE_NO, "does not answer: %s",
				strerror(e));
	for (uint8_t port = 1; !e && port <= attr.phys_port_cnt; port++)
		check_port(context, name, port, list);
	(void)ibv_close_device(context); /* nothing to do about it */
}

static int check_devices(struct rg_findings *list)
{
	struct ibv_device **devices;
	int n = 0;

	devices = ibv_get_device_list(&n);
	if (!devices)
		return -errno;
	for (int i = 0; i < n; i++)
		check_device(devices[i], list);
	ibv_free_device_list(devices);
	return n;
}

void rg_rdma_keep_devices(void)
{
	struct ibv_device **devices = ibv_get_device_list(NULL);

	if (devices)
		ibv_free_device_list(devices); /* libibverbs has a list of its own */
}

static const char *none(void)
{
	return access("/dev/infiniband", F_OK) ? "none, and there is no /dev/infiniband" : "none";
}

static const char *const none_advice =
	"no adapter, no driver (modprobe ib_uverbs and the "
	"adapter's), or a container without --device /dev/infiniband";

void rg_rdma_missing(char text[RG_RDMA_MISSING_BYTES])
{
	snprintf(text, RG_RDMA_MISSING_BYTES, "%s: %s", none(), none_advice);
}

void rg_rdma_check(struct rg_findings *list)
{
	int n = check_devices(list);
	struct rg_finding *row;

	if (n > 0)
		return;
	if (n < 0 && n != -ENOSYS) {
		rg_findings_add(list, SECTION, "verbs devices", RG_STATE_NO, "libibverbs: %s",
				strerror(-n));
		return;
	}
	row = rg_findings_add(list, SECTION, "verbs devices", RG_STATE_NO, "%s", none());
	rg_finding_advise(row, "%s", none_advice);
}

#else /* without libibverbs */

void rg_rdma_keep_devices(void)
{
}

void rg_rdma_check(struct rg_findings *list)
{
	bool there = !access("/dev/infiniband", F_OK);
	struct rg_finding *row;

	row = rg_findings_add(list, SECTION, "verbs devices", RG_STATE_NO,
			      "built without libibverbs%s",
			      there ? "; but there is a /dev/infiniband" : "");
	rg_finding_advise(row, "install libibverbs-dev (rdma-core-devel) and configure again");
}

#endif
