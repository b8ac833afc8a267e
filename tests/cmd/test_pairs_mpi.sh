#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# railgauge pingpong and pairs under Open MPI's mpirun: the same as without it, and only rank 0 prints.
# No test here looks at a time.
set -u
: "${RAILGAUGE:?}" "${builddir:?}"
LIBRARY=openmpi
. "${srcdir:-.}/tests/mpi/launcher.sh"
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT

# launched STATUS RANKS ARGUMENTS...
launched() {
  want=$1
  ranks=$2
  shift 2
  timeout 120 "$mpirun" -np "$ranks" "$RAILGAUGE" "$@" >"$tmp/out" 2>"$tmp/err" </dev/null
  got=$?
  [ "$got" -eq "$want" ] || fail "$ranks ranks, $*: status $got, not $want"
}

fail() {
  echo "$*"
  echo "--- stdout"; cat "$tmp/out"
  echo "--- stderr"; cat "$tmp/err"
  exit 1
}

launched 0 2 pingpong -n 100 -s 8,64K
[ "$(grep -c '^# railgauge [0-9]' "$tmp/out")" -eq 1 ] || fail 'only rank 0 prints'
[ "$(grep -c '^  *latency  *0->1 ' "$tmp/out")" -eq 2 ] || fail 'a line per size'
grep -q '^# MPI: Open MPI' "$tmp/out" || fail 'the library is named'
launched 0 3 pairs -n 20 --transport tcp
[ "$(grep -c '^#   median of ' "$tmp/out")" -eq 2 ] || fail 'two matrices'
launched 2 3 pingpong
[ "$(grep -c '^railgauge pingpong: pingpong is between 2 ranks, and 3 were' "$tmp/err")" -eq 1 ] ||
  fail 'one line about three ranks'
launched 2 2 pairs --test latncy
[ "$(grep -c '^railgauge pairs: --test: latncy: did you mean' "$tmp/err")" -eq 1 ] ||
  fail 'one line about a bad option'
echo 'railgauge pairs under mpirun: all right'
