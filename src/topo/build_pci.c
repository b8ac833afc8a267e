/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLASS_DISPLAY	  0x03 /* base classes, PCI Code and ID Assignment Specification */
#define CLASS_ACCELERATOR 0x12
#define CLASS_3D	  0x0302

/*
 * Vendors of graphics that nobody computes on: the server's management controller, or what a
 * hypervisor shows on its console.
 */
static const struct {
	uint16_t id;
	const char *what;
} consoles[] = {
	{0x1a03, "ASPEED management controller"},
	{0x102b, "Matrox management controller"},
	{0x19e5, "Huawei management controller"},
	{0x126f, "Silicon Motion management controller"},
	{0x18ca, "XGI management controller"},
	{0x1013, "Cirrus console of a virtual machine"},
	{0x1234, "standard console of a virtual machine"},
	{0x1af4, "virtio console of a virtual machine"},
	{0x1b36, "QXL console of a virtual machine"},
	{0x15ad, "VMware console of a virtual machine"},
	{0x1414, "Hyper-V console of a virtual machine"},
};

/* For recordings without names: pci.ids was not there. */
static const struct {
	uint16_t id;
	const char *name;
} vendors[] = {
	{0x1002, "AMD"},       {0x10de, "NVIDIA"},   {0x8086, "Intel"},	   {0x15b3, "Mellanox"},
	{0x1d0f, "Amazon"},    {0x14e4, "Broadcom"}, {0x17db, "HPE Cray"}, {0x1077, "QLogic"},
	{0x1425, "Chelsio"},   {0x1dd8, "Pensando"}, {0x1af4, "virtio"},   {0x1ae0, "Google"},
	{0x1414, "Microsoft"}, {0x19e5, "Huawei"},
};

static const char *vendor_name(uint16_t id)
{
	for (size_t i = 0; i < sizeof(vendors) / sizeof(vendors[0]); i++) {
		if (vendors[i].id == id)
			return vendors[i].name;
	}
	return NULL;
}

hwloc_obj_t topo_pci_of(hwloc_obj_t obj)
{
	while (obj && obj->type != HWLOC_OBJ_PCI_DEVICE)
		obj = hwloc_obj_type_is_io(obj->type) ? obj->parent : NULL;
	return obj;
}

uint64_t topo_link_Bps(float GBps)
{
	return GBps > 0 && GBps < 1e6f ? (uint64_t)((double)GBps * 1e9 + 0.5) : 0;
}

static void format_busid(const struct hwloc_pcidev_attr_s *a, char *to, size_t to_bytes)
{
	snprintf(to, to_bytes, "%04x:%02x:%02x.%x", a->domain, a->bus, a->dev, a->func & 7u);
}

/* Which NUMA node and package a place belongs to, from the object that is not I/O above it. */
static void set_locality(const struct rg_topo *topo, hwloc_obj_t obj, struct rg_topo_place *at)
{
	hwloc_obj_t above = obj;

	while (above && !above->nodeset)
		above = above->parent;
	at->numa = RG_TOPO_NONE;
	if (above && hwloc_bitmap_weight(above->nodeset) == 1) {
		unsigned os = (unsigned)hwloc_bitmap_first(above->nodeset);

		for (uint32_t i = 0; i < topo->nnumas && at->numa == RG_TOPO_NONE; i++) {
			if (topo->numas[i].os_index == os)
				at->numa = i;
		}
	}
	at->package = topo_package_of(topo, above);
	if (at->package == RG_TOPO_NONE && at->numa != RG_TOPO_NONE)
		at->package = topo->numas[at->numa].package;
	if (at->package == RG_TOPO_NONE && topo->npackages == 1)
		at->package = 0;
}

static bool is_host_bridge(hwloc_obj_t obj)
{
	return obj->attr->bridge.upstream_type == HWLOC_OBJ_BRIDGE_HOST;
}

