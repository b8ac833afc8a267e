#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# railgauge bench under Open MPI's mpirun: our algorithms beside the library's, on the same buffers, all
# results checked; who prints; how failures end. No test here looks at a time.
set -u
: "${RAILGAUGE:?}" "${builddir:?}"
ONCE=1
LIBRARY=openmpi
. "${srcdir:-.}/tests/mpi/launcher.sh"
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT

fail() {
  echo "$*"
  echo "--- stdout"; cat "$tmp/out"
  echo "--- stderr"; cat "$tmp/err"
  exit 1
}

# bench "STATUS..." RANKS ARGUMENTS...: ends with one of them
bench() {
  want=$1
  ranks=$2
  shift 2
  timeout 120 "$mpirun" -np "$ranks" "$RAILGAUGE" bench "$@" >"$tmp/out" 2>"$tmp/err" </dev/null
  got=$?
  case " $want " in
  *" $got "*) ;;
  *) fail "$ranks ranks, bench $*: status $got, not $want" ;;
  esac
}

# said PATTERN: exactly one line of railgauge's on stderr, and it matches
said() {
  [ "$(grep -c '^railgauge bench: ' "$tmp/err")" -eq 1 ] || fail "expected one line of railgauge's"
  grep -q -- "^railgauge bench: .*$1" "$tmp/err" || fail "expected a line like: $1"
}

quick='--budget 10ms --precision 100 -w 1 --no-calibrate'
for ranks in 1 2 3; do
  bench 0 $ranks allreduce -b 0 -e 64K -i 21840 -f 1 $quick
  [ "$(grep -c '^# railgauge [0-9]' "$tmp/out")" -eq 1 ] || fail "only rank 0 prints"
  grep -q '^# All [0-9]* checked elements are right' "$tmp/out" || fail "nothing was checked"
done
for collective in reduce reducescatter allgather gather scatter alltoall alltoallv broadcast sendrecv barrier; do
  bench 0 2 $collective -b 96 -e 96K -f 1024 $quick --place out
  grep -q 'mpi' "$tmp/out" || fail "$collective: MPI is the default's second target"
done
bench 0 3 broadcast -b 4K -e 4K -r 1 $quick
for collective in reduce gather scatter; do
  bench 0 3 $collective -b 12 -e 12K -f 1024 --target railgauge,mpi:all $quick
done
printf '0 7 1\n0 0 2\n100 0 3\n' >"$tmp/skewed"
bench 0 3 alltoallv -b 64 -e 64K -f 1024 --target railgauge,mpi:all --traffic "$tmp/skewed" $quick
grep -q 'mpi:pairwise .* [0-9.]* ' "$tmp/out" || fail "no all-to-all-v of the library"
grep -q 'mpi.*in place as much must come as goes' "$tmp/out" || fail "no reason for mpi"
printf '0 7 1\n0 0 2\n' >"$tmp/short"
bench 3 3 alltoallv --traffic "$tmp/short" $quick
said "--traffic: $tmp/short:2: expected 3 lines of numbers, one for each rank, but the file ends after 2"
# With one element for two ranks the ring is recursive doubling, and does not race against it.
bench 0 2 allreduce -b 4 -e 4 --target mpi:ring,mpi:recursive_doubling --place out --buffers private --race \
  --json "$tmp/a.json" $quick
[ "$(grep -c '"stop": "not-run"' "$tmp/a.json")" -eq 1 ] || fail "not one of the two is left out"
grep -q '"note": "the library runs recursive_doubling instead"' "$tmp/a.json" || fail "no reason"
bench 0 2 reducescatter -b 4K -e 4K --target mpi,mpi-v,mpi $quick
grep -q 'mpi#2' "$tmp/out" || fail "the same target twice has two labels"

# Each algorithm that the library has; what it refuses is said, not run.
bench 0 2 allreduce -b 1K -e 1K --target railgauge,mpi:all --place out --buffers private $quick
grep -q 'mpi:recursive_doubling' "$tmp/out" || fail "no algorithm of the library by name"
bench 0 2 allreduce -b 1K -e 1K -d half --place out $quick
grep -q 'MPI cannot reduce 16-bit floats' "$tmp/out" || fail "no reason for what MPI cannot do"

# Segments: what is asked for by name is run, what the library would replace is said.
bench 0 3 allreduce -b 8K -e 8K --target mpi:segmented_ring,mpi:segmented_ring:1024,mpi:segmented_ring:64K \
  --place out --buffers private $quick
grep -q 'mpi:segmented_ring, .*not run: .*its segment size is 0, so ring would run' "$tmp/out" ||
  fail "without a segment it cannot run"
grep -q ' mpi:segmented_ring:1K  *|' "$tmp/out" || fail "no segments of 1K"
grep -q 'mpi:segmented_ring:64K.*the library runs ring instead' "$tmp/out" || fail "one segment is no ring of segments"
bench 0 2 allreduce -b 8K -e 8K --target mpi:ring:1K $quick
grep -q 'mpi:ring:1K, .*not run: .*it does not cut messages' "$tmp/out" || fail "ring has no segments"
bench 2 2 allreduce --target mpi:all:4K $quick
said 'a segment size is for one algorithm by name'
bench 2 2 allreduce --target mpi:ring:4X $quick
said 'mpi:ring:4X: segment size: "4X" is not a size'

