/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The instruction sets that the kernels of this module exist in, as a table. Users of the module
 * call reduce.h and ll.h, which go through rg_isa_get(); tests and `info` walk the table.
 *
 * A new instruction set is one file src/device/isa_<name>.c, which sets the vector width and a few
 * primitives and includes the template (src/device/kernels.inc), and one row.
 */
#ifndef RAILGAUGE_DEVICE_ISA_H
#define RAILGAUGE_DEVICE_ISA_H

#include "railgauge/device/reduce.h"
#include "railgauge/device/types.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rg_isa {
	const char *name;	     /* "avx512", "avx2", "portable" */
	const char *summary;	     /* what it needs, in words */
	bool (*probe)(void);	     /* can this processor and kernel run it? */
	rg_reduce_fn *const *reduce; /* [RG_TYPE_COUNT][RG_OP_COUNT], row after row */
	void (*copy_stream)(void *dst, const void *src, size_t len_bytes); /* as rg_copy, STREAM */

	/* As rg_ll_encode and rg_ll_ready_decode (ll.h), which state the contracts. */
	void (*ll_encode)(uint64_t *words, const void *src, size_t len_bytes, uint32_t seq);
	size_t (*ll_take)(void *dst, const uint64_t *words, size_t len_bytes, uint32_t seq,
			  size_t from);
};

extern const struct rg_isa rg_isa_avx512, rg_isa_avx2, rg_isa_portable;

/* NULL-terminated, the widest first; only those that were compiled in. */
extern const struct rg_isa *const rg_isas[];

/*
 * The one in use: RG_ISA where it names one that works here, else the first in the table whose
 * probe says yes. Decided at the first call; a useless RG_ISA is reported once by a warning.
 */
const struct rg_isa *rg_isa_get(void);

#endif
