/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "impl.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLASS_INFINIBAND     0x0207
#define CLASS_INFINIBAND_OLD 0x0c06
#define CLASS_ETHERNET	     0x0200
#define PORTS_MAX	     16 /* of one RDMA device; real ones have 1 or 2 */

/* An info attribute of a port, "Port1State". */
static const char *port_info(hwloc_obj_t os, uint32_t port, const char *what)
{
	char name[64];

	snprintf(name, sizeof(name), "Port%" PRIu32 "%s", port, what);
	return topo_info(os, name);
}

static bool is_osdev(hwloc_obj_t obj, hwloc_obj_osdev_type_t type)
{
	return obj->type == HWLOC_OBJ_OS_DEVICE && obj->attr->osdev.type == type && obj->name &&
	       *obj->name;
}

/*
 * The network interface of an RDMA port: the one beside it that says so; else, for a device of one
 * port, the first (others are children of it, such as partitions).
 */
static hwloc_obj_t find_netdev(hwloc_obj_t rdma, uint32_t port, uint32_t nports)
{
	hwloc_obj_t first = rdma->parent ? rdma->parent->io_first_child : NULL;
	hwloc_obj_t any = NULL;

	if (!topo_pci_of(rdma))
		return NULL;
	for (hwloc_obj_t os = first; os; os = os->next_sibling) {
		const char *text;

		if (!is_osdev(os, HWLOC_OBJ_OSDEV_NETWORK))
			continue;
		text = topo_info(os, "Port");
		if (text && strtoul(text, NULL, 10) == port)
			return os;
		if (!any && !text)
			any = os;
	}
	return nports == 1 ? any : NULL;
}

static enum rg_topo_layer layer_of(hwloc_obj_t pci)
{
	unsigned class_id = pci ? pci->attr->pcidev.class_id : 0;

	if (class_id == CLASS_INFINIBAND || class_id == CLASS_INFINIBAND_OLD)
		return RG_TOPO_LAYER_INFINIBAND;
	return class_id == CLASS_ETHERNET ? RG_TOPO_LAYER_ETHERNET : RG_TOPO_LAYER_UNKNOWN;
}

static enum rg_topo_state state_of(const char *text)
{
	unsigned long state = text ? strtoul(text, NULL, 10) : 0;

	return state <= RG_TOPO_STATE_ACTIVE ? (enum rg_topo_state)state : RG_TOPO_STATE_UNKNOWN;
}

/* GIDs that the recording has; zeroes are empty slots. */
static void read_gids(hwloc_obj_t os, uint32_t port, struct rg_topo_nic *nic)
{
	for (uint32_t i = 0; i < 256; i++) {
		char what[16];
		const char *text;

		snprintf(what, sizeof(what), "GID%" PRIu32, i);
		text = port_info(os, port, what);
		if (!text || !text[strspn(text, "0:")])
			continue;
		if (nic->ngids < RG_TOPO_GIDS_MAX) {
			nic->gids[nic->ngids].index = i;
			topo_copy_text(nic->gids[nic->ngids].gid, sizeof(nic->gids[0].gid), text);
		}
		nic->ngids++;
	}
}

/* What both kinds have: place, PCI ids, link. Appends the row. */
static struct rg_topo_nic *add_nic(struct rg_topo *topo, hwloc_obj_t os, struct rg_err *err)
{
	struct rg_topo_place at;
	struct rg_topo_nic *nic;
	hwloc_obj_t pci = topo_pci_of(os);

	if (topo_build_place(topo, os, &at, err))
		return NULL;
	nic = topo_grow((void **)&topo->nics, &topo->nnics, sizeof(*nic), err);
	if (!nic)
		return NULL;
	nic->at = at;
	nic->layer = layer_of(pci);
	if (pci) {
		nic->vendor = pci->attr->pcidev.vendor_id;
		nic->device = pci->attr->pcidev.device_id;
		nic->pcie_cur.rate_Bps = topo_link_Bps(pci->attr->pcidev.linkspeed);
		topo_pci_model(pci, nic->model, sizeof(nic->model));
	} else {
		topo_copy_text(nic->model, sizeof(nic->model), "not on PCI");
	}
	topo_copy_text(nic->name, sizeof(nic->name), os->name);
	return nic;
}

