#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# A rank that is killed, or stopped, in the middle of a measurement under MPICH's mpiexec. That kills
# the other ranks at once where it sees one die, with a signal that nobody can handle, so that its own
# words are all there is. Where it does not see it, because the rank's parent lives on or the rank is
# only stopped, at least one of the others says in one full line who it is, what it waited for and
# from whom, and the job ends, as failed. Nothing is left in any case.
set -u
LIBRARY=mpich
ONCE=yes
. "${srcdir:-.}/tests/cmd/failures.sh"
. "${srcdir:-.}/tests/mpi/launcher.sh"
host=$(uname -n | cut -c1-63)
export TSAN_OPTIONS=exitcode=0
export UCX_TLS=^cma # it ends a process whose peer is gone before that can speak
long="-b 64K -e 64K --budget 100s --precision 0.01 --timeout 3s --no-calibrate"

# A parent that lives on when its rank dies.
cat >"$tmp/parent" <<'END'
sh "$@"
exec sleep 20
END

# strike SIGNAL VICTIM TARGET [PARENT...]: the job under way, the signal for one rank
strike() {
  test_name="$*"
  signal=$1
  victim=$2
  target=$3
  shift 3
  start "$mpirun" -np 3 sh "$@" -c "$rank_sh" sh "$RAILGAUGE" bench allreduce $long --target "$target"
  until_there 30 '^# *(B) ' "$tmp/out"
  sleep 0.3
  kill "-$signal" "$(cat "$tmp/pid.$victim")"
}

line="^railgauge bench: rank [012] ($host).*wait.*rank [012] "

strike KILL 1 mpi
ended 9
grep -q 'EXIT STRING: Killed (signal 9)' "$tmp/out" || fail "mpiexec does not say what it saw"
nothing_left

for target in railgauge mpi; do
  strike KILL 2 $target "$tmp/parent"
  ended 4
  grep -q "$line" "$tmp/err" || fail "no full line came through"
  grep -q "^railgauge bench: rank [012] .*rank 2 .*\(is gone\|did not come\)" "$tmp/err" ||
    fail "nobody names rank 2"
  nothing_left
done
strike STOP 0 mpi
ended 4
grep -q "$line" "$tmp/err" || fail "no full line came through"
grep -q "^railgauge bench: rank [012] .*wait.*rank 0 " "$tmp/err" || fail "nobody names rank 0"
nothing_left

test_name="a rank that ends before MPI_Init"
start "$mpirun" -np 2 sh -c '[ "$PMI_RANK" = 0 ] || exit 0; exec "$@"' sh "$RAILGAUGE" \
  bench allreduce --start-timeout 1s
ended 4 1 # 1 where mpiexec sees first that MPI was begun and not ended
said "^railgauge bench: rank 0 ($host): waited .* in MPI_Init: "
nothing_left
exit 0
