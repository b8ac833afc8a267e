/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/base/units.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct unit {
	const char *name;
	double factor;
};

static const struct unit size_units[] = {
	{"", 1},       {"B", 1},	{"K", 0x1p10}, {"KiB", 0x1p10},
	{"M", 0x1p20}, {"MiB", 0x1p20}, {"G", 0x1p30}, {"GiB", 0x1p30},
	{"T", 0x1p40}, {"TiB", 0x1p40}, {NULL, 0},
};

static const struct unit time_units[] = {
	{"", 1e9},  {"ns", 1},	 {"us", 1e3},	{"ms", 1e6},
	{"s", 1e9}, {"m", 60e9}, {"h", 3600e9}, {NULL, 0},
};

/* One non-negative decimal number and a unit of the table; the product must be a whole number. */
static int parse_quantity(const char *text, const char *what, const struct unit *units,
			  const char *expected, uint64_t *out, struct rg_err *err)
{
	const struct unit *u;
	double v;
	char *end;

	if (!isdigit((unsigned char)text[0]) || strpbrk(text, "xXpP"))
		return rg_err_set(err, RG_ERR_INVALID, "%s: \"%s\" is not %s", what, text,
				  expected);
	v = strtod(text, &end);
	for (u = units; u->name && strcasecmp(end, u->name); u++)
		;
	if (!u->name)
		return rg_err_set(err, RG_ERR_INVALID, "%s: \"%s\" is not %s", what, text,
				  expected);
	v *= u->factor;
	if (!(v < 0x1p63))
		return rg_err_set(err, RG_ERR_RANGE, "%s: \"%s\" is too large", what, text);
	if (v != floor(v))
		return rg_err_set(err, RG_ERR_INVALID, "%s: \"%s\" is not a whole number of %s",
				  what, text, units == size_units ? "bytes" : "nanoseconds");
	*out = (uint64_t)v;
	return 0;
}

int rg_parse_size(const char *text, const char *what, uint64_t *bytes_out, struct rg_err *err)
{
	return parse_quantity(text, what, size_units, "a size such as 8, 64K or 1.5M", bytes_out,
			      err);
}

int rg_parse_time(const char *text, const char *what, uint64_t *ns_out, struct rg_err *err)
{
	return parse_quantity(text, what, time_units, "a time such as 5, 250ms or 2m", ns_out, err);
}

int rg_parse_int(const char *text, const char *what, int64_t min, int64_t max, int64_t *out,
		 struct rg_err *err)
{
	long long v;
	char *end;

	errno = 0;
	v = strtoll(text, &end, 10);
	if (end == text || *end || isspace((unsigned char)text[0]))
		return rg_err_set(err, RG_ERR_INVALID, "%s: \"%s\" is not a whole number", what,
				  text);
	if (errno == ERANGE || v < min || v > max)
		return rg_err_set(err, RG_ERR_RANGE,
				  "%s: %s is not between %" PRId64 " and %" PRId64, what, text, min,
				  max);
	*out = v;
	return 0;
}

char *rg_format_size(uint64_t bytes, char *text)
{
	static const char letters[] = "KMGT";
	uint64_t unit = 1;
	char letter = 0;

	/* Halves are exact in binary: 1536 is 1.5K. */
	for (int i = 0; i < 4 && bytes >= 1024 * unit && bytes % (512 * unit) == 0; i++) {
		unit *= 1024;
		letter = letters[i];
	}
	if (!letter)
		snprintf(text, RG_UNITS_BYTES, "%" PRIu64, bytes);
	else if (bytes % unit)
		snprintf(text, RG_UNITS_BYTES, "%" PRIu64 ".5%c", bytes / unit, letter);
	else
		snprintf(text, RG_UNITS_BYTES, "%" PRIu64 "%c", bytes / unit, letter);
	return text;
}

char *rg_format_time(double ns, char *text)
{
	static const struct unit steps[] = {{"s", 1e9}, {"ms", 1e6}, {"us", 1e3}, {NULL, 0}};
	const struct unit *u = steps;
	double v;

	while (u[1].name && ns < u->factor)
		u++;
	v = ns / u->factor;
	snprintf(text, RG_UNITS_BYTES, "%.*f %s", v < 9.995 ? 2 : v < 99.95 ? 1 : 0, v, u->name);
	return text;
}
