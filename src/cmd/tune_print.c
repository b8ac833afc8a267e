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

static int print_ranges(const struct rg_decisions *d, FILE *out, struct rg_err *err)
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
	grid_print(&grid, 0, out);
	grid_release(&grid);
	return 0;
}

/* Each candidate that was excluded, once, with the reason. */
static void print_excluded(const struct rg_decision *d, FILE *out)
{
	const struct rg_decision_point *p = d->npoints ? &d->points[0] : NULL;
	char text[RG_CHOICE_TEXT_BYTES];

	/* An exclusion is for all sizes, so the first one has them all. */
	for (uint32_t k = 0; p && k < p->nevidence; k++) {
		const struct rg_evidence *e = &p->evidence[k];

		if (e->fate == RG_FATE_EXCLUDED)
			fprintf(out, "%s: %s is excluded: %s\n", d->function,
				rg_choice_text(&e->choice, text), e->why);
	}
}

static void print_job(const struct tune *t, FILE *out)
{
	const struct rg_decisions *d = t->decisions;
	char took[RG_UNITS_BYTES];

	fprintf(out, "%s\n%u ranks on %u host%s: ", d->library, d->nranks, d->nhosts,
		d->nhosts == 1 ? "" : "s");
	for (uint32_t i = 0; i < d->nhosts && i < 4; i++)
		fprintf(out, "%s%s", i ? ", " : "", d->hosts[i]);
	fprintf(out, "%s%s%s; %s, %s, %s\n", d->nhosts > 4 ? ", ..." : "",
		d->transport[0] ? "; " : "", d->transport, d->type, d->op,
		d->in_place ? "in place" : "out of place");
	fprintf(out, "%u launches, %s\n\n", t->nold + t->nlaunches,
		rg_format_time(d->seconds * 1e9, took));
}

/* A file of the folder as a word of a shell; "": the folder. */
static void print_path(const struct tune *t, const char *name, FILE *out)
{
	char path[PATH_MAX + 16];

	snprintf(path, sizeof(path), "%s%s", t->folder, name);
	rg_cmd_print_word(path, out);
}

/* Not measured, so it is only said. */
static void print_binding(const struct tune *t, FILE *out)
{
	const struct rg_decision_binding *b = &t->decisions->binding;

	if (!b->known)
		return;
	fprintf(out, "to bind the ranks as the topology suggests:  mpirun ");
	if (b->map_by[0]) {
		fprintf(out, "%s\n", b->map_by);
		return;
	}
	fprintf(out, "--rankfile ");
	print_path(t, "/rankfile", out);
	putc('\n', out);
}

/* Last, since it is easily overlooked among the notes. */
static void print_given_up(const struct tune *t, FILE *out)
{
	bool any = false;

	for (uint32_t i = 0; i < t->nfunctions; i++) {
		if (!t->given_up[i])
			continue;
		fprintf(out, "%s%s",
			any ? ", " : "GIVEN UP, since launches failed (--fresh tries again): ",
			t->functions[i]->mpi);
		any = true;
	}
	if (any)
		putc('\n', out);
}

/* How to go on: to use what was decided, and to prove it. */
static void print_next(const struct tune *t, FILE *out)
{
	const struct rg_decisions *d = t->decisions;

	if (rg_decisions_all_default(d)) {
		fprintf(out,
			"the library's own choices are not beaten anywhere: there is nothing to "
			"set\n");
		return;
	}
	fprintf(out, "to use it:  . ");
	print_path(t, "/env.sh", out);
	fprintf(out, "\nto prove it:  railgauge prove ");
	print_path(t, "", out);
	fprintf(out, " --");
	for (uint32_t i = 0; i < d->nlauncher; i++) {
		putc(' ', out);
		rg_cmd_print_word(d->launcher[i], out);
	}
	putc('\n', out);
}

int tune_print(const struct tune *t, struct rg_err *err)
{
	const struct rg_decisions *d = t->decisions;
	struct rg_cmd_text text;
	int rc = rg_cmd_text_open(&text, err);

	if (rc)
		return rc;
	print_job(t, text.out);
	rc = print_ranges(d, text.out, err);
	putc('\n', text.out);
	for (uint32_t i = 0; i < d->ndecisions; i++) {
		print_excluded(&d->decisions[i], text.out);
		if (d->decisions[i].note[0])
			fprintf(text.out, "%s: %s\n", d->decisions[i].function,
				d->decisions[i].note);
	}
	fprintf(text.out,
		"gain: the library's own time over the choice's, with its interval over launches "
		"(95 %% for all algorithms together); default: its own choice\n");
	print_binding(t, text.out);
	print_next(t, text.out);
	print_given_up(t, text.out);
	return rg_cmd_text_close(&text, rc, err);
}
