#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# usage: inside.sh DIRECTORY
#
# The part of run-lab.sh that runs in the lab's machine: the tests listed in DIRECTORY/inside, each
# with its time limit, on links that are as they were at the start, and with nothing left of the test
# before. NAME.log has what it said, NAME.status its exit status and how many seconds it took.
set -u
out=$1
[ -r /run/lab/config ] && [ -e /sys/class/net/s1r1 ] || { echo "this is not the lab"; exit 2; }

# Processes that are neither the kernel's, nor the machine's first one, nor this one. Of a process
# that has ended there are no words.
remaining() {
  : >/run/remaining
  for process in /proc/[0-9]*; do
    case ${process#/proc/} in 1 | "$$") continue ;; esac
    words=
    read -r words 2>/dev/null <"$process/cmdline"
    [ -z "$words" ] || echo "${process#/proc/} $words" >>/run/remaining
  done
  [ -s /run/remaining ]
}

while read -r name seconds endpoints rails test; do
  read -r begin rest </proc/uptime
  LAB_ENDPOINTS=$endpoints LAB_RAILS=$rails \
    timeout -k 5 "$seconds" sh "$test" >"$out/$name.log" 2>&1 </dev/null
  status=$?
  read -r end rest </proc/uptime
  [ $status -ne 124 ] || echo "the time limit of $seconds s has passed" >>"$out/$name.log"
  # Launchers take a moment to end.
  i=0
  while remaining && [ $i -lt 30 ]; do
    i=$((i + 1))
    sleep 0.1
  done
  if [ -s /run/remaining ]; then
    if [ $status -eq 0 ] || [ $status -eq 77 ]; then status=98; fi
    { echo "left behind:"; cat /run/remaining; } >>"$out/$name.log"
    while read -r process words; do
      kill -9 "$process"
    done </run/remaining
  fi
  lab-ctl reset || status=99
  echo "$status $((${end%.*} - ${begin%.*}))" >"$out/$name.status"
done <"$out/inside"
