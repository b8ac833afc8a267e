#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# What is listed as starting no threads, and so is not looked at by the thread sanitizer, starts none:
# neither its own objects nor those that it takes from what tests share call pthread_create, nor does
# anything in the library but verbs-ud, whose endpoints have a thread and of which no test that is listed
# opens any. That the eye sees is shown by two tests that do, one of them by what it shares.
set -u
. "${srcdir:-.}/tests/once.sh"
: "${builddir:?}" "${UNTHREADED:?}"
command -v nm >/dev/null 2>&1 || { echo "skipped: no nm"; exit 77; }
shared=$(mktemp) || exit 99
trap 'rm -f "$shared"' EXIT

# A line for each object of the tests' libraries that starts threads: its functions.
for library in "$builddir"/tests/*.a "$builddir"/tests/*/*.a; do
  nm -A "$library" 2>/dev/null
done | awk '
  { split($0, part, ":"); object = part[1] ":" part[2] }
  $NF == "pthread_create" { threaded[object] }
  $(NF - 1) == "T" { functions[object] = functions[object] " " $NF }
  END { for (object in threaded) print functions[object] }' >"$shared"

starts_threads() { # starts_threads PROGRAM: Automake puts objects of other folders beside these
  other=$builddir/tests/$(echo "${1#tests/}" | tr / _)
  nm -u "$builddir/$1"-*.o "$other"-*.o 2>/dev/null | grep -q '\<pthread_create\>' && return
  nm "$builddir/$1" | awk -v shared="$shared" '
    $2 == "T" { has[$3] }
    END {
      while ((getline line < shared) > 0) {
        missing = 0
        n = split(line, functions, " ")
        for (i = 1; i <= n; i++) missing += !(functions[i] in has)
        if (!missing) exit 0
      }
      exit 1
    }'
}

for eye in tests/launch/test_threads tests/coll/test_gone; do
  if [ ! -e "$builddir/$eye" ]; then
    echo "skipped: no unit tests"
    exit 77
  fi
  if ! starts_threads "$eye"; then
    echo "skipped: $eye does not show that it starts threads"
    exit 77
  fi
done
status=0
if nm -A "$builddir/src/librailgauge.a" 2>/dev/null | grep -w pthread_create | grep -v verbs_ud_; then
  echo "that member of the library starts threads: whatever is linked with it may, too"
  status=1
fi
for t in $UNTHREADED; do
  if [ -e "$builddir/$t" ] && starts_threads "$t"; then
    echo "$t starts threads, but is in unthreaded_tests"
    status=1
  fi
done
exit $status
