/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/device/ll.h"

#include <string.h>

void rg_ll_encode(uint64_t *words, const void *src, size_t len_bytes, uint32_t seq)
{
	const uint8_t *p = src;
	uint64_t high = (uint64_t)seq << 32;
	uint32_t data;

	for (; len_bytes >= 4; len_bytes -= 4, p += 4) {
		memcpy(&data, p, 4);
		__atomic_store_n(words++, high | data, __ATOMIC_RELAXED);
	}
	if (len_bytes) {
		data = 0;
		memcpy(&data, p, len_bytes);
		__atomic_store_n(words, high | data, __ATOMIC_RELAXED);
	}
}

size_t rg_ll_ready(const uint64_t *words, size_t nwords, uint32_t seq, size_t from)
{
	while (from < nwords && __atomic_load_n(&words[from], __ATOMIC_RELAXED) >> 32 == seq)
		from++;
	return from;
}

size_t rg_ll_ready_decode(void *dst, const uint64_t *words, size_t len_bytes, uint32_t seq,
			  size_t from)
{
	size_t n = rg_ll_words(len_bytes);

	for (; from < n; from++) {
		uint64_t word = __atomic_load_n(&words[from], __ATOMIC_RELAXED);
		uint32_t data = (uint32_t)word;
		size_t left = len_bytes - 4 * from;

		if (word >> 32 != seq)
			break;
		memcpy((uint8_t *)dst + 4 * from, &data, left < 4 ? left : 4);
	}
	return from;
}

void rg_ll_decode(void *dst, const uint64_t *words, size_t len_bytes)
{
	rg_ll_ready_decode(dst, words, len_bytes, (uint32_t)(words[0] >> 32), 0);
}
