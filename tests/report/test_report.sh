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

# A host name that would turn a terminal red, and one with U+009B, which would, too.
sed 's/"host": "[^"]*"/"host": "a\\u001b[31mb\\u009b31m"/' one-target.json >red.json
"$RAILGAUGE" report red.json >out 2>err || { cat err; failed=1; }
if ! grep -q 'a?\[31mb?31m' out || LC_ALL=C grep -q '[[:cntrl:]]' out; then
  echo "report: control characters of a document reach the terminal"
  failed=1
fi

golden two-targets a.json
golden two-targets-baseline --baseline railgauge a.json
golden one-target one-target.json
golden network network.json
golden counters counters.json
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
golden launches.csv --format csv launch1.json launch2.json launch3.json
golden compare-many --compare a.json b.json launch2.json
golden compare-many a.json vs b.json vs launch2.json
golden compare-many.csv --compare --format csv a.json b.json launch2.json
golden compare a.json vs b.json
golden groups launch1.json launch2.json launch3.json vs launch4.json b.json launch6.json
golden groups.csv --format csv launch1.json launch2.json launch3.json vs launch4.json b.json \
  launch6.json
golden group-one a.json vs launch2.json launch3.json
golden group-one.csv --format csv a.json vs launch2.json launch3.json

# A warning that has other numbers only is no difference.
sed 's/0.7 cores of node1/0.94 cores of node1/' a.json >load.json
"$RAILGAUGE" report a.json load.json >out
grep 'warning in' out && { echo "a warning that both have is told as a difference"; failed=1; }

# A pair that lost its rate is told, although the ports have theirs.
sed 's/"rate_Bps": 9410000000.0/"rate_Bps": 94100000.0/' network.json >slow.json
"$RAILGAUGE" report network.json slow.json >out
grep -q 'calibrated network: n2 -> n1 gets 0.01 times as much in B as in A' out ||
  { echo "a pair that lost its rate is not told"; head -n 9 out; failed=1; }

# A root that rotates is not rank 0.
"$RAILGAUGE" report --compare --format csv others.json others.json >out
[ "$(grep -c '^broadcast,8,2,float,sum,all,' out)" = 1 ] ||
  { echo "CSV: a rotating root looks like a fixed one"; head -n 9 out; failed=1; }

# What is printed as JSON is the document.
"$RAILGAUGE" report --format json a.json >again.json && golden two-targets again.json
# A CSV file is what is printed.
for name in others.csv:others.json compare.csv:"a.json b.json" \
  launches.csv:"launch1.json launch2.json launch3.json"; do
  # shellcheck disable=SC2086 # names without blanks
  "$RAILGAUGE" report --csv file.csv ${name#*:} >/dev/null && diff "$here/goldens/${name%%:*}" file.csv ||
    failed=1
done
# Each line of it has as many cells as the first.
for csv in compare.csv compare-many.csv group-one.csv groups.csv launches.csv; do
  awk -F, '{ n[NF] } END { exit length(n) != 1 || NR < 5 }' "$here/goldens/$csv" || {
    echo "goldens/$csv: its lines are not of equal length"
    failed=1
  }
done

# What is measured about clock and start is never twice the same, and is no other condition.
sed 's/"timer_cost_ns": 21.5/"timer_cost_ns": 22.5/; s/"seed": 42/"seed": 43/' a.json >like-a.json
if ! "$RAILGAUGE" report a.json like-a.json | grep -q '^# The conditions are the same'; then
  echo "the cost of the clock counts as another condition"
  failed=1
fi

# What a node takes in is a condition, and that it was calibrated at all.
sed 's/"in_Bps": 23900000.0/"in_Bps": 47800000.0/' network.json >faster.json
"$RAILGAUGE" report network.json faster.json >out
grep -q '^#   calibrated network: nodes of B take in and give out 1.00 to 2.00 times as much as in A$' \
  out || { echo "a faster network is no other condition"; cat out; failed=1; }
awk '/^ "network"/ { print " \"network\": null,"; skip = 1 } !skip { print } /^ }/ { skip = 0 }' \
  network.json >none.json
"$RAILGAUGE" report network.json none.json >out
grep -q '^#   calibrated network: 3 nodes -> none$' out ||
  { echo "a network that was not calibrated is no other condition"; cat out; failed=1; }

refused 2 "no document named; see railgauge report --help"
refused 2 "documents 1 and 2 of B are the same launch" launch1.json vs launch2.json launch2.json
refused 2 "documents 1 and 3 are the same launch" launch1.json launch2.json launch1.json
refused 2 "--launches: needs at least two documents" --launches a.json
refused 2 "--baseline: of no use when documents are compared" --baseline mpi a.json b.json
refused 2 "--format: json is for one document, not for several" --format json a.json b.json
refused 2 "--compare: needs at least two documents" --compare a.json
refused 2 "--launches and --compare contradict each other" --launches --compare a.json b.json
refused 2 "--compare: of no use with the word vs, which says already what belongs together" \
  --compare a.json vs b.json
refused 2 "vs: no document before it (a file of that name is ./vs)" vs a.json
refused 2 "vs: no document before it (a file of that name is ./vs)" a.json vs vs b.json
refused 2 "vs: no document behind it (a file of that name is ./vs)" a.json vs
refused 2 "more than 26 results to compare: name fewer" --compare a.json a.json a.json a.json a.json \
  a.json a.json a.json a.json a.json a.json a.json a.json a.json a.json a.json a.json a.json a.json \
  a.json a.json a.json a.json a.json a.json a.json a.json
refused 2 "--csv: the name of the file is empty" --csv= a.json
ln -s a.json link.json
refused 2 "--csv: link.json is a document that is to be read" --csv link.json b.json a.json
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
