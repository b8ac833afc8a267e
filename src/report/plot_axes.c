/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "plot_axes.h"

#include "railgauge/base/units.h"

#include <math.h>
#include <stdbool.h>

#define MARGIN	  1.15 /* between the values and the frame */
#define SIZES_MAX 9    /* numbers of sizes, so that they do not touch */

void plot_range_add(struct plot_range *range, double value)
{
	range->least = range->least > 0 ? fmin(range->least, value) : value;
	range->most = fmax(range->most, value);
}

static struct plot_range widened(const struct plot_range *range)
{
	double more = fmax(MARGIN, sqrt(2 * range->least / range->most));

	return (struct plot_range){range->least / more, range->most * more};
}

static void print_range(const char *axis, const struct plot_range *range, FILE *out)
{
	fprintf(out, "set %srange [%.9g:%.9g]\n", axis, range->least, range->most);
}

void plot_axis_sizes(const char *axis, const struct plot_range *values, FILE *out)
{
	struct plot_range range = widened(values);
	int first = (int)ceil(log2(range.least)), last = (int)floor(log2(range.most)), step = 1;
	const char *glue = "";
	char text[RG_UNITS_BYTES];

	first = first > 0 ? first : 0;
	while ((last - first) / step >= SIZES_MAX)
		step++;
	print_range(axis, &range, out);
	fprintf(out, "set %stics (", axis);
	for (int i = first; i <= last; i++) {
		bool named = (i - first) % step == 0;

		/* Those between get a small mark. */
		fprintf(out, "%s\"%s\" %.0f %d", glue,
			named ? rg_format_size((uint64_t)exp2(i), text) : "", exp2(i), !named);
		glue = ", ";
	}
	fprintf(out, ")\n");
}

/* Is the digit (times ten) one that gets a number on an axis of so many decades? */
static bool is_named(int tenths, double decades)
{
	switch (tenths) {
	case 10:
		return true;
	case 20:
	case 50:
		return decades < 2.5;
	case 30:
		return decades < 1.2;
	case 15:
	case 40:
	case 70:
		return decades < 0.7;
	case 12:
	case 25:
	case 60:
	case 80:
	case 90:
		return decades < 0.5;
	default:
		return false;
	}
}

static void print_number(double value, int tenths, bool named, const char *glue, FILE *out)
{
	fprintf(out, "%s\"", glue);
	/* Digits enough for the smallest, no exponents up to a million. */
	if (named && value < 1e6)
		fprintf(out, "%.*g", value < 1e5 ? 5 : 6, value);
	else if (named)
		fprintf(out, "%.2g", value);
	fprintf(out, "\" %.9g %d", value, tenths % 10 || !named);
}

void plot_axis_values(const char *axis, const struct plot_range *values, FILE *out)
{
	static const int tenths[] = {10, 12, 15, 20, 25, 30, 40, 50, 60, 70, 80, 90};
	struct plot_range range = widened(values);
	double decades = log10(range.most / range.least);
	int first = (int)floor(log10(range.least)), last = (int)ceil(log10(range.most));
	const char *glue = "";

	print_range(axis, &range, out);
	fprintf(out, "set %stics (", axis);
	for (int e = first; e <= last; e++) {
		for (size_t i = 0; i < sizeof(tenths) / sizeof(tenths[0]); i++) {
			double value = tenths[i] / 10.0 * pow(10, e);
			bool named = is_named(tenths[i], decades);

			if (value < range.least || value > range.most || (!named && tenths[i] % 10))
				continue;
			print_number(value, tenths[i], named, glue, out);
			glue = ", ";
		}
	}
	fprintf(out, ")\n");
}
