/* SPDX-License-Identifier: BSD-3-Clause */
/* The rows of the table in algorithms.c; each is defined in the file of its name. */
#ifndef RG_COLL_ALGORITHMS_H
#define RG_COLL_ALGORITHMS_H

#include "railgauge/coll/schedule.h"

extern const struct rg_algorithm rg_allreduce_oneshot;
extern const struct rg_algorithm rg_allreduce_twoshot;
extern const struct rg_algorithm rg_allreduce_ring;
extern const struct rg_algorithm rg_allreduce_double_tree;
extern const struct rg_algorithm rg_allreduce_recursive_doubling;
extern const struct rg_algorithm rg_allreduce_recursive_multiplying;
extern const struct rg_algorithm rg_allreduce_bine;
extern const struct rg_algorithm rg_allreduce_rabenseifner;
extern const struct rg_algorithm rg_allreduce_swing;
extern const struct rg_algorithm rg_allreduce_hierarchical;
extern const struct rg_algorithm rg_allreduce_pull;
extern const struct rg_algorithm rg_reduce_direct;
extern const struct rg_algorithm rg_reduce_knomial;
extern const struct rg_algorithm rg_reduce_scatter_gather;
extern const struct rg_algorithm rg_reduce_pull;
extern const struct rg_algorithm rg_reducescatter_direct;
extern const struct rg_algorithm rg_reducescatter_ring;
extern const struct rg_algorithm rg_reducescatter_bruck;
extern const struct rg_algorithm rg_reducescatter_pat;
extern const struct rg_algorithm rg_reducescatter_pull;
extern const struct rg_algorithm rg_allgather_direct;
extern const struct rg_algorithm rg_allgather_ring;
extern const struct rg_algorithm rg_allgather_bruck;
extern const struct rg_algorithm rg_allgather_pat;
extern const struct rg_algorithm rg_allgather_pull;
extern const struct rg_algorithm rg_gather_linear;
extern const struct rg_algorithm rg_gather_knomial;
extern const struct rg_algorithm rg_gather_pull;
extern const struct rg_algorithm rg_scatter_linear;
extern const struct rg_algorithm rg_scatter_knomial;
extern const struct rg_algorithm rg_scatter_pull;
extern const struct rg_algorithm rg_alltoall_pairwise;
extern const struct rg_algorithm rg_alltoall_linear;
extern const struct rg_algorithm rg_alltoall_bruck;
extern const struct rg_algorithm rg_alltoall_hierarchical;
extern const struct rg_algorithm rg_alltoall_pull;
extern const struct rg_algorithm rg_alltoallv_pairwise;
extern const struct rg_algorithm rg_alltoallv_linear;
extern const struct rg_algorithm rg_alltoallv_bruck;
extern const struct rg_algorithm rg_alltoallv_hierarchical;
extern const struct rg_algorithm rg_alltoallv_pull;
extern const struct rg_algorithm rg_broadcast_direct;
extern const struct rg_algorithm rg_broadcast_binomial;
extern const struct rg_algorithm rg_broadcast_knomial;
extern const struct rg_algorithm rg_broadcast_scatter_allgather;
extern const struct rg_algorithm rg_broadcast_multicast;
extern const struct rg_algorithm rg_broadcast_pull;
extern const struct rg_algorithm rg_sendrecv_direct;
extern const struct rg_algorithm rg_sendrecv_pull;
extern const struct rg_algorithm rg_barrier_dissemination;

/* broadcast_direct.c: the root's one step per slice, to each in turn or RG_STEP_AT_ONCE. */
int rg_broadcast_flat(const struct rg_problem *problem, uint32_t rank, bool at_once,
		      struct rg_sink *sink, struct rg_schedule_needs *needs_out,
		      struct rg_err *err);

#endif
