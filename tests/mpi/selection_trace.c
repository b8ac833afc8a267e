/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The functions ompi_coll_base_* of libmpi, defined once more. For Open MPI 4.1 (the signatures are
 * those of its coll_base_functions.h) on machines that pass int and pointer arguments in slots of
 * one size, as x86-64 and AArch64 do.
 */
#include "config.h"

#include "selection.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_ARGS 12

char notes[1024];

static void note(const char *name, const long *args, int fixed, int extra)
{
	size_t used = strlen(notes);

	used += (size_t)snprintf(notes + used, sizeof(notes) - used, " %s(", name);
	for (int i = 0; i < extra && used < sizeof(notes); i++)
		used += (size_t)snprintf(notes + used, sizeof(notes) - used, "%s%d", i ? ", " : "",
					 (int)args[fixed + i]);
	if (used < sizeof(notes))
		snprintf(notes + used, sizeof(notes) - used, ")");
}

typedef int base_fn(long, long, long, long, long, long, long, long, long, long, long, long);

static base_fn *find_real(const char *name)
{
	base_fn *real = (base_fn *)dlsym(RTLD_NEXT, name);

	if (!real) {
		fprintf(stderr, "libmpi has no %s\n", name);
		abort();
	}
	return real;
}

#define TRACE(name, fixed, extra)                                                                 \
	base_fn ompi_coll_base_##name;                                                            \
	int ompi_coll_base_##name(long a, long b, long c, long d, long e, long f, long g, long h, \
				  long i, long j, long k, long l)                                 \
	{                                                                                         \
		const long args[MAX_ARGS] = {a, b, c, d, e, f, g, h, i, j, k, l};                 \
		static base_fn *real;                                                             \
                                                                                                  \
		if (!real)                                                                        \
			real = find_real("ompi_coll_base_" #name);                                \
		note(#name, args, fixed, extra);                                                  \
		return real(a, b, c, d, e, f, g, h, i, j, k, l);                                  \
	}

/* Arguments up to and with the module, then those of the algorithm alone. */
TRACE(allreduce_intra_basic_linear, 7, 0)
TRACE(allreduce_intra_nonoverlapping, 7, 0)
TRACE(allreduce_intra_recursivedoubling, 7, 0)
TRACE(allreduce_intra_ring, 7, 0)
TRACE(allreduce_intra_ring_segmented, 7, 1)
TRACE(allreduce_intra_redscat_allgather, 7, 0)
TRACE(alltoall_intra_basic_linear, 8, 0)
TRACE(alltoall_intra_pairwise, 8, 0)
TRACE(alltoall_intra_bruck, 8, 0)
TRACE(alltoall_intra_linear_sync, 8, 1)
TRACE(alltoall_intra_two_procs, 8, 0)
TRACE(allgather_intra_basic_linear, 8, 0)
TRACE(allgather_intra_bruck, 8, 0)
TRACE(allgather_intra_recursivedoubling, 8, 0)
TRACE(allgather_intra_ring, 8, 0)
TRACE(allgather_intra_neighborexchange, 8, 0)
TRACE(allgather_intra_two_procs, 8, 0)
TRACE(reduce_scatter_intra_nonoverlapping, 7, 0)
TRACE(reduce_scatter_intra_basic_recursivehalving, 7, 0)
TRACE(reduce_scatter_intra_ring, 7, 0)
TRACE(reduce_scatter_intra_butterfly, 7, 0)
TRACE(reduce_scatter_block_basic_linear, 7, 0)
TRACE(reduce_scatter_block_intra_recursivedoubling, 7, 0)
TRACE(reduce_scatter_block_intra_recursivehalving, 7, 0)
TRACE(reduce_scatter_block_intra_butterfly, 7, 0)
TRACE(bcast_intra_basic_linear, 6, 0)
TRACE(bcast_intra_chain, 6, 2)
TRACE(bcast_intra_pipeline, 6, 1)
TRACE(bcast_intra_split_bintree, 6, 1)
TRACE(bcast_intra_bintree, 6, 1)
TRACE(bcast_intra_binomial, 6, 1)
TRACE(bcast_intra_knomial, 6, 2)
TRACE(bcast_intra_scatter_allgather, 6, 1)
TRACE(bcast_intra_scatter_allgather_ring, 6, 1)
TRACE(reduce_intra_basic_linear, 8, 0)
TRACE(reduce_intra_chain, 8, 3)
TRACE(reduce_intra_pipeline, 8, 2)
TRACE(reduce_intra_binary, 8, 2)
TRACE(reduce_intra_binomial, 8, 2)
TRACE(reduce_intra_in_order_binary, 8, 2)
TRACE(reduce_intra_redscat_gather, 8, 0)
TRACE(alltoallv_intra_basic_linear, 10, 0)
TRACE(alltoallv_intra_pairwise, 10, 0)
TRACE(gather_intra_basic_linear, 9, 0)
TRACE(gather_intra_binomial, 9, 0)
TRACE(gather_intra_linear_sync, 9, 1)
TRACE(scatter_intra_basic_linear, 9, 0)
TRACE(scatter_intra_binomial, 9, 0)
TRACE(scatter_intra_linear_nb, 9, 1)
TRACE(barrier_intra_basic_linear, 2, 0)
TRACE(barrier_intra_doublering, 2, 0)
TRACE(barrier_intra_recursivedoubling, 2, 0)
TRACE(barrier_intra_bruck, 2, 0)
TRACE(barrier_intra_two_procs, 2, 0)
TRACE(barrier_intra_tree, 2, 0)
