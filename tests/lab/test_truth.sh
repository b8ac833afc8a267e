#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# lab: endpoints=2 seconds=180
#
# What railgauge measures is what the links are: the rate that they are shaped to, less headers, within
# 3 %; differences of the delays that are added within 5 %; and each delay within 5 % of what perftest
# measures in turns with it.
#
# The rates are such as this machine carries, at most a quarter and an eighth of what goes over a link
# without limit. A machine that others hold up is late with packets, and its links are not what they are
# told to be; so what is wrong is held against perftest: if that is as far off, it is the machine, and the
# test is skipped. With RG_FULL=1, for results/2026-11-lab-truth.txt, they are 50, 100 and 200 Mbit/s, the
# delays 0, 0.5, 1 and 5 ms, all of them in several rounds (ROUNDS, 5), whose medians count.
set -u
: "${RAILGAUGE:?}"
. "${srcdir:=.}/tests/lab/perftest.sh"
full=${RG_FULL:-} rounds=1 delays="1000us 5000us" wrong=0 held_up=''
[ -z "$full" ] || { rounds=${ROUNDS:-5} delays="0 500us 1000us 5000us"; }

# both WORD...: of the ways to the two endpoints
both() {
  lab-ctl link 1.1 "$@" && lab-ctl link 2.1 "$@" || exit 99
}

# pingpong OPTION...: railgauge's between endpoints 1 and 2, table in $tmp/csv
pingpong() {
  timeout 120 "$RAILGAUGE" run -n 2 -- lab-rank "$RAILGAUGE" pingpong --transport verbs --csv "$tmp/csv" \
    "$@" >"$tmp/client.railgauge" 2>&1 || fail "pingpong $*: status $?"
}

# csv NAME: that column of each line
csv() {
  awk -F, -v name="$1" '
    { sub(/\r$/, "") }
    NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
    { print $at[name] }' "$tmp/csv"
}

median() { # of standard input
  sort -g | awk '{ v[NR] = $1 } END { m = int((NR + 1) / 2); print NR % 2 ? v[m] : (v[m] + v[m + 1]) / 2 }'
}

# each_round COMMAND...: it with the number of each round behind
each_round() {
  round=1
  while [ $round -le "$rounds" ]; do
    "$@" $round
    round=$((round + 1))
  done
}

# good COMMAND...: it is so; of three tries, since the machine may be held up for a moment. Else it is
# wrong, if perftest was right meanwhile ($judge).
good() {
  for try in 1 2 3; do
    judge=right
    "$@" && return
    [ -z "$full" ] || break
  done
  if [ $judge = right ]; then
    wrong=$((wrong + 1))
  else
    held_up="$held_up, $*"
  fi
}

# is_near VALUE WANTED SHARE WORDS: says it; is it?
is_near() {
  awk -v v="$1" -v want="$2" -v share="$3" -v words="$4" 'BEGIN {
    far = v < want * (1 - share) || v > want * (1 + share)
    printf "%s: %.4f of what it has to be%s\n", words, v / want, far ? ", too far" : ""
    exit far }'
}

# --- rates, of the way to each of the two endpoints ---

# As many messages as go in a second: a batch, at whose beginning the link may have saved 20 ms.
one_rate() { # MBIT ROUND
  pingpong --test bandwidth -s 64K -n $(($1 * 1000000 / 8 / 65536)) -w 8 -t 8 --verbs.timeout 1s
  csv rate_Bps >>"$tmp/rates"
}

is_rate() { # MBIT
  both rate="$1mbit"
  : >"$tmp/rates"
  each_round one_rate "$1"
  [ -z "$full" ] || awk -v mbit="$1" '{ printf "%s Mbit/s: %.2f Mbit/s of data\n", mbit, $1 * 8 / 1e6 }' "$tmp/rates"
  # 64 KiB are 16 packets of 4096 B, each with Ethernet 14, IPv4 20, UDP 8, BTH 12, ICRC 4, the first
  # with RETH 16: what the queue counts.
  Bps=$(awk -v mbit="$1" 'BEGIN { print mbit * 125000 * 65536 / (16 * (4096 + 58) + 16) }')
  is_near "$(median <"$tmp/rates")" "$Bps" 0.03 "link of $1 Mbit/s" && return
  rate rxe1r1 rxe2r1 -n $(($1 * 1000000 / 8 / 65536))
  is_near "$(awk -v v="$mbps" 'BEGIN { print v * 125000 }')" "$Bps" 0.03 "to perftest" || judge=wrong
  return 1
}

pingpong --test bandwidth -s 64K -D 400ms -t 8
unshaped=$(csv rate_Bps | sort -g | awk 'NR == 1 { printf "%d", $1 * 8 / 1e6 }')
echo "without limit: $unshaped Mbit/s"
mbit=$((unshaped / 4))
[ $mbit -le 50 ] || mbit=50
rates="$mbit $((mbit / 2))"
[ -z "$full" ] || rates="50 100 200"
skipped=
for mbit in $rates; do
  # A machine that is slower than that by itself is no measure.
  if [ "$mbit" -lt 5 ] || [ $((mbit * 3 / 2)) -gt "$unshaped" ]; then
    skipped="$skipped $mbit"
  else
    good is_rate "$mbit"
  fi
done
both rate=none

# --- delays, of each way, so half a round trip's ---

one_delay() { # DELAY ROUND
  turn="ours theirs"
  [ $(($2 % 2)) = 1 ] || turn="theirs ours"
  for who in $turn; do
    if [ $who = ours ]; then
      pingpong --test latency -s 2 -n 60 -w 8
      us=$(csv median_ns | awk 'NR == 1 { print $1 / 1000 }')
    else
      latency rxe1r1 rxe2r1 -n 60
    fi
    [ -z "$full" ] || echo "$1 added, $who: $us us"
    echo "$us" >>"$tmp/$who.$1"
  done
}

# is_more PROGRAM WORDS: is the delay $added more than $other by what was added?
is_more() {
  more=$(awk -v a="$(median <"$tmp/$1.$added")" -v b="$(median <"$tmp/$1.$other")" 'BEGIN { print a - b }')
  is_near "$more" $((${added%us} - ${other%us})) 0.05 "$2"
}

are_delays() {
  before='' is=0
  for added in $delays; do
    : >"$tmp/ours.$added"
    : >"$tmp/theirs.$added"
    both delay="$added"
    each_round one_delay "$added"
    ours=$(median <"$tmp/ours.$added") theirs=$(median <"$tmp/theirs.$added")
    echo "$added added: railgauge $ours us, perftest $theirs us"
    if [ "$added" != 0 ]; then
      is_near "$ours" "$theirs" 0.05 "$added, beside perftest" || is=1
      # From nothing to something the timer itself is added.
      for other in $before; do
        is_more ours "from $other to $added" || is=1
        is_more theirs "to perftest" || judge=wrong
      done
      before="$before $added"
    fi
  done
  both delay=0
  return $is
}
good are_delays

[ $wrong -eq 0 ] || fail "$wrong of the above are wrong"
[ -z "$held_up" ] || { echo "this machine is held up by others; perftest is as far off: ${held_up#, }"; exit 77; }
[ -z "$skipped" ] || { echo "no rates of$skipped Mbit/s: the machine carries only $unshaped"; exit 77; }
