/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The steps of rg_affinity_open. Private to src/topo.
 */
#ifndef RG_TOPO_AFFINITY_IMPL_H
#define RG_TOPO_AFFINITY_IMPL_H

#include "railgauge/topo/affinity.h"

/* Fills nics[].rail and .why, and nrails. a->nics is there, zeroed. */
void affinity_choose_nics(const struct rg_topo *topo, struct rg_affinity *a);

/* Fills the GPUs and cores of a->ranks, which is there, zeroed. */
int affinity_place_ranks(const struct rg_topo *topo, struct rg_affinity *a, struct rg_err *err);

/* Is one of the core's threads allowed? */
bool affinity_core_usable(const struct rg_topo *topo, uint32_t core);

/* "NUMA node 8", by the kernel's number, into text[32]. */
char *affinity_numa_name(const struct rg_topo *topo, uint32_t numa, char *text);

#define AFFINITY_NAME_BYTES 32

#endif
