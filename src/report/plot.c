/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "plot.h"
#include "filter.h"
#include "format.h"
#include "plot_axes.h"
#include "side.h"
#include "svg.h"

#include "railgauge/base/mem.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define WIDTH	    560
#define HEIGHT	    370 /* without the key */
#define KEY_LINE    18
#define LETTER	    9  /* as wide as gnuplot takes one of the key to be, or a little more */
#define KEY_SAMPLE  72 /* the line before it, and the gap */
#define TITLE_BYTES 64

/* Of [OkabeIto08], without the yellow one, which is too light for lines on white. */
static const char *const colours[] = {"#0072B2", "#D55E00", "#009E73",
				      "#CC79A7", "#E69F00", "#56B4E9"};
#define COLOURS (sizeof(colours) / sizeof(colours[0]))

/* Point types of gnuplot: filled ones, and the same shapes empty. */
static const int filled[] = {7, 5, 9, 11, 13, 15}, empty[] = {6, 4, 8, 10, 12, 14};
#define SHAPES (sizeof(filled) / sizeof(filled[0]))

static const char *const dashes[] = {"1", "(10,4)", "(3,3)", "(10,3,2,3)", "(16,4)"};
#define DASHES (sizeof(dashes) / sizeof(dashes[0]))

struct style {
	const char *colour, *dash;
	int shape;
};

/* A line to be drawn. */
struct series {
	const struct rg_side *side;
	const char *target;
	char title[TITLE_BYTES];
	struct style style;
	bool bound; /* not the target's times, but what bounds them */
};

struct context {
	const struct rg_plot *plot;
	struct side_pair pair; /* owned */
	struct series *series; /* owned, [nseries], in the order of drawing */
	uint32_t nseries;
	struct plot_range x, y;
};

/* --- values --- */

/* A time as what is plotted. */
static double value_of(const struct rg_plot *plot, const struct rg_side *side,
		       const struct rg_result_point *size, double ns)
{
	uint32_t nranks = side->results[0]->run.nranks;

	if (plot->kind == RG_PLOT_LATENCY)
		return ns / 1e3;
	return (double)size->size_bytes / ns * rg_result_bus_factor(size, nranks);
}

/*
 * What bounds all targets of a size: the least of their bounds, for not all need be bound by the
 * same (a network is not every target's). 0 if none knows one.
 */
static double bound_of(struct context *c, const struct rg_side *side,
		       const struct rg_result_point *size)
{
	double least = 0;

	for (uint32_t t = 0; t < c->plot->ntargets; t++) {
		struct side_value v =
			rg_side_value(side, size, c->plot->targets[t], c->pair.medians_a);

		if (v.bound_ns > 0 && (!(least > 0) || v.bound_ns < least))
			least = v.bound_ns;
	}
	return least;
}

/* x, y and the ends of the interval; false if the series has nothing there. */
static bool datum(struct context *c, const struct series *s, const struct rg_result_point *size,
		  double *row)
{
	const struct rg_plot *plot = c->plot;
	struct side_value v;
	double ends[2];

	if (!size->size_bytes)
		return false;
	if (s->bound) {
		v = (struct side_value){.ns = bound_of(c, s->side, size)};
		v.lo_ns = v.hi_ns = v.ns;
	} else {
		v = rg_side_value(s->side, size, s->target, c->pair.medians_a);
	}
	if (!(v.ns > 0) || !(v.lo_ns > 0))
		return false;
	ends[0] = value_of(plot, s->side, size, v.lo_ns);
	ends[1] = value_of(plot, s->side, size, v.hi_ns);
	row[0] = (double)size->size_bytes;
	row[1] = value_of(plot, s->side, size, v.ns);
	row[2] = fmin(ends[0], ends[1]);
	row[3] = fmax(ends[0], ends[1]);
	/* One rank alone has no bus. */
	return row[1] > 0 && isfinite(row[3]);
}

/* --- lines --- */

/*
 * With two sides and several targets a colour and a shape are a target, what is filled and drawn
 * through is the first side. Else each line has its own.
 */
static struct style style_of(const struct rg_plot *plot, uint32_t side, uint32_t target)
{
	bool two = plot->report->nsides == 2 && plot->ntargets > 1;
	uint32_t i = two ? target : side * plot->ntargets + target;
	bool hollow = two ? side > 0 : i / SHAPES % 2 > 0;

	return (struct style){.colour = colours[i % COLOURS],
			      .dash = dashes[two ? side : i % DASHES],
			      .shape = hollow ? empty[i % SHAPES] : filled[i % SHAPES]};
}

