#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# railgauge emit: files beside the decisions or elsewhere, again after they were edited, and nothing
# where the decisions are refused.
set -u
. "${srcdir:-.}/tests/cmd/command.sh"
mkdir "$tmp/a folder" "$tmp/other" || exit 99
a="$tmp/a folder"

# decisions ALGORITHM ID [LIBRARY]
decisions() {
  cat <<EOF
{"schema": "railgauge-decisions", "schema_version": 1, "version": "0", "created": "2026-11-26T20:00:00Z",
 "mpi": "openmpi", "library": "${3-Open MPI v4.1.4}", "nranks": 2, "nnodes": 1, "hosts": ["a"],
 "transport": "", "launcher": ["mpirun"], "seed": 1, "seconds": 1, "type": "float", "op": "sum",
 "in_place": false, "binding": {"known": false, "why": "not looked for", "map_by": "", "cpus": []},
 "decisions": [{"function": "MPI_Allreduce", "collective": "allreduce", "other": false, "note": "",
  "points": [], "ranges": [{"from_bytes": 0, "to_bytes": null, "npoints": 0, "runner_up": null,
   "choice": {"id": $2, "algorithm": "$1", "segment_bytes": 0},
   "gain": {"ratio": 1, "lo": 1, "hi": 1, "n": 0, "reached": false}}]}]}
EOF
}

decisions ring 4 >"$a/decisions.json"
run 0 emit "$a/decisions.json"
printed emit
grep -qF "to use them: . '$a/env.sh'" "$tmp/out" || fail "does not say how to use them"
grep -q '^0 4 0 0 # ring$' "$a/openmpi-rules.txt" || fail "no rule"
run 0 check "$a/openmpi-rules.txt" "$a/openmpi-mca-params.conf"
grep -qxF "coll_tuned_dynamic_rules_filename = $a/openmpi-rules.txt" "$a/openmpi-mca-params.conf" || fail "no path"
[ "$(. "$a/env.sh" && printenv OMPI_MCA_coll_tuned_dynamic_rules_filename)" = "$a/openmpi-rules.txt" ] ||
  fail "another path in env.sh"

run 0 emit --out "$tmp/other" "$a/decisions.json"
grep -q "= $tmp/other/openmpi-rules.txt" "$tmp/other/openmpi-mca-params.conf" || fail "not elsewhere"
(cd "$a" && "$RAILGAUGE" emit decisions.json) >"$tmp/out" 2>"$tmp/err" || fail "not beside the file"

# Edited: nothing is left of the rules, and what sets them is gone.
decisions default 0 >"$a/decisions.json"
run 0 emit "$a/decisions.json"
grep -q "^they set nothing: the library's own choices stay$" "$tmp/out" || fail "does not say that nothing is set"
[ ! -e "$a/openmpi-rules.txt" ] || fail "old rules are left"
run 0 check "$a/openmpi-mca-params.conf"
(. "$a/env.sh" && env) | grep -q OMPI_MCA_coll_tuned && fail "env.sh sets something"

decisions ring 5 >"$tmp/other/decisions.json"
run 3 emit "$tmp/other/decisions.json"
complained '^railgauge emit: decisions\[0\].ranges\[0\].choice: MPI_Allreduce has no algorithm 5 "ring"'
grep -q '^0 4 0 0 # ring$' "$tmp/other/openmpi-rules.txt" || fail "an old file was touched"
decisions ring 4 'Open MPI v6.0.0' >"$tmp/other/decisions.json"
run 3 emit "$tmp/other/decisions.json"
complained '^railgauge emit: Open MPI 6.0.0 gives the numbers of ranks'
decisions ring -4 >"$tmp/other/decisions.json"
run 3 emit "$tmp/other/decisions.json"
complained '^railgauge emit: .*decisions.json: decisions\[0\].ranges\[0\].choice.id: expected a whole number'
run 3 emit "$tmp/none.json"
complained '^railgauge emit: .*none.json'
run 3 emit --out "$tmp/none" "$a/decisions.json"
complained '^railgauge emit: .*none: no such folder'
run 2 emit
complained '^railgauge emit: expected DECISIONS'
run 2 emit a b
complained '^railgauge emit: b: one file of decisions at a time'
exit 0
