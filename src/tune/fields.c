/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "fields.h"

#include "railgauge/base/mem.h"

#include <limits.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

char *fields_path(const char *where, const char *key, char text[FIELD_WHERE_BYTES])
{
	snprintf(text, FIELD_WHERE_BYTES, "%s%s%s", where, *where && *key ? "." : "", key);
	return text;
}

int fields_expected(const char *where, const char *key, const char *expected, struct rg_err *err)
{
	char path[FIELD_WHERE_BYTES];

	return rg_err_set(err, RG_ERR_FORMAT, "%s: expected %s", fields_path(where, key, path),
			  expected);
}

static int no_memory(struct rg_err *err)
{
	return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for the decisions");
}

static uint32_t count_of(const struct field *f, const void *base)
{
	return *(const uint32_t *)((const char *)base + f->count_offset);
}

static bool is_null(const struct field *f, const void *base)
{
	return f->nullable && !*(const bool *)((const char *)base + f->has_offset);
}

/* Item i of an array of structs. */
static void *item_of(const struct field *f, const void *base, uint32_t i)
{
	return *(char *const *)((const char *)base + f->offset) + i * f->room;
}

static char **texts_of(const struct field *f, const void *base)
{
	return *(char ***)((char *)base + f->offset);
}

/* --- writing --- */

