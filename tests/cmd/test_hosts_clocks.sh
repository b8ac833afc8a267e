#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# Hosts with clocks of their own, as time namespaces: they are compared, the start is the same as
# with one clock, it is said how far they may be apart, and no time is made of their difference.
set -u
. "${srcdir:-.}/tests/once.sh"
. "${srcdir:-.}/tests/cmd/hosts.sh"
unshare -T --fork --monotonic 1 true 2>/dev/null || {
  echo "skipped: time namespaces cannot be made here"
  exit 77
}

# value MEMBER FILE: of a document, the first
value() {
  sed -n "s/^ *\"$1\": \\([^,]*\\),*\$/\\1/p" "$2" | head -n 1
}

# measure NAME HOSTS... -- ARGUMENTS: on all ranks in order, checked; the document in NAME.json
measure() {
  name=$1
  shift
  # shellcheck disable=SC2086
  job "$@" --budget 30ms --no-calibrate --timeout 10s --json "$tmp/$name.json"
  # shellcheck disable=SC2086
  every 0 $(seq 0 $((n - 1)))
  grep -q '^# All [1-9][0-9]* checked elements are right' "$tmp/out.0" ||
    { echo "$test_name: $name"; cat "$tmp/out.0"; exit 1; }
}

# sane NAME: all times of the document, each rank's included, are above nothing, and below what the
# job may take. Where all repetitions began late, on a busy machine, there are none.
seen=0
sane() {
  awk -v name="$1" '
    /"rank_samples": \[/ { inside = 1 }
    /"(median|lo|hi|p99|min)_ns": / && !/null/ { gsub(/[,"]/, ""); times[++count] = $2 }
    inside && /^ *[-0-9.e+]+,?$/ { gsub(/,/, ""); times[++count] = $1; ranks++ }
    /"(note|samples)"/ { inside = 0 }
    END {
      for (i = 1; i <= count; i++)
        if (times[i] <= 0 || times[i] > 60e9) { print name ": a time of " times[i] " ns"; bad = 1 }
      print ranks + 0 >"'"$tmp"'/ranks"
      exit bad
    }' "$tmp/$1.json" || exit 1
  seen=$((seen + $(cat "$tmp/ranks")))
}

# apart NAME: the document, and the table's head, say how far apart the clocks may be
apart() {
  awk -v e="$(value clock_error_ns "$tmp/$1.json")" -v s="$(value start_skew_ns "$tmp/$1.json")" \
    'BEGIN { exit !(e > 0 && e < 1e9 && s > 0) }' || {
    echo "$test_name: clock_error_ns is $(value clock_error_ns "$tmp/$1.json")"
    exit 1
  }
  grep -q "^# clocks: several, compared with rank 0's; apart by at most [0-9.]* [num]*s$" \
    "$tmp/out.0" || { echo "$test_name: not said"; cat "$tmp/out.0"; exit 1; }
}

for collective in broadcast allreduce; do
  test_name="$collective on hosts with clocks a day and more apart"
  args="bench $collective -b 1K -e 64K -f 64 --raw"
  [ $collective = allreduce ] || args="$args --root 0"
  # shellcheck disable=SC2086
  measure one 1 2 -- $args
  [ "$(value clock_error_ns "$tmp/one.json")" = null ] || { echo "$test_name: one clock"; exit 1; }
  # shellcheck disable=SC2086
  measure several 1 2@100000 -- $args
  apart several
  sane several
  # shellcheck disable=SC2086
  measure back 1@100000 2 -- $args
  apart back
  sane back
  for k in several back; do
    [ "$(value start "$tmp/one.json")" = "$(value start "$tmp/$k.json")" ] || {
      echo "$test_name: the start is $(value start "$tmp/$k.json")"
      exit 1
    }
  done
done

test_name="several ranks each, over memory and sockets"
measure mixed 1@7200 1@7200 2 2 3@90000 -- bench alltoall -b 4K -e 4K --raw
apart mixed
sane mixed
[ "$(value start "$tmp/mixed.json")" != '"apart"' ] || { echo "$test_name: apart"; exit 1; }

test_name="two clocks on one host, over memory"
measure memory 1@7200 1 -- bench reduce -b 4K -e 4K --raw
apart memory
sane memory
grep -q '"transport": "shm"' "$tmp/memory.json" || { echo "$test_name: not shm"; exit 1; }
[ $seen -gt 0 ] || { echo "no job has measured anything"; exit 1; }
exit 0