bench 0 2 allreduce --points '1K=mpi,mpi:ring;64K=mpi:rabenseifner,mpi' --place out --json - $quick
grep -q '"target": "mpi:ring"' "$tmp/out" || fail "no document on standard output"

bench 3 2 allreduce --target mpi:rign $quick
said 'no allreduce algorithm rign (did you mean ring?)'
bench 2 2 allreduce --target mpu
said 'did you mean mpi'
bench 3 2 allreduce --threads 2
said 'OMPI_COMM_WORLD_SIZE says that 2 ranks were started'
bench 3 2 allreduce --mpi none
said 'nothing joins them'

# An Open MPI whose algorithms cannot be chosen.
OMPI_MCA_coll=^tuned
export OMPI_MCA_coll
bench 0 2 allreduce -b 8 -e 8 --target mpi $quick
for target in mpi:ring mpi:all; do
  bench 3 2 allreduce --target $target $quick
  said 'this Open MPI runs without its component coll/tuned .*: its algorithms cannot be chosen'
done
unset OMPI_MCA_coll

# An algorithm that fails: what was measured before comes out all the same, and nothing else is wrong.
# (A crash is found by mpirun, or by the other rank.)
for fault in "crash:134 4" hang:4 wrong:5 refuse:0; do
  RG_MPI_FAULT=allreduce:basic_linear:refuse,allreduce:ring:${fault%:*}
  export RG_MPI_FAULT
  bench "${fault#*:}" 2 allreduce --points '8=mpi;1K=mpi,mpi:ring' --json - --no-samples --timeout 2s $quick
  unset RG_MPI_FAULT
  cp "$tmp/out" "$tmp/doc"
  "$RAILGAUGE" report "$tmp/doc" >"$tmp/out" || fail "$fault: no document on standard output"
  grep -q '"size_bytes": 8,' "$tmp/doc" || fail "$fault: the first size is lost"
  case $fault in
  crash* | hang*) grep -q '"complete": false' "$tmp/doc" ;;
  wrong*) said 'the first: target mpi:ring, .* rank 1, element 0:' ;;
  refuse*) grep -q 'mpi:ring, .*not run: .*RG_MPI_FAULT refuses allreduce:ring' "$tmp/out" ;;
  esac || fail "$fault: not as it should be"
  awk '/"target":/ { ring = /ring/ } /"wrong": [1-9]/ && !ring { exit 1 }' "$tmp/doc" || fail "others are wrong"
done
RG_MPI_FAULT=allreduce:ring bench 2 1 allreduce $quick
said 'RG_MPI_FAULT: allreduce:ring: expected COLLECTIVE:ALGORITHM:KIND'

# Rank 0 says what is wrong even if it begins last.
timeout 120 "$mpirun" -np 2 sh -c '[ "$OMPI_COMM_WORLD_RANK" = 1 ] || sleep 3; exec "$@"' sh \
  "$RAILGAUGE" bench allreduce --threads 2 >"$tmp/out" 2>"$tmp/err" </dev/null
[ $? -eq 3 ] || fail "a late rank 0: not status 3"
said 'OMPI_COMM_WORLD_SIZE says that 2 ranks were started'

# A rank that is through with MPI long before another.
if ldd "$RAILGAUGE" | grep -q 'lib[at]san'; then
  echo "a rank that ends late was not tried: nothing can be loaded before a sanitizer"
else
  timeout 120 "$mpirun" -np 2 env LD_PRELOAD="$builddir/tests/cmd/.libs/slow_end.so" "$RAILGAUGE" \
    bench allreduce -b 8 -e 8 $quick >"$tmp/out" 2>"$tmp/err" </dev/null ||
    fail "a rank that ended before another counts as gone"
fi

# A peer that dies once the table has begun, and mpirun does not see it, since the peer's parent lives
# on: the others say so and the job ends; how mpirun itself ends is its own business.
cat >"$tmp/victim" <<'END'
[ "$OMPI_COMM_WORLD_RANK" = 1 ] || exec "$@"
"$@" &
i=0
until grep -q '^# *(B) ' "${0%/*}/out" || [ $i -ge 400 ]; do
  i=$((i + 1))
  sleep 0.1
done
kill -KILL $!
wait
END
for target in railgauge mpi; do
  : >"$tmp/out" # not the table of the last run
  timeout 60 "$mpirun" --enable-recovery -np 3 sh "$tmp/victim" "$RAILGAUGE" bench allreduce -b 64K \
    -e 64K --budget 100s --precision 0.01 --no-calibrate --timeout 5s --target $target \
    >"$tmp/out" 2>"$tmp/err" </dev/null
  [ $? -ne 124 ] || fail "$target: the job hangs when a rank is gone"
  # Between repetitions the ranks meet in an exchange, where it is missed at the deadline.
  grep -q '^railgauge bench: rank [02] .*rank 1 .*\(is gone\|which did not come\)' "$tmp/err" ||
    fail "$target: no survivor says that rank 1 is gone"
done
exit 0
