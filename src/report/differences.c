/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Differences between two documents, found by walking both: a member that is added to the document
 * is compared without a change here.
 */
#include "config.h"

#include "differences.h"
#include "network.h"

#include "railgauge/base/mem.h"

#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define WHERE_BYTES 160

struct walk {
	struct rg_difference_sink *sink;
	const struct rg_opt *const *options;
	int failed; /* RG_ERR_NO_MEMORY */
};

/*
 * What says nothing about conditions: processes, the options that name output files, the seed
 * (launches should have different ones), and what was measured about clock and start, which is
 * never twice the same.
 */
static bool is_passing(const char *key)
{
	static const char *const keys[] = {
		"pid", "json", "csv", "seed", "timer_cost_ns", "start_skew_ns", "clock_error_ns"};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (!strcmp(key, keys[i]))
			return true;
	}
	return false;
}

/* Of the values of a document, other than options; freed with rg_free. */
static char *value_text(const json_t *v)
{
	char *dumped, *text;

	if (!v || json_is_null(v))
		return rg_strdup(v ? "unknown" : "nothing");
	if (json_is_string(v))
		return rg_strdup(json_string_value(v));
	dumped = json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(4));
	text = dumped ? rg_asprintf("%.200s", dumped) : NULL;
	free(dumped);
	return text;
}

/* Takes over the two texts. */
static void differ(struct walk *w, const char *where, char *a, char *b)
{
	if (a && b) {
		w->sink->found++;
		w->sink->tell(w->sink, where, a, b);
	} else {
		w->failed = RG_ERR_NO_MEMORY;
	}
	rg_free(a);
	rg_free(b);
}

__attribute__((format(printf, 2, 3))) static void say(struct walk *w, const char *fmt, ...)
{
	char text[2 * RG_ERR_TEXT_BYTES];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	w->sink->found++;
	w->sink->tell(w->sink, text, NULL, NULL);
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
		differ(w, where, value_text(a), value_text(b));
	}
}

/* The value of the option of that name; NULL if there is none. */
static const json_t *option_value(const json_t *config, const char *name)
{
	json_t *option;
	size_t i;

	json_array_foreach((json_t *)config, i, option)
	{
		const char *s = json_string_value(json_object_get(option, "name"));

		if (s && !strcmp(s, name))
			return json_object_get(option, "value");
	}
	return NULL;
}

static char *option_text(const struct walk *w, const char *name, const json_t *value)
{
	if (!value)
		return rg_strdup("no such option");
	return rg_opt_value_text(w->options ? rg_opt_find(w->options, name) : NULL, value);
}

/* Options of a, by name, so that a new option does not shift the others; or those of b alone. */
static void walk_options(struct walk *w, const json_t *a, const json_t *b, bool alone)
{
	char where[WHERE_BYTES];
	json_t *option;
	size_t i;

	json_array_foreach((json_t *)(alone ? b : a), i, option)
	{
		const char *name = json_string_value(json_object_get(option, "name"));
		const json_t *x = name ? option_value(a, name) : NULL;
		const json_t *y = name ? option_value(b, name) : NULL;

		if (!name || is_passing(name) || (alone && x) || (x && y && json_equal(x, y)))
			continue;
		snprintf(where, sizeof(where), "option.%s", name);
		differ(w, where, option_text(w, name, x), option_text(w, name, y));
	}
}

/* Rates and the way of a line, where both were calibrated; noise is not worth a line. */
static void compare_calibrations(struct walk *w, const struct rg_result *a,
				 const struct rg_result *b)
{
	const struct rg_rates *x = &a->calibration.rates, *y = &b->calibration.rates;
	double least = HUGE_VAL, most = 0;

	if (a->calibrated != b->calibrated)
		differ(w, "calibration", rg_strdup(a->calibrated ? "done" : "none"),
		       rg_strdup(b->calibrated ? "done" : "none"));
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
	if (most > 0 && (least < 1 - RG_DIFFERENCE_NOISE || most > 1 + RG_DIFFERENCE_NOISE))
		say(w, "calibrated memory: %s has %.2f to %.2f times the rates of %s",
		    w->sink->names[1], least, most, w->sink->names[0]);
	if (fabs(x->line_ns - y->line_ns) > RG_DIFFERENCE_NOISE * x->line_ns)
		differ(w, "calibrated way of a cache line", rg_asprintf("%.1f ns", x->line_ns),
		       rg_asprintf("%.1f ns", y->line_ns));
}

static void compare_rates(double a, double b, double *least, double *most)
{
	if (!(a > 0) || !(b > 0))
		return;
	*least = fmin(*least, b / a);
	*most = fmax(*most, b / a);
}

