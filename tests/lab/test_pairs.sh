#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# lab: endpoints=3 rails=2 seconds=120
#
# railgauge pingpong and pairs over Soft-RoCE: every operation, over one queue pair and several, over
# each rail and over both at once, brings the right data. Nobody has to name the transport.
set -u
: "${RAILGAUGE:?}"
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT

# try RANKS ARGUMENTS...
try() {
  ranks=$1
  shift
  timeout 60 "$RAILGAUGE" run -n "$ranks" -- lab-rank "$RAILGAUGE" "$@" --csv "$tmp/csv" >"$tmp/out" 2>"$tmp/err" && return
  echo "$ranks ranks, $*: status $?"
  cat "$tmp/out" "$tmp/err"
  exit 1
}

for op in write write-imm send read; do
  try 2 pingpong --op $op -n 50 -s 64K --verbs.qps 2 --rails both --test latency,bandwidth
  [ "$(wc -l <"$tmp/csv")" -eq $((1 + 2 + 3 * 2)) ] || { echo "$op: lines"; cat "$tmp/csv"; exit 1; }
  grep -q '^latency,.*,rxe1r1,rxe2r1,' "$tmp/csv" || { echo "$op: no devices"; cat "$tmp/csv"; exit 1; }
  echo "$op: right"
done
try 3 pairs -n 20 -s 64K --post-list 4 --verbs.moderation 8 --rails together --test bidirectional
grep -q '^# bidirectional of 64K bytes, write over verbs, all rails at once' "$tmp/out" || { cat "$tmp/out"; exit 1; }