/* The row of a bridge, made with those above it if it is new. userdata: its index plus one. */
static int add_bridge(struct rg_topo *topo, hwloc_obj_t obj, struct rg_err *err)
{
	struct rg_topo_bridge bridge = {0};
	struct rg_topo_bridge *row;
	int rc;

	if (obj->userdata)
		return 0;
	if (is_host_bridge(obj)) {
		obj->userdata = (void *)(uintptr_t)++topo->nhost_bridges;
		return 0;
	}
	rc = topo_build_place(topo, obj, &bridge.at, err);
	if (rc)
		return rc;
	if (bridge.at.bridge != RG_TOPO_NONE)
		bridge.depth = topo->bridges[bridge.at.bridge].depth + 1;
	row = topo_grow((void **)&topo->bridges, &topo->nbridges, sizeof(*row), err);
	if (!row)
		return RG_ERR_NO_MEMORY;
	*row = bridge;
	obj->userdata = (void *)(uintptr_t)topo->nbridges;
	return 0;
}

int topo_build_place(struct rg_topo *topo, hwloc_obj_t obj, struct rg_topo_place *at_out,
		     struct rg_err *err)
{
	struct rg_topo_place at = {.bridge = RG_TOPO_NONE, .host_bridge = RG_TOPO_NONE};
	hwloc_obj_t pci = topo_pci_of(obj);
	hwloc_obj_t above;
	int rc;

	if (pci)
		format_busid(&pci->attr->pcidev, at.busid, sizeof(at.busid));
	else if (obj->type == HWLOC_OBJ_BRIDGE)
		format_busid(&obj->attr->bridge.upstream.pci, at.busid, sizeof(at.busid));
	set_locality(topo, obj, &at);
	for (above = obj->parent; above && above->type != HWLOC_OBJ_BRIDGE;)
		above = hwloc_obj_type_is_io(above->type) ? above->parent : NULL;
	if (above) {
		/* As deep as PCI buses nest: at most 256, and hwloc checks the nesting. */
		rc = add_bridge(topo, above, err);
		if (rc)
			return rc;
		if (is_host_bridge(above)) {
			at.host_bridge = (uint32_t)(uintptr_t)above->userdata - 1;
		} else {
			at.bridge = (uint32_t)(uintptr_t)above->userdata - 1;
			at.host_bridge = topo->bridges[at.bridge].at.host_bridge;
		}
	}
	*at_out = at;
	return 0;
}

void topo_pci_model(hwloc_obj_t pci, char *to, size_t to_bytes)
{
	const char *vendor = topo_info(pci, "PCIVendor");
	const struct hwloc_pcidev_attr_s *a = &pci->attr->pcidev;
	const char *device = topo_info(pci, "PCIDevice");
	char text[256];

	if (device)
		snprintf(text, sizeof(text), "%s%s%s", vendor ? vendor : "", vendor ? " " : "",
			 device);
	else if (pci->name && *pci->name)
		snprintf(text, sizeof(text), "%s", pci->name);
	else
		snprintf(text, sizeof(text), "%s device %04x:%04x",
			 vendor_name(a->vendor_id) ? vendor_name(a->vendor_id) : "PCI",
			 a->vendor_id, a->device_id);
	topo_copy_text(to, to_bytes, text);
}

/* Is an OS device what a run-time library calls a GPU (as drm's card0 is not)? */
static bool is_runtime_gpu(hwloc_obj_t os)
{
	static const char *const words[] = {"CUDA", "NVML", "OpenCL", "RSMI", "LevelZero"};
	const char *backend = topo_info(os, "Backend");

	if (os->type != HWLOC_OBJ_OS_DEVICE)
		return false;
	if (os->attr->osdev.type == HWLOC_OBJ_OSDEV_COPROC)
		return true;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (os->attr->osdev.type == HWLOC_OBJ_OSDEV_GPU && backend &&
		    !strcmp(backend, words[i]))
			return true;
	}
	return false;
}

