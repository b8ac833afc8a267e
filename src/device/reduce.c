/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/device/reduce.h"

#include "railgauge/base/log.h"
#include "railgauge/device/isa.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

const struct rg_isa *const rg_isas[] = {
#ifdef __x86_64__
	&rg_isa_avx512,
	&rg_isa_avx2,
#endif
	&rg_isa_portable,
	NULL,
};

static const struct rg_isa *best(void)
{
	const struct rg_isa *const *isa = rg_isas;

	while (!(*isa)->probe())
		isa++;
	return *isa;
}

static const struct rg_isa *choose(void)
{
	const char *word = getenv("RG_ISA");
	const struct rg_isa *chosen = best();

	if (!word || !*word)
		return chosen;
	for (const struct rg_isa *const *isa = rg_isas; *isa; isa++)
		if (!strcmp((*isa)->name, word) && (*isa)->probe())
			return *isa;
	rg_log(RG_LOG_WARN, "RG_ISA: \"%s\" is unknown or does not work here, using %s", word,
	       chosen->name);
	return chosen;
}

const struct rg_isa *rg_isa_get(void)
{
	/* All threads come to the same answer, so that it does not matter whose is kept. */
	static const struct rg_isa *_Atomic chosen;
	const struct rg_isa *isa = atomic_load_explicit(&chosen, memory_order_relaxed);

	if (__builtin_expect(!isa, 0)) {
		isa = choose();
		atomic_store_explicit(&chosen, isa, memory_order_relaxed);
	}
	return isa;
}

rg_reduce_fn *rg_reduce_kernel(enum rg_type type, enum rg_op op)
{
	return rg_isa_get()->reduce[type * RG_OP_COUNT + op];
}

void rg_copy(void *dst, const void *src, size_t len_bytes, enum rg_store store)
{
	if (store == RG_STORE_STREAM)
		rg_isa_get()->copy_stream(dst, src, len_bytes);
	else
		memcpy(dst, src, len_bytes);
}

const char *rg_reduce_isa(void)
{
	return rg_isa_get()->name;
}

uint64_t rg_stream_threshold_bytes(uint64_t llc_bytes, uint32_t nsharers)
{
	const uint64_t floor_bytes = 256 << 10;
	uint64_t share = llc_bytes / 2 / (nsharers ? nsharers : 1);

	if (!llc_bytes)
		return 4 << 20;
	return share > floor_bytes ? share : floor_bytes;
}
