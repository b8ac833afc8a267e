/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/topo/affinity.h"

#include "affinity_impl.h"
#include "assign.h"

#include "railgauge/base/mem.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* The problem in numbers; its adapters are the rails. All owned. */
struct problem {
	struct assign_problem p;
	uint32_t *nic_of_rail; /* [nrails] index in topo->nics */
	uint32_t *link;	       /* [nrails] */
	int64_t *dist, *rail;  /* [nranks][nrails] */
	uint32_t *choice;      /* [nranks] rail */
	uint32_t *nic_load, *link_load;
};

static void release(struct problem *w)
{
	rg_free(w->nic_of_rail);
	rg_free(w->link);
	rg_free(w->dist);
	rg_free(w->rail);
	rg_free(w->choice);
	rg_free(w->nic_load);
	rg_free(w->link_load);
}

/* A step for each class, and within SYS one more for another package. */
static int64_t steps_between(const struct rg_topo *topo, struct rg_topo_ref from, uint32_t nic)
{
	struct rg_topo_ref to = {RG_TOPO_NIC, nic};
	enum rg_dist dist = rg_topo_distance(topo, from, to);

	return dist + (dist == RG_DIST_SYS && !rg_topo_same_package(topo, from, to));
}

static bool covers_numa(const struct rg_topo *topo, const struct rg_affinity_rank *r, uint32_t numa)
{
	return rg_cpuset_meet(&r->cores, &topo->numas[numa].cpus);
}

/* Of a rank to an adapter: the sum over its GPUs, else over the NUMA nodes of its cores. */
static int64_t rank_steps(const struct rg_topo *topo, const struct rg_affinity_rank *r,
			  uint32_t nic)
{
	int64_t sum = 0;

	for (uint32_t g = 0; g < r->ngpus; g++)
		sum += steps_between(topo, (struct rg_topo_ref){RG_TOPO_GPU, r->first_gpu + g},
				     nic);
	for (uint32_t n = 0; !r->ngpus && n < topo->nnumas; n++) {
		if (covers_numa(topo, r, n))
			sum += steps_between(topo, (struct rg_topo_ref){RG_TOPO_NUMA, n}, nic);
	}
	return sum;
}

static enum rg_dist rank_distance(const struct rg_topo *topo, const struct rg_affinity_rank *r,
				  uint32_t nic)
{
	struct rg_topo_ref to = {RG_TOPO_NIC, nic};
	enum rg_dist least = RG_DIST_SYS;

	if (r->ngpus)
		return rg_topo_distance(topo, (struct rg_topo_ref){RG_TOPO_GPU, r->first_gpu}, to);
	for (uint32_t n = 0; n < topo->nnumas; n++) {
		enum rg_dist dist =
			rg_topo_distance(topo, (struct rg_topo_ref){RG_TOPO_NUMA, n}, to);

		if (covers_numa(topo, r, n) && dist < least)
			least = dist;
	}
	return least;
}

/* Numbers the PCIe links under the rails; an adapter without a known one has its own. */
static uint32_t number_links(const struct rg_topo *topo, struct problem *w, uint32_t nrails)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < nrails; i++) {
		uint32_t root = rg_topo_root_link(topo, &topo->nics[w->nic_of_rail[i]].at);

		w->link[i] = n;
		for (uint32_t k = 0; k < i && root != RG_TOPO_NONE; k++) {
			if (rg_topo_root_link(topo, &topo->nics[w->nic_of_rail[k]].at) == root)
				w->link[i] = w->link[k];
		}
		n += w->link[i] == n;
	}
	return n;
}

static int pose(const struct rg_topo *topo, const struct rg_affinity *a, struct problem *w,
		struct rg_err *err)
{
	size_t cells = (size_t)a->nranks * a->nrails;