/*
 * A name in a quoted string of gnuplot: letters that could end it, or that mean something in
 * between, become question marks. (The page's tables have the whole truth.)
 */
static void plain(const char *name, char *text, size_t room)
{
	size_t n = 0;

	for (; *name && n + 1 < room; name++) {
		unsigned char c = (unsigned char)*name;
		bool known = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			     (c >= '0' && c <= '9') || strchr(" :#._+-", c);

		text[n++] = (char)(known ? c : '?');
	}
	text[n] = '\0';
}

static struct series series_of(const struct rg_plot *plot, uint32_t side, uint32_t target,
			       bool bound)
{
	const struct rg_report *report = plot->report;
	struct series s = {.side = &report->sides[side],
			   .target = plot->targets[target],
			   .style = style_of(plot, side, target),
			   .bound = bound};
	char name[TITLE_BYTES - 8];

	plain(bound ? "bound" : s.target, name, sizeof(name));
	snprintf(s.title, sizeof(s.title), "%.4s%s%s", report->nsides > 1 ? s.side->name : "",
		 report->nsides > 1 ? " " : "", name);
	if (bound)
		s.style = (struct style){.colour = "#000000", .dash = dashes[side % DASHES]};
	return s;
}

static bool is_empty(struct context *c, const struct series *s)
{
	double row[4];

	for (uint32_t i = 0; i < c->plot->figure->nsizes; i++) {
		if (datum(c, s, c->plot->figure->sizes[i], row))
			return false;
	}
	return true;
}

/* Bounds come first, so that points lie over them. */
static int open_context(const struct rg_plot *plot, struct context *c, struct rg_err *err)
{
	uint32_t nsides = plot->report->nsides;
	int rc;

	*c = (struct context){.plot = plot};
	rc = rg_side_pair_init(&c->pair, plot->report, err);
	if (rc)
		return rc;
	c->series = rg_zalloc((size_t)nsides * (plot->ntargets + 1), sizeof(*c->series));
	if (!c->series) {
		rg_side_pair_release(&c->pair);
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for a plot");
	}
	for (uint32_t t = 0; t <= plot->ntargets; t++) {
		for (uint32_t side = 0; side < nsides; side++) {
			struct series s = series_of(plot, side, t ? t - 1 : 0, !t);

			if (!is_empty(c, &s))
				c->series[c->nseries++] = s;
		}
	}
	return 0;
}

static void close_context(struct context *c)
{
	rg_side_pair_release(&c->pair);
	rg_free(c->series);
}

/* --- the script --- */

static void put_data(struct context *c, uint32_t index, FILE *out)
{
	fprintf(out, "$d%u << EOD\n", index);
	for (uint32_t i = 0; i < c->plot->figure->nsizes; i++) {
		double row[4];

		if (!datum(c, &c->series[index], c->plot->figure->sizes[i], row))
			continue;
		fprintf(out, "%.9g %.9g %.9g %.9g\n", row[0], row[1], row[2], row[3]);
		plot_range_add(&c->x, row[0]);
		plot_range_add(&c->y, row[2]);
		plot_range_add(&c->y, row[3]);
	}
	fputs("EOD\n", out);
}

static void put_line(const struct context *c, uint32_t index, FILE *out)
{
	const char *glue = index ? ", \\\n  " : "plot ";
	const struct series *s = &c->series[index];

	if (s->bound) {
		fprintf(out, "%s$d%u using 1:2 with lines lw 2 lc rgb '%s' dt %s title '%s'", glue,
			index, s->style.colour, s->style.dash, s->title);
		return;
	}
	/* The bars of an interval are not dashed. */
	fprintf(out,
		"%s$d%u using 1:2:3:4 with yerrorbars lw 1.5 lc rgb '%s' pt %d ps 0 notitle, \\\n"
		"  $d%u using 1:2 with linespoints lw 1.5 lc rgb '%s' dt %s pt %d ps 0.9 title "
		"'%s'",
		glue, index, s->style.colour, s->style.shape, index, s->style.colour, s->style.dash,
		s->style.shape, s->title);
}

/* How many lines the key takes below the plot. */
static uint32_t key_lines(const struct context *c, uint32_t *columns_out)
{
	size_t longest = 0;
	uint32_t columns;

	for (uint32_t i = 0; i < c->nseries; i++) {
		size_t n = strlen(c->series[i].title);

		longest = n > longest ? n : longest;
	}
	columns = (uint32_t)(WIDTH / (KEY_SAMPLE + LETTER * longest));
	columns = columns ? columns : 1;
	*columns_out = columns;
	return (c->nseries + columns - 1) / columns;
}

