/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/tune/binding.h"

#include "railgauge/base/mem.h"
#include "railgauge/topo/affinity.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Not known, for this reason. Returns 0: that is no error. */
__attribute__((format(printf, 2, 3))) static int unknown(struct rg_decision_binding *out,
							 const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(out->why, sizeof(out->why), fmt, args);
	va_end(args);
	return 0;
}

static uint32_t usable_cores(const struct rg_topo *topo)
{
	return rg_topo_count_cores(topo, &topo->allowed);
}

/* Is each host like topo? False: out has the reason. */
static bool are_equal(const struct rg_topo *topo, const char *const *hashes, uint32_t nhosts,
		      struct rg_decision_binding *out)
{
	for (uint32_t i = 0; i < nhosts; i++) {
		if (!hashes[i])
			unknown(out, "the topology of %u of %u hosts is not known", nhosts - i,
				nhosts);
		else if (strcmp(hashes[i], hashes[0]) != 0)
			unknown(out, "the hosts differ: they have no common binding");
		else if (strcmp(hashes[i], topo->hash) != 0)
			unknown(out, "the hosts are unlike this machine, whose topology alone is "
				     "known");
		else
			continue;
		return false;
	}
	return true;
}

/* The usable CPUs of core number i of the usable ones. */
static void core_cpus(const struct rg_topo *topo, uint32_t i, struct rg_cpuset *set)
{
	*set = (struct rg_cpuset){{0}};
	for (uint32_t c = 0; c < topo->ncores; c++) {
		const struct rg_topo_core *core = &topo->cores[c];
		struct rg_cpuset cpus = {{0}};

		for (uint32_t p = 0; p < core->npus; p++)
			rg_cpuset_add(&cpus, topo->pus[core->first_pu + p].os_index);
		rg_cpuset_and(&cpus, &topo->allowed);
		if (rg_cpuset_count(&cpus) && !i--) {
			*set = cpus;
			return;
		}
	}
}

static bool same_cpus(const struct rg_cpuset *a, const struct rg_cpuset *b)
{
	return !memcmp(a, b, sizeof(*a));
}

/* mpirun --map-by core --bind-to core: rank i has the i-th core. */
static bool is_by_core(const struct rg_topo *topo, const struct rg_affinity *a)
{
	struct rg_cpuset cpus;

	for (uint32_t r = 0; r < a->nranks; r++) {
		core_cpus(topo, r, &cpus);
		if (!same_cpus(&a->ranks[r].cores, &cpus))
			return false;
	}
	return true;
}

/* --map-by numa --bind-to numa: rank i has the i-th NUMA node. */
static bool is_by_numa(const struct rg_topo *topo, const struct rg_affinity *a)
{
	for (uint32_t r = 0; r < a->nranks; r++) {
		struct rg_cpuset cpus;

		if (a->nranks != topo->nnumas)
			return false;
		cpus = topo->numas[r].cpus;
		rg_cpuset_and(&cpus, &topo->allowed);
		if (!same_cpus(&a->ranks[r].cores, &cpus))
			return false;
	}
	return true;
}

static int keep_cpus(const struct rg_affinity *a, struct rg_decision_binding *out,
		     struct rg_err *err)
{
	/* A list of CPUs is at most six characters for each. */
	size_t room = (size_t)RG_CPUS_MAX * 6;
	char *text = rg_alloc(room);

	out->cpus = rg_zalloc(a->nranks, sizeof(*out->cpus));
	for (uint32_t r = 0; text && out->cpus && r < a->nranks; r++) {
		out->cpus[r] = rg_strdup(rg_cpuset_format(&a->ranks[r].cores, text, room));
		if (!out->cpus[r])
			break;
		out->nranks++;
	}
	rg_free(text);
	if (out->nranks == a->nranks)
		return 0;
	for (uint32_t r = 0; r < out->nranks; r++)
		rg_free(out->cpus[r]);
	rg_free(out->cpus);
	*out = (struct rg_decision_binding){0};
	return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for a binding");
}

static int find(const struct rg_topo *topo, uint32_t per_node, struct rg_decision_binding *out,
		struct rg_err *err)
{
	struct rg_affinity *a;
	struct rg_err why = {0};
	int rc = rg_affinity_open(topo, per_node, &a, &why);

	if (rc == RG_ERR_NO_MEMORY)
		return rg_err_set(err, rc, "%s", why.text);
	if (rc)
		return unknown(out, "%.200s", why.text);
	rc = keep_cpus(a, out, err);
	if (!rc) {
		out->known = true;
		snprintf(out->why, sizeof(out->why), "rank 0 of a node has %.200s",
			 a->ranks[0].cores_why);
		if (is_by_core(topo, a))
			snprintf(out->map_by, sizeof(out->map_by), "--map-by core --bind-to core");
		else if (is_by_numa(topo, a))
			snprintf(out->map_by, sizeof(out->map_by), "--map-by numa --bind-to numa");
	}
	rg_affinity_close(a);
	return rc;
}

int rg_binding_find(const struct rg_topo *topo, uint32_t nranks, uint32_t nnodes,
		    const char *const *hashes, uint32_t nhosts, struct rg_decision_binding *out,
		    struct rg_err *err)
{
	uint32_t per_node = nnodes ? nranks / nnodes : 0;

	*out = (struct rg_decision_binding){0};
	if (!per_node || per_node * nnodes != nranks)
		return unknown(out, "%u ranks cannot be equally many on each of %u nodes", nranks,
			       nnodes);
	if (nhosts < nnodes)
		return unknown(out, "several nodes are on one host and share its cores");
	if (!are_equal(topo, hashes, nhosts, out))
		return 0;
	if (per_node > usable_cores(topo))
		return unknown(out, "%u ranks on a node are more than its %u usable cores",
			       per_node, usable_cores(topo));
	return find(topo, per_node, out, err);
}

void rg_binding_check_order(const char *const *rank_hosts, uint32_t nranks,
			    const char *const *hosts, uint32_t nhosts,
			    struct rg_decision_binding *b)
{
	uint32_t r = 0;

	if (!b->known)
		return;
	while (r < nranks && r / b->nranks < nhosts && !strcmp(rank_hosts[r], hosts[r / b->nranks]))
		r++;
	if (r == nranks)
		return;
	for (uint32_t i = 0; i < b->nranks; i++)
		rg_free(b->cpus[i]);
	rg_free(b->cpus);
	*b = (struct rg_decision_binding){0};
	unknown(b,
		"the launcher has rank %u on %.100s: ranks do not fill the hosts in the order of "
		"their names",
		r, rank_hosts[r]);
}
