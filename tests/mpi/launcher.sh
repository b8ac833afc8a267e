# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=sh
#
# For tests that start MPI jobs: read by them, not run. LIBRARY says whose job (openmpi, mpich). Sets
#   mpirun              the library's launcher, whichever of them is the system's mpirun
#   mpi_rank, mpi_size  the variables in which it tells each process its rank and how many there are
# and the environment, so that the job runs on any machine: more ranks than cores, as root in a
# container, no binding, no name of another network. Without launcher or module the test is skipped,
# and so it is, if it has set ONCE, as tests/once.sh says.
: "${LIBRARY:=openmpi}" "${builddir:?}"
[ -z "${ONCE-}" ] || . "${srcdir:-.}/tests/once.sh"

case $LIBRARY in
  openmpi)
    launchers='mpirun mpirun.openmpi'
    version='Open MPI'
    mpi_rank=OMPI_COMM_WORLD_RANK mpi_size=OMPI_COMM_WORLD_SIZE
    ;;
  mpich)
    launchers='mpirun mpirun.mpich mpiexec.hydra'
    version='HYDRA'
    mpi_rank=PMI_RANK mpi_size=PMI_SIZE
    ;;
esac
mpirun=
for name in $launchers; do
  [ -z "$mpirun" ] || break
  case $("$name" --version 2>/dev/null) in *"$version"*) mpirun=$name ;; esac
done
if [ -z "$mpirun" ]; then
  echo "skipped: no launcher of $LIBRARY in PATH ($launchers)"
  exit 77
fi
: "${RG_MPI_MODULES:=$builddir/src/mpi/.libs}"
if [ ! -e "$RG_MPI_MODULES/rg_mpi_$LIBRARY.so" ]; then
  echo "skipped: no module for $LIBRARY in $RG_MPI_MODULES"
  exit 77
fi
unset RG_MPI
if [ "$(id -u)" = 0 ]; then
  OMPI_ALLOW_RUN_AS_ROOT=1
  OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
  export OMPI_ALLOW_RUN_AS_ROOT OMPI_ALLOW_RUN_AS_ROOT_CONFIRM
fi
OMPI_MCA_rmaps_base_oversubscribe=1
OMPI_MCA_hwloc_base_binding_policy=none
OMPI_MCA_btl_base_warn_component_unused=0
# MPI libraries keep memory to the end of the process.
ASAN_OPTIONS=detect_leaks=0${ASAN_OPTIONS:+:$ASAN_OPTIONS}
export mpi_rank mpi_size RG_MPI_MODULES ASAN_OPTIONS
export OMPI_MCA_rmaps_base_oversubscribe OMPI_MCA_hwloc_base_binding_policy
export OMPI_MCA_btl_base_warn_component_unused
