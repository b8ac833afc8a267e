/* SPDX-License-Identifier: BSD-3-Clause */
/* Which bytes of this rank's own memory an instruction of a program means. */
#include "config.h"

#include "program_impl.h"

/* Where the source (the destination) begins in the larger buffer of which it is one block. */
static uint64_t block_at(const struct rg_program *p, bool src)
{
	enum rg_coll c = p->problem.coll;
	bool small = src ? c == RG_COLL_ALLGATHER || c == RG_COLL_GATHER
			 : c == RG_COLL_REDUCESCATTER || c == RG_COLL_SCATTER;

	return small ? p->rank * rg_problem_block_bytes(&p->problem) : 0;
}

bool rg_span_of(const struct rg_program *p, uint32_t base, uint64_t off, uint64_t len_bytes,
		struct rg_span *out)
{
	const struct rg_base *b = &p->bases[base];

	if (b->buf == RG_BUF_IN || b->buf == RG_BUF_OUT || b->rank != p->rank)
		return false;
	if (p->problem.in_place && b->buf != RG_BUF_TMP)
		off += block_at(p, b->buf == RG_BUF_SRC);
	*out = (struct rg_span){
		.buf = p->problem.in_place && b->buf == RG_BUF_SRC ? RG_BUF_DST : b->buf,
		.begin = off,
		.end = off + len_bytes,
	};
	return true;
}
