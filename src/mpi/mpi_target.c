/* SPDX-License-Identifier: BSD-3-Clause */
/* The library's collectives as targets: one MPI function per collective, on a communicator. */
#include "config.h"

#include "module.h"

#include "railgauge/base/matrix.h"
#include "railgauge/base/mem.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#define MAX_ALGORITHMS 64

typedef int run_fn(const struct rg_mpi_target *target, const struct rg_mpi_call *call);

uint64_t module_type_bytes(enum rg_type type)
{
	static const uint64_t bytes[RG_TYPE_COUNT] = {
#define BYTES(name, word, size) [RG_TYPE_##name] = size,
		RG_TYPE_LIST(BYTES)
#undef BYTES
	};

	return bytes[type];
}

static int run_allreduce(const struct rg_mpi_target *t, const struct rg_mpi_call *call)
{
	return MPI_Allreduce(call->in_place ? MPI_IN_PLACE : call->src, call->dst, t->count,
			     t->type, t->op, t->comm);
}

static int run_reduce(const struct rg_mpi_target *t, const struct rg_mpi_call *call)
{
	bool root = (uint32_t)module.rank == call->root;

	return MPI_Reduce(root && call->in_place ? MPI_IN_PLACE : call->src,
			  root ? call->dst : NULL, t->count, t->type, t->op, (int)call->root,
			  t->comm);
}

static int run_reduce_scatter_block(const struct rg_mpi_target *t, const struct rg_mpi_call *call)
{
	return MPI_Reduce_scatter_block(call->in_place ? MPI_IN_PLACE : call->src, call->dst,
					t->count, t->type, t->op, t->comm);
}

static int run_reduce_scatter(const struct rg_mpi_target *t, const struct rg_mpi_call *call)
{
	return MPI_Reduce_scatter(call->in_place ? MPI_IN_PLACE : call->src, call->dst, t->counts,
				  t->type, t->op, t->comm);
}

static int run_allgather(const struct rg_mpi_target *t, const struct rg_mpi_call *call)
{
	return MPI_Allgather(call->in_place ? MPI_IN_PLACE : call->src, t->count, t->type,
			     call->dst, t->count, t->type, t->comm);
}

static int run_gather(const struct rg_mpi_target *t, const struct rg_mpi_call *call)
{
	bool root = (uint32_t)module.rank == call->root;

	return MPI_Gather(root && call->in_place ? MPI_IN_PLACE : call->src, t->count, t->type,
			  root ? call->dst : NULL, t->count, t->type, (int)call->root, t->comm);
}

static int run_scatter(const struct rg_mpi_target *t, const struct rg_mpi_call *call)
{
	bool root = (uint32_t)module.rank == call->root;

	return MPI_Scatter(root ? call->src : NULL, t->count, t->type,
			   root && call->in_place ? MPI_IN_PLACE : call->dst, t->count, t->type,
			   (int)call->root, t->comm);
}

static int run_alltoall(const struct rg_mpi_target *t, const struct rg_mpi_call *call)
{
	return MPI_Alltoall(call->in_place ? MPI_IN_PLACE : call->src, t->count, t->type, call->dst,
			    t->count, t->type, t->comm);
}

static int run_alltoallv(const struct rg_mpi_target *t, const struct rg_mpi_call *call)
{
	return MPI_Alltoallv(call->in_place ? MPI_IN_PLACE : call->src, t->counts, t->displs,
			     t->type, call->dst, t->rcounts, t->rdispls, t->type, t->comm);
}

static int run_broadcast(const struct rg_mpi_target *t, const struct rg_mpi_call *call)
{
	void *buffer = (uint32_t)module.rank == call->root ? (void *)call->src : call->dst;

	return MPI_Bcast(buffer, t->count, t->type, (int)call->root, t->comm);
}

static int run_sendrecv(const struct rg_mpi_target *t, const struct rg_mpi_call *call)
{
	int next = module.rank + 1 == module.nranks ? 0 : module.rank + 1;
	int previous = module.rank ? module.rank - 1 : module.nranks - 1;

	if (call->in_place)
		return MPI_Sendrecv_replace(call->dst, t->count, t->type, next, 0, previous, 0,
					    t->comm, MPI_STATUS_IGNORE);
	return MPI_Sendrecv(call->src, t->count, t->type, next, 0, call->dst, t->count, t->type,
			    previous, 0, t->comm, MPI_STATUS_IGNORE);
}

