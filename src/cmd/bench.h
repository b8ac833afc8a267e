/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * railgauge bench, in parts:
 *   bench.c           the command line
 *   bench_options.c   the table of options
 *   bench_check.c     what contradicts itself there
 *   bench_rank.c      one rank from rendezvous to result; all do the same in the same order
 *   bench_plan.c      what it will measure
 *   bench_measure.c   its points, and what becomes of one that fails
 *   bench_points.c    --points
 *   bench_cost.c      what it will take: memory and time
 *   bench_calibrate.c what the memory and the network can do
 *   bench_bound.c     what a point could take at best
 *   bench_out.c       what rank 0 keeps and prints
 */
#ifndef RG_CMD_BENCH_H
#define RG_CMD_BENCH_H

#include "ranks.h"

#include "railgauge/base/opt.h"
#include "railgauge/measure/calibrate_network.h"
#include "railgauge/measure/machine.h"
#include "railgauge/measure/place.h"
#include "railgauge/measure/plan.h"
#include "railgauge/measure/result.h"
#include "railgauge/measure/sample.h"
#include "railgauge/measure/target.h"
#include "railgauge/report/progress.h"
#include "railgauge/transport/verbs.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#define BENCH_NAME "railgauge bench"

enum bench_place { BENCH_PLACE_BOTH, BENCH_PLACE_OUT, BENCH_PLACE_IN };
enum bench_bind { BENCH_BIND_CORE, BENCH_BIND_NONE };

struct bench_options {
	uint64_t min_bytes, max_bytes, step_bytes;
	double factor;
	int64_t repetitions, warmups, check;
	int type; /* enum rg_type */
	int op;	  /* enum rg_op */
	int64_t root;
	const char *algorithm, *protocol, *target, *points, *buffers, *traffic;
	int place; /* enum bench_place */
	bool persistent, clear_to_send;
	int cache; /* enum rg_cache */
	int64_t channels, radix, send_window, threads;
	int bind; /* enum bench_bind */
	const char *transport, *interface, *congestion, *mpi, *json, *csv, *counters;
	bool calibrate, samples, raw, race, dry_run;
	int64_t seed;
	uint64_t budget_ns, timeout_ns, start_timeout_ns;
	double precision_percent;
};

/* --points, taken apart. */
struct bench_points {
	uint32_t n;	 /* 0: it was not given */
	uint64_t *sizes; /* owned, [n], ascending */
	char **targets;	 /* owned, [n]: a list for each, as --target's */
};

/*
 * Takes the text apart and checks the lists, as rg_target_parse. RG_ERR_INVALID and RG_ERR_RANGE
 * name the point; RG_ERR_LIMIT, RG_ERR_NO_MEMORY.
 */
int bench_points_open(const char *text, enum rg_coll coll, struct bench_points *out, bool *mpi_out,
		      bool *algorithms_out, struct rg_err *err);
void bench_points_close(struct bench_points *points); /* zeroed is allowed */

/* What a process knows before its ranks begin; const for them. */
struct bench {
	struct bench_options options;
	struct rg_verbs_options verbs;
	struct rg_opt_origins origins;
	int argc;
	char **argv;
	enum rg_coll coll;
	bool access[2];	    /* enum rg_access: kinds of buffers asked for */
	char targets[1024]; /* the list to be expanded; of no meaning with points */
	struct bench_points points;
	struct ranks ranks;
};

extern const struct rg_opt_command bench_command;

/*
 * Do the options, as read, fit together and with COLLECTIVE and buffers? RG_ERR_INVALID,
 * RG_ERR_RANGE and RG_ERR_LIMIT name the option.
 */
int bench_check(const struct bench *bench, struct rg_err *err);

/* One rank's whole life: struct ranks. */
int bench_rank(const struct ranks *ranks, struct rg_rendezvous *rdv, bool *agreed_out,
	       struct rg_err *err);

/* --- rank 0's output --- */

/* Candidates at .. at + n - 1. */
struct bench_span {
	uint32_t at, n;
};

