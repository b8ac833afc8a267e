/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "fields_impl.h"

#include "railgauge/base/mem.h"

#include <math.h>
#include <string.h>

char *rg_fields_path(const char *where, const char *key, char text[RG_FIELD_WHERE_BYTES])
{
	snprintf(text, RG_FIELD_WHERE_BYTES, "%s%s%s", where, *where && *key ? "." : "", key);
	return text;
}

int rg_fields_expected(const char *where, const char *key, const char *expected, struct rg_err *err)
{
	char path[RG_FIELD_WHERE_BYTES];

	return rg_err_set(err, RG_ERR_FORMAT, "%s: expected %s", rg_fields_path(where, key, path),
			  expected);
}

/* --- writing --- */

static json_t *texts_to_json(const struct rg_field *f, const void *base)
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

json_t *rg_fields_array_to_json(const struct rg_field *fields, const void *array, size_t each_bytes,
				uint32_t n)
{
	json_t *list = json_array();

	for (uint32_t i = 0; list && i < n; i++) {
		const void *at = (const char *)array + i * each_bytes;

		if (rg_json_append(list, rg_fields_to_json(fields, at), NULL)) {
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

/* Is it what null stands for? */
static bool is_nothing(const struct rg_field *f, const void *base)
{
	const void *at = (const char *)base + f->offset;

	if (!f->nullable)
		return false;
	switch (f->kind) {
	case RG_FIELD_STRING:
		return !*(const char *const *)at;
	case RG_FIELD_U32:
		return !*(const uint32_t *)at;
	case RG_FIELD_U64:
		return !*(const uint64_t *)at;
	case RG_FIELD_I32:
		return !*(const int32_t *)at;
	case RG_FIELD_I64:
		return !*(const int64_t *)at;
	case RG_FIELD_NUMBER:
		return !(*(const double *)at > 0);
	case RG_FIELD_OBJECT:
		return is_null(f, base);
	default:
		return false;
	}
}

static json_t *field_to_json(const struct rg_field *f, const void *base)
{
	const void *at = (const char *)base + f->offset;

	if (is_nothing(f, base))
		return json_null();
	switch (f->kind) {
	case RG_FIELD_STRING:
		return json_string(*(const char *const *)at);
	case RG_FIELD_I32:
		return json_integer(*(const int32_t *)at);
	case RG_FIELD_I64:
		return json_integer(*(const int64_t *)at);
	case RG_FIELD_TEXT:
		return json_string(at);
	case RG_FIELD_BOOL:
		return json_boolean(*(const bool *)at);
	case RG_FIELD_INT:
		return json_integer(*(const int *)at);
	case RG_FIELD_U32:
		return json_integer(*(const uint32_t *)at);
	case RG_FIELD_U64:
		return json_integer((json_int_t) * (const uint64_t *)at);
	case RG_FIELD_END:
		return end_to_json(*(const uint64_t *)at);
	case RG_FIELD_COUNT:
		return json_integer((json_int_t) * (const size_t *)at);
	case RG_FIELD_NUMBER:
		return json_real(*(const double *)at);
	case RG_FIELD_WORD:
		return json_string(f->words[*(const unsigned int *)at]);
	case RG_FIELD_OBJECT:
		return rg_fields_to_json(f->fields, at);
	case RG_FIELD_LIST:
		return rg_fields_array_to_json(f->fields, *(void *const *)at, f->room,
					       count_of(f, base));
	case RG_FIELD_TEXTS:
		break;
	}
	return texts_to_json(f, base);
}

json_t *rg_fields_to_json(const struct rg_field *fields, const void *base)
{
	json_t *object = json_object();

	for (const struct rg_field *f = fields; object && f->key; f++) {
		if (rg_json_set(object, f->key, field_to_json(f, base), NULL)) {
			json_decref(object);
			return NULL;
		}
	}
	return object;
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

static int refuse(const struct rg_field *f, const char *where, const char *why, struct rg_err *err)
{
	char path[RG_FIELD_WHERE_BYTES];

	return rg_err_set(err, RG_ERR_INVALID, "%s: %s", rg_fields_path(where, f->key, path), why);
}

static int check_list(const struct rg_field *f, const void *base, const char *where,
		      struct rg_err *err)
{
	char place[RG_FIELD_WHERE_BYTES];
	int rc = 0;

	for (uint32_t i = 0; !rc && i < count_of(f, base); i++) {
		item_path(f, where, i, place);
		if (f->kind == RG_FIELD_LIST)
			rc = rg_fields_check(f->fields, item_of(f, base, i), place, err);
		else if (!texts_of(f, base)[i] || !is_utf8(texts_of(f, base)[i]))
			rc = rg_err_set(err, RG_ERR_INVALID, "%s: not UTF-8", place);
	}
	return rc;
}

static bool is_word(const struct rg_field *f, const void *at)
{
	unsigned int n = 0;

	while (f->words[n])
		n++;
	return *(const unsigned int *)at < n;
}

static int check_number(const struct rg_field *f, double number, const char *where,
			struct rg_err *err)
{
	char why[64];

	if (number >= 0 && isfinite(number))
		return 0;
	snprintf(why, sizeof(why), "%g is negative or not finite", number);
	return refuse(f, where, why, err);
}

static int check_string(const struct rg_field *f, const char *text, const char *where,
			struct rg_err *err)
{
	if (!text)
		return f->nullable ? 0 : refuse(f, where, "missing", err);
	return is_utf8(text) ? 0 : refuse(f, where, "not UTF-8", err);
}

static int field_check(const struct rg_field *f, const void *base, const char *where,
		       struct rg_err *err)
{
	const void *at = (const char *)base + f->offset;
	char place[RG_FIELD_WHERE_BYTES];
	uint64_t u;

	switch (f->kind) {
	case RG_FIELD_STRING:
		return check_string(f, *(const char *const *)at, where, err);
	case RG_FIELD_I32:
		return *(const int32_t *)at >= -1 ? 0 : refuse(f, where, "out of range", err);
	case RG_FIELD_I64:
		return *(const int64_t *)at >= 0 ? 0 : refuse(f, where, "out of range", err);
	case RG_FIELD_TEXT:
		return is_utf8(at) ? 0 : refuse(f, where, "not UTF-8", err);
	case RG_FIELD_INT:
		return *(const int *)at >= 0 ? 0 : refuse(f, where, "negative", err);
	case RG_FIELD_U64:
	case RG_FIELD_END:
		u = *(const uint64_t *)at;
		return u <= INT64_MAX || (f->kind == RG_FIELD_END && u == UINT64_MAX)
			       ? 0
			       : refuse(f, where, "out of range", err);
	case RG_FIELD_NUMBER:
		return check_number(f, *(const double *)at, where, err);
	case RG_FIELD_WORD:
		return is_word(f, at) ? 0 : refuse(f, where, "no such value", err);
	case RG_FIELD_OBJECT:
		return is_null(f, base)
			       ? 0
			       : rg_fields_check(f->fields, at,
						 rg_fields_path(where, f->key, place), err);
	case RG_FIELD_LIST:
	case RG_FIELD_TEXTS:
		return check_list(f, base, where, err);
	case RG_FIELD_BOOL:
	case RG_FIELD_U32:
	case RG_FIELD_COUNT:
		break;
	}
	return 0;
}

int rg_fields_check(const struct rg_field *fields, const void *base, const char *where,
		    struct rg_err *err)
{
	int rc = 0;

	for (const struct rg_field *f = fields; !rc && f->key; f++)
		rc = field_check(f, base, where, err);
	return rc;
}

/* --- releasing --- */

void rg_fields_release(const struct rg_field *fields, void *base)
{
	for (const struct rg_field *f = fields; f->key; f++) {
		void *array;

		if (f->kind == RG_FIELD_OBJECT)
			rg_fields_release(f->fields, (char *)base + f->offset);
		if (f->kind != RG_FIELD_LIST && f->kind != RG_FIELD_TEXTS)
			continue;
		memcpy(&array, (char *)base + f->offset, sizeof(array));
		for (uint32_t i = 0; array && i < count_of(f, base); i++) {
			if (f->kind == RG_FIELD_LIST)
				rg_fields_release(f->fields, item_of(f, base, i));
			else
				rg_free(texts_of(f, base)[i]);
		}
		rg_free(array);
		array = NULL;
		memcpy((char *)base + f->offset, &array, sizeof(array));
		*(uint32_t *)((char *)base + f->count_offset) = 0;
	}
}
