/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "grid.h"

#include "railgauge/base/mem.h"

#include <stdarg.h>
#include <string.h>

static char *cell_at(const struct grid *grid, uint32_t row, uint32_t col)
{
	return grid->cells + ((size_t)row * grid->ncols + col) * GRID_CELL_BYTES;
}

int grid_init(struct grid *grid, uint32_t nrows, uint32_t ncols, struct rg_err *err)
{
	char *cells = rg_zalloc((size_t)nrows * ncols, GRID_CELL_BYTES);

	if (!cells)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory to print a table");
	*grid = (struct grid){.nrows = nrows, .ncols = ncols, .cells = cells};
	return 0;
}

void grid_release(struct grid *grid)
{
	rg_free(grid->cells);
	*grid = (struct grid){0};
}

void grid_set(struct grid *grid, uint32_t row, uint32_t col, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(cell_at(grid, row, col), GRID_CELL_BYTES, fmt, ap);
	va_end(ap);
}

static int width_of(const struct grid *grid, uint32_t col)
{
	size_t width = 0;

	for (uint32_t row = 0; row < grid->nrows; row++) {
		size_t n = strlen(cell_at(grid, row, col));

		if (n > width)
			width = n;
	}
	return (int)width;
}

void grid_print_row(const struct grid *grid, uint32_t row, int indent, FILE *out)
{
	int owed = indent; /* blanks, printed only before a cell that has text: none at the end */

	for (uint32_t col = 0; col < grid->ncols; col++) {
		const char *text = cell_at(grid, row, col);
		int width = width_of(grid, col);

		if (*text) {
			fprintf(out, "%*s%s", owed, "", text);
			owed = 0;
		}
		owed += width - (int)strlen(text) + 2;
	}
	fputc('\n', out);
}

void grid_print(const struct grid *grid, int indent, FILE *out)
{
	for (uint32_t row = 0; row < grid->nrows; row++)
		grid_print_row(grid, row, indent, out);
}
