#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# railgauge report on recorded documents, compared with goldens; and its refusals.
# RG_UPDATE=1 writes the goldens anew (look at the difference before you commit it).
set -u
: "${RAILGAUGE:?}"
here=${srcdir:-.}/tests/report
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
cp "$here"/documents/*.json "$tmp" && cd "$tmp" || exit 99
case $here in /*) ;; *) here=$OLDPWD/$here ;; esac
failed=0

# golden NAME ARGUMENTS...: standard output is goldens/NAME
golden() {
  name=$1
  shift
  if ! "$RAILGAUGE" report "$@" >out 2>err || [ -s err ]; then
    echo "railgauge report $*: failed"
    cat err
    failed=1
  elif [ "${RG_UPDATE:-0}" = 1 ]; then
    cp out "$here/goldens/$name"
  elif ! diff "$here/goldens/$name" out; then
    echo "railgauge report $*: not as in goldens/$name"
    failed=1
  fi
}

# refused STATUS TEXT ARGUMENTS...: one line on stderr, nothing on stdout
refused() {
  status=$1 text=$2
  shift 2
  "$RAILGAUGE" report "$@" >out 2>err
  got=$?
  if [ $got -ne "$status" ] || [ -s out ] || [ "$(cat err)" != "railgauge report: $text" ]; then
    echo "railgauge report $*: status $got, not $status, or other words than: $text"
    cat out err
    failed=1
  fi
}

golden two-targets a.json
golden two-targets-baseline --baseline railgauge a.json
golden one-target one-target.json
golden many-targets many-targets.json
golden others others.json
golden others.csv --format csv others.json
golden compare a.json b.json
golden compare-same a.json a.json
golden compare.csv --format csv a.json b.json
golden launches launch1.json launch2.json launch3.json launch4.json launch5.json \
  launch6.json
golden two-launches --launches launch1.json launch2.json
golden launches-differ --launches a.json b.json

# What is printed as JSON is the document.
"$RAILGAUGE" report --format json a.json >again.json && golden two-targets again.json
# A CSV file is what is printed.
"$RAILGAUGE" report --csv file.csv others.json >/dev/null && diff "$here/goldens/others.csv" file.csv ||
  failed=1

# What is measured about clock and start is never twice the same, and is no other condition.
sed 's/"timer_cost_ns": 21.5/"timer_cost_ns": 22.5/; s/"seed": 42/"seed": 43/' a.json >like-a.json
if ! "$RAILGAUGE" report a.json like-a.json | grep -q '^# The conditions are the same'; then
  echo "the cost of the clock counts as another condition"
  failed=1
fi

refused 2 "no document named; see railgauge report --help"
refused 2 "--format: of launches there is a table only" --format csv a.json b.json a.json
refused 2 "documents 1 and 3 are the same launch" launch1.json launch2.json launch1.json
refused 2 "--launches: needs at least two documents" --launches a.json
refused 2 "--baseline: of no use when two documents are compared" --baseline mpi a.json b.json
refused 2 "--format: json is for one document, not for comparisons" --format json a.json b.json
refused 3 "baseline mpl: no such target; did you mean mpi?" --baseline mpl a.json
refused 3 "absent.json: no such file" absent.json
echo '{' >broken.json
refused 3 "broken.json: line 2, column 0: string or '}' expected near end of file" broken.json
sed 's/"ops": 1/"ops": 0/' a.json >wrong.json
refused 3 "wrong.json: points[4].ops: 0" wrong.json
refused 3 "wrong.json: points[4].ops: 0" a.json wrong.json
if [ -c /dev/full ]; then
  "$RAILGAUGE" report a.json >/dev/full 2>err
  if [ $? -ne 3 ] || ! grep -q 'writing the table: No space left' err; then
    echo "a full disk is not noticed"
    cat err
    failed=1
  fi
fi
exit $failed
