/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef RG_REPORT_FILTER_H
#define RG_REPORT_FILTER_H

#include "railgauge/base/err.h"

#include <stddef.h>
#include <stdint.h>

/*
 * Runs a program as a filter: no shell, argv as it is (NULL-terminated, argv[0] is looked up in
 * PATH), input[len_bytes] as its standard input. Blocks until it ends, timeout_ns at most; then it
 * is killed, and what it started with it. *output_out is its standard output, a new text that ends
 * with a zero, freed with rg_free. What it says on standard error although it succeeds is logged as
 * a warning. It runs in the locale C.UTF-8, whatever the user's is. The caller has no other group
 * of children open (child.h).
 *
 * RG_ERR_NOT_FOUND    no such program
 * RG_ERR_TIMEOUT
 * RG_ERR_INTERRUPTED  a signal came
 * RG_ERR_SYSTEM       it failed, and err has the first line that it said; something of ours failed
 * RG_ERR_LIMIT        more output than RG_FILTER_MAX_BYTES
 * RG_ERR_NO_MEMORY
 */
#define RG_FILTER_MAX_BYTES ((size_t)16 << 20)
int rg_filter_run(char *const *argv, const char *input, size_t len_bytes, uint64_t timeout_ns,
		  char **output_out, struct rg_err *err);

#endif
