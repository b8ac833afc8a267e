/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How far two things of a machine are from each other, in the classes of NCCL and `nvidia-smi topo
 * -m`:
 *
 *   LOC   the same device, the same core or the same NUMA node
 *   PIX   at most one PCIe switch, or one bridge, in between
 *   PXB   several PCIe switches, but no host bridge
 *   PHB   through one PCIe host bridge, that is through the processor's own I/O
 *   NODE  through several host bridges of one NUMA node
 *   SYS   between NUMA nodes; also where the locality of one side is not known
 *
 * Counting bridges: a switch shows itself as an upstream bridge with downstream bridges below it,
 * one for each device. Two devices whose lowest common bridge is the upstream side of a switch,
 * each under a downstream side of its own, are PIX. A NUMA node reaches the devices under its own
 * host bridges at PHB and all others at SYS.
 *
 * Pure functions on a const topology.
 */
#ifndef RAILGAUGE_TOPO_DISTANCE_H
#define RAILGAUGE_TOPO_DISTANCE_H

#include "railgauge/topo/topo.h"

#include <stdbool.h>
#include <stdint.h>

/* X(name, meaning), from near to far. */
#define RG_DIST_LIST(X)                                               \
	X(LOC, "the same device, core or NUMA node")                  \
	X(PIX, "at most one PCIe switch or bridge in between")        \
	X(PXB, "several PCIe switches, no host bridge")               \
	X(PHB, "through one PCIe host bridge (the processor's own)")  \
	X(NODE, "through several PCIe host bridges of one NUMA node") \
	X(SYS, "between NUMA nodes, over the link between processors")

enum rg_dist {
#define RG_DIST_ENUM(name, text) RG_DIST_##name,
	RG_DIST_LIST(RG_DIST_ENUM)
#undef RG_DIST_ENUM
		RG_DIST_COUNT
};

const char *rg_dist_name(enum rg_dist dist);
const char *rg_dist_text(enum rg_dist dist);

enum rg_topo_kind {
	RG_TOPO_CORE,
	RG_TOPO_NUMA,
	RG_TOPO_GPU,
	RG_TOPO_NIC,
};

/* One thing: its kind, and its index in the array of that kind. */
struct rg_topo_ref {
	enum rg_topo_kind kind;
	uint32_t index;
};

/* Symmetric. Indices must be in range. */
enum rg_dist rg_topo_distance(const struct rg_topo *topo, struct rg_topo_ref a,
			      struct rg_topo_ref b);

/*
 * Are both known to be in the same package? Within SYS, the nearer half: NUMA nodes of one package
 * are nearer than those of two.
 */
bool rg_topo_same_package(const struct rg_topo *topo, struct rg_topo_ref a, struct rg_topo_ref b);

/*
 * Identifies the link into the processor that a device's traffic must share with its neighbours:
 * two devices have the same number if they are below the same root port (or, without bridges, on
 * the same host bridge). RG_TOPO_NONE if unknown: then it shares with nobody that we know of.
 */
uint32_t rg_topo_root_link(const struct rg_topo *topo, const struct rg_topo_place *at);

#endif
