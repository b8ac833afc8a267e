#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# railgauge check: findings on stdout with file and line, and the status that goes with them.
set -u
. "${srcdir:-.}/tests/cmd/command.sh"
readme=$(cd "$srcdir" && pwd)/README.md
cd "$tmp" || exit 99

printf '1\n2\n3\n0 1 0 0 0 0\n16 1 0 3 0 0\n17 1 0 0 0 0\n' >good.txt
run 0 check good.txt
grep -qx "good.txt: nothing found (rules of Open MPI's coll/tuned, release 4.1.4)" out || fail "not found good"

# The example of README.md.
printf '1\n2\n1\n16\n3\n0 3 0 0\n01024 6 0 0\n65536 7 0 0\n' >rules.txt
run 1 check rules.txt
sed -n 's/^    \(rules.txt:[0-9].*\)/\1/p' "$readme" >expected
sort -t : -k 2n out >sorted
[ -s expected ] && cmp -s expected sorted || fail "README.md shows something else"
run 1 check --openmpi 6.0.0 rules.txt
grep -q '^rules.txt: warning: Open MPI 6 takes' out || fail "no finding about the whole file"
grep -q '^rules.txt:8: error:' out && fail "6.0 has algorithm 7"

printf 'coll_tuned_dynamic_rules_filename = %s/rules.txt\n' "$tmp" >params.conf
run 1 check params.conf good.txt
grep -q '^params.conf:1: error: without coll_tuned_use_dynamic_rules = 1' out || fail "no error"
grep -q '^params.conf:1: error: rules.txt, line 8: MPI_Allreduce has no algorithm 7' out || fail "rules not judged"
grep -q '^good.txt: nothing found' out || fail "the second file is not checked"

printf '{"rule_file_version": 3}\n' >rules.json
run 3 check rules.json
complained "^railgauge check: rules.json: JSON; rules in this form are read by Open MPI from 6.0 on"
printf 'export A=1\n' >env.sh
run 3 check env.sh
complained "^railgauge check: env.sh: neither rules nor MCA parameters of Open MPI"
run 3 check no-such good.txt
grep -q '^good.txt: nothing found' out || fail "the second file is not checked"
grep -q '^railgauge check: no-such: ' err || fail "no word on the first"
run 2 check
complained '^railgauge check: expected at least one FILE'
for version in 4 4. 4.1.4.4 4.1x new 3.1.0 4.-1; do
  run 2 check --openmpi "$version" good.txt
  complained "^railgauge check: --openmpi: $version: "
done
exit 0
