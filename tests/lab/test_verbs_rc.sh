#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# lab: endpoints=3 rails=2 seconds=150
#
# The suites for all transports, on verbs-rc over Soft-RoCE: with each way to notify, over one rail
# and two, and on links that lose and reorder packets.
set -u
: "${builddir:?}"
tests=$builddir/tests/transport
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
RG_TEST_TRANSPORT=verbs-rc
export RG_TEST_TRANSPORT
one="rxe1r1 rxe2r1 rxe3r1"
two="rxe1r1,rxe1r2 rxe2r1,rxe2r2 rxe3r1,rxe3r2"

# SUITE OPTIONS DEVICES
try() {
  read -r begin rest </proc/uptime
  RG_TEST_VERBS=$2 RG_TEST_DEVICES=$3 "$tests/test_$1" >"$tmp/log" 2>&1
  status=$?
  read -r end rest </proc/uptime
  echo "$1 \"$2\" on $3: from $begin to $end s"
  [ $status -eq 0 ] && return
  echo "exit status $status"
  grep -v '^\[  *\(OK\|RUN\)' "$tmp/log"
  exit 1
}

for notify in write-imm write-counter send; do
  try conform "--verbs.notify=$notify" "$one"
done
try window "" "$one"
try window "--verbs.qps=2" "$two"
try conform "--verbs.qps=2" "$two"
lab-ctl link all delay=200us loss=1 reorder=25 || exit 99
try window "--verbs.timeout=16ms" "$two"
try conform "--verbs.timeout=16ms" "$one"
