/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which network adapter and which cores each rank (and its GPU) should use.
 *
 * An assignment problem, solved exactly. A rank's adapter is chosen so that, in this order,
 *
 *   1. the sum of distances (distance.h; for SYS another package is further than the same one) is
 *      least. As an adapter may serve several ranks, each rank gets one of its nearest;
 *   2. the ranks are spread evenly over adapters: the sum of squares of ranks per adapter is least;
 *   3. the same over PCIe links (root ports): two ports of one card share a link;
 *   4. rank order follows rail order: the sum of squares of (adapter's rail - rail that its place
 *      in the order of the ranks suggests) is least. Nodes with equal topologies thus number their
 *      rails equally, and rank i of each node meets rank i of the others on one plane of switches.
 *
 * It is a flow ranks -> adapters -> links with convex costs, solved by successive shortest paths
 * with costs compared lexicographically; equal inputs give equal results on every machine.
 *
 * Which adapters take part: RDMA ports if there is any that is not down, else network interfaces of
 * hardware. Ports that are down are set aside, and so are those with less than half the rate of the
 * fastest (service networks); each with its reason. Rails number those that remain.
 *
 * Who the ranks are: with GPUs, rank r of n has GPU r * ngpus / n, and with fewer ranks than GPUs
 * all up to that of the next rank. Its cores are its share of the NUMA node of the (first) GPU;
 * nodes without usable cores fall back to the package, then to the machine. Without GPUs, ranks
 * take consecutive, equal blocks of the usable cores, and the distance is that of the block's NUMA
 * nodes. More ranks than cores share cores, and the reason says so.
 *
 * The whole job's assignment is the same on each node as long as the nodes' hashes are equal; for
 * unequal nodes this module does nothing yet. Pure, allocates only the result.
 */
#ifndef RAILGAUGE_TOPO_AFFINITY_H
#define RAILGAUGE_TOPO_AFFINITY_H

#include "railgauge/topo/distance.h"

#include <stdint.h>

#define RG_AFFINITY_RANKS_MAX 1024
#define RG_AFFINITY_WHY_BYTES 256

/* One adapter of the topology. */
struct rg_affinity_nic {
	uint32_t rail; /* from 0; RG_TOPO_NONE: set aside */
	uint32_t nranks;
	char why[RG_AFFINITY_WHY_BYTES]; /* why it was set aside; "" if it was not */
};

struct rg_affinity_rank {
	uint32_t first_gpu, ngpus; /* RG_TOPO_NONE and 0 without GPUs */
	uint32_t nic;		   /* index; RG_TOPO_NONE: the machine has none to use */
	enum rg_dist dist;	   /* to it, from the first GPU, else from the nearest own node */
	uint32_t numa;		   /* of its cores; RG_TOPO_NONE: several */
	uint32_t first_core;	   /* index in cores[] of the lowest */
	struct rg_cpuset cores;	   /* usable CPUs of its cores, all hyper-threads */
	uint32_t ncores;
	char nic_why[RG_AFFINITY_WHY_BYTES]; /* one line each */
	char cores_why[RG_AFFINITY_WHY_BYTES];
};

struct rg_affinity {
	uint32_t nranks, nnics, nrails;
	char ranks_why[RG_AFFINITY_WHY_BYTES]; /* where nranks comes from */
	struct rg_affinity_rank *ranks;	       /* owned, [nranks] */
	struct rg_affinity_nic *nics;	       /* owned, [nnics], as topo->nics */
};

/*
 * Solves it. nranks is the number of ranks per node. 0: one per GPU; without GPUs one per adapter
 * or per NUMA node, whichever are more; if there is but one of each, one per usable core. topo is
 * borrowed during the call. RG_ERR_RANGE above RG_AFFINITY_RANKS_MAX, RG_ERR_UNSUPPORTED if no core
 * may be used, RG_ERR_NO_MEMORY.
 */
int rg_affinity_open(const struct rg_topo *topo, uint32_t nranks, struct rg_affinity **out,
		     struct rg_err *err);
void rg_affinity_close(struct rg_affinity *affinity);

/* For the "affinity" member of the document. New reference, or NULL without memory. */
json_t *rg_affinity_to_json(const struct rg_topo *topo, const struct rg_affinity *affinity);

#endif
