#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# Algorithms over verbs-rc and verbs-ud on made-up devices, which deliver in any order and lose
# datagrams: a sample, which RG_TEST_SEED draws.
# All of them: RG_FULL=1.
set -u
program=$builddir/tests/coll/fake_algorithms
[ -x "$program" ] || { echo "skip: built without libibverbs"; exit 77; }
RG_TEST_TRANSPORT=verbs-rc
RG_TEST_SHARE=${RG_FULL:+100}
RG_TEST_SHARE=${RG_TEST_SHARE:-15}
RG_TEST_RANKS="2 3 4 5 8"
export RG_TEST_TRANSPORT RG_TEST_SHARE RG_TEST_RANKS

# OPTIONS DEVICES ORDER
try() {
  echo "\"$1\" on \"$2\", $3"
  RG_TEST_VERBS=$1 RG_TEST_DEVICES=$2 RG_TEST_FAKE=$3 "$program" || exit 1
}

try "" "fake0 fake1 fake2 fake3" now
try "--verbs.qps=2" "fake0,fake1 fake2,fake3" "late shuffle"
try "--verbs.notify=write-counter --verbs.path-order=on" "fake0 fake1" late
try "--verbs.notify=send" "fake0 fake1" late

# What is lost is waited for.
RG_TEST_TRANSPORT=verbs-ud
RG_TEST_SHARE=${RG_FULL:+100}
RG_TEST_SHARE=${RG_TEST_SHARE:-5}
try "" "fake0 fake1 fake2 fake3" "lossy overtaking"
