/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/measure/result.h"
#include "result_fields.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/matrix.h"
#include "railgauge/base/mem.h"
#include "railgauge/base/sha256.h"
#include "railgauge/launch/build.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* What the strings and samples of a result live in: one allocation each, freed together. */
struct rg_result_arena {
	void **blocks; /* owned, each of them owned */
	size_t nblocks;
};

/* Makes room for one more item in an array of n that grows by doubling. */
static void *grow(void *array, size_t n, size_t each_bytes)
{
	if (n & (n - 1))
		return array; /* room up to the next power of two */
	return rg_realloc(array, (n ? 2 * n : 1) * each_bytes);
}

static void *keep(struct rg_result *result, const void *data, size_t len_bytes)
{
	struct rg_result_arena *arena = result->arena;
	void **blocks = grow(arena->blocks, arena->nblocks, sizeof(*blocks));
	void *copy;

	if (!blocks)
		return NULL;
	arena->blocks = blocks;
	copy = rg_alloc(len_bytes);
	if (!copy)
		return NULL;
	memcpy(copy, data, len_bytes);
	blocks[arena->nblocks++] = copy;
	return copy;
}

const char *rg_result_keep(struct rg_result *result, const char *text)
{
	return keep(result, text, strlen(text) + 1);
}

static int no_memory(struct rg_err *err)
{
	return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for the result");
}

/* Replaces every string of a struct by a copy that the result owns. */
static int keep_strings(struct rg_result *result, const struct rg_field *fields, void *base,
			struct rg_err *err)
{
	for (const struct rg_field *f = fields; f->key; f++) {
		const char **at = (const char **)((char *)base + f->offset);

		if (f->kind != RG_FIELD_STRING || !*at)
			continue;
		*at = rg_result_keep(result, *at);
		if (!*at)
			return no_memory(err);
	}
	return 0;
}

struct rg_result *rg_result_new(void)
{
	struct rg_result *result = rg_zalloc(1, sizeof(*result));

	if (!result)
		return NULL;
	result->arena = rg_zalloc(1, sizeof(*result->arena));
	if (!result->arena) {
		rg_free(result);
		return NULL;
	}
	return result;
}

int rg_result_open(struct rg_result **out, struct rg_err *err)
{
	struct rg_result *result = rg_result_new();
	char now[32];

	if (!result)
		return no_memory(err);
	rg_clock_utc(now, sizeof(now));
	result->started = rg_result_keep(result, now);
	result->version = rg_result_keep(result, PACKAGE_VERSION);
	result->build = rg_result_keep(result, rg_build_id());
	result->config = json_array();
	if (!result->started || !result->version || !result->build || !result->config) {
		rg_result_close(result);
		return no_memory(err);
	}
	*out = result;
	return 0;
}

void rg_result_close(struct rg_result *result)
{
	if (!result)
		return;
	for (size_t i = 0; i < result->arena->nblocks; i++)
		rg_free(result->arena->blocks[i]);
	rg_free(result->arena->blocks);
	rg_free(result->arena);
	rg_free((void *)result->args);
	json_decref(result->config);
	rg_free(result->machines);
	rg_free(result->ranks);
	rg_free(result->warnings);
	rg_result_network_release(&result->network);
	rg_free(result->points);
	rg_counters_release(&result->counters);
	rg_free(result->pairs);
	rg_free(result);
}

int rg_result_set_args(struct rg_result *result, int argc, char *const *argv, struct rg_err *err)
{
	const char **args = rg_zalloc((size_t)argc + 1, sizeof(*args));

	if (!args)
		return no_memory(err);
	for (int i = 0; i < argc; i++) {
		const struct rg_result_warning probe = {.code = "", .text = argv[i]};

		if (rg_fields_check(rg_result_warning_fields, &probe, "", NULL)) {
			rg_free(args);
			return rg_err_set(err, RG_ERR_INVALID, "argument %d is not UTF-8", i);
		}
		args[i] = rg_result_keep(result, argv[i]);
		if (!args[i]) {
			rg_free(args);
			return no_memory(err);
		}
	}
	rg_free((void *)result->args);
	result->args = args;
	result->nargs = (uint32_t)argc;
	return 0;
}

int rg_result_set_config(struct rg_result *result, json_t *config, struct rg_err *err)
{
	if (!config)
		return no_memory(err);
	json_decref(result->config);
	result->config = config;
	return 0;
}

int rg_result_set_run(struct rg_result *result, const struct rg_result_run *run, struct rg_err *err)
{
	struct rg_result_run copy = *run;
	int rc = rg_fields_check(rg_result_run_fields, run, "", err);

	if (!rc)
		rc = keep_strings(result, rg_result_run_fields, &copy, err);
	if (!rc && run->traffic) {
		copy.traffic = keep(result, run->traffic,
				    (size_t)run->nranks * run->nranks * sizeof(*run->traffic));
		rc = copy.traffic ? 0 : no_memory(err);
	}
	if (!rc)
		result->run = copy;
	return rc;
}

