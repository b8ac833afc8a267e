/* SPDX-License-Identifier: BSD-3-Clause */
/* Lines of a parameter file. */
#ifndef RG_EMIT_PARAMS_READ_H
#define RG_EMIT_PARAMS_READ_H

#include "railgauge/emit/finding.h"

/* One setting; the strings are cut if they do not fit, which no variable's name does. */
struct params_line {
	uint32_t line;
	char name[128];
	char value[4096];
};

/*
 * The next setting from *at on, which is moved behind it; line counts. False: no more. findings
 * (or NULL): lines that are none.
 */
bool params_next(const char **at, uint32_t *line, struct params_line *out,
		 struct rg_file_findings *findings);

#endif
