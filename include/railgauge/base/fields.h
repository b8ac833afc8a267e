/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The members of a document as tables: one row per member of a struct, from which it is written to
 * JSON, read, checked and released, so that these cannot drift apart. Rows are static and const.
 */
#ifndef RAILGAUGE_BASE_FIELDS_H
#define RAILGAUGE_BASE_FIELDS_H

#include "railgauge/base/err.h"
#include "railgauge/base/json.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum rg_field_kind {
	RG_FIELD_STRING, /* const char *, borrowed from what is read */
	RG_FIELD_TEXT,	 /* char[room] */
	RG_FIELD_BOOL,	 /* bool */
	RG_FIELD_INT,	 /* int, not negative */
	RG_FIELD_U32,	 /* uint32_t */
	RG_FIELD_U64,	 /* uint64_t, at most INT64_MAX */
	RG_FIELD_I32,	 /* int32_t, at least -1 */
	RG_FIELD_I64,	 /* int64_t, not negative */
	RG_FIELD_END,	 /* uint64_t, at most INT64_MAX, or UINT64_MAX, which is null */
	RG_FIELD_COUNT,	 /* size_t */
	RG_FIELD_NUMBER, /* double, finite, not negative */
	RG_FIELD_WORD,	 /* an enum of the size of unsigned int, from 0: its word in the document */
	RG_FIELD_OBJECT, /* a struct, by the table fields */
	RG_FIELD_LIST,	 /* T *, each room bytes, by the table fields; count_offset */
	RG_FIELD_TEXTS,	 /* char **; count_offset */
};

/* A row without a key ends a table. */
struct rg_field {
	const char *key;
	enum rg_field_kind kind;
	size_t offset;
	size_t room;
	size_t count_offset;	       /* of a uint32_t */
	const char *const *words;      /* WORD: NULL-terminated, in enum order */
	const struct rg_field *fields; /* OBJECT, LIST */
	/* Null stands for NULL or 0; of an OBJECT for false in the bool at has_offset. */
	bool nullable;
	size_t has_offset;
	bool added; /* older documents do not have it: NULL or 0 then */
};

#define RG_FIELD_WHERE_BYTES 160 /* "decisions[0].points[12].evidence[3].gain.ratio" */

/* A new object of all rows. NULL without memory. */
json_t *rg_fields_to_json(const struct rg_field *fields, const void *base);

/* Likewise an array of n structs, each_bytes apart. */
json_t *rg_fields_array_to_json(const struct rg_field *fields, const void *array, size_t each_bytes,
				uint32_t n);

/*
 * Fills base, which is zeroed, from an object. Members that are no row are refused, unless they are
 * in also (NULL-terminated, or NULL). where is the object's path in messages. RG_ERR_FORMAT,
 * RG_ERR_NO_MEMORY; what was filled until then is still to be released.
 */
int rg_fields_from_json(const struct rg_field *fields, const json_t *object, const char *where,
			const char *const *also, void *base, struct rg_err *err);

/*
 * Could it be written, and read again? RG_ERR_INVALID, "PATH: why" (a missing string, not UTF-8,
 * not finite, out of range).
 */
int rg_fields_check(const struct rg_field *fields, const void *base, const char *where,
		    struct rg_err *err);

/* Frees the arrays of all rows. */
void rg_fields_release(const struct rg_field *fields, void *base);

/* "where.key", or one of them alone; into text, which it returns. */
char *rg_fields_path(const char *where, const char *key, char text[RG_FIELD_WHERE_BYTES]);

/* "PATH: expected ...": RG_ERR_FORMAT. */
int rg_fields_expected(const char *where, const char *key, const char *expected,
		       struct rg_err *err);

#endif
