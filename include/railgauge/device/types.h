/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Element types and reduction operations, named as in nccl-tests (-d, -o). Pure tables.
 */
#ifndef RAILGAUGE_DEVICE_TYPES_H
#define RAILGAUGE_DEVICE_TYPES_H

#include <stddef.h>
#include <stdint.h>

/* X(NAME, "word", bytes) */
#define RG_TYPE_LIST(X)                                                             \
	X(INT8, "int8", 1)                                                          \
	X(UINT8, "uint8", 1)                                                        \
	X(INT32, "int32", 4)                                                        \
	X(UINT32, "uint32", 4)                                                      \
	X(INT64, "int64", 8)                                                        \
	X(UINT64, "uint64", 8)                                                      \
	X(FLOAT16, "half", 2)	   /* IEEE 754 binary16; reduced in float32 */      \
	X(BFLOAT16, "bfloat16", 2) /* upper half of binary32; reduced in float32 */ \
	X(FLOAT32, "float", 4)                                                      \
	X(FLOAT64, "double", 8)

enum rg_type {
#define RG_TYPE_ENUM(name, word, bytes) RG_TYPE_##name,
	RG_TYPE_LIST(RG_TYPE_ENUM)
#undef RG_TYPE_ENUM
		RG_TYPE_COUNT
};

/* AVG is the sum divided by the number of ranks: for integers truncated towards zero. */
#define RG_OP_LIST(X)   \
	X(SUM, "sum")   \
	X(PROD, "prod") \
	X(MIN, "min")   \
	X(MAX, "max")   \
	X(AVG, "avg")

enum rg_op {
#define RG_OP_ENUM(name, word) RG_OP_##name,
	RG_OP_LIST(RG_OP_ENUM)
#undef RG_OP_ENUM
		RG_OP_COUNT
};

size_t rg_type_bytes(enum rg_type type);
const char *rg_type_name(enum rg_type type);
const char *rg_op_name(enum rg_op op);

/* NULL-terminated lists of the words, in enum order (choices of an option). */
extern const char *const rg_type_words[];
extern const char *const rg_op_words[];

/* One element converted exactly where the type can hold it, else rounded to nearest even. */
uint16_t rg_half_from_float(float v);
float rg_half_to_float(uint16_t h);
uint16_t rg_bfloat16_from_float(float v);
float rg_bfloat16_to_float(uint16_t b);

#endif
