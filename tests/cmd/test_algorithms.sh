#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# railgauge algorithms: every collective has one, every tag of a source is explained, and JSON says
# the same as the table.
set -u
. "${srcdir:-.}/tests/cmd/command.sh"

"$RAILGAUGE" algorithms >"$tmp/out" 2>"$tmp/err" || fail "status $?"
[ ! -s "$tmp/err" ] || fail "something on stderr"
cp "$tmp/out" "$tmp/all"
for coll in allreduce reduce reducescatter allgather gather scatter alltoall alltoallv broadcast sendrecv barrier; do
  grep -qx "$coll" "$tmp/all" || fail "no algorithm for $coll"
  "$RAILGAUGE" algorithms "$coll" >"$tmp/out" 2>"$tmp/err" || fail "$coll: status $?"
  [ "$(grep -c '^[a-z]' "$tmp/out")" -eq 1 ] || fail "$coll: others are shown too"
done

# Every algorithm has a source, and its tag is in the list of references.
grep -o '\[[A-Za-z][A-Za-z0-9-]*' "$tmp/all" | sort -u >"$tmp/tags"
[ -s "$tmp/tags" ] || fail "no sources"
while read -r tag; do
  grep -qF -- "- $tag]" "$srcdir/docs/REFERENCES.md" || fail "$tag] is not in docs/REFERENCES.md"
done <"$tmp/tags"

# Both formats name the same algorithms, and as many sources as algorithms.
"$RAILGAUGE" algorithms --format json >"$tmp/out" 2>"$tmp/err" || fail "json: status $?"
sed -n 's/^  "name": "\(.*\)",$/\1/p' "$tmp/out" >"$tmp/json"
sed -n '2,$s/^  \([a-z_]*\)  *\(slot\|word\|window\|read\).*/\1/p' "$tmp/all" >"$tmp/table"
[ -s "$tmp/json" ] && cmp -s "$tmp/json" "$tmp/table" || fail "the formats differ"
[ "$(grep -c '\. \[.*\]$' "$tmp/all")" -eq "$(wc -l <"$tmp/json")" ] || fail "one has no source"
if command -v python3 >/dev/null 2>&1; then
  python3 -c 'import json, sys
keys = {"collective", "name", "summary", "protocols", "steps", "bytes_sent_per_rank", "ranks",
        "order", "source"}
rows = json.load(open(sys.argv[1]))
assert rows and all(set(r) == keys and all(r.values()) for r in rows)' "$tmp/out" ||
    fail "the JSON is not what it should be"
fi

# refused TEXT ARGUMENTS...: status 2 and this line
refused() {
  text=$1
  shift
  "$RAILGAUGE" algorithms "$@" >"$tmp/out" 2>"$tmp/err"
  [ $? -eq 2 ] || fail "$*: accepted"
  [ ! -s "$tmp/out" ] && grep -qx "railgauge algorithms: $text" "$tmp/err" || fail "$*: another line"
}
refused "alltoal: no such collective; did you mean alltoall?" alltoal
refused "xyzzy: no such collective; see railgauge algorithms" xyzzy
refused "barrier: one collective at a time" allreduce barrier
if [ -c /dev/full ]; then
  "$RAILGAUGE" algorithms >/dev/full 2>"$tmp/err"
  [ $? -eq 3 ] || fail "a full disk goes unnoticed"
fi
exit 0
