#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# railgauge bench from outside: bad options are one line that names them, small measurements of every
# collective are right, and nothing is left behind. No test here looks at a time.
set -u
. "${srcdir:-.}/tests/cmd/command.sh"
unset RANK WORLD_SIZE MASTER_ADDR MASTER_PORT OMPI_COMM_WORLD_SIZE PMI_RANK PMI_SIZE PMIX_RANK RG_MPI

# bench STATUS ARGUMENTS...: railgauge bench with them must end with the status
bench() {
  want=$1
  shift
  timeout 120 "$RAILGAUGE" bench "$@" >"$tmp/out" 2>"$tmp/err"
  got=$?
  [ "$got" -eq "$want" ] || fail "bench $*: status $got, not $want"
}

# refused STATUS PATTERN ARGUMENTS...: nothing is measured, and one line says why
refused() {
  status=$1
  pattern=$2
  shift 2
  bench "$status" "$@"
  [ ! -s "$tmp/out" ] || fail "bench $*: nothing should be on stdout"
  [ "$(wc -l <"$tmp/err")" -eq 1 ] || fail "bench $*: expected one line"
  grep -q -- "^railgauge bench: .*$pattern" "$tmp/err" || fail "bench $*: expected: $pattern"
}

# --- mistakes ---
refused 2 'which collective'
refused 2 'did you mean allreduce' allreduc
refused 2 'one collective at a time' allreduce alltoall
refused 2 '-b 2M is above -e 1M' allreduce -b 2M -e 1M
refused 2 'not a size' allreduce -b 12x
refused 2 'did you mean --target' allreduce --trget mpi
refused 2 'did you mean mpi' allreduce --target mpii
refused 2 'no algorithm "onehot" (did you mean "oneshot"' allreduce --target railgauge:onehot
refused 2 'a protocol needs an algorithm' allreduce --target railgauge:auto:slot
refused 2 'protocol word needs --algorithm' allreduce --protocol word
refused 2 '--radix needs --algorithm' alltoall --radix 4
refused 2 '--radix: alltoall linear has none' alltoall --radix 4 --algorithm linear
refused 2 '--radix: 1 joins nobody' alltoall --radix 1 --algorithm bruck
refused 2 '--send-window: alltoall bruck has none' alltoall --send-window 2 --algorithm bruck
refused 2 'no such protocol; there are slot, word, window, read, and auto' allreduce --target railgauge:oneshot:slit
refused 2 'does not name' allreduce --target mpi --algorithm oneshot
refused 2 'mpi-v' alltoall --target mpi-v
refused 2 '--buffers: shared' allreduce --buffers shared
refused 2 'exclude each other' allreduce --persistent --clear-to-send
refused 2 'exclude each other' allreduce --threads 2 --mpi openmpi
refused 2 '--persistent is about windows' allreduce --persistent --buffers private
refused 2 '-f above 1' allreduce -f 1
refused 2 'root 2: there are 2 ranks' broadcast -r 2 --threads 2
refused 2 '--op: alltoall reduces nothing' alltoall -o max --threads 2
refused 2 '--traffic: all blocks of alltoall are equally long' alltoall --traffic "$tmp/m" --threads 2
refused 3 '--traffic: .*/nowhere/m' alltoallv --traffic "$tmp/nowhere/m" --threads 2
printf '1 2\n3\n' >"$tmp/m"
refused 3 "--traffic: $tmp/m:2: expected 2 numbers, one for each rank, not 1" alltoallv --traffic "$tmp/m" --threads 2
printf '0 2\n3 0\n' >"$tmp/m"
refused 2 'place in: .*rank 0 sends rank 1 2 elements and gets 3' alltoallv --traffic "$tmp/m" --threads 2 --place in
refused 2 '--root: allreduce has no root' allreduce -r 1 --threads 2
refused 3 'no transport "shn" (did you mean "shm"' allreduce --threads 2 --transport shn
refused 3 'not started by an MPI launcher' allreduce --target mpi
refused 3 'threads of one process' allreduce --target railgauge,mpi --threads 2
refused 3 'GiB\|G are left\|M are left' allreduce --threads 2 -b 900G -e 900G
refused 3 'nowhere' allreduce --threads 2 -e 8 --json "$tmp/nowhere/x.json"
refused 3 'nowhere' allreduce --threads 2 -e 8 --csv "$tmp/nowhere/x.csv"

