#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# usage: measure.sh BUILD OUT [LAUNCHES [RANKS...]]
#
# All-reduce, all-to-all and all-gather of railgauge over verbs-rc beside Open MPI over libfabric's verbs,
# with 2 and 4 endpoints of the lab (docs/LAB.md), on the same Soft-RoCE devices: one machine for each
# number of endpoints, in it LAUNCHES (3) rounds of a launch per collective. Both targets are in one launch
# and take turns at each size. BUILD is railgauge's build folder; OUT is made, and gets each launch's
# document, what it printed, and a summary per collective. SIZES and BUDGET (of a size) replace what is
# measured. A launch takes some 15 s on an idle machine, and says little on a busy one.
#
# usage, in the lab: [RANKS=2] measure.sh inside RAILGAUGE OUT LAUNCHES
set -eu
if [ "${1-}" = inside ]; then
  rg=$2 out=$3 launches=$4 ranks=${RANKS:-$LAB_ENDPOINTS}
  # libfabric's defaults ask for more than Soft-RoCE's completion queues hold.
  export FI_PROVIDER="verbs;ofi_rxm,ofi_rxm,verbs" FI_UNIVERSE_SIZE="$ranks"
  export FI_OFI_RXM_RX_SIZE=256 FI_OFI_RXM_TX_SIZE=256 FI_OFI_RXM_MSG_RX_SIZE=128 FI_OFI_RXM_MSG_TX_SIZE=128
  export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
  points=
  for size in ${SIZES:-8 64 512 4K 32K 256K 1M}; do
    points="$points${points:+;}$size=railgauge,mpi"
  done
  i=1
  while [ $i -le "$launches" ]; do
    for coll in allreduce alltoall allgather; do
      name=$ranks-endpoints-$coll-$i type=uint8
      [ $coll != allreduce ] || type=float # what is not reduced has blocks of any length
      timeout 120 mpirun -np "$ranks" --oversubscribe --mca pml cm --mca mtl ofi lab-rank "$rg" bench $coll -d $type \
        --transport verbs-rc --points "$points" --buffers private --place out --no-calibrate --counters none \
        --budget "${BUDGET:-700ms}" --timeout 60s --json "$out/$name.json" >"$out/$name.txt" 2>&1 ||
        echo "$name: exit status $?: $(tail -n 1 "$out/$name.txt")"
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
for ranks; do
  "$top/scripts/lab" --endpoints "$ranks" --limit "${LIMIT:-600}" --write "$out" -- \
    sh "$here/measure.sh" inside "$build/src/railgauge" "$out" "$launches"
  for coll in allreduce alltoall allgather; do
    "$build/src/railgauge" report "$out/$ranks-endpoints-$coll"-*.json >"$out/$ranks-endpoints-$coll.txt" ||
      echo "$ranks endpoints, $coll: no summary"
  done
done
