#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# usage, as root in the source directory: RAILGAUGE=build/src/railgauge results/2026-11-hosts/measure.sh [sim]
#
# Writes the files beside this one. Four hosts are network namespaces.
set -u
RAILGAUGE=$(realpath "$RAILGAUGE")
export RAILGAUGE
hosts="1 2 3 4"
limit=240
rates="200mbit burst 64kb limit 4mb"
. tests/cmd/hosts.sh
beside=$(dirname "$0")
shape() { ip netns exec "$id-sw" tc qdisc add dev "p$1" root tbf rate $rates; }

shape 2
[ "${1:-}" = sim ] || {
# --- two ranks on each host, one of which is behind 200 Mbit/s ---
test_name=shaped
targets=railgauge,railgauge:hierarchical,railgauge:recursive_doubling,railgauge:ring,railgauge:twoshot
job 1 1 2 2 3 3 4 4 -- bench allreduce -b 1K -e 4M -f 4 --place out --target $targets --budget 4s
every 0 0 1 2 3 4 5 6 7
grep -v '^#   [a-z ]' "$tmp/out.0" >"$beside/allreduce-one-shaped.txt"
}

# --- all hosts alike, one rank on each: two of them for the fit, four to be predicted ---
for k in 1 3 4; do
  shape $k
done
sizes="-b 64K -e 4M -f 4"
algorithms="ring recursive_doubling rabenseifner twoshot"
test_name=pair
# Of one message each: what messages cost beyond their bytes is not in what longer ones take.
job 1 2 -- bench sendrecv -b 4K -e 256K -f 2 --place out --tcp.congestion cubic --budget 2s \
  --json "$tmp/pair.json"
every 0 0 1
test_name=four
job 1 2 3 4 -- bench allreduce $sizes --place out --tcp.congestion cubic --budget 4s --json "$tmp/four.json" \
  --target "$(echo $algorithms | sed 's/\([a-z_]*\)/railgauge:\1/g; s/ /,/g')"
every 0 0 1 2 3
"$RAILGAUGE" sim allreduce --ranks 4 --fit "$tmp/pair.json" $sizes --slot-bytes 256K \
  --algorithm "$(echo $algorithms | tr ' ' ,)" >"$tmp/sim"
{
  "$RAILGAUGE" sim --fit "$tmp/pair.json"
  echo "#"
  echo "# algorithm, size in bytes, measured and predicted time in us, predicted / measured"
  for a in $algorithms; do
    awk -v a="$a" '/^# +size/ { for (i = 3; i <= NF; i++) if ($i == a) at = i - 1 }
      !/^#/ && NF > 1 { sub(/\*/, "", $at); print $1, $at }' "$tmp/sim" >"$tmp/predicted"
    "$RAILGAUGE" report --format csv "$tmp/four.json" | awk -F, -v a="$a" 'NR == 1 {
        for (i = 1; i <= NF; i++) { if ($i == "size_bytes") s = i; if ($i == "target") g = i
          if ($i == "median_ns" || $i == "time_ns") m = i }
        next } $g == "railgauge:" a { print $s, $m / 1000 }' |
      join - "$tmp/predicted" | awk -v a="$a" '{ printf "%-20s %9d %10.0f %10.0f %7.3f\n", a, $1, $2, $3, $3 / $2 }'
  done
} >"$beside/sim.txt"
cat "$beside/sim.txt"
