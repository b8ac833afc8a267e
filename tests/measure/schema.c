/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "schema.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static bool type_fits(const json_t *v, const char *type)
{
	if (!strcmp(type, "integer"))
		return json_is_integer(v);
	if (!strcmp(type, "number"))
		return json_is_number(v);
	if (!strcmp(type, "string"))
		return json_is_string(v);
	if (!strcmp(type, "boolean"))
		return json_is_boolean(v);
	if (!strcmp(type, "null"))
		return json_is_null(v);
	if (!strcmp(type, "array"))
		return json_is_array(v);
	assert_string_equal(type, "object");
	return json_is_object(v);
}

static bool object_fits(const json_t *schema, const json_t *v)
{
	const json_t *properties = json_object_get(schema, "properties");
	const char *key;
	json_t *item;
	size_t i;

	json_array_foreach(json_object_get(schema, "required"), i, item)
	{
		if (!json_object_get(v, json_string_value(item)))
			return false;
	}
	json_object_foreach((json_t *)v, key, item)
	{
		if (!json_object_get(properties, key) ||
		    !schema_fits(json_object_get(properties, key), item))
			return false;
	}
	return true;
}

/* As much of JSON Schema as ours uses; an unknown keyword fails the test. */
bool schema_fits(const json_t *schema, const json_t *v)
{
	const char *key;
	json_t *rule, *item;
	bool ok = true;
	size_t i;

	json_object_foreach((json_t *)schema, key, rule)
	{
		bool one = false;

		if (!strcmp(key, "type") && json_is_string(rule)) {
			ok = ok && type_fits(v, json_string_value(rule));
		} else if (!strcmp(key, "type")) {
			json_array_foreach(rule, i, item) one |=
				type_fits(v, json_string_value(item));
			ok = ok && one;
		} else if (!strcmp(key, "enum")) {
			json_array_foreach(rule, i, item) one |= json_equal(item, v);
			ok = ok && one;
		} else if (!strcmp(key, "const")) {
			ok = ok && json_equal(rule, v);
		} else if (!strcmp(key, "minimum")) {
			ok = ok && (!json_is_number(v) ||
				    json_number_value(v) >= json_number_value(rule));
		} else if (!strcmp(key, "exclusiveMinimum")) {
			ok = ok &&
			     (!json_is_number(v) || json_number_value(v) > json_number_value(rule));
		} else if (!strcmp(key, "minItems")) {
			ok = ok && (!json_is_array(v) ||
				    json_array_size(v) >= (size_t)json_integer_value(rule));
		} else if (!strcmp(key, "items")) {
			json_array_foreach((json_t *)v, i, item) ok = ok && schema_fits(rule, item);
		} else if (!strcmp(key, "properties")) {
			ok = ok && (!json_is_object(v) || object_fits(schema, v));
		} else if (strcmp(key, "required") && strcmp(key, "additionalProperties") &&
			   strcmp(key, "description") && strcmp(key, "title") &&
			   strcmp(key, "$schema") && strcmp(key, "pattern") &&
			   strcmp(key, "maximum") && strcmp(key, "maxItems")) {
			fail_msg("the schema has %s, which this test does not know", key);
		}
	}
	return ok;
}
