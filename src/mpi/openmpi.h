/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the parts of the module rg_mpi_openmpi share: one process-wide state and the tables of
 * tuned's algorithms. Private to src/mpi; only one thread uses it.
 *
 * The module carries its own copy of a few functions of base, since the program exports none.
 */
#ifndef RAILGAUGE_SRC_MPI_OPENMPI_H
#define RAILGAUGE_SRC_MPI_OPENMPI_H

#include "railgauge/mpi/glue.h"

#include <mpi.h>

/* Set by start, read-only afterwards except for broken and the MPI_T part. */
struct openmpi {
	MPI_Comm comm; /* owned: rendezvous and barriers; never a target */
	int rank, nranks;
	bool wants_algorithms; /* as the settings said */
	bool made_dynamic;     /* we, not the user, switched tuned's dynamic rules on */
	bool one_node;	       /* all ranks share memory; known only if wants_algorithms */
	bool mpi_t;	       /* MPI_T is initialised */
	bool broken;	       /* an exchange failed: MPI cannot be ended in good order */
};

extern struct openmpi openmpi;

/* RG_ERR_SYSTEM with the library's own text for code; words name the call. */
int openmpi_error(struct rg_err *err, int code, const char *words);
void openmpi_error_text(int code, char *text, size_t len_bytes);

/* openmpi_exchange.c; see struct rg_mpi_module. */
int openmpi_allgather(const void *mine, void *all, size_t len_bytes,
		      const struct rg_mpi_patience *patience, struct rg_mpi_absent *absent_out,
		      struct rg_err *err);
void openmpi_give_up(const char *text);

/*
 * openmpi_tuned.c: the component coll/tuned through MPI_T.
 *
 * tuned_check: after MPI_Init, refuses settings of the user under which "default" would no longer
 * be the default of an untouched launch (RG_ERR_INVALID), and initialises MPI_T.
 * tuned_force: makes communicators created from now on run the function with algorithm id, until
 * tuned_restore(*old_out), which must follow even a failure; *segment_bytes_out is the segment size
 * that they will use. RG_ERR_UNSUPPORTED when the library did not take it.
 */
int openmpi_tuned_check(struct rg_err *err);
int openmpi_algorithms(enum rg_coll coll, enum rg_mpi_variant variant,
		       struct rg_mpi_algorithm *list, uint32_t room, uint32_t *count_out,
		       struct rg_err *err);
int openmpi_tuned_force(enum rg_coll coll, enum rg_mpi_variant variant, int id, int *old_out,
			int *segment_bytes_out, struct rg_err *err);
int openmpi_tuned_restore(enum rg_coll coll, enum rg_mpi_variant variant, int old,
			  struct rg_err *err);
void openmpi_tuned_finish(void);

/* openmpi_target.c; see struct rg_mpi_module. */
int openmpi_target_open(enum rg_coll coll, enum rg_mpi_variant variant, int id,
			struct rg_mpi_target **out, struct rg_err *err);
void openmpi_target_close(struct rg_mpi_target *target);
int openmpi_target_prepare(struct rg_mpi_target *target, const struct rg_mpi_call *call,
			   struct rg_err *err);
const char *openmpi_target_runs_as(const struct rg_mpi_target *target,
				   const struct rg_mpi_call *call);
int openmpi_target_run(struct rg_mpi_target *target, const struct rg_mpi_call *call);

#endif
