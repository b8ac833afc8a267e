#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# MPICH, by the messages that it sends: started for single algorithms, the target "default" runs what
# an untouched program runs; a forced algorithm is the one that runs, switched within one launch, as
# in a program that was told so through the environment; and where MPICH says that it cannot run it,
# so does the glue, and nowhere else.
set -u
LIBRARY=mpich
ONCE=yes
export LIBRARY ONCE
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
np=4 # enough for messages to differ, and a power of two, which some algorithms need
told plain plain
if ! grep -q '[0-9]:[0-9]' "$tmp/plain"; then
  echo "skipped: this MPICH does not send through UCX, so its messages are not seen"
  exit 77
fi
run default $np default
same plain default "the default is not that of an untouched launch"
round=0
algorithms=0
: >"$tmp/all"
: >"$tmp/all-replaced"
while :; do
  round=$((round + 1))
  run lines $np forced $round
  [ -s "$tmp/lines" ] || break
  grep '^MPIR_CVAR_' "$tmp/lines" >"$tmp/names"
  grep -v '^MPIR_CVAR_' "$tmp/lines" >"$tmp/forced"
  # What MPICH would replace fails in a program that was told not to have it replaced.
  # shellcheck disable=SC2046 # a word per line
  told told told $device MPIR_CVAR_COLLECTIVE_FALLBACK=error $(grep -v '=smp$' "$tmp/names")
  # smp relies on being replaced within its parts, and asks other functions, too: it is told alone.
  for setting in $(grep '=smp$' "$tmp/names"); do
    told smp told $device "$setting" </dev/null
    cat "$tmp/smp" >>"$tmp/told"
    function=$(echo "${setting#MPIR_CVAR_}" | sed 's/_INTRA_ALGORITHM=.*//' | tr '[:upper:]' '[:lower:]')
    sed -i "/^$function /s/ instead:/:/" "$tmp/forced"
  done
  sed -n 's/ instead:.*//p' "$tmp/told" | sort >"$tmp/refused"
  sed -n 's/ instead:.*//p' "$tmp/forced" | sort >"$tmp/replaced"
  same refused replaced "MPICH and the glue do not agree on what runs"
  grep -v ' instead:' "$tmp/told" | sort >"$tmp/expected"
  grep -v ' instead:' "$tmp/forced" | sort >"$tmp/sent"
  same expected sent "round $round ($(tr '\n' ' ' <"$tmp/names")): another one runs"
  algorithms=$((algorithms + $(wc -l <"$tmp/names")))
  cat "$tmp/sent" >>"$tmp/all"
  cat "$tmp/replaced" >>"$tmp/all-replaced"
done
# The eye itself must see: several kinds of messages per function, and replacements.
kinds=$(sort -u "$tmp/all" | cut -d: -f1 | sort | uniq -d | wc -l)
replaced=$(wc -l <"$tmp/all-replaced")
echo "$algorithms algorithms run when asked for, $replaced calls as another one," \
  "$kinds of $(wc -l <"$tmp/plain") calls differ between algorithms"
if [ $algorithms -lt 20 ] || [ "$replaced" = 0 ] || [ "$kinds" -lt 30 ]; then
  echo "too few to tell"
  exit 1
fi
exit 0