static int run_barrier(const struct rg_mpi_target *t, const struct rg_mpi_call *call)
{
	return MPI_Barrier(t->comm);
}

static run_fn *run_of(enum rg_coll coll, enum rg_mpi_variant variant)
{
	static run_fn *const usual[RG_COLL_COUNT] = {
		[RG_COLL_ALLREDUCE] = run_allreduce,
		[RG_COLL_REDUCE] = run_reduce,
		[RG_COLL_REDUCESCATTER] = run_reduce_scatter_block,
		[RG_COLL_ALLGATHER] = run_allgather,
		[RG_COLL_GATHER] = run_gather,
		[RG_COLL_SCATTER] = run_scatter,
		[RG_COLL_ALLTOALL] = run_alltoall,
		[RG_COLL_ALLTOALLV] = run_alltoallv,
		[RG_COLL_BROADCAST] = run_broadcast,
		[RG_COLL_SENDRECV] = run_sendrecv,
		[RG_COLL_BARRIER] = run_barrier,
	};

	if (variant == RG_MPI_USUAL)
		return usual[coll];
	return coll == RG_COLL_REDUCESCATTER ? run_reduce_scatter : NULL;
}

int module_algorithms(enum rg_coll coll, enum rg_mpi_variant variant, struct rg_mpi_algorithm *list,
		      uint32_t room, uint32_t *count_out, struct rg_err *err)
{
	return library_algorithms(coll, variant, RG_MPI_SEGMENT_USUAL, list, room, count_out, err);
}

/*
 * Is there an algorithm id, and may it be used with the target's segments? Its name goes into the
 * target.
 */
static int look_up(struct rg_mpi_target *t, int id, struct rg_err *err)
{
	struct rg_mpi_algorithm list[MAX_ALGORITHMS];
	uint32_t count;
	int rc;

	snprintf(t->algorithm, sizeof(t->algorithm), "default");
	if (t->segment_bytes < RG_MPI_SEGMENT_USUAL || t->segment_bytes > INT_MAX)
		return rg_err_set(err, RG_ERR_RANGE, "segments of %lld bytes: expected 0 to %d",
				  (long long)t->segment_bytes, INT_MAX);
	if (!id && t->segment_bytes != RG_MPI_SEGMENT_USUAL)
		return rg_err_set(err, RG_ERR_INVALID,
				  "%s's own choice has no segment size of ours", library_title);
	if (!id)
		return 0; /* without touching MPI_T, as the settings may want it */
	rc = library_algorithms(t->coll, t->variant, t->segment_bytes, list, MAX_ALGORITHMS, &count,
				err);
	if (rc)
		return rc;
	for (uint32_t i = 0; i < count && i < MAX_ALGORITHMS; i++) {
		if (list[i].id != id)
			continue;
		if (list[i].refused[0])
			return rg_err_set(err, RG_ERR_UNSUPPORTED, "%s's %s %s: %s", library_title,
					  rg_coll_name(t->coll), list[i].name, list[i].refused);
		memcpy(t->algorithm, list[i].name, sizeof(t->algorithm));
		return 0;
	}
	return rg_err_set(err, RG_ERR_INVALID, "%s has no %s algorithm %d", library_title,
			  rg_coll_name(t->coll), id);
}

int module_target_open(enum rg_coll coll, enum rg_mpi_variant variant, int id,
		       int64_t segment_bytes, struct rg_mpi_target **out, struct rg_err *err)
{
	struct rg_mpi_target *t;
	int rc;

	if (!run_of(coll, variant))
		return rg_err_set(err, RG_ERR_INVALID, "MPI has one function for %s",
				  rg_coll_name(coll));
	t = rg_zalloc(1, sizeof(*t));
	if (!t)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for an MPI target");
	t->run = run_of(coll, variant);
	t->comm = MPI_COMM_NULL;
	t->coll = coll;
	t->variant = variant;
	t->segment_bytes = segment_bytes;
	t->counts = rg_zalloc((size_t)module.nranks, 4 * sizeof(*t->counts));
	t->displs = t->counts + module.nranks;
	t->rcounts = t->displs + module.nranks;
	t->rdispls = t->rcounts + module.nranks;
	rc = t->counts ? look_up(t, id, err)
		       : rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for an MPI target");
	if (!rc)
		rc = library_target_open(t, id, err);
	if (!rc)
		rc = module_fault_apply(t, err);
	if (rc) {
		module_target_close(t);
		return rc;
	}
	*out = t;
	return 0;
}

