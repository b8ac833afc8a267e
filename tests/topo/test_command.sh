#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# railgauge topo on this machine, and its answers to nonsense.
set -u
. "${srcdir:-.}/tests/cmd/command.sh"

run 0 topo
[ ! -s "$tmp/err" ] || fail "words on stderr"
grep -q '^this machine: ' "$tmp/out" || fail "no heading"
grep -q '^Recommended for ' "$tmp/out" || fail "no recommendation"
grep -q ' $' "$tmp/out" && fail "blanks at the end of a line"

run 0 topo --ranks 3
grep -q '^Recommended for 3 ranks per node (as asked for)$' "$tmp/out" || fail "not for 3 ranks"
[ "$(grep -c '^        cores:   ' "$tmp/out")" -eq 3 ] || fail "not three reasons"

run 0 topo --format json
grep -q '"format": "railgauge-topo-report"' "$tmp/out" || fail "no format in the JSON"
grep -q '"version": 1' "$tmp/out" || fail "no version in the JSON"

run 3 topo --xml "$tmp/absent.xml"
complained "absent.xml"
echo 'not XML' >"$tmp/bad.xml"
run 3 topo --xml "$tmp/bad.xml"
complained "bad.xml: "
printf '<?xml version="1.0"?>\n<topology version="3.0">\n</topology>\n' >"$tmp/three.xml"
run 3 topo --xml "$tmp/three.xml"
complained "three.xml: "
run 2 topo --ranks 1025
complained "^railgauge topo: --ranks: 1025"
run 2 topo --ranks -1
complained "^railgauge topo: --ranks"
run 2 topo --format yaml
complained "^railgauge topo: --format: "
run 2 topo something
complained "something"

if [ -w /dev/full ]; then
  "$RAILGAUGE" topo >/dev/full 2>"$tmp/err"
  [ $? -eq 3 ] || fail "a full disk is no error"
  : >"$tmp/out"
  complained "standard output"
fi
exit 0
