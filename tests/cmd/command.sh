# SPDX-License-Identifier: BSD-3-Clause
#
# For the tests that call railgauge and look at what it says: read by them, not run. What a call
# wrote is in $tmp/out and $tmp/err.
: "${RAILGAUGE:?}" "${srcdir:=.}"
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
: >"$tmp/out"
: >"$tmp/err"

# fail WORDS...: ends the test with them and what the last call wrote
fail() {
  echo "$*"
  echo "--- stdout"; cat "$tmp/out"
  echo "--- stderr"; cat "$tmp/err"
  exit 1
}

# run STATUS ARGUMENTS...: runs railgauge and compares its status
run() {
  want=$1
  shift
  "$RAILGAUGE" "$@" >"$tmp/out" 2>"$tmp/err"
  got=$?
  [ "$got" -eq "$want" ] || fail "railgauge $*: status $got, not $want"
}

# printed WORDS...: something on stdout, nothing on stderr
printed() {
  [ -s "$tmp/out" ] && [ ! -s "$tmp/err" ] || fail "expected output on stdout alone: $*"
}

# complained PATTERN: one line on stderr that matches, nothing on stdout
complained() {
  [ ! -s "$tmp/out" ] && [ "$(wc -l <"$tmp/err")" -eq 1 ] && grep -q "$1" "$tmp/err" ||
    fail "expected one line like: $1"
}
