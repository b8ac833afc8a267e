# SPDX-License-Identifier: BSD-3-Clause
#
# For the tests with several hosts: read by them, not run. Hosts are network namespaces with an
# Ethernet between them, made here and taken away again: host K has eth0 with 10.99.0.K, whose other
# end pK is in a bridge in the namespace $id-sw; what leaves pK goes to host K, and can be shaped there.
# $hosts are their numbers, set before or 1 to 3.
. "${srcdir:-.}/tests/cmd/failures.sh"
id=rg$$
hosts=${hosts-1 2 3}

take_away() {
  for k in $hosts; do
    ip netns del "$id-$k" 2>/dev/null
  done
  ip netns del "$id-sw" 2>/dev/null
  rm -rf "$tmp"
}
trap take_away EXIT

[ "$(id -u)" = 0 ] && ip netns add "$id-sw" 2>/dev/null &&
  ip -n "$id-sw" link add name sw type bridge 2>/dev/null || {
  echo "skipped: network namespaces and bridges cannot be made here"
  exit 77
}
ip -n "$id-sw" link set sw up
for k in $hosts; do
  ip netns add "$id-$k"
  ip -n "$id-$k" link add name eth0 type veth peer name "p$k" netns "$id-sw"
  ip -n "$id-sw" link set "p$k" master sw up
  ip -n "$id-$k" addr add "10.99.0.$k/24" dev eth0
  ip -n "$id-$k" link set eth0 up
  ip -n "$id-$k" link set lo up
done

# job HOSTS... -- ARGUMENTS: one rank per host named, each in the background, its words in err.RANK.
# At most $limit seconds, 60 if it is not set. HOST@SECONDS: with a monotonic clock that is so many seconds ahead.
job() {
  rm -f "$tmp"/pid.* "$tmp"/err.* "$tmp"/out.* "$tmp"/status.*
  places=
  while [ "$1" != -- ]; do
    places="$places $1"
    shift
  done
  shift
  n=$(echo "$places" | wc -w)
  port=$((20000 + $$ % 20000))
  r=0
  for place in $places; do
    k=${place%@*}
    clock=
    [ "$k" = "$place" ] || clock="unshare -T --fork --kill-child=KILL --monotonic ${place#*@}"
    (
      export RANK=$r WORLD_SIZE=$n MASTER_ADDR=10.99.0.1 MASTER_PORT=$port
      export RG_JOB_SECRET=0123456789abcdef0123
      # shellcheck disable=SC2086
      ip netns exec "$id-$k" timeout -k 2 "${limit:-60}" $clock sh -c "$rank_sh" sh "$RAILGAUGE" "$@" \
        >"$tmp/out.$r" 2>"$tmp/err.$r"
      echo $? >"$tmp/status.$r"
    ) &
    r=$((r + 1))
  done
}

# every STATUS RANK...: these ranks end with it
every() {
  want=$1
  shift
  wait
  for r in "$@"; do
    [ "$(cat "$tmp/status.$r")" = "$want" ] || {
      echo "$test_name: rank $r: status $(cat "$tmp/status.$r"), not $want"
      head -n 5 "$tmp"/err.* "$tmp/out.0"
      exit 1
    }
  done
}

# names RANK PATTERN
names() {
  grep -q -- "$2" "$tmp/err.$1" && return
  echo "$test_name: rank $1 did not say: $2"
  cat "$tmp/err.$1"
  exit 1
}

# flat: the document doc.json on one line, so that objects can be looked for
flat() {
  tr -d ' \n' <"$tmp/doc.json"
}
