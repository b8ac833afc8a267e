#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# usage: measure.sh RAILGAUGE OUT [PART...]
#
# What stands beside this file: tunings with Open MPI on one machine of two cores and their proofs, proofs
# of the same files on both sides, decisions made of defaults and bad ones, and tunings beside exhaustive
# ones. Parts: gains four loop exhaustive defaults bad apart; all of them take about 80 minutes.
set -u
rg=$1 out=$2
shift 2
here=$(cd "$(dirname "$0")" && pwd)
[ $# -gt 0 ] || set -- gains four loop exhaustive defaults bad apart
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
mkdir -p "$out"

# shm: whatever Open MPI takes by itself within a node (btl vader); tcp: over loopback
launcher() {
  case $1 in
    shm-2) echo mpirun -np 2 ;;
    shm-4) echo mpirun -np 4 --oversubscribe ;;
    tcp-2) echo mpirun -np 2 --mca btl self,tcp --mca btl_tcp_if_include lo ;;
    tcp-4) echo mpirun -np 4 --oversubscribe --mca btl self,tcp --mca btl_tcp_if_include lo ;;
  esac
}

# said FILE COMMAND...: the command and what it prints, and its exit status, into FILE
said() {
  file=$1
  shift
  {
    echo "\$ railgauge $(echo "$*" | sed "s,$out/,,g")"
    "$rg" "$@" 2>"$file.err"
    echo "exit status $?"
  } | sed "s,$(cd "$out" && pwd)/,,g" >"$file"
}

gains() {
  for where in shm-2 shm-4 tcp-2 tcp-4; do
    # shellcheck disable=SC2046
    said "$out/$where.tune.txt" tune --fresh --out "$out/$where" --collectives allreduce,allgather -b 16 -e 64M \
      --budget 120s -- $(launcher $where)
    # shellcheck disable=SC2046
    said "$out/$where.proof.txt" prove "$out/$where" --json "$out/$where.proof.json" -- $(launcher $where)
  done
}

# 4 ranks on 2 cores, where a launch takes longer: one function and fewer sizes, and more time for them
four() {
  for what in 'shm-4 allreduce 16 1M 5m' 'shm-4 allgather 64K 16M 5m' 'tcp-4 allreduce 16K 64M 8m'; do
    # shellcheck disable=SC2086
    set -- $what
    folder=four-${1%-4}-$2
    # shellcheck disable=SC2046
    said "$out/$folder.tune.txt" tune --fresh --out "$out/$folder" --collectives $2 -b $3 -e $4 --budget $5 -- $(launcher $1)
    # shellcheck disable=SC2046
    said "$out/$folder.proof.txt" prove "$out/$folder" --json "$out/$folder.proof.json" -- $(launcher $1)
  done
}

# The loop of the tests, which is not railgauge: as a job would, without and with env.sh, in turns
loop() {
  for where in shm-2 tcp-2; do
    for i in 1 2 3 4 5; do
      # shellcheck disable=SC2046
      $(launcher $where) "$LOOP" 67108864 | sed "s/^/$where without /"
      # shellcheck disable=SC1090,SC2046
      (. "$out/$where/env.sh"; $(launcher $where) "$LOOP" 67108864) | sed "s/^/$where with /"
    done
  done >"$out/loop.txt" 2>&1
}

# Over TCP, where the default is far from the best at some sizes: 3 exhaustive tunings, which say what the
# optimum is, and 10 ordinary ones in between. All take the time that they want.
exhaustive() {
  n=0
  for i in 1 2 3; do
    for kind in exhaustive search search search search; do
      if [ $kind = exhaustive ]; then
        name=exhaustive-$i option=--exhaustive
      else
        [ $n -lt 10 ] || continue
        n=$((n + 1))
        name=search-$n option=
      fi
      # shellcheck disable=SC2046,SC2086
      "$rg" tune --fresh --out "$out/$name" --collectives allreduce -b 1K -e 1M $option -- $(launcher tcp-2) \
        >"$out/$name.txt" 2>&1
    done
  done
  python3 "$here/regret.py" "$out" >"$out/exhaustive.txt"
}

# edited KIND WHERE: decisions of that tuning, changed by hand, and their proof
edited() {
  python3 "$here/edit.py" "$1" "$out/$2/decisions.json" "$out/$1"
  "$rg" emit "$out/$1/decisions.json" >/dev/null
  # shellcheck disable=SC2046
  said "$out/$1.proof.txt" prove "$out/$1" -- $(launcher "$2")
}

defaults() {
  edited default shm-2
}

bad() {
  edited bad shm-4
}

apart() {
  python3 "$here/edit.py" small "$out/shm-2/decisions.json" "$out/small"
  "$rg" emit "$out/small/decisions.json" >/dev/null
  for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    "$rg" prove "$out/small" --same --budget 50ms -- mpirun -np 2 >"$out/apart-$i.txt" 2>&1
    echo "run $i: exit status $?: $(grep '^# Better' "$out/apart-$i.txt")"
  done >"$out/apart.txt"
}

for part; do
  $part
done
