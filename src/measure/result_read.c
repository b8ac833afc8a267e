/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/measure/result.h"
#include "result_fields.h"

#include "railgauge/base/matrix.h"
#include "railgauge/base/mem.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define WHERE_BYTES 64

static const char *const root_keys[] = {
	"schema",  "schema_version", "complete", "version",  "build", "started",  "finished",
	"args",	   "config",	     "run",	 "machines", "ranks", "warnings", "calibration",
	"network", "points",	     "pairs",	 "counters", NULL,
};

/* The contents of a document contradict each other: as the checks say it, at this place. */
static int contradiction(const char *where, int rc, struct rg_err *err)
{
	char text[RG_ERR_TEXT_BYTES];

	if (rc != RG_ERR_INVALID || !err)
		return rc == RG_ERR_INVALID ? RG_ERR_FORMAT : rc;
	snprintf(text, sizeof(text), "%.*s", RG_ERR_TEXT_BYTES - 1, err->text);
	return rg_err_set(err, RG_ERR_FORMAT, "%s.%s", where, text);
}

static int read_header(const json_t *root, struct rg_err *err)
{
	const char *schema, *key;
	json_int_t version;
	json_t *v;
	int rc;

	if (!json_is_object(root))
		return rg_err_set(err, RG_ERR_FORMAT, "expected an object");
	rc = rg_json_get_string(root, "schema", "", &schema, err);
	if (rc)
		return rc;
	if (strcmp(schema, RG_RESULT_SCHEMA))
		return rg_fields_expected("schema", "", "\"" RG_RESULT_SCHEMA "\"", err);
	rc = rg_json_get_int(root, "schema_version", "", &version, err);
	if (rc)
		return rc;
	if (version != RG_RESULT_VERSION)
		return rg_err_set(err, RG_ERR_UNSUPPORTED,
				  "schema_version: %lld is unknown to this railgauge, which reads "
				  "%d",
				  (long long)version, RG_RESULT_VERSION);
	json_object_foreach((json_t *)root, key, v)
	{
		size_t i = 0;

		while (root_keys[i] && strcmp(root_keys[i], key))
			i++;
		if (!root_keys[i])
			return rg_err_set(err, RG_ERR_FORMAT, "%.64s: no such member", key);
	}
	return 0;
}

/* "2026-11-23T21:03:00Z" */
static bool is_utc(const char *text)
{
	static const char pattern[] = "0000-00-00T00:00:00Z";

	if (strlen(text) != sizeof(pattern) - 1)
		return false;
	for (size_t i = 0; pattern[i]; i++) {
		if (pattern[i] == '0' ? !isdigit((unsigned char)text[i]) : text[i] != pattern[i])
			return false;
	}
	return true;
}

static int keep_text(struct rg_result *result, const char *text, const char **out,
		     struct rg_err *err)
{
	*out = rg_result_keep(result, text);
	return *out ? 0 : rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for the document");
}

static int read_time(const json_t *root, const char *key, struct rg_result *result,
		     const char **out, struct rg_err *err)
{
	const json_t *v = json_object_get(root, key);

	if (!json_is_string(v) || !is_utc(json_string_value(v)))
		return rg_fields_expected(key, "", "a time such as 2026-11-23T21:03:00Z", err);
	return keep_text(result, json_string_value(v), out, err);
}

static int read_tool(const json_t *root, struct rg_result *result, struct rg_err *err)
{
	const json_t *complete = json_object_get(root, "complete");
	const char *text;
	int rc;

	if (!json_is_boolean(complete))
		return rg_fields_expected("complete", "", "true or false", err);
	result->complete = json_is_true(complete);
	rc = rg_json_get_string(root, "version", "", &text, err);
	if (!rc)
		rc = keep_text(result, text, &result->version, err);
	if (!rc)
		rc = rg_json_get_string(root, "build", "", &text, err);
	if (!rc)
		rc = keep_text(result, text, &result->build, err);
	if (!rc)
		rc = read_time(root, "started", result, &result->started, err);
	if (rc)
		return rc;
	if (result->complete)
		return read_time(root, "finished", result, &result->finished, err);
	if (!json_is_null(json_object_get(root, "finished")))
		return rg_fields_expected("finished", "", "null, since it is not complete", err);
	return 0;
}

