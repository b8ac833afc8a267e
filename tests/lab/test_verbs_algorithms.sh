#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# lab: endpoints=8 rails=2 seconds=150
#
# Algorithms over verbs-rc on Soft-RoCE: a sample for 2, 3, 4 and 8 endpoints, one rail and two, and
# with packets lost and reordered. Which ones is drawn from RG_TEST_SEED, else from the source's
# commit.
set -u
: "${builddir:?}" "${srcdir:=.}"
commit=$(git -C "$srcdir" rev-parse --short=7 HEAD 2>/dev/null || echo 1)
RG_TEST_SEED=${RG_TEST_SEED:-0x$commit}
RG_TEST_TRANSPORT=verbs-rc
export RG_TEST_TRANSPORT RG_TEST_SEED
echo "RG_TEST_SEED=$RG_TEST_SEED"
one='' two=''
for k in 1 2 3 4 5 6 7 8; do
  one="$one rxe${k}r1"
  two="$two rxe${k}r1,rxe${k}r2"
done

# PERCENT RANKS OPTIONS DEVICES
try() {
  echo "$2 ranks, \"$3\" on${4%% rxe2*}, ..."
  RG_TEST_SHARE=$1 RG_TEST_RANKS=$2 RG_TEST_VERBS=$3 RG_TEST_DEVICES=$4 \
    "$builddir/tests/coll/test_algorithms" || exit 1
}

try 20 "2 3" "" "$one"
try 10 "4" "--verbs.qps=2" "$two"
try 3 "8" "" "$one"
try 3 "4" "--verbs.notify=send" "$one"
lab-ctl link all delay=200us loss=1 reorder=25 || exit 99
try 4 "3" "--verbs.timeout=16ms" "$two"
