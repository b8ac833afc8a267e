/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "pull.h"

#include "railgauge/device/reduce.h"

void rg_pull_copy(struct rg_gen *g, enum rg_buf to, uint64_t dst_off, uint32_t peer,
		  uint64_t src_off, uint64_t len_bytes)
{
	rg_gen_copy(g, (struct rg_ref){to, g->rank}, dst_off, (struct rg_ref){RG_BUF_SRC, peer},
		    src_off, len_bytes);
}

/*
 * One piece. A move has one offset and one stride for all its sources. With two ranks they reach
 * both the peer's piece at the start of scratch and the own one where it is; with more, the own
 * piece is copied beside the others.
 */
static void reduce_piece(struct rg_gen *g, uint64_t dst_off, uint64_t src_off, uint64_t len_bytes)
{
	uint64_t slice = rg_gen_slice_bytes(g->problem);
	const struct rg_ref dst = {RG_BUF_DST, g->rank};
	struct rg_ref src[RG_REDUCE_MAX];
	struct rg_gen_move m = {
		.src = src,
		.nsrc = g->nranks,
		.dst = &dst,
		.ndst = 1,
		.src_stride = (int64_t)slice,
		.dst_off = dst_off,
		.len_bytes = len_bytes,
		.last = true,
	};

	for (uint32_t r = 0; r < g->nranks; r++)
		src[r] = (struct rg_ref){RG_BUF_TMP, g->rank};
	if (g->nranks == 2) {
		bool first = g->rank == 0;

		src[g->rank].buf = RG_BUF_SRC;
		m.src_off = first ? src_off : 0;
		m.src_stride = first ? -(int64_t)src_off : (int64_t)src_off;
		rg_pull_copy(g, RG_BUF_TMP, 0, !g->rank, src_off, len_bytes);
	} else {
		for (uint32_t k = 0; k < g->nranks; k++) {
			uint32_t r = (g->rank + k) % g->nranks;

			rg_pull_copy(g, RG_BUF_TMP, r * slice, r, src_off, len_bytes);
		}
	}
	rg_gen_move(g, &m);
}

void rg_pull_reduce(struct rg_gen *g, uint64_t dst_off, uint64_t src_off, uint64_t len_bytes)
{
	g->tmp_bytes = rg_gen_slice_bytes(g->problem) * (g->nranks == 2 ? 1 : g->nranks);
	for (uint64_t i = 0; i < rg_gen_nslices(g->problem, len_bytes); i++) {
		struct rg_gen_piece piece = rg_gen_slice(g->problem, len_bytes, i);

		reduce_piece(g, dst_off + piece.off, src_off + piece.off, piece.len);
	}
}

/* Two pieces, so that the next one is read while `to` is late with the one before. */
void rg_pull_exchange(struct rg_gen *g, uint32_t from, uint32_t to, uint64_t dst_off,
		      uint64_t src_off, uint64_t len_bytes)
{
	uint64_t slice = rg_gen_slice_bytes(g->problem), n = rg_gen_nslices(g->problem, len_bytes);

	g->tmp_bytes = 2 * slice;
	for (uint64_t i = 0; i <= n; i++) {
		struct rg_gen_piece next = rg_gen_slice(g->problem, len_bytes, i), last;

		if (i < n) {
			rg_pull_copy(g, RG_BUF_TMP, i % 2 * slice, from, src_off + next.off,
				     next.len);
			rg_gen_sync_signal(g, from);
		}
		if (!i)
			continue;
		last = rg_gen_slice(g->problem, len_bytes, i - 1);
		rg_gen_sync_wait(g, to);
		rg_gen_copy(g, (struct rg_ref){RG_BUF_DST, g->rank}, dst_off + last.off,
			    (struct rg_ref){RG_BUF_TMP, g->rank}, (i - 1) % 2 * slice, last.len);
	}
}

void rg_pull_done(struct rg_gen *g)
{
	rg_gen_signal_all(g, RG_CTR_DONE);
	rg_gen_wait_all(g, RG_CTR_DONE, 0);
}

uint64_t rg_pull_sent_bytes(const struct rg_problem *problem)
{
	return 0;
}
