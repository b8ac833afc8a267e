#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# lab: endpoints=3 rails=1 seconds=80
#
# What a link loses shows in the counters of the ports at its ends, and nowhere else; the queue that
# lost it says how much; traffic of a priority is counted in its class.
set -u
. "${srcdir:=.}/tests/lab/perftest.sh"

# counted WHAT OPTION...: writes of 64 KiB from endpoint 1 to endpoint 2, and what was counted, a line
# each of device, group, counter, class, by how much, how
counted() {
  what=$1
  shift
  export srcdir
  # shellcheck disable=SC2016
  "${builddir:-.}/tests/lab/counted" rxe1r1,rxe2r1,rxe3r1,s1r1,s2r1,s3r1 sh -c '
    . "$srcdir/tests/lab/perftest.sh"
    rate rxe1r1 rxe2r1 "$@"' sh "$@" >"$tmp/counted" 2>"$tmp/client.$port" || fail "$what: status $?"
}

# by DEVICE COUNTER: how far it moved; 0 if it did not
by() {
  awk -F'|' -v device="$1" -v name="$2" '$1 == device && $3 == name { n = $5 } END { print n + 0 }' \
    "$tmp/counted"
}

wrong() {
  cat "$tmp/counted"
  fail "$what: $*"
}

# moved DEVICE COUNTER LEAST
moved() {
  n=$(by "$1" "$2")
  [ "$n" -ge "$3" ] || wrong "$2 of $1 moved by $n, not by $3"
}

# still DEVICE: nothing of what must not move did
still() {
  ! grep "^$1|[^|]*|[^|]*|must-not-move|" "$tmp/counted" || wrong "these of $1 should not have moved"
}

counted "a sound link" -n 50
# 50 times 16 packets of 4 KiB, and what the kernel counts of them
moved rxe1r1 sent_pkts 800
moved rxe2r1 rcvd_pkts 800
moved rxe1r1 tx_bytes 3276800
still rxe3r1
[ "$(by rxe3r1 sent_pkts)" = 0 ] || wrong "who takes no part has sent"

lab-ctl link 2 loss=2
counted "a link that loses one packet in fifty" -n 40
moved rxe2r1 out_of_seq_request 1
[ $(($(by rxe1r1 rcvd_seq_err) + $(by rxe1r1 completer_retry_err))) -gt 0 ] ||
  wrong "the sender does not know"
moved s2r1 'qdisc netem 1: drops' 2
still rxe3r1
[ "$(by s1r1 'qdisc netem 1: drops')" = 0 ] || wrong "another link lost as well"

# The same by a measurement of railgauge's own: the table names port and counter.
"${RAILGAUGE:?}" run -n 2 -- lab-rank "$RAILGAUGE" bench allreduce --transport verbs-rc --verbs.timeout=16ms \
  --place out --no-calibrate -b 64K -e 64K -n 10 >"$tmp/client.bench" 2>&1 || fail "bench: status $?"
grep -q '^#   lab rxe2r1 port 1: out_of_seq_request by [0-9]*, 64KB: requests that came out of order' \
  "$tmp/client.bench" || fail "bench does not name what was lost"
lab-ctl link 2 loss=0

lab-ctl priority 26=1
counted "a priority" -n 20 --tclass=104
moved s2r1 'class prio 3:1 packets' 320
moved s2r1 'class prio 3:1 bytes' 1310720
lab-ctl priority none
