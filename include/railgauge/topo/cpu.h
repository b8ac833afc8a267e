/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Questions that a measurement has about the CPUs under its ranks: where am I bound, do two ranks
 * share a core, how much last-level cache is there and for how many. Numbers of CPUs are the
 * kernel's. Pure functions on a const topology but for rg_topo_binding.
 */
#ifndef RAILGAUGE_TOPO_CPU_H
#define RAILGAUGE_TOPO_CPU_H

#include "railgauge/topo/topo.h"

#include <stdbool.h>
#include <stdint.h>

/* The CPUs that the calling thread may run on now (sched_getaffinity). RG_ERR_SYSTEM. */
int rg_topo_binding(struct rg_cpuset *cpus_out, struct rg_err *err);

/* Index in pus[] of a CPU, or of its core in cores[]; RG_TOPO_NONE if the machine has none such. */
uint32_t rg_topo_pu_of_cpu(const struct rg_topo *topo, uint32_t cpu);
uint32_t rg_topo_core_of_cpu(const struct rg_topo *topo, uint32_t cpu);

/* Index in numas[] or packages[]; RG_TOPO_NONE if unknown. */
uint32_t rg_topo_numa_of_cpu(const struct rg_topo *topo, uint32_t cpu);
uint32_t rg_topo_package_of_cpu(const struct rg_topo *topo, uint32_t cpu);

/* Index in numas[] of the one node that holds all of the CPUs; RG_TOPO_NONE: several, or none. */
uint32_t rg_topo_numa_of_cpus(const struct rg_topo *topo, const struct rg_cpuset *cpus);

/* Are two different CPUs hyper-threads of one core? */
bool rg_topo_cpus_are_siblings(const struct rg_topo *topo, uint32_t cpu_a, uint32_t cpu_b);

/* The distinct cores that a set of CPUs touches. */
uint32_t rg_topo_count_cores(const struct rg_topo *topo, const struct rg_cpuset *cpus);

/* The last-level cache of a CPU, NULL if unknown. Its share per core is size_bytes / ncores. */
const struct rg_topo_llc *rg_topo_llc_of_cpu(const struct rg_topo *topo, uint32_t cpu);

/* Do two CPUs share it? */
bool rg_topo_cpus_share_llc(const struct rg_topo *topo, uint32_t cpu_a, uint32_t cpu_b);

/*
 * How many CPUs' worth of time this process may use: the smaller of the cgroup's quota and the
 * number of allowed CPUs. At least a fraction above 0; for a recording the allowed CPUs.
 */
double rg_topo_usable_cpus(const struct rg_topo *topo);

#endif
