#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# railgauge info: every line has one of three states, limits that are set show, JSON says the same.
set -u
. "${srcdir:-.}/tests/cmd/command.sh"

"$RAILGAUGE" info >"$tmp/out" 2>"$tmp/err" || fail "status $?"
[ ! -s "$tmp/err" ] || fail "something on stderr"
for section in transports MPI RDMA GPU memory processors processes network; do
  grep -qx "$section" "$tmp/out" || fail "no section $section"
done
sed 1d "$tmp/out" | grep '^  [^ ]' | grep -Ev '  (ok|limited|no)  +[^ ]' &&
  fail "a line without a state"
sed 1d "$tmp/out" | grep -v '^  ' | grep -Ev '^[A-Za-z]*$' && fail "neither section nor item"
awk 'length > 120' "$tmp/out" | grep -v '\.so$' | grep . && fail "a line too long to read"

# A limit that we set is seen.
(ulimit -Sn 99 && "$RAILGAUGE" info) >"$tmp/out" 2>"$tmp/err"
grep -Eq '^  open files +limited +99$' "$tmp/out" || fail "does not see ulimit -n 99"
"$RAILGAUGE" run --bind core -- "$RAILGAUGE" info >"$tmp/out" 2>"$tmp/err"
grep -Eq '^  processors +(ok +1: |limited +1 of )[0-9]+' "$tmp/out" || fail "does not see its binding"

# Both formats name the same items.
"$RAILGAUGE" info >"$tmp/out" 2>"$tmp/err"
"$RAILGAUGE" info --format json >"$tmp/json" 2>>"$tmp/err" || fail "json: status $?"
sed -n 's/^   "item": "\(.*\)",$/\1/p' "$tmp/json" >"$tmp/items"
sed -n 's/^  \([^ ].*[^ ]\)  *\(ok\|limited\|no\)  .*/\1/p' "$tmp/out" | sed 's/ *$//' >"$tmp/lines"
[ -s "$tmp/items" ] && cmp -s "$tmp/items" "$tmp/lines" || fail "the formats differ"
if command -v python3 >/dev/null 2>&1; then
  python3 -c 'import json, sys
d = json.load(open(sys.argv[1]))
assert {"build", "host", "findings", "limits"} <= set(d)
assert all(f["state"] in ("ok", "limited", "no") for f in d["findings"])
assert d["limits"]["memory_bytes"] > 0' "$tmp/json" || fail "the JSON is not what it should be"
fi

"$RAILGAUGE" info extra >"$tmp/out" 2>"$tmp/err"
[ $? -eq 2 ] || fail "an argument is accepted"
if [ -c /dev/full ]; then
  "$RAILGAUGE" info >/dev/full 2>"$tmp/err"
  [ $? -eq 3 ] || fail "a full disk goes unnoticed"
fi
exit 0
