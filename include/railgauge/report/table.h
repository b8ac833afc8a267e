/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The table of a result, for people: nccl-tests' columns, with the interval, the bound, and other
 * targets beside. Above it stands what each column means, below it what to think of it: how the
 * targets compare, notes, warnings.
 *
 *   rg_table_open -> rg_table_add, per size as it is ready -> rg_table_close
 *   rg_table_print does all of it for a result that is there already
 *
 * With one target, out-of-place and in-place results stand side by side; with two or three, the
 * targets do, and each line says its place; with more, each target has its own line. Lines of text
 * around the numbers begin with "#".
 *
 * One thread per object. Writing may block. Errors of the stream are noticed at the end (ferror)
 * and returned then.
 */
#ifndef RAILGAUGE_REPORT_TABLE_H
#define RAILGAUGE_REPORT_TABLE_H

#include "railgauge/base/err.h"
#include "railgauge/measure/result.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* What will be in it. Borrowed until close, as all that it points to. */
struct rg_table_plan {
	const char *const *targets; /* [ntargets], in the order of columns */
	uint32_t ntargets;
	const char *baseline; /* what ratios are relative to; NULL: "mpi", or the first target */
	bool out_of_place, in_place;
	bool access[2];		     /* enum rg_access: which kinds of buffers */
	bool persistent, on_request; /* windows handed over before; clear to send */
	bool cache[RG_CACHE_COUNT];
};

struct rg_table;

/*
 * Prints the heading. head gives what is known before the points: version, args, run, machines,
 * calibration; it is read during this call only. out is borrowed until close.
 * RG_ERR_NOT_FOUND if baseline is none of the targets, RG_ERR_NO_MEMORY.
 */
int rg_table_open(const struct rg_result *head, const struct rg_table_plan *plan, FILE *out,
		  struct rg_table **table_out, struct rg_err *err);

/*
 * Prints the lines of some points (all targets and places of one size, say) and flushes. Points
 * that belong on one line must come in one call. RG_ERR_NO_MEMORY.
 */
int rg_table_add(struct rg_table *table, const struct rg_result_point *points, uint32_t npoints,
		 struct rg_err *err);

/*
 * Prints the summary of all points of result and frees the table; result NULL (after a failure)
 * only frees it, as table NULL is allowed then. RG_ERR_SYSTEM if anything could not be written,
 * RG_ERR_NO_MEMORY.
 */
int rg_table_close(struct rg_table *table, const struct rg_result *result, struct rg_err *err);

/* The whole result. baseline as above. */
int rg_table_print(const struct rg_result *result, const char *baseline, FILE *out,
		   struct rg_err *err);

#endif
