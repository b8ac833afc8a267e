/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "assign.h"

#include "railgauge/base/mem.h"

#include <stdbool.h>
#include <string.h>

/*
 * Nodes of the residual graph: the adapters, the links, the sink. prev is the node before on the
 * shortest path so far (SOURCE: the rank that is being placed), via the rank that moves on that
 * edge (NOBODY: none does).
 */
#define SOURCE UINT32_MAX
#define NOBODY UINT32_MAX

struct node {
	struct assign_cost cost;
	bool reached;
	uint32_t prev;
	uint32_t via;
};

/* The cheapest way to make room on an adapter by moving one of its ranks to another adapter. */
struct move {
	struct assign_cost cost;
	uint32_t rank; /* NOBODY: the adapter has no rank */
};

struct solver {
	const struct assign_problem *p;
	uint32_t *nic;	     /* [nranks], of the ranks placed so far; borrowed */
	uint32_t nplaced;    /* ranks 0 .. nplaced - 1 */
	struct node *nodes;  /* [nnics + nlinks + 1] */
	struct move *moves;  /* [nnics][nnics] */
	uint32_t *nic_load;  /* [nnics] */
	uint32_t *link_load; /* [nlinks] */
};

int assign_compare(const struct assign_cost *a, const struct assign_cost *b)
{
	for (int i = 0; i < ASSIGN_PARTS; i++) {
		if (a->part[i] != b->part[i])
			return a->part[i] < b->part[i] ? -1 : 1;
	}
	return 0;
}

static struct assign_cost add(struct assign_cost a, const struct assign_cost *b)
{
	for (int i = 0; i < ASSIGN_PARTS; i++)
		a.part[i] += b->part[i];
	return a;
}

/* What a rank itself costs on an adapter, less what it costs on another (if any). */
static struct assign_cost rank_cost(const struct assign_problem *p, uint32_t rank, uint32_t to,
				    uint32_t from)
{
	const int64_t *dist = p->dist + (size_t)rank * p->nnics;
	const int64_t *rail = p->rail + (size_t)rank * p->nnics;
	struct assign_cost c = {.part = {dist[to], 0, 0, rail[to]}};

	if (from != SOURCE) {
		c.part[0] -= dist[from];
		c.part[3] -= rail[from];
	}
	return c;
}

static void relax(struct solver *s, uint32_t from, uint32_t to, const struct assign_cost *edge,
		  uint32_t via, bool *changed)
{
	struct node *t = &s->nodes[to];
	struct assign_cost c = *edge;

	if (from != SOURCE) {
		if (!s->nodes[from].reached)
			return;
		c = add(c, &s->nodes[from].cost);
	}
	if (t->reached && assign_compare(&c, &t->cost) >= 0)
		return;
	*t = (struct node){.cost = c, .reached = true, .prev = from, .via = via};
	*changed = true;
}

static void prepare(struct solver *s)
{
	const struct assign_problem *p = s->p;

	memset(s->nic_load, 0, p->nnics * sizeof(*s->nic_load));
	memset(s->link_load, 0, p->nlinks * sizeof(*s->link_load));
	memset(s->nodes, 0, ((size_t)p->nnics + p->nlinks + 1) * sizeof(*s->nodes));
	for (size_t i = 0; i < (size_t)p->nnics * p->nnics; i++)
		s->moves[i].rank = NOBODY;
	for (uint32_t r = 0; r < s->nplaced; r++) {
		uint32_t a = s->nic[r];

		s->nic_load[a]++;
		s->link_load[p->link[a]]++;
		for (uint32_t b = 0; b < p->nnics; b++) {
			struct move *m = &s->moves[(size_t)a * p->nnics + b];
			struct assign_cost c = rank_cost(p, r, b, a);

			if (a != b && (m->rank == NOBODY || assign_compare(&c, &m->cost) < 0))
				*m = (struct move){.cost = c, .rank = r};
		}
	}
}

