#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# What is written for Open MPI is honoured by the Open MPI that is installed, for every function that
# can be measured: a call that comes to a poisoned rule fails with the words that are expected, and
# one of another size does not. So the numbers of functions, their sizes, and the files' way into the
# library are right.
set -u
LIBRARY=openmpi ONCE=yes
. "${srcdir:-.}/tests/mpi/launcher.sh"
. "$srcdir/tests/cmd/command.sh"
library="Open MPI v$("$mpirun" --version | sed -n 's/.*(Open MPI) //p')"

# bench FOLDER SIZE WORDS...: with what FOLDER says
bench() {
  with=$1 size=$2
  shift 2
  (. "$with/env.sh" && exec timeout -k 5 60 "$mpirun" -np 2 "$RAILGAUGE" bench "$@" -b "$size" -e "$size" \
    -n 1 -w 0 --no-calibrate --transport shm) >"$tmp/out" 2>"$tmp/err" </dev/null
}

while read -r function size words; do
  mkdir "$tmp/$function" "$tmp/$function.poisoned"
  expected=$("$builddir/tests/emit/poisoner" "$library" "$tmp/$function" "$tmp/$function.poisoned" "$function") ||
    fail "$function: no files"
  # shellcheck disable=SC2086 # words
  bench "$tmp/$function.poisoned" "$size" $words && fail "$function: a poisoned rule is not used"
  grep -q "MPI.*$expected" "$tmp/err" || fail "$function: fails otherwise than expected"
done <<EOF
MPI_Allreduce 4096 allreduce --target mpi --place out
MPI_Reduce 4096 reduce --target mpi --place out
MPI_Reduce_scatter_block 4096 reducescatter --target mpi --place out
MPI_Reduce_scatter 4096 reducescatter --target mpi-v --place out
MPI_Allgather 4096 allgather --target mpi --place out
MPI_Gather 4096 gather --target mpi --place out
MPI_Scatter 4096 scatter --target mpi --place out
MPI_Alltoall 4096 alltoall --target mpi --place out
MPI_Alltoallv 4096 alltoallv --target mpi --place out
MPI_Bcast 4096 broadcast --target mpi --place in
MPI_Barrier 0 barrier --target mpi
EOF
# The sizes below are another rule's, and the files that are not poisoned fail nothing.
bench "$tmp/MPI_Allgather.poisoned" 4088 allgather --target mpi --place out || fail "a size below the range fails"
bench "$tmp/MPI_Allgather" 4096 allgather --target mpi --place out || fail "a rule that is not poisoned fails"
exit 0
