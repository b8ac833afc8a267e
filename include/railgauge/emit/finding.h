/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is wrong with a file, line by line, in words. Plain list; one thread per object.
 */
#ifndef RAILGAUGE_EMIT_FINDING_H
#define RAILGAUGE_EMIT_FINDING_H

#include "railgauge/base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum rg_severity {
	RG_FINDING_ERROR,   /* its consumer throws it away, or a call fails with it */
	RG_FINDING_WARNING, /* it does not do what it looks like, or nothing at all */
};

struct rg_file_finding {
	enum rg_severity severity;
	uint32_t line; /* from 1; 0: the file as a whole */
	char text[240];
};

/* Zeroed is empty. */
struct rg_file_findings {
	struct rg_file_finding *list; /* owned, [n] */
	uint32_t n, room;
	bool lost; /* memory ran out: there are more */
};

/* The text is made printf-like, with ? for control characters. Never fails; see lost. */
void rg_file_findings_add(struct rg_file_findings *findings, enum rg_severity severity,
			  uint32_t line, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
uint32_t rg_file_findings_errors(const struct rg_file_findings *findings);
void rg_file_findings_release(struct rg_file_findings *findings);

#endif