static int read_args(const json_t *root, struct rg_result *result, struct rg_err *err)
{
	char where[WHERE_BYTES];
	char **argv;
	json_t *list;
	size_t n;
	int rc = rg_json_get_array(root, "args", "", &list, err);

	if (rc)
		return rc;
	n = json_array_size(list);
	argv = rg_zalloc(n + 1, sizeof(*argv));
	if (!argv)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for the document");
	for (size_t i = 0; !rc && i < n; i++) {
		const json_t *v = json_array_get(list, i);

		snprintf(where, sizeof(where), "args[%zu]", i);
		argv[i] = (char *)json_string_value(v); /* only read */
		if (!argv[i])
			rc = rg_fields_expected(where, "", "a string", err);
	}
	if (!rc)
		rc = rg_result_set_args(result, (int)n, argv, err);
	rg_free(argv);
	return rc;
}

static int check_option(const json_t *option, const char *where, struct rg_err *err)
{
	static const char *const origins[] = {"default", "environment", "command line", NULL};
	const json_t *value = json_object_get(option, "value");
	const char *name, *origin;
	int rc;

	if (!json_is_object(option))
		return rg_fields_expected(where, "", "an object", err);
	rc = rg_json_get_string(option, "name", where, &name, err);
	if (!rc)
		rc = rg_json_get_string(option, "origin", where, &origin, err);
	if (rc)
		return rc;
	if (!value || json_is_object(value) || json_is_array(value))
		return rg_fields_expected(where, "value", "a string, a number, true, false or null",
					  err);
	for (size_t i = 0; origins[i]; i++) {
		if (!strcmp(origins[i], origin) && json_object_size(option) == 3)
			return 0;
	}
	return rg_fields_expected(where, "origin",
				  "default, environment or command line, and nothing else", err);
}

static int read_config(const json_t *root, struct rg_result *result, struct rg_err *err)
{
	char where[WHERE_BYTES];
	json_t *list;
	int rc = rg_json_get_array(root, "config", "", &list, err);

	for (size_t i = 0; !rc && i < json_array_size(list); i++) {
		snprintf(where, sizeof(where), "config[%zu]", i);
		rc = check_option(json_array_get(list, i), where, err);
	}
	return rc ? rc : rg_result_set_config(result, json_incref(list), err);
}

/* The rows of run.traffic into weights[nranks][nranks]. */
static int read_traffic(const json_t *rows, uint32_t nranks, uint64_t *weights, struct rg_err *err)
{
	if (!json_is_array(rows) || json_array_size(rows) != nranks)
		return rg_fields_expected("run", "traffic", "null or a row for each rank", err);
	for (uint32_t r = 0; r < nranks; r++) {
		const json_t *row = json_array_get(rows, r);

		if (json_array_size(row) != nranks)
			return rg_err_set(err, RG_ERR_FORMAT,
					  "run.traffic[%u]: expected an array of %u numbers", r,
					  nranks);
		for (uint32_t c = 0; c < nranks; c++) {
			const json_t *v = json_array_get(row, c);
			json_int_t weight = json_integer_value(v);

			if (!json_is_integer(v) || weight < 0 ||
			    (uint64_t)weight > RG_MATRIX_WEIGHT_MAX)
				return rg_err_set(err, RG_ERR_FORMAT,
						  "run.traffic[%u][%u]: expected a whole number "
						  "from 0 to %llu",
						  r, c, (unsigned long long)RG_MATRIX_WEIGHT_MAX);
			weights[(size_t)r * nranks + c] = (uint64_t)weight;
		}
	}
	return 0;
}

/* Older documents have no traffic. */
static int read_run(const json_t *root, struct rg_result *result, struct rg_err *err)
{
	static const char *const also[] = {"traffic", NULL};
	const json_t *object = json_object_get(root, "run");
	const json_t *rows = json_object_get(object, "traffic");
	struct rg_result_run run = {0};
	uint64_t *weights = NULL;
	int rc = rg_fields_from_json(rg_result_run_fields, object, "run", also, &run, err);

	if (!rc && rows && !json_is_null(rows)) {
		/* As many as the document has, not as it says. */
		size_t n = json_array_size(rows) == run.nranks ? run.nranks : 0;

		weights = rg_zalloc(n * n + 1, sizeof(*weights));
		rc = weights ? read_traffic(rows, run.nranks, weights, err)
			     : rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for the document");
		run.traffic = weights;
	}
	if (!rc)
		rc = rg_result_set_run(result, &run, err);
	rg_free(weights);
	return rc;
}

static int add_machine(struct rg_result *result, const json_t *v, const char *where,
		       struct rg_err *err)
{
	struct rg_result_machine machine = {0};
	int rc = rg_fields_from_json(rg_result_machine_fields, v, where, NULL, &machine, err);

	return rc ? rc : rg_result_add_machine(result, &machine, err);
}

