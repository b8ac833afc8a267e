#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# Every header compiles alone, and twice in one file, as C11 and C17 with GNU extensions.
# HEADER_CC and HEADER_FLAGS come from make check.
set -u
[ "${RG_REPEATED-}" = bare ] || . "${srcdir:-.}/tests/once.sh" # bare leaves headers of libraries out
srcdir=${srcdir:-.}
: "${HEADER_CC:=cc}" "${HEADER_FLAGS:=}"

tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT

# compiles FILE: prints the compiler's words if not
compiles() {
  case $1 in /*) path=$1 ;; *) path=$PWD/$1 ;; esac
  printf '#include "%s"\n#include "%s"\nint main(void);\n' "$path" "$path" >"$tmp/alone.c"
  for std in gnu11 gnu17; do
    # shellcheck disable=SC2086 # both are lists of words
    $HEADER_CC -std=$std -Wall -Wextra -Wno-unused-parameter -Werror -fsyntax-only \
      -I"$srcdir/include" $HEADER_FLAGS "$tmp/alone.c" || return 1
  done
}

# The check itself can fail: without stddef.h, and without a guard.
echo 'size_t f(void);' >"$tmp/needy.h"
echo 'struct s { int a; };' >"$tmp/bare.h"
for bad in needy bare; do
  if compiles "$tmp/$bad.h" 2>/dev/null; then
    echo "the check does not see the mistake in $bad.h"
    exit 1
  fi
done

failed=0
for h in $(find "$srcdir/include" "$srcdir/src" -name '*.h' | sort); do
  # A module's own headers need its library, which may be absent or switched off.
  if grep -q '<mpi\.h>\|"module\.h"' "$h" && ! $HEADER_CC $HEADER_FLAGS -include mpi.h -E -xc /dev/null \
    >/dev/null 2>&1; then
    continue
  fi
  if ! compiles "$h"; then
    echo "$h: does not compile alone"
    failed=1
  fi
done
exit $failed