/* What the ranks told each other, and what the sampler found out; borrowed by the output. */
struct bench_job {
	const struct bench *bench;
	uint32_t nranks;
	const struct ranks_member *m;
	const char *rendezvous;
	const char *transport; /* NULL: none */
	const char *network;   /* rank 0's way to its peers, in words; empty: memory */
	size_t link_bytes;     /* of the transport, between two ranks */
	uint32_t nnodes;       /* that talk over sockets, to be calibrated; 1: none do */
	bool multicast;	       /* the transport can */
	const struct rg_plan *plan;
	const uint64_t *weights; /* --traffic, [nranks][nranks]; NULL: none */
	const struct rg_sampler_config *config;
	const struct rg_target_spec *specs; /* [nspecs] */
	uint32_t nspecs;
	const struct rg_candidate *candidates; /* [ncandidates] */
	uint32_t ncandidates;
	const struct bench_span *spans; /* [plan->npoints]: the candidates of each point */
	struct rg_sampler_start start;
	const struct rg_nic_job *counters; /* NULL: none are read */
};

/* --- memory and time (bench_cost.c); all of a job but start is read --- */

/*
 * Is there memory for all ranks of rank's node together? RG_ERR_NO_MEMORY with numbers.
 */
int bench_cost_check(const struct bench_job *job, uint32_t rank, struct rg_err *err);

/* About how long the points from first on take. */
uint64_t bench_cost_points_ns(const struct bench_job *job, uint32_t first);

/* What --dry-run prints. RG_ERR_SYSTEM. */
int bench_cost_print(const struct bench_job *job, struct rg_err *err);

/* What a point's blocks have to say for its bound: nothing, but for alltoallv. */
void bench_bound_blocks(const struct bench_job *job, const struct rg_plan_point *point,
			struct rg_bound_problem *problem);

/*
 * What calibrating will take: memory of each rank, and time without its waits; nothing where it
 * will not be done. Never fails.
 */
struct bench_calibrate_cost {
	uint64_t memory_bytes, memory_ns, network_ns;
};
struct bench_calibrate_cost bench_calibrate_cost(const struct bench_job *job);

/*
 * Collective: measures what bounds the points of job->plan, and how long a cache line takes between
 * the ranks. As rg_calibrate.
 */
int bench_calibrate(const struct bench_job *job, struct rg_rendezvous *rdv,
		    struct rg_sampler *sampler, struct rg_calibration *out, struct rg_err *err);

/* Collective, likewise: what the network can do; none where no rank uses sockets. */
int bench_calibrate_network(const struct bench_job *job, struct rg_endpoint *ep,
			    struct rg_progress *progress, struct rg_network *out,
			    struct rg_err *err);

/*
 * The bound of a candidate at a point with so many operations per repetition, as far as memory and
 * network were calibrated (else NULL). clock_error_ns: of struct rg_network_problem.
 */
struct rg_bound bench_bound(const struct bench_job *job, const struct rg_calibration *calibration,
			    const struct rg_network *network, const struct rg_candidate *candidate,
			    const struct rg_plan_point *point, uint32_t ops, double clock_error_ns);

struct bench_out;

/* Opens the result, and tries its files, so that a bad path is known now. Prints nothing. */
int bench_out_open(const struct bench_job *job, struct bench_out **out, struct rg_err *err);

/*
 * Adds the calibrations (NULL: none was made) and prints the head of the table. Bounds are by
 * network, else by lines (measure/network_lines.h), which was not measured and so is no part of the
 * document; both are borrowed until close.
 */
int bench_out_begin(struct bench_out *out, const struct rg_calibration *calibration,
		    const struct rg_network *network, const struct rg_network *lines,
		    struct rg_err *err);
void bench_out_close(struct bench_out *out); /* NULL is allowed */

/*
 * The run has failed: with --json - what there is goes to standard output, unless it has by now.
 * arg is the output. For another thread as well; while the rank is at work on the output, nothing
 * is printed.
 */
void bench_out_abandon(void *arg);

/*
 * Adds and prints a point of the plan; samples are of its candidates. start is what is known of it
 * by now; rails are those of the endpoint that it was measured over.
 */
int bench_out_point(struct bench_out *out, uint32_t point, const struct rg_samples *samples,
		    const struct rg_sampler_start *start, uint32_t rails, struct rg_err *err);

/* Adds a warning, to be written with the next point. As rg_result_add_warning. */
int bench_out_warn(struct bench_out *out, struct rg_err *err, const char *code, const char *fmt,
		   ...) __attribute__((format(printf, 4, 5)));

/* Warns of others' load, prints the foot, writes the result. complete: not interrupted. */
int bench_out_finish(struct bench_out *out, bool complete, double others_load, struct rg_err *err);

/* Wrong elements so far, and words about the first of them. */
uint64_t bench_out_wrong(const struct bench_out *out, const char **first_out);

#endif
