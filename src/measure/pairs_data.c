/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "pairs_data.h"

#include <string.h>

#define ODD UINT64_C(0x9e3779b97f4a7c15)

/* Neighbouring words, batches and ranks differ in nearly all bytes. */
static uint64_t word_at(uint32_t rank, uint64_t batch, uint64_t i)
{
	uint64_t v = (batch * 65537 + rank + 1) * ODD + i * 0xd1342543de82ef95;

	return v ^ v >> 29;
}

void rg_pairs_fill(uint8_t *data, uint64_t len_bytes, uint32_t rank, uint64_t batch)
{
	for (uint64_t at = 0; at < len_bytes; at += 8) {
		uint64_t v = word_at(rank, batch, at / 8);
		uint64_t n = len_bytes - at < 8 ? len_bytes - at : 8;

		memcpy(data + at, &v, n);
	}
}

uint64_t rg_pairs_compare(const uint8_t *data, uint64_t len_bytes, uint32_t rank, uint64_t batch)
{
	uint64_t wrong = 0;

	for (uint64_t at = 0; at < len_bytes; at += 8) {
		uint64_t v = word_at(rank, batch, at / 8);
		uint64_t n = len_bytes - at < 8 ? len_bytes - at : 8;
		const uint8_t *expected = (const uint8_t *)&v;

		if (!memcmp(data + at, expected, n))
			continue;
		for (uint64_t i = 0; i < n; i++)
			wrong += data[at + i] != expected[i];
	}
	return wrong;
}
