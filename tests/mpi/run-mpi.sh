#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Runs an MPI test program with 1, 2, 3 and 4 ranks (or RG_MPI_NP="2 4") under mpirun, each with a
# time limit. Usage: run-mpi.sh PROGRAM [ARGUMENT...]
# The exit status is the first bad one; 77 when there is nothing to run it with.
#
# The variables make Open MPI fit for a test on any machine: more ranks than cores, as root in a
# container, no binding, no name of another network.
limit=${RG_MPI_LIMIT:-120}

if ! command -v mpirun >/dev/null 2>&1; then
	echo "skipped: there is no mpirun in PATH"
	exit 77
fi
case $(mpirun --version 2>/dev/null) in
*"Open MPI"*) ;;
*)
	echo "skipped: $(command -v mpirun) is not Open MPI's"
	exit 77
	;;
esac

if [ "$(id -u)" = 0 ]; then
	OMPI_ALLOW_RUN_AS_ROOT=1
	OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
	export OMPI_ALLOW_RUN_AS_ROOT OMPI_ALLOW_RUN_AS_ROOT_CONFIRM
fi
OMPI_MCA_rmaps_base_oversubscribe=1
OMPI_MCA_hwloc_base_binding_policy=none
OMPI_MCA_btl_base_warn_component_unused=0
export OMPI_MCA_rmaps_base_oversubscribe OMPI_MCA_hwloc_base_binding_policy
export OMPI_MCA_btl_base_warn_component_unused
# MPI libraries keep memory to the end of the process.
ASAN_OPTIONS=detect_leaks=0${ASAN_OPTIONS:+:$ASAN_OPTIONS}
export ASAN_OPTIONS
RG_MPI_MODULES=${RG_MPI_MODULES:-$builddir/src/mpi/.libs}
export RG_MPI_MODULES

for np in ${RG_MPI_NP:-1 2 3 4}; do
	echo "== $np rank(s): $*"
	timeout -k 5 "$limit" mpirun -np "$np" "$@" </dev/null
	status=$?
	[ "$status" = 124 ] && echo "the time limit of $limit s has passed"
	[ "$status" = 0 ] || exit "$status"
done