static int add_rank(struct rg_result *result, const json_t *v, const char *where,
		    struct rg_err *err)
{
	struct rg_result_rank rank = {0};
	int rc = rg_fields_from_json(rg_result_rank_fields, v, where, NULL, &rank, err);

	for (uint32_t i = 0; !rc && i < result->nmachines; i++) {
		if (!strcmp(result->machines[i].host, rank.host))
			return rg_result_add_rank(result, &rank, err);
	}
	return rc ? rc : rg_fields_expected(where, "host", "a host of machines", err);
}

static int add_warning(struct rg_result *result, const json_t *v, const char *where,
		       struct rg_err *err)
{
	struct rg_result_warning warning = {0};
	int rc = rg_fields_from_json(rg_result_warning_fields, v, where, NULL, &warning, err);

	return rc ? rc : rg_result_store_warning(result, &warning, err);
}

/* An array of n numbers above 0 into list; where names it. */
static int read_numbers(const json_t *array, uint64_t n, const char *where, double *list,
			struct rg_err *err)
{
	if (json_array_size(array) != n)
		return rg_err_set(err, RG_ERR_FORMAT, "%s: expected an array of %llu numbers",
				  where, (unsigned long long)n);
	for (size_t i = 0; i < n; i++) {
		const json_t *v = json_array_get(array, i);

		if (!json_is_number(v) || !(json_number_value(v) > 0))
			return rg_err_set(err, RG_ERR_FORMAT, "%s[%zu]: expected a number above 0",
					  where, i);
		list[i] = json_number_value(v);
	}
	return 0;
}

/* *list_out is the caller's to free, also on failure. */
static int read_samples(const json_t *object, const char *where, uint32_t nranks,
			struct rg_result_point *point, double **list_out, struct rg_err *err)
{
	const json_t *samples = json_object_get(object, "samples");
	const json_t *rows = json_object_get(object, "rank_samples");
	size_t n = json_array_size(samples), width = json_is_null(rows) ? 1 : 1 + (size_t)nranks;
	char place[WHERE_BYTES + 48];
	int rc;

	if (!json_is_array(samples) && !json_is_null(samples))
		return rg_fields_expected(where, "samples", "an array or null", err);
	if (!json_is_null(rows) && (!json_is_array(rows) || !n || json_array_size(rows) != n))
		return rg_fields_expected(where, "rank_samples",
					  "null or as many rows as there are samples", err);
	if (!n)
		return json_is_null(samples)
			       ? 0
			       : rg_fields_expected(where, "samples", "null, or at least one", err);
	*list_out = rg_zalloc(n * width, sizeof(double));
	if (!*list_out)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for the document");
	snprintf(place, sizeof(place), "%s.samples", where);
	rc = read_numbers(samples, n, place, *list_out, err);
	for (size_t i = 0; !rc && !json_is_null(rows) && i < n; i++) {
		snprintf(place, sizeof(place), "%s.rank_samples[%zu]", where, i);
		rc = read_numbers(json_array_get(rows, i), nranks, place,
				  *list_out + n + i * nranks, err);
	}
	point->samples = *list_out;
	point->nsamples = n;
	point->rank_samples = json_is_null(rows) ? NULL : *list_out + n;
	return rc;
}

static int add_point(struct rg_result *result, const json_t *v, const char *where,
		     struct rg_err *err)
{
	static const char *const also[] = {"samples", "rank_samples", NULL};
	struct rg_result_point point = {0};
	double *list = NULL;
	int rc = rg_fields_from_json(rg_result_point_fields, v, where, also, &point, err);

	if (!rc)
		rc = read_samples(v, where, result->run.nranks, &point, &list, err);
	if (!rc)
		rc = contradiction(where, rg_result_store_point(result, &point, err), err);
	rg_free(list);
	return rc;
}

static int add_pair(struct rg_result *result, const json_t *v, const char *where,
		    struct rg_err *err)
{
	struct rg_result_pair pair = {0};
	int rc = rg_fields_from_json(rg_result_pair_fields, v, where, NULL, &pair, err);

	return rc ? rc : contradiction(where, rg_result_store_pair(result, &pair, err), err);
}

/* Gives every item of root[key] to add. */
static int read_list(const json_t *root, const char *key, struct rg_result *result,
		     int (*add)(struct rg_result *result, const json_t *v, const char *where,
				struct rg_err *err),
		     struct rg_err *err)
{
	char where[WHERE_BYTES];
	json_t *list;
	int rc = rg_json_get_array(root, key, "", &list, err);

