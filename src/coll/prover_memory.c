/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "prover_state.h"

#include "railgauge/base/matrix.h"
#include "railgauge/base/mem.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *const region_names[] = {"source", "destination", "scratch"};

static struct region *region_of(const struct prover *p, uint32_t rank, uint32_t pair,
				enum region_kind kind)
{
	return &p->regions[((size_t)rank * p->pairs + pair) * 2 + kind];
}

int rg_prover_open_memory(struct prover *p)
{
	uint64_t most[2];

	p->regions = rg_zalloc((size_t)p->nranks * p->pairs * 2, sizeof(*p->regions));
	if (!p->regions)
		return rg_prover_no_memory(p);
	for (uint32_t pair = 0; pair < p->pairs; pair++) {
		most[REGION_SRC] = most[REGION_DST] = 1;
		for (uint32_t i = pair; i < p->nops; i += p->pairs) {
			const struct plan *o = &p->plans[i];

			if (most[REGION_SRC] < o->src_n)
				most[REGION_SRC] = o->src_n;
			if (most[REGION_DST] < o->dst_n)
				most[REGION_DST] = o->dst_n;
		}
		for (uint32_t i = 0; i < p->nranks * 2; i++) {
			struct region *g = region_of(p, i / 2, pair, i % 2);

			*g = (struct region){.kind = i % 2, .rank = i / 2, .pair = pair};
			g->cells = rg_zalloc(most[i % 2], sizeof(*g->cells));
			if (!g->cells)
				return rg_prover_no_memory(p);
			g->n = most[i % 2];
		}
	}
	return 0;
}

void rg_prover_close_memory(struct prover *p)
{
	for (uint32_t i = 0; p->regions && i < p->nranks * p->pairs * 2; i++)
		rg_free(p->regions[i].cells);
	rg_free(p->regions);
}

int rg_prover_open_tmp(struct prover *p, struct rank *r, uint64_t tmp_bytes)
{
	uint64_t n = (tmp_bytes + p->elem_bytes - 1) / p->elem_bytes;

	for (uint64_t i = 0; i < r->tmp.n; i++) {
		if (r->tmp.cells[i].read & ACCESS_SHARED)
			rg_prover_drop_vector(p, (uint32_t)r->tmp.cells[i].read);
	}
	rg_free(r->tmp.cells);
	r->tmp = (struct region){.kind = REGION_TMP, .rank = r->id};
	if (!n)
		return 0;
	r->tmp.cells = rg_zalloc(n, sizeof(*r->tmp.cells));
	if (!r->tmp.cells)
		return rg_prover_no_memory(p);
	r->tmp.n = n;
	return 0;
}

struct words rg_prover_element(const struct region *region, uint64_t i)
{
	struct words w;

	if (region->kind == REGION_TMP)
		snprintf(w.text, sizeof(w.text), "element %" PRIu64 " of its scratch", i);
	else
		snprintf(w.text, sizeof(w.text),
			 "element %" PRIu64 " of the %s of rank %u (pair %u)", i,
			 region_names[region->kind], region->rank, region->pair);
	return w;
}

struct words rg_prover_party(const struct prover *p, uint64_t access)
{
	struct words w;

	snprintf(w.text, sizeof(w.text), "%srank %u in operation %u",
		 access & ACCESS_USER ? "the user of " : "", ACCESS_AGENT(access) / p->channels,
		 ACCESS_OP(access));
	return w;
}

int rg_prover_resolve(struct prover *p, struct rg_ref ref, bool write, uint64_t off_bytes,
		      uint64_t n, struct region **region_out, uint64_t *first_out)
{
	const struct plan *o = &p->plans[p->rank->op];
	const struct rg_problem *problem = o->problem;
	bool reads = problem->params.protocol == RG_PROTOCOL_READ;
	bool src = ref.buf == RG_BUF_SRC;
	uint64_t first = off_bytes / p->elem_bytes;
	uint64_t room = src ? rg_problem_src_count(problem, ref.rank)
			    : rg_problem_dst_count(problem, ref.rank);

	if (ref.buf == RG_BUF_TMP) {
		if (ref.rank != p->rank->id)
			return rg_prover_wrong(p, "names the scratch of rank %u", ref.rank);
		room = p->rank->tmp.n;
	} else if (ref.rank != p->rank->id && reads) {
		if (write)
			return rg_prover_wrong(
				p, "writes into memory of rank %u, which it may read", ref.rank);
	} else if (ref.rank != p->rank->id && problem->access != RG_ACCESS_WINDOW) {
		return rg_prover_wrong(p, "reaches into private memory of rank %u", ref.rank);
	} else if (ref.rank != p->rank->id && (src ? o->src_at : o->dst_at)) {
		return rg_prover_wrong(p,
				       "names the block of rank %u in place, which is not at the "
				       "same offset on all ranks; its larger buffer is",
				       ref.rank);
	} else if (src && write) {
		return rg_prover_wrong(p, "writes the source of rank %u", ref.rank);
	}
	/* A huge offset stands for one before the beginning. */
	if (first > room || n > room - first)
		return rg_prover_wrong(p,
				       "%s elements %" PRIu64 " to %" PRIu64
				       " of the %s of rank %u, which has %" PRIu64,
				       write ? "writes" : "reads", first, first + n,
				       ref.buf == RG_BUF_TMP ? "scratch"
				       : src		     ? "source"
							     : "destination",
				       ref.rank, room);
	if (ref.buf == RG_BUF_TMP) {
		*region_out = (struct region *)&p->rank->tmp;
		*first_out = first;
		return 0;
	}
	*region_out = region_of(p, ref.rank, o->pair, src ? o->src_in : o->dst_in);
	/* In place, blocks of the rank itself begin at its own index. */
	*first_out = first + (src ? o->src_at : o->dst_at) * ref.rank;
	return 0;
}

