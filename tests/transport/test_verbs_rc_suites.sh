#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# The suites for all transports, on verbs-rc over made-up devices: with each way to notify, with
# several queue pairs and rails, and in orders in which data and completions of different queue
# pairs overtake each other, as RG_TEST_SEED draws. A stage that repeats main's tests goes fewer rounds.
set -u
[ -x "$builddir/tests/transport/fake_conform" ] || { echo "skip: built without libibverbs"; exit 77; }
RG_TEST_TRANSPORT=verbs-rc
RG_TEST_ROUNDS=${RG_REPEATED:+300}
export RG_TEST_TRANSPORT RG_TEST_ROUNDS
echo "RG_TEST_SEED=${RG_TEST_SEED:-}"
log=${TMPDIR:-/tmp}/rg-verbs-rc.$$
trap 'rm -f "$log"' EXIT

# SUITE OPTIONS DEVICES ORDER
try() {
  RG_TEST_VERBS=$2 RG_TEST_DEVICES=$3 RG_TEST_FAKE=$4 "$builddir/tests/transport/fake_$1" >"$log" 2>&1
  code=$?
  [ $code -eq 0 ] && return
  echo "$1 with \"$2\" on \"$3\", $4: exit status $code"
  grep -v '^\[  *\(OK\|RUN\)' "$log"
  exit 1
}

one="fake0 fake1 fake2"
two="fake0,fake1 fake2,fake3 fake1,fake0"
for notify in write-imm "write-counter --verbs.path-order=on" send; do
  try conform "--verbs.notify=$notify" "$one" now
  try conform "--verbs.notify=$notify --verbs.inline=0 --verbs.depth=11 --verbs.moderation=4" "$one" late
  try window "--verbs.notify=$notify" "$one" now
  try open "--verbs.notify=$notify" "$one" now
done
for notify in write-imm send; do
  try conform "--verbs.notify=$notify --verbs.qps=3" "$one" "late shuffle"
  try conform "--verbs.notify=$notify --verbs.qps=2" "$two" "late shuffle"
  try window "--verbs.notify=$notify --verbs.qps=2" "$two" "late shuffle"
done
