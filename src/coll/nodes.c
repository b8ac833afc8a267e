/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "nodes.h"

#include "railgauge/base/mem.h"

#include <stdlib.h>

static uint32_t of(const uint32_t *array, uint32_t rank, uint32_t without)
{
	return array ? array[rank] : without;
}

/* Open hashing of the layout's names of nodes, whatever they are. */
struct names {
	const uint32_t *node; /* borrowed, [nranks] */
	uint32_t *slots;      /* owned, [nslots]: 1 + the first rank of a node, 0 for none */
	uint32_t nslots;      /* a power of two */
};

/* The first rank on the node of this one, which is looked at after all before it. */
static uint32_t first_rank(struct names *names, uint32_t rank)
{
	uint32_t i = (names->node[rank] * 0x9e3779b9u >> 7) & (names->nslots - 1);

	while (names->slots[i] && names->node[names->slots[i] - 1] != names->node[rank])
		i = (i + 1) & (names->nslots - 1);
	if (!names->slots[i])
		names->slots[i] = rank + 1;
	return names->slots[i] - 1;
}

/* Fills node, and size; members are not known yet. */
static void number_nodes(const struct rg_layout *l, struct names *names, struct rg_nodes *out)
{
	for (uint32_t r = 0; r < l->nranks; r++) {
		uint32_t first = 0;

		if (l->node && r && l->node[r] == l->node[r - 1])
			first = r - 1;
		else if (l->node)
			first = first_rank(names, r);
		if (first == r)
			out->size[out->nnodes] = 0;
		out->node[r] = first == r ? out->nnodes++ : out->node[first];
		out->size[out->node[r]]++;
	}
}

/* A member, and by what they are ordered. */
struct member {
	uint32_t rail, local, rank;
};

static struct member member_of(const struct rg_layout *l, uint32_t rank)
{
	return (struct member){of(l->rail, rank, rank), of(l->local, rank, rank), rank};
}

static int order(const void *a, const void *b)
{
	const struct member *x = a, *y = b;

	if (x->rail != y->rail)
		return x->rail < y->rail ? -1 : 1;
	if (x->local != y->local)
		return x->local < y->local ? -1 : 1;
	return x->rank < y->rank ? -1 : x->rank > y->rank;
}

/* Orders the members of a node, which are mostly in order already. room: [n]. */
static void sort(const struct rg_layout *l, uint32_t *members, uint32_t n, struct member *room)
{
	bool sorted = true;

	for (uint32_t k = 0; k < n; k++) {
		room[k] = member_of(l, members[k]);
		sorted = sorted && (k == 0 || order(&room[k - 1], &room[k]) < 0);
	}
	if (sorted)
		return;
	qsort(room, n, sizeof(*room), order);
	for (uint32_t k = 0; k < n; k++)
		members[k] = room[k].rank;
}

static void list_members(const struct rg_layout *l, struct rg_nodes *out, struct member *room)
{
	uint32_t n = 0;

	out->smallest = l->nranks;
	for (uint32_t k = 0; k < out->nnodes; k++) {
		uint32_t size = out->size[k];

		out->first[k] = n;
		n += size;
		out->smallest = out->smallest < size ? out->smallest : size;
		out->largest = out->largest > size ? out->largest : size;
		out->size[k] = 0; /* counted again */
	}
	for (uint32_t r = 0; r < l->nranks; r++)
		out->members[out->first[out->node[r]] + out->size[out->node[r]]++] = r;
	for (uint32_t k = 0; k < out->nnodes; k++) {
		uint32_t *members = out->members + out->first[k];

		sort(l, members, out->size[k], room);
		for (uint32_t i = 0; i < out->size[k]; i++)
			out->index[members[i]] = i;
	}
}

int rg_nodes_open(const struct rg_layout *l, struct rg_nodes *out, struct rg_err *err)
{
	struct names names = {.node = l->node, .nslots = 1};
	uint32_t n = l->nranks;
	uint32_t *room = rg_alloc(5 * (size_t)n * sizeof(*room));
	struct member *members = rg_alloc(n * sizeof(*members));
	int rc = 0;

	while (names.nslots < 2 * n)
		names.nslots *= 2;
	names.slots = rg_zalloc(l->node ? names.nslots : 1, sizeof(*names.slots));
	*out = (struct rg_nodes){.nranks = n};
	if (room && members && names.slots) {
		out->size = room;
		out->first = room + n;
		out->members = room + 2 * (size_t)n;
		out->node = room + 3 * (size_t)n;
		out->index = room + 4 * (size_t)n;
		number_nodes(l, &names, out);
		list_members(l, out, members);
	} else {
		rg_free(room);
		rc = rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for the nodes of %u ranks", n);
	}
	rg_free(members);
	rg_free(names.slots);
	return rc;
}

void rg_nodes_close(struct rg_nodes *nodes)
{
	rg_free(nodes->size);
	*nodes = (struct rg_nodes){0};
}

uint32_t rg_nodes_alike(const struct rg_nodes *nodes)
{
	uint32_t each = nodes->largest;

	if (nodes->smallest != each)
		return 0;
	for (uint32_t r = 0; r < nodes->nranks; r++) {
		if (nodes->node[r] != r / each || nodes->index[r] != nodes->index[r % each])
			return 0;
	}
	return each;
}
