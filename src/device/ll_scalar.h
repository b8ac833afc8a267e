/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The codec of word messages (ll.h), one word at a time: for short messages, the ends of longer
 * ones, processors without a vector form, and thread sanitizers.
 *
 * Relaxed atomics suffice: each word carries its own announcement, and nothing else is ordered by
 * it. They make the compiler load and store each word once, as a whole.
 */
#ifndef DEVICE_LL_SCALAR_H
#define DEVICE_LL_SCALAR_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline void ll_encode_scalar(uint64_t *words, const void *src, size_t len_bytes,
				    uint32_t seq)
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

static inline size_t ll_take_scalar(void *dst, const uint64_t *words, size_t len_bytes,
				    uint32_t seq, size_t from)
{
	uint8_t *p = dst;

	for (; 4 * from < len_bytes; from++) {
		uint64_t word = __atomic_load_n(&words[from], __ATOMIC_RELAXED);
		uint32_t data = (uint32_t)word;
		size_t left = len_bytes - 4 * from;

		if (word >> 32 != seq)
			break;
		if (left >= 4)
			memcpy(p + 4 * from, &data, 4);
		else
			memcpy(p + 4 * from, &data, left);
	}
	return from;
}

#endif