static json_t *texts_to_json(const struct field *f, const void *base)
{
	json_t *list = json_array();

	for (uint32_t i = 0; list && i < count_of(f, base); i++) {
		if (rg_json_append(list, json_string(texts_of(f, base)[i]), NULL)) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static json_t *list_to_json(const struct field *f, const void *base)
{
	json_t *list = json_array();

	for (uint32_t i = 0; list && i < count_of(f, base); i++) {
		if (rg_json_append(list, fields_to_json(f->fields, item_of(f, base, i)), NULL)) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static json_t *end_to_json(uint64_t end)
{
	return end == UINT64_MAX ? json_null() : json_integer((json_int_t)end);
}

static json_t *field_to_json(const struct field *f, const void *base)
{
	const void *at = (const char *)base + f->offset;

	switch (f->kind) {
	case FIELD_TEXT:
		return json_string(at);
	case FIELD_BOOL:
		return json_boolean(*(const bool *)at);
	case FIELD_INT:
		return json_integer(*(const int *)at);
	case FIELD_U32:
		return json_integer(*(const uint32_t *)at);
	case FIELD_U64:
		return json_integer((json_int_t) * (const uint64_t *)at);
	case FIELD_END:
		return end_to_json(*(const uint64_t *)at);
	case FIELD_COUNT:
		return json_integer((json_int_t) * (const size_t *)at);
	case FIELD_NUMBER:
		return json_real(*(const double *)at);
	case FIELD_WORD:
		return json_string(f->words[*(const unsigned int *)at]);
	case FIELD_OBJECT:
		return is_null(f, base) ? json_null() : fields_to_json(f->fields, at);
	case FIELD_LIST:
		return list_to_json(f, base);
	case FIELD_TEXTS:
		break;
	}
	return texts_to_json(f, base);
}

json_t *fields_to_json(const struct field *fields, const void *base)
{
	json_t *object = json_object();

	for (const struct field *f = fields; object && f->key; f++) {
		if (rg_json_set(object, f->key, field_to_json(f, base), NULL)) {
			json_decref(object);
			return NULL;
		}
	}
	return object;
}

/* --- reading --- */

static int read_text(const struct field *f, const json_t *v, const char *where, char *at,
		     struct rg_err *err)
{
	char expected[64] = "a string";

	if (json_is_string(v) && json_string_length(v) < f->room) {
		memcpy(at, json_string_value(v), json_string_length(v) + 1);
		return 0;
	}
	if (json_is_string(v))
		snprintf(expected, sizeof(expected), "a string of at most %zu bytes", f->room - 1);
	return fields_expected(where, f->key, expected, err);
}

static int read_whole(const struct field *f, const json_t *v, const char *where, void *at,
		      struct rg_err *err)
{
	json_int_t max = f->kind == FIELD_INT	? INT_MAX
			 : f->kind == FIELD_U32 ? UINT32_MAX
						: INT64_MAX;
	json_int_t got = json_integer_value(v);
	char expected[96];

	if (!json_is_integer(v) || got < 0 || got > max) {
		snprintf(expected, sizeof(expected), "a whole number from 0 to %lld%s",
			 (long long)max, f->kind == FIELD_END ? ", or null" : "");
		return fields_expected(where, f->key, expected, err);
	}
	if (f->kind == FIELD_INT)
		*(int *)at = (int)got;
	else if (f->kind == FIELD_U32)
		*(uint32_t *)at = (uint32_t)got;
	else if (f->kind == FIELD_COUNT)
		*(size_t *)at = (size_t)got;
	else
		*(uint64_t *)at = (uint64_t)got;
	return 0;
}

static int read_word(const struct field *f, const json_t *v, const char *where, void *at,
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
	return fields_expected(where, f->key, list, err);
}

/* An array of json_array_size zeroed items, with its count. Empty arrays are NULL. */
static int make_room(const struct field *f, const json_t *v, size_t each_bytes, const char *where,
		     void *base, struct rg_err *err)
{
	size_t n = json_array_size(v);
	void *array = NULL;

	if (!json_is_array(v) || n > UINT32_MAX)
		return fields_expected(where, f->key, "an array", err);
	if (n) {
		array = rg_zalloc(n, each_bytes);
		if (!array)
			return no_memory(err);
	}
	memcpy((char *)base + f->offset, &array, sizeof(array));
	*(uint32_t *)((char *)base + f->count_offset) = (uint32_t)n;
	return 0;
}

static void item_path(const struct field *f, const char *where, size_t i,
		      char text[FIELD_WHERE_BYTES])
{
	snprintf(text, FIELD_WHERE_BYTES, "%s%s%s[%zu]", where, *where ? "." : "", f->key, i);
}

static int read_list(const struct field *f, const json_t *v, const char *where, void *base,
		     struct rg_err *err)
{
	char place[FIELD_WHERE_BYTES];
	int rc = make_room(f, v, f->room, where, base, err);

	for (uint32_t i = 0; !rc && i < json_array_size(v); i++) {
		item_path(f, where, i, place);
		rc = fields_from_json(f->fields, json_array_get(v, i), place, NULL,
				      item_of(f, base, i), err);
	}
	return rc;
}

static int read_texts(const struct field *f, const json_t *v, const char *where, void *base,
		      struct rg_err *err)
{
	char place[FIELD_WHERE_BYTES];
	int rc = make_room(f, v, sizeof(char *), where, base, err);

	for (uint32_t i = 0; !rc && i < json_array_size(v); i++) {
		const char *text = json_string_value(json_array_get(v, i));

		item_path(f, where, i, place);
		if (!text)
			return fields_expected(place, "", "a string", err);
		texts_of(f, base)[i] = rg_strdup(text);
		if (!texts_of(f, base)[i])
			rc = no_memory(err);
	}
	return rc;
}

static int read_object(const struct field *f, const json_t *v, const char *where, void *base,
		       struct rg_err *err)
{
	char place[FIELD_WHERE_BYTES];

	if (f->nullable) {
		*(bool *)((char *)base + f->has_offset) = !json_is_null(v);
		if (json_is_null(v))
			return 0;
		if (!json_is_object(v))
			return fields_expected(where, f->key, "an object or null", err);
	}
	return fields_from_json(f->fields, v, fields_path(where, f->key, place), NULL,
				(char *)base + f->offset, err);
}

static int field_from_json(const struct field *f, const json_t *v, const char *where, void *base,
			   struct rg_err *err)
{
	void *at = (char *)base + f->offset;

	switch (f->kind) {
	case FIELD_TEXT:
		return read_text(f, v, where, at, err);
	case FIELD_BOOL:
		if (!json_is_boolean(v))
			return fields_expected(where, f->key, "true or false", err);
		*(bool *)at = json_is_true(v);
		return 0;
	case FIELD_NUMBER:
		if (!json_is_number(v) || json_number_value(v) < 0)
			return fields_expected(where, f->key, "a number that is not negative", err);
		*(double *)at = json_number_value(v);
		return 0;
	case FIELD_WORD:
		return read_word(f, v, where, at, err);
	case FIELD_OBJECT:
		return read_object(f, v, where, base, err);
	case FIELD_LIST:
		return read_list(f, v, where, base, err);
	case FIELD_TEXTS:
		return read_texts(f, v, where, base, err);
	case FIELD_END:
		if (!json_is_null(v))
			break;
		*(uint64_t *)at = UINT64_MAX;
		return 0;
	case FIELD_INT:
	case FIELD_U32:
	case FIELD_U64:
	case FIELD_COUNT:
		break;
	}
	return read_whole(f, v, where, at, err);
}

static bool is_known(const struct field *fields, const char *const *also, const char *key)
{
	for (const struct field *f = fields; f->key; f++) {
		if (!strcmp(f->key, key))
			return true;
	}
	for (; also && *also; also++) {
		if (!strcmp(*also, key))
			return true;
	}
	return false;
}

int fields_from_json(const struct field *fields, const json_t *object, const char *where,
		     const char *const *also, void *base, struct rg_err *err)
{
	const char *key;
	json_t *v;
	int rc;

	if (!json_is_object(object))
		return *where ? fields_expected(where, "", "an object", err)
			      : rg_err_set(err, RG_ERR_FORMAT, "expected an object");
	for (const struct field *f = fields; f->key; f++) {
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

/* --- checking --- */

/* Would jansson take it? */
static bool is_utf8(const char *text)
{
	json_t *v = json_string(text);
	bool ok = v;

	json_decref(v);
	return ok;
}

static int refuse(const struct field *f, const char *where, const char *why, struct rg_err *err)
{
	char path[FIELD_WHERE_BYTES];

	return rg_err_set(err, RG_ERR_INVALID, "%s: %s", fields_path(where, f->key, path), why);
}

static int check_list(const struct field *f, const void *base, const char *where,
		      struct rg_err *err)
{
	char place[FIELD_WHERE_BYTES];
	int rc = 0;

	for (uint32_t i = 0; !rc && i < count_of(f, base); i++) {
		item_path(f, where, i, place);
		if (f->kind == FIELD_LIST)
			rc = fields_check(f->fields, item_of(f, base, i), place, err);
		else if (!texts_of(f, base)[i] || !is_utf8(texts_of(f, base)[i]))
			rc = rg_err_set(err, RG_ERR_INVALID, "%s: not UTF-8", place);
	}
	return rc;
}

static bool is_word(const struct field *f, const void *at)
{
	unsigned int n = 0;

	while (f->words[n])
		n++;
	return *(const unsigned int *)at < n;
}

static int field_check(const struct field *f, const void *base, const char *where,
		       struct rg_err *err)
{
	const void *at = (const char *)base + f->offset;
	char place[FIELD_WHERE_BYTES];
	uint64_t u;

	switch (f->kind) {
	case FIELD_TEXT:
		return is_utf8(at) ? 0 : refuse(f, where, "not UTF-8", err);
	case FIELD_INT:
		return *(const int *)at >= 0 ? 0 : refuse(f, where, "negative", err);
	case FIELD_U64:
	case FIELD_END:
		u = *(const uint64_t *)at;
		return u <= INT64_MAX || (f->kind == FIELD_END && u == UINT64_MAX)
			       ? 0
			       : refuse(f, where, "out of range", err);
	case FIELD_NUMBER:
		return *(const double *)at >= 0 && isfinite(*(const double *)at)
			       ? 0
			       : refuse(f, where, "negative or not finite", err);
	case FIELD_WORD:
		return is_word(f, at) ? 0 : refuse(f, where, "no such value", err);
	case FIELD_OBJECT:
		return is_null(f, base) ? 0
					: fields_check(f->fields, at,
						       fields_path(where, f->key, place), err);
	case FIELD_LIST:
	case FIELD_TEXTS:
		return check_list(f, base, where, err);
	case FIELD_BOOL:
	case FIELD_U32:
	case FIELD_COUNT:
		break;
	}
	return 0;
}

int fields_check(const struct field *fields, const void *base, const char *where,
		 struct rg_err *err)
{
	int rc = 0;

	for (const struct field *f = fields; !rc && f->key; f++)
		rc = field_check(f, base, where, err);
	return rc;
}

/* --- releasing --- */

void fields_release(const struct field *fields, void *base)
{
	for (const struct field *f = fields; f->key; f++) {
		void *array;

		if (f->kind == FIELD_OBJECT)
			fields_release(f->fields, (char *)base + f->offset);
		if (f->kind != FIELD_LIST && f->kind != FIELD_TEXTS)
			continue;
		memcpy(&array, (char *)base + f->offset, sizeof(array));
		for (uint32_t i = 0; array && i < count_of(f, base); i++) {
			if (f->kind == FIELD_LIST)
				fields_release(f->fields, item_of(f, base, i));
			else
				rg_free(texts_of(f, base)[i]);
		}
		rg_free(array);
		array = NULL;
		memcpy((char *)base + f->offset, &array, sizeof(array));
		*(uint32_t *)((char *)base + f->count_offset) = 0;
	}
}
