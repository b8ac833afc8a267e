#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# Bad input and bad surroundings under mpirun: one line of railgauge names the culprit, mpirun ends with
# the documented status, and nothing is left. What mpirun says beside it is its own business.
set -u
. "${srcdir:-.}/tests/cmd/failures.sh"
LIBRARY=openmpi ONCE=yes
. "${srcdir:-.}/tests/mpi/launcher.sh"
host=$(uname -n | cut -c1-63)
export TSAN_OPTIONS=exitcode=0
quick="-b 8 -e 8 -n 3 -w 1 --no-calibrate --timeout 30s"
bench="$RAILGAUGE bench allreduce $quick"

# told PATTERN: by the only line of railgauge
told() {
  [ "$(grep -c '^railgauge bench: ' "$tmp/err")" -eq 1 ] || fail "expected one line of bench"
  said "^railgauge bench: $1"
  [ ! -s "$tmp/out" ] || fail "something was measured"
  nothing_left
}

must 2 "$mpirun" -np 2 $bench --bufers window
told '--bufers: no such option; did you mean --buffers?'
must 2 "$mpirun" -np 2 $bench -b 12x
told '.*"12x".*size\|.*12x.*not a size'
must 2 "$mpirun" -np 2 $bench -b 2M -e 1M
told '-b 2M is above -e 1M'
must 2 "$mpirun" -np 2 $bench --bind core
told '--bind is for ranks that are threads'
must 3 "$mpirun" -np 2 $bench -b 900G -e 900G
told "2 ranks on $host would need .* are left"
must 3 "$mpirun" -np 2 $bench --json "$tmp/nowhere/a.json"
told '.*nowhere/a.json: .*No such file'
must 3 "$mpirun" -np 2 sh -c '"$@" >&-' sh $bench
told 'standard output is closed'

# Ranks that this mpirun started but that no MPI joins.
must 3 "$mpirun" -np 3 $bench --mpi none
told 'OMPI_COMM_WORLD_SIZE says that 3 ranks were started, but nothing joins them'
must 3 "$mpirun" -np 3 $bench --threads 2
told 'OMPI_COMM_WORLD_SIZE says that 3 ranks were started, but with --threads'
must 3 env OMPI_COMM_WORLD_SIZE=2 OMPI_COMM_WORLD_RANK=0 $bench
told 'OMPI_COMM_WORLD_SIZE says that 2 ranks were started, but'

# One rank alone that has no MPI: mpirun ends the others before they can tell.
must 3 "$mpirun" -np 2 sh -c '[ $OMPI_COMM_WORLD_RANK = 0 ] || RG_MPI_MODULES=/nowhere; exec "$@"' sh $bench
told "rank 1 ($host): no module for openmpi "

if objcopy --remove-section .note.gnu.build-id "$RAILGAUGE" "$tmp/other" 2>/dev/null &&
  "$tmp/other" --version >/dev/null 2>&1; then
  must 3 "$mpirun" -np 2 sh -c '[ $OMPI_COMM_WORLD_RANK = 0 ] || { shift; set -- "$0" "$@"; }; exec "$@"' \
    "$tmp/other" $bench
  told "two builds of railgauge in one job: rank 0 on $host runs .*, rank 1 on $host runs "
else
  echo "different builds were not tried: no objcopy"
fi

# A /dev/shm that is too small for Open MPI: it does without, and the result says so.
if [ "$RG_PRIVATE" = 1 ] && mount -t tmpfs -o size=64k none /dev/shm; then
  must 0 "$mpirun" -np 2 $bench --json "$tmp/a.json"
  grep -q "mpi-shm: /dev/shm of $host holds 64K, too little" "$tmp/out" || fail "no warning"
  grep -q '"mpi-shm"' "$tmp/a.json" || fail "no warning in the result"
  umount /dev/shm
else
  echo "a small /dev/shm was not tried: no file system may be mounted here"
fi
nothing_left
exit 0
