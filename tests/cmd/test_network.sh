#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# The calibration of the network against a truth: four hosts, of which one is shaped. What is found
# into that one is what the shaping lets through, all others have more, the bounds hold, also where
# hosts have clocks of their own, and a host that dies meanwhile is named.
set -u
. "${srcdir:-.}/tests/once.sh"
hosts="1 2 3 4"
. "${srcdir:-.}/tests/cmd/hosts.sh"

# A token bucket counts frames as they are on the wire, also those that go through it as one: of
# 1,514 bytes (Ethernet 14, IP 20, TCP with time stamps 32) 1,448 are payload.
ip netns exec "$id-sw" tc qdisc add dev p2 root tbf rate 200mbit burst 64kb limit 4mb 2>/dev/null || {
  echo "skipped: no token bucket filter here"
  exit 77
}
truth=$(awk 'BEGIN { printf "%d", 200e6 / 8 * 1448 / 1514 }')

# The document's "network" as lines of words: "node RANKS IN OUT" by number, "pair FROM TO RATE".
network() {
  awk '
    /^ "network": \{/ { inside = 1 }
    /^ "points"/ { inside = 0 }
    !inside { next }
    { gsub(/[",:]/, ""); v[$1] = $2 }
    $1 == "out_Bps" { print "node", v["nranks"], v["in_Bps"], v["out_Bps"] }
    $1 == "rate_Bps" { print "pair", v["from"], v["to"], v["rate_Bps"] }' "$1"
}

# The bound of every point holds, and one comes from the shaped port if that is known.
bounds_hold() {
  ! grep -q '"code": "bound"' "$1" || fail "$(grep 'the bound is wrong' "$1")"
  [ -z "$unknown" ] || return 0
  grep -q '"bound_name": "node-in"' "$1" || fail "no bound from the shaped port"
  ! grep -q '"fraction": null' "$1" || fail "a point without a fraction"
}

right() {
  every 0 "$@"
  grep -q '^# All [1-9][0-9]* checked elements are right' "$tmp/out.0" || fail "not all is right"
}

few="--budget 20ms --timeout 20s"

test_name="a host behind 200 Mbit/s"
# shellcheck disable=SC2086
job 1 1 2 3 4 -- bench sendrecv -b 8 -e 512K -f 256 --place out $few --json "$tmp/a.json"
right 0 1 2 3 4
network "$tmp/a.json" >"$tmp/out"
[ "$(grep '^node ' "$tmp/out" | cut -d ' ' -f 2 | tr '\n' ' ')" = "2 1 1 1 " ] ||
  fail "the nodes are not those of the hosts"
[ "$(grep -c '^pair ' "$tmp/out")" = 12 ] || fail "not twelve pairs"
# Who kept a processor busy and had to wait for one tells nothing, nor who saw too little.
unknown=$(awk '/^node / && ++n == 2 && $3 == "null" || /^pair / && $4 == "null" { print "x"; exit }' "$tmp/out")
awk -v truth="$truth" '
  function near(rate) { return rate == "null" || (rate > 0.95 * truth && rate < 1.05 * truth) }
  $1 == "node" && ++n == 2 && !near($3) { print "into the shaped host: " $3 " of " truth; bad = 1 }
  $1 == "node" && n != 2 && $3 != "null" && $3 < 0.95 * truth { print "into host " n ": " $3; bad = 1 }
  $1 == "pair" && $3 == 1 && !near($4) { print $2 " -> 1: " $4 " of " truth; bad = 1 }
  $1 == "pair" && $3 != 1 && $4 != "null" && $4 < 0.95 * truth { print $2 " -> " $3 ": " $4; bad = 1 }
  END { exit bad }' "$tmp/out" >"$tmp/err" || fail "rates"
bounds_hold "$tmp/a.json"
[ -n "$unknown" ] || grep -q '^#   weakest pair: .* -> .*:2, 0.02[0-9]* GB/s (0.1[89][0-9]* Gbit/s)' "$tmp/out.0" ||
  { cp "$tmp/out.0" "$tmp/out"; fail "the weakest pair is not named"; }
[ -n "$unknown" ] || grep -q '^#   rank 1 (.*:0) -> rank 2 (.*:2): .* us, 0.02[0-9]* GB/s' "$tmp/out.0" ||
  { cp "$tmp/out.0" "$tmp/out"; fail "nothing about a message from 1 to 2"; }

# Clocks that started at other times, as those of different machines.
if unshare -T --fork --monotonic 1000 true 2>/dev/null; then
  test_name="hosts with clocks of their own"
  # shellcheck disable=SC2086
  job 1@1000 2@2000 -- bench allreduce -b 1M -e 1M --place out $few --json "$tmp/c.json"
  right 0 1
  ! grep -q '"clock_error_ns": null' "$tmp/c.json" || fail "they have one clock"
  # On a busy machine all may begin too late, and clocks be too uncertain for a bound.
  ! grep -q '"code": "bound"' "$tmp/c.json" || fail "$(grep 'the bound is wrong' "$tmp/c.json")"
else
  echo "note: no clocks of their own for hosts here"
fi

test_name="a host that dies while the network is calibrated"
# shellcheck disable=SC2086
job 1 2 3 -- bench allreduce -b 8 -e 8 --budget 60s --precision 0.01 --timeout 4s
i=0
while ! grep -q 'calibrating the network' "$tmp/err.0" && [ $i -lt 400 ]; do
  i=$((i + 1))
  sleep 0.05
done
sleep 0.3
kill -KILL "$(cat "$tmp/pid.1")"
every 4 0 2
for r in 0 2; do
  names $r "rank 1"
done
[ -z "$unknown" ] || {
  echo "skipped in part: this machine is too busy for the rates of four hosts"
  exit 77
}
exit 0
