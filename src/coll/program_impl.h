/* SPDX-License-Identifier: BSD-3-Clause */
/* Between program.c and program_post.c. */
#ifndef RG_COLL_PROGRAM_IMPL_H
#define RG_COLL_PROGRAM_IMPL_H

#include "railgauge/coll/program.h"

/*
 * Puts an RG_INSN_POST before every message of the program's only stream for which there is a place
 * to receive it into, as early as may be, and makes its COPY a TAKE. *insns, owned by the caller,
 * may be replaced. RG_ERR_NO_MEMORY, and all is as before.
 */
int rg_program_post(const struct rg_program *program, struct rg_insn **insns, uint32_t *n,
		    struct rg_err *err);

#endif
