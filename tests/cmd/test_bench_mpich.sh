#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# railgauge bench under MPICH's mpiexec: our algorithms beside the library's, on the same buffers; and
# what can go wrong at the start, with the status that mpiexec makes of it. What does not depend on
# the library is tried with Open MPI alone (test_bench_mpi.sh, test_failures_mpi.sh).
set -u
. "${srcdir:-.}/tests/cmd/failures.sh"
LIBRARY=mpich
ONCE=yes
. "${srcdir:-.}/tests/mpi/launcher.sh"
host=$(uname -n | cut -c1-63)
quick='--budget 10ms --precision 100 -w 1 --no-calibrate'

# bench STATUS RANKS ARGUMENTS...
bench() {
  status=$1
  ranks=$2
  shift 2
  must "$status" "$mpirun" -np "$ranks" "$RAILGAUGE" bench "$@"
}

# Each algorithm that the library has, in one launch; what it refuses is said, not run.
bench 0 2 allreduce -b 1K -e 1K --target railgauge,mpi:all --place out --buffers private $quick
for algorithm in recursive_doubling reduce_scatter_allgather; do
  grep -q "mpi:$algorithm" "$tmp/out" || fail "mpi:$algorithm was not compared"
done
grep -q '^# All [0-9]* checked elements are right' "$tmp/out" || fail "nothing was checked"
bench 0 3 reduce -b 4 -e 4K -f 1024 $quick
grep -q '^# MPI: MPICH [0-9]' "$tmp/out" || fail "MPICH is the default's second target"
bench 3 2 allreduce --target mpi:recursive_dubling $quick
said '^railgauge bench: .*no allreduce algorithm recursive_dubling (did you mean recursive_doubling?)'
bench 0 2 allreduce -b 8 -e 8 --target mpi:recursive_doubling:4K $quick
grep -q 'not run: .*MPICH takes no segment size' "$tmp/out" || fail "MPICH has no segments"
bench 3 3 allreduce --mpi none $quick
said "^railgauge bench: PMI_SIZE says that 3 ranks were started, but nothing joins them"
nothing_left

# A rank that is through with MPI long before another.
if ldd "$RAILGAUGE" | grep -q 'lib[at]san'; then
  echo "a rank that ends late was not tried: nothing can be loaded before a sanitizer"
else
  must 0 "$mpirun" -np 2 env LD_PRELOAD="${builddir:?}/tests/cmd/.libs/slow_end.so" "$RAILGAUGE" \
    bench allreduce -b 8 -e 8 $quick
fi

# One rank alone that has no module. mpiexec does not mind, since this rank never came to MPI; the
# other one waits for it in vain.
test_name="a rank without a module"
start "$mpirun" -np 2 sh -c '[ $PMI_RANK = 0 ] || RG_MPI_MODULES=/nowhere; exec "$@"' sh \
  "$RAILGAUGE" bench allreduce $quick --start-timeout 2s
ended 7 1 # 3 and 4 OR-ed, or 1 where mpiexec sees first that MPI was begun and not ended
said "^railgauge bench: rank 1 ($host): no module for mpich "
said "^railgauge bench: rank 0 ($host): waited .* in MPI_Init: not all ranks have come"
nothing_left
exit 0
