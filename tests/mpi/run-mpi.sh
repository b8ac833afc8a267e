#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Runs an MPI test program with 1, 2, 3 and 4 ranks (or RG_MPI_NP="2 4") under the launcher of
# LIBRARY (openmpi or mpich; openmpi if not set), each with a time limit.
# Usage: run-mpi.sh PROGRAM [ARGUMENT...]
# The exit status is the first bad one; 77 when there is nothing to run it with.
limit=${RG_MPI_LIMIT:-120}
. "${srcdir:-.}/tests/mpi/launcher.sh"

for np in ${RG_MPI_NP:-1 2 3 4}; do
  echo "== $np rank(s): $*"
  timeout -k 5 "$limit" "$mpirun" -np "$np" "$@" </dev/null
  status=$?
  [ "$status" = 124 ] && echo "the time limit of $limit s has passed"
  [ "$status" = 0 ] || exit "$status"
done
