#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# railgauge pairs and pingpong from outside: bad options are one line that names them, ranks that are
# threads, processes of railgauge run, or of MPI meet and measure alike, and what comes out is read by
# railgauge report. No test here looks at a time.
set -u
. "${srcdir:-.}/tests/cmd/command.sh"
unset RANK WORLD_SIZE MASTER_ADDR MASTER_PORT OMPI_COMM_WORLD_SIZE PMI_RANK PMI_SIZE PMIX_RANK RG_MPI

# refused STATUS PATTERN ARGUMENTS...: nothing is measured, and one line says why
refused() {
  status=$1
  pattern=$2
  shift 2
  run "$status" "$@"
  [ ! -s "$tmp/out" ] || fail "$*: nothing should be on stdout"
  [ "$(grep -vc '^railgauge: measuring ' "$tmp/err")" -eq 1 ] || fail "$*: expected one line"
  grep -q -- "^railgauge $1: .*$pattern" "$tmp/err" || fail "$*: expected: $pattern"
}

# --- mistakes ---
refused 2 'did you mean --test' pairs --tset latency
refused 2 '--test: latncy: did you mean latency' pairs --test latncy
refused 2 '--test: rate twice' pairs --test rate,rate
refused 2 '--test: : expected latency' pairs --test latency,
refused 2 '--size' pairs -s 12x
refused 2 '--size: 0: expected 1 to 1G' pairs -s 0
refused 2 '--size: 2G: expected 1 to 1G' pairs -s 8,2G
refused 2 '--size: 8-4: the second one is less' pairs -s 8-4
refused 2 '--size: 16 bytes twice' pairs -s 8-16,16
refused 2 '"extra": nothing but options expected' pairs extra
refused 2 '--post-list 9: more than may be under way, --outstanding 8' pairs --post-list 9 -t 8 --transport verbs
refused 2 '--threads 3: pingpong is between 2 ranks' pingpong --threads 3
refused 2 'a pair has 2 ranks, and 1 was started' pairs --threads 1
refused 2 'pingpong is between 2 ranks, and 1 was started' pingpong
refused 2 'send is an operation of verbs\|send' pingpong --threads 2 --op sned
refused 2 '--op send needs --transport verbs' pingpong --threads 2 --op send --transport shm
refused 2 '--post-list needs --transport verbs' pairs --threads 2 --post-list 2 --transport tcp
refused 3 'transport inproc puts, which is a write: send is' pingpong --threads 2 --op send
refused 3 'posts no lists of work requests' pairs --threads 2 --post-list 2 --test rate
refused 2 '--outstanding 129: a queue pair takes --verbs.depth 128' pairs --transport verbs -t 129
refused 2 '--outstanding 64: a queue pair takes --verbs.depth 32' pairs --transport verbs -t 64 --verbs.depth 32
refused 2 '--post-list 48: a queue pair takes --verbs.depth 32' pairs --transport verbs --post-list 48 --verbs.depth 32
refused 2 'rails: no "eech"; did you mean each' pairs --threads 2 --rails eech
refused 2 'warmups: -1 is not between 0 and' pairs --threads 2 --warmups=-1
refused 2 'timeout: 50ms is not between' pairs --threads 2 --timeout 50ms
refused 2 '--bind is for ranks that are threads' pairs --bind none
refused 2 '"lam": no such MPI library' pairs --mpi lam
refused 3 '--counters: eth77: no RDMA device' pairs --threads 2 --counters eth77
refused 2 '--verbs.notify: here --op says' pairs --transport verbs --verbs.notify send
refused 3 'no transport "shn" (did you mean "shm"' pairs --threads 2 --transport shn
refused 3 'moves no data' pairs --threads 2 --transport null
refused 3 'nowhere' pairs --threads 2 --json "$tmp/nowhere/x.json"
refused 3 'nowhere' pairs --threads 2 --csv "$tmp/nowhere/x.csv"
refused 2 'both name the file' pairs --threads 2 --json "$tmp/x" --csv "$tmp/x"

# --- ranks that are threads ---
run 0 pingpong --threads 2 -n 200 -s 1,4K-8K --test latency,bandwidth,bidirectional,rate
grep -q '^# railgauge .*, 2 ranks' "$tmp/out" || fail 'a heading'
[ "$(grep -c '^  *latency  *0->1 ' "$tmp/out")" -eq 3 ] || fail 'latency: a line per size'
[ "$(grep -c '^  *bandwidth  *[01]->[01] ' "$tmp/out")" -eq 6 ] || fail 'bandwidth: both ways'
[ "$(grep -c '^  *bidirectional  *0<->1 ' "$tmp/out")" -eq 3 ] || fail 'bidirectional: a line per size'
[ "$(grep -c '^  *rate  *[01]->[01] .* 0 ' "$tmp/out")" -eq 6 ] || fail 'rate: both ways, nothing wrong'

run 0 pairs --threads 5 -n 100 --test latency,bandwidth --json "$tmp/pairs.json" --csv "$tmp/pairs.csv"
[ "$(grep -c '^ *[0-4] .* - ' "$tmp/out")" -ge 8 ] || fail 'matrices of five ranks'
grep -q '^#   median of 10 .*; best [0-4] -> [0-4] with .*; worst ' "$tmp/out" || fail 'the ends'
[ "$(wc -l <"$tmp/pairs.csv")" -eq $((1 + 10 + 20)) ] || fail 'CSV: 10 latencies, 20 bandwidths'
grep -q '^test,from,to,rail,' "$tmp/pairs.csv" || fail 'CSV: names of columns'
cp "$tmp/out" "$tmp/table"

