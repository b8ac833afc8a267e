/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "affinity_impl.h"

#include "railgauge/base/mem.h"

#include <inttypes.h>
#include <stdio.h>

/* A part of the machine whose usable cores some ranks share. */
enum domain_kind {
	DOMAIN_NUMA,
	DOMAIN_PACKAGE,
	DOMAIN_MACHINE,
};

struct domain {
	enum domain_kind kind;
	uint32_t index;
};

bool affinity_core_usable(const struct rg_topo *topo, uint32_t core)
{
	const struct rg_topo_core *c = &topo->cores[core];

	for (uint32_t k = 0; k < c->npus; k++) {
		if (rg_cpuset_has(&topo->allowed, topo->pus[c->first_pu + k].os_index))
			return true;
	}
	return false;
}

char *affinity_numa_name(const struct rg_topo *topo, uint32_t numa, char *text)
{
	if (numa == RG_TOPO_NONE || topo->numas[numa].os_index == UINT32_MAX)
		snprintf(text, AFFINITY_NAME_BYTES, "the machine");
	else
		snprintf(text, AFFINITY_NAME_BYTES, "NUMA node %" PRIu32,
			 topo->numas[numa].os_index);
	return text;
}

static bool in_domain(const struct rg_topo *topo, struct domain d, uint32_t core)
{
	if (!affinity_core_usable(topo, core))
		return false;
	if (d.kind == DOMAIN_NUMA)
		return topo->cores[core].numa == d.index;
	if (d.kind == DOMAIN_PACKAGE)
		return topo->cores[core].package == d.index;
	return true;
}

/* Fills cores_out[ncores] with the usable cores and returns how many there are. */
static uint32_t list_cores(const struct rg_topo *topo, struct domain d, uint32_t *cores_out)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < topo->ncores; i++) {
		if (in_domain(topo, d, i))
			cores_out[n++] = i;
	}
	return n;
}

/* The nearest part around a rank's GPU that has usable cores. cores is room for all cores. */
static struct domain domain_of(const struct rg_topo *topo, const struct rg_affinity_rank *r,
			       uint32_t *cores)
{
	struct domain d = {DOMAIN_MACHINE, 0};
	const struct rg_topo_place *at;

	if (!r->ngpus)
		return d;
	at = &topo->gpus[r->first_gpu].at;
	if (at->numa != RG_TOPO_NONE) {
		d = (struct domain){DOMAIN_NUMA, at->numa};
		if (list_cores(topo, d, cores))
			return d;
	}
	if (at->package != RG_TOPO_NONE) {
		d = (struct domain){DOMAIN_PACKAGE, at->package};
		if (list_cores(topo, d, cores))
			return d;
	}
	return (struct domain){DOMAIN_MACHINE, 0};
}

static void explain(const struct rg_topo *topo, struct rg_affinity_rank *r, struct domain d,
		    uint32_t nshare, uint32_t ncores)
{
	char where[2 * AFFINITY_NAME_BYTES], numa[AFFINITY_NAME_BYTES], tail[64] = "";
	const struct rg_topo_place *at = r->ngpus ? &topo->gpus[r->first_gpu].at : NULL;

	if (d.kind == DOMAIN_NUMA)
		snprintf(where, sizeof(where), "%s, where GPU %" PRIu32 " is",
			 affinity_numa_name(topo, d.index, numa), r->first_gpu);
	else if (d.kind == DOMAIN_PACKAGE)
		snprintf(where, sizeof(where), "package %" PRIu32 ", where GPU %" PRIu32 " is",
			 topo->packages[d.index].os_index, r->first_gpu);
	else
		snprintf(where, sizeof(where), "the machine");
	if (at && d.kind == DOMAIN_PACKAGE && at->numa != RG_TOPO_NONE)
		snprintf(tail, sizeof(tail), " (%s has no usable core)",
			 affinity_numa_name(topo, at->numa, numa));
	else if (at && d.kind == DOMAIN_MACHINE && topo->nnumas > 1)
		snprintf(tail, sizeof(tail), " (nothing nearer to its GPU is known or usable)");
	if (nshare > ncores)
		snprintf(r->cores_why, sizeof(r->cores_why),
			 "shared: %" PRIu32 " ranks on the %" PRIu32 " usable cores of %s%s",
			 nshare, ncores, where, tail);
	else if (nshare == 1)
		snprintf(r->cores_why, sizeof(r->cores_why), "all usable cores of %s%s", where,
			 tail);
	else
		snprintf(r->cores_why, sizeof(r->cores_why),
			 "its part of the %" PRIu32 " usable cores of %s%s; %" PRIu32
			 " ranks there",
			 ncores, where, tail, nshare);
}

/* The k-th of nshare equal parts of cores[ncores]. */
static void give_cores(const struct rg_topo *topo, struct rg_affinity_rank *r,
		       const uint32_t *cores, uint32_t ncores, uint32_t k, uint32_t nshare)
{
	uint32_t first = (uint32_t)((uint64_t)k * ncores / nshare);
	uint32_t end = (uint32_t)((uint64_t)(k + 1) * ncores / nshare);

	if (end == first)
		end = first + 1;
	r->first_core = cores[first];
	r->ncores = end - first;
	r->numa = topo->cores[cores[first]].numa;
	for (uint32_t i = first; i < end; i++) {
		const struct rg_topo_core *c = &topo->cores[cores[i]];

		if (c->numa != r->numa)
			r->numa = RG_TOPO_NONE;
		for (uint32_t p = 0; p < c->npus; p++)
			rg_cpuset_add(&r->cores, topo->pus[c->first_pu + p].os_index);
	}
	rg_cpuset_and(&r->cores, &topo->allowed);
}

static bool same_domain(struct domain a, struct domain b)
{
	return a.kind == b.kind && a.index == b.index;
}

static void give_gpus(const struct rg_topo *topo, struct rg_affinity *a)
{
	for (uint32_t i = 0; i < a->nranks; i++) {
		struct rg_affinity_rank *r = &a->ranks[i];
		uint64_t end = ((uint64_t)i + 1) * topo->ngpus / a->nranks;

		r->first_gpu = RG_TOPO_NONE;
		if (!topo->ngpus)
			continue;
		r->first_gpu = (uint32_t)((uint64_t)i * topo->ngpus / a->nranks);
		r->ngpus = end > r->first_gpu ? (uint32_t)end - r->first_gpu : 1;
	}
}

int affinity_place_ranks(const struct rg_topo *topo, struct rg_affinity *a, struct rg_err *err)
{
	uint32_t *cores = rg_zalloc(topo->ncores, sizeof(*cores));
	struct domain *domains = rg_zalloc(a->nranks, sizeof(*domains));
	int rc = 0;

	if (!cores || !domains) {
		rc = rg_err_set(err, RG_ERR_NO_MEMORY, "no memory to assign cores to ranks");
		goto done;
	}
	give_gpus(topo, a);
	for (uint32_t i = 0; i < a->nranks; i++)
		domains[i] = domain_of(topo, &a->ranks[i], cores);
	for (uint32_t i = 0; i < a->nranks; i++) {
		uint32_t ncores = list_cores(topo, domains[i], cores);
		uint32_t nshare = 0, k = 0;

		for (uint32_t j = 0; j < a->nranks; j++) {
			if (same_domain(domains[i], domains[j])) {
				nshare++;
				k += j < i;
			}
		}
		give_cores(topo, &a->ranks[i], cores, ncores, k, nshare);
		explain(topo, &a->ranks[i], domains[i], nshare, ncores);
	}
done:
	rg_free(domains);
	rg_free(cores);
	return rc;
}
