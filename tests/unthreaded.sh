#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# What is listed as starting no threads, and so is not looked at by the thread sanitizer, starts none:
# its own objects do not call pthread_create, nor does anything in the library but verbs-ud, whose
# endpoints have a thread and of which no test that is listed opens any. That the eye sees is shown by
# a test that does.
set -u
. "${srcdir:-.}/tests/once.sh"
: "${builddir:?}" "${UNTHREADED:?}"
command -v nm >/dev/null 2>&1 || { echo "skipped: no nm"; exit 77; }

starts_threads() { # starts_threads PROGRAM: Automake puts objects of other folders beside these
  other=$builddir/tests/$(echo "${1#tests/}" | tr / _)
  nm -u "$builddir/$1"-*.o "$other"-*.o 2>/dev/null | grep -q '\<pthread_create\>'
}

eye=tests/launch/test_threads
if [ ! -e "$builddir/$eye" ]; then
  echo "skipped: no unit tests"
  exit 77
fi
if ! starts_threads "$eye"; then
  echo "skipped: $eye does not show that it starts threads"
  exit 77
fi
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
