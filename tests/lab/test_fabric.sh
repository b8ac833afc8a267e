#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# lab: endpoints=3 rails=2 seconds=240
#
# What the lab's links are told they do, as perftest sees it: rates, delays, loss, reordering,
# priorities, a link that is down and comes back; and nothing takes a way that is not the wire.
set -u
. "${srcdir:=.}/tests/lab/perftest.sh"

say() {
  read -r now rest </proc/uptime
  echo "$now s: $*"
}

# good COMMAND...: three tries, since the machine may be held up for a moment
good() {
  "$@" || "$@" || "$@"
}

# Devices
for k in 1 2 3; do
  for r in 1 2; do
    ibv_devinfo -d rxe${k}r$r >"$tmp/devinfo"
    grep -q 'state:.*PORT_ACTIVE' "$tmp/devinfo" && grep -q 'active_mtu:.*4096' "$tmp/devinfo" &&
      [ -n "$(gid rxe${k}r$r)" ] || fail "rxe${k}r$r is not active with MTU 4096 and an IPv4 GID"
  done
done

# The wire: 100 writes of 16 packets each leave by the interface of their device, and by no other.
sent() { cat "/sys/class/net/$1/statistics/tx_packets"; }
before=$(sent e1r1) other=$(sent e1r2)
rate rxe1r1 rxe2r1 -n 100
say "unshaped: $mbps Mbit/s"
unshaped=${mbps%.*}
[ $(($(sent e1r1) - before)) -ge 1600 ] || fail "writes do not leave by e1r1"
[ $(($(sent e1r2) - other)) -lt 100 ] || fail "writes of rail 1 leave by e1r2"

# Rate: of what a link carries, data are 4096 of 4166 bytes; a burst of 64 KiB comes on top. A machine
# that is held up by others is slower.
lab-ctl link 2.1 rate=10mbit
low=9.4
[ "$unshaped" -gt 40 ] || low=0
at_10() {
  rate rxe1r1 rxe2r1 -n 60
  say "at 10 Mbit/s: $mbps"
  between "$mbps" $low 10.2
}
good at_10 || fail "$mbps Mbit/s over a link of 10"
lab-ctl link 2.1 rate=none

# Delay: of both ways, so it is half a round trip's. No machine is early; one that is held up by
# others, which it is if it takes long without delay, is late.
delayed() {
  latency rxe1r1 rxe3r1 -n 60
  none=$us less=4700 more=5300
  [ "${us%.*}" -lt 40 ] || less=-1e9 more=1e9
  lab-ctl link all delay=2ms
  latency rxe1r1 rxe3r1 -n 60
  low=$us
  lab-ctl link all delay=7ms
  latency rxe1r1 rxe3r1 -n 60
  lab-ctl link all delay=0
  say "without delay: $none us, with 2 ms: $low us, with 7 ms: $us us"
  between "$low" 2000 1e9 && between "$us" 7000 1e9 &&
    between "$(awk -v a="$us" -v b="$low" 'BEGIN { print a - b }')" $less $more
}
good delayed || fail "5 ms more make $us us of $low us"

# Loss is seen by the two devices that it concerns.
seen() { # ENDPOINT: packets that did not come, as its device sees it
  echo $(($(counter rxe${1}r1 out_of_seq_request) + $(counter rxe${1}r1 rcvd_seq_err) +
    $(counter rxe${1}r1 completer_retry_err)))
}
sender=$(seen 1) receiver=$(counter rxe2r1 out_of_seq_request) bystander=$(seen 3)
lab-ctl link 2 loss=1
rate rxe1r1 rxe2r1 -n 60
say "with 1 % loss: $mbps Mbit/s"
[ "$(seen 1)" -gt "$sender" ] || fail "the sender's counters show no loss"
[ "$(counter rxe2r1 out_of_seq_request)" -gt "$receiver" ] || fail "the receiver's counters show no loss"
[ "$(seen 3)" = "$bystander" ] || fail "the counters of who had no part in it show loss"

# Reordering without loss
receiver=$(counter rxe2r1 out_of_seq_request)
lab-ctl link 2 loss=0 delay=200us reorder=3
rate rxe1r1 rxe2r1 -n 30
say "with 3 % reordering: $mbps Mbit/s"
[ "$(counter rxe2r1 out_of_seq_request)" -gt "$receiver" ] || fail "nothing was out of order"
lab-ctl link 2 reorder=0 delay=0

# A priority overtakes what waits for the link.
overtakes() {
  (port=18516; perftest ib_write_bw rxe3r1 rxe2r1 -s 65536 -D 6) >/dev/null 2>&1 &
  sleep 2
  latency rxe2r1 rxe1r1 -n 40
  waiting=$us
  latency rxe2r1 rxe1r1 -n 40 --tclass=104
  wait
  say "beside a flood: $waiting us, with DSCP 26: $us us"
  [ "${waiting%.*}" -gt 1000 ] && [ "${us%.*}" -lt $((${waiting%.*} / 4)) ]
}
lab-ctl priority 26=1
lab-ctl link 2.1 rate=100mbit
good overtakes || fail "DSCP 26 does not overtake: $us us, and $waiting us without"
tc -s class show dev s2r1 | grep -A1 'class prio 3:1 ' | grep -q 'Sent [1-9]' ||
  fail "nothing went through the first band"
lab-ctl priority none
lab-ctl link 2.1 rate=none

# Down and up
lab-ctl link 2.1 down
state() { cat "/sys/class/infiniband/$1/ports/1/state"; }
until_state() { # DEVICE PATTERN
  i=0
  until state "$1" | grep -q "$2"; do
    i=$((i + 1))
    [ $i -lt 100 ] || fail "$1 is $(state "$1"), not $2"
    sleep 0.1
  done
}
until_state rxe2r1 DOWN
until_state rxe2r2 ACTIVE
lab-ctl link 2.1 up
until_state rxe2r1 ACTIVE
rate rxe1r1 rxe2r1 -n 60

# A link that is away for less than the retries last loses nothing.
(sleep 1; lab-ctl link 2 down; sleep 1; lab-ctl link 2 up) &
rate rxe1r1 rxe2r1 -D 4
wait
say "with a second's interruption: $mbps Mbit/s"
