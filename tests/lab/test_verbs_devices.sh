#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# lab: endpoints=2 rails=1
#
# The verbs layer on real devices: the right GID without being told, all operations, and words where a
# port goes down; `railgauge info` sees the devices.
set -u
: "${builddir:?}" "${RAILGAUGE:?}"
[ -x "$builddir/tests/lab/verbs_devices" ] || { echo "skipped: built without libibverbs"; exit 77; }
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT

fail() {
  echo "$*"
  cat "$tmp/out"
  exit 1
}

said() { grep -q "$1" "$tmp/out" || fail "nothing is said like: $1"; }

"$builddir/tests/lab/verbs_devices" rxe1r1 rxe2r1 1.1 >"$tmp/out" 2>&1 || fail "verbs_devices failed:"
cat "$tmp/out"
said '^probe: rxe1r1 port 1, RoCE v2, GID 1 10\.0\.0\.1, MTU up to 4096'
said '^choice of rank 0: rxe'
said '^choice of rank 1: rxe'
[ "$(sed -n 's/^choice of rank [01]: \(rxe[^ ]*\).*/\1/p' "$tmp/out" | sort -u | wc -l)" -eq 2 ] || fail "both ranks choose the same device:"
for what in write write-imm send read datagram; do
  said "^$what: ok"
done
said '^down: rxe1r1 port 1: the port went down'
said '^opening: verbs: rxe1r1 port 1 is not active (down): .*ip link set'
said '^completion: verbs: rxe1r1 port 1 to rank 3 on node7 (rxe2r1 port 1): .*; this port is down'
said '^up: rxe1r1 port 1: the port is active again'

"$RAILGAUGE" info >"$tmp/out" 2>&1 || fail "railgauge info failed:"
said '^  rxe1r1 .* ok .*port 1 active'
said '^  rxe2r1, opened .* ok .*rxe2r1 port 1, RoCE v2, GID 1 10.0.0.2'
