# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=sh
#
# For tests in the lab that use perftest: read by them, not run. Two calls at the same time need two
# ports, $port. What a call said is in $tmp/client.$port and $tmp/server.$port.
: "${LAB_ENDPOINTS:?this is not the lab}"
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
port=18515

fail() {
  echo "$*"
  tail -n 15 "$tmp"/client.* "$tmp"/server.* 2>/dev/null
  exit 1
}

# gid DEVICE: index of its entry for RoCE v2 and IPv4
gid() {
  grep -l 0000:ffff:0a00 "/sys/class/infiniband/$1/ports/1/gids"/* | sed 's,.*/,,;q'
}

# perftest PROGRAM FROM TO OPTION...: it between two devices; its exit status
perftest() {
  program=$1 from=$2 to=$3
  shift 3
  timeout 60 "$program" -d "$to" -x "$(gid "$to")" -p "$port" -F "$@" >"$tmp/server.$port" 2>&1 &
  server=$!
  i=0
  until grep -q "$(printf ':%04X .* 0A ' "$port")" /proc/net/tcp /proc/net/tcp6; do
    i=$((i + 1))
    [ $i -lt 200 ] || fail "$program does not start"
    sleep 0.05
  done
  timeout 60 "$program" -d "$from" -x "$(gid "$from")" -p "$port" -F "$@" 127.0.0.1 \
    >"$tmp/client.$port" 2>&1
  status=$?
  kill "$server" 2>/dev/null
  wait "$server" 2>/dev/null
  return $status
}

# column N: of perftest's last line of numbers
column() {
  awk -v n="$1" '$1 ~ /^[0-9]+$/ && NF > 3 { value = $n } END { print value + 0 }' "$tmp/client.$port"
}

# rate FROM TO OPTION...: Mbit/s of data on the average, in $mbps. The device has 64 packets under
# way, which a slow link holds for longer than perftest's timeout of 67 ms.
rate() {
  perftest ib_write_bw "$@" -s 65536 -u 17 --report_gbits || fail "ib_write_bw failed"
  mbps=$(column 4 | awk '{ print $1 * 1000 }')
}

# latency FROM TO OPTION...: half a round trip of 2 bytes, typically, in $us
latency() {
  perftest ib_write_lat "$@" -s 2 || fail "ib_write_lat failed"
  us=$(column 5)
}

# between VALUE LOW HIGH
between() {
  awk -v v="$1" -v low="$2" -v high="$3" 'BEGIN { exit !(v >= low && v <= high) }'
}

# counter DEVICE NAME
counter() {
  cat "/sys/class/infiniband/$1/ports/1/hw_counters/$2"
}
