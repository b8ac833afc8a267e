#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# railgauge tune under mpirun: it ends well, goes on after an interruption, excludes what crashes,
# hangs or is wrong with the reason, refuses what it cannot do before it measures, and leaves no process.
set -u
ONCE=1
. "${srcdir:-.}/tests/cmd/failures.sh"
trap 'umount "$tmp/small" 2>/dev/null; rm -rf "$tmp"' EXIT
LIBRARY=openmpi
. "${srcdir:-.}/tests/mpi/launcher.sh"
export TSAN_OPTIONS=exitcode=0
mark="RG_TEST_MARK=$$.$(date +%s)"
fast="--collectives allreduce -b 16K -e 16K --launches 2 --per-size 20ms"
d=$tmp/d

# tune STATUS OPTION... -- LAUNCHER...: in the folder d
tune() {
  status=$1
  shift
  must "$status" env "$mark" "$RAILGAUGE" tune --out "$d" "$@"
}

# all_gone: none that has the mark in its environment, and no file in TMPDIR
all_gone() {
  nothing_left
  for p in /proc/[0-9]*; do
    if { tr '\0' '\n' <"$p/environ"; } 2>/dev/null | grep -qx "$mark"; then
      is_alive "${p#/proc/}" && fail "left behind: $(tr '\0' ' ' <"$p/cmdline")"
    fi
  done
}

# refused PATTERN: one line says why, and there is no folder
refused() {
  only_said "^railgauge tune: .*$1"
  [ ! -s "$tmp/out" ] || fail "something on stdout"
  [ ! -e "$d" ] || fail "left: $(ls "$d")"
}

# --- what cannot be is said before anything is measured ---
tune 2 $fast
refused 'which launcher?'
tune 2 --collectives allredcue -- "$mpirun" -np 2
refused 'allredcue: no such collective; did you mean allreduce?'
tune 2 --collectives sendrecv -- "$mpirun" -np 2
refused 'sendrecv: MPI libraries have no choice for it'
tune 2 --place in -- "$mpirun" -np 2
refused '--place in: MPI_Allgather in place has no send count'
tune 2 $fast "$mpirun" -- "$mpirun" -np 2
refused 'the launcher comes after --'
must 2 env OMPI_COMM_WORLD_RANK=0 "$RAILGAUGE" tune --out "$d" -- "$mpirun" -np 2
refused 'OMPI_COMM_WORLD_RANK is set'
must 2 env OMPI_MCA_coll_tuned_use_dynamic_rules=1 "$RAILGAUGE" tune --out "$d" -- "$mpirun" -np 2
refused 'OMPI_MCA_coll_tuned_use_dynamic_rules is set'
must 2 env "$mark" OMPI_MCA_coll_tuned_bcast_algorithm=6 "$RAILGAUGE" tune --out "$d" $fast -- "$mpirun" -np 2
refused 'the job goes by rules of its own (coll_tuned_bcast_algorithm = 6), or would once rules are on'
tune 3 $fast -- no-such-mpirun -np 2
refused 'no-such-mpirun: no such program'
tune 3 $fast -- "$mpirun" -np 1
refused 'one rank'
tune 4 $fast --limit 1s -- sh -c 'setsid sleep 1000 & exec sleep 1000'
refused 'the first launch failed: did not end within 1.00 s'
all_gone
tune 4 $fast -- sh -c 'echo "no hosts" >&2; exit 1'
refused 'the first launch failed: no hosts'
: >"$tmp/file"
must 3 "$RAILGAUGE" tune --out "$tmp/file/d" $fast -- "$mpirun" -np 2
refused 'file/d: Not a directory'
mpich=
for name in mpirun.mpich mpiexec.hydra; do
  [ -n "$mpich" ] || { command -v $name >/dev/null && mpich=$name; }
done
if [ -n "$mpich" ] && [ -e "$RG_MPI_MODULES/rg_mpi_mpich.so" ]; then
  tune 3 $fast -- "$mpich" -np 2
  refused 'mpich'
fi
mkdir "$tmp/small"
if [ "$RG_PRIVATE" = 1 ] && mount -t tmpfs -o size=64k none "$tmp/small" 2>/dev/null; then
  must 3 "$RAILGAUGE" tune --out "$tmp/small" $fast -- sh -c 'touch "$0"; exit 1' "$tmp/launched"
  only_said 'small/decisions.json: cannot write it: No space left on device'
  [ -z "$(ls "$tmp/small")" ] || fail "left: $(ls "$tmp/small")"
  [ ! -e "$tmp/launched" ] || fail "a launch was made"
  umount "$tmp/small"
else
  echo "a full disk was not tried: no file system may be mounted here"
fi

# --- without coll/tuned there is nothing to choose ---
tune 3 $fast -- "$mpirun" -np 2 --mca coll ^tuned
said 'runs without its component coll/tuned'
[ ! -e "$d/decisions.json" ] || fail "decisions all the same"
rm -r "$d"

