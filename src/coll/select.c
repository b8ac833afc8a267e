/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The default choice of algorithm and protocol.
 *
 * Rows are tried in order; the first one that fits the collective, the access, the number of ranks
 * and the size, and whose algorithm accepts the problem, is taken. The limits are measured on two
 * and four ranks within one node; `railgauge tune` replaces them by measurements of the machine at
 * hand.
 */
#include "config.h"

#include "railgauge/coll/schedule.h"

struct rule {
	enum rg_coll coll;
	enum rg_access access;
	uint32_t max_ranks;
	uint64_t max_bytes; /* S of base/collective.h */
	const char *algorithm;
	enum rg_protocol protocol;
};

#define ANY UINT64_MAX

static const struct rule rules[] = {
	{RG_COLL_ALLREDUCE, RG_ACCESS_WINDOW, 8, 1024, "oneshot", RG_PROTOCOL_WORD},
	{RG_COLL_ALLREDUCE, RG_ACCESS_WINDOW, 64, ANY, "twoshot", RG_PROTOCOL_WINDOW},
	{RG_COLL_ALLREDUCE, RG_ACCESS_PRIVATE, 8, 1024, "oneshot", RG_PROTOCOL_WORD},
	{RG_COLL_ALLREDUCE, RG_ACCESS_PRIVATE, 8, 8192, "oneshot", RG_PROTOCOL_SLOT},
	{RG_COLL_ALLREDUCE, RG_ACCESS_PRIVATE, 64, ANY, "twoshot", RG_PROTOCOL_SLOT},
};

static uint64_t size_bytes(const struct rg_problem *p)
{
	uint64_t src = rg_coll_src_count(p->coll, p->count, p->layout.nranks);
	uint64_t dst = rg_coll_dst_count(p->coll, p->count, p->layout.nranks);

	return (src > dst ? src : dst) * p->elem_bytes;
}

int rg_algorithm_select(struct rg_problem *problem, const struct rg_algorithm **out,
			struct rg_err *err)
{
	uint64_t bytes = size_bytes(problem);

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		const struct rule *r = &rules[i];
		const struct rg_algorithm *a;
		struct rg_problem p = *problem;

		if (r->coll != problem->coll || r->access != problem->access ||
		    problem->layout.nranks > r->max_ranks || bytes > r->max_bytes)
			continue;
		p.params.protocol = r->protocol;
		p.params.channels = 1;
		if (rg_algorithm_find(r->coll, r->algorithm, &a, err) || a->check(&p, NULL))
			continue;
		problem->params = p.params;
		*out = a;
		return 0;
	}
	return rg_err_set(err, RG_ERR_UNSUPPORTED,
			  "no algorithm for %s over %u ranks on this transport",
			  rg_coll_name(problem->coll), problem->layout.nranks);
}
