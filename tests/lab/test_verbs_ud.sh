#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# lab: endpoints=3 seconds=150
#
# verbs-ud over Soft-RoCE: the suites for all transports, broadcasts to a multicast group, and
# all-reduces of processes, on links as they are, on links that lose 1 %, and on links that lose 5 % and
# reorder. A result that is wrong fails as one that does not come.
set -u
: "${builddir:?}"
tests=$builddir/tests/transport
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
RG_TEST_TRANSPORT=verbs-ud
RG_TEST_DEVICES="rxe1r1 rxe2r1 rxe3r1"
RG_TEST_ROUNDS=100
export RG_TEST_TRANSPORT RG_TEST_DEVICES RG_TEST_ROUNDS

# WORDS COMMAND...
try() {
  words=$1
  shift
  read -r begin rest </proc/uptime
  "$@" >"$tmp/log" 2>&1
  status=$?
  read -r end rest </proc/uptime
  echo "$words: from $begin to $end s"
  [ $status -eq 0 ] && return
  echo "exit status $status"
  grep -v '^\[  *\(OK\|RUN\)' "$tmp/log"
  exit 1
}

conform() {
  try "conform, $1" "$tests/test_conform"
}

all_reduce() {
  try "all-reduces, $1" "$builddir/src/railgauge" run -n 2 -- lab-rank "$builddir/src/railgauge" \
    bench allreduce --transport verbs-ud -b 8 -e 64KiB -f 8192 --place out --budget 100ms \
    --target railgauge --no-calibrate
}

broadcast() {
  try "broadcasts to a group, $1" "$builddir/src/railgauge" run -n 3 -- lab-rank "$builddir/src/railgauge" \
    bench broadcast --transport verbs-ud --verbs.multicast on -b 8 -e 64KiB -f 8192 --place out \
    --budget 100ms --target railgauge:multicast --no-calibrate
}

conform "nothing lost"
all_reduce "nothing lost"
broadcast "nothing lost"
lab-ctl link all loss=1 || exit 99
try "windows, 1 % lost" "$tests/test_window"
broadcast "1 % lost"
lab-ctl link all delay=200us loss=5 reorder=25 || exit 99
conform "5 % lost and a quarter overtaking"
all_reduce "5 % lost and a quarter overtaking"
