/* SPDX-License-Identifier: BSD-3-Clause */
/* What the parts of one rank's life share: bench_rank.c, bench_plan.c, bench_measure.c. */
#ifndef RG_CMD_BENCH_RANK_H
#define RG_CMD_BENCH_RANK_H

#include "bench.h"

#include "railgauge/measure/recovery.h"
#include "railgauge/report/progress.h"

struct rank {
	const struct bench *bench; /* borrowed */
	struct ranks_member m; /* its nodes are job.node and job.local; those of mixed if used */
	struct rg_job job;
	bool access[2];		      /* enum rg_access: kinds of buffers measured */
	uint64_t *weights;	      /* owned, [nranks][nranks]: --traffic; NULL: none */
	struct rg_plan plan;	      /* owned */
	struct rg_target_spec *specs; /* owned, [RG_TARGETS_MAX] */
	uint32_t nspecs;
	struct rg_candidate *candidates; /* owned, [ncandidates] */
	uint32_t ncandidates;
	struct bench_span *spans; /* owned, [plan.npoints] */
	struct rg_sampler_config config;
	struct rg_recovery recovery; /* owned: endpoint, executor, sampler */
	char way[320];		     /* to the peers, in words: interface, congestion control */
	bool calibrated;
	struct rg_calibration calibration;
	struct rg_network network;  /* owned; no nodes: not calibrated */
	struct rg_network lines;    /* owned; likewise: of RDMA devices, by their ports' rates */
	struct rg_samples *samples; /* owned, [nsamples]: of the point being measured */
	uint32_t nsamples;	    /* as many as a point has candidates at most */
	uint32_t nfailed;	    /* points that failed, while the job went on */
	uint32_t first_failed;	    /* the first of them, and why */
	struct rg_err failure;
	struct bench_out *out;	     /* owned; rank 0 */
	struct rg_progress progress; /* silent but on rank 0 */
	struct rg_nic_job *counters; /* owned; NULL: none are read */
};

/*
 * Collective: what --traffic names, which rank 0 reads. RG_ERR_INVALID (--place in, where it has no
 * place), RG_ERR_NO_MEMORY, and as rg_matrix_read and rg_rendezvous_bcast.
 */
int bench_plan_traffic(struct rank *r, struct rg_err *err);

/*
 * The sizes, from the options and the smallest caches of any host; equal on all ranks. RG_ERR_RANGE
 * (a root that is no rank), and as rg_plan_open.
 */
int bench_plan_open(struct rank *r, struct rg_err *err);

/*
 * The targets, kinds of buffers and places of each point; after bench_plan_open. RG_ERR_NO_MEMORY,
 * and as rg_target_expand.
 */
int bench_plan_candidates(struct rank *r, struct rg_err *err);

/* What the sampler is told; after the other two. */
void bench_plan_config(struct rank *r);

/*
 * Collective: all points in turn, each printed as it ends. job is what is known before the first
 * one. A point that fails is passed over where the job can go on (recovery.h). *interrupted_out,
 * false before, is the same on all ranks. As rg_sampler_point, rg_recovery_settle, rg_nic_job_read
 * and bench_out_point.
 */
int bench_measure(struct rank *r, const struct bench_job *job, bool *interrupted_out,
		  struct rg_err *err);

/* Were points passed over? RG_ERR_PEER with the first one's words, the same on all ranks. */
int bench_measure_end(struct rank *r, struct rg_err *err);

#endif
