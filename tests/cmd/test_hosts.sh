#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# Several hosts: network namespaces with an Ethernet between them, made here and taken away again.
# Ranks of one host use memory, of two hosts sockets; results are right; a wrong interface, a host
# that cannot be reached and one that dies are named by every other rank, in time.
set -u
. "${srcdir:-.}/tests/cmd/failures.sh"
id=rg$$
hosts="1 2 3"

take_away() {
  for k in $hosts; do
    ip netns del "$id-$k" 2>/dev/null
  done
  ip netns del "$id-sw" 2>/dev/null
  rm -rf "$tmp"
}
trap take_away EXIT

[ "$(id -u)" = 0 ] && ip netns add "$id-sw" 2>/dev/null &&
  ip -n "$id-sw" link add name sw type bridge 2>/dev/null || {
  echo "skipped: network namespaces and bridges cannot be made here"
  exit 77
}
ip -n "$id-sw" link set sw up
for k in $hosts; do
  ip netns add "$id-$k"
  ip -n "$id-$k" link add name eth0 type veth peer name "p$k" netns "$id-sw"
  ip -n "$id-sw" link set "p$k" master sw up
  ip -n "$id-$k" addr add "10.99.0.$k/24" dev eth0
  ip -n "$id-$k" link set eth0 up
  ip -n "$id-$k" link set lo up
done

# job HOSTS... -- ARGUMENTS: one rank per host named, each in the background, its words in err.RANK
job() {
  rm -f "$tmp"/pid.* "$tmp"/err.* "$tmp"/out.* "$tmp"/status.*
  places=
  while [ "$1" != -- ]; do
    places="$places $1"
    shift
  done
  shift
  n=$(echo "$places" | wc -w)
  port=$((20000 + $$ % 20000))
  r=0
  for k in $places; do
    (
      export RANK=$r WORLD_SIZE=$n MASTER_ADDR=10.99.0.1 MASTER_PORT=$port
      export RG_JOB_SECRET=0123456789abcdef0123
      ip netns exec "$id-$k" timeout -k 2 60 sh -c "$rank_sh" sh "$RAILGAUGE" "$@" \
        >"$tmp/out.$r" 2>"$tmp/err.$r"
      echo $? >"$tmp/status.$r"
    ) &
    r=$((r + 1))
  done
}

# every STATUS RANK...: these ranks end with it
every() {
  want=$1
  shift
  wait
  for r in "$@"; do
    [ "$(cat "$tmp/status.$r")" = "$want" ] || {
      echo "$test_name: rank $r: status $(cat "$tmp/status.$r"), not $want"
      head -n 5 "$tmp"/err.* "$tmp/out.0"
      exit 1
    }
  done
}

# names RANK PATTERN
names() {
  grep -q -- "$2" "$tmp/err.$1" && return
  echo "$test_name: rank $1 did not say: $2"
  cat "$tmp/err.$1"
  exit 1
}

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
test_name="one rank on each host"
# shellcheck disable=SC2086
job 1 2 3 -- bench allreduce -b 64K -e 64K --algorithm ring $few
every 0 0 1 2
grep -q '^# network: interface eth0' "$tmp/out.0" || exit 1

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
  for r in 0 2; do
    names $r "rank 1"
  done
done
exit 0
