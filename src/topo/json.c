/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/topo/topo.h"

#include "fields.h"
#include "impl.h"

#include "railgauge/base/mem.h"
#include "railgauge/base/sha256.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FORMAT "railgauge-topo"

/* Room for every list of CPUs: at worst each second one, "8190,". */
#define LIST_BYTES (RG_CPUS_MAX / 2 * 5 + 8)

/* What is written: all of a topology, or what its hash covers. */
enum scope {
	SCOPE_ALL,
	SCOPE_HASHED,
};

static json_t *write_object(const struct rg_topo *topo, const char *base,
			    const struct topo_field *fields, enum scope scope);

static uint32_t u32_at(const void *base, size_t offset)
{
	uint32_t value;

	memcpy(&value, (const char *)base + offset, sizeof(value));
	return value;
}

static json_t *write_cpus(const struct rg_cpuset *cpus)
{
	char *text = rg_alloc(LIST_BYTES);
	json_t *out = text ? json_string(rg_cpuset_format(cpus, text, LIST_BYTES)) : NULL;

	rg_free(text);
	return out;
}

static json_t *write_array(const struct rg_topo *topo, const char *first, uint32_t n,
			   const struct topo_field *f, enum scope scope)
{
	json_t *array = json_array();

	for (uint32_t i = 0; array && i < n; i++) {
		if (rg_json_append(array, write_object(topo, first + i * f->each, f->fields, scope),
				   NULL)) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

static json_t *write_value(const struct rg_topo *topo, const char *base, const struct topo_field *f,
			   enum scope scope)
{
	const char *p = base + f->offset;
	uint32_t n;

	switch (f->type) {
	case FIELD_U16:
		return json_integer(*(const uint16_t *)(const void *)p);
	case FIELD_U32:
	case FIELD_INDEX:
		n = u32_at(p, 0);
		return n == UINT32_MAX ? json_null() : json_integer(n);
	case FIELD_U64:
		return json_integer((json_int_t) * (const uint64_t *)(const void *)p);
	case FIELD_BOOL:
		return json_boolean(*(const bool *)p);
	case FIELD_NUMBER:
		return json_real(*(const double *)(const void *)p);
	case FIELD_TEXT:
		return json_string(p);
	case FIELD_CPUS:
		return write_cpus((const void *)p);
	case FIELD_WORD:
		return json_string(f->words[u32_at(p, 0)]);
	case FIELD_STRUCT:
		return write_object(topo, p, f->fields, scope);
	case FIELD_ARRAY:
		return write_array(topo, *(char *const *)(const void *)p, u32_at(topo, f->count), f,
				   scope);
	case FIELD_FIXED:
		n = u32_at(base, f->count);
		return write_array(topo, p, n < f->size ? n : (uint32_t)f->size, f, scope);
	}
	return NULL;
}

static json_t *write_object(const struct rg_topo *topo, const char *base,
			    const struct topo_field *fields, enum scope scope)
{
	json_t *object = json_object();

	for (const struct topo_field *f = fields; object && f->name; f++) {
		if (scope == SCOPE_HASHED && !f->hashed)
			continue;
		if (rg_json_set(object, f->name, write_value(topo, base, f, scope), NULL)) {
			json_decref(object);
			return NULL;
		}
	}
	return object;
}

json_t *rg_topo_to_json(const struct rg_topo *topo)
{
	json_t *body = write_object(topo, (const char *)topo, topo_fields, SCOPE_ALL);
	json_t *root = json_object();

	if (!body || !root || rg_json_set(root, "format", json_string(FORMAT), NULL) ||
	    rg_json_set(root, "version", json_integer(RG_TOPO_JSON_VERSION), NULL) ||
	    rg_json_set(root, "hash", json_string(topo->hash), NULL) ||
	    json_object_update(root, body)) {
		json_decref(root);
		root = NULL;
	}
	json_decref(body);
	return root;
}

int topo_seal(struct rg_topo *topo, struct rg_err *err)
{
	json_t *body = write_object(topo, (const char *)topo, topo_fields, SCOPE_HASHED);
	char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
	uint8_t digest[RG_SHA256_BYTES];
	struct rg_sha256 s;

	json_decref(body);
	if (!text)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory to hash the topology");
	rg_sha256_init(&s);
	rg_sha256_add(&s, text, strlen(text));
	rg_sha256_end(&s, digest);
	free(text);
	rg_hex(digest, sizeof(digest), topo->hash);
	return 0;
}
