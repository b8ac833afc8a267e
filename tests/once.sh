# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=sh
#
# Read first by a test that finds nothing more where another stage of scripts/check repeats it.
if [ -n "${RG_REPEATED-}" ]; then
  echo "skipped: the stage main of scripts/check runs it"
  exit 77
fi
