/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "opt_rows.h"

#include "railgauge/base/mem.h"
#include "railgauge/base/units.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

int rg_opt_flatten(const struct rg_opt_command *command, struct rg_opt_rows *rows,
		   struct rg_err *err)
{
	rows->count = 0;
	for (size_t t = 0; command->tables[t]; t++) {
		for (const struct rg_opt *row = command->tables[t]; row->name; row++) {
			if (rows->count == RG_OPT_MAX)
				return rg_err_set(err, RG_ERR_INTERNAL, "%s: more than %d options",
						  command->name, RG_OPT_MAX);
			rows->row[rows->count] = row;
			rows->table[rows->count++] = t;
		}
	}
	return 0;
}

static bool has_range(const struct rg_opt *row)
{
	return row->min < row->max;
}

static int parse_flag(const char *text, const char *what, bool *out, struct rg_err *err)
{
	static const char *const words[] = {"no", "yes",   "0",	   "1", "off",
					    "on", "false", "true", NULL};

	for (size_t i = 0; words[i]; i++) {
		if (!strcasecmp(text, words[i])) {
			*out = i % 2;
			return 0;
		}
	}
	return rg_err_set(err, RG_ERR_INVALID, "%s: \"%s\" is neither yes nor no", what, text);
}

static int parse_number(const struct rg_opt *row, const char *text, const char *what, double *out,
			struct rg_err *err)
{
	double v;
	char *end;

	v = strtod(text, &end);
	if (end == text || *end || !isfinite(v) || strpbrk(text, " \t\nxX"))
		return rg_err_set(err, RG_ERR_INVALID, "%s: \"%s\" is not a number", what, text);
	if (has_range(row) && !(v >= row->min && v <= row->max))
		return rg_err_set(err, RG_ERR_RANGE, "%s: %s is not between %g and %g", what, text,
				  row->min, row->max);
	*out = v;
	return 0;
}

static char *format_quantity(const struct rg_opt *row, double v, char *text)
{
	if (row->type == RG_OPT_TIME)
		return rg_format_time(v, text);
	return rg_format_size((uint64_t)v, text);
}

static int parse_quantity(const struct rg_opt *row, const char *text, const char *what,
			  uint64_t *out, struct rg_err *err)
{
	char min[RG_UNITS_BYTES], max[RG_UNITS_BYTES];
	uint64_t v = 0;
	int rc;

	rc = row->type == RG_OPT_SIZE ? rg_parse_size(text, what, &v, err)
				      : rg_parse_time(text, what, &v, err);
	if (rc)
		return rc;
	if (has_range(row) && ((double)v < row->min || (double)v > row->max))
		return rg_err_set(err, RG_ERR_RANGE, "%s: %s is not between %s and %s", what, text,
				  format_quantity(row, row->min, min),
				  format_quantity(row, row->max, max));
	*out = v;
	return 0;
}

void rg_opt_list_choices(const char *const *choices, char *text, size_t len_bytes)
{
	size_t at = 0;

	text[0] = '\0';
	for (size_t i = 0; choices[i] && at < len_bytes; i++) {
		const char *glue = !i ? "" : choices[i + 1] ? ", " : " or ";

		at += (size_t)snprintf(text + at, len_bytes - at, "%s%s", glue, choices[i]);
	}
}

static int parse_choice(const struct rg_opt *row, const char *text, const char *what, int *out,
			struct rg_err *err)
{
	char all[RG_ERR_TEXT_BYTES / 2];
	const char *nearest;

	for (int i = 0; row->choices[i]; i++) {
		if (!strcmp(text, row->choices[i])) {
			*out = i;
			return 0;
		}
	}
	nearest = rg_opt_nearest(text, row->choices);
	if (nearest)
		return rg_err_set(err, RG_ERR_INVALID, "%s: no \"%s\"; did you mean %s?", what,
				  text, nearest);
	rg_opt_list_choices(row->choices, all, sizeof(all));
	return rg_err_set(err, RG_ERR_INVALID, "%s: \"%s\" is not %s", what, text, all);
}

