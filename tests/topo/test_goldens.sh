#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# Recorded machines: what railgauge topo says of each is what it said before. The recordings are not
# part of the source: they are looked for in $RG_SHARED/fixtures/hwloc.
# tests/topo/refresh-goldens.sh writes the goldens anew, after a change that is meant.
set -u
: "${RAILGAUGE:?}" "${srcdir:=.}" "${RG_SHARED:=}"
goldens=$srcdir/tests/topo/goldens
machines=$RG_SHARED/fixtures/hwloc
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT

[ -n "$RG_SHARED" ] && [ -d "$machines" ] || {
  echo "no recorded machines in \$RG_SHARED/fixtures/hwloc ($machines)"
  exit 77
}

failed=0 compared=0
for golden in "$goldens"/*.txt "$goldens"/*.json; do
  name=$(basename "$golden")
  format=tree
  case $name in *.json) format=json ;; esac
  xml=$machines/${name%.*}.xml
  if [ ! -f "$xml" ]; then
    echo "$name: its recording $xml is missing"
    failed=1
    continue
  fi
  if ! "$RAILGAUGE" topo --xml "$xml" --format $format >"$tmp/out" 2>"$tmp/err"; then
    echo "$name: railgauge topo failed: $(cat "$tmp/err")"
    failed=1
  elif ! diff -u "$golden" "$tmp/out" >"$tmp/diff"; then
    echo "$name: differs (- golden, + now)"
    head -n 40 "$tmp/diff"
    failed=1
  fi
  [ ! -s "$tmp/err" ] || { echo "$name: words on stderr"; cat "$tmp/err"; failed=1; }
  compared=$((compared + 1))
done
[ $compared -ge 9 ] || { echo "only $compared goldens were compared"; failed=1; }
exit $failed
