#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# lab: endpoints=3 rails=2 seconds=300
#
# What becomes of an all-reduce over verbs-rc that runs while a link goes down and comes back, goes
# down for good, loses packets, or while a rank dies or is stopped. Three ranks on three endpoints,
# each with two rails. A job survives, or each of its ranks ends within the deadline and says why;
# where there is another rail, the next size is measured over that. In no case does anything hang, is
# anything wrong, or is anything left.
#
# RG_LOOP_S: seconds that the loop runs for, where nothing ends it (8).
# RG_FAULTS: which of flap gone next alone kill kill0 stop loss, else all.
set -u
: "${RAILGAUGE:?}" "${srcdir:=.}" "${RG_LOOP_S:=8}" "${RG_FAULTS:=flap gone next alone kill kill0 stop loss}"
job_limit_s=$((2 * RG_LOOP_S + 90))
. "$srcdir/tests/cmd/failures.sh"
deadline_s=5
short_s=3 # of loops that only have to show that they run

# What breaks links goes before the ranks, who leave an emulated machine no time.
link() { nice -n -10 lab-ctl link "$@"; }

now() {
  read -r up rest </proc/uptime
  echo "${up%.*}${up#*.}" # hundredths of a second
}

# since TIME: seconds and tenths
since() {
  took=$(($(now) - $1))
  echo "$((took / 100)).$((took / 10 % 10))"
}

# loop SECONDS LARGEST OPTION...: three ranks begin, and this returns when they have begun with 64 KiB,
# the first size; each size lasts so long
loop() {
  size_s=$1 largest=$2
  shift 2
  rm -f "$tmp/json"
  start "$RAILGAUGE" run -n 3 --grace 12s -- lab-rank sh -c "$rank_sh" sh \
    "$RAILGAUGE" bench allreduce -b 64K -e "$largest" --budget "${size_s}s" --precision 0.01 \
    --transport verbs-rc --timeout ${deadline_s}s --buffers private --place out --no-calibrate \
    --json "$tmp/json" "$@"
  until_there 60 '^# *(B) ' "$tmp/out"
  sleep 0.5
  fault=$(now)
}

# finished WITHIN_S STATUS...: how it ended, and how long after the fault
finished() {
  within=$1
  shift
  ended "$@"
  took=$(since "$fault")
  [ "${took%.*}" -lt "$within" ] || fail "it took $took s"
  nothing_left
  if grep -q 'WRONG' "$tmp/out"; then fail "wrong data"; fi
}

# show WORDS: the first line on stderr that has them
show() { grep -m 1 -- "$1" "$tmp/err" | sed 's/^/    /'; }

# has NUMBER KEY VALUE: so many points of the document have it
has() {
  [ "$(grep -c "\"$2\": $3" "$tmp/json")" -eq "$1" ] || fail "not $1 of \"$2\": $3 in the document"
}

median() { sed -n 's/.*"median_ns": \([0-9]*\).*/\1/p' "$tmp/json"; }

# survivors VICTIM: each of the others has said why it ends, and somebody who is to blame
survivors() {
  for r in 0 1 2; do
    [ $r = "$1" ] || grep -q "^railgauge bench: rank $r (.*rank [012] " "$tmp/err" ||
      fail "rank $r does not say why it ended"
  done
  grep -q "^railgauge bench: rank [012] (.*rank $1 " "$tmp/err" || fail "nobody names rank $1"
}

flap() {
  test_name="a link that is away for 2 s, while retries last for 7.5 s"
  deadline_s=10
  loop "$RG_LOOP_S" 64K --verbs.timeout 1073ms
  deadline_s=5
  link 3.1 down
  sleep 2
  link 3.1 up
  away=$(since "$fault")
  finished $((RG_LOOP_S + 30)) 0 4
  if [ "$got" -eq 0 ]; then
    echo "$test_name: survived; it was away for $away s, and the job ended after $took s"
  else # a machine on which sleeping for 2 s takes longer
    grep -q 'retry counter exceeded' "$tmp/err" || fail "retries that were exceeded are not named"
    [ "${away%.*}" -ge 6 ] || fail "it did not survive although the link was away for $away s only"
    echo "$test_name: it was away for $away s, and retries ended sooner"
  fi
}

