# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=sh
#
# For the tests of railgauge prove: read by them, after command.sh, not run. A folder of decisions, as
# a person could write it, with its files.
range() { # FROM TO ID ALGORITHM GAIN
  echo "{\"from_bytes\": $1, \"to_bytes\": $2, \"choice\": $(choice "$3" "$4"), \"gain\": $(gain "$5")," \
    '"npoints": 1, "runner_up": null}'
}
point() { # BYTES ID ALGORITHM GAIN
  echo "{\"size_bytes\": $1, \"boundary\": false, \"choice\": $(choice "$2" "$3"), \"gain\": $(gain "$4")," \
    '"evidence": []}'
}
choice() { echo "{\"id\": $1, \"algorithm\": \"$2\", \"segment_bytes\": 0}"; }
gain() { echo "{\"ratio\": $1, \"lo\": $1, \"hi\": $1, \"n\": 5, \"reached\": true}"; }

# decision FUNCTION COLLECTIVE RANGES POINTS
decision() {
  echo "{\"function\": \"$1\", \"collective\": \"$2\", \"other\": false, \"ranges\": [$3], \"points\": [$4]," \
    '"note": ""}'
}

# decide FOLDER LIBRARY DECISIONS: and writes the files for them; $nranks, if it is not 2
decide() {
  mkdir -p "$1" || exit 99
  cat >"$1/decisions.json" <<END
{"schema": "railgauge-decisions", "schema_version": 1, "version": "0.1.0",
 "created": "2026-11-26T22:00:00Z", "library": "$2", "mpi": "openmpi", "nranks": ${nranks:-2}, "nnodes": 1,
 "hosts": ["node1"], "transport": "", "launcher": ["mpirun", "-np", "2"], "seed": 1, "seconds": 1,
 "type": "float", "op": "sum", "in_place": false,
 "binding": {"known": false, "why": "made up", "map_by": "", "cpus": []}, "decisions": [$3]}
END
  "$RAILGAUGE" emit "$1/decisions.json" >"$tmp/out" 2>"$tmp/err" || fail "railgauge emit $1"
}