	for (size_t i = 0; !rc && i < json_array_size(list); i++) {
		snprintf(where, sizeof(where), "%s[%zu]", key, i);
		rc = add(result, json_array_get(list, i), where, err);
	}
	return rc;
}

/* One footprint: its size and rates; a mix that is not there was not measured. */
static int read_rates_row(const json_t *row, const char *where, struct rg_rates *rates,
			  struct rg_err *err)
{
	uint32_t at = rates->nfootprints;
	size_t known = 1; /* footprint_bytes */
	json_int_t bytes;
	int rc;

	if (!json_is_object(row))
		return rg_fields_expected(where, "", "an object", err);
	rc = rg_json_get_int(row, "footprint_bytes", where, &bytes, err);
	if (rc)
		return rc;
	if (bytes <= 0 || (at && (uint64_t)bytes <= rates->footprint_bytes[at - 1]))
		return rg_fields_expected(where, "footprint_bytes", "more than the one before",
					  err);
	rates->footprint_bytes[at] = (uint64_t)bytes;
	for (enum rg_mix m = 0; m < RG_MIX_COUNT; m++) {
		const json_t *v = json_object_get(row, rg_mix_words[m]);

		known += v != NULL;
		if (v && !json_is_null(v) && !(json_is_number(v) && json_number_value(v) > 0))
			return rg_fields_expected(where, rg_mix_words[m],
						  "a number above 0 or null", err);
		rates->rate_Bps[at][m] = json_number_value(v);
	}
	if (json_object_size(row) != known)
		return rg_fields_expected(where, "", "nothing but the names of mixes besides", err);
	rates->nfootprints++;
	return 0;
}

static int read_calibration(const json_t *root, struct rg_result *result, struct rg_err *err)
{
	static const char *const also[] = {"rates_Bps", NULL};
	const json_t *object = json_object_get(root, "calibration");
	struct rg_calibration c = {0};
	char where[WHERE_BYTES];
	json_t *rows;
	int rc;

	if (json_is_null(object))
		return 0;
	rc = rg_fields_from_json(rg_result_check_fields, object, "calibration", also, &c, err);
	if (!rc)
		rc = rg_json_get_array(object, "rates_Bps", "calibration", &rows, err);
	if (rc)
		return rc;
	if (json_array_size(rows) > RG_RATES_MAX)
		return rg_fields_expected("calibration", "rates_Bps", "fewer footprints", err);
	for (size_t i = 0; !rc && i < json_array_size(rows); i++) {
		snprintf(where, sizeof(where), "calibration.rates_Bps[%zu]", i);
		rc = read_rates_row(json_array_get(rows, i), where, &c.rates, err);
	}
	result->calibration = c;
	result->calibrated = true;
	return rc;
}

int rg_result_from_json(const json_t *root, const char *name, struct rg_result **out,
			struct rg_err *err)
{
	struct rg_result *result = rg_result_new();
	int rc;

	if (!result)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for the document");
	rc = read_header(root, err);
	if (!rc)
		rc = read_tool(root, result, err);
	if (!rc)
		rc = read_args(root, result, err);
	if (!rc)
		rc = read_config(root, result, err);
	if (!rc)
		rc = read_run(root, result, err);
	if (!rc)
		rc = read_list(root, "machines", result, add_machine, err);
	if (!rc)
		rc = read_list(root, "ranks", result, add_rank, err);
	if (!rc && result->nranks && result->nranks != result->run.nranks)
		rc = rg_fields_expected("ranks", "", "as many as run.nranks, or none", err);
	if (!rc)
		rc = read_list(root, "warnings", result, add_warning, err);
	if (!rc)
		rc = read_calibration(root, result, err);
	if (!rc)
		rc = contradiction("network", rg_result_network_from_json(root, result, err), err);
	if (!rc)
		rc = read_list(root, "points", result, add_point, err);
	if (!rc && json_object_get(root, "pairs"))
		rc = read_list(root, "pairs", result, add_pair, err);
	if (!rc)
		rc = rg_counters_from_json(json_object_get(root, "counters"), "counters",
					   rg_result_measured(result), &result->counters, err);
	if (rc) {
		rg_result_close(result);
		return err ? rg_err_prefix(err, "%s", name) : rc;
	}
	*out = result;
	return 0;
}

int rg_result_read(const char *path, struct rg_result **out, struct rg_err *err)
{
	json_t *root;
	int rc = rg_json_read(path, &root, err);

	if (rc)
		return rc;
	rc = rg_result_from_json(root, path, out, err);
	json_decref(root);
	return rc;
}