static uint32_t height_of(const struct context *c)
{
	uint32_t columns;

	return HEIGHT + KEY_LINE * key_lines(c, &columns);
}

static void put_script(struct context *c, FILE *out)
{
	bool latency = c->plot->kind == RG_PLOT_LATENCY;
	uint32_t columns;

	(void)key_lines(c, &columns);
	fprintf(out,
		"set terminal svg size %d,%u noenhanced font 'sans-serif,14'\n"
		"set encoding utf8\n"
		"set logscale xy\n"
		"set key outside below center horizontal Left reverse maxcols %u samplen 3 height "
		"0.5 font ',12'\n"
		"set border 3\nset tics nomirror out\n"
		"set grid lc rgb '#999999' lw 0.5 dt (1,3)\n"
		"set xlabel 'size (bytes; K, M and G are binary)'\nset ylabel '%s'\n",
		WIDTH, height_of(c), columns, latency ? "time (\u00b5s)" : "bus bandwidth (GB/s)");
	for (uint32_t i = 0; i < c->nseries; i++)
		put_data(c, i, out);
	plot_axis_sizes("x", &c->x, out);
	plot_axis_values("y", &c->y, out);
	for (uint32_t i = 0; i < c->nseries; i++)
		put_line(c, i, out);
	fputc('\n', out);
}

int rg_plot_script(const struct rg_plot *plot, FILE *out, struct rg_err *err)
{
	struct context c;
	int rc = open_context(plot, &c, err);

	if (rc)
		return rc;
	put_script(&c, out);
	close_context(&c);
	return rg_stream_check(out, err);
}

/* Has any target anything there? */
static bool is_measured(struct context *c, const struct rg_result_point *size)
{
	double row[4];

	for (uint32_t i = 0; i < c->nseries; i++) {
		if (!c->series[i].bound && datum(c, &c->series[i], size, row))
			return true;
	}
	return false;
}

int rg_plot_unfit(const struct rg_plot *plot, const char **why_out, struct rg_err *err)
{
	struct context c;
	uint32_t sizes = 0;
	int rc = open_context(plot, &c, err);

	if (rc)
		return rc;
	for (uint32_t i = 0; i < plot->figure->nsizes; i++)
		sizes += is_measured(&c, plot->figure->sizes[i]);
	close_context(&c);
	if (sizes > 1)
		*why_out = NULL;
	else if (sizes)
		*why_out = "one size alone makes no line";
	else if (plot->kind == RG_PLOT_LATENCY)
		*why_out = "there is no size that was measured";
	else
		*why_out = "no rank sends anything to another one";
	return 0;
}

/* A text that is printed into memory; freed with free(). */
struct text {
	FILE *out;
	char *text;
	size_t len;
};

static int open_text(struct text *t, struct rg_err *err)
{
	*t = (struct text){0};
	t->out = open_memstream(&t->text, &t->len);
	return t->out ? 0 : rg_err_errno(err, errno, "a plot");
}

/* Returns rc, or that there was no memory. */
static int close_text(struct text *t, int rc, struct rg_err *err)
{
	if (fclose(t->out) && !rc)
		rc = rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for a plot");
	if (rc)
		free(t->text);
	return rc;
}

static int run_gnuplot(const struct text *script, char **drawn_out, struct rg_err *err)
{
	char gnuplot[] = "gnuplot", no_settings[] = "-d";
	char *argv[] = {gnuplot, no_settings, NULL};

	return rg_filter_run(argv, script->text, script->len, RG_PLOT_TIMEOUT_NS, drawn_out, err);
}

/* Brings what was drawn into the form that a page takes. */
static int adapt(const struct rg_plot *plot, const char *drawn, uint32_t height, char **svg_out,
		 struct rg_err *err)
{
	struct text svg;
	int rc = open_text(&svg, err);

	if (rc)
		return rc;
	rc = close_text(&svg, rg_svg_print(drawn, WIDTH, height, plot->prefix, svg.out, err), err);
	if (!rc)
		*svg_out = svg.text;
	return rc;
}

int rg_plot_draw(const struct rg_plot *plot, char **svg_out, struct rg_err *err)
{
	struct text script;
	struct context c;
	char *drawn;
	int rc = open_context(plot, &c, err);

	if (rc)
		return rc;
	rc = open_text(&script, err);
	if (rc)
		goto close;
	put_script(&c, script.out);
	rc = close_text(&script, 0, err);
	if (rc)
		goto close;
	rc = run_gnuplot(&script, &drawn, err);
	free(script.text);
	if (rc)
		goto close;
	rc = adapt(plot, drawn, height_of(&c), svg_out, err);
	rg_free(drawn);
close:
	close_context(&c);
	return rc;
}
