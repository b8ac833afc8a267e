#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# Our reader of rules files against the one that counts: the installed Open MPI's. Files of every
# oddity are loaded, with algorithms that fail in them, and calls must fail where our reader says so.
set -u
LIBRARY=openmpi ONCE=yes
. "${srcdir:-.}/tests/mpi/launcher.sh"
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT

# try RANKS NAME: what stands on stdin is loaded. A part of a pipe, so it can only leave a file.
try() {
  cat >"$tmp/$2"
  OMPI_MCA_coll_tuned_use_dynamic_rules=1 OMPI_MCA_coll_tuned_dynamic_rules_filename="$tmp/$2" \
    timeout -k 5 60 "$mpirun" -np "$1" "$builddir/tests/emit/consumer" "$tmp/$2" </dev/null >"$tmp/out" 2>&1 &&
    return
  echo "$2:"
  cat "$tmp/$2" "$tmp/out"
  : >"$tmp/failed"
}

printf '2 # two\n2 1 2 2\n0 3 0 0\n512 99 0 0\n7\n1 2 3 0 99 0 0 8192 1 0 0 32768 99 0 0\n' | try 3 plain
printf '1 2 1 2 3\n0 3 0 0\n01024 99 0 0\n0x400 3 0 0\n' | try 2 octal-and-hexadecimal
printf '1 2 1 2 3 0 3 0 0\n0800 3 0\n0 99 0 0' | try 2 two-numbers-in-one
printf 'x1, 2: 1 2 2 +0 3 0 - 0; #0 0\n1K 99 0 0 -- 5' | try 2 junk
printf '1 2 2 3 1 0 99 0 0 4 1 0 3 0 0' | try 2 first-entry-for-fewer
printf '1 2 2 8 1 0 3 0 0 2 1 0 99 0 0' | try 2 ranks-out-of-order
printf '1 2 1 2 3 0 3 0 0 8192 3 0 0 512 99 0 0' | try 2 sizes-out-of-order
printf '2 2 1 2 1 0 99 0 0 2 1 2 1 0 3 0 0' | try 2 a-function-twice
printf '1 2 1 2 2 0 99 0 0 512 99 0' | try 2 cut
printf '2 2 1 2 1 0 99 0 0 7 1 2 1 8 99 0 0' | try 2 first-size-not-0
printf 'rule-file-version-2\n1 2 1 2 1 0 99 0 0' | try 2 header
printf '2 2 1 2 1 4294967296 99 0 0 0 1 2 2 0 99 0 0 1 1 0 0' | try 2 large
printf '1 0 1 2 2 0 99 0 0 1 1 0 0' | try 3 in-place-goes-by-size-0
[ ! -e "$tmp/failed" ]
