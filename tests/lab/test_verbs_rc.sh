#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# lab: endpoints=3 rails=2 seconds=150
#
# The conformance suite on verbs-rc over Soft-RoCE: with each way to notify, and with two rails and
# two queue pairs on each.
set -u
: "${builddir:?}"
tests=$builddir/tests/transport
[ -x "$tests/test_conform" ] || { echo "built without cmocka"; exit 77; }
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
RG_TEST_TRANSPORT=verbs-rc RG_TEST_ROUNDS=100
export RG_TEST_TRANSPORT RG_TEST_ROUNDS
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
try conform "--verbs.qps=2" "$two"
