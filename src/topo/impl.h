/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How a topology is put together. Private to src/topo and its tests.
 *
 *   topo_load        hwloc -> cpus (build_cpus.c), PCI tree and GPUs (build_pci.c), NICs
 * (build_nic.c) topo_sysfs       what hwloc does not tell about this machine's adapters and PCIe
 * links topo_cgroup      the container's limits topo_seal        the hash, last of all
 *
 * The readers of this machine take `root`, a folder in front of /sys, /proc and cgroup mount
 * points:
 * "" is this machine, tests give a folder of their own.
 */
#ifndef RG_TOPO_IMPL_H
#define RG_TOPO_IMPL_H

#include "railgauge/topo/topo.h"

#include <hwloc.h>

/*
 * Appends a zeroed element to an owned array: topo_grow((void **)&t->nics, &t->nnics, size, err).
 * NULL without memory (err is filled).
 */
void *topo_grow(void **array, uint32_t *count, size_t each_bytes, struct rg_err *err);

/* Copies text, cut, without blanks around it and with '?' for what is not printable ASCII. */
void topo_copy_text(char *to, size_t to_bytes, const char *text);

/* Loads a configured hwloc topology and builds *topo_out from it, without its hash. */
int topo_load(hwloc_topology_t h, unsigned flags, struct rg_topo **topo_out, struct rg_err *err);

int topo_build_cpus(hwloc_topology_t h, struct rg_topo *topo, struct rg_err *err);
int topo_build_gpus(hwloc_topology_t h, struct rg_topo *topo, struct rg_err *err);
int topo_build_nics(hwloc_topology_t h, struct rg_topo *topo, struct rg_err *err);

/*
 * Where an I/O object hangs; adds the bridges above it to topo. Uses the objects' userdata for the
 * indices of bridges.
 */
int topo_build_place(struct rg_topo *topo, hwloc_obj_t obj, struct rg_topo_place *at_out,
		     struct rg_err *err);

/* "Mellanox MT28908 ..." of a PCI object: its names in the recording, else its numbers. */
void topo_pci_model(hwloc_obj_t pci, char *to, size_t to_bytes);

/* Index of the package that an object is or is in; RG_TOPO_NONE. */
uint32_t topo_package_of(const struct rg_topo *topo, hwloc_obj_t obj);

/* hwloc's GB/s of a PCI link in bytes per second, 0 for what is no sensible rate. */
uint64_t topo_link_Bps(float GBps);

/* The nearest PCI device above an object, or NULL. */
hwloc_obj_t topo_pci_of(hwloc_obj_t obj);

/* An info attribute, NULL if it is absent or empty. obj may be NULL. */
const char *topo_info(hwloc_obj_t obj, const char *name);

/* RDMA first, then by name with numbers in their numeric order. */
void topo_sort_nics(struct rg_topo *topo);

int topo_sysfs(const char *root, struct rg_topo *topo, struct rg_err *err);

int topo_seal(struct rg_topo *topo, struct rg_err *err);

#endif