refused 2 '--dry-run and --json - exclude each other' allreduce --threads 2 --json - --dry-run
refused 2 '--race and -n exclude each other' allreduce --threads 2 --race -n 10
refused 2 '--raw and --no-samples exclude each other' allreduce --threads 2 --raw --no-samples

for pair in '|point 1 (): expected SIZE=TARGET' '8|point 1 (8): expected SIZE=TARGET' \
  '8=railgauge;|point 2 (): expected SIZE=TARGET' '8=|point 1 (8): an empty name' \
  '8=railgauge,;9=mpi|point 1 (8): an empty name' '8=railgauge;8=mpi|point 2 (8): sizes must ascend' \
  '8=railgauge;10=railgauge|point 2 (10): in whole elements and blocks' \
  'x=mpi|point 1 (x=mpi): "x" is not a size' '4=mpi;8=mpj|point 2 (8): mpj: no such target; did you mean mpi'; do
  refused 2 "--points: ${pair#*|}" allreduce --threads 2 --points "${pair%%|*}"
done
refused 2 '--points: point 2 (20): in whole elements and blocks' allgather --threads 3 \
  --points '12=railgauge;20=railgauge'
refused 2 "--points: point 1 (4): a barrier's size is 0" barrier --threads 2 --points '4=railgauge'
refused 2 '--target and --points exclude each other' allreduce --points '8=railgauge' --target railgauge
refused 2 '--maxbytes and --points exclude each other' allreduce --points '8=railgauge' -e 8
refused 3 '--points: point 2: more than 64 targets' allreduce --threads 2 --points \
  "8=railgauge;16=$(printf 'railgauge,%.0s' $(seq 64))railgauge"

# --- what is planned ---
bench 0 allreduce --threads 2 -b 8 -e 1K --dry-run
grep -q '^8 sizes x 4 ' "$tmp/out" || fail "8 sizes, two kinds of buffers, two places"
grep -q '^memory: .* per rank' "$tmp/out" || fail "no word about memory"
with=$(sed -n 's/^memory: \([0-9]*\).*/\1/p' "$tmp/out")
bench 0 allreduce --threads 2 -b 64M -e 64M --budget 10ms --dry-run --no-calibrate
grep -q '^time: about [0-9.]* s;' "$tmp/out" || fail "six repetitions of 64 MiB are no 10 ms"
grep -q '^1 size x 4 .* on 2 ranks$' "$tmp/out" || fail "one size"
! grep -q 'to calibrate' "$tmp/out" || fail "time for a calibration that will not be"
bench 0 allreduce --threads 3 --transport tcp -b 8 -e 8 --dry-run
grep -q '^time: .* and 2.28 s to calibrate the network$' "$tmp/out" || fail "twelve rounds of 0.19 s"
bench 0 allreduce --threads 2 -b 8 -e 8 -n 7 --dry-run
grep -q '^time: .*; 7 repetitions per point' "$tmp/out" || fail "-n 7 is no budget"
bench 0 allreduce --threads 2 -b 8 -e 1K --dry-run --no-calibrate
without=$(sed -n 's/^memory: \([0-9]*\).*/\1/p' "$tmp/out")
[ "$with" -ge $((without + 64)) ] || fail "the calibration's memory is left out"

# --- small measurements, every result checked ---
quick='--budget 10ms --precision 100 -w 1 --no-calibrate'
for ranks in 1 2 3; do
  bench 0 allreduce --threads $ranks -b 0 -i 4 -f 1 -e 64 $quick
  bench 0 allreduce --threads $ranks -b 4K -e 1M -f 16 $quick
done
grep -q '^ *1048576 .* private ' "$tmp/out" || fail "no line for 1 MiB"
grep -q '^# All [0-9]* checked elements are right' "$tmp/out" || fail "nothing was checked"
for cache in fresh cold; do
  bench 0 allreduce --threads 2 -b 1K -e 64K -f 64 -n 3 --cache $cache $quick
