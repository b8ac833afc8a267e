/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Text in columns that are as wide as their widest cell. Private to src/cmd.
 */
#ifndef RG_CMD_GRID_H
#define RG_CMD_GRID_H

#include "railgauge/base/err.h"

#include <stdint.h>
#include <stdio.h>

#define GRID_CELL_BYTES 128

struct grid {
	uint32_t nrows, ncols;
	char *cells; /* owned, [nrows][ncols][GRID_CELL_BYTES] */
};

/* Empty cells. RG_ERR_NO_MEMORY. */
int grid_init(struct grid *grid, uint32_t nrows, uint32_t ncols, struct rg_err *err);
void grid_release(struct grid *grid); /* zeroed is allowed */

/* Cut if too long. */
void grid_set(struct grid *grid, uint32_t row, uint32_t col, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* Cells to the left, two blanks between columns, indent blanks before; the whole of it, or a row.
 */
void grid_print(const struct grid *grid, int indent, FILE *out);
void grid_print_row(const struct grid *grid, uint32_t row, int indent, FILE *out);

#endif
