#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# railgauge tune without any MPI library: a launcher that prints made-up results, so that it is known
# what must come out of them.
set -u
. "${srcdir:-.}/tests/cmd/command.sh"
case $srcdir in /*) here=$srcdir ;; *) here=$PWD/$srcdir ;; esac
for name in $(env | sed -n 's/^\(\(OMPI_MCA\|PMIX_MCA\|PRTE_MCA\|UCX\)_[A-Za-z0-9_]*\)=.*/\1/p') \
  OMPI_COMM_WORLD_RANK PMIX_RANK PMI_RANK RG_MPI_FAULT; do
  unset "$name"
done
job=$tmp/job
mkdir "$job" || exit 99
folder=$tmp/tuned
printf mpi,mpi:basic_linear,mpi:recursive_doubling,mpi:ring >"$job/all"
printf '%s\n' '* 0.5 mpi:ring' '* 3 mpi:basic_linear' | tee "$job/with" >"$job/without"

# tune STATUS OPTION...: into $folder, under the launcher
tune() {
  want=$1
  shift
  rm -f "$job/log"
  run "$want" tune --out "$folder" --collectives allreduce -b 1K -e 64K --launches 2 "$@" \
    -- sh "$here/tests/cmd/fake_launcher.sh" "$job"
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
told() { grep -q "^railgauge tune: .*$1" "$tmp/err" || fail "expected: $1"; }

# --- who is twice as fast is chosen
tune 0
has '^MPI_Allreduce  *0  *1023  *default *$'
has '^  *1K  *64K  *ring  *2\.00 '
has '^  *65537  *and up  *default *$'
for rule in '0 0 0 0' '1024 4 0 0' '65537 0 0 0'; do
  grep -q "^$rule" "$folder/openmpi-rules.txt" || fail "no rule $rule"
done

# --- a journal goes on only where the library is told the same
cp "$folder/journal.jsonl" "$tmp/journal"
with OMPI_MCA_btl=self,tcp tune 3
told 'begun with another question: transport was "" and is "btl self,tcp"'
with UCX_TLS=secret tune 3
told 'begun with another question: environment was "" and is "[0-9a-f]\{16\}: UCX_TLS"'
cmp "$folder/journal.jsonl" "$tmp/journal" || fail "the journal was changed"
with UCX_TLS=secret tune 0 --fresh
! grep -q secret "$folder/journal.jsonl" "$folder/decisions.json" || fail "a value was written down"
with UCX_TLS=secret tune 0
[ "$(wc -l <"$job/log")" -eq 1 ] || fail "not only the look at the job, but $(cat "$job/log")"
with UCX_TLS=secrets tune 3
told 'environment was "[0-9a-f]\{16\}: UCX_TLS" and is "[0-9a-f]\{16\}: UCX_TLS"'

# --- where the files for the library cannot be written, the decisions are not, either
rm -r "$folder"
tune 0
grep -v '^#' "$folder/openmpi-rules.txt" >"$tmp/rules"
echo old >"$folder/decisions.json"
rm "$folder/openmpi-rules.txt"
mkdir "$folder/openmpi-rules.txt"
tune 3
told 'openmpi-rules.txt: '
[ "$(cat "$folder/decisions.json")" = old ] || fail "decisions without their files"
rmdir "$folder/openmpi-rules.txt"
tune 0
grep -v '^#' "$folder/openmpi-rules.txt" | cmp - "$tmp/rules" || fail "other rules from the same launches"
grep -q '"schema": "railgauge-decisions"' "$folder/decisions.json" || fail "no decisions"

# --- launches that fail only if several are in them: given up, which is said at last; 4 if all are
rm -r "$folder"
cat >"$job/then" <<'END'
case "$collective $points" in
  'allreduce '*,* | 'allreduce '*:all*) echo 'railgauge bench: too many' >&2; exit 4 ;;
esac
END
tune 4
told 'MPI_Allreduce: not wholly searched: launches fail, though each algorithm alone does not: too many'
[ ! -e "$folder/decisions.json" ] || fail "decisions all the same"
rm -r "$folder"
tune 0 --collectives allreduce,allgather
[ "$(tail -n 1 "$tmp/out")" = 'GIVEN UP, since launches failed (--fresh tries again): MPI_Allreduce' ] || fail "not said at last"
grep -A 1 '^MPI_Allgather  *0 ' "$tmp/out" | grep -q '^  *1K  *64K  *ring  *2\.00 ' || fail "no ring"
rm "$job/then"

# --- what is asked for reaches each launch; when the time is up, what is known is written
rm -r "$folder"
echo 'echo "$*" >>"$folder/words"' >"$job/then"
tune 0 --datatype double --op max --seed 7
for words in '--datatype double' '--op max' '--seed '; do
  [ "$(grep -c -- " $words" "$job/words")" -eq "$(wc -l <"$job/log")" ] || fail "not in each launch: $words"
done
rm -r "$folder"
echo 'sleep 1.2' >"$job/then"
tune 0 --budget 1s
has '^MPI_Allreduce: not wholly searched: the time was up; '
[ "$(wc -l <"$job/log")" -le 3 ] || fail "went on after the time was up: $(cat "$job/log")"
rm "$job/then"

# --- a launch's limit, and with it the longest wait for a peer, grows with what it has to move
rm -r "$folder"
echo 'echo "$*" | sed "s/.*--timeout //" >>"$folder/timeouts"' >"$job/then"
run 0 tune --out "$folder" --collectives allreduce -b 1G -e 1G --launches 2 \
  -- sh "$here/tests/cmd/fake_launcher.sh" "$job"
[ "$(head -n 2 "$job/timeouts" | tr '\n' ' ')" = '15000000000ns 30000000000ns ' ] ||
  fail "other times: $(cat "$job/timeouts")"
rm "$job/then"

# --- more algorithms than the search has room for are no failure of a peer
rm -r "$folder"
cp "$job/all" "$tmp/all"
i=1
while [ $i -le 50 ]; do
  printf ',mpi:segmented_ring:%d' $((1024 * i)) >>"$job/all"
  i=$((i + 1))
done
tune 3
told 'MPI_Allreduce: more than [0-9]* algorithms and segment sizes'
mv "$tmp/all" "$job/all"

# --- what other hosts say does no harm to a terminal, and the last lines can be pasted into a shell
usual=$folder
folder="$tmp/it's here"
ln -s "$job" "$tmp/the job"
with 'FAKE_HOST=node\\u001b[1m' run 0 tune --out "$folder" --collectives allreduce -b 1K -e 64K --launches 2 \
  -- sh "$here/tests/cmd/fake_launcher.sh" "$tmp/the job"
has '^2 ranks on 1 host: node?\[1m; '
use=$(sed -n 's/^to use it:  //p' "$tmp/out")
prove=$(sed -n 's/^to prove it:  railgauge //p' "$tmp/out")
eval "($use && [ -e \"\$OMPI_MCA_coll_tuned_dynamic_rules_filename\" ])" || fail "not to be pasted: $use"
eval "run 0 $prove"
has '^# Honoured: the rule$'
run 0 emit "$folder/decisions.json"
use=$(sed -n 's/^to use them: //p' "$tmp/out")
eval "($use && [ -e \"\$OMPI_MCA_coll_tuned_dynamic_rules_filename\" ])" || fail "not to be pasted: $use"
folder=$usual
