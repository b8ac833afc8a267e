#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# railgauge prove and Open MPI itself: are its files honoured, and is it noticed if they are not? What
# the pairs measure is made up: no test depends on speed.
set -u
. "${srcdir:-.}/tests/cmd/command.sh"
LIBRARY=openmpi ONCE=yes
. "$srcdir/tests/mpi/launcher.sh"
. "$srcdir/tests/cmd/proof.sh"
case $srcdir in /*) here=$srcdir ;; *) here=$PWD/$srcdir ;; esac
unset OMPI_MCA_coll_tuned_dynamic_rules_filename OMPI_MCA_coll_tuned_use_dynamic_rules OMPI_MCA_coll
folder=$tmp/tuned
job=$tmp/job
mkdir "$job" || exit 99
printf '%s\n' '1K 1000' '64K 20000' >"$job/without"
printf '%s\n' '1K 1000' '64K 10000' >"$job/with"

"$mpirun" -np 2 "$RAILGAUGE" bench allreduce -b 8 -e 8 -n 1 -w 0 --target mpi --no-calibrate \
  --json "$tmp/a.json" >"$tmp/out" 2>"$tmp/err" || fail "bench"
library=$(sed -n 's/^  "mpi": "\(.*\)",$/\1/p' "$tmp/a.json")
case $library in
  'Open MPI v4.'* | 'Open MPI v5.'*) ;;
  *) echo "skipped: no files can be written for $library"; exit 77 ;;
esac
grep -q '^  "rules": "none",$' "$tmp/a.json" || fail "rules out of nowhere"

# Launches of one repetition are Open MPI's: the look, and those with a rule that must fail.
cat >"$tmp/half" <<END
#!/bin/sh
case " \$* " in *' --iters '*) exec "$mpirun" -np 2 "\$@" ;; esac
exec sh "$here/tests/cmd/fake_launcher.sh" "$job" "\$@"
END
chmod +x "$tmp/half"
has() { grep -q -- "$1" "$tmp/out" || fail "expected on stdout: $1"; }

decide "$folder" "$library" "$(decision MPI_Allreduce allreduce \
  "$(range 0 65535 3 recursive_doubling 1.1), $(range 65536 null 4 ring 1.9)" \
  "$(point 1024 3 recursive_doubling 1.1), $(point 65536 4 ring 1.9)"), $(decision MPI_Bcast broadcast \
  "$(range 0 null 6 binomial 1.1)" "$(point 1024 6 binomial 1.1)")"
run 0 prove "$folder" -- "$tmp/half"
has '^# Honoured: all rules$'
has '^# Better at 1 point (up to 2.00x: MPI_Allreduce at 64K), level at 2, worse at 0$'

decide "$folder" "$library" "$(decision MPI_Allreduce allreduce "$(range 0 null 4 ring 1.1)" \
  "$(point 65536 4 ring 1.9)")"
for words in '--mca coll_tuned_use_dynamic_rules 0' '--mca coll ^tuned'; do
  run 2 prove "$folder" -- "$tmp/half" $words
  has '^# NOT HONOURED: MPI_Allreduce, from 0 on (ring): a launch at 64K succeeded'
  has "^#   likely: the launcher's own words decide: $words\$"
done

# --- files that the user's own parameters name are in force on the side without them, too
mkdir -p "$tmp/home/.openmpi" || exit 99
cp "$folder/openmpi-mca-params.conf" "$tmp/home/.openmpi/mca-params.conf" || exit 99
HOME=$tmp/home
export HOME
"$mpirun" -np 2 "$RAILGAUGE" bench allreduce -b 8 -e 8 -n 1 -w 0 --target mpi --no-calibrate \
  --json "$tmp/a.json" >"$tmp/out" 2>"$tmp/err" || fail "bench"
grep -q "^  \"rules\": \"$folder/openmpi-rules.txt\",\$" "$tmp/a.json" || fail "the rules are not in the document"
run 3 prove "$folder" -- "$tmp/half"
grep -q "^railgauge prove: the first launch, without the files: .*($folder/openmpi-rules.txt)" "$tmp/err" ||
  fail "not told of the user's parameters"
run 2 tune --out "$tmp/again" --collectives allreduce -b 8 -e 8 -- "$mpirun" -np 2
grep -q "^railgauge tune: the job goes by rules of its own ($folder/openmpi-rules.txt)" "$tmp/err" ||
  fail "not told of the user's parameters"
[ ! -e "$tmp/again" ] || fail "left: $(ls -A "$tmp/again")"
"$mpirun" -np 2 "$RAILGAUGE" bench allreduce -b 8 -e 8 -n 1 -w 0 --target mpi:ring --no-calibrate \
  >"$tmp/out" 2>"$tmp/err" && fail "an algorithm is measured that the rules come before"
grep -q "Open MPI goes by the rules of $folder/openmpi-rules.txt, which come before" "$tmp/err" || fail "why?"
exit 0
