#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# peers.sh with MPICH: what may differ between libraries.
LIBRARY=mpich
ONCE=yes
. "${srcdir:-.}/tests/mpi/peers.sh"
