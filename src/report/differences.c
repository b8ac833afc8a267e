/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Differences between two documents, found by walking both: a member that is added to the document
 * is compared without a change here.
 */
#include "config.h"

#include "differences.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define WHERE_BYTES 160

struct walk {
	FILE *out;
	const char *const *names; /* [2] */
	const char *title;
	uint32_t found;
	int failed; /* RG_ERR_NO_MEMORY */
};

/*
 * What says nothing about conditions: processes, the options that name output files, the seed
 * (launches should have different ones), and what was measured about clock and start, which is
 * never twice the same.
 */
static bool is_passing(const char *key)
{
	static const char *const keys[] = {"pid",  "json",	    "csv",
					   "seed", "timer_cost_ns", "start_skew_ns"};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (!strcmp(key, keys[i]))
			return true;
	}
	return false;
}

static void print_value(struct walk *w, const json_t *v)
{
	char *text;

	if (!v || json_is_null(v)) {
		fputs(v ? "unknown" : "nothing", w->out);
		return;
	}
	if (json_is_string(v)) {
		fputs(json_string_value(v), w->out);
		return;
	}
	text = json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(4));
	if (!text)
		w->failed = RG_ERR_NO_MEMORY;
	else
		fprintf(w->out, "%.200s", text);
	free(text);
}

/* Before the first difference: what these lines are. */
static void begin(struct walk *w)
{
	if (!w->found++)
		fprintf(w->out, "# %s\n", w->title);
}

static void differ(struct walk *w, const char *where, const json_t *a, const json_t *b)
{
	begin(w);
	fprintf(w->out, "#   %s: ", where);
	print_value(w, a);
	fputs(" -> ", w->out);
	print_value(w, b);
	fputc('\n', w->out);
}

static void walk(struct walk *w, const char *where, const json_t *a, const json_t *b);

static void walk_objects(struct walk *w, const char *where, const json_t *a, const json_t *b)
{
	char place[WHERE_BYTES];
	const char *key;
	json_t *v;

	json_object_foreach((json_t *)a, key, v)
	{
		snprintf(place, sizeof(place), "%s.%s", where, key);
		if (!is_passing(key))
			walk(w, place, v, json_object_get(b, key));
	}
	json_object_foreach((json_t *)b, key, v)
	{
		snprintf(place, sizeof(place), "%s.%s", where, key);
		if (!is_passing(key) && !json_object_get(a, key))
			walk(w, place, NULL, v);
	}
}

static void walk(struct walk *w, const char *where, const json_t *a, const json_t *b)
{
	size_t n =
		json_array_size(a) > json_array_size(b) ? json_array_size(a) : json_array_size(b);
	char place[WHERE_BYTES];

	if (json_is_object(a) && json_is_object(b)) {
		walk_objects(w, where, a, b);
	} else if (json_is_array(a) && json_is_array(b)) {
		for (size_t i = 0; i < n; i++) {
			snprintf(place, sizeof(place), "%s[%zu]", where, i);
			walk(w, place, json_array_get(a, i), json_array_get(b, i));
		}
	} else if (!a || !b || !json_equal(a, b)) {
		differ(w, where, a, b);
	}
}

/* The options as one object, by name, so that a new option does not shift the others. */
static json_t *by_name(const json_t *config)
{
	json_t *object = json_object(), *option;
	size_t i;

	json_array_foreach((json_t *)config, i, option)
	{
		const char *name = json_string_value(json_object_get(option, "name"));
		json_t *value = json_object_get(option, "value");

		if (object && (!name || json_object_set(object, name, value))) {
			json_decref(object);
			object = NULL;
		}
	}
	return object;
}

/* Rates and the way of a line, where both were calibrated; noise is not worth a line. */
static void compare_calibrations(struct walk *w, const struct rg_result *a,
				 const struct rg_result *b)
{
	const struct rg_rates *x = &a->calibration.rates, *y = &b->calibration.rates;
	double least = HUGE_VAL, most = 0;

	if (a->calibrated != b->calibrated) {
		begin(w);
		fprintf(w->out, "#   calibration: %s -> %s\n", a->calibrated ? "done" : "none",
			b->calibrated ? "done" : "none");
	}
	if (!a->calibrated || !b->calibrated)
		return;
	for (uint32_t i = 0; i < x->nfootprints; i++) {
		for (uint32_t k = 0; k < y->nfootprints; k++) {
			for (enum rg_mix m = 0; m < RG_MIX_COUNT; m++) {
				double ratio = y->rate_Bps[k][m] / x->rate_Bps[i][m];

				if (x->footprint_bytes[i] != y->footprint_bytes[k] ||
				    !(x->rate_Bps[i][m] > 0) || !(y->rate_Bps[k][m] > 0))
					continue;
				least = fmin(least, ratio);
				most = fmax(most, ratio);
			}
		}
	}
	if (most > 0 && (least < 1 - RG_DIFFERENCE_NOISE || most > 1 + RG_DIFFERENCE_NOISE)) {
		begin(w);
		fprintf(w->out,
			"#   calibrated memory: %s has %.2f to %.2f times the rates of %s\n",
			w->names[1], least, most, w->names[0]);
	}
	if (fabs(x->line_ns - y->line_ns) > RG_DIFFERENCE_NOISE * x->line_ns) {
		begin(w);
		fprintf(w->out, "#   calibrated way of a cache line: %.1f -> %.1f ns\n", x->line_ns,
			y->line_ns);
	}
}

/* Warnings of a that b does not have; those about single points are beside the point. */
static void compare_warnings(struct walk *w, const struct rg_result *a, const struct rg_result *b,
			     const char *name)
{
	for (uint32_t i = 0; i < a->nwarnings; i++) {
		const struct rg_result_warning *x = &a->warnings[i];
		uint32_t k = 0;

		while (k < b->nwarnings && strcmp(b->warnings[k].text, x->text))
			k++;
		if (k < b->nwarnings || !strcmp(x->code, "bound"))
			continue;
		begin(w);
		fprintf(w->out, "#   warning in %s only: %s: %s\n", name, x->code, x->text);
	}
}

/* Takes both references. */
static void walk_new(struct walk *w, const char *where, json_t *a, json_t *b)
{
	if (!a || !b)
		w->failed = RG_ERR_NO_MEMORY;
	else
		walk(w, where, a, b);
	json_decref(a);
	json_decref(b);
}

int rg_differences_print(const struct rg_result *a, const struct rg_result *b,
			 const char *const names[2], const char *title, uint32_t *found_out,
			 FILE *out, struct rg_err *err)
{
	static const char *const members[] = {"version", "build", "run", "machines", "ranks", NULL};
	json_t *x = rg_result_to_json(a), *y = rg_result_to_json(b);
	struct walk w = {.out = out, .names = names, .title = title};

	if (x && y) {
		walk_new(&w, "option", by_name(a->config), by_name(b->config));
		for (size_t i = 0; members[i]; i++)
			walk(&w, members[i], json_object_get(x, members[i]),
			     json_object_get(y, members[i]));
		compare_calibrations(&w, a, b);
		compare_warnings(&w, a, b, names[0]);
		compare_warnings(&w, b, a, names[1]);
	} else {
		w.failed = RG_ERR_NO_MEMORY;
	}
	json_decref(x);
	json_decref(y);
	*found_out = w.found;
	return w.failed ? rg_err_set(err, w.failed, "no memory for the report") : 0;
}
