#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# peers.sh with Open MPI.
ONCE=1
LIBRARY=openmpi
. "${srcdir:-.}/tests/mpi/peers.sh"
