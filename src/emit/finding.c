/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/emit/finding.h"

#include "railgauge/base/mem.h"

#include <stdarg.h>
#include <stdio.h>

void rg_file_findings_add(struct rg_file_findings *findings, enum rg_severity severity,
			  uint32_t line, const char *fmt, ...)
{
	struct rg_file_finding *grown, *f;
	uint32_t room = findings->room ? 2 * findings->room : 8;
	va_list args;

	if (findings->n == findings->room) {
		grown = rg_realloc(findings->list, room * sizeof(*grown));
		if (!grown) {
			findings->lost = true;
			return;
		}
		findings->list = grown;
		findings->room = room;
	}
	f = &findings->list[findings->n++];
	f->severity = severity;
	f->line = line;
	va_start(args, fmt);
	vsnprintf(f->text, sizeof(f->text), fmt, args);
	va_end(args);
	/* Pieces of a stranger's file must not reach a terminal as they are. */
	for (char *c = f->text; *c; c++) {
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
	}
}

uint32_t rg_file_findings_errors(const struct rg_file_findings *findings)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < findings->n; i++)
		n += findings->list[i].severity == RG_FINDING_ERROR;
	return n;
}

void rg_file_findings_release(struct rg_file_findings *findings)
{
	rg_free(findings->list);
	*findings = (struct rg_file_findings){0};
}
