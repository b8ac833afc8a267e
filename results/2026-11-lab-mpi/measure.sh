#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# usage: measure.sh BUILD OUT [LAUNCHES [RANKS...]]
#
# All-reduce, all-to-all and all-gather of railgauge over verbs-rc beside Open MPI over libfabric's verbs,
# with 2 and 4 endpoints of the lab (docs/LAB.md), on the same Soft-RoCE devices; a machine for each
# number of endpoints. In it:
#
#   1. all algorithms of railgauge, of which the fastest one at each size is taken on
#      (RANKS-COLLECTIVE-all.csv);
#   2. LAUNCHES (3) launches of those beside MPI's, in turns at each size (RANKS-COLLECTIVE-LAUNCH.csv),
#      and of bare queue pairs: railgauge pairs, both ways at once, all disjoint pairs of ranks at
#      once, writes with immediate data, 8 messages under way (RANKS-pairs-LAUNCH.csv).
#
# BUILD is railgauge's build folder; OUT is made, and gets all that and, in table.txt, a line for each
# point: size; the algorithm; medians of both over the launches, in us; MPI's time / railgauge's, the
# median, least and greatest of the launches; and MPI's time / what bare queue pairs took in the same
# launch for p - 1 exchanges of a block, of all-reduce for the cheaper of log2(p) exchanges of all and
# 2 (p - 1) of a p-th, each cut into messages of the size that these are fastest with. SIZES replaces the
# sizes (in bytes, at least a byte for each rank), BUDGET the time of a size (700ms), LIMIT that of a lab
# (900 seconds). Exit status 1 if a lab failed.
#
# usage, in the lab: measure.sh inside RAILGAUGE OUT LAUNCHES
set -eu
sizes=${SIZES:-8 64 512 4096 32768 262144 1048576}

# of_csv FILE COLUMN...: these columns, a line for each row; empty ones as "-"
of_csv() {
  csv=$1
  shift
  awk -F, -v names="$*" '
    { sub(/\r$/, "") }
    NR == 1 {
      for (i = 1; i <= NF; i++) at[$i] = i
      n = split(names, name, " ")
      for (i = 1; i <= n; i++) if (!(name[i] in at)) exit 1
      next
    }
    { for (i = 1; i <= n; i++) printf "%s%s", ($at[name[i]] == "" ? "-" : $at[name[i]]), i < n ? " " : "\n" }' "$csv"
}

# bench COLLECTIVE POINTS FILE OPTION...
bench() {
  coll=$1 points=$2 name=$3 type=uint8
  shift 3
  [ "$coll" != allreduce ] || type=float # what is not reduced has blocks of any length
  rm -f "$out/$name.csv"
  timeout 150 mpirun -np "$ranks" --oversubscribe --mca pml cm --mca mtl ofi lab-rank "$rg" bench "$coll" -d $type \
    --transport verbs-rc --points "$points" --buffers private --place out --no-calibrate --counters none \
    --budget "${BUDGET:-700ms}" --timeout 60s --csv "$out/$name.csv" "$@" >"$out/$name.txt" 2>&1 ||
    echo "$name: exit status $?: $(tail -n 1 "$out/$name.txt")"
}

if [ "${1-}" = inside ]; then
  rg=$2 out=$3 launches=$4 ranks=$LAB_ENDPOINTS
  # libfabric's defaults ask for more than Soft-RoCE's completion queues hold.
  export FI_PROVIDER="verbs;ofi_rxm,ofi_rxm,verbs" FI_UNIVERSE_SIZE="$ranks"
  export FI_OFI_RXM_RX_SIZE=256 FI_OFI_RXM_TX_SIZE=256 FI_OFI_RXM_MSG_RX_SIZE=128 FI_OFI_RXM_MSG_TX_SIZE=128
  export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
  messages=$(for size in $sizes; do echo "$size"; echo $((size / ranks)); done | sort -nu | paste -sd, -)
  for coll in allreduce alltoall allgather; do
    bench $coll "$(for size in $sizes; do printf '%s' "$size=railgauge:all;"; done | sed 's/;$//')" \
      "$ranks-$coll-all" --race --no-samples
  done
  i=1
  while [ $i -le "$launches" ]; do
    rm -f "$out/$ranks-pairs-$i.csv"
    "$rg" run -n "$ranks" -- lab-rank "$rg" pairs --transport verbs --counters none --test bidirectional \
      --op write-imm -t 8 -w 8 -D 100ms -s "$messages" --csv "$out/$ranks-pairs-$i.csv" >"$out/$ranks-pairs-$i.txt" 2>&1 ||
      echo "$ranks-pairs-$i: exit status $?: $(tail -n 1 "$out/$ranks-pairs-$i.txt")"
    for coll in allreduce alltoall allgather; do
      points=$(of_csv "$out/$ranks-$coll-all.csv" size_bytes median_ns algorithm protocol | awk '
        $2 > 0 && (!($1 in least) || $2 < least[$1]) { least[$1] = $2; best[$1] = $3 ":" $4 }
        END { for (size in best) print size "=railgauge:" best[size] ",mpi" }' | sort -n | paste -sd';' -)
      bench $coll "$points" "$ranks-$coll-$i"
    done
    i=$((i + 1))
  done
  exit 0
fi

here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
build=$(cd "$1" && pwd)
mkdir -p "$2"
out=$(cd "$2" && pwd)
launches=${3:-3}
shift 2
[ $# -eq 0 ] || shift
[ $# -gt 0 ] || set -- 2 4
status=0
for ranks; do
  "$top/scripts/lab" --endpoints "$ranks" --limit "${LIMIT:-900}" --write "$out" -- \
    sh "$here/measure.sh" inside "$build/src/railgauge" "$out" "$launches" || status=1
done
printf '    $ measure.sh BUILD OUT %s %s\n\n' "$launches" "$*" >"$out/table.txt"
for ranks; do
  for coll in pairs allreduce alltoall allgather; do
    columns="size_bytes target algorithm protocol median_ns"
    [ $coll != pairs ] || columns="size_bytes time_ns messages"
    i=0
    while [ $i -lt "$launches" ]; do
      i=$((i + 1))
      [ -s "$out/$ranks-$coll-$i.csv" ] || continue
      # shellcheck disable=SC2086 # they are words
      of_csv "$out/$ranks-$coll-$i.csv" $columns | sed "s/^/$coll $i /"
    done
  done | awk -v p="$ranks" -f "$here/table.awk" >>"$out/table.txt"
done
cat "$out/table.txt"
exit $status
