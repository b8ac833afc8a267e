/* SPDX-License-Identifier: BSD-3-Clause */
/* Between program.c, program_span.c, program_post.c and program_last.c. */
#ifndef RG_COLL_PROGRAM_IMPL_H
#define RG_COLL_PROGRAM_IMPL_H

#include "railgauge/coll/program.h"

/* Bytes of one of this rank's memories; in place SRC and DST are one. */
struct rg_span {
	uint8_t buf; /* RG_BUF_SRC, DST or TMP */
	uint64_t begin, end;
};

/* False if the entry is no memory of this rank alone. */
bool rg_span_of(const struct rg_program *program, uint32_t base, uint64_t off, uint64_t len_bytes,
		struct rg_span *out);

static inline bool rg_span_overlap(const struct rg_span *a, const struct rg_span *b)
{
	return a->buf == b->buf && a->begin < b->end && b->begin < a->end;
}

/*
 * Puts an RG_INSN_POST before every message of the program's only stream for which there is a place
 * to receive it into, as early as may be, and makes its COPY a TAKE. *insns, owned by the caller,
 * may be replaced. RG_ERR_NO_MEMORY, and all is as before.
 */
int rg_program_post(const struct rg_program *program, struct rg_insn **insns, uint32_t *n,
		    struct rg_err *err);

/* Sets RG_INSN_LASTS where it may be. RG_ERR_NO_MEMORY. */
int rg_program_last(struct rg_program *program, struct rg_err *err);

#endif
