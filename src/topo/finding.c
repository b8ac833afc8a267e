/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/topo/finding.h"

#include "railgauge/base/err.h"
#include "railgauge/base/mem.h"

#include <stdarg.h>
#include <stdio.h>

const char *rg_state_name(enum rg_state state)
{
	switch (state) {
	case RG_STATE_OK:
		return "ok";
	case RG_STATE_LIMITED:
		return "limited";
	case RG_STATE_NO:
		return "no";
	}
	return "unknown";
}

/* Room for one more row, or a place to write into nothing. */
static struct rg_finding *next_row(struct rg_findings *list)
{
	static _Thread_local struct rg_finding lost;
	struct rg_finding *rows;

	rows = rg_realloc(list->rows, (list->count + 1) * sizeof(*rows));
	if (!rows) {
		list->rc = RG_ERR_NO_MEMORY;
		return &lost;
	}
	list->rows = rows;
	return &rows[list->count++];
}

struct rg_finding *rg_findings_add(struct rg_findings *list, const char *section, const char *item,
				   enum rg_state state, const char *fmt, ...)
{
	struct rg_finding *row = next_row(list);
	va_list ap;

	*row = (struct rg_finding){.section = section, .state = state};
	snprintf(row->item, sizeof(row->item), "%s", item);
	va_start(ap, fmt);
	vsnprintf(row->value, sizeof(row->value), fmt, ap);
	va_end(ap);
	return row;
}

void rg_finding_advise(struct rg_finding *row, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(row->advice, sizeof(row->advice), fmt, ap);
	va_end(ap);
}

void rg_findings_release(struct rg_findings *list)
{
	if (!list)
		return;
	rg_free(list->rows);
	*list = (struct rg_findings){0};
}
