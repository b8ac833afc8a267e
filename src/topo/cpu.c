/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/topo/cpu.h"

#include <errno.h>
#include <sched.h>
#include <string.h>

int rg_topo_binding(struct rg_cpuset *cpus_out, struct rg_err *err)
{
	/* The kernel's mask is an array of words, CPU 0 first, as ours is on 64-bit machines. */
	union {
		cpu_set_t sets[RG_CPUS_MAX / CPU_SETSIZE];
		char bytes[RG_CPUS_MAX / 8];
	} mask;
	int e;

	memset(&mask, 0, sizeof(mask));
	if (sched_getaffinity(0, sizeof(mask), mask.sets)) {
		e = errno;
		return rg_err_errno(err, e, "cannot read the CPU binding");
	}
	memset(cpus_out, 0, sizeof(*cpus_out));
	for (uint32_t cpu = 0; cpu < RG_CPUS_MAX; cpu++) {
		if (CPU_ISSET_S(cpu, sizeof(mask), mask.sets))
			rg_cpuset_add(cpus_out, cpu);
	}
	return 0;
}

uint32_t rg_topo_pu_of_cpu(const struct rg_topo *topo, uint32_t cpu)
{
	for (uint32_t i = 0; i < topo->npus; i++) {
		if (topo->pus[i].os_index == cpu)
			return i;
	}
	return RG_TOPO_NONE;
}

uint32_t rg_topo_core_of_cpu(const struct rg_topo *topo, uint32_t cpu)
{
	uint32_t pu = rg_topo_pu_of_cpu(topo, cpu);

	return pu == RG_TOPO_NONE ? RG_TOPO_NONE : topo->pus[pu].core;
}

uint32_t rg_topo_numa_of_cpu(const struct rg_topo *topo, uint32_t cpu)
{
	uint32_t core = rg_topo_core_of_cpu(topo, cpu);

	return core == RG_TOPO_NONE ? RG_TOPO_NONE : topo->cores[core].numa;
}

uint32_t rg_topo_package_of_cpu(const struct rg_topo *topo, uint32_t cpu)
{
	uint32_t core = rg_topo_core_of_cpu(topo, cpu);

	return core == RG_TOPO_NONE ? RG_TOPO_NONE : topo->cores[core].package;
}

uint32_t rg_topo_numa_of_cpus(const struct rg_topo *topo, const struct rg_cpuset *cpus)
{
	uint32_t cpu = rg_cpuset_next(cpus, 0);
	uint32_t numa = rg_topo_numa_of_cpu(topo, cpu);

	while ((cpu = rg_cpuset_next(cpus, cpu + 1)) < RG_CPUS_MAX) {
		if (rg_topo_numa_of_cpu(topo, cpu) != numa)
			return RG_TOPO_NONE;
	}
	return numa;
}

bool rg_topo_cpus_are_siblings(const struct rg_topo *topo, uint32_t cpu_a, uint32_t cpu_b)
{
	uint32_t a = rg_topo_core_of_cpu(topo, cpu_a);

	return cpu_a != cpu_b && a != RG_TOPO_NONE && a == rg_topo_core_of_cpu(topo, cpu_b);
}

uint32_t rg_topo_count_cores(const struct rg_topo *topo, const struct rg_cpuset *cpus)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < topo->ncores; i++) {
		const struct rg_topo_core *core = &topo->cores[i];

		for (uint32_t k = 0; k < core->npus; k++) {
			if (rg_cpuset_has(cpus, topo->pus[core->first_pu + k].os_index)) {
				n++;
				break;
			}
		}
	}
	return n;
}

const struct rg_topo_llc *rg_topo_llc_of_cpu(const struct rg_topo *topo, uint32_t cpu)
{
	uint32_t core = rg_topo_core_of_cpu(topo, cpu);

	if (core == RG_TOPO_NONE || topo->cores[core].llc == RG_TOPO_NONE)
		return NULL;
	return &topo->llcs[topo->cores[core].llc];
}

bool rg_topo_cpus_share_llc(const struct rg_topo *topo, uint32_t cpu_a, uint32_t cpu_b)
{
	const struct rg_topo_llc *a = rg_topo_llc_of_cpu(topo, cpu_a);

	return a && a == rg_topo_llc_of_cpu(topo, cpu_b);
}

double rg_topo_usable_cpus(const struct rg_topo *topo)
{
	double n = rg_cpuset_count(&topo->allowed);

	return topo->cgroup.quota_cpus > 0 && topo->cgroup.quota_cpus < n ? topo->cgroup.quota_cpus
									  : n;
}