static int add_rdma(struct rg_topo *topo, hwloc_obj_t os, struct rg_err *err)
{
	uint32_t nports = 0;

	for (uint32_t port = 1; port <= PORTS_MAX; port++)
		nports += port_info(os, port, "State") != NULL;
	for (uint32_t port = 1; port <= PORTS_MAX; port++) {
		const char *state = port_info(os, port, "State");
		struct rg_topo_nic *nic;
		hwloc_obj_t netdev;

		if (!state && !(port == 1 && nports == 0))
			continue;
		nic = add_nic(topo, os, err);
		if (!nic)
			return RG_ERR_NO_MEMORY;
		topo_copy_text(nic->rdma, sizeof(nic->rdma), os->name);
		if (port > 1)
			snprintf(nic->name, sizeof(nic->name), "%.58s:%" PRIu32, nic->rdma, port);
		nic->port = port;
		nic->state = state_of(state);
		netdev = find_netdev(os, port, nports);
		if (netdev)
			topo_copy_text(nic->netdev, sizeof(nic->netdev), netdev->name);
		read_gids(os, port, nic);
	}
	return 0;
}

/* Is there an RDMA device on the same function? Then the interface is shown with it. */
static bool has_rdma_sibling(hwloc_obj_t os)
{
	hwloc_obj_t first = os->parent ? os->parent->io_first_child : NULL;

	for (hwloc_obj_t other = first; other; other = other->next_sibling) {
		if (is_osdev(other, HWLOC_OBJ_OSDEV_OPENFABRICS))
			return true;
	}
	return false;
}

static int add_netdev(struct rg_topo *topo, hwloc_obj_t os, struct rg_err *err)
{
	struct rg_topo_nic *nic;

	if (!topo_pci_of(os) || has_rdma_sibling(os))
		return 0;
	nic = add_nic(topo, os, err);
	if (!nic)
		return RG_ERR_NO_MEMORY;
	topo_copy_text(nic->netdev, sizeof(nic->netdev), os->name);
	return 0;
}

/* Digits compare as numbers: mlx5_2 comes before mlx5_10. */
static int compare_names(const char *a, const char *b)
{
	while (*a && *b) {
		if (isdigit((unsigned char)*a) && isdigit((unsigned char)*b)) {
			char *end_a, *end_b;
			unsigned long x = strtoul(a, &end_a, 10);
			unsigned long y = strtoul(b, &end_b, 10);

			if (x != y)
				return x < y ? -1 : 1;
			a = end_a;
			b = end_b;
		} else if (*a != *b) {
			return (unsigned char)*a < (unsigned char)*b ? -1 : 1;
		} else {
			a++;
			b++;
		}
	}
	return (*a != 0) - (*b != 0);
}

static int compare_nics(const void *a, const void *b)
{
	const struct rg_topo_nic *x = a, *y = b;
	int c;

	if ((x->rdma[0] != 0) != (y->rdma[0] != 0))
		return x->rdma[0] ? -1 : 1;
	c = compare_names(x->name, y->name);
	return c ? c : strcmp(x->at.busid, y->at.busid);
}

void topo_sort_nics(struct rg_topo *topo)
{
	if (topo->nnics)
		qsort(topo->nics, topo->nnics, sizeof(*topo->nics), compare_nics);
}

int topo_build_nics(hwloc_topology_t h, struct rg_topo *topo, struct rg_err *err)
{
	hwloc_obj_t os = NULL;
	int rc;

	while ((os = hwloc_get_next_osdev(h, os))) {
		if (is_osdev(os, HWLOC_OBJ_OSDEV_OPENFABRICS))
			rc = add_rdma(topo, os, err);
		else if (is_osdev(os, HWLOC_OBJ_OSDEV_NETWORK))
			rc = add_netdev(topo, os, err);
		else
			continue;
		if (rc)
			return rc;
	}
	topo_sort_nics(topo);
	return 0;
}
