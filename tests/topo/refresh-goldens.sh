#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# usage: RAILGAUGE=.../railgauge tests/topo/refresh-goldens.sh DIRECTORY-OF-RECORDINGS
#
# Writes what railgauge topo says of each recorded machine (XML of hwloc) to tests/topo/goldens.
# Read the difference before you commit it. JSON is kept for those that have one already.
set -eu
: "${RAILGAUGE:?set it to the program}"
machines=${1:?the directory of the recordings}
goldens=$(dirname "$0")/goldens
for xml in "$machines"/*.xml; do
  golden=$goldens/$(basename "$xml" .xml)
  "$RAILGAUGE" topo --xml "$xml" >"$golden.txt"
  if [ -f "$golden.json" ]; then
    "$RAILGAUGE" topo --xml "$xml" --format json >"$golden.json"
  fi
done
