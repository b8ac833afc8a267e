#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# test_glue.mpi with MPICH: its launcher starts it, and so its module is the one that is meant.
LIBRARY=mpich
export LIBRARY
exec sh "${srcdir:-.}/tests/mpi/run-mpi.sh" "${builddir:?}/tests/mpi/test_glue.mpi"
