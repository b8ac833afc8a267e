#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# What is listed as starting no threads, and so is not looked at by the thread sanitizer, starts none:
# nothing that its program is linked from calls pthread_create. That the eye sees is shown by a test
# that does.
set -u
. "${srcdir:-.}/tests/once.sh"
: "${builddir:?}" "${UNTHREADED:?}"
command -v nm >/dev/null 2>&1 || { echo "skipped: no nm"; exit 77; }

starts_threads() { # starts_threads PROGRAM
  nm -u "$1" | grep -q '\<pthread_create\>'
}

eye=tests/launch/test_threads
if [ ! -e "$builddir/$eye" ]; then
  echo "skipped: no unit tests"
  exit 77
fi
if ! starts_threads "$builddir/$eye"; then
  echo "skipped: $eye does not show that it starts threads"
  exit 77
fi
status=0
for t in $UNTHREADED; do
  if [ -e "$builddir/$t" ] && starts_threads "$builddir/$t"; then
    echo "$t starts threads, but is in unthreaded_tests"
    status=1
  fi
done
exit $status
