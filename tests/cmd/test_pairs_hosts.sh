#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# railgauge pingpong between two hosts, which are network namespaces made here: which interface it
# takes, how many messages go over it, whose counters are read, and that nobody waits for a rank that
# has stopped longer than --timeout says.
set -u
. "${srcdir:-.}/tests/once.sh"
hosts='1 2'
. "${srcdir:-.}/tests/cmd/hosts.sh"

sent() {
  ip netns exec "$id-1" cat /sys/class/net/eth0/statistics/tx_bytes
}
pingpong="pingpong -s 64K --test bandwidth --timeout 20s --json $tmp/doc.json"

# By itself over sockets where there is no RDMA device, and without messages before those that count
# but the 4 of a first batch, and one there and back in front of each batch. 2 MiB is far more than
# 20 messages each way of 64 KiB, and what the ranks tell each other.
test_name="which network, and no warm-up"
before=$(sent)
# shellcheck disable=SC2086
job 1 2 -- $pingpong -n 10 -w 0
every 0 0 1
bytes=$(($(sent) - before))
[ $bytes -gt 655360 ] && [ $bytes -lt 2621440 ] || { echo "$test_name: $bytes bytes of 10 messages"; exit 1; }
grep -q '^# network: interface eth0' "$tmp/out.0" || { echo "$test_name: another"; cat "$tmp/out.0"; exit 1; }
[ "$(flat | grep -o '"device":"eth0","port":null,"netdev":"eth0"' | wc -l)" = 2 ] ||
  { echo "counters: not those of two interfaces"; flat; exit 1; }
flat | grep -q '"name":"tx_bytes","class":"informative"' || { echo "counters: no tx_bytes"; exit 1; }

test_name="messages that do not count"
before=$(sent)
# shellcheck disable=SC2086
job 1 2 -- $pingpong -n 10 -w 100 --counters none --tcp.interface eth0
every 0 0 1
bytes=$(($(sent) - before))
[ $bytes -gt 7208960 ] || { echo "$test_name: $bytes bytes of 110 messages"; exit 1; }
flat | grep -q '"counters":null' || { echo "counters although there were to be none"; exit 1; }

test_name="names of what there is not"
# shellcheck disable=SC2086
job 1 2 -- $pingpong -n 10 --tcp.interface eth7
every 3 0 1
names 0 'tcp: there is no interface eth7 with an address that is up; there is .*eth0'
# shellcheck disable=SC2086
job 1 2 -- $pingpong -n 10 --tcp.congestion nagle
every 3 0 1
names 0 'nagle'
# shellcheck disable=SC2086
job 1 2 -- $pingpong -n 10 --counters eth0,eth7
every 3 0 1
names 0 'counters: eth7: no RDMA device, port of one (NAME:PORT) or network interface'

test_name="a rank that has stopped"
before=$(sent)
job 1 2 -- pingpong -s 64K --test bandwidth -D 50s --timeout 2s
i=0
while [ $(($(sent) - before)) -lt 16777216 ] && [ $i -lt 400 ]; do
  i=$((i + 1))
  sleep 0.05
done
kill -STOP "$(cat "$tmp/pid.1")"
i=0
while [ ! -s "$tmp/status.0" ] && [ $i -lt 400 ]; do
  i=$((i + 1))
  sleep 0.05
done
kill -KILL "$(cat "$tmp/pid.1")"
every 4 0
names 0 'rank 1'
exit 0
