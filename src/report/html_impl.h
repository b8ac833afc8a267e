/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of the page share. */
#ifndef RG_REPORT_HTML_IMPL_H
#define RG_REPORT_HTML_IMPL_H

#include "railgauge/report/html.h"
#include "figure.h"
#include "side.h"

#include <stdio.h>

struct rg_page {
	const struct rg_report *report; /* borrowed, as what is not said to be owned */
	FILE *out;
	const char **targets; /* owned */
	uint32_t ntargets;
	const char *baseline;	   /* NULL: sides are compared */
	struct rg_figure *figures; /* owned */
	uint32_t nfigures;
	struct side_pair pair;		       /* owned */
	bool groups;			       /* a side has several launches */
	char no_plots[RG_ERR_TEXT_BYTES + 64]; /* why, once it is known */
};

/* --- text (html_text.c): what stands between tags is escaped --- */

void rg_html_text(FILE *out, const char *text);
/* For words and numbers of ours: cut at 500 bytes. */
void rg_html_printf(FILE *out, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* <tag>text</tag>; tag may have attributes. text NULL: a dash, for what is not known. */
void rg_html_element(FILE *out, const char *tag, const char *text);
/* A cell of a column of numbers, cut likewise. */
void rg_html_number(FILE *out, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The head of a column: the unit (NULL: none) below the title. number: it is set to the right. */
void rg_html_title(FILE *out, const char *title, const char *unit, bool number);

/* "A", "launch 2", "A, launch 2" into text[RG_HTML_NAME_BYTES]; "" of a result alone. */
#define RG_HTML_NAME_BYTES 32
void rg_html_document_name(const struct rg_page *page, const struct rg_side *side, uint32_t launch,
			   char *text);

/* --- parts of the page, in their order --- */

/* What is different about the sides, and about launches of a side (html_conditions.c). */
int rg_html_differences(const struct rg_page *page, struct rg_err *err);
/* Results, machines, ranks, warnings, adapters' counters (likewise). */
int rg_html_conditions(const struct rg_page *page, struct rg_err *err);
/* How it was measured, all options, the calibration (html_settings.c). */
int rg_html_settings(const struct rg_page *page, struct rg_err *err);
/* How targets or sides stand in all points (html_summary.c). */
int rg_html_summary(struct rg_page *page, struct rg_err *err);
void rg_html_notes(const struct rg_page *page);
/* Pairs of ranks, if the result has any: it is alone then (html_pairs.c). */
int rg_html_pairs(const struct rg_page *page, struct rg_err *err);
/* The table of a figure (html_table.c). */
int rg_html_table(struct rg_page *page, const struct rg_figure *figure, struct rg_err *err);
/* What the columns mean. */
void rg_html_legend(const struct rg_page *page);

#endif
