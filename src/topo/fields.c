/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "fields.h"

#include "railgauge/topo/topo.h"

const char *const rg_topo_layer_words[] = {"unknown", "InfiniBand", "Ethernet", NULL};
const char *const rg_topo_state_words[] = {"unknown", "down", "init", "armed", "active", NULL};

#define HASHED true
#define LOCAL  false
#define ROW(kind, hash, struct_name, member)                   \
	.name = #member, .type = FIELD_##kind, .hashed = hash, \
	.offset = offsetof(struct_name, member)
#define TEXT(hash, struct_name, member) \
	ROW(TEXT, hash, struct_name, member), .size = sizeof(((struct_name *)0)->member)
#define INDEX(hash, struct_name, member, counter) \
	ROW(INDEX, hash, struct_name, member), .count = offsetof(struct rg_topo, counter)
#define STRUCT(hash, struct_name, member, table) \
	ROW(STRUCT, hash, struct_name, member), .fields = table
#define ARRAY(hash, member, counter, table)                                                       \
	ROW(ARRAY, hash, struct rg_topo, member), .count = offsetof(struct rg_topo, counter),     \
						  .each = sizeof(*((struct rg_topo *)0)->member), \
						  .fields = table

static const struct topo_field package_fields[] = {
	{ROW(U32, HASHED, struct rg_topo_package, os_index)},
	{TEXT(HASHED, struct rg_topo_package, model)},
	{.name = NULL},
};

static const struct topo_field numa_fields[] = {
	{ROW(U32, HASHED, struct rg_topo_numa, os_index)},
	{INDEX(HASHED, struct rg_topo_numa, package, npackages)},
	{ROW(U64, LOCAL, struct rg_topo_numa, memory_bytes)},
	{ROW(CPUS, HASHED, struct rg_topo_numa, cpus)},
	{.name = NULL},
};

static const struct topo_field llc_fields[] = {
	{ROW(U32, HASHED, struct rg_topo_llc, level)},
	{ROW(U64, HASHED, struct rg_topo_llc, size_bytes)},
	{ROW(U32, HASHED, struct rg_topo_llc, ncores)},
	{.name = NULL},
};

static const struct topo_field core_fields[] = {
	{ROW(U32, HASHED, struct rg_topo_core, os_index)},
	{INDEX(HASHED, struct rg_topo_core, package, npackages)},
	{INDEX(HASHED, struct rg_topo_core, numa, nnumas)},
	{INDEX(HASHED, struct rg_topo_core, llc, nllcs)},
	{ROW(U32, HASHED, struct rg_topo_core, first_pu)},
	{ROW(U32, HASHED, struct rg_topo_core, npus)},
	{ROW(U64, HASHED, struct rg_topo_core, l1d_bytes)},
	{ROW(U64, HASHED, struct rg_topo_core, l2_bytes)},
	{.name = NULL},
};

static const struct topo_field pu_fields[] = {
	{ROW(U32, HASHED, struct rg_topo_pu, os_index)},
	{INDEX(HASHED, struct rg_topo_pu, core, ncores)},
	{.name = NULL},
};

static const struct topo_field place_fields[] = {
	{TEXT(HASHED, struct rg_topo_place, busid)},
	{INDEX(HASHED, struct rg_topo_place, bridge, nbridges)},
	{INDEX(HASHED, struct rg_topo_place, host_bridge, nhost_bridges)},
	{INDEX(HASHED, struct rg_topo_place, numa, nnumas)},
	{INDEX(HASHED, struct rg_topo_place, package, npackages)},
	{.name = NULL},
};

static const struct topo_field bridge_fields[] = {
	{STRUCT(HASHED, struct rg_topo_bridge, at, place_fields)},
	{ROW(U32, HASHED, struct rg_topo_bridge, depth)},
	{.name = NULL},
};

static const struct topo_field link_fields[] = {
	{ROW(U64, HASHED, struct rg_topo_link, rate_Bps)},
	{ROW(U32, HASHED, struct rg_topo_link, speed_MTps)},
	{ROW(U32, HASHED, struct rg_topo_link, width)},
	{.name = NULL},
};

