#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# Counters around a measurement: those of the interface that the transport uses, of those that are
# named, or none. Between hosts, network namespaces made here, what a queue drops has to be sent
# again, and shows where it belongs.
set -u
. "${srcdir:-.}/tests/once.sh"
hosts='1 2'
. "${srcdir:-.}/tests/cmd/hosts.sh"


bench="bench sendrecv -b 64K -e 128K -n 6 -w 1 --no-calibrate --timeout 10s --json $tmp/doc.json"

test_name="the interface of the transport"
# shellcheck disable=SC2086
job 1 2 -- $bench
every 0 0 1
[ "$(flat | grep -o '"device":"eth0","port":null,"netdev":"eth0"' | wc -l)" = 2 ] || {
  echo "$test_name: not eth0 of two hosts"; flat; exit 1
}
flat | grep -q '"name":"tx_bytes","class":"informative"' || { echo "no tx_bytes"; exit 1; }
[ "$(flat | grep -o '"first_point":[0-9]*' | sort -u | wc -l)" = 2 ] || { echo "not around two sizes"; exit 1; }
grep -q '^# Counters of 2 adapter ports, read around each size: none that must not move did' "$tmp/out.0" || {
  echo "$test_name: the table does not say that nothing moved"; tail -n 8 "$tmp/out.0"; exit 1
}

test_name="none"
# shellcheck disable=SC2086
job 1 2 -- $bench --counters none
every 0 0 1
flat | grep -q '"counters":null' || { echo "counters although there were to be none"; exit 1; }
grep -q 'Counters' "$tmp/out.0" && { echo "$test_name: words about counters"; exit 1; }

test_name="an interface that is not there"
# shellcheck disable=SC2086
job 1 2 -- $bench --counters eth0,eth7
every 3 0 1
names 0 'counters: eth7: no RDMA device, port of one (NAME:PORT) or network interface'

test_name="queues of traffic control, and what was sent again"
if ip netns exec "$id-1" tc qdisc add dev eth0 root handle 7: htb default 1 2>"$tmp/err" &&
  ip netns exec "$id-1" tc class add dev eth0 parent 7: classid 7:1 htb rate 10gbit 2>"$tmp/err" &&
  ip netns exec "$id-sw" tc qdisc add dev p2 root handle 8: tbf rate 50mbit burst 8kb limit 12kb 2>"$tmp/err"; then
  # shellcheck disable=SC2086
  job 1 2 -- $bench
  every 0 0 1
  for name in 'classhtb7:1bytes' 'qdischtb7:bytes' RetransSegs; do
    flat | grep -q "\"name\":\"$name\"" || { echo "$test_name: no $name"; flat; exit 1; }
  done
else
  echo "note: no htb or tbf here, queues are not looked at: $(cat "$tmp/err")"
fi
exit 0
