/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What railgauge adds to jansson: errors in our form, and whole-file reading and writing.
 * Ownership of json_t is jansson's reference counting; "new" below means the caller decrefs.
 */
#ifndef RAILGAUGE_BASE_JSON_H
#define RAILGAUGE_BASE_JSON_H

#include "railgauge/base/err.h"

#include <jansson.h>

/* Above this a result document is refused: it is not one of ours. */
#define RG_JSON_FILE_MAX_BYTES ((size_t)1 << 30)

/* Reads and parses; the message names file, line and column. New reference in *root_out. */
int rg_json_read(const char *path, json_t **root_out, struct rg_err *err);

/* The same from memory; name stands for the file in messages. */
int rg_json_parse(const char *text, size_t len_bytes, const char *name, json_t **root_out,
		  struct rg_err *err);

/*
 * root as rg_json_write puts it into a file: indented by one space, with a newline at the end and
 * no terminator. A new text of *len_out bytes, freed with free; NULL without memory.
 */
char *rg_json_text(const json_t *root, size_t *len_out);

/* Writes root, indented by one space, through rg_io_replace_file: never half a file. */
int rg_json_write(const char *path, const json_t *root, struct rg_err *err);

/*
 * Sets object[key] = value and takes over the reference, also on failure. A NULL value (an
 * allocation that failed) is RG_ERR_NO_MEMORY.
 */
int rg_json_set(json_t *object, const char *key, json_t *value, struct rg_err *err);
int rg_json_append(json_t *array, json_t *value, struct rg_err *err);

/*
 * Typed look-ups for reading documents: RG_ERR_FORMAT names where (a path such as
 * "points[3].size") and what was expected. Borrowed results live as long as object.
 */
int rg_json_get_string(const json_t *object, const char *key, const char *where,
		       const char **text_out, struct rg_err *err);
int rg_json_get_int(const json_t *object, const char *key, const char *where, json_int_t *out,
		    struct rg_err *err);
int rg_json_get_array(const json_t *object, const char *key, const char *where, json_t **out,
		      struct rg_err *err);

#endif
