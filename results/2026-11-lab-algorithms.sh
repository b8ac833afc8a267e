#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# usage: 2026-11-lab-algorithms.sh BUILD FILE [SECONDS]
#
# Every algorithm of every collective over verbs-rc, with each way to notify, and verbs-ud, for 2, 3, 4
# and 8 endpoints of the lab (docs/LAB.md), one rail and two, on links that lose 1 % of all packets and
# reorder a quarter: two sizes, two roots or all, in place and not, three operations of each; results are
# compared with exact ones. (Counters behind the data need one connection, so they have one rail, and
# verbs-ud uses one.)
#
# BUILD is railgauge's build folder, in which tests/coll/test_algorithms has been built. A line for each
# part that has been tried is added to FILE: how many algorithms, and what was wrong. Parts that FILE
# has are not tried again, so it can go on after SECONDS (150) in another call. Exit status: 0 all parts
# are there and right, 1 one is wrong, 2 there are parts left.
set -u
parts() {
  for how in verbs-rc,write-imm verbs-rc,send verbs-rc,write-counter verbs-ud; do
    for rails in 1 2; do
      case $how,$rails in verbs-rc,write-counter,2 | verbs-ud,2) continue ;; esac
      for ranks in 2 3 4 8; do
        for coll in allgather allreduce alltoall alltoallv barrier broadcast gather reduce \
          reducescatter scatter sendrecv; do
          echo "$how $rails $ranks $coll"
        done
      done
    done
  done
}

# had PART: is it in the file?
had() { grep -qs "^$1: " "$file"; }

dropped() {
  tc -s qdisc show | awk '/dropped/ { gsub(/[(,]/, ""); for (i = 1; i < NF; i++) if ($i == "dropped") n += $(i + 1) } END { print n + 0 }'
}

# try HOW RAILS RANKS COLL
try() {
  devices='' options="--verbs.timeout=16ms"
  for k in 1 2 3 4 5 6 7 8; do
    devices="$devices rxe${k}r1"
    [ "$2" = 1 ] || devices="$devices,rxe${k}r2"
  done
  case $1 in
    verbs-ud) options= ;;
    *) options="$options --verbs.notify=${1#*,}" ;;
  esac
  lost=$(dropped)
  read -r begin rest </proc/uptime
  RG_TEST_TRANSPORT=${1%,*} RG_TEST_VERBS=$options RG_TEST_DEVICES=$devices RG_TEST_RANKS=$3 RG_TEST_COLL=$4 \
    timeout 300 "$build/tests/coll/test_algorithms" >"$tmp" 2>&1 </dev/null
  status=$?
  read -r end rest </proc/uptime
  words="$(grep -c ', [0-9]* ranks$' "$tmp") algorithms right, $(($(dropped) - lost)) packets lost, $((${end%.*} - ${begin%.*})) s"
  [ $status -eq 0 ] || words="WRONG, exit status $status: $(grep -m 1 'ERROR: ' "$tmp"); $words"
  echo "$*: $words" >>"$file"
}

if [ "${1-}" = inside ]; then
  build=$2 file=$3 seconds=$4 tmp=/run/algorithms.log
  read -r began rest </proc/uptime
  parts | while read -r part; do
    read -r now rest </proc/uptime
    [ $((${now%.*} - ${began%.*})) -lt "$seconds" ] || break
    # shellcheck disable=SC2086 # its words
    had "$part" || try $part
  done
  exit
fi

here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "${1:?usage: 2026-11-lab-algorithms.sh BUILD FILE [SECONDS]}" && pwd) || exit 3
touch "${2:?to which file?}" || exit 3
file=$(cd "$(dirname "$2")" && pwd)/${2##*/} seconds=${3:-150}
"$here/../scripts/lab" --endpoints 8 --rails 2 --loss 1 --delay 200us --reorder 25 --limit $((seconds + 330)) \
  --write "${file%/*}" -- sh "$here/2026-11-lab-algorithms.sh" inside "$build" "$file" "$seconds" || exit 3
if grep -q ': WRONG' "$file"; then exit 1; fi
parts | while read -r part; do had "$part" || exit 2; done
