/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/device/types.h"

#include "convert.h"

const char *const rg_type_words[] = {
#define WORD(name, word, bytes) word,
	RG_TYPE_LIST(WORD)
#undef WORD
		NULL,
};

const char *const rg_op_words[] = {
#define WORD(name, word) word,
	RG_OP_LIST(WORD)
#undef WORD
		NULL,
};

size_t rg_type_bytes(enum rg_type type)
{
	static const uint8_t type_bytes[] = {
#define BYTES(name, word, bytes) bytes,
		RG_TYPE_LIST(BYTES)
#undef BYTES
	};

	return type_bytes[type];
}

const char *rg_type_name(enum rg_type type)
{
	return rg_type_words[type];
}

const char *rg_op_name(enum rg_op op)
{
	return rg_op_words[op];
}

uint16_t rg_half_from_float(float v)
{
	return half_from_float(v);
}

float rg_half_to_float(uint16_t h)
{
	return half_to_float(h);
}

uint16_t rg_bfloat16_from_float(float v)
{
	return bfloat16_from_float(v);
}

float rg_bfloat16_to_float(uint16_t b)
{
	return bfloat16_to_float(b);
}
