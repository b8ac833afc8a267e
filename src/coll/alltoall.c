/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "alltoall.h"

#include "railgauge/base/matrix.h"

uint64_t rg_block_len(const struct rg_problem *p, uint32_t from, uint32_t to)
{
	if (p->coll != RG_COLL_ALLTOALLV)
		return rg_problem_block_bytes(p);
	return rg_matrix_at(p->counts, p->layout.nranks, from, to) * p->elem_bytes;
}

/* In the source of the sender (else the destination of the receiver). */
static uint64_t offset(const struct rg_problem *p, uint32_t from, uint32_t to, bool src)
{
	uint32_t n = p->layout.nranks;

	if (p->coll != RG_COLL_ALLTOALLV)
		return (src ? to : from) * rg_problem_block_bytes(p);
	return (src ? rg_matrix_src_at(p->counts, n, from, to)
		    : rg_matrix_dst_at(p->counts, n, from, to)) *
	       p->elem_bytes;
}

struct rg_gen_piece rg_block_src(const struct rg_problem *p, uint32_t from, uint32_t to)
{
	return (struct rg_gen_piece){offset(p, from, to, true), rg_block_len(p, from, to)};
}

struct rg_gen_piece rg_block_dst(const struct rg_problem *p, uint32_t from, uint32_t to)
{
	return (struct rg_gen_piece){offset(p, from, to, false), rg_block_len(p, from, to)};
}

static struct rg_gen_piece slice(const struct rg_problem *p, uint32_t from, uint32_t to, uint64_t i,
				 bool src)
{
	struct rg_gen_piece piece = rg_gen_slice(p, rg_block_len(p, from, to), i);

	/* To sum up counts for nothing would take long with many ranks. */
	if (piece.len)
		piece.off += offset(p, from, to, src);
	return piece;
}

struct rg_gen_piece rg_block_src_slice(const struct rg_problem *p, uint32_t from, uint32_t to,
				       uint64_t i)
{
	return slice(p, from, to, i, true);
}

struct rg_gen_piece rg_block_dst_slice(const struct rg_problem *p, uint32_t from, uint32_t to,
				       uint64_t i)
{
	return slice(p, from, to, i, false);
}

uint64_t rg_block_longest(const struct rg_problem *p)
{
	if (p->coll != RG_COLL_ALLTOALLV)
		return rg_problem_block_bytes(p);
	return rg_matrix_longest(p->counts, p->layout.nranks) * p->elem_bytes;
}

uint64_t rg_block_sent_bytes(const struct rg_problem *p)
{
	uint32_t n = p->layout.nranks;
	uint64_t most = 0;

	for (uint32_t r = 0; r < n; r++) {
		uint64_t sent = 0;

		for (uint32_t to = 0; to < n; to++)
			sent += to == r ? 0 : rg_block_len(p, r, to);
		most = most > sent ? most : sent;
	}
	return most;
}

bool rg_block_counts(const struct rg_problem *p, uint32_t from, uint32_t to)
{
	return p->params.persistent || rg_block_len(p, from, to);
}

void rg_block_own(struct rg_gen *g)
{
	struct rg_gen_piece src = rg_block_src(g->problem, g->rank, g->rank);

	if (!g->problem->in_place)
		rg_gen_copy(g, (struct rg_ref){RG_BUF_DST, g->rank},
			    rg_block_dst(g->problem, g->rank, g->rank).off,
			    (struct rg_ref){RG_BUF_SRC, g->rank}, src.off, src.len);
}

void rg_block_own_slice(struct rg_gen *g, uint64_t i)
{
	struct rg_gen_piece src = rg_block_src_slice(g->problem, g->rank, g->rank, i);

	if (!g->problem->in_place)
		rg_gen_copy(g, (struct rg_ref){RG_BUF_DST, g->rank},
			    rg_block_dst_slice(g->problem, g->rank, g->rank, i).off,
			    (struct rg_ref){RG_BUF_SRC, g->rank}, src.off, src.len);
}

int rg_alltoall_check(const struct rg_algorithm *algorithm, const struct rg_problem *p,
		      uint32_t max_ranks, struct rg_err *err)
{
	int rc = rg_gen_check(algorithm, p, max_ranks, err);

	if (!rc && p->in_place && p->coll == RG_COLL_ALLTOALLV)
		rc = rg_matrix_check_in_place(p->counts, p->layout.nranks, err);
	return rc;
}
