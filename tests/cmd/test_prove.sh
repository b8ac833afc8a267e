#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# railgauge prove without any MPI library: a launcher that prints made-up results, so that it is known
# what must come out of them.
set -u
. "${srcdir:-.}/tests/cmd/command.sh"
. "$srcdir/tests/cmd/proof.sh"
case $srcdir in /*) here=$srcdir ;; *) here=$PWD/$srcdir ;; esac
job=$tmp/job
mkdir "$job" || exit 99
unset OMPI_MCA_pml OMPI_MCA_mtl OMPI_MCA_btl OMPI_COMM_WORLD_RANK PMIX_RANK PMI_RANK OMPI_MCA_coll_tuned_dynamic_rules_filename OMPI_MCA_coll_tuned_use_dynamic_rules
library='Open MPI v4.1.4, package: made up'
default='0 default 1'

all_default=$(decision MPI_Allreduce allreduce "$(range 0 null $default)" "$(point 1024 $default)")
allreduce=$(decision MPI_Allreduce allreduce \
  "$(range 0 65535 $default), $(range 65536 1048575 4 ring 1.4), $(range 1048576 null 1 basic_linear 1.3)" \
  "$(point 1024 $default), $(point 65536 4 ring 1.4), $(point 262144 4 ring 1.1), $(point 1048576 1 basic_linear 1.3)")
bcast=$(decision MPI_Bcast broadcast "$(range 0 null 6 binomial 1.2)" "$(point 1024 6 binomial 1.2)")

# prove STATUS ARGUMENTS...: of $folder, under the launcher
prove() {
  want=$1
  shift
  rm -f "$job/log"
  run "$want" prove "$folder" "$@" -- sh "$here/tests/cmd/fake_launcher.sh" "$job"
}
# with NAME=VALUE FUNCTION ARGUMENTS...: not all shells end an assignment in front of a function with it
with() {
  name=${1%%=*}
  export "$1"
  shift
  "$@"
  unset "$name"
}
has() { grep -q -- "$1" "$tmp/out" || fail "expected on stdout: $1"; }
told() { [ "$(grep -c '^railgauge prove: ' "$tmp/err")" -eq 1 ] && grep -q "^railgauge prove: .*$1" "$tmp/err" || fail "expected: $1"; }
tidy() { [ "$(ls -A "$folder")" = "$before" ] || fail "left in the folder: $(ls -A "$folder")"; }
launches() { [ "$(cut -d' ' -f1,2 "$job/log" | tr '\n' ' ')" = "$1 " ] || fail "other launches: $(cat "$job/log")"; }

# --- nothing to prove: no launch is made, but the files are looked at
folder=$tmp/default
decide "$folder" "$library" "$all_default"
prove 0
has 'The default was best already: nothing to prove'
grep -qi better "$tmp/out" && fail "called better"
[ ! -e "$job/log" ] || fail "something was launched"

# --- verdicts: 1.43 is better, 1.01 level, 0.5 worse; what was not promised is not better
folder=$tmp/tuned
decide "$folder" "$library" "$allreduce, $bcast"
before=$(ls -A "$folder")
printf '%s\n' '1K 1000' '64K 20000' '256K 70000' '1M 300000' >"$job/without"
printf '%s\n' '1K 800' '64K 14000' '256K 69000' '1M 600000' >"$job/with"
echo 'echo "$*" >>"$folder/words"' >"$job/then"
prove 1 --json "$tmp/proof.json" --budget 40ms
rm "$job/then"
[ "$(grep -c -- ' --budget 40000000ns' "$job/words")" -ge 32 ] || fail "the time per point reaches no launch"
has '^  MPI_Allreduce  *1K default  .* 1\.25  .*  - *level$'
has '^  MPI_Allreduce  *64K ring  .* 1\.43  .*  1\.40 *better$'
has '^  MPI_Allreduce  *256K ring  .* 1\.01  .*  1\.10 *level$'
has '^  MPI_Allreduce  *1M basic_linear  .* 0\.50  .*  1\.30 *WORSE$'
has '^  MPI_Bcast  *1K binomial  .* 1\.25 .*  1\.20 *better$'
has '^# Better at 2 points (up to 1\.43x: MPI_Allreduce at 64K), level at 2, worse at 1$'
has '^# Promised better, and level: 1 point$'
has '^# WORSE: MPI_Allreduce at 1M, 0\.50x$'
tidy
for member in '"schema": "railgauge-proof"' '"honoured": true' '"verdict": "worse"' '"worse": 1' \
  '"not_kept": 1' '"without_ns": \['; do
  grep -q -- "$member" "$tmp/proof.json" || fail "proof.json: no $member"
done

# --- what a proof that was killed left is removed, unless another one is at work
mkdir "$folder/.poison-AbCdEf"
touch "$folder/.poison-AbCdEf/env.sh"
if command -v flock >/dev/null; then
  flock -s "$folder" "$RAILGAUGE" prove "$folder" -- false >"$tmp/out" 2>"$tmp/err"
  [ -e "$folder/.poison-AbCdEf/env.sh" ] || fail "another proof's copy was removed"
fi
prove 1
tidy

# --- the order: a look, a launch per rule, and pairs in which sides alternate
pair='without allreduce with allreduce with broadcast without broadcast'
riap='with allreduce without allreduce without broadcast with broadcast'
launches "without allreduce poisoned allreduce poisoned allreduce poisoned broadcast \
$pair $riap $pair $riap $pair $riap $pair $riap"
with OMPI_MCA_coll_tuned_dynamic_rules_filename=/elsewhere prove 1
[ "$(grep -c '^without' "$job/log")" -eq 17 ] || fail "a variable of the caller's was left"
prove 0 --same
[ "$(grep -c '^without' "$job/log")" -eq 1 ] || fail "--same: launches without the files"
has 'level at 5, worse at 0'

# --- nothing is worse
printf '%s\n' '1K 1000' '64K 20000' '256K 70000' '1M 300000' >"$job/with"
prove 0 --pairs 9
has '^# Better at 0 points, level at 5, worse at 0$'
has '^# Promised better, and level: 4 points$'
[ "$(wc -l <"$job/log")" -eq 40 ] || fail "not 9 pairs"

# --- a launch that fails once is made again; one that fails twice is the end
cat >"$job/then" <<'END'
if [ "$(wc -l <"$folder/log")" -eq 7 ]; then
  echo 'railgauge bench: no luck' >&2
  exit 3
fi
END
prove 0
[ "$(wc -l <"$job/log")" -eq 37 ] || fail "it was not made again"
echo '[ $side != with ] || { echo "railgauge bench: wrong data" >&2; exit 5; }' >"$job/then"
prove 3
told 'pair 1 of 8, MPI_Allreduce, with the files: failed 2 times, at last: wrong data'
echo '[ $side != poisoned ] || { echo "railgauge bench: no room" >&2; exit 3; }' >"$job/then"
prove 3
told 'MPI_Allreduce at 64K, with a rule that must fail: it failed otherwise, 2 times, at last: no room'
tidy

# --- a launch that hangs is ended, and nothing of it is left
echo 'echo $$ >"$folder/pid"; exec sleep 60' >"$job/then"
prove 3 --limit 300ms
told 'the first launch, without the files: failed 2 times, at last: did not end within 300 ms'
! kill -0 "$(cat "$job/pid")" 2>/dev/null || fail "the launcher is left behind"

# --- Ctrl-C leaves neither a process nor a folder
for signal in INT TERM; do
  rm -f "$job/log" "$job/pid"
  echo '[ $side != poisoned ] || { echo $$ >"$folder/pid"; exec sleep 60; }' >"$job/then"
  "$RAILGAUGE" prove "$folder" -- sh "$here/tests/cmd/fake_launcher.sh" "$job" >"$tmp/out" 2>"$tmp/err" &
  driver=$!
  i=0
  until [ -s "$job/pid" ]; do
    i=$((i + 1))
    [ $i -lt 400 ] || fail "no launch with a rule that must fail"
    sleep 0.05
  done
  [ -n "$(ls -d "$folder"/.poison-*)" ] || fail "no copy of the files in their folder"
  kill -s $signal $driver
  wait $driver
  got=$?
  [ $got -eq 6 ] || fail "SIG$signal: status $got, not 6"
  told interrupted
  ! kill -0 "$(cat "$job/pid")" 2>/dev/null || fail "the launcher is left behind"
  tidy
done

# --- nor is it lost while a launch is being ended, here for what it writes, although it hears SIGTERM
rm -f "$job/pid"
echo 'trap "echo \$\$ >\"\$folder/pid\"" TERM; yes; while :; do sleep 0.05; done' >"$job/then"
"$RAILGAUGE" prove "$folder" -- sh "$here/tests/cmd/fake_launcher.sh" "$job" >"$tmp/out" 2>"$tmp/err" &
driver=$!
i=0
until [ -s "$job/pid" ]; do
  i=$((i + 1))
  [ $i -lt 400 ] || fail "it was not asked to end"
  sleep 0.05
done
kill -s INT $driver
wait $driver
got=$?
[ $got -eq 6 ] || fail "SIGINT while a launch was being ended: status $got, not 6"
told 'interrupted by signal 2'
! kill -0 "$(cat "$job/pid")" 2>/dev/null || fail "the launcher is left behind"
rm "$job/then"

# --- a rule that is not honoured: named, and nothing is measured
touch "$job/ignorant"
prove 2 --json "$tmp/proof.json"
has '^# NOT HONOURED: MPI_Allreduce, 64K to 1048575 (ring): a launch at 64K succeeded'
has '^# NOT HONOURED: MPI_Allreduce, from 1M on (basic_linear)'
has '^# NOT HONOURED: MPI_Bcast, from 0 on (binomial)'
has '^#   likely: another component'
launches 'without allreduce poisoned allreduce poisoned allreduce poisoned broadcast'
grep -q '"honoured": false' "$tmp/proof.json" || fail "proof.json does not say so"
run 2 prove "$folder" -- sh "$here/tests/cmd/fake_launcher.sh" "$job" --mca coll ^tuned
has "^#   likely: the launcher's own words decide: --mca coll ^tuned"
rm "$job/ignorant"

# --- on several hosts all have to see the file
with FAKE_HOST2=node2 prove 0
[ "$(sed -n 2p "$job/log")" = 'program sh' ] || fail "no look at the file"
touch "$job/blind"
with FAKE_HOST2=node2 prove 2 --json "$tmp/proof.json"
has '^# NOT HONOURED: not all hosts see the files: node2: blind$'
launches 'without allreduce program sh program sh'
grep -q '"unseen": "node2: blind"' "$tmp/proof.json" || fail "proof.json does not say so"
rm "$job/blind"

# --- another job than was decided for
with FAKE_RANKS=3 prove 3
told 'the launcher starts 3 ranks, but the decisions are for 2'
with 'FAKE_LIBRARY=Open MPI v4.1.5' prove 3
told 'the job runs with "Open MPI v4.1.5", but the decisions are for "Open MPI v4.1.4, package: made up"'
with FAKE_HOST=node2 prove 0
has '^# Note: other hosts than decided for: here node2, there node1$'
with OMPI_MCA_btl=self,tcp prove 0
has "^# Note: another transport than decided for: here btl self,tcp, there the library's choice\$"

# --- rules that are in force without the files, or others than theirs, would be compared with themselves
echo /etc/rules.txt >"$job/rules"
prove 3
told 'the first launch, without the files: the job goes by rules all the same (/etc/rules.txt)'
launches 'without allreduce'
rm "$job/rules"
echo '[ $side != with ] || has=/elsewhere/rules.txt' >"$job/then"
prove 3
told "pair 1 of 8, .*, with the files: the job goes by other rules (/elsewhere/rules.txt) than those of $folder/openmpi-rules.txt"
rm "$job/then"

# --- a rule is tried where it is used: 64K are 65532 bytes in three blocks, which is below its range
usual=$folder
folder=$tmp/three
with nranks=3 decide "$folder" "$library" "$(decision MPI_Allgather allgather \
  "$(range 0 65535 $default), $(range 65536 262143 4 ring 1.1), $(range 262144 null 2 bruck 1.1)" \
  "$(point 65536 4 ring 1.1), $(point 131072 4 ring 1.1)")"
printf '%s\n' '64K 20000' '128K 40000' '262152 80000' | tee "$job/with" >"$job/without"
with FAKE_RANKS=3 prove 0
tried=$(sed -n 's/^poisoned allgather //p' "$job/log" | tr '\n' ' ')
[ "$tried" = '128K=mpi 262152=mpi ' ] || fail "tried at $tried"
has '^  MPI_Allgather  *262152 bruck .* - *level$'

# --- in 65540 to 65542 there is no whole number of floats in three blocks
with nranks=3 decide "$folder" "$library" "$(decision MPI_Allgather allgather \
  "$(range 0 65539 $default), $(range 65540 65542 4 ring 1.1), $(range 65543 null 2 bruck 1.1)" \
  "$(point 131072 2 bruck 1.1)")"
with FAKE_RANKS=3 prove 3
told 'MPI_Allgather from 65540 to 65542 bytes: expected a multiple of 12 among them'
[ ! -e "$job/log" ] || fail "something was launched"
folder=$usual

# --- files that are not what they were
cp -r "$folder" "$tmp/copied"
run 3 prove "$tmp/copied" -- false
told 'env.sh: OMPI_MCA_coll_tuned_dynamic_rules_filename=.* is not in this folder'
mv "$folder" "$tmp/moved"
run 3 prove "$tmp/moved" -- false
told 'env.sh: OMPI_MCA_coll_tuned_dynamic_rules_filename=.*: no such file'
mv "$tmp/moved" "$folder"
cp "$folder/openmpi-rules.txt" "$tmp/rules"
sed 's/^65536 4/65536 3/' "$tmp/rules" >"$folder/openmpi-rules.txt"
prove 3
told 'the rules have not what was decided for MPI_Allreduce'
tidy
echo '1 1 x' >"$folder/openmpi-rules.txt"
prove 3
told 'openmpi-rules.txt'
cp "$tmp/rules" "$folder/openmpi-rules.txt"
cp "$folder/env.sh" "$tmp/env.sh"
echo 'if' >"$folder/env.sh"
prove 3
told 'env.sh: a shell cannot source it'
: >"$folder/env.sh"
prove 3
told 'env.sh names no file, but there are decisions'
cp "$tmp/env.sh" "$folder/env.sh"

# --- the command line
run 3 prove
complained 'railgauge prove: which folder?'
run 3 prove "$folder"
complained "railgauge prove: no launcher: railgauge prove $folder -- mpirun"
run 3 prove "$folder" "$folder" -- mpirun
complained ': one folder at a time'
run 3 prove --pairs 7 "$folder" -- mpirun
complained 'railgauge prove: --pairs: 7 is not between 8 and 1000'
run 3 prove "$tmp/nowhere" -- mpirun
complained 'nowhere: No such file or directory'
run 3 prove "$folder" --json "$tmp/nowhere/a" -- mpirun
complained 'nowhere/a: .*No such file'
with OMPI_COMM_WORLD_RANK=0 run 3 prove "$folder" -- mpirun
complained 'started by a launcher (OMPI_COMM_WORLD_RANK is set): start it outside'
run 3 prove "$folder" -- "$tmp/nowhere"
told 'nowhere: no such program'
tidy