/* All edges once. A load of n ranks costs n^2: one more costs 2n + 1, one less saves 2n - 1. */
static bool relax_all(struct solver *s)
{
	const struct assign_problem *p = s->p;
	uint32_t sink = p->nnics + p->nlinks;
	bool changed = false;

	for (uint32_t a = 0; a < p->nnics; a++) {
		uint32_t link = p->nnics + p->link[a];
		struct assign_cost more = {.part = {0, 2 * (int64_t)s->nic_load[a] + 1, 0, 0}};
		struct assign_cost less = {.part = {0, 1 - 2 * (int64_t)s->nic_load[a], 0, 0}};

		for (uint32_t b = 0; b < p->nnics; b++) {
			const struct move *m = &s->moves[(size_t)a * p->nnics + b];

			if (m->rank != NOBODY)
				relax(s, a, b, &m->cost, m->rank, &changed);
		}
		relax(s, a, link, &more, NOBODY, &changed);
		if (s->nic_load[a])
			relax(s, link, a, &less, NOBODY, &changed);
	}
	for (uint32_t l = 0; l < p->nlinks; l++) {
		struct assign_cost more = {.part = {0, 0, 2 * (int64_t)s->link_load[l] + 1, 0}};

		relax(s, p->nnics + l, sink, &more, NOBODY, &changed);
	}
	return changed;
}

static void place_next(struct solver *s)
{
	const struct assign_problem *p = s->p;
	uint32_t rank = s->nplaced;
	uint32_t at = p->nnics + p->nlinks;
	bool changed = false;

	prepare(s);
	for (uint32_t a = 0; a < p->nnics; a++) {
		struct assign_cost c = rank_cost(p, rank, a, SOURCE);

		relax(s, SOURCE, a, &c, rank, &changed);
	}
	/* Ends: shortest paths before leave no negative cycle. */
	while (relax_all(s))
		;
	for (; at != SOURCE; at = s->nodes[at].prev) {
		if (s->nodes[at].via != NOBODY)
			s->nic[s->nodes[at].via] = at;
	}
	s->nplaced++;
}

int assign_solve(const struct assign_problem *p, uint32_t *nic_out, struct rg_err *err)
{
	struct solver s = {.p = p, .nic = nic_out};
	int rc = 0;

	s.nodes = rg_zalloc((size_t)p->nnics + p->nlinks + 1, sizeof(*s.nodes));
	s.moves = rg_zalloc((size_t)p->nnics * p->nnics, sizeof(*s.moves));
	s.nic_load = rg_zalloc(p->nnics, sizeof(*s.nic_load));
	s.link_load = rg_zalloc(p->nlinks, sizeof(*s.link_load));
	if (s.nodes && s.moves && s.nic_load && s.link_load) {
		while (s.nplaced < p->nranks)
			place_next(&s);
	} else {
		rc = rg_err_set(err, RG_ERR_NO_MEMORY, "no memory to assign adapters to ranks");
	}
	rg_free(s.link_load);
	rg_free(s.nic_load);
	rg_free(s.moves);
	rg_free(s.nodes);
	return rc;
}

int assign_cost_of(const struct assign_problem *p, const uint32_t *nic, struct assign_cost *out,
		   struct rg_err *err)
{
	struct assign_cost c = {0};
	int64_t *load = rg_zalloc((size_t)p->nnics + p->nlinks, sizeof(*load));

	if (!load)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory to assign adapters to ranks");
	for (uint32_t r = 0; r < p->nranks; r++) {
		struct assign_cost own = rank_cost(p, r, nic[r], SOURCE);

		c = add(c, &own);
		load[nic[r]]++;
		load[p->nnics + p->link[nic[r]]]++;
	}
	for (uint32_t i = 0; i < p->nnics + p->nlinks; i++)
		c.part[i < p->nnics ? 1 : 2] += load[i] * load[i];
	rg_free(load);
	*out = c;
	return 0;
}
