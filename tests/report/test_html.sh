#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# railgauge report --html: the page without plots against goldens, with plots that it is sound and
# refers to nothing outside, that text from documents never becomes markup, and what happens if
# gnuplot is missing, fails or is interrupted. RG_UPDATE=1 writes the goldens anew.
set -u
: "${RAILGAUGE:?}"
here=${srcdir:-.}/tests/report
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
cp "$here"/documents/*.json "$tmp" && cd "$tmp" || exit 99
case $here in /*) ;; *) here=$OLDPWD/$here ;; esac
failed=0
mkdir none fake
path=$PATH

fail() {
  echo "$*"
  failed=1
}

# page FILE ARGUMENTS...: writes it; standard error must have "no plots" if gnuplot is not wanted
page() {
  file=$1
  shift
  "$RAILGAUGE" report --html "$file" "$@" >out 2>err || { fail "--html $file $*: failed"; cat err; }
}

# without FILE ARGUMENTS...: the same where there is no gnuplot
without() {
  PATH=$tmp/none page "$@"
  [ "$(cat err)" = "railgauge warn: the page has no plots: gnuplot: no such program (package gnuplot-nox or gnuplot)" ] ||
    { fail "$*: a missing gnuplot is told otherwise than by one line"; cat err; }
  grep -q '^<p>No plots: gnuplot: no such program' "$1" || fail "$1 does not say why it has no plots"
}

# sound FILE: every element is closed by its own tag, no id is there twice, each reference has one,
# nothing refers to the outside, and nothing runs
sound() {
  tr '\n' ' ' <"$1" | sed 's/<!DOCTYPE html>//; s/<style>[^<]*<\/style>//; s/</\n</g' | awk '
    NR == 1 { next }
    {
      tag = $0
      if (!sub(/>.*/, "", tag)) { print "no end of a tag: " $0; bad = 1; next }
      name = tag
      sub(/^<\/?/, "", name)
      sub(/[ \/].*/, "", name)
      if (tag ~ /^<\//) {
        if (open[depth] != name) { print "</" name "> closes <" open[depth] ">"; bad = 1 }
        depth--
      } else if (tag !~ /\/$/ && name !~ /^(meta|br)$/) {
        open[++depth] = name
      }
      rest = tag
      while (match(rest, / id=.[^"\047]*/)) {
        id = substr(rest, RSTART + 5, RLENGTH - 5)
        if (id in ids) { print "id " id " twice"; bad = 1 }
        ids[id] = 1
        rest = substr(rest, RSTART + RLENGTH)
      }
      rest = tag
      while (match(rest, /href=.#[^"\047]*/)) {
        used[substr(rest, RSTART + 7, RLENGTH - 7)] = 1
        rest = substr(rest, RSTART + RLENGTH)
      }
      if (tag ~ /(src|href)=.[^#]/ || tag ~ /[^#]url\(/ || name ~ /^(script|link|img|iframe|object)$/ ||
          tag ~ / on[a-z]*=/) { print "not self-contained: " tag; bad = 1 }
    }
    END {
      if (depth) { print "<" open[depth] "> is not closed"; bad = 1 }
      for (id in used) if (!(id in ids)) { print "no id " id; bad = 1 }
      exit bad
    }' || fail "$1 is not sound"
  grep -q '://' "$1" && { fail "$1 names an address"; grep -n '://' "$1"; }
  [ "$(tail -n 1 "$1")" = "</html>" ] || fail "$1: its end is missing"
}

# golden NAME ARGUMENTS...: the page without plots
golden() {
  name=$1
  shift
  without "$name" "$@"
  sound "$name"
  if [ "${RG_UPDATE:-0}" = 1 ]; then
    cp "$name" "$here/goldens/$name"
  elif ! diff "$here/goldens/$name" "$name"; then
    fail "the page of $* is not as in goldens/$name"
  fi
}

golden one.html a.json
golden network.html network.json
golden counters.html counters.json
golden groups.html launch1.json launch2.json launch3.json vs launch4.json b.json launch6.json
golden launches.html launch1.json launch2.json launch3.json
# What is printed is the same as without a page.
"$RAILGAUGE" report launch1.json launch2.json launch3.json | diff - out || failed=1
for documents in one-target.json many-targets.json "a.json b.json" \
  "--compare a.json b.json launch2.json" "a.json vs launch2.json launch3.json"; do
  # shellcheck disable=SC2086 # names without blanks
  without page.html $documents
  sound page.html
done
page page.html others.json
[ ! -s err ] || fail "plots that nobody expects are missed"
sound page.html
grep -q '^<p>No plots: there is no size that was measured.</p>' page.html || fail "a barrier has a plot"
grep -q '^<p>No plots: one size alone makes no line.</p>' page.html || fail "a point has a plot"

# The checks above see mistakes.
check=$failed
for mistake in 's/<\/h2>//' 's/<h2>/<h2 onclick="x">/' 's/<h2>/<script><\/script><h2>/' \
  's/<h2>/<a href="x.html"><\/a><h2>/' 's/<h2>/http:\/\/example.org<h2>/' 's/<h1>/<h1 id="a"><b id="a"><\/b>/' \
  's/<h1>/<h1><use href="#a"\/>/' 's/<\/html>//'; do
  failed=0
  sed "$mistake" one.html >wrong.html
  sound wrong.html >/dev/null
  [ $failed = 1 ] || { echo "a page with the mistake $mistake counts as sound"; check=1; }
done
failed=$check

# --- text of documents is never markup, nor a command of gnuplot ---
hostile='<script>alert(1)</script>"'\''&`touch pwned`'
json=$(printf '%s\\n!touch pwned\\n\\u0007' "$hostile" | sed 's/"/\\"/g')
escaped=$(printf '%s' "$json" | sed 's/[\\&|]/\\&/g')
sed "s|\"target\": \"mpi\"|\"target\": \"$escaped\"|; s|\"node1\"|\"$escaped\"|; s|\"A CPU\"|\"$escaped\"|
  s|\"Linux 6.1.0 x86_64\"|\"$escaped\"|; s|\"out.json\"|\"$escaped\"|; s|\"railgauge,mpi\"|\"$escaped\"|
  s|\"the library runs recursive_doubling instead\"|\"$escaped\"|; s|\"twoshot\"|\"$escaped\"|
  s|\"Open MPI v4.1.4\"|\"$escaped\"|; s|\"load\"|\"$escaped\"|; s|\"0.1.0\"|\"$escaped\"|
  s|\"precision\"|\"$escaped\"|; s|\"openmpi\"|\"$escaped\"|" a.json >'<b>.json'
"$RAILGAUGE" report '<b>.json' >/dev/null || fail "the hostile document cannot be read"
for documents in '<b>.json' 'a.json <b>.json' '--launches <b>.json launch2.json'; do
  # shellcheck disable=SC2086 # names without blanks
  without page.html $documents
  sound page.html
  [ "$(grep -c '&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;`' page.html)" -ge 5 ] ||
    fail "$documents: the hostile words are not there as text"
  grep -q '&lt;b&gt;.json' page.html || fail "$documents: the name of the file is not there as text"
done

# --- a gnuplot that does not do its work ---
# fake WORDS...: a program of that name
fake() {
  printf '#!/bin/sh\n%s\n' "$*" >fake/gnuplot
  chmod +x fake/gnuplot
}
# told TEXT: the page and one line on standard error say so
told() {
  PATH=$tmp/fake:$path page page.html a.json
  [ "$(cat err)" = "railgauge warn: the page has no plots: $1" ] || { fail "expected: $1"; cat err; }
  [ "$(grep -c '^<p>No plots: ' page.html)" -eq 2 ] || fail "$1: not said once for each figure"
  sound page.html
}
fake 'echo ignored; echo "line 0: <no> such terminal" >&2; exit 1'
told "gnuplot: ended with 1: line 0: <no> such terminal"
grep -q 'line 0: &lt;no&gt; such terminal' page.html || fail "the words of gnuplot are markup"
# shellcheck disable=SC2016 # the fake expands it
fake 'kill -SEGV $$'
told "gnuplot: ended by signal 11 (Segmentation fault)"
fake 'cat'
told "gnuplot: what it drew is no SVG"
fake 'echo "<svg>"'
told "gnuplot: what it drew is no SVG"
fake "cat >'$tmp/script'; echo '<svg><path id=\"x\"/></svg>'; echo 'a font is missing' >&2"
PATH=$tmp/fake:$path page page.html '<b>.json'
sound page.html
[ "$(sort -u err)" = "railgauge warn: gnuplot: a font is missing" ] || { fail "gnuplot's words are lost"; cat err; }
[ "$(grep -c '<figure>' page.html)" -eq 4 ] || fail "not two plots for each figure"
grep -q '[`"!\\]\(touch\|script\)' script && fail "gnuplot is told a hostile name"
grep -q "title '?script?alert?1???script?????touch pwned" script || fail "the title of the hostile target is not there"
# One rank alone has times, but no bandwidth of a bus; its other plots stay.
tr '\n' '~' <a.json | sed 's/,~  {~   "host": "node1",~   "pid": 1001[^}]*}//; s/"nranks": 2/"nranks": 1/
  s/"busbw_Bps": [0-9][0-9.e+]*/"busbw_Bps": 0.0/g' |
  tr '~' '\n' >alone.json
fake "echo '<svg><path id=\"x\"/></svg>'"
PATH=$tmp/fake:$path page page.html alone.json
sound page.html
[ ! -s err ] || { fail "one rank: complaints"; cat err; }
[ "$(grep -c 'Latency over size' page.html)" -eq 2 ] || fail "one rank: not a plot for each figure"
[ "$(grep -c '^<p>No plot of the bandwidth: no rank sends anything to another one.</p>' page.html)" -eq 2 ] ||
  fail "one rank: a bandwidth, or not said why there is none"
# A signal while it runs: no page, and the old one stays.
echo old >page.html
# shellcheck disable=SC2016
fake 'kill -INT $PPID; sleep 20'
PATH=$tmp/fake:$path "$RAILGAUGE" report --html page.html a.json >out 2>err
[ $? -eq 6 ] || fail "an interrupt is no interrupt"
[ "$(cat page.html)" = old ] && [ ! -s out ] || fail "something was written after an interrupt"

# --- refusals ---
refused() {
  status=$1 text=$2
  shift 2
  "$RAILGAUGE" report "$@" >out 2>err
  [ $? -eq "$status" ] && [ ! -s out ] && [ "$(cat err)" = "railgauge report: $text" ] ||
    { fail "$*: other words than: $text"; cat err; }
  [ ! -e new.html ] || fail "$*: wrote a page"
}
refused 2 "--csv and --html both name the file ./new.html: they need one each" --csv new.html \
  --html ./new.html a.json
refused 2 "--html: a.json is a document that is to be read" --html a.json a.json
refused 2 "documents 1 and 2 are the same launch" --html new.html --launches a.json a.json
refused 3 "baseline mpl: no such target; did you mean mpi?" --html new.html --baseline mpl a.json
PATH=$tmp/none "$RAILGAUGE" report --html nowhere/page.html a.json >out 2>err
[ $? -eq 3 ] && [ ! -s out ] && grep -q '^railgauge report: nowhere/page.html' err ||
  { fail "a folder that is not there is not told"; cat err; }

# --- real plots ---
if ! command -v gnuplot >/dev/null 2>&1; then
  [ $failed = 0 ] && echo "plots: no gnuplot here" && exit 77
  exit $failed
fi
# plotted FILE NUMBER: as many plots, with all that belongs into one
plotted() {
  [ ! -s err ] || { fail "$1: complaints"; cat err; }
  sound "$1"
  [ "$(grep -c '<svg ' "$1")" -eq "$2" ] || fail "$1: not $2 plots"
  [ "$(grep -c '<text>time (µs)</text>' "$1")" -eq $(($2 / 2)) ] || fail "$1: axes of latency"
  [ "$(grep -c '<text>bus bandwidth (GB/s)</text>' "$1")" -eq $(($2 / 2)) ] ||
    fail "$1: axes of bandwidth"
  [ "$(grep -c '<text>size (bytes; K, M and G are binary)</text>' "$1")" -eq "$2" ] ||
    fail "$1: axes of size"
}
page page.html a.json
plotted page.html 4
for word in bound railgauge mpi; do
  [ "$(grep -c "<text>$word</text>" page.html)" -eq 4 ] || fail "page.html: no line $word"
done
page page.html launch1.json launch2.json vs a.json launch4.json
plotted page.html 4
for word in 'A bound' 'B bound' 'A railgauge' 'B railgauge' 'A mpi' 'B mpi'; do
  [ "$(grep -c "<text>$word</text>" page.html)" -eq 4 ] || fail "page.html: no line $word"
done
page page.html many-targets.json
sound page.html
# Four targets, four colours, whichever way gnuplot writes them.
for colour in '0072B2\|rgb( *0, *114, *178)' 'D55E00\|rgb( *213, *94, *0)' \
  '009E73\|rgb( *0, *158, *115)' 'CC79A7\|rgb( *204, *121, *167)'; do
  grep -qi "$colour" page.html || fail "page.html: no line of the colour $colour"
done
page page.html '<b>.json'
sound page.html
[ ! -e pwned ] || fail "a name became a command"
exit $failed
