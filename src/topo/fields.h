/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The members of struct rg_topo as tables, from which the JSON is written and read and the hash
 * taken. Private to src/topo. A member that is not here does not travel between machines.
 */
#ifndef RG_TOPO_FIELDS_H
#define RG_TOPO_FIELDS_H

#include <stdbool.h>
#include <stddef.h>

enum topo_field_type {
	FIELD_U16,    /* uint16_t */
	FIELD_U32,    /* uint32_t; UINT32_MAX is null */
	FIELD_U64,    /* uint64_t below 2^63 */
	FIELD_BOOL,   /* bool */
	FIELD_NUMBER, /* double, not negative */
	FIELD_TEXT,   /* char[size] */
	FIELD_CPUS,   /* struct rg_cpuset, as a list */
	FIELD_WORD,   /* an enum, as its word */
	FIELD_INDEX,  /* uint32_t below the count at `count` in struct rg_topo; RG_TOPO_NONE is null
		       */
	FIELD_STRUCT, /* as an object */
	FIELD_ARRAY,  /* an owned array in struct rg_topo whose length is at `count` there */
	FIELD_FIXED,  /* struct[size] in place; at most size of the count at `count` in the same one
		       */
};

struct topo_field {
	const char *name; /* the JSON key; NULL ends a table */
	enum topo_field_type type;
	bool hashed;			 /* part of the hash */
	size_t offset;			 /* of the member */
	size_t size;			 /* TEXT: bytes; FIXED: elements */
	size_t count;			 /* see above: an offset */
	size_t each;			 /* ARRAY, FIXED: bytes of an element */
	const struct topo_field *fields; /* STRUCT, ARRAY, FIXED */
	const char *const *words;	 /* WORD */
};

extern const struct topo_field topo_fields[];

#endif
