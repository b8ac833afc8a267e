/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What drivers have in common: commands that stay outside of the job and start the launcher that
 * follows "--" as often as they need (tune/trial.h), with this program's bench under it.
 *
 *   railgauge COMMAND [OPTION...] OPERAND... -- LAUNCHER [WORD...]
 *
 * One driver per process, used by its main thread.
 */
#ifndef RG_CMD_DRIVER_H
#define RG_CMD_DRIVER_H

#include "railgauge/base/collective.h"
#include "railgauge/base/err.h"
#include "railgauge/measure/result.h"
#include "railgauge/tune/decisions.h"

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * Cuts argv at its first "--": what is before it, *argc_out words, is for rg_opt_parse; the result,
 * NULL-terminated and part of argv, is the launcher's. NULL: there is no "--", or nothing behind.
 */
char **driver_split(int argc, char **argv, int *argc_out);

/*
 * RG_ERR_INVALID if this process is itself a rank of a launcher's: a driver belongs outside, as in
 * example.
 */
int driver_outside(const char *example, struct rg_err *err);

/*
 * The path of the program that runs here, without links, which must be there on all hosts; freed
 * with rg_free. RG_ERR_SYSTEM, RG_ERR_NO_MEMORY.
 */
int driver_program(char **path_out, struct rg_err *err);

/*
 * From now on SIGINT, SIGTERM and SIGHUP no longer end the process: the flag that is returned, for
 * rg_trial_run and for the driver's own loop, becomes the signal's number. Broken pipes are errors.
 */
const volatile sig_atomic_t *driver_catch(void);

/* RG_ERR_INTERRUPTED with the signal's name, if one came. */
int driver_interrupted(struct rg_err *err);

/*
 * What the launcher's words, and else the environment, say about transports: "pml ob1, btl
 * self,tcp"; empty if nothing. Cut if it is too long.
 */
void driver_transport(char *const *launcher, char *text, size_t room);

/*
 * Which variables in the environment are parameters of an MPI library (OMPI_MCA_, PMIX_MCA_,
 * PRTE_MCA_, UCX_) or make it fail (RG_MPI_FAULT), and a hash of their names and values, which are
 * not in it themselves: "0123456789abcdef: OMPI_MCA_btl, UCX_TLS"; empty if there are none. Freed
 * with rg_free; NULL without memory.
 */
char *driver_environment(void);

/* What bench is to measure. All borrowed during the call. */
struct driver_bench {
	enum rg_coll coll;
	const char *points;    /* of --points: "64K=mpi,mpi:ring;1M=mpi" */
	const char *type, *op; /* words of bench */
	bool in_place;	       /* but for a broadcast, which always is */
	bool once;	       /* one repetition, without warm-up */
	bool race;	       /* who is beaten leaves; not with once */
	uint64_t budget_ns;    /* per point; not with once */
	uint64_t timeout_ns;   /* longest wait for a peer; 0: bench's own */
	uint64_t seed;
};

/*
 * How long a launch may take: given_ns, or, if that is 0, a minute, ten times the time that its
 * points are given together, and what bench does in any case, its warm-ups and first repetitions,
 * with a network of 100 MB/s. bytes: the size, for each target of each point.
 */
uint64_t driver_limit(uint64_t given_ns, uint64_t points_ns, uint64_t bytes);

/*
 * The words of bench, NULL-terminated, from "bench" on: private buffers, as a job's are, no
 * calibration, the document, without samples, on standard output. NULL without memory. Freed by
 * driver_args_free.
 */
char **driver_bench_args(const struct driver_bench *bench);
void driver_args_free(char **args); /* NULL is allowed */

/*
 * Was this measured under the conditions of the decisions? RG_ERR_MISMATCH says in words which of
 * number of ranks and library differ; other hosts, and transports that this launcher is told of,
 * are no error, but described in note, which is empty else.
 */
int driver_same_job(const struct rg_decisions *decisions, char *const *launcher,
		    const struct rg_result *result, char *note, size_t room, struct rg_err *err);

#endif
