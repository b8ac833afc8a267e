#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# --transport tcp sends through the interface, and nothing by another way: in a network namespace of
# its own, where nobody else sends, lo counts at least the bytes of all operations; two ranks share no
# memory that both map, and there is no socket of the family UNIX. The same looks at shm see the
# contrary.
set -u
if [ -z "${RG_NET-}" ]; then
  unshare -n sh -c 'ip link set lo up' 2>/dev/null || {
    echo "skipped: no network namespace can be made here"
    exit 77
  }
  RG_NET=1 exec unshare -n sh -c 'ip link set lo up && exec sh "$0"' "$0"
fi
. "${srcdir:-.}/tests/cmd/failures.sh"
unset RG_NET

sent_by_lo() {
  sed -n 's/^ *lo: *//p' /proc/net/dev | awk '{print $9}'
}

# member NAME: its number in the only point of the result
member() {
  sed -n 's/^.*"'"$1"'": \([0-9]*\),\{0,1\}$/\1/p' "$tmp/a.json" | tail -n 1
}

# shared_memory: inodes of memory that is mapped to be shared, by several ranks
shared_memory() {
  for file in "$tmp"/pid.*; do
    awk '$2 ~ /w.s$/ {print $5}' "/proc/$(cat "$file")/maps" | sort -u
  done | sort | uniq -d
}

bytes=1048576

# job TRANSPORT: two ranks exchange for half a second; what was seen meanwhile and afterwards goes into
# $common, $unix, $counted, and what all ranks sent at least into $sent
job() {
  test_name=$1
  before=$(sent_by_lo)
  start "$RAILGAUGE" run -n 2 -- sh -c "$rank_sh" sh "$RAILGAUGE" bench sendrecv -b $bytes -e $bytes \
    --transport "$1" --buffers private --place out --budget 500ms --precision 0.01 --no-calibrate \
    --target railgauge --json "$tmp/a.json"
  until_there 30 '^# *(B) ' "$tmp/out"
  common=$(shared_memory)
  unix=$(sed 1d /proc/net/unix)
  ended 0
  counted=$(($(sent_by_lo) - before))
  # Before each repetition its operations run once more.
  sent=$((2 * 2 * bytes * $(member ops) * ($(member n) + $(member invalid))))
  echo "$1: $sent bytes were sent, lo counted $counted"
  [ $sent -ge $((10 * bytes)) ] || fail "hardly anything was sent"
}

job tcp
[ $counted -ge $sent ] || fail "lo did not see all of it"
[ -z "$common" ] || fail "the ranks share memory: $common"
[ -z "$unix" ] || fail "there are sockets of the family UNIX: $unix"
job shm
[ $counted -lt $bytes ] || fail "what is the network for, if shm uses it?"
[ -n "$common" ] || fail "memory that ranks share is not seen"
exit 0
