#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# A rank that is killed, or stopped, in the middle of a measurement under railgauge run: each of the
# others says in one line who it is, what it waited for and from whom, ends with status 4 within the
# deadline, and nothing is left.
set -u
# Where it is repeated, only a sanitizer finds more.
[ "${RG_REPEATED-}" = sanitize ] || . "${srcdir:-.}/tests/once.sh"
. "${srcdir:-.}/tests/cmd/failures.sh"
host=$(uname -n | cut -c1-63)
bench="$RAILGAUGE bench"
long="-b 64K -e 64K --budget 100s --precision 0.01 --timeout 2s --no-calibrate"
many="-b 8 -e 64K -f 1 -i 8 --budget 20ms --timeout 2s --no-calibrate"

# survivors VICTIM: each has said one full line about a peer
survivors() {
  for r in 0 1 2; do
    [ "$r" != "$1" ] || continue
    said "^railgauge bench: rank $r ($host): .*rank [012] "
    grep "^railgauge bench: rank $r " "$tmp/err" | grep -q "waited\|gave up\|come\|closed\|reading" ||
      fail "rank $r does not say what it waited for"
  done
  grep -q "^railgauge bench: rank [012] ($host): .*rank $1 " "$tmp/err" ||
    fail "nobody names rank $1"
}

# strike SIGNAL VICTIM PATTERN ARGUMENTS...: the job under way, the signal for one rank
strike() {
  test_name="$1 for rank $2: $4 $5"
  signal=$1
  victim=$2
  pattern=$3
  shift 3
  start "$RAILGAUGE" run -n 3 --grace 3s -- sh -c "$rank_sh" sh $bench "$@"
  until_there 30 "$pattern" "$tmp/out"
  sleep 0.3
  kill "-$signal" "$(cat "$tmp/pid.$victim")"
}

# In one long point, in many short ones (where the ranks also meet, open and close), for every rank.
for victim in 0 1 2; do
  strike KILL $victim '^# *(B) ' allreduce $long
  ended 137
  said "^railgauge run: rank $victim of 3 failed: ended by signal 9 (Killed); 2 others failed, too"
  survivors $victim
  nothing_left
  strike KILL $victim ' window ' alltoall $many
  ended 137
  survivors $victim
  nothing_left
done
for victim in 0 1; do
  strike STOP $victim '^# *(B) ' allreduce $long
  ended 4
  said "warn: rank $victim did not end within the grace time"
  survivors $victim
  nothing_left
done
strike STOP 2 ' private ' broadcast $many --buffers private
ended 4
survivors 2
nothing_left

# Each survivor's own status is 4. The shell in between tells it.
test_name="status of the survivors"
rm -f "$tmp"/pid.*
status_sh='"$@" & echo $! >"'$tmp'/pid.$RANK"; wait $!; echo $? >"'$tmp'/status.$RANK"'
start "$RAILGAUGE" run -n 3 -- sh -c "$status_sh" sh $bench allreduce $long
until_there 30 '^# *(B) ' "$tmp/out"
kill -KILL "$(cat "$tmp/pid.1")"
ended 0
for r in 0 2; do
  [ "$(cat "$tmp/status.$r")" -eq 4 ] || fail "rank $r ended with $(cat "$tmp/status.$r")"
done
survivors 1
nothing_left
exit 0
