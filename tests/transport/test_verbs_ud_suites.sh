#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# The suites for all transports, on verbs-ud over made-up devices: where nothing is lost, and where
# 5 % of all datagrams are lost, 2 % come twice, and all overtake each other, as RG_TEST_SEED draws. A
# stage that repeats main's tests goes fewer rounds.
set -u
: "${builddir:?}"
[ -x "$builddir/tests/transport/fake_conform" ] || { echo "skip: built without libibverbs"; exit 77; }
RG_TEST_TRANSPORT=verbs-ud
RG_TEST_ROUNDS=${RG_REPEATED:+300}
RG_TEST_DEVICES="fake0 fake1 fake2"
export RG_TEST_TRANSPORT RG_TEST_ROUNDS RG_TEST_DEVICES
echo "RG_TEST_SEED=${RG_TEST_SEED:-}"
log=$(mktemp) || exit 99
trap 'rm -f "$log"' EXIT

# SUITE OPTIONS FABRIC
try() {
  RG_TEST_VERBS=$2 RG_TEST_FAKE=$3 "$builddir/tests/transport/fake_$1" >"$log" 2>&1
  code=$?
  [ $code -eq 0 ] && return
  echo "$1 with \"$2\", $3: exit status $code"
  grep -v '^\[  *\(OK\|RUN\)' "$log"
  exit 1
}

for fabric in now late "lossy overtaking"; do
  try conform "" "$fabric"
  try window "" "$fabric"
done
try conform "--verbs.depth=4 --verbs.moderation=2 --verbs.mtu=256 --verbs.inline=0" "lossy overtaking"
try open "--verbs.mtu=256 --verbs.depth=8 --verbs.moderation=4" now