/* A pair may lose what its ports still have: the one that lost most. */
static void compare_pairs(struct walk *w, const struct rg_result *a, const struct rg_result *b)
{
	char from[NODE_NAME_BYTES], to[NODE_NAME_BYTES];
	const struct rg_network_pair *worst = NULL;
	double least = 1 - RG_DIFFERENCE_NOISE;

	for (uint32_t i = 0; i < a->network.npairs; i++) {
		const struct rg_network_pair *p = &a->network.pairs[i];
		const struct rg_network_pair *q = rg_network_pair_find(&b->network, p->from, p->to);

		if (!q || !(p->rate_Bps > 0) || !(q->rate_Bps > 0) ||
		    q->rate_Bps / p->rate_Bps >= least)
			continue;
		least = q->rate_Bps / p->rate_Bps;
		worst = p;
	}
	if (worst)
		say(w, "calibrated network: %s -> %s gets %.3g times as much in %s as in %s",
		    rg_node_name(a, worst->from, from), rg_node_name(a, worst->to, to), least,
		    w->sink->names[1], w->sink->names[0]);
}

/* What the nodes take in and give out, likewise. */
static void compare_networks(struct walk *w, const struct rg_result *a, const struct rg_result *b)
{
	const struct rg_result_network *x = &a->network, *y = &b->network;
	double least = HUGE_VAL, most = 0;

	if (x->nnodes != y->nnodes)
		differ(w, "calibrated network",
		       x->nnodes ? rg_asprintf("%u nodes", x->nnodes) : rg_strdup("none"),
		       y->nnodes ? rg_asprintf("%u nodes", y->nnodes) : rg_strdup("none"));
	for (uint32_t i = 0; x->nnodes == y->nnodes && i < x->nnodes; i++) {
		const struct rg_port *p = &x->nodes[i].port, *q = &y->nodes[i].port;

		compare_rates(p->in_Bps, q->in_Bps, &least, &most);
		compare_rates(p->out_Bps, q->out_Bps, &least, &most);
	}
	if (most > 0 && (least < 1 - RG_DIFFERENCE_NOISE || most > 1 + RG_DIFFERENCE_NOISE))
		say(w,
		    "calibrated network: nodes of %s take in and give out %.2f to %.2f times "
		    "as much as in %s",
		    w->sink->names[1], least, most, w->sink->names[0]);
	if (x->nnodes == y->nnodes)
		compare_pairs(w, a, b);
}

/* The same but for numbers, which differ each time. */
static bool are_alike(const struct rg_result_warning *a, const struct rg_result_warning *b)
{
	static const char numbers[] = "0123456789.";
	const char *x = a->text, *y = b->text;

	while (!strcmp(a->code, b->code)) {
		x += strspn(x, numbers);
		y += strspn(y, numbers);
		if (*x != *y)
			return false;
		if (!*x)
			return true;
		x++;
		y++;
	}
	return false;
}

/* Warnings of a that b does not have; those about single points are beside the point. */
static void compare_warnings(struct walk *w, const struct rg_result *a, const struct rg_result *b,
			     const char *name)
{
	for (uint32_t i = 0; i < a->nwarnings; i++) {
		const struct rg_result_warning *x = &a->warnings[i];
		uint32_t k = 0;

		while (k < b->nwarnings && !are_alike(&b->warnings[k], x))
			k++;
		if (k < b->nwarnings || !strcmp(x->code, "bound"))
			continue;
		say(w, "warning in %s only: %s: %s", name, x->code, x->text);
	}
}

int rg_differences_find(const struct rg_result *a, const struct rg_result *b,
			const struct rg_opt *const *options, struct rg_difference_sink *sink,
			struct rg_err *err)
{
	static const char *const members[] = {"version", "build", "run", "machines", "ranks", NULL};
	json_t *x = rg_result_to_json(a), *y = rg_result_to_json(b);
	struct walk w = {.sink = sink, .options = options};

	if (x && y) {
		walk_options(&w, a->config, b->config, false);
		walk_options(&w, a->config, b->config, true);
		for (size_t i = 0; members[i]; i++)
			walk(&w, members[i], json_object_get(x, members[i]),
			     json_object_get(y, members[i]));
		compare_calibrations(&w, a, b);
		compare_networks(&w, a, b);
		if (!sink->no_warnings) {
			compare_warnings(&w, a, b, sink->names[0]);
			compare_warnings(&w, b, a, sink->names[1]);
		}
	} else {
		w.failed = RG_ERR_NO_MEMORY;
	}
	json_decref(x);
	json_decref(y);
	return w.failed ? rg_err_set(err, w.failed, "no memory for the report") : 0;
}

/* A sink that prints lines. */
struct lines {
	struct rg_difference_sink sink; /* first */
	const char *title;		/* before the first */
	FILE *out;
};

static void print_line(struct rg_difference_sink *sink, const char *what, const char *a,
		       const char *b)
{
	const struct lines *lines = (const struct lines *)sink;

	if (sink->found == 1)
		fprintf(lines->out, "# %s\n", lines->title);
	if (a)
		fprintf(lines->out, "#   %s: %s -> %s\n", what, a, b);
	else
		fprintf(lines->out, "#   %s\n", what);
}

int rg_differences_print(const struct rg_result *a, const struct rg_result *b,
			 const char *const names[2], const char *title,
			 const struct rg_opt *const *options, uint32_t *found_out, FILE *out,
			 struct rg_err *err)
{
	struct lines lines = {{.tell = print_line, .names = names}, title, out};
	int rc = rg_differences_find(a, b, options, &lines.sink, err);

	*found_out = lines.sink.found;
	return rc;
}
