#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# lab: endpoints=2 rails=2 seconds=120
#
# lab-rank makes of ranks nodes with devices of their own, between which no memory is shared.
set -u
: "${srcdir:=.}" "${RAILGAUGE:?}"
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT

fail() {
  echo "$*"
  cat "$tmp/out"
  exit 1
}

# told RANK SIZE WORDS: what a rank is told
told() {
  RANK=$1 WORLD_SIZE=$2 lab-rank sh -c 'echo "$RG_NODE $RG_VERBS_DEVICE $LAB_ENDPOINT"' >"$tmp/out"
  [ "$(cat "$tmp/out")" = "$3" ] || fail "rank $1 of $2 is not told $3:"
}
told 0 2 "endpoint1 rxe1r1,rxe1r2 1"
told 1 2 "endpoint2 rxe2r1,rxe2r2 2"
told 1 4 "endpoint1 rxe1r1,rxe1r2 1"
told 2 4 "endpoint2 rxe2r1,rxe2r2 2"
LAB_ENDPOINTS=4 told 1 2 "endpoint2 rxe2r1,rxe2r2 2"
if lab-rank true 2>"$tmp/out"; then fail "a rank that nobody numbers gets an endpoint"; fi

# job WORD...: two ranks, which share memory if they are on one node, or else use sockets
job() {
  echo "$*"
  "$RAILGAUGE" run -n 2 -- "$@" >"$tmp/out" 2>&1
}
set -- "$RAILGAUGE" bench allreduce -b 64K -e 64K -n 5 --buffers private --place out --no-calibrate
job "$@" || fail "two ranks on one node:"
if grep -q '^# network:' "$tmp/out"; then fail "two ranks on one node do not share memory:"; fi
job lab-rank "$@" --transport tcp --tcp.interface lo || fail "two ranks on two endpoints:"
grep -q '^# network: interface lo' "$tmp/out" || fail "two endpoints share memory:"

# Each rank has its endpoint's devices, and nobody has to say so. All that goes between them is on the wire: each of 5
# all-reduces takes 64 KiB each way.
sent() { cat "/sys/class/net/$1/statistics/tx_bytes"; }
first=$(sent e1r1) second=$(sent e2r1)
job lab-rank "$@" || fail "verbs between two endpoints:"
grep -q '^# network: rxe1r1 port 1, ' "$tmp/out" || fail "two endpoints are not joined by verbs:"
first=$(($(sent e1r1) - first)) second=$(($(sent e2r1) - second))
echo "$first bytes left endpoint 1, $second endpoint 2"
[ $first -gt 327680 ] && [ $second -gt 327680 ] || fail "verbs do not use the wire"

# Under Open MPI, whose libraries open these devices themselves and unload what they did not choose.
if command -v mpirun >/dev/null 2>&1; then
  export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
  echo "mpirun"
  mpirun -np 2 --oversubscribe lab-rank "$RAILGAUGE" pingpong --transport verbs --test latency -s 8 -n 100 \
    >"$tmp/out" 2>&1 || fail "mpirun:"
  grep -q '^# network: rxe1r1 port 1' "$tmp/out" || fail "mpirun does not measure its endpoints' devices:"
fi
