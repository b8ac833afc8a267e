/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "prover_state.h"

#include "railgauge/base/matrix.h"
#include "railgauge/base/mem.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define NO_STEP UINT32_MAX

int rg_prover_wrong(struct prover *p, const char *fmt, ...)
{
	const struct plan *o = &p->plans[p->rank->op];
	char what[RG_ERR_TEXT_BYTES], step[32] = "the user";
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	if (p->step >= 0)
		snprintf(step, sizeof(step), "step %" PRId64, p->step);
	p->refused = true;
	return rg_err_set(p->err, RG_ERR_INTERNAL,
			  "%s %s (%s), %u ranks, %" PRIu64
			  " elements, operation %u, rank %u, %s: %s",
			  rg_coll_name(o->algorithm->coll), o->algorithm->name,
			  rg_protocol_name(o->problem->params.protocol), p->nranks,
			  o->problem->count, p->rank->op, p->rank->id, step, what);
}

int rg_prover_no_memory(struct prover *p)
{
	p->refused = true;
	return rg_err_set(p->err, RG_ERR_NO_MEMORY, "no memory to prove %u ranks", p->nranks);
}

int rg_prover_grow(struct prover *p, void *array, uint32_t *cap, uint64_t n, size_t each)
{
	void **a = array;
	uint64_t more = *cap ? *cap : 8;
	void *v;

	if (n <= *cap)
		return 0;
	while (more < n)
		more *= 2;
	if (more > UINT32_MAX)
		return rg_prover_no_memory(p);
	v = rg_realloc(*a, more * each);
	if (!v)
		return rg_prover_no_memory(p);
	memset((char *)v + *cap * each, 0, (more - *cap) * each);
	*a = v;
	*cap = (uint32_t)more;
	return 0;
}

static bool hands_over_early(const struct plan *o)
{
	return o->problem->params.protocol == RG_PROTOCOL_WINDOW && o->problem->params.persistent;
}

/* Where the destination is handed over, and whether its pair is then out of use. */
static int plan_hand_over(struct prover *p, uint32_t op, struct rg_err *err)
{
	struct plan *o = &p->plans[op];
	uint32_t i = op;

	o->handed_at = op;
	if (!hands_over_early(o))
		return 0;
	o->handed_at = NEVER;
	while (i > 0 && o->handed_at == NEVER) {
		const struct plan *before = &p->plans[--i];

		if (before->pair == o->pair)
			return rg_err_set(err, RG_ERR_INVALID,
					  "operations %u and %u use the same buffers, although "
					  "those of %u are handed over before",
					  i, op, op);
		if (before->algorithm == o->algorithm && hands_over_early(before))
			o->handed_at = i;
	}
	return 0;
}

static int plan_op(struct prover *p, uint32_t op, const struct rg_prover_op *in, struct rg_err *err)
{
	const struct rg_problem *m = &in->problem;
	struct plan *o = &p->plans[op];
	int rc;

	if (m->coll != in->algorithm->coll || !m->params.channels || m->root >= m->layout.nranks ||
	    !m->elem_bytes)
		return rg_err_set(err, RG_ERR_INVALID, "operation %u: no sound problem for %s %s",
				  op, rg_coll_name(in->algorithm->coll), in->algorithm->name);
	if ((m->coll == RG_COLL_ALLTOALLV) != (m->counts != NULL) ||
	    (m->counts && m->count != rg_matrix_busiest(m->counts, m->layout.nranks)))
		return rg_err_set(err, RG_ERR_INVALID,
				  "operation %u: all-to-all-v needs counts, of which the busiest "
				  "is count; nothing else does",
				  op);
	if (m->layout.nranks != p->nranks || m->elem_bytes != p->elem_bytes ||
	    memcmp(&m->geometry, &p->geometry, sizeof(m->geometry)))
		return rg_err_set(err, RG_ERR_INVALID,
				  "operation %u differs in ranks, element size or geometry", op);
	rc = in->algorithm->check(m, err);
	if (rc)
		return rc;
	*o = (struct plan){
		.algorithm = in->algorithm,
		.problem = m,
		.src_n = rg_coll_src_count(m->coll, m->count, p->nranks),
		.dst_n = rg_coll_dst_count(m->coll, m->count, p->nranks),
		.src_in = REGION_SRC,
		.dst_in = REGION_DST,
		.pair = op % p->pairs,
	};
	if (m->in_place) {
		o->src_in = o->dst_in = o->src_n > o->dst_n ? REGION_SRC : REGION_DST;
		o->src_at = o->src_n < o->dst_n ? m->count : 0;
		o->dst_at = o->dst_n < o->src_n ? m->count : 0;
	}
	if (p->channels < m->params.channels)
		p->channels = m->params.channels;
	if (m->coll == RG_COLL_ALLREDUCE && o->dst_n) {
		o->orders = rg_zalloc(o->dst_n, sizeof(*o->orders));
		if (!o->orders)
			return rg_prover_no_memory(p);
	}
	return plan_hand_over(p, op, err);
}

