/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/mpi/openmpi_tuned.h"

#include <stdio.h>
#include <string.h>

#define SINCE(a, b) .since = {a, b, 0}
#define FANOUT	    .fanout = 4

static const struct rg_ompi_algorithm allgather[] = {
	{1, "linear"},
	{2, "bruck"}, /* "bruck-k-fanout" in 6.0 */
	{3, "recursive_doubling"},
	{4, "ring"},
	{5, "neighbor"},
	{6, "two_proc", .only_ranks = 2},
	{7, "sparbit", SINCE(5, 0)},
	{8, "direct-messaging", SINCE(6, 0)},
	{0, NULL},
};

static const struct rg_ompi_algorithm allgatherv[] = {
	{1, "default"},
	{2, "bruck"},
	{3, "ring"},
	{4, "neighbor"},
	{5, "two_proc", .only_ranks = 2},
	{6, "sparbit", SINCE(5, 0)},
	{0, NULL},
};

static const struct rg_ompi_algorithm allreduce[] = {
	{1, "basic_linear"},
	{2, "nonoverlapping"},
	{3, "recursive_doubling"},
	{4, "ring"},
	{5, "segmented_ring", .segments = true},
	{6, "rabenseifner"},
	{7, "allgather_reduce", SINCE(6, 0)},
	{0, NULL},
};

static const struct rg_ompi_algorithm alltoall[] = {
	{1, "linear"},
	{2, "pairwise"},
	{3, "modified_bruck"},
	{4, "linear_sync"},
	{5, "two_proc", .only_ranks = 2},
	{0, NULL},
};

static const struct rg_ompi_algorithm alltoallv[] = {
	{1, "basic_linear"},
	{2, "pairwise"},
	{0, NULL},
};

static const struct rg_ompi_algorithm barrier[] = {
	{1, "linear"},
	{2, "double_ring"},
	{3, "recursive_doubling"},
	{4, "bruck"},
	{5, "two_proc", .only_ranks = 2},
	{6, "tree"},
	{0, NULL},
};

static const struct rg_ompi_algorithm bcast[] = {
	{1, "basic_linear"},
	{2, "chain", .segments = true, FANOUT},
	{3, "pipeline", .segments = true},
	{4, "split_binary_tree", .segments = true},
	{5, "binary_tree", .segments = true},
	{6, "binomial", .segments = true},
	{7, "knomial", .segments = true},
	{8, "scatter_allgather"},
	{9, "scatter_allgather_ring"},
	{0, NULL},
};

static const struct rg_ompi_algorithm gather[] = {
	{1, "basic_linear"},
	{2, "binomial"},
	{3, "linear_sync", .segments = true}, /* of the first segment */
	{0, NULL},
};

static const struct rg_ompi_algorithm reduce[] = {
	{1, "linear"},
	{2, "chain", .segments = true, FANOUT},
	{3, "pipeline", .segments = true},
	{4, "binary", .segments = true},
	{5, "binomial", .segments = true},
	{6, "in-order_binary", .segments = true},
	{7, "rabenseifner"},
	{8, "knomial", SINCE(6, 0)},
	{0, NULL},
};

static const struct rg_ompi_algorithm reduce_scatter[] = {
	{1, "non-overlapping"}, {2, "recursive_halving"}, {3, "ring"}, {4, "butterfly"}, {0, NULL},
};

static const struct rg_ompi_algorithm reduce_scatter_block[] = {
	{1, "basic_linear"}, {2, "recursive_doubling"}, {3, "recursive_halving"}, {4, "butterfly"},
	{0, NULL},
};

static const struct rg_ompi_algorithm scan[] = {
	{1, "linear"},
	{2, "recursive_doubling"},
	{0, NULL},
};

static const struct rg_ompi_algorithm scatter[] = {
	{1, "basic_linear"},
	{2, "binomial"},
	{3, "linear_nb", SINCE(4, 1)},
	{0, NULL},
};

static const struct rg_ompi_algorithm none[] = {{0, NULL}};

#define UNMEASURED     .coll = RG_COLL_COUNT
#define MEASURED(name) .coll = RG_COLL_##name, .target = "mpi"

