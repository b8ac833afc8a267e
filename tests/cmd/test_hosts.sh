#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# Several hosts: ranks of one host use memory, of two hosts sockets; results are right; a wrong
# interface, a host that cannot be reached and one that dies are named by every other rank, in time.
set -u
. "${srcdir:-.}/tests/once.sh"
. "${srcdir:-.}/tests/cmd/hosts.sh"

few="--budget 20ms --no-calibrate --timeout 4s"

for collective in allreduce alltoall broadcast; do
  test_name="$collective between hosts"
  # shellcheck disable=SC2086
  job 1 1 2 2 3 -- bench $collective -b 8 -e 256K -f 32 $few
  every 0 0 1 2 3 4
  grep -q '^# network: shm to 1 of the node, tcp to 3: interface eth0' "$tmp/out.0" ||
    { cat "$tmp/out.0"; exit 1; }
  grep -q '^# All [1-9][0-9]* checked elements are right' "$tmp/out.0" || exit 1
done
test_name="alltoallv between hosts"
printf '1 0 3 0 9\n0 0 0 0 0\n500 2 0 7 0\n0 0 1 0 70\n8 0 0 60 0\n' >"$tmp/traffic"
# shellcheck disable=SC2086
job 1 1 2 2 3 -- bench alltoallv -b 256 -e 256K -f 32 --traffic "$tmp/traffic" \
  --target railgauge:all $few
every 0 0 1 2 3 4
for algorithm in pairwise linear bruck hierarchical; do
  grep -q "railgauge:$algorithm" "$tmp/out.0" || { cat "$tmp/out.0"; exit 1; }
done
grep -q '^# All [1-9][0-9]* checked elements are right' "$tmp/out.0" || exit 1

test_name="one rank on each host"
# shellcheck disable=SC2086
job 1 2 3 -- bench allreduce -b 64K -e 64K --algorithm ring $few
every 0 0 1 2
grep -q '^# network: interface eth0' "$tmp/out.0" || exit 1

if unshare -p --fork --mount-proc true 2>/dev/null; then
  test_name="containers on one host that hide their processes"
  kept=$rank_sh
  rank_sh='[ "$RANK" = 0 ] || set -- unshare -p --fork --kill-child --mount-proc "$@"; exec "$@"'
  job 1 1 -- bench allreduce -b 8 -e 8 --budget 20ms --timeout 10s --json "$tmp/containers.json"
  rank_sh=$kept
  every 0 0 1
  grep -q '^# network: shm to 0 of the node, tcp to 1' "$tmp/out.0" || { cat "$tmp/out.0"; exit 1; }
  # The network between them is calibrated, as that between two hosts.
  [ "$(sed -n '/^ "network": {/,/^ "points"/p' "$tmp/containers.json" | grep -c '"out_Bps"')" = 2 ] ||
    { echo "$test_name: not two nodes"; exit 1; }
else
  echo "note: no PID namespaces for containers here"
fi

test_name="an interface that there is not"
# shellcheck disable=SC2086
job 1 2 -- bench allreduce -b 8 -e 8 --tcp.interface eth7 $few
every 3 0 1
names 0 "tcp: there is no interface eth7 with an address that is up; there is .*eth0"

test_name="an interface that leads nowhere"
# shellcheck disable=SC2086
job 1 2 -- bench allreduce -b 8 -e 8 --tcp.interface lo $few
every 4 0
grep -q "tcp: rank [01] (.*) at 127.0.0.1:[0-9]* (its lo) cannot be reached from lo" "$tmp/err.0" \
  "$tmp/err.1" || { cat "$tmp"/err.*; exit 1; }

# As where what is sent between two hosts is dropped on the way, which only these two can tell.
test_name="two hosts that do not reach each other"
ip -n "$id-2" neigh replace 10.99.0.3 lladdr 02:00:00:00:00:99 dev eth0 nud permanent
ip -n "$id-3" neigh replace 10.99.0.2 lladdr 02:00:00:00:00:98 dev eth0 nud permanent
# shellcheck disable=SC2086
job 1 2 3 -- bench allreduce -b 8 -e 8 $few
every 4 0
for r in 0 1 2; do
  names $r "tcp: rank [12] (.*) at 10.99.0.[23]:[0-9]* (its eth0) cannot be reached from eth0"
done
ip -n "$id-2" neigh flush dev eth0 nud permanent
ip -n "$id-3" neigh flush dev eth0 nud permanent

for signal in KILL STOP; do
  test_name="a host that $signal ends"
  # shellcheck disable=SC2086
  job 1 2 3 -- bench allreduce -b 64K -e 64K --budget 60s --precision 0.01 --no-calibrate --timeout 4s
  i=0
  while ! grep -q '^# *(B) ' "$tmp/out.0" && [ $i -lt 200 ]; do
    i=$((i + 1))
    sleep 0.05
  done
  sleep 0.3
  kill "-$signal" "$(cat "$tmp/pid.1")"
  if [ $signal = STOP ]; then
    sleep 12
    kill -KILL "$(cat "$tmp/pid.1")"
  fi
  every 4 0 2
  # One that has all of rank 1's messages waits for the other, which waits for rank 1.
  for r in 0 2; do
    names $r "rank [012]"
  done
  grep -q "rank 1 " "$tmp/err.0" "$tmp/err.2" || { cat "$tmp/err.0" "$tmp/err.2"; exit 1; }
done
exit 0