static int open_ranks(struct prover *p)
{
	p->nagents = p->nranks * p->channels;
	p->clocks = rg_zalloc((size_t)p->nagents * p->nagents, sizeof(*p->clocks));
	p->depths = rg_zalloc(p->nagents, sizeof(*p->depths));
	if (!p->clocks || !p->depths)
		return rg_prover_no_memory(p);
	for (uint32_t a = 0; a < p->nagents; a++)
		rg_prover_clock(p, a)[a] = 1;
	for (uint32_t i = 0; i < p->nranks; i++) {
		struct rank *r = &p->ranks[i];

		r->id = i;
		r->steps.at = rg_alloc(p->channels * sizeof(*r->steps.at));
		r->steps.last = rg_alloc(p->channels * sizeof(*r->steps.last));
		if (!r->steps.at || !r->steps.last)
			return rg_prover_no_memory(p);
	}
	return 0;
}

static void close_all(struct prover *p)
{
	for (uint32_t i = 0; i < p->nops; i++)
		rg_free(p->plans[i].orders);
	for (uint32_t i = 0; i < p->nranks; i++) {
		rg_prover_free_steps(&p->ranks[i].steps);
		rg_free(p->ranks[i].tmp.cells);
	}
	rg_prover_close_memory(p);
	rg_prover_close_links(p);
	rg_free(p->clocks);
	rg_free(p->depths);
	rg_free(p->vectors);
	rg_free(p->unused);
	rg_free(p->acc);
	rg_free(p);
}

static int enter(struct prover *p, struct rank *r)
{
	uint32_t agent = rg_prover_agent(p, r->id, 0);
	int rc = rg_prover_list_steps(p, r);

	if (!rc)
		rc = rg_prover_user_before(p, r);
	if (rc)
		return rc;
	p->plans[r->op].entered[r->id] = ACCESS_CLOCK(rg_prover_now(p, agent));
	rg_prover_join_channels(p, r->id);
	rg_prover_enter_links(p, r->id);
	r->sent_bytes = 0;
	r->inside = true;
	return 0;
}

/* What a barrier promises: who leaves knows that all have entered. */
static int check_barrier(struct prover *p, const struct rank *r)
{
	const struct plan *o = &p->plans[r->op];
	const uint32_t *clock = rg_prover_clock(p, rg_prover_agent(p, r->id, 0));

	for (uint32_t q = 0; q < p->nranks && o->algorithm->coll == RG_COLL_BARRIER; q++) {
		if (!o->entered[q] || clock[rg_prover_agent(p, q, 0)] < o->entered[q])
			return rg_prover_wrong(p, "may leave before rank %u has entered", q);
	}
	return 0;
}

static int leave(struct prover *p, struct rank *r)
{
	struct plan *o = &p->plans[r->op];
	uint64_t promised;
	int rc;

	rg_prover_join_channels(p, r->id);
	p->step = -1;
	rc = rg_prover_user_after(p, r);
	if (!rc)
		rc = check_barrier(p, r);
	if (!rc)
		rc = rg_prover_leave_links(p, r);
	if (rc)
		return rc;
	if (o->most_sent < r->sent_bytes)
		o->most_sent = r->sent_bytes;
	if (++o->ranks_done == p->nranks) {
		promised = o->algorithm->sent_bytes(o->problem);
		if (promised == UINT64_MAX)
			return rg_err_set(p->err, RG_ERR_NO_MEMORY, "no memory for a proof");
		if (promised != o->most_sent)
			return rg_prover_wrong(p,
					       "bytes sent by one rank are at most %" PRIu64
					       ", but the row's formula says %" PRIu64,
					       o->most_sent, promised);
	}
	r->inside = false;
	r->op++;
	return 0;
}

