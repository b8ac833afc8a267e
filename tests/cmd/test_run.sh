#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# railgauge run from outside: what the ranks see, how the job ends, and that nothing is left.
set -u
: "${RAILGAUGE:?}" "${builddir:?}"
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT

fail() {
  echo "$*"
  echo "--- stdout"; cat "$tmp/out"
  echo "--- stderr"; cat "$tmp/err"
  exit 1
}

# run STATUS ARGUMENTS...: railgauge run with them must end with the status
run() {
  want=$1
  shift
  "$RAILGAUGE" run "$@" >"$tmp/out" 2>"$tmp/err"
  got=$?
  [ "$got" -eq "$want" ] || fail "run $*: status $got, not $want"
}

# said PATTERN: exactly one line on stderr matches
said() {
  [ "$(grep -c -- "$1" "$tmp/err")" -eq 1 ] || fail "expected one line on stderr like: $1"
}

# gone FILE: the process whose number the file holds ends (a zombie has ended)
gone() {
  pid=$(cat "$1")
  i=0
  while [ -n "$pid" ] && state=$(sed 's/.*) //; s/ .*//' "/proc/$pid/stat" 2>/dev/null) &&
    [ -n "$state" ] && [ "$state" != Z ]; do
    i=$((i + 1))
    [ $i -lt 300 ] || fail "process $pid is left behind"
    sleep 0.1
  done
}

# wait_for FILE...: until all are there
wait_for() {
  for file in "$@"; do
    i=0
    while [ ! -s "$file" ]; do
      i=$((i + 1))
      [ $i -lt 600 ] || fail "$file never came"
      sleep 0.1
    done
  done
}

# --- what a rank sees ---
run 0 -n 3 -- sh -c 'echo "$RANK $LOCAL_RANK $WORLD_SIZE $LOCAL_WORLD_SIZE $MASTER_ADDR"'
sort "$tmp/out" >"$tmp/sorted"
printf '0 0 3 3 127.0.0.1\n1 1 3 3 127.0.0.1\n2 2 3 3 127.0.0.1\n' | cmp -s - "$tmp/sorted" ||
  fail "wrong environment"
[ ! -s "$tmp/err" ] || fail "a job that went well says nothing"
run 0 -n 2 -- sh -c 'echo "$RG_JOB_SECRET"'
sort -u "$tmp/out" | grep -Eqx '[0-9a-f]{64}' && [ "$(sort -u "$tmp/out" | wc -l)" -eq 1 ] ||
  fail "no common secret of 32 bytes"
run 0 -- sh -c 'secret=$RG_JOB_SECRET; for f in /proc/[0-9]*/cmdline; do
  if tr "\0" "\n" <"$f" 2>/dev/null | grep -q "^[^=]*$secret"; then exit 1; fi; done'
RG_JOB_SECRET_FILE=/nowhere TORCHELASTIC_USE_AGENT_STORE=True \
  run 0 -- sh -c 'test -z "${RG_JOB_SECRET_FILE-}${TORCHELASTIC_USE_AGENT_STORE-}"'
echo text | "$RAILGAUGE" run -- cat >"$tmp/out" 2>"$tmp/err" || fail "cat failed"
[ ! -s "$tmp/out" ] || fail "a rank has read our standard input"
run 0 --bind core -- sh -c \
  'grep -Eq "^Cpus_allowed_list:[[:space:]]*[0-9]+$" /proc/self/status'
run 0 -n 300 --bind core -- true
said 'warn: 300 ranks on .* cores: some share one'

# --- the ranks meet ---
run 0 -n 5 -- "$builddir/tests/launch/meet"
[ "$(grep -c 'of 5 has met all' "$tmp/out")" -eq 5 ] || fail "they have not met"

# --- how a job ends ---
run 5 -n 3 -- sh -c '[ "$RANK" != 1 ] || exit 5'
said '^railgauge run: rank 1 of 3 failed: exit status 5$'
run 137 -n 3 -- sh -c '[ "$RANK" != 2 ] || kill -KILL $$'
said '^railgauge run: rank 2 of 3 failed: ended by signal 9 (Killed)$'
run 137 -n 4 -- "$builddir/tests/launch/meet" kill 2
said '^railgauge run: rank 2 of 4 failed: ended by signal 9 (Killed); 3 others failed, too$'
[ "$(grep -c 'error: rank 2 on ' "$tmp/err")" -eq 3 ] || fail "not every survivor names rank 2"
run 137 -n 4 -- "$builddir/tests/launch/meet" kill 0
[ "$(grep -c 'error: rank 0 on ' "$tmp/err")" -eq 3 ] || fail "not every survivor names rank 0"

