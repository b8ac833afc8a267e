#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# lab: endpoints=8 rails=2 seconds=240
#
# Algorithms of all collectives over verbs-rc, with each way to notify, and verbs-ud, for 2, 3, 4 and 8
# endpoints, one rail and two, on links that lose 1 % of all packets and reorder a quarter: results are
# exact. A sample, drawn from RG_TEST_SEED; all of them: results/2026-11-lab-algorithms.sh.
set -u
: "${builddir:?}" "${RG_TEST_SEED:?}"
program=$builddir/tests/coll/test_algorithms
[ -x "$program" ] || { echo "built without cmocka"; exit 77; }
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
echo "RG_TEST_SEED=$RG_TEST_SEED"
one='' two=''
for k in 1 2 3 4 5 6 7 8; do
  one="$one rxe${k}r1"
  two="$two rxe${k}r1,rxe${k}r2"
done

# TRANSPORT OPTIONS RAILS DEVICES RANKS PERCENT
try() {
  read -r begin rest </proc/uptime
  export RG_TEST_SEED=$((RG_TEST_SEED + 7919)) # another part of them each time
  RG_TEST_TRANSPORT=$1 RG_TEST_VERBS=$2 RG_TEST_DEVICES=$4 RG_TEST_RANKS=$5 RG_TEST_SHARE=$6 "$program" >"$tmp/log" 2>&1
  status=$?
  read -r end rest </proc/uptime
  echo "$1 \"$2\", $3, $5 endpoints: $(grep -c ', [0-9]* ranks$' "$tmp/log") right, from $begin to $end s"
  [ $status -eq 0 ] && return
  echo "exit status $status"
  cat "$tmp/log"
  exit 1
}

lab-ctl link all loss=1 delay=200us reorder=25 || exit 99
try verbs-rc "--verbs.timeout=16ms" "one rail" "$one" "2 3 4" 5
try verbs-rc "--verbs.timeout=16ms" "one rail" "$one" "8" 4
try verbs-rc "--verbs.timeout=16ms --verbs.qps=2" "two rails" "$two" "2 3 4" 5
try verbs-rc "--verbs.timeout=16ms" "two rails" "$two" "8" 4
try verbs-rc "--verbs.timeout=16ms --verbs.notify=send" "two rails" "$two" "3 4" 4
try verbs-rc "--verbs.timeout=16ms --verbs.notify=write-counter" "one rail" "$one" "3 4" 4
try verbs-ud "" "one rail" "$one" "2 3 4 8" 4