/* Goes ahead on one channel as far as it goes. */
static int run_channel(struct prover *p, struct rank *r, uint32_t channel, bool *moved)
{
	struct steps *s = &r->steps;
	bool ready = true;
	int rc = 0;

	while (s->at[channel] != NO_STEP && !rc) {
		const struct listed *e = &s->list[s->at[channel]];

		p->step = s->at[channel];
		if (e->step.op == RG_STEP_MOVE)
			rc = rg_prover_move(p, &e->step, &ready);
		else if (e->step.op == RG_STEP_WAIT)
			rc = rg_prover_wait(p, &e->step, &ready);
		else
			rc = rg_prover_signal(p, &e->step);
		if (!ready)
			break;
		s->at[channel] = e->next;
		*moved = true;
	}
	return rc;
}

static int run_rank(struct prover *p, struct rank *r, bool *moved)
{
	bool all = true;
	int rc = 0;

	p->rank = r;
	p->step = -1;
	while (r->op < p->nops && all && !rc) {
		if (!r->inside) {
			rc = enter(p, r);
			*moved = true;
		}
		for (uint32_t c = 0; c < p->channels && !rc; c++) {
			rc = run_channel(p, r, c, moved);
			all = all && r->steps.at[c] == NO_STEP;
		}
		if (all && !rc)
			rc = leave(p, r);
	}
	return rc;
}

static int deadlock(struct prover *p)
{
	for (uint32_t i = 0; i < p->nranks; i++) {
		for (uint32_t c = 0; c < p->channels && p->ranks[i].op < p->nops; c++) {
			uint32_t at = p->ranks[i].steps.at[c];

			if (at == NO_STEP)
				continue;
			p->rank = &p->ranks[i];
			p->step = at;
			return rg_prover_wrong(
				p, "deadlock: waits for %s",
				rg_prover_waits_for(p, i, &p->ranks[i].steps.list[at].step).text);
		}
	}
	return 0;
}

static int run_all(struct prover *p)
{
	bool moved = true;
	int rc = 0;

	for (uint32_t i = 0; i < p->nranks; i++)
		rg_prover_user_start(p, &p->ranks[i]);
	while (moved && !rc) {
		moved = false;
		for (uint32_t i = 0; i < p->nranks && !rc; i++)
			rc = run_rank(p, &p->ranks[i], &moved);
	}
	return rc ? rc : deadlock(p);
}

int rg_prover_run(const struct rg_prover_op *ops, uint32_t nops, uint32_t nbuffers,
		  struct rg_prover_report *report_out, struct rg_err *err)
{
	const struct rg_problem *first = &ops[0].problem;
	const struct rg_geometry *g = &first->geometry;
	struct rg_err unheard = {0};
	struct prover *p;
	int rc = 0;

	if (!nops || nops > RG_PROVER_OPS_MAX || !nbuffers || !first->layout.nranks ||
	    first->layout.nranks > RG_PROVER_RANKS_MAX || !g->slots || !g->ll_slots ||
	    !g->credit_batch)
		return rg_err_set(err, RG_ERR_INVALID,
				  "the prover takes 1 to %d operations of 1 to %d ranks, with "
				  "buffers, slots and a credit batch",
				  RG_PROVER_OPS_MAX, RG_PROVER_RANKS_MAX);
	p = rg_zalloc(1, sizeof(*p));
	if (!p)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for the prover");
	p->nops = nops;
	p->nranks = first->layout.nranks;
	p->pairs = nbuffers;
	p->elem_bytes = first->elem_bytes;
	p->geometry = *g;
	p->err = err ? err : &unheard;
	for (uint32_t i = 0; i < nops && !rc; i++)
		rc = plan_op(p, i, &ops[i], p->err);
	if (!rc)
		rc = open_ranks(p);
	if (!rc)
		rc = rg_prover_open_memory(p);
	if (!rc)
		rc = rg_prover_open_links(p);
	if (!rc)
		rc = run_all(p);
	if (!rc && report_out)
		*report_out = p->report;
	close_all(p);
	return rc;
}
