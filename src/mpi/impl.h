/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the parts of the glue share with each other and with its tests. Private to src/mpi. Reads
 * the environment only.
 */
#ifndef RAILGAUGE_SRC_MPI_IMPL_H
#define RAILGAUGE_SRC_MPI_IMPL_H

#include "railgauge/mpi/glue.h"

#include <stddef.h>
#include <stdint.h>

/* The modules that can be found, for messages: "openmpi, mpich", or "none". */
void rg_mpi_list_modules(char *list, size_t len_bytes);

/*
 * How many ranks the launcher says it started, and the variable that says so; 0 if none does.
 */
uint32_t rg_mpi_launched_ranks(const char **variable_out);

/* rg_mpi_rendezvous_open of a rank that says it is of this build. */
int rg_mpi_rendezvous_open_as(struct rg_mpi *mpi, const char *build, uint64_t deadline_ns,
			      struct rg_rendezvous **rdv_out, struct rg_err *err);

#endif
