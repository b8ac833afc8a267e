/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "prover_state.h"

#include "railgauge/base/mem.h"
#include "railgauge/device/reduce.h"

#include <inttypes.h>
#include <string.h>

#define NO_STEP UINT32_MAX

struct lister {
	struct rg_sink sink;
	struct prover *p;
	struct rank *rank;
};

/* Memory of another rank, which only READ's copies may name. */
static bool is_read(const struct prover *p, const struct rg_problem *problem,
		    const struct rg_ref *ref)
{
	return problem->params.protocol == RG_PROTOCOL_READ && ref->rank != p->rank->id &&
	       (ref->buf == RG_BUF_SRC || ref->buf == RG_BUF_DST);
}

static int check_shape(struct prover *p, const struct rg_problem *problem, const struct rg_step *s)
{
	if (s->channel >= problem->params.channels)
		return rg_prover_wrong(p, "channel %u of %u", s->channel, problem->params.channels);
	if (s->op != RG_STEP_MOVE) {
		if (s->peer >= p->nranks || (unsigned)s->ctr >= RG_CTR_COUNT)
			return rg_prover_wrong(p, "peer %u, counter %d: no such thing", s->peer,
					       (int)s->ctr);
		if (s->lag > (problem->params.persistent ? 1u : 0u))
			return rg_prover_wrong(p, "lag %u although buffers are%s persistent",
					       s->lag, problem->params.persistent ? "" : " not");
		return 0;
	}
	if (!s->nsrc || !s->ndst || s->nsrc > RG_REDUCE_MAX || s->ndst > RG_REDUCE_MAX)
		return rg_prover_wrong(p, "a move of %u sources to %u destinations", s->nsrc,
				       s->ndst);
	for (uint32_t i = 0; i < s->nsrc + s->ndst; i++) {
		const struct rg_ref *r = i < s->nsrc ? &s->src[i] : &s->dst[i - s->nsrc];

		if (r->rank >= p->nranks || r->buf == (i < s->nsrc ? RG_BUF_OUT : RG_BUF_IN))
			return rg_prover_wrong(p, "a move names rank %u, or the wrong end of it",
					       r->rank);
	}
	for (uint32_t i = 0; i < s->nsrc; i++) {
		if (is_read(p, problem, &s->src[i]) &&
		    (s->nsrc > 1 || s->ndst > 1 || s->flags || s->dst[0].buf == RG_BUF_OUT ||
		     is_read(p, problem, &s->dst[0])))
			return rg_prover_wrong(p, "a read from rank %u is no plain copy",
					       s->src[i].rank);
	}
	if (s->src_off % p->elem_bytes || s->dst_off % p->elem_bytes ||
	    s->src_stride % (int64_t)p->elem_bytes || s->len_bytes % p->elem_bytes)
		return rg_prover_wrong(p,
				       "a move cuts elements: offsets %" PRIu64 ", %" PRIu64
				       ", length %" PRIu64,
				       s->src_off, s->dst_off, s->len_bytes);
	return 0;
}

static int list_step(struct rg_sink *sink, const struct rg_step *step, struct rg_err *err)
{
	struct lister *l = (struct lister *)sink;
	struct steps *s = &l->rank->steps;
	struct prover *p = l->p;
	struct listed *e;
	int rc;

	(void)err; /* the prover's own is the same */
	p->step = s->n;
	rc = check_shape(p, p->plans[l->rank->op].problem, step);
	if (rc)
		return rc;
	rc = rg_prover_grow(p, &s->list, &s->cap, s->n + 1, sizeof(*s->list));
	if (!rc)
		rc = rg_prover_grow(p, &s->refs, &s->refs_cap, s->nrefs + step->nsrc + step->ndst,
				    sizeof(*s->refs));
	if (rc)
		return rc;
	e = &s->list[s->n];
	e->step = *step;
	e->next = NO_STEP;
	e->src_at = s->nrefs;
	e->dst_at = s->nrefs + step->nsrc;
	if (step->op == RG_STEP_MOVE) {
		memcpy(s->refs + e->src_at, step->src, step->nsrc * sizeof(*step->src));
		memcpy(s->refs + e->dst_at, step->dst, step->ndst * sizeof(*step->dst));
		s->nrefs += step->nsrc + step->ndst;
	}
	if (s->last[step->channel] == NO_STEP)
		s->at[step->channel] = s->n;
	else
		s->list[s->last[step->channel]].next = s->n;
	s->last[step->channel] = s->n++;
	return 0;
}

int rg_prover_list_steps(struct prover *p, struct rank *r)
{
	const struct plan *plan = &p->plans[r->op];
	struct lister l = {.sink = {.step = list_step}, .p = p, .rank = r};
	struct rg_schedule_needs needs = {0};
	struct steps *s = &r->steps;
	struct rg_unroll *unroll;
	int rc;

	s->n = s->nrefs = 0;
	for (uint32_t c = 0; c < p->channels; c++)
		s->at[c] = s->last[c] = NO_STEP;
	rc = rg_unroll_open(&l.sink, &unroll, p->err);
	if (rc)
		return rc;
	rc = plan->algorithm->generate(plan->problem, r->id, rg_unroll_sink(unroll), &needs,
				       p->err);
	rg_unroll_close(unroll);
	if (rc && !p->refused)
		rg_err_prefix(p->err, "%s %s, %u ranks, rank %u",
			      rg_coll_name(plan->algorithm->coll), plan->algorithm->name, p->nranks,
			      r->id);
	if (rc)
		return rc;
	for (uint32_t i = 0; i < s->n; i++) {
		if (s->list[i].step.op != RG_STEP_MOVE)
			continue;
		s->list[i].step.src = s->refs + s->list[i].src_at;
		s->list[i].step.dst = s->refs + s->list[i].dst_at;
	}
	p->step = -1;
	p->report.steps += s->n;
	return rg_prover_open_tmp(p, r, needs.tmp_bytes);
}

void rg_prover_free_steps(struct steps *s)
{
	rg_free(s->list);
	rg_free(s->refs);
	rg_free(s->at);
	rg_free(s->last);
}
