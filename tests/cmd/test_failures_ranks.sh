#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# Ranks that cannot work together, and limits that are in the way: one line names the culprit or the
# limit, with the documented status, and nothing is left. Nothing here waits longer than --timeout and --start-timeout.
set -u
# Where it is repeated, only a sanitizer finds more.
[ "${RG_REPEATED-}" = sanitize ] || . "${srcdir:-.}/tests/once.sh"
. "${srcdir:-.}/tests/cmd/failures.sh"
host=$(uname -n | cut -c1-63)
quick="-b 8 -e 64 --budget 10ms --precision 100 -w 1 --no-calibrate --timeout 2s --start-timeout 2s"
bench="$RAILGAUGE bench allreduce $quick"
export RG_JOB_SECRET=0123456789abcdef0123456789abcdef
# A port that is free now, below those that the system gives away.
port=$((20000 + $$ % 9000))

# as RANK VARIABLE=VALUE: that rank of 2, in the background
as() {
  rank=$1
  shift
  (timeout -k 5 60 env RANK=$rank WORLD_SIZE=2 MASTER_ADDR=127.0.0.1 MASTER_PORT=$port "$@" $bench \
    >"$tmp/out.$rank" 2>"$tmp/err.$rank"
  echo $? >"$tmp/status.$rank") &
}

# both STATUS0 STATUS1: the two have ended so; what they said is put together
both() {
  wait
  cat "$tmp/err.0" "$tmp/err.1" >"$tmp/err"
  cat "$tmp/out.0" "$tmp/out.1" >"$tmp/out"
  [ "$(cat "$tmp/status.0") $(cat "$tmp/status.1")" = "$1 $2" ] ||
    fail "status $(cat "$tmp/status.0") and $(cat "$tmp/status.1"), not $1 and $2"
}

# each STATUS COMMAND...: 3 ranks under railgauge run, each of which is COMMAND and bench. Nobody
# waits for the deadline here, unless a rank's program starts late.
each() {
  status=$1
  shift
  must "$status" "$RAILGAUGE" run -n 3 -- "$@" $bench --timeout 20s --start-timeout 20s
}

# told_once PATTERN: by one line of bench, beside the one of railgauge run
told_once() {
  said "^railgauge bench: $1"
  [ "$(wc -l <"$tmp/err")" -eq 2 ] || fail "expected two lines"
  [ "$(tail -n 1 "$tmp/err" | cut -d: -f1)" = 'railgauge run' ] || fail "run speaks last"
  [ ! -s "$tmp/out" ] || fail "something was measured"
}

# --- a rank alone ---
alone="env RANK=1 WORLD_SIZE=2 MASTER_ADDR=127.0.0.1 MASTER_PORT=$port"
must 4 $alone $bench
only_said "rank 1 could not reach rank 0 at 127.0.0.1:$port .* in 2\.[0-9] s, [0-9]* times: Connection refused"
must 2 $alone MASTER_ADDR=no.such.host.invalid $bench
only_said "^railgauge bench: rank 1 ($host): MASTER_ADDR no.such.host.invalid: "
must 2 $alone RG_JOB_SECRET= $bench
only_said "^railgauge bench: rank 1 ($host): 2 ranks need a secret"
must 2 env RANK=1 WORLD_SIZE=2 MASTER_ADDR=127.0.0.1 $bench
only_said "^railgauge bench: rank 1 ($host): RANK is set, MASTER_PORT is not"
must 4 $alone RANK=0 $bench
only_said "1 of 2 ranks came to rank 0 on $host at 127.0.0.1:$port before the deadline; missing rank 1"

# --- two that do not fit ---
test_name="another port"
as 0 true=1
as 1 MASTER_PORT=$((port + 1))
both 4 4
said '^railgauge bench: rank 0 .*missing rank 1$'
said "^railgauge bench: rank 1 could not reach rank 0 at 127.0.0.1:$((port + 1)) "
test_name="another number of ranks"
as 0 true=1
as 1 WORLD_SIZE=3
both 3 3
only_said "^railgauge bench: rank 0 on $host was started as one of 2 ranks, rank 1 on $host as one of 3"
test_name="another secret"
as 0 true=1
as 1 RG_JOB_SECRET=fedcba9876543210
both 3 3
said "^railgauge bench: rank 1 did not join: .* does not know the job's secret"
unset RG_JOB_SECRET

