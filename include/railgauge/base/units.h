/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Quantities as people write them. Sizes: K, M, G, T (also KiB ...) are binary, as in nccl-tests'
 * -b 8 -e 128M. Rates: GB/s is 1e9 bytes per second. Pure functions.
 */
#ifndef RAILGAUGE_BASE_UNITS_H
#define RAILGAUGE_BASE_UNITS_H

#include "railgauge/base/err.h"

#include <stddef.h>
#include <stdint.h>

/*
 * "8", "64K", "1.5M", "2GiB" -> bytes. RG_ERR_INVALID for anything else (empty, negative, a
 * fraction of a byte, junk after the unit), RG_ERR_RANGE above 2^63 - 1. what names the value in
 * the message ("-b").
 */
int rg_parse_size(const char *text, const char *what, uint64_t *bytes_out, struct rg_err *err);

/* "250", "250ns", "10us", "5ms", "3s", "2m", "1h" -> ns; a bare number is in seconds. */
int rg_parse_time(const char *text, const char *what, uint64_t *ns_out, struct rg_err *err);

/* A whole number in [min, max], decimal only. RG_ERR_INVALID or RG_ERR_RANGE. */
int rg_parse_int(const char *text, const char *what, int64_t min, int64_t max, int64_t *out,
		 struct rg_err *err);

/*
 * Shortest exact form: "8", "64K", "1.5M", "1000". text is at least RG_UNITS_BYTES long and is
 * returned.
 */
#define RG_UNITS_BYTES 32
char *rg_format_size(uint64_t bytes, char *text);

/* Three significant digits with a fitting unit: "0.12 us", "4.78 ms", "12.3 s". */
char *rg_format_time(double ns, char *text);

#endif