void module_target_close(struct rg_mpi_target *t)
{
	if (!t)
		return;
	library_target_close(t);
	rg_free(t->counts);
	rg_free(t);
}

/* Types of the same size stand in for half and bfloat16, which MPI 4.0 does not have. */
static MPI_Datatype type_of(enum rg_type type, bool reduces)
{
	switch (type) {
	case RG_TYPE_INT8:
		return MPI_INT8_T;
	case RG_TYPE_UINT8:
		return MPI_UINT8_T;
	case RG_TYPE_INT32:
		return MPI_INT32_T;
	case RG_TYPE_UINT32:
		return MPI_UINT32_T;
	case RG_TYPE_INT64:
		return MPI_INT64_T;
	case RG_TYPE_UINT64:
		return MPI_UINT64_T;
	case RG_TYPE_FLOAT16:
	case RG_TYPE_BFLOAT16:
		return reduces ? MPI_DATATYPE_NULL : MPI_UINT16_T;
	case RG_TYPE_FLOAT32:
		return MPI_FLOAT;
	case RG_TYPE_FLOAT64:
		return MPI_DOUBLE;
	case RG_TYPE_COUNT:
		break;
	}
	return MPI_DATATYPE_NULL;
}

static MPI_Op op_of(enum rg_op op)
{
	switch (op) {
	case RG_OP_SUM:
		return MPI_SUM;
	case RG_OP_PROD:
		return MPI_PROD;
	case RG_OP_MIN:
		return MPI_MIN;
	case RG_OP_MAX:
		return MPI_MAX;
	case RG_OP_AVG:
	case RG_OP_COUNT:
		break;
	}
	return MPI_OP_NULL;
}

/* Of MPI_Alltoallv; all sums fit, since the busiest one does. */
static int lay_out(struct rg_mpi_target *t, const struct rg_mpi_call *call, struct rg_err *err)
{
	uint32_t n = (uint32_t)module.nranks, me = (uint32_t)module.rank;
	int rc = call->in_place ? rg_matrix_check_in_place(call->counts, n, err) : 0;

	for (uint32_t r = 0; r < n && !rc; r++) {
		t->counts[r] = (int)rg_matrix_at(call->counts, n, me, r);
		t->displs[r] = (int)rg_matrix_src_at(call->counts, n, me, r);
		t->rcounts[r] = (int)rg_matrix_at(call->counts, n, r, me);
		t->rdispls[r] = (int)rg_matrix_dst_at(call->counts, n, r, me);
	}
	return rc;
}

int module_target_prepare(struct rg_mpi_target *t, const struct rg_mpi_call *call,
			  struct rg_err *err)
{
	bool reduces = rg_coll_reduces(t->coll);
	MPI_Datatype type = type_of(call->type, reduces);
	MPI_Op op = reduces ? op_of(call->op) : MPI_OP_NULL;
	int rc;

	if (type == MPI_DATATYPE_NULL)
		return rg_err_set(err, RG_ERR_UNSUPPORTED, "MPI cannot reduce 16-bit floats");
	if (reduces && op == MPI_OP_NULL)
		return rg_err_set(err, RG_ERR_UNSUPPORTED, "MPI has no operation for averages");
	if (call->count > INT_MAX)
		return rg_err_set(err, RG_ERR_RANGE, "MPI counts to %d, not to %llu", INT_MAX,
				  (unsigned long long)call->count);
	if (call->root >= (uint32_t)module.nranks)
		return rg_err_set(err, RG_ERR_RANGE, "root %u of %d ranks", call->root,
				  module.nranks);
	if (t->coll == RG_COLL_REDUCESCATTER && call->in_place && call->src != call->dst)
		return rg_err_set(err, RG_ERR_UNSUPPORTED,
				  "MPI's reduce-scatter in place leaves its result in the first "
				  "block, not in the caller's own");
	t->type = type;
	t->op = op;
	t->count = (int)call->count;
	for (int r = 0; r < module.nranks; r++)
		t->counts[r] = t->count;
	rc = t->coll == RG_COLL_ALLTOALLV ? lay_out(t, call, err) : 0;
	return rc ? rc : library_target_prepare(t, call, err);
}

int module_target_run(struct rg_mpi_target *t, const struct rg_mpi_call *call)
{
	return t->run(t, call);
}