run 3 -n 2 -- no-such-program
said '^railgauge run: no-such-program: no such program$'
run 3 -n 2 -- "$tmp"
said '^railgauge run: .*: cannot be executed: Permission denied$'
run 2 -n 2
said '^railgauge run: no command to run'
run 2 -n 0 -- true
run 2 -n x -- true
run 2 --bind socket -- true

# --- grace and timeout ---
run 1 -n 2 --grace 60 -- sh -c '[ "$RANK" = 0 ] && exit 1; sleep 1; echo survivor'
grep -qx survivor "$tmp/out" || fail "the survivor had no time to report"
run 1 -n 2 --grace 100ms -- sh -c "[ \$RANK = 0 ] && exit 1; echo \$\$ >$tmp/late; exec sleep 1000"
said 'rank 1 did not end within the grace time of 100 ms: ended'
[ ! -s "$tmp/late" ] || gone "$tmp/late"
run 4 -n 2 --timeout 300ms -- sh -c 'exec sleep 1000'
said 'rank 0, 1 still ran after the timeout of 300 ms: ended'
run 0 -n 2 --timeout 1h -- true

# --- nothing is left ---
run 0 -- sh -c "sleep 1000 & echo \$! >$tmp/left"
gone "$tmp/left"
run 3 -n 1 -- sh -c "sleep 1000 & echo \$! >$tmp/left; exit 3"
gone "$tmp/left"

# start ARGUMENTS...: railgauge run in the background, its process number in $job. A shell without
# job control has its background ignore interrupts; env undoes that.
start() {
  rm -f "$tmp"/pid.*
  env --default-signal=INT "$RAILGAUGE" run "$@" >"$tmp/out" 2>"$tmp/err" &
  job=$!
}
# ended STATUS: the job must end with it
ended() {
  wait "$job"
  got=$?
  [ "$got" -eq "$1" ] || fail "status $got, not $1"
}
rank='echo $$ >'$tmp'/pid.$RANK.tmp; mv '$tmp'/pid.$RANK.tmp '$tmp'/pid.$RANK'

if env --default-signal=INT true 2>/dev/null; then
  start -n 2 -- sh -c "$rank; exec sleep 1000"
  wait_for "$tmp/pid.0" "$tmp/pid.1"
  kill -INT "$job"
  ended 130
  said '^railgauge run: rank [01] of 2 failed: ended by signal 2 (Interrupt)'
  gone "$tmp/pid.0"
  gone "$tmp/pid.1"

  # Ranks that end well when interrupted: the job was interrupted all the same.
  start -n 2 -- sh -c "trap 'exit 0' INT TERM; $rank; while :; do sleep 0.1; done"
  wait_for "$tmp/pid.0" "$tmp/pid.1"
  kill -INT "$job"
  ended 6
  said '^railgauge run: interrupted by signal 2 (Interrupt)$'

  # A second signal does not wait for the grace time.
  start -n 2 --grace 1h -- sh -c "trap '' INT TERM; $rank; while :; do sleep 0.1; done"
  wait_for "$tmp/pid.0" "$tmp/pid.1"
  kill -INT "$job"
  sleep 0.2
  kill -INT "$job"
  ended 137
  gone "$tmp/pid.0"
  gone "$tmp/pid.1"

  start -n 2 -- sh -c "$rank; exec sleep 1000"
  wait_for "$tmp/pid.0" "$tmp/pid.1"
  kill -TERM "$job"
  ended 143

  # Even if railgauge itself is killed.
  start -n 2 -- sh -c "$rank; exec sleep 1000"
  wait_for "$tmp/pid.0" "$tmp/pid.1"
  kill -KILL "$job"
  wait "$job"
  gone "$tmp/pid.0"
  gone "$tmp/pid.1"
else
  echo "signals not tried: env cannot reset them here"
fi
exit 0
