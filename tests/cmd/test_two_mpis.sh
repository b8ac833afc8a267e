#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# One railgauge with modules for both libraries: each launcher gets its own without being asked, and
# a library that is not the launcher's is named in one line, with the number of ranks that it found.
set -u
. "${srcdir:-.}/tests/cmd/command.sh"
ONCE=yes
for LIBRARY in mpich openmpi; do
  . "$srcdir/tests/mpi/launcher.sh"
  eval "$LIBRARY=$mpirun"
done
quick="-b 8 -e 8 -n 3 -w 1 --no-calibrate --timeout 30s"

# bench STATUS LAUNCHER ARGUMENTS...
bench() {
  want=$1
  launcher=$2
  shift 2
  timeout 120 "$launcher" -np 2 "$RAILGAUGE" bench allreduce $quick "$@" >"$tmp/out" 2>"$tmp/err" \
    </dev/null
  got=$?
  [ "$got" -eq "$want" ] || fail "$launcher: status $got, not $want"
}

said() { # said PATTERN: the only line of railgauge's
  [ "$(grep -c '^railgauge bench: ' "$tmp/err")" -eq 1 ] || fail "expected one line of railgauge's"
  grep -q "^railgauge bench: .*$1" "$tmp/err" || fail "expected a line like: $1"
}

bench 0 "$openmpi"
grep -q '^# MPI: Open MPI' "$tmp/out" || fail "Open MPI's mpirun did not get Open MPI"
bench 0 "$mpich"
grep -q '^# MPI: MPICH [0-9]' "$tmp/out" || fail "MPICH's mpiexec did not get MPICH"

bench 3 "$openmpi" --mpi mpich
said 'OMPI_COMM_WORLD_SIZE says that 2 ranks .* MPI_COMM_WORLD has 1: .*(MPICH '
bench 3 "$mpich" --mpi openmpi
said 'PMI_SIZE says that 2 ranks .* MPI_COMM_WORLD has 1: .*(Open MPI '
PMIX_RANK=0
export PMIX_RANK
bench 2 "$mpich"
grep -q '^railgauge bench: which MPI? PMIX_RANK points to openmpi and PMI_RANK to mpich' "$tmp/err" ||
  fail "the doubt is not told"
bench 0 "$mpich" --mpi mpich
unset PMIX_RANK

# One of the two modules alone.
mkdir "$tmp/modules"
cp "$RG_MPI_MODULES/rg_mpi_openmpi.so" "$tmp/modules/"
RG_MPI_MODULES=$tmp/modules
bench 3 "$mpich"
grep -q 'no module for mpich .* has openmpi; to build it, install libmpich-dev ' "$tmp/err" ||
  fail "the missing package is not named"
bench 2 "$mpich" --mpi mpitch
said '"mpitch": no such MPI library, did you mean mpich?; this railgauge has openmpi$'
run 0 info
grep -Eq '^  openmpi +ok ' "$tmp/out" || fail "info does not show what there is"
grep -Eq '^  mpich +no ' "$tmp/out" || fail "info does not show what there is not"
exit 0