const struct rg_ompi_function rg_ompi_functions[] = {
	{0, "allgather", "MPI_Allgather", MEASURED(ALLGATHER), .algorithms = allgather,
	 .in_place_is_0 = true},
	{1, "allgatherv", "MPI_Allgatherv", UNMEASURED, .algorithms = allgatherv},
	{2, "allreduce", "MPI_Allreduce", MEASURED(ALLREDUCE), .algorithms = allreduce},
	{3, "alltoall", "MPI_Alltoall", MEASURED(ALLTOALL), .algorithms = alltoall},
	{4, "alltoallv", "MPI_Alltoallv", MEASURED(ALLTOALLV), .algorithms = alltoallv,
	 .sizeless = true, .one_rule = true},
	{5, "alltoallw", "MPI_Alltoallw", UNMEASURED, .algorithms = none},
	{6, "barrier", "MPI_Barrier", MEASURED(BARRIER), .algorithms = barrier, .sizeless = true,
	 .one_rule = true},
	{7, "bcast", "MPI_Bcast", MEASURED(BROADCAST), .algorithms = bcast},
	{8, "exscan", "MPI_Exscan", UNMEASURED, .algorithms = scan},
	{9, "gather", "MPI_Gather", MEASURED(GATHER), .algorithms = gather, .one_rule = true},
	{10, "gatherv", "MPI_Gatherv", UNMEASURED, .algorithms = none},
	{11, "reduce", "MPI_Reduce", MEASURED(REDUCE), .algorithms = reduce},
	{12, "reduce_scatter", "MPI_Reduce_scatter", .coll = RG_COLL_REDUCESCATTER,
	 .variant = RG_MPI_OTHER, .target = "mpi-v", .algorithms = reduce_scatter},
	{13, "reduce_scatter_block", "MPI_Reduce_scatter_block", MEASURED(REDUCESCATTER),
	 .algorithms = reduce_scatter_block},
	{14, "scan", "MPI_Scan", UNMEASURED, .algorithms = scan},
	{15, "scatter", "MPI_Scatter", MEASURED(SCATTER), .algorithms = scatter, .one_rule = true},
	{16, "scatterv", "MPI_Scatterv", UNMEASURED, .algorithms = none},
	{17, "neighbor_allgather", "MPI_Neighbor_allgather", UNMEASURED, .algorithms = none},
	{18, "neighbor_allgatherv", "MPI_Neighbor_allgatherv", UNMEASURED, .algorithms = none},
	{19, "neighbor_alltoall", "MPI_Neighbor_alltoall", UNMEASURED, .algorithms = none},
	{20, "neighbor_alltoallv", "MPI_Neighbor_alltoallv", UNMEASURED, .algorithms = none},
	{21, "neighbor_alltoallw", "MPI_Neighbor_alltoallw", UNMEASURED, .algorithms = none},
	{0, NULL},
};

bool rg_ompi_version_reaches(const struct rg_ompi_version *version, uint32_t major, uint32_t minor,
			     uint32_t release)
{
	if (version->major != major)
		return version->major > major;
	if (version->minor != minor)
		return version->minor > minor;
	return version->release >= release;
}

const struct rg_ompi_function *rg_ompi_function_by_id(int id)
{
	for (const struct rg_ompi_function *f = rg_ompi_functions; f->name; f++) {
		if (f->id == id)
			return f;
	}
	return NULL;
}

const struct rg_ompi_function *rg_ompi_function_of(enum rg_coll coll, enum rg_mpi_variant variant)
{
	for (const struct rg_ompi_function *f = rg_ompi_functions; f->name; f++) {
		if (f->target && f->coll == coll && f->variant == variant)
			return f;
	}
	return NULL;
}

const struct rg_ompi_algorithm *rg_ompi_algorithm_by_id(const struct rg_ompi_function *function,
							int id)
{
	for (const struct rg_ompi_algorithm *a = function->algorithms; a->name; a++) {
		if (a->id == id)
			return a;
	}
	return NULL;
}

const struct rg_ompi_algorithm *rg_ompi_algorithm_by_name(const struct rg_ompi_function *function,
							  const char *name)
{
	for (const struct rg_ompi_algorithm *a = function->algorithms; a->name; a++) {
		if (!strcmp(a->name, name))
			return a;
	}
	return NULL;
}

bool rg_ompi_algorithm_in(const struct rg_ompi_algorithm *algorithm,
			  const struct rg_ompi_version *version)
{
	const struct rg_ompi_version *since = &algorithm->since;

	return rg_ompi_version_reaches(version, since->major, since->minor, since->release);
}

uint64_t rg_ompi_rule_bytes(const struct rg_ompi_function *function, uint64_t size_bytes)
{
	if (function->one_rule)
		return 0;
	return !size_bytes && function->in_place_is_0 ? 1 : size_bytes;
}

int rg_ompi_version_of(const char *line, struct rg_ompi_version *out, struct rg_err *err)
{
	struct rg_ompi_version v;

	if (sscanf(line, "Open MPI v%u.%u.%u", &v.major, &v.minor, &v.release) != 3)
		return rg_err_set(err, RG_ERR_UNSUPPORTED,
				  "expected a library's line \"Open MPI vMAJOR.MINOR.RELEASE\", "
				  "not \"%.100s\"",
				  line);
	*out = v;
	return 0;
}
