/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The members of the document of decisions as tables: one row per member, from which it is written,
 * read, checked and released, so that these cannot drift apart. docs/decisions-schema.json says the
 * same and a test compares.
 */
#ifndef RG_TUNE_FIELDS_H
#define RG_TUNE_FIELDS_H

#include "railgauge/base/err.h"
#include "railgauge/base/json.h"

#include <stdbool.h>

enum field_kind {
	FIELD_TEXT,   /* char[room] */
	FIELD_BOOL,   /* bool */
	FIELD_INT,    /* int, not negative */
	FIELD_U32,    /* uint32_t */
	FIELD_U64,    /* uint64_t, at most INT64_MAX */
	FIELD_END,    /* uint64_t, at most INT64_MAX, or UINT64_MAX, which is null */
	FIELD_COUNT,  /* size_t */
	FIELD_NUMBER, /* double, finite, not negative */
	FIELD_WORD,   /* an enum: its word in the document */
	FIELD_OBJECT, /* a struct, by the table fields */
	FIELD_LIST,   /* T *, each room bytes, by the table fields; count_offset */
	FIELD_TEXTS,  /* char **; count_offset */
};

/* A row without a key ends a table. */
struct field {
	const char *key;
	enum field_kind kind;
	size_t offset;
	size_t room;
	size_t count_offset;	    /* of a uint32_t */
	const char *const *words;   /* WORD: NULL-terminated, in enum order */
	const struct field *fields; /* OBJECT, LIST */
	bool nullable;		    /* OBJECT: null unless the bool at has_offset is set */
	size_t has_offset;
};

#define FIELD_WHERE_BYTES 160 /* "decisions[0].points[12].evidence[3].gain.ratio" */

/* A new object of all rows. NULL without memory. */
json_t *fields_to_json(const struct field *fields, const void *base);

/*
 * Fills base, which is zeroed, from an object. Members that are no row are refused, unless they are
 * in also (NULL-terminated, or NULL). where is the object's path in messages. RG_ERR_FORMAT,
 * RG_ERR_NO_MEMORY; what was filled until then is still to be released.
 */
int fields_from_json(const struct field *fields, const json_t *object, const char *where,
		     const char *const *also, void *base, struct rg_err *err);

/* Could it be written? RG_ERR_INVALID, "PATH: why" (not UTF-8, not finite, out of range). */
int fields_check(const struct field *fields, const void *base, const char *where,
		 struct rg_err *err);

/* Frees the arrays of all rows. */
void fields_release(const struct field *fields, void *base);

/* "where.key", or one of them alone; into text, which it returns. */
char *fields_path(const char *where, const char *key, char text[FIELD_WHERE_BYTES]);

/* "PATH: expected ...": RG_ERR_FORMAT. */
int fields_expected(const char *where, const char *key, const char *expected, struct rg_err *err);

#endif
