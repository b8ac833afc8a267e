#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# README.md tells the truth: the exit statuses are those of base/err.h, every command that railgauge
# has is described, and a session that does not depend on the machine is what is printed now.
set -u
: "${RAILGAUGE:?}" "${srcdir:=.}"
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
failed=0

{ echo 0; sed -n 's/^\tX([A-Z_]*, \([0-9]*\), ".*/\1/p' "$srcdir/include/railgauge/base/err.h"; } |
  sort -un >"$tmp/codes"
sed -n 's/^| \([0-9]*\) | .*/\1/p' "$srcdir/README.md" | sort -n >"$tmp/readme"
if ! diff "$tmp/codes" "$tmp/readme"; then
  echo "README.md, exit status: < in base/err.h, > in the table"
  failed=1
fi
[ "$(wc -l <"$tmp/codes")" -gt 4 ] || { echo "err.h: cannot read its list"; failed=1; }

"$RAILGAUGE" help | sed -n 's/^  \([a-z][a-z-]*\)  .*/\1/p' | grep -vx help >"$tmp/commands"
while read -r command; do
  if ! grep -qx "### railgauge $command" "$srcdir/README.md"; then
    echo "README.md: no section \"### railgauge $command\""
    failed=1
  fi
done <"$tmp/commands"

# session NAME ARGUMENTS...: what README.md shows below "$ railgauge ARGUMENTS" is printed now
session() {
  "$RAILGAUGE" "$@" >"$tmp/now"
  awk -v "line=    \$ railgauge $*" '
    $0 == line { shown = 1; next }
    shown && /^[^ ]/ { exit }
    shown && /^$/ { blank = blank "\n"; next }
    shown { printf "%s%s\n", blank, substr($0, 5); blank = "" }' "$srcdir/README.md" >"$tmp/readme"
  if ! diff "$tmp/now" "$tmp/readme"; then
    echo "README.md, railgauge $*: < printed now, > in the session"
    failed=1
  fi
}
session algorithms broadcast
session $(sed -n 's/^    \$ railgauge \(sim .*\)/\1/p' "$srcdir/README.md")
exit $failed
