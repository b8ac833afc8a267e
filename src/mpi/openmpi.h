/* SPDX-License-Identifier: BSD-3-Clause */
/* What the parts of the module rg_mpi_openmpi share beside module.h. */
#ifndef RAILGAUGE_SRC_MPI_OPENMPI_H
#define RAILGAUGE_SRC_MPI_OPENMPI_H

#include "module.h"

/* Set at the start, read-only afterwards. */
struct openmpi {
	bool wants_algorithms; /* as the settings said */
	bool made_dynamic;     /* we, not the user, switched tuned's dynamic rules on */
	bool one_node;	       /* all ranks share memory; known only if wants_algorithms */
};

extern struct openmpi openmpi;

/*
 * openmpi_tuned.c: the component coll/tuned through MPI_T.
 *
 * tuned_check: after MPI_Init, refuses a file of rules where single algorithms are wanted
 * (RG_ERR_INVALID): it comes before them.
 * tuned_force: makes communicators created from now on run the function with algorithm id, segments
 * of segment_bytes (or RG_MPI_SEGMENT_USUAL) and the fan-out that rules for it have
 * (railgauge/mpi/openmpi_tuned.h), until tuned_restore(*old_out), which must follow even a failure;
 * *segment_bytes_out is the segment size that they will use.
 * RG_ERR_UNSUPPORTED when the library did not take it.
 */
struct openmpi_variables {
	int algorithm, segment_bytes, fanout; /* -1: as it was */
};

int openmpi_tuned_check(struct rg_err *err);
int openmpi_tuned_force(enum rg_coll coll, enum rg_mpi_variant variant, int id,
			int64_t segment_bytes, struct openmpi_variables *old_out,
			int *segment_bytes_out, struct rg_err *err);
int openmpi_tuned_restore(enum rg_coll coll, enum rg_mpi_variant variant,
			  const struct openmpi_variables *old, struct rg_err *err);

#endif
