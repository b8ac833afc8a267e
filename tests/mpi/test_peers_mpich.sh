#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# peers.sh with MPICH.
LIBRARY=mpich
. "${srcdir:-.}/tests/mpi/peers.sh"
