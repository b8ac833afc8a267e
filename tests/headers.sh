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

# compile FILE...: each alone; says what the compiler says
compile() {
  rm -rf "$tmp/alone"
  mkdir "$tmp/alone"
  n=0
  for path; do
    case $path in /*) ;; *) path=$PWD/$path ;; esac
    n=$((n + 1))
    printf '#include "%s"\n#include "%s"\nint main(void);\n' "$path" "$path" >"$tmp/alone/$n.c"
  done
  for std in gnu11 gnu17; do
    # shellcheck disable=SC2086 # both are lists of words
    $HEADER_CC -std=$std -Wall -Wextra -Wno-unused-parameter -Werror -fsyntax-only \
      -I"$srcdir/include" $HEADER_FLAGS "$tmp"/alone/*.c || return 1
  done
}

# The check itself can fail: without stddef.h, and without a guard, also among others that are right.
echo 'size_t f(void);' >"$tmp/needy.h"
echo 'struct s { int a; };' >"$tmp/bare.h"
echo '#define RIGHT' >"$tmp/right.h"
for bad in needy bare; do
  if compile "$tmp/right.h" "$tmp/$bad.h" "$tmp/right.h" 2>/dev/null; then
    echo "the check does not see the mistake in $bad.h"
    exit 1
  fi
done

# A module's own headers need its library, which may be absent or switched off.
left_out=
# shellcheck disable=SC2086 # both are lists of words
$HEADER_CC $HEADER_FLAGS -include mpi.h -E -xc /dev/null >/dev/null 2>&1 || left_out='<mpi\.h>\|"module\.h"'
headers=
for h in $(find "$srcdir/include" "$srcdir/src" -name '*.h' | sort); do
  [ -n "$left_out" ] && grep -q "$left_out" "$h" || headers="$headers $h"
done
# shellcheck disable=SC2086 # a list of words
compile $headers || { echo "headers that do not compile alone: see above"; exit 1; }
