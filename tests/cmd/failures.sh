# SPDX-License-Identifier: BSD-3-Clause
#
# For the tests of failures: read by them, not run. Starts jobs in the background, ends single ranks
# by their process numbers, and looks at what is left of a job afterwards: no process and no file.
#
# Where it is permitted the test runs in a mount namespace of its own with an empty /dev/shm, so that
# other programs' files there are none of our business; else files in /dev/shm are not looked at.
: "${RAILGAUGE:?}"
if [ -z "${RG_PRIVATE-}" ]; then
  if unshare -m sh -c 'mount -t tmpfs none /dev/shm' 2>/dev/null; then
    RG_PRIVATE=1 exec unshare -m sh -c 'mount -t tmpfs none /dev/shm && exec sh "$0"' "$0"
  fi
  RG_PRIVATE=0
  echo "note: no mount namespace of our own: /dev/shm is not looked at"
fi
export RG_PRIVATE
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
TMPDIR=$tmp/tmpdir
mkdir "$TMPDIR"
export TMPDIR
unset RANK WORLD_SIZE MASTER_ADDR MASTER_PORT OMPI_COMM_WORLD_SIZE PMI_RANK PMI_SIZE PMIX_RANK RG_MPI
: >"$tmp/out"
: >"$tmp/err"
test_name=

fail() {
  echo "$test_name: $*"
  echo "--- stdout"; tail -n 20 "$tmp/out"
  echo "--- stderr"; cat "$tmp/err"
  exit 1
}

# A rank that leaves its number in pid.RANK, and then is what the arguments say.
rank_sh='r=${RANK:-${OMPI_COMM_WORLD_RANK:-$PMI_RANK}}
echo $$ >"'$tmp'/pid.$r.tmp" && mv "'$tmp'/pid.$r.tmp" "'$tmp'/pid.$r"
exec "$@"'

# start COMMAND...: in the background, its number in $job, ended after job_limit_s (120) at the latest.
start() {
  rm -f "$tmp"/pid.* "$tmp"/status.*
  : >"$tmp/out" # the background may be slow to do it
  timeout -k 15 "${job_limit_s:-120}" "$@" >"$tmp/out" 2>"$tmp/err" &
  job=$!
}

# until_there SECONDS PATTERN FILE: until a line of the file matches
until_there() {
  i=0
  while ! grep -q -- "$2" "$3" 2>/dev/null; do
    i=$((i + 1))
    [ $i -lt $(($1 * 20)) ] && kill -0 "$job" 2>/dev/null || fail "never came: $2"
    sleep 0.05
  done
}

# ended STATUS...: the job must end with one of them
ended() {
  wait "$job"
  got=$?
  for status in "$@"; do
    [ "$got" -ne "$status" ] || return 0
  done
  fail "status $got, not $*"
}

# is_alive PID: it runs, or is stopped (a zombie has ended)
is_alive() {
  state=$(sed 's/.*) //; s/ .*//' "/proc/$1/stat" 2>/dev/null) && [ -n "$state" ] &&
    [ "$state" != Z ]
}

# nothing_left: no rank, no file
nothing_left() {
  for file in "$tmp"/pid.*; do
    [ -e "$file" ] || continue
    pid=$(cat "$file")
    i=0
    while is_alive "$pid"; do
      i=$((i + 1))
      [ $i -lt 100 ] || fail "process $pid (${file##*/}) is left behind"
      sleep 0.1
    done
  done
  [ "$RG_PRIVATE" = 0 ] || [ -z "$(ls -A /dev/shm)" ] || fail "left in /dev/shm: $(ls -A /dev/shm)"
  # What an MPI library put there its own daemon removes, which may end last.
  i=0
  while [ -n "$(ls -A "$TMPDIR")" ] && [ $i -lt 50 ]; do
    i=$((i + 1))
    sleep 0.1
  done
  [ -z "$(ls -A "$TMPDIR")" ] || fail "left in TMPDIR: $(ls -A "$TMPDIR")"
}

# said PATTERN: exactly one line on stderr matches
said() {
  [ "$(grep -c -- "$1" "$tmp/err")" -eq 1 ] || fail "expected one line on stderr like: $1"
}

# must STATUS COMMAND...: in the foreground; it must end with the status, within a minute
must() {
  status=$1
  shift
  test_name=$*
  timeout -k 15 120 "$@" >"$tmp/out" 2>"$tmp/err"
  got=$?
  [ "$got" -eq "$status" ] || fail "status $got, not $status"
}

# only_said PATTERN: stderr is one line, and it matches
only_said() {
  [ "$(wc -l <"$tmp/err")" -eq 1 ] || fail "expected one line on stderr"
  grep -q -- "$1" "$tmp/err" || fail "expected on stderr: $1"
}
