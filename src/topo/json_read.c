/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/topo/topo.h"

#include "fields.h"
#include "impl.h"

#include "railgauge/base/mem.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define WHERE_BYTES 128 /* "name: nics[3].gids[2]" */

static int read_object(struct rg_topo *topo, char *base, const struct topo_field *fields,
		       const json_t *object, const char *where, struct rg_err *err);

static int wrong(const char *where, const struct topo_field *f, const char *expected,
		 struct rg_err *err)
{
	return rg_err_set(err, RG_ERR_FORMAT, "%s: %s: expected %s", where, f->name, expected);
}

static int read_integer(char *p, const struct topo_field *f, const json_t *v, uint32_t limit,
			const char *where, struct rg_err *err)
{
	json_int_t n = json_integer_value(v);
	uint64_t wide = (uint64_t)n;
	uint32_t narrow = (uint32_t)n;
	uint16_t small = (uint16_t)n;
	bool none = json_is_null(v) && (f->type == FIELD_U32 || f->type == FIELD_INDEX);

	if (none) {
		narrow = UINT32_MAX;
	} else if (!json_is_integer(v) || n < 0) {
		return wrong(where, f, "a whole number", err);
	} else if ((f->type == FIELD_U16 && n > UINT16_MAX) ||
		   (f->type == FIELD_U32 && n >= UINT32_MAX) ||
		   (f->type == FIELD_INDEX && n >= limit)) {
		return wrong(where, f, "a smaller number", err);
	}
	if (f->type == FIELD_U64)
		memcpy(p, &wide, sizeof(wide));
	else if (f->type == FIELD_U16)
		memcpy(p, &small, sizeof(small));
	else
		memcpy(p, &narrow, sizeof(narrow));
	return 0;
}

static int read_text(char *p, const struct topo_field *f, const json_t *v, const char *where,
		     struct rg_err *err)
{
	size_t n = json_string_length(v);

	if (!json_is_string(v) || n >= f->size)
		return wrong(where, f, "a shorter text", err);
	topo_copy_text(p, f->size, json_string_value(v));
	if (strcmp(p, json_string_value(v)) != 0)
		return wrong(where, f, "plain text", err);
	return 0;
}

static int read_word(char *p, const struct topo_field *f, const json_t *v, const char *where,
		     struct rg_err *err)
{
	for (int i = 0; json_is_string(v) && f->words[i]; i++) {
		if (!strcmp(f->words[i], json_string_value(v))) {
			memcpy(p, &i, sizeof(i));
			return 0;
		}
	}
	return wrong(where, f, "one of its words", err);
}

static int read_elements(struct rg_topo *topo, char *first, const struct topo_field *f,
			 const json_t *v, const char *where, struct rg_err *err)
{
	for (size_t i = 0; i < json_array_size(v); i++) {
		char there[WHERE_BYTES];
		int rc;

		snprintf(there, sizeof(there), "%s: %s[%zu]", where, f->name, i);
		rc = read_object(topo, first + i * f->each, f->fields, json_array_get(v, i), there,
				 err);
		if (rc)
			return rc;
	}
	return 0;
}

/* The count is set first: elements may point to each other, and close() needs no count. */
static int read_array(struct rg_topo *topo, char *p, const struct topo_field *f, const json_t *v,
		      const char *where, struct rg_err *err)
{
	uint32_t n = (uint32_t)json_array_size(v);
	char *array;

	if (!json_is_array(v) || json_array_size(v) > RG_CPUS_MAX)
		return wrong(where, f, "an array", err);
	array = rg_zalloc(n, f->each);
	if (!array)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for the topology");
	memcpy(p, &array, sizeof(array));
	memcpy((char *)topo + f->count, &n, sizeof(n));
	return read_elements(topo, array, f, v, where, err);
}