# --- different builds ---
if objcopy --remove-section .note.gnu.build-id "$RAILGAUGE" "$tmp/other" 2>/dev/null &&
  "$tmp/other" --version >/dev/null 2>&1; then
  each 3 sh -c '[ $RANK != 1 ] || { shift; set -- "$0" "$@"; }; exec "$@"' "$tmp/other"
  told_once "rank 0 on $host is build .*, rank 1 on $host is build .*: use one build everywhere"
else
  echo "different builds were not tried: no objcopy"
fi

# --- namespaces: no memory in common (else they talk over sockets) ---
if unshare -i true 2>/dev/null; then
  each 3 sh -c '[ $RANK != 1 ] || exec unshare -i "$@" --transport shm; exec "$@" --transport shm' sh
  told_once "shm: rank 0 ($host) and rank 1 ($host) are in different IPC namespaces, ipc:\["
else
  echo "note: IPC namespaces were not tried: not permitted"
fi
if unshare -p -f --mount-proc true 2>/dev/null; then
  each 3 sh -c '[ $RANK != 2 ] || exec unshare -p -f --mount-proc "$@" --transport shm; exec "$@" --transport shm' sh
  told_once "shm: rank 0 ($host) and rank 2 ($host) are in different PID namespaces, pid:\["
else
  echo "note: PID namespaces were not tried: not permitted, or not in this root"
fi

# --- a node whose name would be cut ---
each 2 sh -c '[ $RANK != 1 ] || export RG_NODE=rack-12-of-the-second-room-of-site-a; exec "$@"' sh
told_once 'rank 1.*: RG_NODE "rack-12-of-the-second-room-of-site-a" has 36 characters: .* at most 31'

# --- limits ---
each 3 sh -c 'ulimit -n 12; exec "$@"' sh
grep -q "^railgauge bench: .*shm: 3 ranks take up to [0-9]* open files each: .*ulimit -n, is 12)" \
  "$tmp/err" || fail "the limit is not named"
! grep -q 'gone\|closed' "$tmp/err" || fail "a rank that gave up is said to be gone"
# Sanitizers reserve more address space than any limit leaves.
if sh -c 'ulimit -v 400000; exec "$@"' sh "$RAILGAUGE" help >"$tmp/out" 2>&1; then
  must 3 sh -c 'ulimit -v 400000; exec "$@"' sh "$RAILGAUGE" run -n 2 -- "$RAILGAUGE" bench \
    allreduce -b 256M -e 256M --timeout 2s
  told_once "2 ranks on $host would need .*, and .* are left (the limit on address space (ulimit -v))"
else
  echo "note: this build does not start under ulimit -v: not tried"
fi
must 3 "$RAILGAUGE" run -n 2 -- "$RAILGAUGE" bench allreduce -b 900G -e 900G
told_once "2 ranks on $host would need .* are left"
for ranks in 2 40; do
  must 0 sh -c 'ulimit -s 64; exec "$@"' sh "$RAILGAUGE" bench allreduce --threads $ranks -b 8 -e 8 \
    -n 2 --no-calibrate
done
must 0 sh -c 'ulimit -s 64; exec "$@"' sh "$RAILGAUGE" run -n 2 -- $bench \
  --timeout 30s

# --- ranks that nothing joins ---
for variable in OMPI_COMM_WORLD_SIZE PMI_SIZE SLURM_STEP_NUM_TASKS; do
  must 3 env $variable=2 "$RAILGAUGE" bench allreduce --mpi none $quick
  only_said "$variable says that 2 ranks were started, but nothing joins them"
  must 3 env $variable=2 "$RAILGAUGE" bench allreduce --threads 2 $quick
  only_said "$variable says that 2 ranks were started, but with --threads"
done
must 2 "$RAILGAUGE" bench allreduce --bind none $quick
only_said '^railgauge bench: --bind is for ranks that are threads (--threads)'
nothing_left
exit 0
