#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# Started for single algorithms, the target "default" runs what an untouched program runs: the same
# algorithm with the same segments for every function and size, also when the user has set an
# algorithm that Open MPI ignores. A forced one is what runs.
set -u
here=${srcdir:-.}/tests/mpi
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT

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
  RG_MPI_NP=$1 sh "$here/run-mpi.sh" "$builddir/tests/mpi/selection" "$2"
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
