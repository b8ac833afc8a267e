/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "sim_impl.h"

#include "railgauge/base/mem.h"

/*
 * Do ranks that share a node share one after moving as well? (Then, nodes being as many as before,
 * others do not.) mate[r] is a rank on the node of r, the same for all of that node.
 */
static bool keeps_nodes(enum rg_symmetry_kind kind, const struct rg_layout *l, const uint32_t *mate,
			uint32_t by)
{
	for (uint32_t r = 0; mate && r < l->nranks; r++) {
		if (l->node[sim_moved(kind, l->nranks, r, by)] !=
		    l->node[sim_moved(kind, l->nranks, mate[r], by)])
			return false;
	}
	return true;
}

/* Moving by 1, 2, 4 ... together reaches all ranks. */
static bool flips(const struct rg_layout *l, const uint32_t *mate)
{
	for (uint32_t by = 1; by < l->nranks; by *= 2) {
		if (!keeps_nodes(RG_SYMMETRY_FLIP, l, mate, by))
			return false;
	}
	return true;
}

static uint32_t shortest_shift(const struct rg_layout *l, const uint32_t *mate, uint32_t unit)
{
	for (uint32_t by = unit; by < l->nranks; by += unit) {
		if (l->nranks % by == 0 && keeps_nodes(RG_SYMMETRY_SHIFT, l, mate, by))
			return by;
	}
	return l->nranks;
}

/* mate as above; NULL where all are on one node. */
static int mates_of(const struct rg_layout *l, uint32_t **out, struct rg_err *err)
{
	uint32_t *mate = NULL, *last = NULL;
	int rc = 0;

	if (l->node) {
		mate = rg_zalloc(l->nranks, sizeof(*mate));
		last = rg_zalloc(l->nranks, sizeof(*last));
		if (!mate || !last)
			rc = rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for a simulation");
	}
	for (uint32_t r = l->nranks; mate && last && r-- > 0;)
		last[l->node[r]] = r;
	for (uint32_t r = 0; mate && last && r < l->nranks; r++)
		mate[r] = last[l->node[r]];
	rg_free(last);
	if (rc)
		rg_free(mate);
	else
		*out = mate;
	return rc;
}

int sim_symmetry_of(const struct rg_algorithm *algorithm, const struct rg_problem *problem,
		    struct sim_symmetry *out, struct rg_err *err)
{
	const struct rg_layout *l = &problem->layout;
	struct sim_symmetry s = {.nranks = l->nranks, .nreps = l->nranks};
	struct rg_symmetry claim = sim_claim(algorithm, problem);
	uint32_t *mate = NULL;
	int rc = 0;

	if (claim.kind == RG_SYMMETRY_SHIFT || claim.kind == RG_SYMMETRY_FLIP)
		rc = mates_of(l, &mate, err);
	if (rc)
		return rc;
	if (claim.kind == RG_SYMMETRY_SHIFT)
		s.nreps = shortest_shift(l, mate, claim.unit);
	else if (claim.kind == RG_SYMMETRY_FLIP && flips(l, mate))
		s.nreps = 1;
	if (s.nreps < s.nranks)
		s.kind = claim.kind;
	rg_free(mate);
	*out = s;
	return 0;
}
