/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "ring.h"

/* Enough to work while a message is on its way; more would only spread over more cache. */
#define GROUP_MAX 2

struct ring {
	uint64_t nslices;
	uint32_t nsteps, group;
	rg_ring_step *step;
	void *arg;
};

uint32_t rg_ring_left(const struct rg_gen *g)
{
	return (g->rank + g->nranks - 1) % g->nranks;
}

uint32_t rg_ring_right(const struct rg_gen *g)
{
	return (g->rank + 1) % g->nranks;
}

static void group(struct rg_gen *g, uint64_t i, void *arg)
{
	const struct ring *r = arg;
	uint64_t first = i * r->group;
	uint64_t end = first + r->group < r->nslices ? first + r->group : r->nslices;

	for (uint32_t s = 0; s < r->nsteps; s++) {
		for (uint64_t slice = first; slice < end; slice++)
			r->step(g, slice, s, r->arg);
	}
}

void rg_ring_steps(struct rg_gen *g, uint64_t nslices, uint32_t nsteps, rg_ring_step *step,
		   void *arg)
{
	uint32_t credit = rg_gen_credit(g->problem);
	struct ring r = {
		.nslices = nslices,
		.nsteps = nsteps,
		.group = credit - 1 < GROUP_MAX ? credit - 1 : GROUP_MAX,
		.step = step,
		.arg = arg,
	};

	rg_gen_loop(g, (nslices + r.group - 1) / r.group, group, &r);
}

int rg_ring_generate(const struct rg_problem *problem, uint32_t rank, rg_ring_step *step,
		     struct rg_sink *sink, struct rg_schedule_needs *needs_out, struct rg_err *err)
{
	uint64_t block = rg_problem_block_bytes(problem);
	struct rg_gen g;

	rg_gen_open(&g, problem, rank, sink, err);
	if (g.nranks > 1)
		rg_ring_steps(&g, rg_gen_nslices(problem, block), g.nranks, step, NULL);
	else if (!problem->in_place)
		rg_gen_copy(&g, (struct rg_ref){RG_BUF_DST, rank}, 0,
			    (struct rg_ref){RG_BUF_SRC, rank}, 0, block);
	return rg_gen_close(&g, needs_out);
}

uint64_t rg_ring_sent_bytes(const struct rg_problem *problem)
{
	return rg_problem_block_bytes(problem) * (problem->layout.nranks - 1);
}

struct rg_symmetry rg_ring_symmetry(const struct rg_problem *problem)
{
	return (struct rg_symmetry){RG_SYMMETRY_SHIFT, 1};
}
