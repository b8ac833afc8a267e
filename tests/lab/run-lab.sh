#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# usage: run-lab.sh TEST.sh...
#
# Runs tests that need RDMA devices in one machine of scripts/lab, one after the other, from the build
# directory. A line of each says what it needs, in endpoints, rails, and seconds after which it hangs
# (60 if it does not say):
#
#   # lab: endpoints=3 rails=2 seconds=90     runs in the machine, on links as they are without options
#   # lab: outside seconds=90                 runs here, and starts labs by itself
#
# The machine has as many endpoints and rails as the most demanding test; LAB_ENDPOINTS and LAB_RAILS
# are each test's own. A test in the machine fails as well if it leaves a process behind. Exit status
# 77 is a skip, its reason the last line. What tests draw comes from RG_TEST_SEED.
#
# What they say is in NAME.log in RG_LAB_OUT (default: tests/lab of the build directory). At the end
# come totals in Automake's words; the exit status is 1 if a test failed. RG_LAB_LIMIT: seconds for
# the machine and all in it (600).
set -u
: "${srcdir:=.}"
: "${RG_TEST_SEED:=1}"
export RG_TEST_SEED
out=${RG_LAB_OUT:-tests/lab}
mkdir -p "$out" && out=$(cd "$out" && pwd) || exit 2
passed=0 failed=0 skipped=0

# result NAME STATUS SECONDS: counts it and says so
result() {
  last=$(tail -n 1 "$out/$1.log")
  case $2 in
    0) word=PASS; passed=$((passed + 1)); last= ;;
    77) word=SKIP; skipped=$((skipped + 1)) ;;
    *) word=FAIL; failed=$((failed + 1)); last="status $2, see $out/$1.log" ;;
  esac
  echo ":test-result: $word" >"$out/$1.trs"
  echo "$word: $1 ($3 s)${last:+: $last}"
}

# need WORD: what the test $needs is about says of it
need() {
  value=${needs##*"$1="}
  [ "$value" != "$needs" ] && echo "${value%% *}" || echo "$2"
}

endpoints=2 rails=1
: >"$out/inside"
for test; do
  name=${test##*/} name=${name%.sh}
  rm -f "$out/$name.log" "$out/$name.trs" "$out/$name.status"
  needs=$(sed -n 's/^# lab: *//p' "$test")
  seconds=$(need seconds 60) e=$(need endpoints 2) r=$(need rails 1)
  case $needs in
    outside*)
      begin=$(date +%s)
      timeout -k 5 "$seconds" sh "$test" >"$out/$name.log" 2>&1 </dev/null
      result "$name" $? $(($(date +%s) - begin)) ;;
    *)
      [ "$e" -le "$endpoints" ] || endpoints=$e
      [ "$r" -le "$rails" ] || rails=$r
      echo "$name $seconds $e $r $test" >>"$out/inside" ;;
  esac
done
if [ -s "$out/inside" ]; then
  begin=$(date +%s)
  echo "one machine, $endpoints endpoints, $rails rails"
  "$srcdir/scripts/lab" --no-install --endpoints "$endpoints" --rails "$rails" --write "$out" \
    --limit "${RG_LAB_LIMIT:-600}" -- sh "$srcdir/tests/lab/inside.sh" "$out" >"$out/machine.log" 2>&1
  status=$?
  all=yes
  while read -r name seconds e r test; do
    [ -s "$out/$name.status" ] || {
      all=no
      echo "not run to its end: scripts/lab ended with status $status, and said last:"
      tail -n 20 "$out/machine.log"
    } >>"$out/$name.log"
    # shellcheck disable=SC2046 # two words
    result "$name" $(cat "$out/$name.status" 2>/dev/null || echo "99 ?")
  done <"$out/inside"
  if [ $status -ne 0 ] && [ $all = yes ]; then
    echo "the tests ended, but scripts/lab with status $status" >>"$out/machine.log"
    result machine "$status" $(($(date +%s) - begin))
  fi
fi
echo "# TOTAL: $((passed + failed + skipped))"
echo "# PASS:  $passed"
echo "# SKIP:  $skipped"
echo "# FAIL:  $failed"
[ $failed -eq 0 ]
