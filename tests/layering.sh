#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# The modules form a line in the order of the data flow, and a module includes only those before
# it. A quoted include is either railgauge/MODULE/... or a header in the same directory. The first
# part shows that the check can fail: it runs on a small tree with one mistake of each kind.
set -u
. "${srcdir:-.}/tests/once.sh"
line="base topo device launch mpi transport coll model measure tune emit report cmd"
srcdir=${srcdir:-.}

# Prints the offences under a source directory. Module of a file: the directory under src or
# include/railgauge.
offences() {
  (cd "$1" && find src include -name '*.[ch]' | sort) | while read -r f; do
    case $f in
      include/railgauge/*/*) m=${f#include/railgauge/} ;;
      src/*/*) m=${f#src/} ;;
      *) echo "$f top-level . config.h"; continue ;;
    esac
    sed -n 's/^[ \t]*#[ \t]*include[ \t]*"\([^"]*\)".*/\1/p' "$1/$f" |
      sed "s,^,$f ${m%%/*} $(dirname "$f") ,"
  done | awk -v line="$line" -v root="$1" '
    BEGIN { n = split(line, names, " "); for (i = 1; i <= n; i++) place[names[i]] = i }
    !($2 in place) { print $1 ": " $2 " is not in the line of modules"; next }
    $4 == "config.h" { next }
    $4 !~ /^railgauge\// {
      if ($4 ~ /\// || (getline text < (root "/" $3 "/" $4)) < 0)
        print $1 ": \"" $4 "\" is neither railgauge/MODULE/... nor beside it"
      close(root "/" $3 "/" $4)
      next
    }
    {
      split($4, part, "/")
      if (!(part[2] in place)) print $1 ": includes " $4 " of no module"
      else if (place[part[2]] > place[$2]) print $1 ": " $2 " includes " $4 ", which comes after it"
    }'
}

tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
mkdir -p "$tmp/src/coll" "$tmp/src/odd" "$tmp/include/railgauge/coll"
printf '#include "config.h"\n#include "beside.h"\n#include "railgauge/base/err.h"\n' >"$tmp/src/coll/good.c"
echo >"$tmp/src/coll/beside.h"
echo '#include "railgauge/measure/x.h"' >"$tmp/include/railgauge/coll/late.h"
echo '#include "../base/x.h"' >"$tmp/src/coll/path.c"
echo '#include "absent.h"' >"$tmp/src/coll/absent.c"
echo '#include "config.h"' >"$tmp/src/odd/odd.c"
echo '#include "config.h"' >"$tmp/src/top.c"
offences "$tmp" >"$tmp/found"
for f in include/railgauge/coll/late.h src/coll/path.c src/coll/absent.c src/odd/odd.c src/top.c; do
  grep -q "^$f: " "$tmp/found" || { echo "the check does not see the mistake in $f"; exit 1; }
done
[ "$(wc -l <"$tmp/found")" -eq 5 ] || { echo "more than the mistakes:"; cat "$tmp/found"; exit 1; }

offences "$srcdir" >"$tmp/found"
cat "$tmp/found"
[ ! -s "$tmp/found" ]
