/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/measure/counters.h"

#include "railgauge/base/mem.h"

#include <stdio.h>
#include <string.h>

/* --- members --- */

#define TEXT(type, member)                                                                      \
	{                                                                                       \
		.key = #member, .kind = RG_FIELD_TEXT, .offset = offsetof(struct type, member), \
		.room = sizeof(((struct type *)0)->member)                                      \
	}
#define ROW(type, member, name, k)                                                         \
	{                                                                                  \
		.key = name, .kind = RG_FIELD_##k, .offset = offsetof(struct type, member) \
	}
#define NULLABLE(type, member, k)                                                              \
	{                                                                                      \
		.key = #member, .kind = RG_FIELD_##k, .offset = offsetof(struct type, member), \
		.nullable = true                                                               \
	}
#define WORDS(type, member, list)                                                               \
	{                                                                                       \
		.key = #member, .kind = RG_FIELD_WORD, .offset = offsetof(struct type, member), \
		.words = list                                                                   \
	}
#define LIST(type, member, item, table)                                                         \
	{                                                                                       \
		.key = #member, .kind = RG_FIELD_LIST, .offset = offsetof(struct type, member), \
		.room = sizeof(struct item), .count_offset = offsetof(struct type, n##member),  \
		.fields = table                                                                 \
	}

static const struct rg_field nic_fields[] = {
	ROW(rg_counters_nic, rank, "rank", U32), TEXT(rg_counters_nic, host),
	TEXT(rg_counters_nic, device),		 NULLABLE(rg_counters_nic, port, U32),
	TEXT(rg_counters_nic, netdev),		 {NULL},
};

static const struct rg_field kind_fields[] = {
	WORDS(rg_counters_kind, group, rg_nic_group_words),
	TEXT(rg_counters_kind, name),
	WORDS(rg_counters_kind, class, rg_nic_class_words),
	TEXT(rg_counters_kind, meaning),
	{NULL},
};

static const struct rg_field moved_fields[] = {
	ROW(rg_counters_moved, kind, "kind", U32),
	NULLABLE(rg_counters_moved, by, U64),
	WORDS(rg_counters_moved, how, rg_nic_how_words),
	{NULL},
};

static const struct rg_field reading_fields[] = {
	ROW(rg_counters_reading, nic, "nic", U32),
	ROW(rg_counters_reading, first_point, "first_point", U32),
	ROW(rg_counters_reading, npoints, "points", U32),
	ROW(rg_counters_reading, read, "read", U32),
	ROW(rg_counters_reading, gone, "gone", BOOL),
	ROW(rg_counters_reading, stale_ns, "stale_ns", U64),
	LIST(rg_counters_reading, moved, rg_counters_moved, moved_fields),
	{NULL},
};

const struct rg_field rg_counters_fields[] = {
	LIST(rg_counters, nics, rg_counters_nic, nic_fields),
	LIST(rg_counters, kinds, rg_counters_kind, kind_fields),
	LIST(rg_counters, readings, rg_counters_reading, reading_fields),
	{NULL},
};

/* --- growing --- */

static int no_memory(struct rg_err *err)
{
	return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for the adapters' counters");
}

/* Room for one more in an array of n that grows by doubling; NULL without memory. */
static void *grow(void *array, uint32_t n, size_t each_bytes)
{
	if (n & (n - 1))
		return array;
	return rg_realloc(array, (n ? 2 * (size_t)n : 1) * each_bytes);
}

int rg_counters_add_nic(struct rg_counters *c, const struct rg_counters_nic *nic,
			struct rg_err *err)
{
	int rc = rg_fields_check(nic_fields, nic, "", err);
	struct rg_counters_nic *more;

	if (rc)
		return rc;
	more = grow(c->nics, c->nnics, sizeof(*more));
	if (!more)
		return no_memory(err);
	c->nics = more;
	c->nics[c->nnics++] = *nic;
	return 0;
}

/* The kind of what moved, made if it is new; UINT32_MAX without memory. */
static uint32_t kind_of(struct rg_counters *c, const struct rg_nic_moved *row)
{
	const struct rg_nic_row *known;
	struct rg_counters_kind *kind;

	for (uint32_t i = 0; i < c->nkinds; i++) {
		if (c->kinds[i].group == row->group && !strcmp(c->kinds[i].name, row->name))
			return i;
	}
	kind = grow(c->kinds, c->nkinds, sizeof(*kind));
	if (!kind)
		return UINT32_MAX;
	c->kinds = kind;
	kind += c->nkinds;
	known = rg_nic_row((enum rg_nic_group)row->group, row->name);
	*kind = (struct rg_counters_kind){.group = known->group, .class = known->class};
	kind->group = (enum rg_nic_group)row->group;
	memcpy(kind->name, row->name, sizeof(kind->name));
	snprintf(kind->meaning, sizeof(kind->meaning), "%s", known->meaning);
	return c->nkinds++;
}

int rg_counters_add_reading(struct rg_counters *c, const struct rg_counters_reading *reading,
			    const struct rg_nic_moved *rows, uint32_t n, struct rg_err *err)
{
	struct rg_counters_reading copy = *reading, *more;

	if (reading->nic >= c->nnics || !reading->npoints)
		return rg_err_set(err, RG_ERR_INVALID, "a reading of port %u of %u, %u points",
				  reading->nic, c->nnics, reading->npoints);
	more = grow(c->readings, c->nreadings, sizeof(*more));
	if (!more)
		return no_memory(err);
	c->readings = more;
	copy.nmoved = n;
	copy.moved = n ? rg_zalloc(n, sizeof(*copy.moved)) : NULL;
	if (n && !copy.moved)
		return no_memory(err);
	for (uint32_t i = 0; i < n; i++) {
		copy.moved[i] = (struct rg_counters_moved){.kind = kind_of(c, &rows[i]),
							   .by = rows[i].by,
							   .how = (enum rg_nic_how)rows[i].how};
		if (copy.moved[i].kind == UINT32_MAX) {
			rg_free(copy.moved);
			return no_memory(err);
		}
	}
	c->readings[c->nreadings++] = copy;
	return 0;
}

void rg_counters_release(struct rg_counters *c)
{
	rg_fields_release(rg_counters_fields, c);
}

/* --- JSON --- */

json_t *rg_counters_to_json(const struct rg_counters *c)
{
	return c->nnics ? rg_fields_to_json(rg_counters_fields, c) : json_null();
}

static int wrong(struct rg_err *err, const char *where, uint32_t i, const char *why)
{
	return rg_err_set(err, RG_ERR_FORMAT, "%s.readings[%u]%s", where, i, why);
}

static int check(const struct rg_counters *c, const char *where, uint32_t npoints,
		 struct rg_err *err)
{
	if (!c->nnics)
		return rg_err_set(err, RG_ERR_FORMAT, "%s.nics: expected at least one", where);
	for (uint32_t i = 0; i < c->nreadings; i++) {
		const struct rg_counters_reading *r = &c->readings[i];

		if (r->nic >= c->nnics)
			return wrong(err, where, i, ".nic: no such port");
		if (!r->npoints || r->first_point >= npoints ||
		    r->npoints > npoints - r->first_point)
			return wrong(err, where, i, ".points: no such points");
		if (r->gone && r->nmoved)
			return wrong(err, where, i,
				     ".moved: expected none of a device that is gone");
		for (uint32_t k = 0; k < r->nmoved; k++) {
			if (r->moved[k].kind >= c->nkinds)
				return wrong(err, where, i, ".moved: no such kind");
			if (!r->moved[k].by && r->moved[k].how <= RG_NIC_WRAPPED)
				return wrong(err, where, i, ".moved: by nothing");
		}
	}
	return 0;
}

int rg_counters_from_json(const json_t *object, const char *where, uint32_t npoints,
			  struct rg_counters *out, struct rg_err *err)
{
	struct rg_counters c = {0};
	int rc;

	*out = c;
	if (!object || json_is_null(object))
		return 0;
	if (!json_is_object(object))
		return rg_fields_expected(where, "", "an object or null", err);
	rc = rg_fields_from_json(rg_counters_fields, object, where, NULL, &c, err);
	if (!rc)
		rc = check(&c, where, npoints, err);
	if (rc)
		rg_counters_release(&c);
	else
		*out = c;
	return rc;
}
