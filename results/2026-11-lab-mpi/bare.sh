#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# usage, in the lab with 2 endpoints: bare.sh RAILGAUGE [ROUNDS]
#
# What Soft-RoCE can do at 1 MiB: the exchange of half of it, 512 KiB each way at once, by each
# operation of bare queue pairs (railgauge pairs, 8 messages under way, the same buffers over and over,
# so that these stay in the caches), and by unreliable connections beside reliable ones (ib_write_bw,
# both ways); and Open MPI's all-gather and all-to-all of 1 MiB, which is that exchange. ROUNDS (8) times,
# one after the other. Prints a line per measurement (ROUND WHAT MESSAGE-SIZE us), and at the end the
# least of each over the rounds, since whatever else happens makes it longer, its median, and MPI's least
# time / the least of any operation of bare queue pairs.
set -eu
rg=${1:?usage: bare.sh RAILGAUGE [ROUNDS]} rounds=${2:-8} half=524288
[ "${LAB_ENDPOINTS:?this is not the lab}" = 2 ] || { echo "bare.sh: needs 2 endpoints" >&2; exit 2; }
export FI_PROVIDER="verbs;ofi_rxm,ofi_rxm,verbs" FI_UNIVERSE_SIZE=2
export FI_OFI_RXM_RX_SIZE=256 FI_OFI_RXM_TX_SIZE=256 FI_OFI_RXM_MSG_RX_SIZE=128 FI_OFI_RXM_MSG_TX_SIZE=128
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# columns FILE NAMES...: these columns of a CSV
columns() {
  file=$1
  shift
  awk -F, -v names="$*" '
    { sub(/\r$/, "") }
    NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; n = split(names, name, " "); next }
    { for (i = 1; i <= n; i++) printf "%s%s", $at[name[i]], i < n ? " " : "\n" }' "$file"
}

mpi() { # COLLECTIVE
  rm -f "$tmp/csv"
  mpirun -np 2 --oversubscribe --mca pml cm --mca mtl ofi lab-rank "$rg" bench "$1" -d uint8 -b 1M -e 1M \
    --target mpi --buffers private --place out --no-calibrate --counters none --budget 1s --csv "$tmp/csv" \
    >"$tmp/log" 2>&1 </dev/null || true # some of them end in a segmentation fault of MPI_Finalize
  [ -s "$tmp/csv" ] || { cat "$tmp/log" >&2; exit 1; }
  columns "$tmp/csv" median_ns | awk -v r="$round" -v what="mpi:$1" '{ print r, what, 1048576, $1 / 1e3 }'
}

bare() { # OP
  rm -f "$tmp/csv"
  "$rg" run -n 2 -- lab-rank "$rg" pairs --transport verbs --counters none --test bidirectional --op "$1" \
    -t 8 -w 8 -D 300ms -s 64K,128K,256K,512K --csv "$tmp/csv" >"$tmp/log" 2>&1 || { cat "$tmp/log" >&2; exit 1; }
  columns "$tmp/csv" size_bytes time_ns messages |
    awk -v r="$round" -v what="bare:$1" -v half=$half '{ print r, what, $1, $2 / $3 / 1e3 * half / $1 }'
}

perftest() { # CONNECTION
  ib_write_bw -d rxe2r1 -x 1 -p 18700 -c "$1" -b -s $half -n 200 -t 8 -u 18 -N --report_gbits >"$tmp/server" 2>&1 &
  tries=0
  until ib_write_bw -d rxe1r1 -x 1 -p 18700 -c "$1" -b -s $half -n 200 -t 8 -u 18 -N --report_gbits 127.0.0.1 \
    >"$tmp/log" 2>&1; do
    tries=$((tries + 1))
    kill -0 $! 2>/dev/null && [ $tries -lt 60 ] || { cat "$tmp/log" >&2; exit 1; }
    sleep 0.2 # it does not listen yet
  done
  wait $!
  # The rate of both ways together.
  awk -v r="$round" -v what="perftest:$1" -v half=$half '/^ *[0-9]+ +[0-9]/ { print r, what, half, 2 * half * 8 / $4 / 1e3 }' \
    "$tmp/log"
}

round=1
: >"$tmp/lines"
while [ "$round" -le "$rounds" ]; do
  for coll in allgather alltoall; do mpi $coll; done
  for op in write write-imm send read; do bare $op; done
  for connection in RC UC; do perftest $connection; done
  round=$((round + 1))
done >>"$tmp/lines"
cat "$tmp/lines"
awk '
function median(v, n,   i, j, t) {
  for (i = 2; i <= n; i++) for (j = i; j > 1 && v[j - 1] > v[j]; j--) { t = v[j]; v[j] = v[j - 1]; v[j - 1] = t }
  return n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
}
{
  key = $2 " " $3
  if (!(key in n)) order[++keys] = key
  value[key, ++n[key]] = $4
  if (!(key in least) || $4 < least[key]) least[key] = $4
  if ($2 ~ /^bare/ && (!bare || $4 < bare)) bare = $4
}
END {
  print "# least and median, us"
  for (k = 1; k <= keys; k++) {
    for (i = 1; i <= n[order[k]]; i++) v[i] = value[order[k], i]
    printf "# %-22s %8.0f %8.0f\n", order[k], least[order[k]], median(v, n[order[k]])
  }
  for (k = 1; k <= 2; k++)
    printf "# %s / the least of bare queue pairs: %.2f\n", order[k], least[order[k]] / bare
}' "$tmp/lines"
