#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# usage: fake_launcher.sh FOLDER PROGRAM bench COLLECTIVE ... --points POINTS ...
#
# A launcher for the tests of drivers, in which nothing is measured: it prints a result document with
# the times that FOLDER/without says, or FOLDER/with where the environment names a file of rules
# (lines of SIZE NS, other sizes take 1000 ns and one for each byte; and of "* FACTOR TARGET" for a
# target that takes so many times as long; a factor near 1 goes round, so that launches differ). With
# a poisoned file it fails as Open MPI does, unless there is FOLDER/ignorant. FOLDER/all has the
# targets, with commas between, that "all" stands for; FOLDER/rules, if it is there, the rules that the
# job goes by whatever the environment says. FOLDER/log gets a line per launch, and
# FOLDER/then, if it is there, is sourced first.
folder=$1
shift
rules=${OMPI_MCA_coll_tuned_dynamic_rules_filename-}
for word; do
  [ "${last-}" != --points ] || points=$word
  [ "${last-}" != bench ] || collective=$word
  [ "$word" != bench ] || bench=yes
  last=$word
done
if [ -z "${bench-}" ]; then # another program: on two hosts
  echo "program $1" >>"$folder/log"
  "$@" && [ ! -e "$folder/blind" ] || { echo "railgauge bench: ${FAKE_HOST2-}: blind" >&2; exit 3; }
  exit 0
fi
[ ! -e "$folder/rules" ] || has=$(cat "$folder/rules")
side=without
[ -z "$rules" ] || side=with
case $rules in */.poison-*) side=poisoned ;; esac
echo "$side $collective $points" >>"$folder/log"
[ ! -e "$folder/then" ] || . "$folder/then"
if [ $side = poisoned ]; then
  if [ ! -e "$folder/ignorant" ]; then
    echo "railgauge bench: rank 0 (here): MPI's collective failed: MPI_ERR_ARG: invalid argument" >&2
    exit 3
  fi
  side=with
fi
exec awk -v points="$points" -v collective="$collective" -v n="$(wc -l <"$folder/log")" \
  -v nranks="${FAKE_RANKS:-2}" -v library="${FAKE_LIBRARY:-Open MPI v4.1.4, package: made up}" \
  -v host="${FAKE_HOST:-node1}" -v host2="${FAKE_HOST2-}" -v all="$(cat "$folder/all" 2>/dev/null)" \
  -v rules="${has-${rules:-none}}" '
  function bytes(text) {
    return text * (text ~ /K$/ ? 1024 : text ~ /M$/ ? 1048576 : text ~ /G$/ ? 1073741824 : 1)
  }
  function machine(name) {
    printf "{\"host\": \"%s\", \"kernel\": \"Linux\", \"cpu\": \"A CPU\", ", name
    printf "\"packages\": 1, \"cores\": 2, \"threads\": 2, \"numa_nodes\": 1, \"l1d_bytes\": 0, "
    printf "\"l2_bytes\": 0, \"llc_bytes\": 0, \"memory_bytes\": 0, \"topo_hash\": null, "
    printf "\"governor\": null, \"clocksource\": \"tsc\", \"thp\": \"never\"}"
  }
  function print_point(size, target, t) {
    printf "%s{\"collective\": \"%s\", \"size_bytes\": %d, \"count\": %d, ", (printed++ ? ", " : ""), \
      collective, size, size / 4
    printf "\"type\": \"float\", \"op\": \"sum\", \"root\": 0, \"root_rotates\": false, "
    printf "\"in_place\": false, \"target\": \"%s\", \"buffers\": \"private\", ", target
    printf "\"persistent\": false, \"cache\": \"warm\", \"algorithm\": null, \"protocol\": null, "
    printf "\"transport\": null, \"channels\": 0, \"note\": null, \"ops\": 1, \"n\": 20, "
    printf "\"invalid\": 0, \"stop\": \"fixed\", \"median_ns\": %.9g, \"lo_ns\": %.9g, ", t, t
    printf "\"hi_ns\": %.9g, \"p99_ns\": %.9g, \"min_ns\": %.9g, \"algbw_Bps\": %.9g, ", \
      t, t, t, size / t * 1e9
    printf "\"busbw_Bps\": %.9g, \"bound_ns\": null, \"bound_name\": null, ", size / t * 1e9 * bus
    printf "\"fraction\": null, \"checked\": 0, \"wrong\": 0, \"samples\": null, "
    printf "\"rank_samples\": null}"
  }
  $1 == "*" { scale[$3] = $2; next }
  { ns[$1] = $2 }
  END {
    factor = 1 + (n * 7 % 5 - 2) / 500
    printf "{\"schema\": \"railgauge-result\", \"schema_version\": 1, \"complete\": true, "
    printf "\"version\": \"0.1.0\", \"build\": \"0\", \"started\": \"2026-11-23T21:03:00Z\", "
    printf "\"finished\": \"2026-11-23T21:04:30Z\", \"args\": [\"bench\"], \"config\": [], "
    printf "\"run\": {\"nranks\": %d, \"rendezvous\": \"openmpi\", \"mpi\": \"%s\", ", nranks, library
    printf "\"rules\": \"%s\", ", rules
    printf "\"isa\": \"avx2\", \"start\": \"clock\", \"seed\": 1, \"timer_cost_ns\": 20, "
    printf "\"start_skew_ns\": 80, \"memory\": \"host\", \"align_bytes\": 4096}, "
    printf "\"machines\": ["
    machine(host)
    if (host2) {
      printf ", "
      machine(host2)
    }
    printf "], \"ranks\": ["
    for (r = 0; r < nranks; r++)
      printf "%s{\"host\": \"%s\", \"pid\": %d, \"cpus\": \"%d\", \"numa_node\": 0}", \
        (r ? ", " : ""), (host2 && r ? host2 : host), 1000 + r, r
    printf "], \"warnings\": [], \"calibration\": null, \"points\": ["
    bus = collective == "broadcast" ? 1 : (nranks - 1) / nranks
    bus *= collective == "allreduce" ? 2 : 1
    npoints = split(points, point, ";")
    for (i = 1; i <= npoints; i++) {
      split(point[i], part, "=")
      size = bytes(part[1])
      sub(/[a-z-]+:all$/, all, part[2])
      ntargets = split(part[2], target, ",")
      for (k = 1; k <= ntargets; k++) {
        t = part[1] in ns ? ns[part[1]] : 1000 + size
        print_point(size, target[k], t * factor * (target[k] in scale ? scale[target[k]] : 1))
      }
    }
    print "]}"
  }' "$folder/$side"