int rg_opt_parse_value(const struct rg_opt *row, const char *text, const char *what,
		       union rg_opt_value *out, struct rg_err *err)
{
	switch (row->type) {
	case RG_OPT_FLAG:
		return parse_flag(text, what, &out->flag, err);
	case RG_OPT_INT:
		return rg_parse_int(text, what, has_range(row) ? (int64_t)row->min : INT64_MIN,
				    has_range(row) ? (int64_t)row->max : INT64_MAX, &out->whole,
				    err);
	case RG_OPT_NUMBER:
		return parse_number(row, text, what, &out->number, err);
	case RG_OPT_SIZE:
	case RG_OPT_TIME:
		return parse_quantity(row, text, what, &out->quantity, err);
	case RG_OPT_CHOICE:
		return parse_choice(row, text, what, &out->choice, err);
	case RG_OPT_STRING:
		out->string = text;
		return 0;
	}
	return rg_err_set(err, RG_ERR_INTERNAL, "%s: unknown type %d", what, (int)row->type);
}

static int check_row(const struct rg_opt *row, struct rg_err *err)
{
	union rg_opt_value v;

	if (!strcmp(row->name, "help") || !strcmp(row->name, "version") || row->letter == 'h' ||
	    row->letter == 'V')
		return rg_err_set(err, RG_ERR_INTERNAL,
				  "--%s: --help, --version, -h and -V are taken", row->name);
	if (!row->help || !row->help[0])
		return rg_err_set(err, RG_ERR_INTERNAL, "--%s: no help text", row->name);
	if ((row->type == RG_OPT_FLAG) != !row->value)
		return rg_err_set(err, RG_ERR_INTERNAL,
				  "--%s: flags have no value name, all others have one", row->name);
	if (row->type == RG_OPT_CHOICE && (!row->choices || !row->choices[0]))
		return rg_err_set(err, RG_ERR_INTERNAL, "--%s: nothing to choose from", row->name);
	if (row->min > row->max)
		return rg_err_set(err, RG_ERR_INTERNAL, "--%s: min is above max", row->name);
	if (row->dflt && rg_opt_parse_value(row, row->dflt, row->name, &v, err)) {
		rg_err_set(err, RG_ERR_INTERNAL, "--%s: the default %s does not pass its own check",
			   row->name, row->dflt);
		return RG_ERR_INTERNAL;
	}
	return 0;
}

static int check_rows(const struct rg_opt_rows *rows, struct rg_err *err)
{
	int rc = 0;

	for (size_t i = 0; i < rows->count && !rc; i++) {
		const struct rg_opt *a = rows->row[i];

		rc = check_row(a, err);
		for (size_t j = 0; j < i && !rc; j++) {
			const struct rg_opt *b = rows->row[j];

			if (!strcmp(a->name, b->name))
				rc = rg_err_set(err, RG_ERR_INTERNAL, "--%s: listed twice",
						a->name);
			else if (a->letter && a->letter == b->letter)
				rc = rg_err_set(err, RG_ERR_INTERNAL, "--%s and --%s: both are -%c",
						b->name, a->name, a->letter);
		}
	}
	return rc;
}

int rg_opt_check(const struct rg_opt_command *command, struct rg_err *err)
{
	struct rg_opt_rows rows;
	int rc = rg_opt_flatten(command, &rows, err);

	return rc ? rc : check_rows(&rows, err);
}

size_t rg_opt_value_bytes(enum rg_opt_type type)
{
	static const size_t bytes[] = {
		[RG_OPT_FLAG] = sizeof(bool),	  [RG_OPT_INT] = sizeof(int64_t),
		[RG_OPT_NUMBER] = sizeof(double), [RG_OPT_SIZE] = sizeof(uint64_t),
		[RG_OPT_TIME] = sizeof(uint64_t), [RG_OPT_CHOICE] = sizeof(int),
		[RG_OPT_STRING] = sizeof(char *),
	};

	return bytes[type];
}

