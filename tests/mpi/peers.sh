# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=sh
#
# Read by test_peers.sh and test_peers_mpich.sh, which set LIBRARY: a rank that does not come, gives
# up, or does not fit is named on every other rank, in time; N processes that are no job together are
# told so.
set -u
here=${srcdir:-.}/tests/mpi
export LIBRARY
. "$here/launcher.sh"
peers=$builddir/tests/mpi/peers
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
host=$(uname -n | cut -c1-63)

RG_MPI_LIMIT=60
RG_MPI_NP=3
export RG_MPI_LIMIT RG_MPI_NP

sh "$here/run-mpi.sh" "$peers" open >"$tmp/out" 2>&1 || {
  status=$?
  cat "$tmp/out"
  exit $status
}

# peers MODE RANK: mpirun's status says nothing here, it ends jobs that did not end MPI as failed.
peers() {
  echo "-- $1 $2"
  sh "$here/run-mpi.sh" "$peers" "$@" >"$tmp/out" 2>&1
  cat "$tmp/out"
}

repeats() { # repeats RANK PATTERN: once when it fails, and once when asked again
  if [ "$(grep -c "^rank $1: $2" "$tmp/out")" != 2 ]; then
    echo "rank $1 did not say twice: $2"
    exit 1
  fi
}

says() { # says RANK PATTERN
  if ! grep -q "^rank $1: $2" "$tmp/out"; then
    echo "rank $1 did not say: $2"
    exit 1
  fi
}

peers absent 2
for r in 0 1; do
  repeats $r "RG_ERR_TIMEOUT: waited .* in an exchange for rank 2 on $host, which did not come"
done

# Launchers end the others. Open MPI's can be told not to; MPICH's must not see it, and sees a parent
# that lives on.
cat >"$tmp/parent" <<'END'
"$@"
sleep 3
END
echo "-- dies 1"
parent=
[ "$LIBRARY" = openmpi ] || parent="sh $tmp/parent"
OMPI_MCA_orte_enable_recovery=1
export OMPI_MCA_orte_enable_recovery
# shellcheck disable=SC2086 # two words or none
sh "$here/run-mpi.sh" $parent "$peers" dies 1 >"$tmp/out" 2>&1
cat "$tmp/out"
unset OMPI_MCA_orte_enable_recovery
for r in 0 2; do
  says $r "RG_ERR_PEER: .*waited in an exchange: rank 1 ($host, process [0-9]*) is gone"
done

# The glue's own words, which are the same for all libraries.
if [ "$LIBRARY" = openmpi ]; then
  peers absent 0
  for r in 1 2; do
    says $r "RG_ERR_TIMEOUT: waited .* in an exchange for rank 0 on $host, which did not come"
  done

  peers quits 1
  for r in 0 2; do
    says $r "RG_ERR_PEER: rank 1 gave up: the disk is full"
  done

  peers length 2
  for r in 0 1 2; do
    repeats $r "RG_ERR_MISMATCH: rank 0 brought 8 bytes to an exchange, rank 2 on $host 12"
  done

  peers build 1
  for r in 0 1 2; do
    says $r "RG_ERR_MISMATCH: two builds of railgauge in one job: rank 0 on $host runs .*, rank 1"
  done
fi

echo "-- singletons"
variables=$mpi_size
[ "$LIBRARY" != openmpi ] || variables="$mpi_size PMI_SIZE SLURM_STEP_NUM_TASKS WORLD_SIZE"
for variable in $variables; do
  env RG_MPI=$LIBRARY $variable=2 timeout 60 "$peers" open >"$tmp/out" 2>&1
  status=$?
  cat "$tmp/out"
  if [ $status != 3 ] ||
    ! grep -q "RG_ERR_MISMATCH: $variable says that 2 ranks were started, but" "$tmp/out"; then
    echo "exit status $status"
    exit 1
  fi
done
if ! env RG_MPI=$LIBRARY OMPI_COMM_WORLD_SIZE=1 WORLD_SIZE=7 timeout 60 "$peers" open; then
  echo "a job of one rank was refused"
  exit 1
fi
