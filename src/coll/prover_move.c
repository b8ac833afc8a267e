/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "prover_state.h"

#include "railgauge/base/mem.h"
#include "railgauge/device/reduce.h"

#include <inttypes.h>

/* A bijection that spreads bits: the finalizer of splitmix64. */
static uint64_t mix(uint64_t x)
{
	x += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

uint64_t rg_prover_leaf(uint32_t rank)
{
	return mix(rank + 1);
}

uint64_t rg_prover_combine(uint64_t hash, uint64_t order)
{
	return mix(hash * 3 + order);
}

/* One source of a move: values of a message, or cells. */
struct origin {
	const struct value *values;
	struct region *region; /* NULL: a message */
	uint64_t first;
};

static int check_overlap(struct prover *p, const struct rg_step *s, const struct region *region,
			 uint64_t first, const struct origin *from, uint64_t n)
{
	for (uint32_t k = 0; k < s->nsrc; k++) {
		const struct origin *o = &from[k];

		if (o->region == region && o->first != first && o->first < first + n &&
		    first < o->first + n)
			return rg_prover_wrong(p, "a move overlaps itself at %s",
					       rg_prover_element(region, first).text);
	}
	return 0;
}

/* READ: where the peer's memory is came with its ENTER, on the same channel. */
static int check_place(struct prover *p, const struct rg_step *s, const struct rg_ref *ref)
{
	const struct rg_problem *problem = p->plans[p->rank->op].problem;
	const struct link *in;

	if (problem->params.protocol != RG_PROTOCOL_READ || ref->buf == RG_BUF_TMP ||
	    ref->rank == p->rank->id)
		return 0;
	in = rg_prover_link(p, s->channel, ref->rank, p->rank->id);
	if (in->heard.now[RG_CTR_ENTER] > in->heard.start[RG_CTR_ENTER])
		return 0;
	return rg_prover_wrong(p,
			       "reads memory of rank %u without having waited for its ENTER, which "
			       "tells the place",
			       ref->rank);
}

static int find_origins(struct prover *p, const struct rg_step *s, uint64_t n, struct origin *from)
{
	int rc = 0;

	for (uint32_t k = 0; k < s->nsrc && !rc; k++) {
		uint64_t off = s->src_off + (uint64_t)(s->src_stride * (int64_t)k);

		from[k] = (struct origin){0};
		if (s->src[k].buf == RG_BUF_IN)
			rc = rg_prover_take(p, s, s->src[k].rank, &from[k].values);
		else
			rc = check_place(p, s, &s->src[k]);
		if (!rc && s->src[k].buf != RG_BUF_IN)
			rc = rg_prover_resolve(p, s->src[k], false, off, n, &from[k].region,
					       &from[k].first);
	}
	return rc;
}

/* Notes the read of element i of a source and returns its value. */
static int fetch(struct prover *p, const struct origin *o, uint64_t i, uint32_t agent,
		 struct value *out)
{
	struct cell *cell;
	uint64_t other;

	if (!o->region) {
		*out = o->values[i];
		return 0;
	}
	cell = &o->region->cells[o->first + i];
	other = rg_prover_read(p, cell, agent, rg_prover_now(p, agent));
	if (other == NO_ROOM)
		return RG_ERR_NO_MEMORY;
	if (other)
		return rg_prover_wrong(p, "reads %s while %s may be writing it",
				       rg_prover_element(o->region, o->first + i).text,
				       rg_prover_party(p, other).text);
	if (!cell->value.ranks)
		return rg_prover_wrong(p, "reads %s, where nothing was written",
				       rg_prover_element(o->region, o->first + i).text);
	*out = cell->value;
	return 0;
}

static int join(struct prover *p, struct value *acc, const struct value *v)
{
	if (acc->ranks & v->ranks)
		return rg_prover_wrong(p,
				       "reduces element %u of rank %d of operation %u twice "
				       "(ranks 0x%" PRIx64 " and 0x%" PRIx64 ")",
				       v->index, __builtin_ctzll(acc->ranks & v->ranks), v->op,
				       acc->ranks, v->ranks);
	if (acc->op != v->op || acc->index != v->index)
		return rg_prover_wrong(p,
				       "reduces element %u of operation %u with element %u of "
				       "operation %u",
				       acc->index, acc->op, v->index, v->op);
	if (acc->divided || v->divided)
		return rg_prover_wrong(p, "reduces element %u after it was divided", v->index);
	acc->ranks |= v->ranks;
	acc->order = rg_prover_combine(acc->order, v->order);
	return 0;
}

static int gather(struct prover *p, const struct rg_step *s, const struct origin *from, uint64_t n)
{
	uint32_t agent = rg_prover_agent(p, p->rank->id, s->channel);
	bool last = s->flags & RG_STEP_LAST;
	int rc = 0;

	for (uint64_t i = 0; i < n && !rc; i++) {
		struct value v, *acc = &p->acc[i];

		rc = fetch(p, &from[0], i, agent, acc);
		if (!rc && s->nsrc > 1)
			acc->order = rg_prover_combine(0, acc->order);
		for (uint32_t k = 1; k < s->nsrc && !rc; k++) {
			rc = fetch(p, &from[k], i, agent, &v);
			if (!rc)
				rc = join(p, acc, &v);
		}
		if (!rc && last && acc->divided)
			rc = rg_prover_wrong(p, "divides element %u twice", acc->index);
		if (!rc)
			acc->divided |= last;
	}
	p->report.races_checked += n * s->nsrc;
	return rc;
}

static int store(struct prover *p, const struct rg_step *s, struct rg_ref to,
		 const struct origin *from, uint64_t n)
{
	uint32_t agent = rg_prover_agent(p, p->rank->id, s->channel);
	uint64_t now = rg_prover_now(p, agent), first;
	struct region *g;
	int rc = rg_prover_resolve(p, to, true, s->dst_off, n, &g, &first);

	if (!rc)
		rc = check_overlap(p, s, g, first, from, n);
	for (uint64_t i = first; i < first + n && !rc; i++) {
		uint64_t other = rg_prover_write(p, &g->cells[i], agent, now);

		if (other)
			rc = rg_prover_wrong(p, "writes %s while %s may be using it",
					     rg_prover_element(g, i).text,
					     rg_prover_party(p, other).text);
		g->cells[i].value = p->acc[i - first];
	}
	p->report.races_checked += n;
	return rc;
}

static int grow_acc(struct prover *p, uint64_t n)
{
	struct value *acc;

	if (n <= p->acc_cap)
		return 0;
	acc = rg_realloc(p->acc, n * sizeof(*acc));
	if (!acc)
		return rg_prover_no_memory(p);
	p->acc = acc;
	p->acc_cap = n;
	return 0;
}

int rg_prover_move(struct prover *p, const struct rg_step *s, bool *ready_out)
{
	struct rank *r = &p->ranks[p->rank->id];
	uint64_t n = s->len_bytes / p->elem_bytes;
	struct origin from[RG_REDUCE_MAX];
	int rc;

	*ready_out = rg_prover_words_here(p, s);
	if (!*ready_out)
		return 0;
	rc = grow_acc(p, n);
	if (!rc)
		rc = find_origins(p, s, n, from);
	if (!rc)
		rc = gather(p, s, from, n);
	for (uint32_t k = 0; k < s->ndst && !rc; k++) {
		struct rg_ref to = s->dst[k];

		if (to.buf == RG_BUF_OUT)
			rc = rg_prover_put(p, s, to.rank, p->acc);
		else
			rc = store(p, s, to, from, n);
		if (to.buf == RG_BUF_OUT || to.rank != r->id)
			r->sent_bytes += s->len_bytes;
	}
	return rc;
}