gone() {
  test_name="a link that goes down for good, while retries last for 0.9 s"
  loop "$RG_LOOP_S" 128K --verbs.timeout 134ms
  link 3.1 down
  until_there $((deadline_s + 15)) '64KB failed' "$tmp/err"
  noticed=$(since "$fault")
  finished $((RG_LOOP_S + 30)) 4
  grep -q 'retry counter exceeded' "$tmp/err" || fail "retries that were exceeded are not named"
  has 1 stop '"failed"'
  has 1 rails '"2"'
  has 1 complete true
  grep -q 'rail 1 (rxe1r1:1) failed at 64KB, and is left out from 128KB on' "$tmp/out" ||
    fail "the table does not say what was left out"
  link 3.1 up
  echo "$test_name: said after $noticed s, 128 KiB measured over the other rail"
  show '64KB failed'
}

next() {
  test_name="the next job, with that link still down"
  link 3.1 down
  loop $short_s 64K
  finished $((short_s + 20)) 0
  grep -q 'rail 1 is down and left out' "$tmp/out" || fail "the table does not say that a rail is left out"
  has 1 rails '"2"'
  link 3.1 up
  echo "$test_name: measured over the other rail"
}

alone() {
  test_name="a link that is away for longer than the 0.9 s of retries, without another rail"
  all=$rank_sh
  rank_sh='RG_VERBS_DEVICE=${RG_VERBS_DEVICE%,*}; export RG_VERBS_DEVICE; '$all
  loop "$RG_LOOP_S" 128K --verbs.timeout 134ms
  rank_sh=$all
  link 3.1 down
  finished $((deadline_s + 15)) 4
  link 3.1 up
  grep -q 'retry counter exceeded' "$tmp/err" || fail "retries that were exceeded are not named"
  echo "$test_name: ended after $took s"
  show 'retry counter exceeded'
}

# kill_one RANK: rank 0 is the one that the others tell each other by
kill_one() {
  test_name="rank $1 is killed"
  loop "$RG_LOOP_S" 64K
  kill -9 "$(cat "$tmp/pid.$1")"
  finished $((deadline_s + 15)) 137
  survivors "$1"
  echo "$test_name: ended after $took s"
  show '^railgauge bench: rank 2 '
}

stop_one() {
  test_name="a rank that is stopped, beyond a deadline of 3 s"
  deadline_s=3
  loop "$RG_LOOP_S" 64K
  deadline_s=5
  kill -STOP "$(cat "$tmp/pid.1")"
  finished 40 4
  survivors 1
  echo "$test_name: ended after $took s, of which railgauge run left rank 1 the last 12 s to end by itself"
  show '^railgauge bench: rank 0 '
}

loss() {
  test_name="5 % of the packets lost"
  loop $short_s 64K --verbs.timeout 32ms
  finished $((short_s + 20)) 0
  without=$(median)
  link 3.1 loss=5
  loop "$RG_LOOP_S" 64K --verbs.timeout 32ms
  finished $((RG_LOOP_S + 20)) 0
  link 3.1 loss=0
  with=$(median)
  [ "$with" -gt "$without" ] || fail "median $with ns, and $without ns without loss"
  grep -q 'rxe3r1 port 1: out_of_seq_request by' "$tmp/out" || fail "the counters do not show it"
  echo "$test_name: survived, median $((with / 1000)) us instead of $((without / 1000)) us"
  grep 'lab rxe[123]r1 port 1' "$tmp/out" | cut -c1-120
}

for fault_name in $RG_FAULTS; do
  case $fault_name in
    flap | gone | next | alone | loss) $fault_name ;;
    kill) kill_one 1 ;;
    kill0) kill_one 0 ;;
    stop) stop_one ;;
    *) echo "RG_FAULTS: $fault_name: no such fault"; exit 2 ;;
  esac
done
exit 0
