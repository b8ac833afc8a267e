/* SPDX-License-Identifier: BSD-3-Clause */
/* The decisions for people. */
#include "config.h"

#include "tune.h"

#include "cmd.h"
#include "grid.h"

#include "railgauge/base/units.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Smallest size that a range is about, and the largest: "8", "64K", "and up". */
static void range_text(const struct rg_decision_range *r, char from[RG_UNITS_BYTES],
		       char to[RG_UNITS_BYTES])
{
	rg_format_size(r->from_bytes, from);
	if (r->to_bytes == UINT64_MAX)
		snprintf(to, RG_UNITS_BYTES, "and up");
	else
		rg_format_size(r->to_bytes, to);
}

static void fill_row(struct grid *grid, uint32_t row, const char *function,
		     const struct rg_decision_range *r)
{
	char from[RG_UNITS_BYTES], to[RG_UNITS_BYTES], text[RG_CHOICE_TEXT_BYTES];

	range_text(r, from, to);
	grid_set(grid, row, 0, "%s", function);
	grid_set(grid, row, 1, "%s", from);
	grid_set(grid, row, 2, "%s", to);
	grid_set(grid, row, 3, "%s", rg_choice_text(&r->choice, text));
	if (r->choice.id)
		grid_set(grid, row, 4, "%.2f (%.2f to %.2f)", r->gain.ratio, r->gain.lo,
			 r->gain.hi);
	if (r->has_runner_up)
		grid_set(grid, row, 5, "%s, %.2f times as long",
			 rg_choice_text(&r->runner_up, text), r->runner_up_ratio);
}

static int print_ranges(const struct rg_decisions *d, struct rg_err *err)
{
	static const char *const heads[] = {"function", "from", "to",
					    "choice",	"gain", "next best"};
	struct grid grid;
	uint32_t rows = 1, row = 1;
	int rc;

	for (uint32_t i = 0; i < d->ndecisions; i++)
		rows += d->decisions[i].nranges;
	rc = grid_init(&grid, rows, 6, err);
	if (rc)
		return rc;
	for (uint32_t c = 0; c < 6; c++)
		grid_set(&grid, 0, c, "%s", heads[c]);
	for (uint32_t i = 0; i < d->ndecisions; i++) {
		for (uint32_t k = 0; k < d->decisions[i].nranges; k++)
			fill_row(&grid, row++, k ? "" : d->decisions[i].function,
				 &d->decisions[i].ranges[k]);
	}
	grid_print(&grid, 0, stdout);
	grid_release(&grid);
	return 0;
}

/* Each candidate that was excluded, once, with the reason. */
static void print_excluded(const struct rg_decision *d)
{
	const struct rg_decision_point *p = d->npoints ? &d->points[0] : NULL;
	char text[RG_CHOICE_TEXT_BYTES];

	/* An exclusion is for all sizes, so the first one has them all. */
	for (uint32_t k = 0; p && k < p->nevidence; k++) {
		const struct rg_evidence *e = &p->evidence[k];

		if (e->fate == RG_FATE_EXCLUDED)
			printf("%s: %s is excluded: %s\n", d->function,
			       rg_choice_text(&e->choice, text), e->why);
	}
}

static bool is_all_default(const struct rg_decisions *d)
{
	for (uint32_t i = 0; i < d->ndecisions; i++) {
		for (uint32_t k = 0; k < d->decisions[i].nranges; k++) {
			if (d->decisions[i].ranges[k].choice.id)
				return false;
		}
	}
	return true;
}

static void print_job(const struct tune *t)
{
	const struct rg_decisions *d = t->decisions;
	char took[RG_UNITS_BYTES];

	printf("%s\n%u ranks on %u host%s: ", d->library, d->nranks, d->nhosts,
	       d->nhosts == 1 ? "" : "s");
	for (uint32_t i = 0; i < d->nhosts && i < 4; i++)
		printf("%s%s", i ? ", " : "", d->hosts[i]);
	printf("%s%s%s; %s, %s, %s\n", d->nhosts > 4 ? ", ..." : "", d->transport[0] ? "; " : "",
	       d->transport, d->type, d->op, d->in_place ? "in place" : "out of place");
	printf("%u launches, %s\n\n", t->nold + t->nlaunches,
	       rg_format_time(d->seconds * 1e9, took));
}

/* Not measured, so it is only said. */
static void print_binding(const struct tune *t)
{
	const struct rg_decision_binding *b = &t->decisions->binding;

	if (b->known && b->map_by[0])
		printf("to bind the ranks as the topology suggests:  mpirun %s\n", b->map_by);
	else if (b->known)
		printf("to bind the ranks as the topology suggests:  mpirun --rankfile "
		       "%s/rankfile\n",
		       t->folder);
}

/* Last, since it is easily overlooked among the notes. */
static void print_given_up(const struct tune *t)
{
	bool any = false;

	for (uint32_t i = 0; i < t->nfunctions; i++) {
		if (!t->given_up[i])
			continue;
		printf("%s%s",
		       any ? ", " : "GIVEN UP, since launches failed (--fresh tries again): ",
		       t->functions[i]->mpi);
		any = true;
	}
	if (any)
		putchar('\n');
}

/* How to go on: to use what was decided, and to prove it. */
static void print_next(const struct tune *t)
{
	const struct rg_decisions *d = t->decisions;

	if (is_all_default(d)) {
		printf("the library's own choices are not beaten anywhere: there is nothing to "
		       "set\n");
		return;
	}
	printf("to use it:  . %s/env.sh\n", t->folder);
	printf("to prove it:  railgauge prove %s --", t->folder);
	for (uint32_t i = 0; i < d->nlauncher; i++)
		printf(" %s", d->launcher[i]);
	putchar('\n');
}

int tune_print(const struct tune *t, struct rg_err *err)
{
	const struct rg_decisions *d = t->decisions;
	int rc;

	print_job(t);
	rc = print_ranges(d, err);
	if (rc)
		return rc;
	putchar('\n');
	for (uint32_t i = 0; i < d->ndecisions; i++) {
		print_excluded(&d->decisions[i]);
		if (d->decisions[i].note[0])
			printf("%s: %s\n", d->decisions[i].function, d->decisions[i].note);
	}
	printf("gain: the library's own time over the choice's, with its 95 %% interval over "
	       "launches; default: its own choice\n");
	print_binding(t);
	print_next(t);
	print_given_up(t);
	return rg_cmd_output_check(err);
}