/* The user writes or reads n elements. Before the start (first) nothing can be in the way. */
static int user_access(struct prover *p, const struct rank *r, struct region *g, uint64_t first,
		       uint64_t n, bool write)
{
	uint32_t agent = rg_prover_agent(p, r->id, 0);
	uint64_t now = rg_prover_now(p, agent) | ACCESS_USER;

	for (uint64_t i = first; i < first + n; i++) {
		uint64_t other = write ? rg_prover_write(p, &g->cells[i], agent, now)
				       : rg_prover_read(p, &g->cells[i], agent, now);

		if (other == NO_ROOM)
			return RG_ERR_NO_MEMORY;
		if (other)
			return rg_prover_wrong(p, "the user %s %s while %s may still be using it",
					       write ? "overwrites" : "reads",
					       rg_prover_element(g, i).text,
					       rg_prover_party(p, other).text);
		if (write)
			g->cells[i].value = (struct value){0};
	}
	p->report.races_checked += n;
	return 0;
}

/* The user overwrites a buffer of operation o; in place, what the larger one covers. */
static int user_clear(struct prover *p, const struct rank *r, const struct plan *o,
		      enum region_kind kind)
{
	bool src = kind == REGION_SRC;
	struct region *g = region_of(p, r->id, o->pair, src ? o->src_in : o->dst_in);
	uint64_t n = src ? o->src_n : o->dst_n;

	if (o->src_in == o->dst_in)
		n = o->src_n > o->dst_n ? o->src_n : o->dst_n;
	return user_access(p, r, g, 0, n, true);
}

static void fill_source(struct prover *p, const struct rank *r, uint32_t op)
{
	const struct plan *o = &p->plans[op];
	struct cell *cells = region_of(p, r->id, o->pair, o->src_in)->cells;

	cells += o->src_at * r->id;
	for (uint64_t i = 0; i < rg_problem_src_count(o->problem, r->id); i++)
		cells[i].value = (struct value){
			.ranks = UINT64_C(1) << r->id,
			.order = rg_prover_leaf(r->id),
			.index = (uint32_t)i,
			.op = (uint8_t)op,
		};
}

/*
 * The destination is handed over when plan->handed_at is entered, the source is filled when the
 * operation itself is; in place both happen with the hand-over.
 */
int rg_prover_user_before(struct prover *p, const struct rank *r)
{
	int rc = 0;

	for (uint32_t i = r->op; i < p->nops && !rc; i++) {
		const struct plan *o = &p->plans[i];
		bool in_place = o->src_in == o->dst_in;

		if (o->handed_at == r->op)
			rc = user_clear(p, r, o, REGION_DST);
		if (!rc && i == r->op && !in_place)
			rc = user_clear(p, r, o, REGION_SRC);
		if (!rc && (in_place ? o->handed_at : i) == r->op)
			fill_source(p, r, i);
	}
	return rc;
}

/* What was handed over before the start: the memory is as it was made. */
void rg_prover_user_start(struct prover *p, const struct rank *r)
{
	for (uint32_t i = 0; i < p->nops; i++) {
		const struct plan *o = &p->plans[i];

		if (o->handed_at == NEVER && o->src_in == o->dst_in)
			fill_source(p, r, i);
	}
}