# --- to the end, with algorithms that crash, hang and are wrong; the list of all fails with them ---
RG_MPI_FAULT=allreduce:ring:crash,allreduce:rabenseifner:hang,allreduce:recursive_doubling:wrong
RG_MPI_FAULT=$RG_MPI_FAULT,allreduce:nonoverlapping:refuse
export RG_MPI_FAULT
fast="$fast --limit 24s"
tune 0 $fast -- "$mpirun" -np 2
said '^railgauge: MPI_Allreduce (1 of 1)'
for words in 'ring is excluded: ended by signal 6 (Aborted)' \
  'rabenseifner is excluded: .*waited .* in a collective' \
  'recursive_doubling is excluded: [0-9]* of [0-9]* elements .* are wrong'; do
  grep -q "^MPI_Allreduce: $words" "$tmp/out" || fail "expected: $words"
done
grep -q '"why": ".*RG_MPI_FAULT refuses allreduce:nonoverlapping"' "$d/decisions.json" ||
  fail "no refusal"
grep -q '^MPI_Allreduce  *0 ' "$tmp/out" || fail "no ranges"
for file in decisions.json journal.jsonl env.sh; do
  [ -s "$d/$file" ] || fail "no $file"
done
grep -q '"fate": "measured"' "$d/decisions.json" || fail "nothing was measured"
! grep -q 'left the race' "$d/decisions.json" || fail "who was beaten was not refused"
all_gone

# Once more: all is known. Another question is another tuning.
cp "$d/journal.jsonl" "$tmp/journal"
cp "$tmp/out" "$tmp/first"
tune 0 $fast -- "$mpirun" -np 2
said 'going on from .*journal.jsonl: [0-9]* launches of before'
cmp "$d/journal.jsonl" "$tmp/journal" || fail "launches were made again"
cmp "$tmp/out" "$tmp/first" || fail "other decisions from the same launches"
tune 3 $fast --seed 2 -- "$mpirun" -np 2
only_said 'begun with another question: seed was 1 and is 2'
cmp "$d/journal.jsonl" "$tmp/journal" || fail "the journal was changed"
rm -r "$d"
unset RG_MPI_FAULT

# --- what a rule says of segments is what is measured, whatever the user's variables say ---
cat >"$tmp/logged" <<END
#!/bin/sh
echo "\$*" >>"$tmp/launches"
exec "$mpirun" -np 2 "\$@"
END
chmod +x "$tmp/logged"
tune 0 --collectives gather --exhaustive -b 64 -e 64 --launches 2 --per-size 20ms -- "$tmp/logged"
grep -q 'mpi:linear_sync:0[,; ]' "$tmp/launches" || fail "segments of an unknown size: $(cat "$tmp/launches")"
! grep -q 'mpi:linear_sync[,; ]' "$tmp/launches" || fail "segments of an unknown size: $(cat "$tmp/launches")"
rm -r "$d"

# --- interrupted, and continued ---
start env "$mark" "$RAILGAUGE" tune --out "$d" $fast -- "$mpirun" -np 2
until_there 60 '"MPI_Allreduce"' "$d/journal.jsonl"
child=$(sed 's/ .*//' "/proc/$job/task/$job/children")
sleep 0.2 # into the start of the next launch, where Open MPI takes longest to end: 2 s
kill -INT "$child"
ended 6
said 'railgauge tune: the same command goes on after [0-9]* launch.*: interrupted by signal 2'
[ ! -e "$d/decisions.json" ] || fail "decisions all the same"
all_gone
cp "$d/journal.jsonl" "$tmp/journal"
tune 0 $fast -- "$mpirun" -np 2
said 'going on from .*journal.jsonl'
head -n "$(wc -l <"$tmp/journal")" "$d/journal.jsonl" | cmp - "$tmp/journal" || fail "it began anew"
[ -s "$d/decisions.json" ] || fail "no decisions"

rm -r "$d"

# --- the disk fills up on the way: what was measured stays, and nothing is half written ---
if [ "$RG_PRIVATE" = 1 ] && mount -t tmpfs -o size=1200k none "$tmp/small" 2>/dev/null; then
  d=$tmp/small
  start env "$mark" "$RAILGAUGE" tune --out "$d" $fast -- "$mpirun" -np 2
  until_there 60 '"MPI_Allreduce"' "$d/journal.jsonl"
  cat /dev/zero >"$d/fill" 2>/dev/null
  ended 3
  said 'railgauge tune: .*small/.*: .*No space left on device' # in which file, its last block decides
  [ ! -e "$d/decisions.json" ] || fail "decisions all the same"
  [ "$(tail -c 1 "$d/journal.jsonl" | wc -l)" -eq 1 ] || fail "half a line in the journal"
  all_gone
  umount "$tmp/small"
fi
nothing_left
exit 0
