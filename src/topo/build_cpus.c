/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "impl.h"

#include <string.h>

const char *topo_info(hwloc_obj_t obj, const char *name)
{
	const char *value = obj ? hwloc_obj_get_info_by_name(obj, name) : NULL;

	return value && *value ? value : NULL;
}

static int too_many(struct rg_err *err)
{
	return rg_err_set(err, RG_ERR_LIMIT, "more than %d logical CPUs", RG_CPUS_MAX);
}

static int copy_cpuset(hwloc_const_bitmap_t from, struct rg_cpuset *to, struct rg_err *err)
{
	memset(to, 0, sizeof(*to));
	if (!from)
		return 0;
	if (hwloc_bitmap_last(from) >= RG_CPUS_MAX || hwloc_bitmap_weight(from) < 0)
		return too_many(err);
	for (int i = hwloc_bitmap_first(from); i >= 0; i = hwloc_bitmap_next(from, i))
		rg_cpuset_add(to, (uint32_t)i);
	return 0;
}

static int add_packages(hwloc_topology_t h, struct rg_topo *topo, struct rg_err *err)
{
	const char *common = topo_info(hwloc_get_root_obj(h), "CPUModel");
	struct rg_topo_package *p;
	hwloc_obj_t obj = NULL;

	while ((obj = hwloc_get_next_obj_by_type(h, HWLOC_OBJ_PACKAGE, obj))) {
		const char *model = topo_info(obj, "CPUModel");

		p = topo_grow((void **)&topo->packages, &topo->npackages, sizeof(*p), err);
		if (!p)
			return RG_ERR_NO_MEMORY;
		p->os_index = obj->os_index;
		if (!model)
			model = common;
		topo_copy_text(p->model, sizeof(p->model), model ? model : "processor");
	}
	return 0;
}

/*
 * The comparison is for odd recordings with packages inside packages: hwloc then knows no one level
 * of packages, and we have none.
 */
uint32_t topo_package_of(const struct rg_topo *topo, hwloc_obj_t obj)
{
	while (obj && obj->type != HWLOC_OBJ_PACKAGE)
		obj = obj->parent;
	return obj && obj->logical_index < topo->npackages ? obj->logical_index : RG_TOPO_NONE;
}

static int add_numas(hwloc_topology_t h, struct rg_topo *topo, struct rg_err *err)
{
	struct rg_topo_numa *n;
	hwloc_obj_t obj = NULL;

	while ((obj = hwloc_get_next_obj_by_type(h, HWLOC_OBJ_NUMANODE, obj))) {
		n = topo_grow((void **)&topo->numas, &topo->nnumas, sizeof(*n), err);
		if (!n)
			return RG_ERR_NO_MEMORY;
		n->os_index = obj->os_index;
		n->package = topo_package_of(topo, obj);
		n->memory_bytes = obj->attr ? obj->attr->numanode.local_memory : 0;
		if (copy_cpuset(obj->cpuset, &n->cpus, err))
			return RG_ERR_LIMIT;
	}
	return 0;
}

/* The smallest node that holds the CPU. */
static uint32_t numa_of(const struct rg_topo *topo, uint32_t cpu)
{
	uint32_t best = RG_TOPO_NONE, least = UINT32_MAX;

	for (uint32_t i = 0; i < topo->nnumas; i++) {
		uint32_t n = rg_cpuset_count(&topo->numas[i].cpus);

		if (rg_cpuset_has(&topo->numas[i].cpus, cpu) && n < least) {
			best = i;
			least = n;
		}
	}
	return best;
}

/*
 * Caches above a core: the largest is the last level. userdata of a cache object is the index of
 * its row plus one.
 */
static int add_caches(struct rg_topo *topo, hwloc_obj_t obj, struct rg_topo_core *core,
		      struct rg_err *err)
{
	hwloc_obj_t last = NULL;
	struct rg_topo_llc *llc;

	for (; obj; obj = obj->parent) {
		if (!hwloc_obj_type_is_dcache(obj->type))
			continue;
		if (obj->type == HWLOC_OBJ_L1CACHE)
			core->l1d_bytes = obj->attr->cache.size;
		else if (obj->type == HWLOC_OBJ_L2CACHE)
			core->l2_bytes = obj->attr->cache.size;
		last = obj;
	}
	core->llc = RG_TOPO_NONE;
	if (!last)
		return 0;
	if (!last->userdata) {
		llc = topo_grow((void **)&topo->llcs, &topo->nllcs, sizeof(*llc), err);
		if (!llc)
			return RG_ERR_NO_MEMORY;
		llc->level = last->attr->cache.depth;
		llc->size_bytes = last->attr->cache.size;
		last->userdata = (void *)(uintptr_t)topo->nllcs;
	}
	core->llc = (uint32_t)(uintptr_t)last->userdata - 1;
	topo->llcs[core->llc].ncores++;
	return 0;
}

static int add_core(struct rg_topo *topo, hwloc_obj_t obj, struct rg_err *err)
{
	struct rg_topo_core *core =
		topo_grow((void **)&topo->cores, &topo->ncores, sizeof(*core), err);
	struct rg_topo_pu *pu;
	int cpu = -1;

	if (!core)
		return RG_ERR_NO_MEMORY;
	core->os_index = obj->os_index;
	core->package = topo_package_of(topo, obj);
	core->first_pu = topo->npus;
	while ((cpu = hwloc_bitmap_next(obj->cpuset, cpu)) >= 0) {
		if (cpu >= RG_CPUS_MAX)
			return too_many(err);
		pu = topo_grow((void **)&topo->pus, &topo->npus, sizeof(*pu), err);
		if (!pu)
			return RG_ERR_NO_MEMORY;
		pu->os_index = (uint32_t)cpu;
		pu->core = topo->ncores - 1;
		core->npus++;
	}
	core->numa = core->npus ? numa_of(topo, topo->pus[core->first_pu].os_index) : RG_TOPO_NONE;
	/* hwloc attaches caches between the core and its threads too: start from a thread. */
	return add_caches(topo,
			  obj->type == HWLOC_OBJ_CORE && obj->first_child ? obj->first_child : obj,
			  core, err);
}

int topo_build_cpus(hwloc_topology_t h, struct rg_topo *topo, struct rg_err *err)
{
	/* Some kernels do not tell cores: then each thread counts as one. */
	hwloc_obj_type_t type =
		hwloc_get_nbobjs_by_type(h, HWLOC_OBJ_CORE) > 0 ? HWLOC_OBJ_CORE : HWLOC_OBJ_PU;
	hwloc_obj_t obj = NULL;
	int rc;

	rc = add_packages(h, topo, err);
	if (!rc)
		rc = add_numas(h, topo, err);
	while (!rc && (obj = hwloc_get_next_obj_by_type(h, type, obj)))
		rc = add_core(topo, obj, err);
	if (!rc)
		rc = copy_cpuset(hwloc_topology_get_allowed_cpuset(h), &topo->allowed, err);
	return rc;
}
