#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# make installcheck: the installed program runs from where it is, and finds its MPI module beside it
# (BINDIR/../lib/railgauge) rather than in the build directory.
set -eu
: "${BINDIR:?}" "${PKGLIBDIR:?}"
cd / # nothing of the build directory is found by accident
unset RG_MPI_MODULES

"$BINDIR/railgauge" --version
"$BINDIR/railgauge" help | grep -q '^  help '
if "$BINDIR/railgauge" help | grep -q '^  info ' && [ -f "$PKGLIBDIR/rg_mpi_openmpi.so" ]; then
  want=$(cd "$PKGLIBDIR" && pwd -P)/rg_mpi_openmpi.so
  "$BINDIR/railgauge" info | tr -s ' \t' '\n\n' | while read -r word; do
    [ ! -f "$word" ] || readlink -f "$word"
  done | grep -qxF "$want" || { echo "railgauge info does not name $want"; exit 1; }
fi
echo "installcheck: passed"
