#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# Started for single algorithms, the target "default" runs what an untouched program runs: the same
# algorithm with the same segments for every function and size, also when the user has set an
# algorithm that Open MPI ignores. A forced one is what runs, and a rule for it makes the same call.
set -u
here=${srcdir:-.}/tests/mpi
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT

ONCE=1
LIBRARY=openmpi
export LIBRARY
. "$here/launcher.sh"
case $("$mpirun" --version) in
*"(Open MPI) 4.1."*) ;;
*)
  echo "skipped: the test knows the inner functions of Open MPI 4.1 only"
  exit 77
  ;;
esac

run() { # run RANKS MODE
  # shellcheck disable=SC2086 # words
  RG_MPI_NP=$1 sh "$here/run-mpi.sh" "$builddir/tests/mpi/selection" $2
}

# must RANKS MODE FILE: the output without the runner's first line.
must() {
  run "$1" "$2" >"$tmp/out"
  status=$?
  if [ $status != 0 ]; then
    cat "$tmp/out"
    exit $status
  fi
  sed 1d "$tmp/out" >"$tmp/$3"
}

same() { # same FILE FILE WORDS
  if ! diff "$tmp/$1" "$tmp/$2"; then
    echo "$3"
    exit 1
  fi
}

for np in 2 3 4; do
  must $np plain plain
  # The eye itself must see: 21 sizes of 11 functions, each with a name, several per function.
  seen=$(grep -c ': [a-z_]*_[a-z]*(' "$tmp/plain")
  kinds=$(sed -n 's/^[a-z_]* [0-9]*: \([a-z_]*\)(.*/\1/p' "$tmp/plain" | sort -u | wc -l)
  if [ "$seen" != 231 ] || [ "$kinds" -lt 12 ]; then
    cat "$tmp/plain"
    echo "$np ranks: only $seen choices of $kinds kinds were seen"
    exit 1
  fi
  must $np default default
  same plain default "$np ranks: the default is not that of an untouched launch"
  echo "$np ranks: $seen choices of $kinds kinds are those of an untouched launch"
  must $np forced forced
  cat "$tmp/forced"
done

# What is measured of an algorithm is what a rule for it makes Open MPI call, in all its arguments: also
# where the user has set something for forced ones alone.
for segment in 0 8200; do
  mkdir "$tmp/$segment" || exit 99
  "$builddir/tests/mpi/selection" write "$tmp/$segment" $segment || exit 1
  (. "$tmp/$segment/env.sh" && must 4 ruled ruled && grep -q "_chain($segment, 4" "$tmp/ruled") || {
    echo "no chain in segments of $segment with a fan-out of 4"
    exit 1
  }
  must 4 "chosen $segment" chosen
  same ruled chosen "a rule is another call than the algorithm that it names"
  OMPI_MCA_coll_tuned_bcast_algorithm_segmentsize=4096
  OMPI_MCA_coll_tuned_bcast_algorithm_chain_fanout=2
  export OMPI_MCA_coll_tuned_bcast_algorithm_segmentsize OMPI_MCA_coll_tuned_bcast_algorithm_chain_fanout
  must 4 "chosen $segment" chosen
  same ruled chosen "what was set for forced algorithms makes them other calls than rules"
  unset OMPI_MCA_coll_tuned_bcast_algorithm_segmentsize OMPI_MCA_coll_tuned_bcast_algorithm_chain_fanout
done
echo "rules make the calls that were measured: $(grep -c . "$tmp/ruled")"

# A user's forced algorithm counts only with the user's own dynamic rules.
OMPI_MCA_coll_tuned_allreduce_algorithm=1
export OMPI_MCA_coll_tuned_allreduce_algorithm
must 2 plain ignored
must 2 default ignored-default
same ignored ignored-default "an algorithm that Open MPI ignores was brought to life"
OMPI_MCA_coll_tuned_use_dynamic_rules=1
export OMPI_MCA_coll_tuned_use_dynamic_rules
must 2 plain chosen
must 2 default chosen-default
same chosen chosen-default "the user's own choice was lost"
if cmp -s "$tmp/ignored" "$tmp/chosen"; then
  echo "the user's choice has no effect on a plain program"
  exit 1
fi
unset OMPI_MCA_coll_tuned_allreduce_algorithm OMPI_MCA_coll_tuned_use_dynamic_rules
echo "the user's own settings mean what they mean to a plain program"

# Algorithms that cut need a segment size; with one more of them may be used.
OMPI_MCA_coll_tuned_allreduce_algorithm_segmentsize=4096
OMPI_MCA_coll_tuned_bcast_algorithm_segmentsize=4096
export OMPI_MCA_coll_tuned_allreduce_algorithm_segmentsize
export OMPI_MCA_coll_tuned_bcast_algorithm_segmentsize
must 3 forced cut
echo "with segments of 4 KiB: $(cat "$tmp/cut")"
