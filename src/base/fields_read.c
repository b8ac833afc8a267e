/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "fields_impl.h"

#include "railgauge/base/mem.h"

#include <limits.h>
#include <string.h>

static int no_memory(struct rg_err *err)
{
	return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for a document");
}

/* --- reading --- */

static int read_text(const struct rg_field *f, const json_t *v, const char *where, char *at,
		     struct rg_err *err)
{
	char expected[64] = "a string";

	if (json_is_string(v) && json_string_length(v) < f->room) {
		memcpy(at, json_string_value(v), json_string_length(v) + 1);
		return 0;
	}
	if (json_is_string(v))
		snprintf(expected, sizeof(expected), "a string of at most %zu bytes", f->room - 1);
	return rg_fields_expected(where, f->key, expected, err);
}

static int read_whole(const struct rg_field *f, const json_t *v, const char *where, void *at,
		      struct rg_err *err)
{
	json_int_t min = f->kind == RG_FIELD_I32 ? -1 : 0;
	json_int_t max = f->kind == RG_FIELD_INT   ? INT_MAX
			 : f->kind == RG_FIELD_U32 ? UINT32_MAX
			 : f->kind == RG_FIELD_I32 ? INT32_MAX
						   : INT64_MAX;
	json_int_t got = json_integer_value(v);
	char expected[96];

	if (!json_is_integer(v) || got < min || got > max) {
		snprintf(expected, sizeof(expected), "a whole number from %lld to %lld%s",
			 (long long)min, (long long)max,
			 f->kind == RG_FIELD_END ? ", or null" : "");
		return rg_fields_expected(where, f->key, expected, err);
	}
	if (f->kind == RG_FIELD_INT)
		*(int *)at = (int)got;
	else if (f->kind == RG_FIELD_U32)
		*(uint32_t *)at = (uint32_t)got;
	else if (f->kind == RG_FIELD_I32)
		*(int32_t *)at = (int32_t)got;
	else if (f->kind == RG_FIELD_I64)
		*(int64_t *)at = got;
	else if (f->kind == RG_FIELD_COUNT)
		*(size_t *)at = (size_t)got;
	else
		*(uint64_t *)at = (uint64_t)got;
	return 0;
}

static int read_word(const struct rg_field *f, const json_t *v, const char *where, void *at,
		     struct rg_err *err)
{
	char list[RG_ERR_TEXT_BYTES / 2] = "";
	size_t used = 0;

	for (unsigned int i = 0; f->words[i]; i++) {
		if (json_is_string(v) && !strcmp(f->words[i], json_string_value(v))) {
			*(unsigned int *)at = i;
			return 0;
		}
	}
	for (size_t i = 0; f->words[i] && used < sizeof(list); i++)
		used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s",
					 !i		   ? ""
					 : f->words[i + 1] ? ", "
							   : " or ",
					 f->words[i]);
	return rg_fields_expected(where, f->key, list, err);
}

/* An array of json_array_size zeroed items, with its count. Empty arrays are NULL. */
static int make_room(const struct rg_field *f, const json_t *v, size_t each_bytes,
		     const char *where, void *base, struct rg_err *err)
{
	size_t n = json_array_size(v);
	void *array = NULL;

	if (!json_is_array(v) || n > UINT32_MAX)
		return rg_fields_expected(where, f->key, "an array", err);
	if (n) {
		array = rg_zalloc(n, each_bytes);
		if (!array)
			return no_memory(err);
	}
	memcpy((char *)base + f->offset, &array, sizeof(array));
	*(uint32_t *)((char *)base + f->count_offset) = (uint32_t)n;
	return 0;
}

static int read_list(const struct rg_field *f, const json_t *v, const char *where, void *base,
		     struct rg_err *err)
{
	char place[RG_FIELD_WHERE_BYTES];
	int rc = make_room(f, v, f->room, where, base, err);

	for (uint32_t i = 0; !rc && i < json_array_size(v); i++) {
		item_path(f, where, i, place);
		rc = rg_fields_from_json(f->fields, json_array_get(v, i), place, NULL,
					 item_of(f, base, i), err);
	}
	return rc;
}

