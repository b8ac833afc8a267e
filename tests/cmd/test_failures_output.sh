#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# Results that cannot be written: a full disk, a file that may not grow, standard output that is
# closed, full or not read. One line says so, early; the status is 3; what an earlier run wrote stays
# as it was, and nothing is half written.
set -u
. "${srcdir:-.}/tests/cmd/failures.sh"
trap 'umount "$tmp/small" 2>/dev/null; rm -rf "$tmp"' EXIT
bench="$RAILGAUGE bench allreduce --threads 2"
quick="-b 8 -e 64 --budget 10ms --precision 100 -w 1 --no-calibrate"

# unchanged FILE...: each holds "old", and nothing else lies beside the first
unchanged() {
  for file in "$@"; do
    [ "$(cat "$file")" = old ] || fail "$file was changed"
  done
  [ "$(ls "${1%/*}" | grep -vc '^fill$')" -eq $# ] || fail "left: $(ls "${1%/*}")"
}

# --- a failure before the first point leaves the old files ---
mkdir "$tmp/d"
echo old >"$tmp/d/a.json"
echo old >"$tmp/d/a.csv"
must 3 $bench $quick --json "$tmp/d/a.json" --csv "$tmp/nowhere/a.csv"
only_said 'nowhere/a.csv: .*No such file'
unchanged "$tmp/d/a.json" "$tmp/d/a.csv"
must 3 $bench -b 900G -e 900G --json "$tmp/d/a.json" --csv "$tmp/d/a.csv"
only_said 'are left'
unchanged "$tmp/d/a.json" "$tmp/d/a.csv"

# --- names ---
must 2 $bench $quick --json ''
only_said '^railgauge bench: --json: the name of the file is empty$'
must 2 $bench $quick --csv ''
only_said '^railgauge bench: --csv: the name of the file is empty$'
must 2 $bench $quick --json "$tmp/x" --csv "$tmp/x"
only_said 'both name the file'
must 2 $bench $quick --json "$tmp/d/x" --csv "$tmp/d/../d/x"
only_said 'both name the file'
ln -s a.json "$tmp/d/link"
must 2 $bench $quick --json "$tmp/d/a.json" --csv "$tmp/d/link"
only_said 'both name the file'
rm "$tmp/d/link"
unchanged "$tmp/d/a.json" "$tmp/d/a.csv"

# --- a full disk, from the start and on the way ---
mkdir "$tmp/small"
if [ "$RG_PRIVATE" = 1 ] && mount -t tmpfs -o size=32k none "$tmp/small" 2>"$tmp/err"; then
  echo old >"$tmp/small/a.json"
  echo old >"$tmp/small/a.csv"
  cat /dev/zero >"$tmp/small/fill" 2>/dev/null
  for option in json csv; do
    must 3 $bench $quick --$option "$tmp/small/a.$option"
    only_said "small/a.$option: cannot write it: No space left on device"
    [ ! -s "$tmp/out" ] || fail "it measured first"
    unchanged "$tmp/small/a.json" "$tmp/small/a.csv"
  done
  rm "$tmp/small/fill"
  must 3 $bench -b 8 -e 8 -n 3000 --no-calibrate --json "$tmp/small/a.json" \
    --csv "$tmp/small/a.csv"
  said 'small/a.json: cannot write it: No space left on device'
  unchanged "$tmp/small/a.json" "$tmp/small/a.csv"
  umount "$tmp/small"
else
  echo "a full disk was not tried: no file system may be mounted here"
fi

# --- a limit on the size of files is an error, not a signal ---
limited='ulimit -f $0 && exec "$@"'
must 3 sh -c "$limited" 64 $bench -b 8 -e 8 -n 5000 --no-calibrate --buffers private --json "$tmp/d/a.json"
said 'd/a.json: cannot write it: File too large (the limit, ulimit -f, is [0-9]* bytes)'
unchanged "$tmp/d/a.json" "$tmp/d/a.csv"
must 3 sh -c "$limited" 1 $bench $quick
only_said '^railgauge bench: a shared buffer of .*: the limit on file sizes (ulimit -f) leaves'

# --- standard output ---
must 3 sh -c '"$@" >&-' sh $bench $quick
only_said '^railgauge bench: standard output is closed$'
must 3 sh -c '"$@" >&-' sh $bench $quick --dry-run
must 3 sh -c '"$@" >&-' sh "$RAILGAUGE" run -n 2 -- "$RAILGAUGE" bench allreduce $quick
said '^railgauge bench: standard output is closed$'
[ "$(wc -l <"$tmp/err")" -eq 2 ] || fail "expected a line of bench, and one of run"
if [ -c /dev/full ]; then
  must 3 sh -c '"$@" >/dev/full' sh $bench $quick
  only_said '^railgauge bench: standard output cannot be written: No space left on device$'
  for command in --version help algorithms info topo 'bench --help'; do
    must 3 sh -c '"$@" >/dev/full' sh "$RAILGAUGE" $command
    only_said '^railgauge.*standard output'
  done
fi
must 3 sh -c '"$@" >&-' sh $bench $quick --json -
only_said '^railgauge bench: standard output is closed$'
if [ -c /dev/full ]; then
  must 3 sh -c '"$@" >/dev/full' sh $bench $quick --json -
  only_said '^railgauge bench: standard output cannot be written: No space left on device$'
fi
# The results of a job whose standard output is no file of ours are not written into one either.
must 3 sh -c '"$@" <&- >&- 2>"$0"' "$tmp/err2" $bench $quick --json "$tmp/d/b.json"
[ ! -e "$tmp/d/b.json" ] || fail "a result of a run that did not begin"
mkfifo "$tmp/pipe"
head -n 1 "$tmp/pipe" >"$tmp/first" &
must 3 sh -c '"$@" >"$0"' "$tmp/pipe" $bench $quick
said '^railgauge bench: writing the table: Broken pipe$'

# --- an interrupted run leaves a whole document, in place of the old one ---
for signal in TERM KILL; do
  test_name="$signal on the way"
  echo old >"$tmp/d/a.json"
  start $bench -b 8 -e 64K --budget 200ms --precision 0.01 --no-calibrate --json "$tmp/d/a.json"
  until_there 20 '"complete": false' "$tmp/d/a.json"
  child=$(cat "/proc/$job/task/$job/children")
  kill "-$signal" $child
  [ $signal = KILL ] && ended 137 || ended 6
  "$RAILGAUGE" report "$tmp/d/a.json" >"$tmp/out" 2>"$tmp/err" || fail "not a whole document"
done
# --json - leaves what there is to standard output.
test_name="TERM with --json -"
start $bench -b 8 -e 64K --budget 200ms --precision 0.01 --no-calibrate --json - --csv "$tmp/d/a.csv"
until_there 20 . /proc/$job/task/$job/children
child=$(cat "/proc/$job/task/$job/children")
until_there 20 '^SigCgt:.*[4-7c-f]..[2367abef]$' "/proc/${child% }/status" # SIGINT and SIGTERM are caught
kill -TERM $child
ended 6
cp "$tmp/out" "$tmp/d/b.json"
grep -q '"complete": false' "$tmp/d/b.json" || fail "an interrupted run is not complete"
"$RAILGAUGE" report "$tmp/d/b.json" >"$tmp/out" 2>"$tmp/err" || fail "standard output is no document"

# --- what a point is said to be ---
must 0 $bench $quick --persistent --json "$tmp/d/a.json"
awk '/"buffers":/ { private = /private/ }
  /"persistent": (true|false)/ { n++; if (/true/ == private) bad = 1 }
  END { exit bad || !n }' "$tmp/d/a.json" || fail "a private point is persistent, or a window is not"
nothing_left
exit 0
