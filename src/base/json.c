/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/base/json.h"

#include "railgauge/base/io.h"
#include "railgauge/base/mem.h"

#include <stdlib.h>
#include <string.h>

int rg_json_parse(const char *text, size_t len_bytes, const char *name, json_t **root_out,
		  struct rg_err *err)
{
	json_error_t je;
	json_t *root = json_loadb(text, len_bytes, JSON_REJECT_DUPLICATES, &je);

	if (!root)
		return rg_err_set(err, RG_ERR_FORMAT, "%s: line %d, column %d: %s", name, je.line,
				  je.column, je.text);
	*root_out = root;
	return 0;
}

int rg_json_read(const char *path, json_t **root_out, struct rg_err *err)
{
	size_t len;
	char *text;
	int rc = rg_io_read_file(path, RG_JSON_FILE_MAX_BYTES, &text, &len, err);

	if (rc)
		return rc;
	rc = rg_json_parse(text, len, path, root_out, err);
	rg_free(text);
	return rc;
}

char *rg_json_text(const json_t *root, size_t *len_out)
{
	char *text = json_dumps(root, JSON_INDENT(1) | JSON_REAL_PRECISION(12));
	size_t len;

	if (!text)
		return NULL;
	len = strlen(text);
	text[len] = '\n'; /* in place of the terminator: the file ends its last line */
	*len_out = len + 1;
	return text;
}

int rg_json_write(const char *path, const json_t *root, struct rg_err *err)
{
	size_t len;
	char *text = rg_json_text(root, &len);
	int rc;

	if (!text)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "%s: no memory to format it", path);
	rc = rg_io_replace_file(path, text, len, err);
	free(text);
	return rc;
}

int rg_json_set(json_t *object, const char *key, json_t *value, struct rg_err *err)
{
	if (!value || json_object_set_new(object, key, value))
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for \"%s\" of the result", key);
	return 0;
}

int rg_json_append(json_t *array, json_t *value, struct rg_err *err)
{
	if (!value || json_array_append_new(array, value))
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for the result");
	return 0;
}

static int wrong(const char *where, const char *key, const char *expected, struct rg_err *err)
{
	return rg_err_set(err, RG_ERR_FORMAT, "%s%s%s: expected %s", where, *where ? "." : "", key,
			  expected);
}

int rg_json_get_string(const json_t *object, const char *key, const char *where,
		       const char **text_out, struct rg_err *err)
{
	const json_t *v = json_object_get(object, key);

	if (!json_is_string(v))
		return wrong(where, key, "a string", err);
	*text_out = json_string_value(v);
	return 0;
}

int rg_json_get_int(const json_t *object, const char *key, const char *where, json_int_t *out,
		    struct rg_err *err)
{
	const json_t *v = json_object_get(object, key);

	if (!json_is_integer(v))
		return wrong(where, key, "a whole number", err);
	*out = json_integer_value(v);
	return 0;
}

int rg_json_get_array(const json_t *object, const char *key, const char *where, json_t **out,
		      struct rg_err *err)
{
	json_t *v = json_object_get(object, key);

	if (!json_is_array(v))
		return wrong(where, key, "an array", err);
	*out = v;
	return 0;
}