/* Names and model from the OS devices below a GPU. */
static void read_osdevs(hwloc_obj_t pci, struct rg_topo_gpu *gpu)
{
	char names[2 * RG_TOPO_NAME_BYTES] = "";
	const char *model = NULL;
	size_t n = 0;

	for (hwloc_obj_t os = pci->io_first_child; os; os = os->next_sibling) {
		if (!is_runtime_gpu(os))
			continue;
		if (!model)
			model = topo_info(os, "GPUModel");
		if (os->name && n + strlen(os->name) + 2 < sizeof(names))
			n += (size_t)snprintf(names + n, sizeof(names) - n, "%s%s", n ? " " : "",
					      os->name);
	}
	topo_copy_text(gpu->name, sizeof(gpu->name), names);
	if (model)
		topo_copy_text(gpu->model, sizeof(gpu->model), model);
	else
		topo_pci_model(pci, gpu->model, sizeof(gpu->model));
}

/* Does one compute on it? gpu->why says how that was decided. */
static bool judge(hwloc_obj_t pci, struct rg_topo_gpu *gpu)
{
	const struct hwloc_pcidev_attr_s *a = &pci->attr->pcidev;

	if (gpu->name[0]) {
		snprintf(gpu->why, sizeof(gpu->why), "known to a run-time library");
		return true;
	}
	if (a->class_id == CLASS_3D || a->class_id >> 8 == CLASS_ACCELERATOR) {
		snprintf(gpu->why, sizeof(gpu->why), "PCI class %04x, a device without display",
			 a->class_id);
		return true;
	}
	for (size_t i = 0; i < sizeof(consoles) / sizeof(consoles[0]); i++) {
		if (a->vendor_id == consoles[i].id) {
			snprintf(gpu->why, sizeof(gpu->why), "%s", consoles[i].what);
			return false;
		}
	}
	if (a->vendor_id == 0x8086 && a->domain == 0 && a->bus == 0 && a->dev == 2) {
		snprintf(gpu->why, sizeof(gpu->why), "Intel graphics inside the processor");
		return false;
	}
	snprintf(gpu->why, sizeof(gpu->why), "PCI class %04x, not a management controller",
		 a->class_id);
	return true;
}

static int compare_gpus(const void *a, const void *b)
{
	const struct rg_topo_gpu *x = a, *y = b;

	return strcmp(x->at.busid, y->at.busid);
}

int topo_build_gpus(hwloc_topology_t h, struct rg_topo *topo, struct rg_err *err)
{
	hwloc_obj_t pci = NULL;
	int rc;

	while ((pci = hwloc_get_next_pcidev(h, pci))) {
		const struct hwloc_pcidev_attr_s *a = &pci->attr->pcidev;
		struct rg_topo_gpu gpu = {.vendor = a->vendor_id, .device = a->device_id};
		struct rg_topo_gpu *row;

		read_osdevs(pci, &gpu);
		if (a->class_id >> 8 != CLASS_DISPLAY && a->class_id >> 8 != CLASS_ACCELERATOR &&
		    !gpu.name[0])
			continue;
		rc = topo_build_place(topo, pci, &gpu.at, err);
		if (rc)
			return rc;
		gpu.pcie_cur.rate_Bps = topo_link_Bps(a->linkspeed);
		if (judge(pci, &gpu))
			row = topo_grow((void **)&topo->gpus, &topo->ngpus, sizeof(gpu), err);
		else
			row = topo_grow((void **)&topo->displays, &topo->ndisplays, sizeof(gpu),
					err);
		if (!row)
			return RG_ERR_NO_MEMORY;
		*row = gpu;
	}
	if (topo->ngpus)
		qsort(topo->gpus, topo->ngpus, sizeof(*topo->gpus), compare_gpus);
	if (topo->ndisplays)
		qsort(topo->displays, topo->ndisplays, sizeof(*topo->displays), compare_gpus);
	return 0;
}