done
bench 0 allreduce --threads 2 -b 64 -e 1M -f 128 --persistent $quick
bench 0 allreduce --threads 2 -b 64 -e 64K -f 1024 -d half -o avg $quick
bench 0 allreduce --threads 2 -b 1K -e 1K --target railgauge:all,railgauge,railgauge $quick
grep -q 'railgauge#2' "$tmp/out" || fail "the same target twice has two labels"
for collective in reduce reducescatter allgather gather scatter alltoall alltoallv broadcast sendrecv barrier; do
  bench 0 $collective --threads 3 -b 96 -e 96K -f 1024 $quick
done
bench 0 broadcast --threads 3 -b 4K -e 4K -r 2 $quick
# Zeros, a row and a column of nothing, and one pair with most; in place what comes is what goes.
printf '1 0 3 0\n0 0 0 0\n500 2 0 7\n0 0 1 0\n' >"$tmp/skewed"
printf '0 5 0 1\n5 2 0 0\n0 0 0 9\n1 0 9 0\n' >"$tmp/even"
for cache in warm fresh; do
  for traffic in skewed even; do
    bench 0 alltoallv --threads 4 -b 64 -e 64K -f 1024 --cache $cache --traffic "$tmp/$traffic" \
      --target railgauge:all,railgauge $quick
    grep -q '^# All [1-9][0-9]* checked elements are right' "$tmp/out" || fail "nothing was checked"
  done
  grep -q '^ *65532 .*  in .* railgauge:hierarchical:slot  *| *[0-9]' "$tmp/out" || fail "nothing in place"
done
bench 0 alltoallv --threads 4 -b 64K -e 64K -n 3 --cache cold --traffic "$tmp/skewed" $quick
bench 0 alltoallv --threads 4 -b 8K -e 8K --traffic "$tmp/skewed" --json "$tmp/v.json" $quick
grep -q 'in place as much must come as goes' "$tmp/out" || fail "no reason for what has no place"
grep -q '"traffic": "[0-9a-f]\{16\}"' "$tmp/v.json" || fail "no traffic in the points"
[ "$(grep -c '^ *500,$' "$tmp/v.json")" -eq 1 ] || fail "no weights in the run"
rm "$tmp/v.json"
bench 0 alltoallv --threads 3 -b 96K -e 96K --persistent $quick
grep -q '^# alltoallv, traffic uniform,' "$tmp/out" || fail "no word about the traffic"
for collective in reduce gather scatter; do
  for cache in warm fresh; do
    bench 0 $collective --threads 4 -b 16 -e 64K -f 4096 --cache $cache --target railgauge:all $quick
    bench 0 $collective --threads 3 -b 96K -e 96K -r 1 --persistent --cache $cache $quick
  done
done
bench 0 allreduce --threads 2 -b 8 -e 64 -n 7 --json "$tmp/n.json" $quick
awk -F '[:,]' '/"n":/ && $2 + 0 > 7 { bad = 1 } END { exit bad }' "$tmp/n.json" ||
  fail "-n 7: more repetitions than were asked for"
rm "$tmp/n.json"

