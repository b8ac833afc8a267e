#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# railgauge topo on this machine, and its answers to nonsense.
set -u
: "${RAILGAUGE:?}"
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT

fail() {
  echo "$*"
  cat "$tmp/out" "$tmp/err"
  exit 1
}

# run STATUS ARGUMENTS...
run() {
  want=$1
  shift
  "$RAILGAUGE" topo "$@" >"$tmp/out" 2>"$tmp/err"
  got=$?
  [ "$got" -eq "$want" ] || fail "railgauge topo $*: status $got, not $want"
}

# one line on stderr that matches, nothing on stdout
complained() {
  [ ! -s "$tmp/out" ] && [ "$(wc -l <"$tmp/err")" -eq 1 ] && grep -q "$1" "$tmp/err" ||
    fail "expected one line like: $1"
}

run 0
[ ! -s "$tmp/err" ] || fail "words on stderr"
grep -q '^this machine: ' "$tmp/out" || fail "no heading"
grep -q '^Recommended for ' "$tmp/out" || fail "no recommendation"
grep -q ' $' "$tmp/out" && fail "blanks at the end of a line"

run 0 --ranks 3
grep -q '^Recommended for 3 ranks per node (as asked for)$' "$tmp/out" || fail "not for 3 ranks"
[ "$(grep -c '^        cores:   ' "$tmp/out")" -eq 3 ] || fail "not three reasons"

run 0 --format json
grep -q '"format": "railgauge-topo-report"' "$tmp/out" || fail "no format in the JSON"
grep -q '"version": 1' "$tmp/out" || fail "no version in the JSON"

run 3 --xml "$tmp/absent.xml"
complained "absent.xml"
echo 'not XML' >"$tmp/bad.xml"
run 3 --xml "$tmp/bad.xml"
complained "bad.xml: "
printf '<?xml version="1.0"?>\n<topology version="3.0">\n</topology>\n' >"$tmp/three.xml"
run 3 --xml "$tmp/three.xml"
complained "three.xml: "
run 2 --ranks 1025
complained "^railgauge topo: --ranks: 1025"
run 2 --ranks -1
complained "^railgauge topo: --ranks"
run 2 --format yaml
complained "^railgauge topo: --format: "
run 2 something
complained "something"

if [ -w /dev/full ]; then
  "$RAILGAUGE" topo >/dev/full 2>"$tmp/err"
  [ $? -eq 3 ] || fail "a full disk is no error"
  : >"$tmp/out"
  complained "standard output"
fi
exit 0
