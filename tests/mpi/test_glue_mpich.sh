#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# test_glue.mpi with MPICH: its launcher starts it, and so its module is the one that is meant.
LIBRARY=mpich
RG_MPI_NP=${RG_MPI_NP:-2 3}
export LIBRARY RG_MPI_NP
exec sh "${srcdir:-.}/tests/mpi/run-mpi.sh" "${builddir:?}/tests/mpi/test_glue.mpi"
