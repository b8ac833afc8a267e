#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# usage, in the lab: posts.sh RAILGAUGE POSTS.SO [TARGET...]
#
# How long posts take (posts.c) while railgauge, and then Open MPI over libfabric, or what TARGETs say, do
# all-reduces of 8 B, or of the environment's SIZE and COLL, REPETITIONS (3000) of them and some to begin
# with, or with REPETITIONS=0 as many as go into 3 s, k of them back to back; and, with 8 B and 2 endpoints, one
# way of 2 B by perftest over reliable and unreliable connections and datagrams, which is what they
# take until the data are there. Three times.
set -u
rg=$1 so=$2
shift 2
[ $# -gt 0 ] || set -- railgauge mpi
ranks=$LAB_ENDPOINTS coll=${COLL:-allreduce} size=${SIZE:-8}
export FI_PROVIDER="verbs;ofi_rxm,ofi_rxm,verbs" FI_UNIVERSE_SIZE="$ranks"
export FI_OFI_RXM_RX_SIZE=256 FI_OFI_RXM_TX_SIZE=256 FI_OFI_RXM_MSG_RX_SIZE=128 FI_OFI_RXM_MSG_TX_SIZE=128
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
for i in 1 2 3; do
  for target; do
    echo "$target, $ranks ranks, of an $coll of $size B (us), and posts of each rank:"
    timeout 60 mpirun -np "$ranks" -x LD_PRELOAD="$so" --oversubscribe --mca pml cm --mca mtl ofi lab-rank "$rg" \
      bench "$coll" --transport verbs-rc --points "$size=$target" --buffers private --place out --no-calibrate \
      --counters none -c 0 -n "${REPETITIONS:-3000}" --budget 3s --precision 0.1 --no-samples 2>&1 |
      awk -v size="$size" '$1 == size { for (i = 1; i <= NF; i++) if ($i == "|") { print "  operation " $(i + 1); break } } / posts: / { print "  " $0 }'
  done
  [ "$size,$ranks" = 8,2 ] || continue
  for how in "ib_write_lat RC" "ib_write_lat UC" "ib_send_lat RC" "ib_send_lat UC" "ib_send_lat UD"; do
    ${how% *} -d rxe2r1 -x 1 -p 18900 -s 2 -n 2000 -c "${how#* }" >/dev/null 2>&1 &
    sleep 1
    ${how% *} -d rxe1r1 -x 1 -p 18900 -s 2 -n 2000 -c "${how#* }" 127.0.0.1 | awk -v how="$how" '$1 == 2 { print how ", 2 B: " $5 " us" }'
    wait
  done
done