# --- the document ---
run 0 report "$tmp/pairs.json"
diff "$tmp/table" "$tmp/out" || fail 'report prints the same table'
run 0 report --format csv "$tmp/pairs.json"
diff "$tmp/pairs.csv" "$tmp/out" || fail 'report prints the same CSV'
run 0 report --html "$tmp/pairs.html" "$tmp/pairs.json"
[ "$(grep -c '<title>[0-4] to [0-4]: ' "$tmp/pairs.html")" -eq 40 ] || fail 'a heat map per test'
grep -q 'Median of 20: ' "$tmp/pairs.html" || fail 'what the map says is said in words'
refused 2 'one document at a time' report "$tmp/pairs.json" "$tmp/pairs.json"
refused 2 'pairs of ranks, and no targets' report --baseline mpi "$tmp/pairs.json"
run 0 pingpong --threads 2 -n 100 -s 8 --test latency --json -
grep -q '"test": "latency"' "$tmp/out" || fail 'the document on standard output'

# A depth alone contradicts no default, and lists make room for themselves.
for words in '--verbs.depth 32' '--verbs.depth 128 --post-list 100'; do
  # shellcheck disable=SC2086
  "$RAILGAUGE" pairs --transport verbs --verbs.device none --threads 2 $words >"$tmp/out" 2>"$tmp/err" &&
    fail "$words: measured with a device that there is not"
  grep -q 'outstanding\|post-list\|depth' "$tmp/err" && fail "$words: refused"
done

# What was asked for and what is not compared; where ranks may run; one device is all of them.
column() { # column NAME: of all lines of the CSV
  awk -F, -v name="$1" '
    { sub(/\r$/, "") }
    NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
    { print $at[name] }' "$tmp/pairs.csv" | sort -u | tr '\n' ' '
}
few="pingpong --threads 2 -n 10 -s 8 --test bandwidth --csv $tmp/pairs.csv --json $tmp/pairs.json"
# shellcheck disable=SC2086
run 0 $few
[ "$(column outstanding)" = '64 ' ] || fail "outstanding: $(column outstanding)"
[ "$(column checked)" != '0 ' ] || fail 'nothing was compared'
# shellcheck disable=SC2086
run 0 $few -t 7 --no-check --rails both --warmups 0
[ "$(column outstanding)" = '7 ' ] || fail "outstanding: $(column outstanding)"
[ "$(column checked)" = '0 ' ] || fail "compared: $(column checked)"
[ "$(wc -l <"$tmp/pairs.csv")" -eq 3 ] || fail 'one device, all at once: measured twice'
places() { grep -o '"cpus": "[^"]*"' "$tmp/pairs.json" | sort -u | wc -l; }
# shellcheck disable=SC2086
run 0 $few --bind none
[ "$(places)" -eq 1 ] || fail 'threads that are not to be bound are'
if [ "$(lscpu -p=core 2>/dev/null | grep -v '^#' | sort -u | wc -l)" -ge 2 ] && [ "$(nproc)" -ge 2 ]; then
  # shellcheck disable=SC2086
  run 0 $few --bind core
  [ "$(places)" -eq 2 ] || fail 'threads are not bound to cores'
fi

# Percentiles and the rest by time as well; one pair at a time.
run 0 pairs --threads 3 -D 2ms --alone --test rate --csv "$tmp/alone.csv" --json "$tmp/alone.json"
[ "$(wc -l <"$tmp/alone.csv")" -eq 7 ] || fail 'alone: six directions'
[ "$(grep -c '"alone": true' "$tmp/alone.json")" -eq 6 ] || fail 'alone: the document says so'
[ "$(grep -c '"p999_ns": [0-9]' "$tmp/alone.json")" -eq 6 ] || fail 'percentiles by time'

# --- ranks that are processes ---
for transport in shm tcp; do
  run 0 run -n 3 -- "$RAILGAUGE" pairs --transport $transport -n 50 --test latency,bidirectional
  grep -q "^# bidirectional of 1M bytes, write over $transport: GB/s" "$tmp/out" || fail "over $transport"
done
run 0 run -n 2 -- "$RAILGAUGE" pingpong -n 50 -s 8
grep -q '^  *latency  *0->1 ' "$tmp/out" || fail 'pingpong of processes'
run 2 run -n 3 -- "$RAILGAUGE" pingpong -n 50 -s 8
[ "$(grep -c 'pingpong is between 2 ranks, and 3 were started' "$tmp/err")" -eq 1 ] || fail 'three ranks'

# Ranks with other options than rank 0's.
cat >"$tmp/other" <<'SCRIPT'
[ "$RANK" = 1 ] && size=16 || size=8
exec "$RAILGAUGE" pingpong -n 50 -s $size
SCRIPT
run 3 run -n 2 -- sh "$tmp/other"
grep -q 'rank 1 on .* was started with other options' "$tmp/err" || fail 'other options'
echo 'railgauge pairs: all right'
