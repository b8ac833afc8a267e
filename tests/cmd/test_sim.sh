#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# railgauge sim: tables as recorded, the document beside them, fits, and refusals.
# RG_UPDATE=1 writes the goldens anew (look at the difference before you commit it).
set -u
. "${srcdir:-.}/tests/cmd/command.sh"
here=$srcdir/tests/cmd/sim
case $here in /*) ;; *) here=$PWD/$here ;; esac
cp "$here/sendrecv.json" "$tmp" && cd "$tmp" || exit 99
# The same with its second rank on the other host.
awk '/"host": "node1"/ && ++n == 3 { sub("node1", "node2") } 1' sendrecv.json >far.json

links="--latency 2us --overhead 300ns --gap 250ns --bandwidth 20"
near="--local-latency 300ns --local-overhead 40ns --local-gap 30ns --local-bandwidth 100"

# golden NAME ARGUMENTS...: standard output is sim/NAME
golden() {
  name=$1
  shift
  run 0 sim "$@"
  printed "$*"
  if [ "${RG_UPDATE:-0}" = 1 ]; then
    cp out "$here/$name"
  elif ! diff "$here/$name" out; then
    fail "railgauge sim $*: not as in sim/$name"
  fi
}

golden allreduce.table allreduce --ranks 16 $links -e 1M -f 8 --algorithm \
  ring,recursive_doubling,rabenseifner
golden nodes.table alltoall --layout 3x8,1x4 $links $near -b 1K -e 64M -f 16 --algorithm \
  pairwise,linear,bruck
golden processor.table allreduce --ranks 8 --ranks-per-node 8 $near -b 64K -e 16M -f 16 \
  --algorithm ring,rabenseifner --channels 2 --copy-bandwidth 10 --reduce-bandwidth 8 -d half \
  --in-place --slots 16 --slot-bytes 64K
golden word.table broadcast --ranks 12 $links -e 4K -f 4 --algorithm binomial --protocol word -r 3
golden fit.table --local-fit sendrecv.json
golden fitted.table allreduce --ranks 16 --fit far.json --fit-target mpi --overhead 1us -b 1K -e 1M -f 8 \
  --algorithm ring,recursive_doubling

# Which of the document's times are fitted: parameters of the series as it was made.
fitted() {
  line=$1
  shift
  run 0 sim "$@"
  grep -qxF "# $line" out || fail "sim $*: no line \"$line\""
}
fitted "between nodes: latency 10 us, overhead 0 us, gap 0 us, 0.9999 GB/s" --fit far.json \
  --fit-target mpi
fitted "between nodes: latency 8.005 us, overhead 1 us, gap 0 us, 0.9999 GB/s" --fit far.json \
  --fit-target mpi --overhead 1us
fitted "within a node: latency 10 us, overhead 0 us, gap 0 us, 0.9999 GB/s" --local-fit sendrecv.json --fit-target mpi

# All rows, with ranks that are no power of two, on nodes that differ.
for coll in $("$RAILGAUGE" algorithms | sed -n 's/^\([a-z]*\)$/\1/p'); do
  run 0 sim "$coll" --layout 2x3,1x5 $links $near -b 4K -e 64K -f 16
  printed "$coll"
  grep -q '^ *[0-9]* .*\*' out || fail "$coll: no line with a least time"
done

# The document has the numbers of the table.
if command -v python3 >/dev/null 2>&1; then
  run 0 sim allgather --ranks 66 $links -b 64K -e 1M -f 4 --format json
  cp out allgather.json
  run 0 sim allgather --ranks 66 $links -b 64K -e 1M -f 4
  python3 - allgather.json out <<'PYTHON' || fail "document and table differ"
import json, sys
doc = json.load(open(sys.argv[1]))
rows = [l.split() for l in open(sys.argv[2]) if not l.startswith("#")]
head = [l.split() for l in open(sys.argv[2]) if l.startswith("#       size")][0][2:]
times = {(p["size_bytes"], p["algorithm"]): p["time_ns"] for p in doc["points"]}
assert doc["schema"] == "railgauge-sim" and doc["ranks"] == 66 and doc["nodes"] == 66
assert len(times) == len(rows) * len(head) > 4
for row in rows:
    for name, cell in zip(head, row[1:]):
        t = times[int(row[0]), name] / 1000
        assert abs(float(cell.lstrip("*")) - t) <= 5.1e-4 * t, (row, name, t)
assert {r["algorithm"] for r in doc["refused"]} >= {"pull", "direct"}
assert doc["links"]["node"] is None and doc["links"]["network"]["byte_s"] == 5e-11
for p in doc["points"]:
    assert p["messages"] > 0 and p["node_bytes"] == 0
    assert p["network_bytes"] == 65 * p["size_bytes"]
PYTHON
fi

# Of an all-to-all-v: equal blocks take what they take in an all-to-all; one block L + 2 o + (k - 1) G.
for coll in alltoall alltoallv; do
  run 0 sim $coll --layout 2x3,1x5 $links $near -b 4K -e 256K -f 8 --algorithm \
    pairwise,linear,bruck,hierarchical
  grep -v '^#' out >$coll
done
cmp -s alltoall alltoallv || fail "equal blocks take another time: $(cat alltoall)"
printf '0 1 0\n0 0 0\n0 0 0\n' >one
run 0 sim alltoallv --ranks 3 $links --traffic one -b 4K -e 4K
grep -qx '# alltoallv, predicted: 3 ranks .*, traffic [0-9a-f]\{16\}' out || fail "no traffic"
grep -qx ' *4096\( *\*2\.805\)\{4\}' out || fail "one block takes 2 + 0.6 + 4095 / 20000 us"
run 0 sim alltoallv --ranks 3 $links --traffic one -b 4K -e 4K --format json
grep -q '"traffic": "[0-9a-f]\{16\}"' out || fail "no traffic in the document"
run 3 sim alltoallv --ranks 3 $links --traffic one --in-place
complained 'in place as much must come as goes, but rank 0 sends rank 1 '
run 3 sim alltoallv --ranks 4 $links --traffic one
complained '^railgauge sim: --traffic: one:1: expected 4 numbers, one for each rank, not 3$'

# Many ranks: what is alike is looked at once.
run 0 sim alltoall --ranks 16384 --ranks-per-node 8 $links $near -b 1M -e 1M
run 0 sim barrier --ranks 131072 $links

# What a row cannot do is said below the table, or is the error if nothing is left.
run 0 sim allgather --ranks 100 $links -b 64K -e 64K
grep -qx '# no direct: allgather direct works for up to 64 ranks, not 100' out || fail "no reason"
run 3 sim allgather --ranks 100 $links --algorithm ring,direct
complained '^railgauge sim: allgather direct works for up to 64 ranks, not 100$'
run 0 sim alltoall --ranks 4 $links -b 64K -e 64K
pull='alltoall pull is not simulated: it has protocol "read" alone, which sends no messages'
grep -qx "# no pull: $pull" out || fail "no reason"
run 3 sim alltoall --ranks 4 $links --algorithm pull
complained "^railgauge sim: $pull\$"
run 3 sim alltoall --ranks 4 $links --algorithm parwise
complained 'alltoall has no algorithm "parwise" (did you mean "pairwise"?)'
run 0 sim sendrecv --ranks 2 --latency 400s --bandwidth 1 -b 32K -e 1M -f 32 --algorithm direct
grep -q '^# no direct at 1 size from 1M on: this would take longer than the 76 minutes' out ||
  fail "no reason for the size that takes too long"
run 2 sim sendrecv --ranks 2 --latency 400s --bandwidth 1 -b 1M -e 1M --algorithm direct
grep -q '^railgauge sim: direct: this would take longer than the 76 minutes' err ||
  fail "no error although there is no result"

# refused TEXT ARGUMENTS...: status 2 and this line
refused() {
  text=$1
  shift
  run 2 sim "$@"
  complained "^railgauge sim: $text"
}
refused 'which collective? For example' --ranks 4
refused 'allreduc: no such collective; did you mean allreduce?$' allreduc --ranks 4 $links
refused 'barrier: one collective at a time$' allreduce barrier
refused 'how many ranks? For example: --ranks 1024' allreduce $links
refused '--layout says how many ranks each node has: --ranks is too much$' allreduce --ranks 4 \
  --layout 2x2
refused '--layout says how many ranks each node has: --ranks-per-node is' allreduce \
  --ranks-per-node 2 --layout 2x2
for bad in 2x x2 2x2x2 0x4 4x0 2,,2 2, -1 2x131073 999999999999; do
  refused '--layout: ".*": expected nodes and their ranks' allreduce --layout="$bad" $links $near
done
refused '--layout: more than 131072 ranks$' allreduce --layout 3x65536 $links $near
refused '--ranks' allreduce --ranks 131073 $links
refused 'links between nodes need --latency and --bandwidth above 0, or --fit$' allreduce --ranks 4
refused 'links between nodes need' allreduce --ranks 4 --latency 1us --bandwidth 0
refused 'links within a node need --local-latency and --local-bandwidth above 0' allreduce \
  --ranks 4 --ranks-per-node 2 $links
refused '--local-gap is about links within a node, and there are none: each node has one rank$' \
  allreduce --ranks 4 $links --local-gap 1us
refused '--latency is about links between nodes, and there are none: all ranks are on one node$' \
  allreduce --ranks 4 --ranks-per-node 4 --latency 1us $near
refused '--fit and --bandwidth exclude each other$' allreduce --ranks 4 --fit far.json \
  --bandwidth 3
refused '--copy-bandwidth and --fit exclude each other' allreduce --ranks 4 --fit far.json \
  --copy-bandwidth 3
refused '--fit-target needs --fit or --local-fit' allreduce --ranks 4 $links --fit-target mpi
refused 'far.json: no times of sendrecv on target nobody' --fit far.json --fit-target \
  nobody
refused 'far.json: its ranks are on different hosts: that is for --fit$' --local-fit far.json
refused 'sendrecv.json: its ranks share a host: that is for --local-fit$' --fit sendrecv.json
refused 'far.json: an overhead of 3000 ns at either end is longer than' --fit far.json \
  --overhead 3us
refused '--root: barrier has no root$' barrier --ranks 4 $links -r 1
refused '--root: there are 4 ranks, from 0 on$' broadcast --ranks 4 $links -r 4
refused '--radix: alltoall pairwise has none; name with --algorithm those that have$' alltoall \
  --ranks 4 $links --radix 4
refused '--traffic: all blocks of alltoall are equally long; alltoallv has others$' alltoall --ranks 3 \
  $links --traffic one
refused 'alltoallv is simulated for up to 1024 ranks, not 1025: its traffic is a number for each pair' \
  alltoallv --ranks 1025 $links
refused '--radix: 1 joins nobody$' alltoall --ranks 4 $links --radix 1 --algorithm bruck
refused '--send-window: alltoall bruck has none' alltoall --ranks 4 $links --send-window 2 \
  --algorithm bruck
refused '--algorithm: ring is there twice$' allreduce --ranks 4 $links --algorithm ring,ring
refused '--slots: protocol word has none$' allreduce --ranks 4 $links --protocol word --slots 4
refused '--slot-bytes: protocol word' allreduce --ranks 4 $links --protocol word --slot-bytes 64
refused '.*slots: 3' allreduce --ranks 4 $links --slots 3
refused 'slot size: 100 is no multiple of 64' allreduce --ranks 4 $links --slot-bytes 100
refused '-b 2M is above -e 1M$' allreduce --ranks 4 $links -b 2M -e 1M
run 3 sim --fit nowhere.json
complained 'nowhere.json'
printf '{}' >empty.json
run 3 sim --fit empty.json
complained '^railgauge sim: empty.json'
if [ -c /dev/full ]; then
  "$RAILGAUGE" sim barrier --ranks 4 $links >/dev/full 2>err
  [ $? -eq 3 ] || fail "a full disk goes unnoticed"
fi
exit 0
