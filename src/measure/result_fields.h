/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The members of the result document as tables: one row per member, from which it is written,
 * read and checked, so that the three cannot drift apart. docs/result-schema.json says the same and
 * a test compares.
 */
#ifndef RG_MEASURE_RESULT_FIELDS_H
#define RG_MEASURE_RESULT_FIELDS_H

#include "railgauge/base/fields.h"
#include "railgauge/measure/result.h"

extern const struct rg_field rg_result_run_fields[];
extern const struct rg_field rg_result_machine_fields[];
extern const struct rg_field rg_result_rank_fields[];
extern const struct rg_field rg_result_warning_fields[];
extern const struct rg_field rg_result_point_fields[]; /* without the arrays of samples */
extern const struct rg_field rg_result_check_fields[]; /* of struct rg_calibration */
extern const struct rg_field rg_result_node_fields[];
extern const struct rg_field rg_result_network_pair_fields[]; /* of struct rg_network_pair */
extern const struct rg_field rg_result_pair_fields[];

/* What must hold between the members of a point; RG_ERR_INVALID, "KEY: why". */
int rg_result_point_check(const struct rg_result_point *point, uint32_t nranks, struct rg_err *err);

/* Copies into the result's own memory, so that it lives as long as it; NULL without memory. */
const char *rg_result_keep(struct rg_result *result, const char *text);

/* rg_result_add_point without the warning. */
int rg_result_store_point(struct rg_result *result, const struct rg_result_point *point,
			  struct rg_err *err);

/* rg_result_add_warning, not printf-like. */
int rg_result_store_warning(struct rg_result *result, const struct rg_result_warning *warning,
			    struct rg_err *err);

/* rg_result_add_pair without the warning. */
int rg_result_store_pair(struct rg_result *result, const struct rg_result_pair *pair,
			 struct rg_err *err);

/*
 * Checks *item by its rows, copies its strings into the result's memory, and makes room for it in
 * *array of n; then the caller stores it. RG_ERR_INVALID, RG_ERR_NO_MEMORY.
 */
int rg_result_admit(struct rg_result *result, const struct rg_field *fields, void *item,
		    size_t each_bytes, void **array, uint32_t n, struct rg_err *err);

/* The network as JSON, null if there is none; and back (absent in older documents). */
json_t *rg_result_network_to_json(const struct rg_result *result);
int rg_result_network_from_json(const json_t *root, struct rg_result *result, struct rg_err *err);
void rg_result_network_release(struct rg_result_network *network);

/* An empty result, without time and version. */
struct rg_result *rg_result_new(void);

#endif
