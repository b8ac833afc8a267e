#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# lab: outside seconds=300
#
# scripts/lab is a command like any other: output, errors, exit status and written files are the
# command's; bad options, a machine that does not start and a limit are errors in words; and nothing
# is left, whatever ends it.
set -u
lab=$(cd "${srcdir:=.}" && pwd)/scripts/lab
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
mkdir "$tmp/here" "$tmp/kept, too" "$tmp/lost" "$tmp/tmp" "$tmp/bin" && cd "$tmp/here" || exit 99
export TMPDIR="$tmp/tmp"

fail() {
  echo "$*"
  head -n 30 "$tmp/out" "$tmp/err"
  exit 1
}

# nothing_left: no process that was told of our folder for temporary files, and nothing in it
nothing_left() {
  i=0
  while grep -qs "$TMPDIR/[r]ailgauge-lab" /proc/[0-9]*/cmdline; do
    i=$((i + 1))
    [ $i -lt 50 ] || fail "$1: a process is left"
    sleep 0.1
  done
  [ -z "$(ls "$TMPDIR")" ] || fail "$1: $(ls "$TMPDIR") is left"
}

# lab STATUS PATTERN ARGUMENT...: it ends so, and its errors match
lab() {
  want=$1 pattern=$2
  shift 2
  "$lab" --no-install "$@" >"$tmp/out" 2>"$tmp/err" </dev/null
  got=$?
  [ $got = "$want" ] && grep -q "$pattern" "$tmp/err" || fail "$*: status $got, not $want, or without $pattern"
  nothing_left "$*"
}

# Options
lab 2 'lab: --endpoints 17: expected 1 to 16' --endpoints 17 -- true
lab 2 'lab: which command' --rails 2
lab 2 'lab: --ends: no such option' --ends=2 -- true
lab 2 'rate=fast: expected a rate' --rate fast -- true
lab 2 'loss=101: expected a percentage' --link 1:loss=101 -- true
lab 2 'there are 2 endpoints with 1 rails' --link 2.2:down -- true
lab 2 'needs a delay' --reorder 1 -- true
lab 2 'expected DSCP=BAND' --priority 64=1 -- true
lab 2 'no such folder' --write "$tmp/none" -- true
lab 2 'no file that this user may read' --kernel "$tmp/none" -- true
lab 3 'no image of a kernel' --kernel /bin/true -- true

# QEMU that does not start
cat >"$tmp/bin/qemu-system-x86_64" <<'END'
#!/bin/sh
echo "qemu: something is wrong: $*"
exit 1
END
chmod 755 "$tmp/bin/qemu-system-x86_64"
(PATH=$tmp/bin:$PATH; lab 3 'something is wrong' -- true) || exit 1

# A kernel that is named
. "$(dirname "$lab")/packages.sh"
cp "/boot/vmlinuz-$(kernel_with rdma_rxe)" "$tmp/a kernel" || fail "no kernel that can be copied"
(PATH=$tmp/bin:$PATH; lab 3 "something is wrong: .* -kernel $tmp/a kernel " --kernel "$tmp/a kernel" -- true) || exit 1

# A kernel that finds no init
cp /bin/true "$tmp/bin/busybox"
rm "$tmp/bin/qemu-system-x86_64"
(PATH=$tmp/bin:$PATH; lab 3 'Attempted to kill init' -- true) || exit 1

# A command's own: words, output, errors, status, files; and links as the options want them
cat >"$tmp/command" <<'END'
echo "out: $1, $LAB_ENDPOINTS endpoints, $SAID"
echo "err: $2" >&2
cat
echo here >written
echo kept >"$3/written"
echo lost >"$4/written"
lab-ctl show | grep '^s'
ls /sys/class/infiniband
exit 7
END
export SAID="it's so"
lab 7 '^err: two  blanks$' --endpoints 1 --rails 2 --write "$tmp/kept, too" \
  --loss 1 --delay=1ms --priority 26=1 --link 1:rate=50mbit,delay=2ms --link 1.2:down -- \
  sh "$tmp/command" "it's \"one\"" 'two  blanks' "$tmp/kept, too" "$tmp/lost"
[ "$(cat "$tmp/out")" = "out: it's \"one\", 1 endpoints, it's so
s1r1 up rate=50mbit delay=2ms loss=1 reorder=0
s1r2 down rate=50mbit delay=2ms loss=1 reorder=0
rxe1r1
rxe1r2" ] || fail "not the command's output"
[ "$(wc -l <"$tmp/err")" = 1 ] || fail "more than the command's errors"
[ "$(cat written)" = here ] || fail "what it wrote to the current folder is not there"
[ "$(cat "$tmp/kept, too/written")" = kept ] || fail "what it wrote to the folder named is not there"
[ ! -e "$tmp/lost/written" ] || fail "what it wrote elsewhere came out of the machine"

# ends SIGNAL STATUS: that signal ends it, in the middle of a boot, and nothing is left
ends() {
  "$lab" --no-install --verbose -- true >"$tmp/out" 2>"$tmp/err" &
  process=$!
  i=0
  until grep -qs "file:$TMPDIR/[r]ailgauge-lab.*console" /proc/[0-9]*/cmdline; do
    i=$((i + 1))
    [ $i -lt 200 ] || fail "the machine does not start"
    sleep 0.1
  done
  kill -"$1" $process
  wait $process
  got=$?
  [ $got = "$2" ] || fail "signal $1: status $got, not $2"
}
ends TERM 143
nothing_left TERM
ends KILL 137
rm -rf "$TMPDIR"/railgauge-lab.* # this signal leaves nobody who could
nothing_left KILL

# The limit
lab 124 'ended after 1 s' --limit 1 -- true
