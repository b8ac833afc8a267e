/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A module as an older release left it behind: only the version of its interface can be read.
 */
#include "config.h"

#include "railgauge/mpi/glue.h"

extern const struct rg_mpi_module rg_mpi_module;

const struct rg_mpi_module rg_mpi_module = {.abi = RG_MPI_ABI - 1, .name = "mpich"};