static int read_value(struct rg_topo *topo, char *base, const struct topo_field *f, const json_t *v,
		      const char *where, struct rg_err *err)
{
	char *p = base + f->offset;
	double number = json_number_value(v);
	uint32_t limit = 0;
	bool flag = json_is_true(v);

	switch (f->type) {
	case FIELD_INDEX:
		memcpy(&limit, (char *)topo + f->count, sizeof(limit));
		return read_integer(p, f, v, limit, where, err);
	case FIELD_U16:
	case FIELD_U32:
	case FIELD_U64:
		return read_integer(p, f, v, 0, where, err);
	case FIELD_BOOL:
		if (!json_is_boolean(v))
			return wrong(where, f, "true or false", err);
		memcpy(p, &flag, sizeof(flag));
		return 0;
	case FIELD_NUMBER:
		if (!json_is_number(v) || number < 0 || !isfinite(number))
			return wrong(where, f, "a number", err);
		memcpy(p, &number, sizeof(number));
		return 0;
	case FIELD_TEXT:
		return read_text(p, f, v, where, err);
	case FIELD_CPUS:
		if (!json_is_string(v))
			return wrong(where, f, "a list of CPUs", err);
		return rg_cpuset_parse(json_string_value(v), where, (void *)p, err);
	case FIELD_WORD:
		return read_word(p, f, v, where, err);
	case FIELD_STRUCT:
		return read_object(topo, p, f->fields, v, where, err);
	case FIELD_ARRAY:
		return read_array(topo, p, f, v, where, err);
	case FIELD_FIXED:
		memcpy(&limit, base + f->count, sizeof(limit));
		if (!json_is_array(v) || json_array_size(v) != (limit < f->size ? limit : f->size))
			return wrong(where, f, "an array as long as was said", err);
		return read_elements(topo, p, f, v, where, err);
	}
	return wrong(where, f, "something else", err);
}

static int read_object(struct rg_topo *topo, char *base, const struct topo_field *fields,
		       const json_t *object, const char *where, struct rg_err *err)
{
	size_t n = 0;
	int rc;

	if (!json_is_object(object))
		return rg_err_set(err, RG_ERR_FORMAT, "%s: expected an object", where);
	for (const struct topo_field *f = fields; f->name; f++, n++) {
		const json_t *v = json_object_get(object, f->name);

		if (!v)
			return rg_err_set(err, RG_ERR_FORMAT, "%s: no \"%s\"", where, f->name);
		rc = read_value(topo, base, f, v, where, err);
		if (rc)
			return rc;
	}
	/* The outermost object has three members more, which the caller has checked. */
	if (json_object_size(object) != n + (fields == topo_fields ? 3 : 0))
		return rg_err_set(err, RG_ERR_FORMAT, "%s: has members that nobody knows", where);
	return 0;
}

/* What ranges alone do not say: loops among bridges, threads that two cores claim. */
static bool is_consistent(const struct rg_topo *t)
{
	uint32_t next_pu = 0;

	for (uint32_t i = 0; i < t->nbridges; i++) {
		uint32_t above = t->bridges[i].at.bridge;

		if (above != RG_TOPO_NONE && above >= i)
			return false;
	}
	for (uint32_t i = 0; i < t->ncores; i++) {
		if (t->cores[i].first_pu != next_pu || t->cores[i].npus > t->npus - next_pu)
			return false;
		for (uint32_t k = 0; k < t->cores[i].npus; k++, next_pu++) {
			if (t->pus[next_pu].core != i || t->pus[next_pu].os_index >= RG_CPUS_MAX)
				return false;
		}
	}
	return next_pu == t->npus;
}

static int read_body(struct rg_topo *topo, const json_t *root, const char *name, struct rg_err *err)
{
	const char *hash = json_string_value(json_object_get(root, "hash"));
	int rc = read_object(topo, (char *)topo, topo_fields, root, name, err);

	if (rc)
		return rc;
	if (!is_consistent(topo))
		return rg_err_set(err, RG_ERR_FORMAT, "%s: the topology contradicts itself", name);
	rc = topo_seal(topo, err);
	if (rc)
		return rc;
	if (!hash || strcmp(hash, topo->hash) != 0)
		return rg_err_set(err, RG_ERR_FORMAT, "%s: the hash is wrong", name);
	return 0;
}

int rg_topo_from_json(const json_t *root, const char *name, struct rg_topo **topo_out,
		      struct rg_err *err)
{
	const char *format = json_string_value(json_object_get(root, "format"));
	const json_t *version = json_object_get(root, "version");
	struct rg_topo *topo;
	int rc;

	if (!format || strcmp(format, "railgauge-topo") != 0 || !json_is_integer(version))
		return rg_err_set(err, RG_ERR_FORMAT, "%s: not a topology of railgauge", name);
	if (json_integer_value(version) != RG_TOPO_JSON_VERSION)
		return rg_err_set(err, RG_ERR_UNSUPPORTED,
				  "%s: version %" JSON_INTEGER_FORMAT ", this program reads %d",
				  name, json_integer_value(version), RG_TOPO_JSON_VERSION);
	topo = rg_zalloc(1, sizeof(*topo));
	if (!topo)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for the topology");
	rc = read_body(topo, root, name, err);
	if (rc) {
		rg_topo_close(topo);
		return rc;
	}
	*topo_out = topo;
	return 0;
}