	w->nic_of_rail = rg_zalloc(a->nrails, sizeof(*w->nic_of_rail));
	w->link = rg_zalloc(a->nrails, sizeof(*w->link));
	w->dist = rg_zalloc(cells, sizeof(*w->dist));
	w->rail = rg_zalloc(cells, sizeof(*w->rail));
	w->choice = rg_zalloc(a->nranks, sizeof(*w->choice));
	w->nic_load = rg_zalloc(a->nrails, sizeof(*w->nic_load));
	w->link_load = rg_zalloc(a->nrails, sizeof(*w->link_load));
	if (!w->nic_of_rail || !w->link || !w->dist || !w->rail || !w->choice || !w->nic_load ||
	    !w->link_load)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory to assign adapters to ranks");
	for (uint32_t i = 0; i < a->nnics; i++) {
		if (a->nics[i].rail != RG_TOPO_NONE)
			w->nic_of_rail[a->nics[i].rail] = i;
	}
	for (uint32_t r = 0; r < a->nranks; r++) {
		/* Both orders spread over the same line: rank r is at its middle, rail i too. */
		int64_t place = (2 * (int64_t)r + 1) * a->nrails;

		for (uint32_t i = 0; i < a->nrails; i++) {
			size_t cell = (size_t)r * a->nrails + i;

			w->dist[cell] = rank_steps(topo, &a->ranks[r], w->nic_of_rail[i]);
			w->rail[cell] = (2 * (int64_t)i + 1) * a->nranks - place;
			w->rail[cell] *= w->rail[cell];
		}
	}
	w->p = (struct assign_problem){
		.nranks = a->nranks,
		.nnics = a->nrails,
		.nlinks = number_links(topo, w, a->nrails),
		.link = w->link,
		.dist = w->dist,
		.rail = w->rail,
	};
	return 0;
}

/* Why this one among those that are equally near: what the last other one fails by. */
static const char *deciding_reason(const struct problem *w, uint32_t rank, uint32_t nrails)
{
	static const char *const reasons[] = {
		"so that adapters have equally many ranks",
		"so that PCIe links have equally many ranks",
		"so that ranks follow the order of rails",
		"the first of equals",
	};
	const int64_t *dist = w->dist + (size_t)rank * nrails;
	const int64_t *rail = w->rail + (size_t)rank * nrails;
	uint32_t own = w->choice[rank];
	size_t deepest = 0;

	for (uint32_t i = 0; i < nrails; i++) {
		bool other_link = w->link[i] != w->link[own];
		size_t depth;

		if (i == own || dist[i] != dist[own])
			continue;
		if (w->nic_load[i] + 1 > w->nic_load[own])
			depth = 0;
		else if (other_link && w->link_load[w->link[i]] + 1 > w->link_load[w->link[own]])
			depth = 1;
		else
			depth = rail[i] > rail[own] ? 2 : 3;
		if (depth > deepest)
			deepest = depth;
	}
	return reasons[deepest];
}

/* "mlx5_1, mlx5_2 and 3 more": the others that are as near. Returns how many. */
static uint32_t list_equals(const struct rg_topo *topo, const struct problem *w, uint32_t rank,
			    uint32_t nrails, char *text, size_t len_bytes)
{
	const int64_t *dist = w->dist + (size_t)rank * nrails;
	uint32_t own = w->choice[rank], n = 0, shown = 0;
	size_t at = 0;

	text[0] = '\0';
	for (uint32_t i = 0; i < nrails; i++) {
		const char *name = topo->nics[w->nic_of_rail[i]].name;

		if (i == own || dist[i] != dist[own])
			continue;
		n++;
		if (n <= 3 && at + strlen(name) + 16 < len_bytes) {
			at += (size_t)snprintf(text + at, len_bytes - at, "%s%s", at ? ", " : "",
					       name);
			shown++;
		}
	}
	if (n > shown)
		snprintf(text + at, len_bytes - at, " and %" PRIu32 " more", n - shown);
	return n;
}

static void explain(const struct rg_topo *topo, const struct rg_affinity *a,
		    const struct problem *w, uint32_t rank)
{
	struct rg_affinity_rank *r = &a->ranks[rank];
	const char *package = "";
	struct rg_topo_ref to = {RG_TOPO_NIC, r->nic};
	struct rg_topo_ref gpu = {RG_TOPO_GPU, r->first_gpu};
	char equals[96], shared[48] = "", whom[48];
	uint32_t load = a->nics[r->nic].nranks;

	if (r->ngpus > 1)
		snprintf(whom, sizeof(whom), "GPUs %" PRIu32 "-%" PRIu32, r->first_gpu,
			 r->first_gpu + r->ngpus - 1);
	else if (r->ngpus)
		snprintf(whom, sizeof(whom), "GPU %" PRIu32, r->first_gpu);
	else
		snprintf(whom, sizeof(whom), "its cores");
	if (r->dist == RG_DIST_SYS && r->ngpus)
		package = rg_topo_same_package(topo, gpu, to) ? ", same package" : "";
	if (load > 1)
		snprintf(shared, sizeof(shared), "; %" PRIu32 " ranks share it", load);
	if (list_equals(topo, w, rank, a->nrails, equals, sizeof(equals)))
		snprintf(r->nic_why, sizeof(r->nic_why), "as near to %s as %s%s; %s%s", whom,
			 equals, package, deciding_reason(w, rank, a->nrails), shared);
	else if (a->nrails == 1)
		snprintf(r->nic_why, sizeof(r->nic_why), "the only adapter in use%s%s", package,
			 shared);
	else
		snprintf(r->nic_why, sizeof(r->nic_why), "the nearest to %s%s%s", whom, package,
			 shared);
}

