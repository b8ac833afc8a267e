/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of the table share. */
#ifndef RG_REPORT_TABLE_IMPL_H
#define RG_REPORT_TABLE_IMPL_H

#include "railgauge/report/table.h"

enum layout {
	LAYOUT_PLACES,	/* one target: out of place and in place side by side */
	LAYOUT_TARGETS, /* some: targets side by side, a line per place */
	LAYOUT_LINES,	/* many: a line per target and place */
};

#define GROUPS_MAX 3

/* Columns that repeat side by side. */
struct group {
	const char *target; /* NULL: the line's own */
	bool any_place;	    /* the line's own */
	bool in_place;
	bool ratio; /* to the baseline */
};

struct rg_table {
	FILE *out;		   /* borrowed */
	struct rg_table_plan plan; /* members borrowed */
	const char *baseline;	   /* borrowed from the plan */
	enum layout layout;
	struct group groups[GROUPS_MAX];
	uint32_t ngroups;
	bool buffers;	  /* a column says which */
	int target_width; /* of the column that names the target, for LAYOUT_LINES; else 0 */
	bool titled;	  /* a collective's name stands above the lines */
	enum rg_coll coll;
	bool persistent;
	enum rg_cache cache;
};

/* What the columns and words mean, above the table. */
void rg_table_legend(const struct rg_table *table, const struct rg_result *head);

/* Who measured what on which machines, above that. */
void rg_table_head(FILE *out, const struct rg_result *head);

/* Warnings, and whether it is whole, at the very end. */
void rg_table_foot(FILE *out, const struct rg_result *result);

/* What to think of it, below. */
int rg_table_summary(const struct rg_table *table, const struct rg_result *result,
		     struct rg_err *err);

#endif
