/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/topo/affinity.h"

static json_t *index_or_null(uint32_t index)
{
	return index == RG_TOPO_NONE ? json_null() : json_integer(index);
}

static json_t *rank_to_json(const struct rg_topo *topo, const struct rg_affinity_rank *r)
{
	const char *nic = r->nic == RG_TOPO_NONE ? NULL : topo->nics[r->nic].name;
	char cpus[4096];

	return json_pack("{s:o, s:i, s:s?, s:s?, s:s, s:o, s:i, s:s, s:i, s:s}", "first_gpu",
			 index_or_null(r->first_gpu), "ngpus", (int)r->ngpus, "nic", nic,
			 "distance", nic ? rg_dist_name(r->dist) : NULL, "nic_why", r->nic_why,
			 "numa", index_or_null(r->numa), "first_core", (int)r->first_core, "cpus",
			 rg_cpuset_format(&r->cores, cpus, sizeof(cpus)), "ncores", (int)r->ncores,
			 "cores_why", r->cores_why);
}

static json_t *nic_to_json(const struct rg_topo_nic *nic, const struct rg_affinity_nic *a)
{
	return json_pack("{s:s, s:o, s:i, s:s}", "name", nic->name, "rail", index_or_null(a->rail),
			 "nranks", (int)a->nranks, "why", a->why);
}

static int append_all(const struct rg_topo *topo, const struct rg_affinity *a, json_t *ranks,
		      json_t *nics)
{
	for (uint32_t i = 0; i < a->nranks; i++) {
		if (rg_json_append(ranks, rank_to_json(topo, &a->ranks[i]), NULL))
			return RG_ERR_NO_MEMORY;
	}
	for (uint32_t i = 0; i < a->nnics; i++) {
		if (rg_json_append(nics, nic_to_json(&topo->nics[i], &a->nics[i]), NULL))
			return RG_ERR_NO_MEMORY;
	}
	return 0;
}

json_t *rg_affinity_to_json(const struct rg_topo *topo, const struct rg_affinity *affinity)
{
	json_t *ranks = json_array(), *nics = json_array();

	if (!ranks || !nics || append_all(topo, affinity, ranks, nics)) {
		json_decref(ranks);
		json_decref(nics);
		return NULL;
	}
	return json_pack("{s:s, s:i, s:o, s:o}", "ranks_why", affinity->ranks_why, "nrails",
			 (int)affinity->nrails, "ranks", ranks, "nics", nics);
}
