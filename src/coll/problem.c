/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/coll/problem.h"

#include "railgauge/base/matrix.h"

const char *const rg_protocol_words[] = {"slot", "word", "window", "read", NULL};

const char *rg_protocol_name(enum rg_protocol protocol)
{
	return rg_protocol_words[protocol];
}

uint64_t rg_problem_src_count(const struct rg_problem *p, uint32_t rank)
{
	if (!rg_coll_has_src(p->coll, rank, p->root))
		return 0;
	if (p->coll == RG_COLL_ALLTOALLV)
		return rg_matrix_sent(p->counts, p->layout.nranks, rank);
	return rg_coll_src_count(p->coll, p->count, p->layout.nranks);
}

uint64_t rg_problem_dst_count(const struct rg_problem *p, uint32_t rank)
{
	if (!rg_coll_has_dst(p->coll, rank, p->root))
		return 0;
	if (p->coll == RG_COLL_ALLTOALLV)
		return rg_matrix_received(p->counts, p->layout.nranks, rank);
	return rg_coll_dst_count(p->coll, p->count, p->layout.nranks);
}

uint64_t rg_problem_message_bytes(const struct rg_problem *p)
{
	uint32_t n = p->layout.nranks;
	uint64_t most = 0;

	if (p->coll != RG_COLL_ALLTOALLV)
		return rg_problem_block_bytes(p);
	for (uint32_t from = 0; from < n; from++) {
		for (uint32_t to = 0; to < n; to++) {
			uint64_t count = from == to ? 0 : rg_matrix_at(p->counts, n, from, to);

			most = most > count ? most : count;
		}
	}
	return most * p->elem_bytes;
}

void rg_part(uint64_t len, uint32_t n, uint32_t i, uint64_t *first_out, uint64_t *count_out)
{
	uint64_t unit = len >= (uint64_t)64 * n ? 64 : 1;
	uint64_t units = (len + unit - 1) / unit;
	uint64_t each = units / n, extra = units % n;
	uint64_t first = (each * i + (i < extra ? i : extra)) * unit;
	uint64_t end = first + (each + (i < extra)) * unit;

	if (first > len)
		first = len;
	if (end > len)
		end = len;
	*first_out = first;
	*count_out = end - first;
}
