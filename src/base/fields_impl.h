/* SPDX-License-Identifier: BSD-3-Clause */
/* What writing and reading by tables share (railgauge/base/fields.h). */
#ifndef RG_BASE_FIELDS_IMPL_H
#define RG_BASE_FIELDS_IMPL_H

#include "railgauge/base/fields.h"

#include <stdio.h>

static inline uint32_t count_of(const struct rg_field *f, const void *base)
{
	return *(const uint32_t *)((const char *)base + f->count_offset);
}

static inline bool is_null(const struct rg_field *f, const void *base)
{
	return f->nullable && !*(const bool *)((const char *)base + f->has_offset);
}

/* Item i of an array of structs. */
static inline void *item_of(const struct rg_field *f, const void *base, uint32_t i)
{
	return *(char *const *)((const char *)base + f->offset) + i * f->room;
}

static inline char **texts_of(const struct rg_field *f, const void *base)
{
	return *(char ***)((char *)base + f->offset);
}

static inline void item_path(const struct rg_field *f, const char *where, size_t i,
			     char text[RG_FIELD_WHERE_BYTES])
{
	snprintf(text, RG_FIELD_WHERE_BYTES, "%s%s%s[%zu]", where, *where ? "." : "", f->key, i);
}

#endif
