#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# The head of bench names the congestion control that connections have, also where a route gives them
# one that is not the system's, and names all where they differ.
set -u
. "${srcdir:-.}/tests/once.sh"
hosts="1 2"
. "${srcdir:-.}/tests/cmd/hosts.sh"

usual=$(ip netns exec "$id-1" cat /proc/sys/net/ipv4/tcp_congestion_control)
other=
for name in $(cat /proc/sys/net/ipv4/tcp_available_congestion_control); do
  [ "$name" = "$usual" ] || other=$name
done
[ -n "$other" ] || { echo "skipped: $usual is the only congestion control here"; exit 77; }

# head_says WORDS: what a short run says of the network
head_says() {
  test_name="congestion control $1"
  job 1 2 -- bench sendrecv -b 8 -e 8 -n 4 -w 1 --no-calibrate --timeout 20s
  every 0 0 1
  grep -q "^# network: interface eth0, congestion control $1\$" "$tmp/out.0" ||
    fail "$(grep '^# network' "$tmp/out.0")"
}

head_says "$usual"
ip -n "$id-1" route replace 10.99.0.0/24 dev eth0 src 10.99.0.1 congctl "$other" || {
  echo "skipped: routes have no congestion control here"
  exit 77
}
head_says "$other or $usual"
ip -n "$id-2" route replace 10.99.0.0/24 dev eth0 src 10.99.0.2 congctl "$other"
head_says "$other"
exit 0