/* Where element i of rank r's destination of an all-to-all-v comes from. */
static void find_origin(const struct rg_problem *m, uint32_t r, uint64_t i, uint32_t *from_out,
			uint64_t *index_out)
{
	uint32_t n = m->layout.nranks, from = 0;

	while (i >= rg_matrix_at(m->counts, n, from, r))
		i -= rg_matrix_at(m->counts, n, from++, r);
	*from_out = from;
	*index_out = rg_matrix_src_at(m->counts, n, from, r) + i;
}

/* What element i of rank r's destination must be. */
static struct value expected(const struct prover *p, uint32_t op, uint32_t r, uint64_t i)
{
	const struct plan *o = &p->plans[op];
	uint64_t count = o->problem->count;
	uint32_t n = p->nranks, from = r;
	uint64_t index = i;

	switch (o->algorithm->coll) {
	case RG_COLL_ALLREDUCE:
	case RG_COLL_REDUCE:
	case RG_COLL_REDUCESCATTER:
		return (struct value){
			.ranks = n == 64 ? UINT64_MAX : (UINT64_C(1) << n) - 1,
			.index = (uint32_t)(o->algorithm->coll == RG_COLL_REDUCESCATTER
						    ? r * count + i
						    : i),
			.op = (uint8_t)op,
			.divided = n > 1,
		};
	case RG_COLL_ALLGATHER:
	case RG_COLL_GATHER:
		from = (uint32_t)(i / count);
		index = i % count;
		break;
	case RG_COLL_ALLTOALL:
		from = (uint32_t)(i / count);
		index = r * count + i % count;
		break;
	case RG_COLL_ALLTOALLV:
		find_origin(o->problem, r, i, &from, &index);
		break;
	case RG_COLL_SCATTER:
		from = o->problem->root;
		index = r * count + i;
		break;
	case RG_COLL_BROADCAST:
		from = o->problem->root;
		break;
	case RG_COLL_SENDRECV:
		from = (r + n - 1) % n;
		break;
	case RG_COLL_BARRIER:
	case RG_COLL_COUNT:
		break;
	}
	return (struct value){
		.ranks = UINT64_C(1) << from, .index = (uint32_t)index, .op = (uint8_t)op};
}

/* Is the order of combination what the row promises? */
static int check_order(struct prover *p, const struct plan *o, uint64_t i, uint64_t order)
{
	bool in_rank_order = !strcmp(o->algorithm->order, "rank order");
	uint64_t want = rg_prover_leaf(0);

	if (o->orders && !o->orders[i])
		o->orders[i] = order;
	if (o->orders && o->orders[i] != order)
		return rg_prover_wrong(p,
				       "element %" PRIu64 " is combined in another order than on "
				       "the ranks before",
				       i);
	if (!in_rank_order || p->nranks == 1)
		return 0;
	want = 0;
	for (uint32_t r = 0; r < p->nranks; r++)
		want = rg_prover_combine(want, rg_prover_leaf(r));
	if (order != want)
		return rg_prover_wrong(p, "element %" PRIu64 " is not combined in rank order", i);
	return 0;
}

static int check_value(struct prover *p, const struct rank *r, uint64_t i, const struct value *got)
{
	struct value want = expected(p, r->op, r->id, i);

	if (!got->ranks)
		return rg_prover_wrong(
			p, "element %" PRIu64 " of the destination was never written", i);
	if (got->ranks != want.ranks || got->index != want.index || got->op != want.op)
		return rg_prover_wrong(
			p,
			"element %" PRIu64 " of the destination is element %u of "
			"operation %u, ranks 0x%" PRIx64
			"; it should be element %u of operation %u, ranks 0x%" PRIx64,
			i, got->index, got->op, got->ranks, want.index, want.op, want.ranks);
	if (got->divided != want.divided)
		return rg_prover_wrong(p, "element %" PRIu64 " of the destination was %s", i,
				       got->divided ? "divided by the number of ranks"
						    : "never divided by the number of ranks");
	return rg_coll_reduces(p->plans[r->op].algorithm->coll)
		       ? check_order(p, &p->plans[r->op], i, got->order)
		       : 0;
}

int rg_prover_user_after(struct prover *p, const struct rank *r)
{
	const struct plan *o = &p->plans[r->op];
	struct region *g = region_of(p, r->id, o->pair, o->dst_in);
	uint64_t first = o->dst_at * r->id, n = rg_problem_dst_count(o->problem, r->id);
	int rc = user_access(p, r, g, first, n, false);

	for (uint64_t i = 0; i < n && !rc; i++)
		rc = check_value(p, r, i, &g->cells[first + i].value);
	if (!rc)
		rc = user_clear(p, r, o, REGION_DST);
	if (!rc && o->src_in != o->dst_in)
		rc = user_clear(p, r, o, REGION_SRC);
	return rc;
}
