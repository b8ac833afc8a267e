/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reductions and copies on host memory: n sources to m destinations in one pass over memory.
 *
 * Every destination gets, for each element i, op(src[0][i], src[1][i], ..., src[n-1][i]), reduced
 * in exactly that order (so ranks that name the sources in the same order get the same bits),
 * 16-bit floats being accumulated in float32 and rounded once at the end. n = 1 copies, and divides
 * if it is an average. Integer sums and products wrap. min and max of floats: a NaN in any source
 * may or may not come through.
 *
 * Kernels are chosen once at run time: AVX-512, AVX2 or portable C (RG_ISA=portable|avx2|avx512
 * forces one, for tests). Everything here is pure, allocates nothing, and may run concurrently.
 */
#ifndef RAILGAUGE_DEVICE_REDUCE_H
#define RAILGAUGE_DEVICE_REDUCE_H

#include "railgauge/base/err.h"
#include "railgauge/device/types.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RG_REDUCE_MAX 64 /* sources or destinations of one call */

/*
 * How destinations are written. STREAM uses non-temporal stores (where the kernel has them and the
 * destination is aligned to the vector, else a cached head and tail): right for data beyond the
 * caller's share of the last-level cache. A store fence is executed before a streaming call
 * returns, so that a flag written afterwards is seen after the data.
 */
enum rg_store {
	RG_STORE_CACHED,
	RG_STORE_STREAM,
};

/*
 * One combination of type and operation. count elements, nsrc and ndst in [1, RG_REDUCE_MAX].
 * stream is a bit mask: bit d set means destination d is written with streaming stores.
 * A source may be the same memory as a destination at the same index (in place); any other overlap
 * is not allowed. Pointers need only the alignment of the element type.
 * scale_ranks: for RG_OP_AVG the number to divide by after reducing; 0 or 1 otherwise (partial
 * averages are plain sums: the last step of a schedule passes the rank count).
 */
typedef void rg_reduce_fn(void *const *dst, uint32_t ndst, const void *const *src, uint32_t nsrc,
			  size_t count, uint64_t stream, uint32_t scale_ranks);

/* The kernel for (type, op); never NULL. */
rg_reduce_fn *rg_reduce_kernel(enum rg_type type, enum rg_op op);

/* One source to one destination, len_bytes, no overlap. As memcpy, with a say in the stores. */
void rg_copy(void *dst, const void *src, size_t len_bytes, enum rg_store store);

/* "avx512", "avx2" or "portable": what was chosen. */
const char *rg_reduce_isa(void);

/*
 * From how many bytes on streaming stores pay: what one rank touches in one operation, sources and
 * destinations together. llc_bytes is the last-level cache, shared by nsharers ranks. Half of a
 * rank's share, llc_bytes / (2 * nsharers), but at least 256 KiB; 4 MiB for an unknown cache (0).
 *
 * results/2026-11-stream-threshold.txt: two sources to two destinations on a 32 MiB cache, one and
 * two ranks. Streaming never lost from there on, and won clearly (1.1 to 2.1) where the four
 * streams outgrow the share. It also won below, between the second-level cache and here, but the
 * results would then be fetched from memory by whoever reads them next.
 */
uint64_t rg_stream_threshold_bytes(uint64_t llc_bytes, uint32_t nsharers);

#endif
