/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/coll/problem.h"

const char *const rg_protocol_words[] = {"slot", "word", "window", "read", NULL};

const char *rg_protocol_name(enum rg_protocol protocol)
{
	return rg_protocol_words[protocol];
}

uint64_t rg_problem_src_count(const struct rg_problem *p, uint32_t rank)
{
	if (!rg_coll_has_src(p->coll, rank, p->root))
		return 0;
	return rg_coll_src_count(p->coll, p->count, p->layout.nranks);
}

uint64_t rg_problem_dst_count(const struct rg_problem *p, uint32_t rank)
{
	if (!rg_coll_has_dst(p->coll, rank, p->root))
		return 0;
	return rg_coll_dst_count(p->coll, p->count, p->layout.nranks);
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