static json_t *value_json(const struct rg_opt *row, const void *base)
{
	union rg_opt_value v = {0};

	memcpy(&v, (const char *)base + row->offset, rg_opt_value_bytes(row->type));
	switch (row->type) {
	case RG_OPT_FLAG:
		return json_boolean(v.flag);
	case RG_OPT_INT:
		return json_integer(v.whole);
	case RG_OPT_NUMBER:
		return json_real(v.number);
	case RG_OPT_SIZE:
	case RG_OPT_TIME:
		return json_integer((json_int_t)v.quantity); /* below 2^63, see units.h */
	case RG_OPT_CHOICE:
		return json_string(row->choices[v.choice]);
	case RG_OPT_STRING:
		return v.string ? json_string(v.string) : json_null();
	}
	return NULL;
}

json_t *rg_opt_record(const struct rg_opt_command *command, const void *const *bases,
		      const struct rg_opt_origins *origins)
{
	static const char *const origin_words[] = {
		[RG_OPT_FROM_DEFAULT] = "default",
		[RG_OPT_FROM_ENVIRONMENT] = "environment",
		[RG_OPT_FROM_COMMAND_LINE] = "command line",
	};
	struct rg_opt_rows rows;
	json_t *list;

	if (rg_opt_flatten(command, &rows, NULL))
		return NULL;
	list = json_array();
	for (size_t i = 0; i < rows.count; i++) {
		const struct rg_opt *row = rows.row[i];
		json_t *one = json_pack("{s:s, s:o, s:s}", "name", row->name, "value",
					value_json(row, bases[rows.table[i]]), "origin",
					origin_words[origins->of[i]]);

		if (!one || json_array_append_new(list, one)) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

const struct rg_opt *rg_opt_find(const struct rg_opt *const *tables, const char *name)
{
	for (; *tables; tables++) {
		for (const struct rg_opt *row = *tables; row->name; row++) {
			if (!strcmp(row->name, name))
				return row;
		}
	}
	return NULL;
}

/* In the largest unit that leaves a whole number, as it would be typed. */
static char *time_text(json_int_t ns)
{
	static const struct {
		const char *name;
		json_int_t ns;
	} units[] = {{"s", 1000000000}, {"ms", 1000000}, {"us", 1000}, {"ns", 1}};
	size_t i = 0;

	while (ns % units[i].ns)
		i++;
	return rg_asprintf("%" JSON_INTEGER_FORMAT "%s", ns / units[i].ns, units[i].name);
}

static char *size_text(json_int_t bytes)
{
	char text[RG_UNITS_BYTES];

	rg_format_size((uint64_t)bytes, text);
	return rg_asprintf("%s%s", text, strpbrk(text, "KMGT") ? "iB" : "B");
}

/* jansson's own allocator is not ours. */
static char *json_text(const json_t *value)
{
	char *dumped, *text;

	if (json_is_string(value))
		return rg_strdup(json_string_value(value));
	dumped = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(10));
	text = dumped ? rg_strdup(dumped) : NULL;
	free(dumped);
	return text;
}

char *rg_opt_value_text(const struct rg_opt *row, const json_t *value)
{
	bool whole = json_is_integer(value) && json_integer_value(value) >= 0;

	if (json_is_null(value))
		return rg_strdup("not set");
	if (row && row->type == RG_OPT_TIME && whole)
		return time_text(json_integer_value(value));
	if (row && row->type == RG_OPT_SIZE && whole)
		return size_text(json_integer_value(value));
	if (row && row->type == RG_OPT_FLAG && json_is_boolean(value))
		return rg_strdup(json_is_true(value) ? "yes" : "no");
	if (row && row->type == RG_OPT_NUMBER && json_is_number(value))
		return rg_asprintf("%.10g%s", json_number_value(value),
				   !strcmp(row->value, "PERCENT") ? " %" : "");
	return json_text(value);
}
