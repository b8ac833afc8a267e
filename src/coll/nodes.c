/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "nodes.h"

static uint32_t of(const uint32_t *array, uint32_t rank, uint32_t without)
{
	return array ? array[rank] : without;
}

/* Does rank a come before rank b in their node? */
static bool before(const struct rg_layout *l, uint32_t a, uint32_t b)
{
	uint32_t rail_a = of(l->rail, a, a), rail_b = of(l->rail, b, b);
	uint32_t local_a = of(l->local, a, a), local_b = of(l->local, b, b);

	if (rail_a != rail_b)
		return rail_a < rail_b;
	return local_a != local_b ? local_a < local_b : a < b;
}

void rg_nodes_of(const struct rg_layout *l, struct rg_nodes *out)
{
	uint32_t n = 0;

	out->nnodes = 0;
	out->smallest = l->nranks;
	for (uint32_t r = 0; r < l->nranks; r++) {
		uint32_t same = 0;

		while (same < r && of(l->node, same, 0) != of(l->node, r, 0))
			same++;
		if (same == r)
			out->size[out->nnodes] = 0;
		out->node[r] = same == r ? out->nnodes++ : out->node[same];
		out->size[out->node[r]]++;
	}
	for (uint32_t k = 0; k < out->nnodes; k++) {
		out->first[k] = n;
		n += out->size[k];
		out->smallest = out->smallest < out->size[k] ? out->smallest : out->size[k];
	}
	for (uint32_t r = 0; r < l->nranks; r++) {
		out->index[r] = 0;
		for (uint32_t other = 0; other < l->nranks; other++)
			out->index[r] += out->node[other] == out->node[r] && before(l, other, r);
		out->members[out->first[out->node[r]] + out->index[r]] = r;
	}
}
