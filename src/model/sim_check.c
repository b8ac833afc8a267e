/* SPDX-License-Identifier: BSD-3-Clause */
/* What cannot be simulated. */
#include "config.h"

#include "sim_impl.h"

static int check_nodes(const struct rg_layout *l, struct rg_err *err)
{
	for (uint32_t r = 0; l->node && r < l->nranks; r++) {
		if (l->node[r] >= l->nranks)
			return rg_err_set(err, RG_ERR_RANGE,
					  "rank %u is on node %u: expected a number below that of "
					  "the ranks",
					  r, l->node[r]);
	}
	return 0;
}

int sim_check(const struct rg_algorithm *algorithm, const struct rg_problem *problem,
	      struct rg_err *err)
{
	enum rg_protocol protocol = problem->params.protocol;
	uint64_t nstreams = (uint64_t)problem->layout.nranks * problem->params.channels;
	int rc;

	if (problem->layout.nranks > RG_SIM_RANKS || nstreams > 16 * (uint64_t)RG_SIM_RANKS)
		return rg_err_set(err, RG_ERR_RANGE,
				  "%u ranks with %u channels: expected at most %d ranks, and %d "
				  "channels of all together",
				  problem->layout.nranks, problem->params.channels, RG_SIM_RANKS,
				  16 * RG_SIM_RANKS);
	if (protocol != RG_PROTOCOL_SLOT && protocol != RG_PROTOCOL_WORD)
		return rg_err_set(err, RG_ERR_UNSUPPORTED,
				  "protocol \"%s\" is not simulated: it sends no messages",
				  rg_protocol_name(protocol));
	rc = check_nodes(&problem->layout, err);
	return rc ? rc : algorithm->check(problem, err);
}