static int read_texts(const struct rg_field *f, const json_t *v, const char *where, void *base,
		      struct rg_err *err)
{
	char place[RG_FIELD_WHERE_BYTES];
	int rc = make_room(f, v, sizeof(char *), where, base, err);

	for (uint32_t i = 0; !rc && i < json_array_size(v); i++) {
		const char *text = json_string_value(json_array_get(v, i));

		item_path(f, where, i, place);
		if (!text)
			return rg_fields_expected(place, "", "a string", err);
		texts_of(f, base)[i] = rg_strdup(text);
		if (!texts_of(f, base)[i])
			rc = no_memory(err);
	}
	return rc;
}

static int read_object(const struct rg_field *f, const json_t *v, const char *where, void *base,
		       struct rg_err *err)
{
	char place[RG_FIELD_WHERE_BYTES];

	if (f->nullable) {
		*(bool *)((char *)base + f->has_offset) = !json_is_null(v);
		if (json_is_null(v))
			return 0;
		if (!json_is_object(v))
			return rg_fields_expected(where, f->key, "an object or null", err);
	}
	return rg_fields_from_json(f->fields, v, rg_fields_path(where, f->key, place), NULL,
				   (char *)base + f->offset, err);
}

static int field_from_json(const struct rg_field *f, const json_t *v, const char *where, void *base,
			   struct rg_err *err)
{
	void *at = (char *)base + f->offset;

	if (f->added && !v)
		return 0;
	if (f->nullable && f->kind != RG_FIELD_OBJECT && json_is_null(v))
		return 0;
	switch (f->kind) {
	case RG_FIELD_STRING:
		if (!json_is_string(v))
			return rg_fields_expected(
				where, f->key, f->nullable ? "a string or null" : "a string", err);
		*(const char **)at = json_string_value(v);
		return 0;
	case RG_FIELD_TEXT:
		return read_text(f, v, where, at, err);
	case RG_FIELD_BOOL:
		if (!json_is_boolean(v))
			return rg_fields_expected(where, f->key, "true or false", err);
		*(bool *)at = json_is_true(v);
		return 0;
	case RG_FIELD_NUMBER:
		if (!json_is_number(v) || json_number_value(v) < 0)
			return rg_fields_expected(where, f->key, "a number that is not negative",
						  err);
		*(double *)at = json_number_value(v);
		return 0;
	case RG_FIELD_WORD:
		return read_word(f, v, where, at, err);
	case RG_FIELD_OBJECT:
		return read_object(f, v, where, base, err);
	case RG_FIELD_LIST:
		return read_list(f, v, where, base, err);
	case RG_FIELD_TEXTS:
		return read_texts(f, v, where, base, err);
	case RG_FIELD_END:
		if (!json_is_null(v))
			break;
		*(uint64_t *)at = UINT64_MAX;
		return 0;
	case RG_FIELD_INT:
	case RG_FIELD_U32:
	case RG_FIELD_U64:
	case RG_FIELD_I32:
	case RG_FIELD_I64:
	case RG_FIELD_COUNT:
		break;
	}
	return read_whole(f, v, where, at, err);
}

static bool is_known(const struct rg_field *fields, const char *const *also, const char *key)
{
	for (const struct rg_field *f = fields; f->key; f++) {
		if (!strcmp(f->key, key))
			return true;
	}
	for (; also && *also; also++) {
		if (!strcmp(*also, key))
			return true;
	}
	return false;
}

int rg_fields_from_json(const struct rg_field *fields, const json_t *object, const char *where,
			const char *const *also, void *base, struct rg_err *err)
{
	const char *key;
	json_t *v;
	int rc;

	if (!json_is_object(object))
		return *where ? rg_fields_expected(where, "", "an object", err)
			      : rg_err_set(err, RG_ERR_FORMAT, "expected an object");
	for (const struct rg_field *f = fields; f->key; f++) {
		rc = field_from_json(f, json_object_get(object, f->key), where, base, err);
		if (rc)
			return rc;
	}
	json_object_foreach((json_t *)object, key, v)
	{
		if (!is_known(fields, also, key))
			return rg_err_set(err, RG_ERR_FORMAT, "%s%s%.64s: no such member", where,
					  *where ? "." : "", key);
	}
	return 0;
}