static int assign_nics(const struct rg_topo *topo, struct rg_affinity *a, struct rg_err *err)
{
	struct problem w = {0};
	int rc;

	rc = pose(topo, a, &w, err);
	if (!rc)
		rc = assign_solve(&w.p, w.choice, err);
	if (rc)
		goto done;
	for (uint32_t r = 0; r < a->nranks; r++) {
		uint32_t nic = w.nic_of_rail[w.choice[r]];

		w.nic_load[w.choice[r]]++;
		w.link_load[w.link[w.choice[r]]]++;
		a->nics[nic].nranks++;
		a->ranks[r].nic = nic;
		a->ranks[r].dist = rank_distance(topo, &a->ranks[r], nic);
	}
	for (uint32_t r = 0; r < a->nranks; r++)
		explain(topo, a, &w, r);
done:
	release(&w);
	return rc;
}

static uint32_t count_usable_cores(const struct rg_topo *topo)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < topo->ncores; i++)
		n += affinity_core_usable(topo, i);
	return n;
}

static uint32_t count_usable_numas(const struct rg_topo *topo)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < topo->nnumas; i++)
		n += rg_cpuset_meet(&topo->numas[i].cpus, &topo->allowed);
	return n;
}

static int decide_ranks(const struct rg_topo *topo, uint32_t asked, struct rg_affinity *a,
			struct rg_err *err)
{
	uint32_t ncores = count_usable_cores(topo), nnumas = count_usable_numas(topo);
	const char *why;

	if (!ncores)
		return rg_err_set(err, RG_ERR_UNSUPPORTED, "%s: no core may be used", topo->origin);
	if (asked) {
		a->nranks = asked;
		why = "as asked for";
	} else if (topo->ngpus) {
		a->nranks = topo->ngpus;
		why = "one per GPU";
	} else if (a->nrails > 1 && a->nrails >= nnumas) {
		a->nranks = a->nrails;
		why = "one per adapter";
	} else if (nnumas > 1) {
		a->nranks = nnumas;
		why = "one per NUMA node";
	} else {
		a->nranks = ncores;
		why = "one per usable core";
	}
	if (a->nranks > RG_AFFINITY_RANKS_MAX)
		return rg_err_set(err, RG_ERR_RANGE, "%" PRIu32 " ranks per node: %d at most",
				  a->nranks, RG_AFFINITY_RANKS_MAX);
	snprintf(a->ranks_why, sizeof(a->ranks_why), "%s", why);
	return 0;
}

static int solve(const struct rg_topo *topo, uint32_t nranks, struct rg_affinity *a,
		 struct rg_err *err)
{
	int rc;

	a->nnics = topo->nnics;
	a->nics = rg_zalloc(a->nnics, sizeof(*a->nics));
	if (!a->nics)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory to assign adapters to ranks");
	affinity_choose_nics(topo, a);
	rc = decide_ranks(topo, nranks, a, err);
	if (rc)
		return rc;
	a->ranks = rg_zalloc(a->nranks, sizeof(*a->ranks));
	if (!a->ranks)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory to assign adapters to ranks");
	rc = affinity_place_ranks(topo, a, err);
	for (uint32_t r = 0; !rc && r < a->nranks; r++) {
		a->ranks[r].nic = RG_TOPO_NONE;
		snprintf(a->ranks[r].nic_why, sizeof(a->ranks[r].nic_why),
			 topo->nnics ? "none of the adapters can be used" : "there is no adapter");
	}
	return rc || !a->nrails ? rc : assign_nics(topo, a, err);
}

int rg_affinity_open(const struct rg_topo *topo, uint32_t nranks, struct rg_affinity **out,
		     struct rg_err *err)
{
	struct rg_affinity *a = rg_zalloc(1, sizeof(*a));
	int rc;

	if (!a)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory to assign adapters to ranks");
	rc = solve(topo, nranks, a, err);
	if (rc) {
		rg_affinity_close(a);
		return rc;
	}
	*out = a;
	return 0;
}

void rg_affinity_close(struct rg_affinity *affinity)
{
	if (!affinity)
		return;
	rg_free(affinity->ranks);
	rg_free(affinity->nics);
	rg_free(affinity);
}