# --- the result document ---
bench 0 allreduce --threads 2 -b 64K -e 64K --json "$tmp/a.json" --budget 10ms
grep -q '"bound_name": "' "$tmp/a.json" || fail "no bound"
bench 0 allreduce --threads 2 -b 8 -e 64 --json "$tmp/a.json" --csv "$tmp/a.csv" --raw $quick
[ "$(wc -l <"$tmp/a.csv")" -eq 17 ] || fail "4 sizes, buffers, places: 16 lines and the names"
grep -q '"complete": true' "$tmp/a.json" || fail "the result is not complete"
[ "$(ls "$tmp" | grep -c json)" -eq 1 ] || fail "a temporary file is left"
hash=$(sed -n 's/.*"topo_hash": "\(.*\)".*/\1/p' "$tmp/a.json")
"$RAILGAUGE" topo >"$tmp/out" 2>"$tmp/err"
grep -q "^  fingerprint ${hash%"${hash#????????????????}"}," "$tmp/out" ||
  fail "the machine's fingerprint is \"$hash\", not what railgauge topo says"

# Which targets at which sizes.
points='8=railgauge,railgauge:oneshot;64K=railgauge:ring:slot,railgauge,railgauge;1M=railgauge:oneshot'
bench 0 allreduce --threads 2 --points "$points" --place out --buffers private --dry-run
grep -q '^3 sizes .* = 6 points on 2 ranks$' "$tmp/out" || fail "six points"
bench 0 allreduce --threads 2 --points "$points" --place out --buffers private --json "$tmp/a.json" $quick
sed -n 's/.*"\(size_bytes\|target\)": "*\([^",]*\).*/\2/p' "$tmp/a.json" | paste -d = - - >"$tmp/got"
cat >"$tmp/asked" <<'END'
8=railgauge
8=railgauge:oneshot
65536=railgauge:ring:slot
65536=railgauge
65536=railgauge#2
1048576=railgauge:oneshot
END
diff "$tmp/asked" "$tmp/got" || fail "not the points that were asked for"
bench 0 barrier --threads 2 --points 0=railgauge $quick
grep -q '^# barrier, ' "$tmp/out" || fail "no barrier"

# Whoever leaves a race, the result is valid.
bench 0 allreduce --threads 2 -b 8 -e 64K -f 16 --target railgauge:all --race --json "$tmp/a.json" $quick
grep -q '"stop": "fixed"' "$tmp/a.json" && fail "a race has no number of repetitions"
"$RAILGAUGE" report "$tmp/a.json" >"$tmp/out" 2>"$tmp/err" || fail "the result of a race"

# On standard output it stands alone.
bench 0 allreduce --threads 2 -b 8 -e 64 --json - --no-samples --csv "$tmp/a.csv" $quick
cp "$tmp/out" "$tmp/b.json"
grep -q '"complete": true' "$tmp/b.json" || fail "the result is not complete"
grep -q '"samples": \[' "$tmp/b.json" && fail "the samples are there"
"$RAILGAUGE" report "$tmp/b.json" >"$tmp/out" 2>"$tmp/err" || fail "standard output is no document"
rm "$tmp/b.json"

# --- ranks as processes ---
timeout 120 "$RAILGAUGE" run -n 2 -- "$RAILGAUGE" bench allreduce -b 8 -e 256K -f 32 $quick \
  >"$tmp/out" 2>"$tmp/err" || fail "under railgauge run"
[ "$(grep -c '^# railgauge [0-9]' "$tmp/out")" -eq 1 ] || fail "only rank 0 prints"
timeout 120 "$RAILGAUGE" run -n 4 -- "$RAILGAUGE" bench alltoallv -b 256 -e 256K -f 1024 \
  --traffic "$tmp/skewed" --target railgauge:all $quick >"$tmp/out" 2>"$tmp/err" ||
  fail "alltoallv under railgauge run"
grep -q '^# All [1-9][0-9]* checked elements are right' "$tmp/out" || fail "nothing was checked"
timeout 120 "$RAILGAUGE" run -n 2 -- "$RAILGAUGE" bench allreduce --target mpi >"$tmp/out" 2>"$tmp/err"
[ $? -eq 3 ] || fail "mpi under railgauge run is refused"
[ "$(grep -c 'started without MPI' "$tmp/err")" -eq 1 ] || fail "one line about MPI"
timeout 120 "$RAILGAUGE" run -n 2 -- sh -c 'exec "$0" bench allreduce -e 8 --seed $((1 + RANK))' \
  "$RAILGAUGE" >"$tmp/out" 2>"$tmp/err"
[ $? -eq 3 ] || fail "ranks with different options are refused"
grep -q 'rank 1 on .* with other options than rank 0' "$tmp/err" || fail "the rank is named"
timeout 120 "$RAILGAUGE" run -n 2 -- sh -c '[ $RANK = 0 ] || set -- --wrong
  exec "$0" bench allreduce "$@"' "$RAILGAUGE" >"$tmp/out" 2>"$tmp/err"
[ $? -eq 2 ] || fail "one wrong command line"
grep -q '^railgauge bench: rank 1 on .*: --wrong: no such option' "$tmp/err" || fail "who is wrong?"
exit 0
