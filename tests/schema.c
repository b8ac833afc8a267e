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

static const json_t *definitions; /* of the schema that is looked at */

static bool fits(const json_t *schema, const json_t *v);

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
		    !fits(json_object_get(properties, key), item))
			return false;
	}
	return true;
}

static bool any_fits(const json_t *rule, const json_t *v, bool types)
{
	json_t *item;
	bool one = false;
	size_t i;

	json_array_foreach((json_t *)rule, i, item)
	{
		one = one || (types		     ? type_fits(v, json_string_value(item))
			      : json_is_object(item) ? fits(item, v)
						     : json_equal(item, v));
	}
	return one;
}

static const json_t *definition(const json_t *ref)
{
	const char *name = strrchr(json_string_value(ref), '/');

	assert_non_null(name);
	return json_object_get(definitions, name + 1);
}

static bool keyword_fits(const json_t *schema, const char *key, const json_t *rule, const json_t *v)
{
	bool ok = true;
	json_t *item;
	size_t i;

	if (!strcmp(key, "type"))
		return json_is_array(rule) ? any_fits(rule, v, true)
					   : type_fits(v, json_string_value(rule));
	if (!strcmp(key, "enum") || !strcmp(key, "anyOf"))
		return any_fits(rule, v, false);
	if (!strcmp(key, "$ref"))
		return fits(definition(rule), v);
	if (!strcmp(key, "const"))
		return json_equal(rule, v);
	if (!strcmp(key, "minimum"))
		return !json_is_number(v) || json_number_value(v) >= json_number_value(rule);
	if (!strcmp(key, "maxLength"))
		return !json_is_string(v) ||
		       json_string_length(v) <= (size_t)json_integer_value(rule);
	if (!strcmp(key, "exclusiveMinimum"))
		return !json_is_number(v) || json_number_value(v) > json_number_value(rule);
	if (!strcmp(key, "minItems"))
		return !json_is_array(v) || json_array_size(v) >= (size_t)json_integer_value(rule);
	if (!strcmp(key, "properties"))
		return !json_is_object(v) || object_fits(schema, v);
	if (!strcmp(key, "items")) {
		json_array_foreach((json_t *)v, i, item) ok = ok && fits(rule, item);
		return ok;
	}
	if (strcmp(key, "required") && strcmp(key, "additionalProperties") &&
	    strcmp(key, "description") && strcmp(key, "title") && strcmp(key, "$schema") &&
	    strcmp(key, "$defs") && strcmp(key, "pattern") && strcmp(key, "maximum") &&
	    strcmp(key, "maxItems"))
		fail_msg("the schema has %s, which this test does not know", key);
	return true;
}

static bool fits(const json_t *schema, const json_t *v)
{
	const char *key;
	json_t *rule;
	bool ok = true;

	assert_non_null(schema);
	json_object_foreach((json_t *)schema, key, rule) ok =
		ok && keyword_fits(schema, key, rule, v);
	return ok;
}

bool schema_fits(const json_t *schema, const json_t *v)
{
	definitions = json_object_get(schema, "$defs");
	return fits(schema, v);
}
