#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# A rank that is killed, or stopped, in the middle of a measurement under Open MPI's mpirun.
# With --enable-recovery, where mpirun leaves the others alone, each of them says in one line who it is,
# what it waited for and from whom; without, mpirun ends the witnesses soon, but one line comes
# through. The job ends, as failed, and nothing is left. Each way to go is tried with one of the two
# targets, which RG_TEST_SEED draws, and with RG_FULL=1 with both.
set -u
. "${srcdir:-.}/tests/cmd/failures.sh"
ONCE=1
LIBRARY=openmpi
. "${srcdir:-.}/tests/mpi/launcher.sh"
host=$(uname -n | cut -c1-63)
export TSAN_OPTIONS=exitcode=0
long="-b 64K -e 64K --budget 100s --precision 0.01 --timeout 3s --no-calibrate"

# strike SIGNAL VICTIM TARGET [OPTION-OF-MPIRUN...]: the job under way, the signal for one rank
strike() {
  test_name="$*"
  signal=$1
  victim=$2
  target=$3
  shift 3
  start "$mpirun" "$@" -np 3 sh -c "$rank_sh" sh "$RAILGAUGE" bench allreduce $long --target "$target"
  until_there 30 '^# *(B) ' "$tmp/out"
  sleep 0.3
  kill "-$signal" "$(cat "$tmp/pid.$victim")"
}

line="^railgauge bench: rank [012] ($host).*wait.*rank [012] "

# draw_targets: of the next way, in $targets
seed=$((${RG_TEST_SEED:-1}))
echo "RG_TEST_SEED=$seed"
draw_targets() {
  targets=railgauge
  [ $((seed & 1)) = 0 ] || targets=mpi
  [ -z "${RG_FULL-}" ] || targets='railgauge mpi'
  seed=$((seed >> 1))
}

for victim in 0 2; do
  draw_targets
  for target in $targets; do
    strike KILL $victim $target --enable-recovery
    ended 0 4 # mpirun with recovery says 0, whatever the ranks said
    for r in 0 1 2; do
      [ $r = $victim ] || said "^railgauge bench: rank $r ($host).*wait.*rank $victim "
    done
    nothing_left
  done
done

draw_targets
for target in $targets; do
  strike STOP 1 $target --enable-recovery
  ended 0 4 # mpirun with recovery says 0, whatever the ranks said
  for r in 0 2; do
    said "^railgauge bench: rank $r ($host).*wait.*rank [012] "
  done
  grep -q "^railgauge bench: rank [02] .*rank 1 " "$tmp/err" || fail "nobody names rank 1"
  nothing_left
done

draw_targets
for target in $targets; do
  strike KILL 1 $target
  ended 137
  grep -q "$line" "$tmp/err" || fail "no full line came through"
  nothing_left
done

draw_targets
for target in $targets; do
  strike STOP 0 $target
  ended 4
  grep -q "$line" "$tmp/err" || fail "no full line came through"
  nothing_left
done

# One is stopped, and another is gone: that one is to blame, and not waited for.
strike STOP 0 mpi --enable-recovery
kill -KILL "$(cat "$tmp/pid.1")"
ended 0 4
said "^railgauge bench: rank 2 ($host): waited .*: rank 1 ($host, .*) is gone"
nothing_left

# Ranks that never come to MPI_Init, and one whose command line alone is wrong.
test_name="a rank that ends before MPI_Init"
start "$mpirun" -np 2 sh -c '[ "$OMPI_COMM_WORLD_RANK" = 0 ] || exit 0; exec "$@"' sh "$RAILGAUGE" \
  bench allreduce --start-timeout 1s
ended 4 1 # 1 where mpirun sees first that the rank is gone before MPI had begun
said "^railgauge bench: rank 0 ($host): waited .* in MPI_Init: "
nothing_left
test_name="one wrong command line"
start "$mpirun" -np 1 "$RAILGAUGE" bench allreduce : -np 1 "$RAILGAUGE" bench allreduc
ended 2
said "^railgauge bench: rank 1 on $host: allreduc: no such collective; did you mean allreduce?"
nothing_left
test_name="the same mistake on all ranks"
start "$mpirun" -np 2 "$RAILGAUGE" bench allreduc
ended 2
said "^railgauge bench: allreduc: no such collective; did you mean allreduce?"
exit 0