/* A GPU lowers the speed of its link while it is idle, so the current one is not hashed. */
static const struct topo_field gpu_fields[] = {
	{STRUCT(HASHED, struct rg_topo_gpu, at, place_fields)},
	{ROW(U16, HASHED, struct rg_topo_gpu, vendor)},
	{ROW(U16, HASHED, struct rg_topo_gpu, device)},
	{TEXT(HASHED, struct rg_topo_gpu, model)},
	{TEXT(HASHED, struct rg_topo_gpu, name)},
	{STRUCT(LOCAL, struct rg_topo_gpu, pcie_cur, link_fields)},
	{STRUCT(HASHED, struct rg_topo_gpu, pcie_max, link_fields)},
	{TEXT(LOCAL, struct rg_topo_gpu, why)},
	{.name = NULL},
};

static const struct topo_field gid_fields[] = {
	{ROW(U32, LOCAL, struct rg_topo_gid, index)},
	{TEXT(LOCAL, struct rg_topo_gid, gid)},
	{TEXT(LOCAL, struct rg_topo_gid, type)},
	{TEXT(LOCAL, struct rg_topo_gid, netdev)},
	{.name = NULL},
};

static const struct topo_field nic_fields[] = {
	{TEXT(HASHED, struct rg_topo_nic, name)},
	{TEXT(HASHED, struct rg_topo_nic, rdma)},
	{TEXT(HASHED, struct rg_topo_nic, netdev)},
	{TEXT(HASHED, struct rg_topo_nic, model)},
	{STRUCT(HASHED, struct rg_topo_nic, at, place_fields)},
	{ROW(U16, HASHED, struct rg_topo_nic, vendor)},
	{ROW(U16, HASHED, struct rg_topo_nic, device)},
	{ROW(BOOL, HASHED, struct rg_topo_nic, soft)},
	{ROW(U32, HASHED, struct rg_topo_nic, port)},
	{ROW(WORD, HASHED, struct rg_topo_nic, layer), .words = rg_topo_layer_words},
	{ROW(WORD, LOCAL, struct rg_topo_nic, state), .words = rg_topo_state_words},
	{ROW(U64, HASHED, struct rg_topo_nic, rate_Bps)},
	{ROW(U32, HASHED, struct rg_topo_nic, mtu_bytes)},
	{STRUCT(HASHED, struct rg_topo_nic, pcie_cur, link_fields)},
	{STRUCT(HASHED, struct rg_topo_nic, pcie_max, link_fields)},
	{ROW(U32, LOCAL, struct rg_topo_nic, ngids)},
	{ROW(FIXED, LOCAL, struct rg_topo_nic, gids), .size = RG_TOPO_GIDS_MAX,
	 .count = offsetof(struct rg_topo_nic, ngids), .each = sizeof(struct rg_topo_gid),
	 .fields = gid_fields},
	{.name = NULL},
};

static const struct topo_field cgroup_fields[] = {
	{ROW(NUMBER, LOCAL, struct rg_topo_cgroup, quota_cpus)},
	{ROW(CPUS, LOCAL, struct rg_topo_cgroup, cpus)},
	{.name = NULL},
};

/* Arrays come before what has indices into them, counters without an array before all. */
const struct topo_field topo_fields[] = {
	{TEXT(LOCAL, struct rg_topo, host)},
	{TEXT(LOCAL, struct rg_topo, origin)},
	{TEXT(LOCAL, struct rg_topo, writer)},
	{ROW(BOOL, LOCAL, struct rg_topo, live)},
	{ROW(BOOL, HASHED, struct rg_topo, cpu_only)},
	{ROW(CPUS, LOCAL, struct rg_topo, allowed)},
	{STRUCT(LOCAL, struct rg_topo, cgroup, cgroup_fields)},
	{ARRAY(HASHED, packages, npackages, package_fields)},
	{ARRAY(HASHED, numas, nnumas, numa_fields)},
	{ARRAY(HASHED, llcs, nllcs, llc_fields)},
	{ARRAY(HASHED, cores, ncores, core_fields)},
	{ARRAY(HASHED, pus, npus, pu_fields)},
	{ROW(U32, HASHED, struct rg_topo, nhost_bridges)},
	{ARRAY(HASHED, bridges, nbridges, bridge_fields)},
	{ARRAY(HASHED, gpus, ngpus, gpu_fields)},
	{ARRAY(LOCAL, displays, ndisplays, gpu_fields)},
	{ARRAY(HASHED, nics, nnics, nic_fields)},
	{.name = NULL},
};
