#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# scripts/checksrc finds one planted mistake of each kind, heeds its waivers, and finds nothing in
# the sources.
set -u
. "${srcdir:-.}/tests/once.sh"
srcdir=${srcdir:-.}

tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
mkdir -p "$tmp/src/base" "$tmp/include" "$tmp/tests" "$tmp/scripts" "$tmp/docs"
echo '- [Known11] A source.' >"$tmp/docs/REFERENCES.md"
spdx='/* SPDX-License-Identifier: BSD-3-Clause */'

{
  echo "$spdx"
  echo '#include <stdio.h>'
  printf 'void f(void)\n{\n\tchar *p = malloc(3);\n\tsprintf(p, "x"); \n'
  printf '\t/* strcat(p, p); TO%s */\n\tputs("atoi(");\n\texit(1);\n}\n' DO
  echo 'typedef struct x y;'
  echo '/* [Nobody99, section 2] and [Known11] */'
  echo "/* see /ho""me/me/file, $(printf '%0100d' 1) */"
  printf 'int g(void)\n{\n'
  for i in 1 2 3 4 5 6 7 8 9 10 11 12 13; do printf '\t;\n\t;\n\t;\n\t;\n\t;\n'; done
  printf '}\n'
} >"$tmp/src/base/bad.c"
printf '/* nothing */\n#include "config.h"\nint a;' >"$tmp/include/bad.h"
{ echo "$spdx"; echo '#include "config.h"'; for i in $(seq 701); do echo "int a$i;"; done; } \
  >"$tmp/tests/long.c"
printf '#!/bin/sh\ntrue\n' >"$tmp/scripts/bad.sh"
: >"$tmp/scripts/codespell.ignore"

cat >"$tmp/expected" <<'EOF'
include/bad.h:1: space
include/bad.h:1: spdx
include/bad.h:2: config
scripts/bad.sh:2: spdx
src/base/bad.c:11: typedef
src/base/bad.c:12: cite
src/base/bad.c:13: long-line
src/base/bad.c:13: words
src/base/bad.c:15: long-func
src/base/bad.c:2: config
src/base/bad.c:5: forbidden
src/base/bad.c:6: forbidden
src/base/bad.c:6: space
src/base/bad.c:7: words
src/base/bad.c:8: forbidden
src/base/bad.c:9: forbidden
tests/long.c:703: long-file
EOF
find_in() { # rule and place only; format and spelling depend on what is installed
  "$srcdir/scripts/checksrc" "$tmp" | sed -n 's/^\([^ ]*:[0-9]*: [a-z-]*\):.*/\1/p' |
    grep -v -e ': format$' -e ': spelling$' | LC_ALL=C sort
}
find_in >"$tmp/found"
diff "$tmp/expected" "$tmp/found" || { echo "planted mistakes: see above"; exit 1; }

cat >"$tmp/scripts/checksrc.waivers" <<'EOF'
# comment
long-func src/base/bad.c:g it is a test
forbidden src/base/bad.c:puts it is a test
long-file tests/other.c it is not there
EOF
sed -i -e '/long-func/d' -e '/bad.c:8: forbidden/d' "$tmp/expected"
sed -i '1,/scripts.bad.sh/s,^scripts/bad.sh:2: spdx$,&\nscripts/checksrc.waivers:1: waiver,' "$tmp/expected"
find_in >"$tmp/found"
diff "$tmp/expected" "$tmp/found" || { echo "waivers: see above"; exit 1; }

"$srcdir/scripts/checksrc" "$srcdir"
