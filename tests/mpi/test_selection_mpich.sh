#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# MPICH, by the messages that it sends: started for single algorithms, the target "default" runs what
# an untouched program runs; a forced algorithm is the one that runs, switched within one launch, as
# in a program that was told so through the environment; and where MPICH says that it cannot run it,
# so does the glue, and nowhere else.
set -u
LIBRARY=mpich
export LIBRARY
here=${srcdir:-.}/tests/mpi
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT

# run FILE RANKS MODE [N]: the output without the runner's first line.
run() {
  file=$1
  np=$2
  shift 2
  RG_MPI_NP=$np sh "$here/run-mpi.sh" "$builddir/tests/mpi/selection_mpich" "$@" >"$tmp/out"
  status=$?
  if [ $status != 0 ]; then
    cat "$tmp/out"
    exit $status
  fi
  sed 1d "$tmp/out" >"$tmp/$file"
}

same() { # same FILE FILE WORDS
  if ! diff "$tmp/$1" "$tmp/$2"; then
    echo "$3"
    exit 1
  fi
}

# told FILE MODE [VARIABLE=VALUE...]: what a plain program sends that was told so
told() {
  file=$1
  mode=$2
  shift 2
  (
    for setting in "$@"; do export "${setting?}"; done
    run "$file" "$np" "$mode"
  ) || exit $?
}

device=MPIR_CVAR_DEVICE_COLLECTIVES=none
failed=0
for np in 3 4; do
  told plain plain
  if ! grep -q '[0-9]:[0-9]' "$tmp/plain"; then
    echo "skipped: this MPICH does not send through UCX, so its messages are not seen"
    exit 77
  fi
  run default $np default
  same plain default "$np ranks: the default is not that of an untouched launch"
  round=0
  algorithms=0
  replaced=0
  : >"$tmp/all"
  while :; do
    round=$((round + 1))
    run lines $np forced $round
    [ -s "$tmp/lines" ] || break
    grep '^MPIR_CVAR_' "$tmp/lines" >"$tmp/names"
    grep -v '^MPIR_CVAR_' "$tmp/lines" >"$tmp/forced"
    sed 's/ instead:/:/' "$tmp/forced" >"$tmp/sent"
    # smp asks other functions, too, so it is told alone.
    grep '=smp$' "$tmp/names" >"$tmp/smp"
    grep -v '=smp$' "$tmp/names" >"$tmp/strict"
    : >"$tmp/expected"
    while read -r setting; do
      told told told $device "$setting" </dev/null
      cat "$tmp/told" >>"$tmp/expected"
    done <"$tmp/smp"
    # shellcheck disable=SC2046 # a word per line
    told told told $device $(cat "$tmp/strict")
    cat "$tmp/told" >>"$tmp/expected"
    sort -o "$tmp/expected" "$tmp/expected"
    sort -o "$tmp/sent" "$tmp/sent"
    same expected sent "$np ranks, round $round ($(tr '\n' ' ' <"$tmp/names")): another one runs"
    # smp relies on being replaced within its parts, so MPICH's word on it is no use.
    # shellcheck disable=SC2046
    told told told $device MPIR_CVAR_COLLECTIVE_FALLBACK=error $(cat "$tmp/strict")
    sed 's/:.*//' "$tmp/told" >"$tmp/refused"
    sed 's/:.*//' "$tmp/forced" >"$tmp/replaced"
    for function in $(sed 's/^MPIR_CVAR_//; s/_INTRA_ALGORITHM=.*//' "$tmp/smp" | tr '[:upper:]' '[:lower:]'); do
      sed -i "/^$function /d" "$tmp/replaced"
    done
    same refused replaced "$np ranks: MPICH and the glue do not agree on what runs"
    algorithms=$((algorithms + $(wc -l <"$tmp/names")))
    replaced=$((replaced + $(grep -c ' instead' "$tmp/replaced")))
    cat "$tmp/sent" >>"$tmp/all"
  done
  # The eye itself must see: several kinds of messages per function, and replacements.
  kinds=$(sort -u "$tmp/all" | cut -d: -f1 | sort | uniq -d | wc -l)
  echo "$np ranks: $algorithms algorithms run when asked for, $replaced calls as another one," \
    "$kinds of $(wc -l <"$tmp/plain") calls differ between algorithms"
  if [ $algorithms -lt 20 ] || [ $replaced = 0 ] || [ "$kinds" -lt 30 ]; then
    echo "too few to tell"
    failed=1
  fi
done
exit $failed
