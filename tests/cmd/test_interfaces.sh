#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# Two interfaces in one subnet: what is sent leaves by the one that was chosen. Two hosts, network
# namespaces made here and taken away again, are joined by two cables, eth0 and eth1; the kernel's
# routes would send everything over the first.
set -u
. "${srcdir:-.}/tests/once.sh"
. "${srcdir:-.}/tests/cmd/failures.sh"
id=rg$$

take_away() {
  ip netns del "$id-1" 2>/dev/null
  ip netns del "$id-2" 2>/dev/null
  rm -rf "$tmp"
}
trap take_away EXIT

[ "$(id -u)" = 0 ] && ip netns add "$id-1" 2>/dev/null && ip netns add "$id-2" &&
  ip -n "$id-1" link add name eth0 type veth peer name eth0 netns "$id-2" 2>/dev/null || {
  echo "skipped: network namespaces and cables between them cannot be made here"
  exit 77
}
ip -n "$id-1" link add name eth1 type veth peer name eth1 netns "$id-2"
for k in 1 2; do
  for device in eth0 eth1; do
    ip -n "$id-$k" addr add "10.98.0.$((k + 10 * ${device#eth}))/24" dev $device
    ip netns exec "$id-$k" sh -c "echo 0 >/proc/sys/net/ipv4/conf/$device/rp_filter" 2>/dev/null
    ip -n "$id-$k" link set $device up
  done
  ip netns exec "$id-$k" sh -c "echo 0 >/proc/sys/net/ipv4/conf/all/rp_filter" 2>/dev/null
  ip -n "$id-$k" link set lo up
done

# The kernel takes its time to see the other end.
for k in 1 2; do
  i=0
  until [ "$(ip -n "$id-$k" link show | grep -c 'eth[01].*state UP')" = 2 ]; do
    i=$((i + 1))
    [ $i -lt 100 ] || { echo "the cables do not come up"; exit 1; }
    sleep 0.1
  done
done

# sent HOST DEVICE: bytes that it has sent
sent() {
  ip netns exec "$id-$1" sed -n "s/^ *$2: *//p" /proc/net/dev | awk '{print $9}'
}

# job ARGUMENTS...: a rank on each host that do it; $sent_K_DEVICE is what left host K meanwhile
job() {
  test_name=$*
  rm -f "$tmp"/status.*
  for k in 1 2; do
    for d in eth0 eth1; do eval "before_${k}_$d=$(sent $k $d)"; done
  done
  port=$((20000 + $$ % 20000))
  for k in 1 2; do
    (
      export RANK=$((k - 1)) WORLD_SIZE=2 MASTER_ADDR=10.98.0.1 MASTER_PORT=$port
      export RG_JOB_SECRET=0123456789abcdef0123
      ip netns exec "$id-$k" timeout -k 2 60 "$RAILGAUGE" bench sendrecv -b 64K -e 64K -n 4 -w 1 \
        --no-calibrate --timeout 4s "$@" >"$tmp/out.$k" 2>"$tmp/err.$k"
      echo $? >"$tmp/status.$k"
    ) &
  done
  wait
  for k in 1 2; do
    for d in eth0 eth1; do
      eval "sent_${k}_$d=\$(($(sent $k $d) - before_${k}_$d))"
    done
  done
}

least=500000 # bytes, of 4 times 64K twice: all else is the ranks meeting
few=200000
for device in eth0 eth1; do
  other=eth$((1 - ${device#eth}))
  job --tcp.interface $device
  for k in 1 2; do
    [ "$(cat "$tmp/status.$k")" = 0 ] || { cat "$tmp"/err.*; exit 1; }
    eval "chosen=\$sent_${k}_$device others=\$sent_${k}_$other"
    echo "host $k, $device chosen: $chosen bytes left by it, $others by $other"
    if [ "$chosen" -lt $least ] || [ "$others" -gt $few ]; then
      exit 1
    fi
  done
  grep -q "^# network: interface $device, congestion" "$tmp/out.1" || { cat "$tmp/out.1"; exit 1; }
done

exit 0
