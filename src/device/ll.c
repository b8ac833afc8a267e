/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/device/ll.h"

#include "railgauge/device/isa.h"

#include "ll_scalar.h"

/* Below this the scalar loop is as fast as a call through the table: one vector of AVX-512. */
#define SHORT_BYTES 32

#if defined(__SANITIZE_THREAD__)
#define SCALAR_ONLY 1 /* the sanitizer does not see that vector accesses are atomic by word */
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SCALAR_ONLY 1
#endif
#endif
#ifndef SCALAR_ONLY
#define SCALAR_ONLY 0
#endif

void rg_ll_encode(uint64_t *words, const void *src, size_t len_bytes, uint32_t seq)
{
	if (SCALAR_ONLY || len_bytes < SHORT_BYTES)
		ll_encode_scalar(words, src, len_bytes, seq);
	else
		rg_isa_get()->ll_encode(words, src, len_bytes, seq);
}

size_t rg_ll_ready_decode(void *dst, const uint64_t *words, size_t len_bytes, uint32_t seq,
			  size_t from)
{
	if (SCALAR_ONLY || len_bytes - 4 * from < SHORT_BYTES)
		return ll_take_scalar(dst, words, len_bytes, seq, from);
	return rg_isa_get()->ll_take(dst, words, len_bytes, seq, from);
}
