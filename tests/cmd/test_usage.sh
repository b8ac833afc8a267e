#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# What every user meets first: help and version on stdout with status 0, a mistake as one line on
# stderr with status 2. Every command of the help is tried, and with it its option tables.
set -u
. "${srcdir:-.}/tests/cmd/command.sh"

run 2
grep -q '^Usage: railgauge COMMAND' "$tmp/err" || fail "no usage without arguments"
for word in help --help -h; do
  run 0 "$word"
  printed "$word"
done
for word in --version -V; do
  run 0 "$word"
  printed "$word"
  grep -q '^railgauge [0-9]' "$tmp/out" || fail "no version"
done
run 2 hepl
complained '^railgauge: hepl: no such command; did you mean help?$'
run 2 xyzzy
complained '^railgauge: xyzzy: no such command; see railgauge help$'
run 2 help xyzzy
complained '^railgauge: xyzzy: no such command; see railgauge help$'
run 2 "$(printf 'two\nlines')"
complained '^railgauge: two?lines: no such command'

"$RAILGAUGE" help | sed -n 's/^  \([a-z][a-z-]*\)  .*/\1/p' | grep -vx help >"$tmp/commands"
while read -r command; do
  run 0 "$command" --help
  printed "$command --help"
  grep -q "^Usage: railgauge $command" "$tmp/out" || fail "$command --help: no usage line"
  run 0 help "$command"
  printed "help $command"
  run 0 "$command" --version
  printed "$command --version"
  status=2
  [ "$command" != prove ] || status=3 # 2 is one of its verdicts
  run $status "$command" --no-such-thing
  complained "^railgauge $command: --no-such-thing: no such option"
done <"$tmp/commands"
