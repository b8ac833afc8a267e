/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "algorithms.h"

#include "railgauge/base/opt.h"

#include <string.h>

/* One a line: clang-format would make columns of them. */
/* clang-format off */
const struct rg_algorithm *const rg_algorithms[] = {
	&rg_allreduce_oneshot,
	&rg_allreduce_twoshot,
	&rg_allreduce_ring,
	&rg_allreduce_double_tree,
	&rg_allreduce_recursive_doubling,
	&rg_allreduce_recursive_multiplying,
	&rg_allreduce_bine,
	&rg_allreduce_rabenseifner,
	&rg_allreduce_swing,
	&rg_allreduce_hierarchical,
	&rg_allreduce_pull,
	&rg_reduce_direct,
	&rg_reduce_knomial,
	&rg_reduce_scatter_gather,
	&rg_reduce_pull,
	&rg_reducescatter_direct,
	&rg_reducescatter_ring,
	&rg_reducescatter_bruck,
	&rg_reducescatter_pat,
	&rg_reducescatter_pull,
	&rg_allgather_direct,
	&rg_allgather_ring,
	&rg_allgather_bruck,
	&rg_allgather_pat,
	&rg_allgather_pull,
	&rg_gather_linear,
	&rg_gather_knomial,
	&rg_gather_pull,
	&rg_scatter_linear,
	&rg_scatter_knomial,
	&rg_scatter_pull,
	&rg_alltoall_pairwise,
	&rg_alltoall_linear,
	&rg_alltoall_bruck,
	&rg_alltoall_hierarchical,
	&rg_alltoall_pull,
	&rg_alltoallv_pairwise,
	&rg_alltoallv_linear,
	&rg_alltoallv_bruck,
	&rg_alltoallv_hierarchical,
	&rg_alltoallv_pull,
	&rg_broadcast_direct,
	&rg_broadcast_binomial,
	&rg_broadcast_knomial,
	&rg_broadcast_scatter_allgather,
	&rg_broadcast_multicast,
	&rg_broadcast_pull,
	&rg_sendrecv_direct,
	&rg_sendrecv_pull,
	&rg_barrier_dissemination,
	NULL,
};
/* clang-format on */

#define NAMES_MAX 64

int rg_algorithm_find(enum rg_coll coll, const char *name, const struct rg_algorithm **out,
		      struct rg_err *err)
{
	const char *names[NAMES_MAX + 1];
	const char *near;
	uint32_t n = 0;

	for (const struct rg_algorithm *const *a = rg_algorithms; *a; a++) {
		if ((*a)->coll != coll)
			continue;
		if (!strcmp((*a)->name, name)) {
			*out = *a;
			return 0;
		}
		if (n < NAMES_MAX)
			names[n++] = (*a)->name;
	}
	names[n] = NULL;
	near = rg_opt_nearest(name, names);
	return rg_err_set(err, RG_ERR_NOT_FOUND,
			  "%s has no algorithm \"%s\"%s%s%s; see railgauge algorithms",
			  rg_coll_name(coll), name, near ? " (did you mean \"" : "",
			  near ? near : "", near ? "\"?)" : "");
}