int rg_result_set_skew(struct rg_result *result, double start_skew_ns, double clock_error_ns,
		       struct rg_err *err)
{
	struct rg_result_run run = result->run;
	int rc;

	run.start_skew_ns = start_skew_ns;
	run.clock_error_ns = clock_error_ns;
	rc = rg_fields_check(rg_result_run_fields, &run, "", err);
	if (!rc)
		result->run = run;
	return rc;
}

int rg_result_admit(struct rg_result *result, const struct rg_field *fields, void *item,
		    size_t each_bytes, void **array, uint32_t n, struct rg_err *err)
{
	int rc = rg_fields_check(fields, item, "", err);
	void *grown;

	if (!rc)
		rc = keep_strings(result, fields, item, err);
	if (rc)
		return rc;
	grown = grow(*array, n, each_bytes);
	if (!grown)
		return no_memory(err);
	*array = grown;
	return 0;
}

int rg_result_add_machine(struct rg_result *result, const struct rg_result_machine *machine,
			  struct rg_err *err)
{
	struct rg_result_machine copy = *machine;
	void *array = result->machines;
	int rc;

	for (uint32_t i = 0; machine->host && i < result->nmachines; i++) {
		if (!strcmp(result->machines[i].host, machine->host))
			return 0;
	}
	rc = rg_result_admit(result, rg_result_machine_fields, &copy, sizeof(copy), &array,
			     result->nmachines, err);
	result->machines = array;
	if (!rc)
		result->machines[result->nmachines++] = copy;
	return rc;
}

int rg_result_add_rank(struct rg_result *result, const struct rg_result_rank *rank,
		       struct rg_err *err)
{
	struct rg_result_rank copy = *rank;
	void *array = result->ranks;
	int rc = rg_result_admit(result, rg_result_rank_fields, &copy, sizeof(copy), &array,
				 result->nranks, err);

	result->ranks = array;
	if (!rc)
		result->ranks[result->nranks++] = copy;
	return rc;
}

int rg_result_store_warning(struct rg_result *result, const struct rg_result_warning *warning,
			    struct rg_err *err)
{
	struct rg_result_warning copy = *warning;
	void *array = result->warnings;
	int rc;

	for (uint32_t i = 0; i < result->nwarnings; i++) {
		if (!strcmp(result->warnings[i].code, warning->code) &&
		    !strcmp(result->warnings[i].text, warning->text))
			return 0;
	}
	rc = rg_result_admit(result, rg_result_warning_fields, &copy, sizeof(copy), &array,
			     result->nwarnings, err);
	result->warnings = array;
	if (!rc)
		result->warnings[result->nwarnings++] = copy;
	return rc;
}

int rg_result_add_warning(struct rg_result *result, struct rg_err *err, const char *code,
			  const char *fmt, ...)
{
	char text[RG_ERR_TEXT_BYTES];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	return rg_result_store_warning(
		result, &(struct rg_result_warning){.code = code, .text = text}, err);
}

int rg_result_set_calibration(struct rg_result *result, const struct rg_calibration *c,
			      struct rg_err *err)
{
	int rc = rg_fields_check(rg_result_check_fields, c, "", err);

	if (rc)
		return rc;
	if (!(c->check_own_Bps > 0) || !(c->check_plain_Bps > 0))
		rc = rg_result_add_warning(
			result, err, "calibration",
			"no moment was found in which all ranks were undisturbed: "
			"memory is not calibrated, and bounds are missing");
	else if (!c->check_passed)
		rc = rg_result_add_warning(
			result, err, "calibration",
			"adding in %.0f MiB ran at %.1f GB/s per rank, a plain loop at %.1f: the "
			"bounds may be wrong by that much",
			(double)c->check_bytes / 0x1p20, c->check_own_Bps / 1e9,
			c->check_plain_Bps / 1e9);
	if (rc)
		return rc;
	result->calibration = *c;
	result->calibrated = true;
	return 0;
}

int rg_result_store_point(struct rg_result *result, const struct rg_result_point *point,
			  struct rg_err *err)
{
	struct rg_result_point copy = *point;
	void *array = result->points;
	int rc = rg_fields_check(rg_result_point_fields, point, "", err);

	if (!rc)
		rc = rg_result_point_check(point, result->run.nranks, err);
	if (rc)
		return rc;
	rc = rg_result_admit(result, rg_result_point_fields, &copy, sizeof(copy), &array,
			     result->npoints, err);
	result->points = array;
	if (rc)
		return rc;
	if (point->samples) {
		copy.samples = keep(result, point->samples, point->nsamples * sizeof(double));
		if (!copy.samples)
			return no_memory(err);
	}
	if (point->rank_samples) {
		copy.rank_samples = keep(result, point->rank_samples,
					 point->nsamples * result->run.nranks * sizeof(double));
		if (!copy.rank_samples)
			return no_memory(err);
	}
	result->points[result->npoints++] = copy;
	return 0;
}

