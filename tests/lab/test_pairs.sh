#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# lab: endpoints=3 rails=2 seconds=120
#
# railgauge pingpong and pairs over Soft-RoCE: every operation, over one queue pair and several, over
# each rail and over both at once, brings the right data; and a link that is shaped to a rate is
# measured as having it.
set -u
: "${RAILGAUGE:?}"
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT

# try RANKS ARGUMENTS...
try() {
  ranks=$1
  shift
  timeout 60 "$RAILGAUGE" run -n "$ranks" -- lab-rank "$RAILGAUGE" "$@" --transport verbs \
    --csv "$tmp/csv" >"$tmp/out" 2>"$tmp/err" && return
  echo "$ranks ranks, $*: status $?"
  cat "$tmp/out" "$tmp/err"
  exit 1
}

# column NAME TEST: of the first line of that test, from rank 0
column() {
  awk -F, -v name="$1" -v test="$2" '
    { sub(/\r$/, "") }
    NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
    $at["test"] == test && $at["from"] == 0 { print $at[name]; exit }' "$tmp/csv"
}

for op in write write-imm send read; do
  try 2 pingpong --op $op -n 50 -s 64K --verbs.qps 2 --rails both --test latency,bandwidth
  [ "$(wc -l <"$tmp/csv")" -eq $((1 + 2 + 3 * 2)) ] || { echo "$op: lines"; cat "$tmp/csv"; exit 1; }
  grep -q '^latency,.*,rxe1r1,rxe2r1,' "$tmp/csv" || { echo "$op: no devices"; cat "$tmp/csv"; exit 1; }
  echo "$op: right"
done
try 3 pairs -n 20 -s 64K --post-list 4 --verbs.moderation 8 --rails together --test bidirectional
grep -q '^# bidirectional of 64K bytes, write over verbs, all rails at once' "$tmp/out" || { cat "$tmp/out"; exit 1; }

# Towards rank 1: a message of 64 KiB is 16 packets of 4096 B with 58 B each and 16 B once, as the
# queue counts them. A rate that a busy machine reaches as well.
lab-ctl link 2.1 rate=10mbit || exit 99
try 2 pingpong --test bandwidth -s 64K -D 3s -t 8 --verbs.timeout 1s
got=$(column rate_Bps bandwidth)
awk -v got="$got" 'BEGIN {
  expected = 10e6 / 8 * 65536 / (16 * (4096 + 58) + 16)
  printf "10 Mbit/s: %.3f of the rate after headers\n", got / expected
  exit got / expected > 1.03 || got / expected < 0.97 }'
