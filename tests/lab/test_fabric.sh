#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# lab: endpoints=3 rails=2 seconds=180
#
# What the lab's links are told they do: nothing takes a way that is not the wire, packets are
# reordered, priorities overtake, a link goes down and comes back while it is used; and a change that
# the kernel refuses leaves a state that says what is so. (Rates and delays: test_truth.sh; loss:
# test_counters.sh.)
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
[ $(($(sent e1r1) - before)) -ge 1600 ] || fail "writes do not leave by e1r1"
[ $(($(sent e1r2) - other)) -lt 100 ] || fail "writes of rail 1 leave by e1r2"

# Reordering without loss
receiver=$(counter rxe2r1 out_of_seq_request)
lab-ctl link 2 delay=200us reorder=3 || exit 99
rate rxe1r1 rxe2r1 -n 30
say "with 3 % reordering: $mbps Mbit/s"
[ "$(counter rxe2r1 out_of_seq_request)" -gt "$receiver" ] || fail "nothing was out of order"
lab-ctl link 2 reorder=0 delay=0 || exit 99

# A priority overtakes what waits for the link.
overtakes() {
  (port=18516; perftest ib_write_bw rxe3r1 rxe2r1 -s 65536 -D 6 -u 17) >/dev/null 2>&1 &
  sleep 2
  latency rxe2r1 rxe1r1 -n 20 -u 17
  waiting=$us
  latency rxe2r1 rxe1r1 -n 20 -u 17 --tclass=104
  wait
  say "beside a flood: $waiting us, with DSCP 26: $us us"
  [ "${waiting%.*}" -gt 1000 ] && [ "${us%.*}" -lt $((${waiting%.*} / 4)) ]
}
lab-ctl priority 26=1 && lab-ctl link 2.1 rate=50mbit || exit 99
good overtakes || fail "DSCP 26 does not overtake: $us us, and $waiting us without"
tc -s class show dev s2r1 | grep -A1 'class prio 3:1 ' | grep -q 'Sent [1-9]' ||
  fail "nothing went through the first band"
lab-ctl priority none || exit 99

# What the kernel refuses is not written down as if it were so, and can be mended.
mkdir "$tmp/bin"
cat >"$tmp/bin/tc" <<'END'
#!/bin/sh
[ "$1" = -batch ] || exec tc "$@"
exit 1
END
chmod 755 "$tmp/bin/tc"
real=$PATH
sed -i "s,exec tc,PATH=$real exec tc," "$tmp/bin/tc"
PATH=$tmp/bin:$PATH lab-ctl link 2.1 rate=20mbit
status=$?
[ $status = 3 ] || fail "lab-ctl: status $status where tc fails"
lab-ctl show >"$tmp/client.show"
grep -q '^s2r1 up rate=none delay=0 loss=0 reorder=0$' "$tmp/client.show" ||
  fail "a link whose queues are gone is said to have some"
PATH=$tmp/bin:$PATH lab-ctl priority 26=1 && fail "lab-ctl takes a priority where tc fails"
lab-ctl link 2.1 rate=20mbit || fail "a link can no more be changed after a change was refused"
tc qdisc show dev s2r1 >"$tmp/client.show"
grep -q 'rate 20Mbit' "$tmp/client.show" || fail "the link has not the rate that it was told"
if grep -q prio "$tmp/client.show"; then fail "a priority that was refused came later"; fi
lab-ctl link 2.1 rate=none || exit 99

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