int rg_result_add_point(struct rg_result *result, const struct rg_result_point *point,
			uint32_t *index_out, struct rg_err *err)
{
	int rc = rg_result_store_point(result, point, err);

	if (rc)
		return rc;
	if (point->fraction > RG_BOUND_ERROR) {
		rc = rg_result_add_warning(
			result, err, "bound",
			"%s of %" PRIu64 " bytes on %s took %.4g ns, less than the bound \"%s\" of "
			"%.4g ns (fraction %.2f): the bound is wrong",
			rg_coll_name(point->coll), point->size_bytes, point->target,
			point->median_ns, point->bound_name, point->bound_ns, point->fraction);
	}
	if (rc)
		result->npoints--;
	else if (index_out)
		*index_out = result->npoints - 1;
	return rc;
}

void rg_result_point_fill(struct rg_result_point *point, uint32_t nranks,
			  const struct rg_stats *stats, const double *samples,
			  const struct rg_bound *bound)
{
	point->n = stats->n;
	point->samples = samples;
	point->nsamples = samples ? stats->n : 0;
	if (!stats->n)
		return;
	point->median_ns = stats->median;
	point->lo_ns = stats->lo;
	point->hi_ns = stats->hi;
	point->p99_ns = stats->p99;
	point->min_ns = stats->min;
	if (stats->median > 0) {
		point->algbw_Bps = (double)point->size_bytes / stats->median * 1e9;
		if (point->coll == RG_COLL_BARRIER)
			point->algbw_Bps = 0;
		point->busbw_Bps = point->algbw_Bps * rg_result_bus_factor(point, nranks);
	}
	if (bound && bound->bound_ns > 0 && stats->median > 0) {
		point->bound_ns = bound->bound_ns;
		point->bound_name = bound->name;
		point->fraction = bound->bound_ns / stats->median;
	}
}

int rg_result_add_counters(struct rg_result *result, const struct rg_nic_job *job,
			   uint32_t first_point, uint32_t npoints, struct rg_err *err)
{
	uint32_t n = rg_result_measured(result);

	if (first_point > n || npoints > n - first_point)
		return rg_err_set(err, RG_ERR_INVALID, "counters of points %u to %u of %u",
				  first_point, first_point + npoints, n);
	return rg_nic_job_add(job, first_point, npoints, &result->counters, err);
}

int rg_result_finish(struct rg_result *result, struct rg_err *err)
{
	char now[32];
	const char *kept;

	rg_clock_utc(now, sizeof(now));
	kept = rg_result_keep(result, now);
	if (!kept)
		return no_memory(err);
	result->finished = kept;
	result->complete = true;
	return 0;
}

double rg_result_bus_factor(const struct rg_result_point *point, uint32_t nranks)
{
	if (point->coll != RG_COLL_ALLTOALLV)
		return rg_coll_bus_factor(point->coll, nranks);
	return point->size_bytes ? (double)point->crossing_bytes / (double)point->size_bytes : 0;
}

char *rg_result_traffic(const uint64_t *weights, uint32_t nranks,
			char text[RG_RESULT_TRAFFIC_BYTES])
{
	uint8_t digest[RG_SHA256_BYTES];
	struct rg_sha256 s;

	snprintf(text, RG_RESULT_TRAFFIC_BYTES, "uniform");
	if (!weights || rg_matrix_uniform(weights, nranks))
		return text;
	rg_sha256_init(&s);
	for (uint64_t i = 0; i < (uint64_t)nranks * nranks; i++) {
		uint8_t word[8];

		for (int k = 0; k < 8; k++)
			word[k] = (uint8_t)(weights[i] >> 8 * k);
		rg_sha256_add(&s, word, sizeof(word));
	}
	rg_sha256_end(&s, digest);
	for (int k = 0; k < 8; k++)
		snprintf(text + 2 * (size_t)k, 3, "%02x", digest[k]);
	return text;
}

bool rg_result_point_same(const struct rg_result_point *a, const struct rg_result_point *b)
{
	if (a->coll != b->coll || a->size_bytes != b->size_bytes || a->in_place != b->in_place ||
	    a->buffers != b->buffers || a->persistent != b->persistent || a->cache != b->cache ||
	    strcmp(a->target, b->target))
		return false;
	if (a->coll == RG_COLL_BARRIER)
		return true;
	if (a->count != b->count || a->type != b->type)
		return false;
	if (a->traffic && strcmp(a->traffic, b->traffic) != 0)
		return false;
	if (rg_coll_reduces(a->coll) && a->op != b->op)
		return false;
	return !rg_coll_has_root(a->coll) ||
	       (a->root == b->root && a->root_rotates == b->root_rotates);
}
