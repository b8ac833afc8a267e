/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/measure/result.h"
#include "result_fields.h"

#include "railgauge/base/matrix.h"

static json_t *numbers_to_json(const double *numbers, uint64_t n)
{
	json_t *array = json_array();

	for (uint64_t i = 0; array && i < n; i++) {
		if (rg_json_append(array, json_real(numbers[i]), NULL)) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

static json_t *rank_samples_to_json(const struct rg_result_point *point, uint32_t nranks)
{
	json_t *array = json_array();

	for (uint64_t i = 0; array && i < point->nsamples; i++) {
		const double *row = point->rank_samples + i * nranks;

		if (rg_json_append(array, numbers_to_json(row, nranks), NULL)) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

static json_t *point_to_json(const struct rg_result_point *point, uint32_t nranks)
{
	json_t *object = rg_fields_to_json(rg_result_point_fields, point);
	int rc;

	if (!object)
		return NULL;
	rc = rg_json_set(object, "samples",
			 point->samples ? numbers_to_json(point->samples, point->nsamples)
					: json_null(),
			 NULL);
	if (!rc)
		rc = rg_json_set(object, "rank_samples",
				 point->rank_samples ? rank_samples_to_json(point, nranks)
						     : json_null(),
				 NULL);
	if (rc) {
		json_decref(object);
		return NULL;
	}
	return object;
}

static json_t *traffic_to_json(const struct rg_result_run *run)
{
	json_t *rows = run->traffic ? json_array() : json_null();

	for (uint32_t r = 0; run->traffic && rows && r < run->nranks; r++) {
		json_t *row = json_array();
		int rc = row ? 0 : RG_ERR_NO_MEMORY;

		for (uint32_t c = 0; !rc && c < run->nranks; c++)
			rc = rg_json_append(row,
					    json_integer((json_int_t)rg_matrix_at(
						    run->traffic, run->nranks, r, c)),
					    NULL);
		if (rc)
			json_decref(row);
		else
			rc = rg_json_append(rows, row, NULL);
		if (rc) {
			json_decref(rows);
			return NULL;
		}
	}
	return rows;
}

static json_t *run_to_json(const struct rg_result_run *run)
{
	json_t *object = rg_fields_to_json(rg_result_run_fields, run);

	if (object && rg_json_set(object, "traffic", traffic_to_json(run), NULL)) {
		json_decref(object);
		return NULL;
	}
	return object;
}

static json_t *rates_to_json(const struct rg_rates *rates)
{
	json_t *array = json_array();

	for (uint32_t i = 0; array && i < rates->nfootprints; i++) {
		json_t *row = json_object();
		int rc = row ? 0 : RG_ERR_NO_MEMORY;

		if (!rc)
			rc = rg_json_set(row, "footprint_bytes",
					 json_integer((json_int_t)rates->footprint_bytes[i]), NULL);
		for (enum rg_mix m = 0; !rc && m < RG_MIX_COUNT; m++)
			rc = rg_json_set(row, rg_mix_words[m],
					 rates->rate_Bps[i][m] > 0
						 ? json_real(rates->rate_Bps[i][m])
						 : json_null(),
					 NULL);
		if (rc)
			json_decref(row);
		else
			rc = rg_json_append(array, row, NULL);
		if (rc) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

static json_t *calibration_to_json(const struct rg_result *result)
{
	json_t *object;

	if (!result->calibrated)
		return json_null();
	object = rg_fields_to_json(rg_result_check_fields, &result->calibration);
	if (object &&
	    rg_json_set(object, "rates_Bps", rates_to_json(&result->calibration.rates), NULL)) {
		json_decref(object);
		return NULL;
	}
	return object;
}

static json_t *points_to_json(const struct rg_result *result)
{
	json_t *list = json_array();

	for (uint32_t i = 0; list && i < result->npoints; i++) {
		json_t *point = point_to_json(&result->points[i], result->run.nranks);

		if (rg_json_append(list, point, NULL)) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static json_t *args_to_json(const struct rg_result *result)
{
	json_t *list = json_array();

	for (uint32_t i = 0; list && i < result->nargs; i++) {
		if (rg_json_append(list, json_string(result->args[i]), NULL)) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

json_t *rg_result_to_json(const struct rg_result *r)
{
	json_t *root = json_object();
	int rc = root ? 0 : RG_ERR_NO_MEMORY;

#define SET(key, value) rc = rc ? rc : rg_json_set(root, key, value, NULL)
	SET("schema", json_string(RG_RESULT_SCHEMA));
	SET("schema_version", json_integer(RG_RESULT_VERSION));
	SET("complete", json_boolean(r->complete));
	SET("version", json_string(r->version));
	SET("build", json_string(r->build));
	SET("started", json_string(r->started));
	SET("finished", r->finished ? json_string(r->finished) : json_null());
	SET("args", args_to_json(r));
	SET("config", json_incref(r->config));
	SET("run", run_to_json(&r->run));
	SET("machines", rg_fields_array_to_json(rg_result_machine_fields, r->machines,
						sizeof(*r->machines), r->nmachines));
	SET("ranks",
	    rg_fields_array_to_json(rg_result_rank_fields, r->ranks, sizeof(*r->ranks), r->nranks));
	SET("warnings", rg_fields_array_to_json(rg_result_warning_fields, r->warnings,
						sizeof(*r->warnings), r->nwarnings));
	SET("calibration", calibration_to_json(r));
	SET("network", rg_result_network_to_json(r));
	SET("points", points_to_json(r));
	SET("pairs",
	    rg_fields_array_to_json(rg_result_pair_fields, r->pairs, sizeof(*r->pairs), r->npairs));
	SET("counters", rg_counters_to_json(&r->counters));
#undef SET
	if (rc) {
		json_decref(root);
		return NULL;
	}
	return root;
}

int rg_result_write(const struct rg_result *result, const char *path, struct rg_err *err)
{
	json_t *root = rg_result_to_json(result);
	int rc;

	if (!root)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "%s: no memory for the document", path);
	rc = rg_json_write(path, root, err);
	json_decref(root);
	return rc;
}
