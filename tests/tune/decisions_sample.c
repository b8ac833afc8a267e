/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "tune/decisions_sample.h"

#include "railgauge/base/mem.h"

#include <stdio.h>
#include <string.h>

#define NTEXTS(list) (sizeof(list) / sizeof((list)[0]))

static const struct rg_choice dflt = {.algorithm = "default"};
static const struct rg_choice doubling = {3, "recursive_doubling", 0};
static const struct rg_choice segmented = {5, "segmented_ring", 1 << 20};
static const struct rg_choice tree = {6, "tree", 0};
static const struct rg_ratio same = {1, 1, 1, 5, true};
static const struct rg_ratio better = {1.5, 1.25, 1.75, 5, true};

static bool set_texts(char ***out, uint32_t *n_out, const char *const *texts, uint32_t n)
{
	*out = rg_zalloc(n, sizeof(**out));
	if (!*out)
		return false;
	*n_out = n;
	for (uint32_t i = 0; i < n; i++) {
		(*out)[i] = rg_strdup(texts[i]);
		if (!(*out)[i])
			return false;
	}
	return true;
}

static bool set_ranges(struct rg_decision *d, uint32_t n)
{
	d->ranges = rg_zalloc(n, sizeof(*d->ranges));
	d->nranges = d->ranges ? n : 0;
	for (uint32_t i = 0; i < d->nranges; i++)
		d->ranges[i] = (struct rg_decision_range){
			.to_bytes = UINT64_MAX, .choice = dflt, .gain = same, .npoints = 1};
	return d->ranges;
}

static bool set_point(struct rg_decision_point *p, uint64_t size_bytes,
		      const struct rg_choice *choice)
{
	p->size_bytes = size_bytes;
	p->choice = *choice;
	p->gain = choice->id ? better : same;
	p->evidence = rg_zalloc(3, sizeof(*p->evidence));
	if (!p->evidence)
		return false;
	p->nevidence = 3;
	p->evidence[0] = (struct rg_evidence){dflt, RG_FATE_MEASURED, "", 5, 500, 1500, same};
	p->evidence[1] = (struct rg_evidence){doubling, RG_FATE_MEASURED, "", 5, 400, 1000, better};
	p->evidence[2] = (struct rg_evidence){
		.choice = segmented, .fate = RG_FATE_REFUSED, .why = "ring would run"};
	return true;
}

static bool set_allreduce(struct rg_decision *d)
{
	snprintf(d->function, sizeof(d->function), "MPI_Allreduce");
	d->coll = RG_COLL_ALLREDUCE;
	if (!set_ranges(d, 3))
		return false;
	d->ranges[0].to_bytes = 1023;
	d->ranges[1] =
		(struct rg_decision_range){1024, 65535, doubling, better, 1, true, dflt, 1.5};
	d->ranges[2].from_bytes = 65536;
	d->ranges[2].choice = segmented;
	d->ranges[2].gain = better;
	d->points = rg_zalloc(2, sizeof(*d->points));
	if (!d->points)
		return false;
	d->npoints = 2;
	return set_point(&d->points[0], 8, &dflt) && set_point(&d->points[1], 4096, &doubling);
}

static bool set_decisions(struct rg_decisions *all)
{
	all->decisions = rg_zalloc(3, sizeof(*all->decisions));
	if (!all->decisions)
		return false;
	all->ndecisions = 3;
	if (!set_allreduce(&all->decisions[0]) || !set_ranges(&all->decisions[1], 1) ||
	    !set_ranges(&all->decisions[2], 1))
		return false;
	snprintf(all->decisions[1].function, sizeof(all->decisions[1].function), "MPI_Barrier");
	all->decisions[1].coll = RG_COLL_BARRIER;
	all->decisions[1].ranges[0].choice = tree;
	all->decisions[1].ranges[0].gain = better;
	snprintf(all->decisions[2].function, sizeof(all->decisions[2].function), "MPI_Bcast");
	all->decisions[2].coll = RG_COLL_BROADCAST;
	snprintf(all->decisions[2].note, sizeof(all->decisions[2].note), "the time was up");
	return true;
}

struct rg_decisions *sample_decisions(struct rg_err *err)
{
	static const char *const hosts[] = {"node1"};
	static const char *const launcher[] = {"mpirun", "-np", "4"};
	static const char *const cpus[] = {"0", "1", "2", "3,7"};
	struct rg_decisions *all;

	if (rg_decisions_open(&all, err))
		return NULL;
	snprintf(all->library, sizeof(all->library), "Open MPI v4.1.4, package: example");
	snprintf(all->mpi, sizeof(all->mpi), "openmpi");
	snprintf(all->transport, sizeof(all->transport), "btl self,tcp");
	snprintf(all->type, sizeof(all->type), "float");
	snprintf(all->op, sizeof(all->op), "sum");
	all->nranks = 4;
	all->nnodes = 1;
	all->seed = 1;
	all->seconds = 12.5;
	all->binding.known = true;
	snprintf(all->binding.why, sizeof(all->binding.why), "each rank has a core");
	if (set_texts(&all->hosts, &all->nhosts, hosts, NTEXTS(hosts)) &&
	    set_texts(&all->launcher, &all->nlauncher, launcher, NTEXTS(launcher)) &&
	    set_texts(&all->binding.cpus, &all->binding.nranks, cpus, NTEXTS(cpus)) &&
	    set_decisions(all))
		return all;
	rg_decisions_close(all);
	rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for the sample");
	return NULL;
}
