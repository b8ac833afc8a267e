/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Numbers out of a rules file, as its consumer reads them: scanf's "%li", and where that finds no
 * number the next character is dropped, with the rest of its line if it is a '#'
 * (ompi_coll_base_file_getnext_long in coll_base_util.c of 4.1.4; the C library's scanf, glibc's,
 * is part of the meaning). A fuzz target compares it with scanf itself.
 */
#ifndef RG_EMIT_RULES_SCAN_H
#define RG_EMIT_RULES_SCAN_H

#include "railgauge/emit/finding.h"

#include <stddef.h>

struct rules_scan {
	const char *text; /* [len]; not terminated */
	size_t len, at;
	uint32_t line;
	/* Of the last number. */
	uint32_t number_line;
	size_t number_at, number_end;	   /* its characters */
	struct rg_file_findings *findings; /* NULL: nothing is said */
};

/*
 * The next number, which saturates as strtol does; false: there is none. Findings: characters that
 * were dropped, octal and hexadecimal numbers, those that are too large.
 */
bool rules_scan_next(struct rules_scan *scan, int64_t *out);

/*
 * The consumer's test for a header: as scanf("rule-file-version-%u"), which drops what fits of it.
 * False: no header.
 */
bool rules_scan_header(struct rules_scan *scan, uint32_t *version_out);

/* Is there a digit after blanks on this line? Blanks are dropped. */
bool rules_scan_digit_follows(struct rules_scan *scan);

/* Where the text has the header, whether its consumer looks for it or not: offset, or len. */
size_t rules_scan_find_header(const char *text, size_t len);

#endif
