/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The members of the result document as tables: one row per member, from which it is written,
 * read and checked, so that the three cannot drift apart. docs/result-schema.json says the same and
 * a test compares.
 */
#ifndef RG_MEASURE_RESULT_FIELDS_H
#define RG_MEASURE_RESULT_FIELDS_H

#include "railgauge/measure/result.h"

enum field_kind {
	FIELD_STRING, /* const char * */
	FIELD_BOOL,   /* bool */
	FIELD_U32,    /* uint32_t */
	FIELD_U64,    /* uint64_t, at most INT64_MAX */
	FIELD_I32,    /* int32_t, at least -1 */
	FIELD_I64,    /* int64_t, at least 0 */
	FIELD_NUMBER, /* double, finite, not negative */
	FIELD_WORD,   /* an enum: its word in the document */
};

/* A row without a key ends a table. */
struct field {
	const char *key;
	enum field_kind kind;
	size_t offset;
	bool nullable;		  /* null stands for NULL or 0 */
	bool added;		  /* older documents do not have it: NULL or 0 then */
	const char *const *words; /* FIELD_WORD: NULL-terminated, in enum order */
};

extern const struct field rg_result_run_fields[];
extern const struct field rg_result_machine_fields[];
extern const struct field rg_result_rank_fields[];
extern const struct field rg_result_warning_fields[];
extern const struct field rg_result_point_fields[]; /* without the arrays of samples */
extern const struct field rg_result_check_fields[]; /* of struct rg_calibration */
extern const struct field rg_result_node_fields[];
extern const struct field rg_result_pair_fields[]; /* of struct rg_network_pair */

/* A new object of all rows. NULL without memory. */
json_t *rg_fields_to_json(const struct field *fields, const void *base);

/*
 * Fills base from an object, whose strings base then borrows. Members that are no row are refused
 * unless they are in also (NULL-terminated, or NULL). where is the object's path in messages.
 * RG_ERR_FORMAT.
 */
int rg_fields_from_json(const struct field *fields, const json_t *object, const char *where,
			const char *const *also, void *base, struct rg_err *err);

/*
 * Could it be written, and read again? RG_ERR_INVALID, "KEY: why" if not (a missing string, a
 * number that is not finite, text that is not UTF-8).
 */
int rg_fields_check(const struct field *fields, const void *base, struct rg_err *err);

/* "expected ..." for one value of the document: RG_ERR_FORMAT. */
int rg_fields_expected(const char *where, const char *key, const char *expected,
		       struct rg_err *err);

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

/* The network as JSON, null if there is none; and back (absent in older documents). */
json_t *rg_result_network_to_json(const struct rg_result *result);
int rg_result_network_from_json(const json_t *root, struct rg_result *result, struct rg_err *err);
void rg_result_network_release(struct rg_result_network *network);

/* An array of n structs, each_bytes apart, by their table. NULL without memory. */
json_t *rg_structs_to_json(const struct field *fields, const void *array, size_t each_bytes,
			   uint32_t n);

/* An empty result, without time and version. */
struct rg_result *rg_result_new(void);

#endif
