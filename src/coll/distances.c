/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "distances.h"
#include "rounds.h"

#include "railgauge/device/reduce.h"

#define BIT(i) (UINT64_C(1) << (i))

void rg_distances_bruck(uint32_t nranks, struct rg_distances *out)
{
	out->nrounds = 0;
	for (uint32_t d = 1; d < nranks; d *= 2) {
		uint32_t n = nranks - d < d ? nranks - d : d, j = out->nrounds++;

		out->round[j].distance = d;
		out->round[j].set = BIT(n) - 1;
	}
}

void rg_distances_pat(uint32_t nranks, struct rg_distances *out)
{
	uint32_t d = 1;

	out->nrounds = 0;
	while (2 * d < nranks)
		d *= 2;
	for (; d && nranks > 1; d /= 2) {
		uint32_t j = out->nrounds++;

		out->round[j].distance = d;
		out->round[j].set = 0;
		for (uint32_t v = 0; v + d < nranks; v += 2 * d)
			out->round[j].set |= BIT(v);
	}
}

/* A slice of every block. */
struct state {
	const struct rg_distances *distances;
	uint64_t block;		    /* bytes */
	struct rg_gen_piece piece;  /* of each block */
	uint64_t combined, touched; /* bit v: will be combined here, is so already */
	uint64_t stage;
};

static uint64_t at_block(const struct rg_gen *g, const struct state *s, uint32_t v)
{
	return (g->rank + g->nranks - v) % g->nranks * s->block + s->piece.off;
}

/*
 * The blocks v + shift, for v in the set, from the farthest on: so blocks follow each other in
 * memory where they can. part says what one of them is.
 */
static uint32_t list(const struct rg_gen *g, const struct state *s, uint64_t set, uint32_t shift,
		     struct rg_round_part (*part)(const struct rg_gen *g, const struct state *s,
						  uint32_t v),
		     struct rg_round_part *parts)
{
	uint32_t n = 0;

	for (uint32_t v = g->nranks; v-- > 0;) {
		if (set & BIT(v))
			parts[n++] = part(g, s, v + shift);
	}
	return n;
}

/* All-gather: everything is in the destination. */
static struct rg_round_part gathered(const struct rg_gen *g, const struct state *s, uint32_t v)
{
	return (struct rg_round_part){
		.buf = RG_BUF_DST, .off = at_block(g, s, v), .len_bytes = s->piece.len};
}

static void gather_slice(struct rg_gen *g, uint64_t i, void *arg)
{
	struct state *s = arg;
	struct rg_round_part put[RG_REDUCE_MAX], take[RG_REDUCE_MAX];

	s->piece = rg_gen_slice(g->problem, s->block, i);
	if (!g->problem->in_place)
		rg_gen_copy(g, (struct rg_ref){RG_BUF_DST, g->rank}, at_block(g, s, 0),
			    (struct rg_ref){RG_BUF_SRC, g->rank}, s->piece.off, s->piece.len);
	for (uint32_t j = 0; j < s->distances->nrounds; j++) {
		uint32_t d = s->distances->round[j].distance;
		uint64_t set = s->distances->round[j].set;

		rg_round(g, &(struct rg_round){
				    .to = (g->rank + d) % g->nranks,
				    .from = (g->rank + g->nranks - d) % g->nranks,
				    .put = put,
				    .nput = list(g, s, set, 0, gathered, put),
				    .take = take,
				    .ntake = list(g, s, set, d, gathered, take),
			    });
	}
}

/* Reduce-scatter: where what there is of a block lies; in scratch in the order of list. */
static struct rg_round_part partial(const struct rg_gen *g, const struct state *s, uint32_t v)
{
	struct rg_round_part part = {
		.buf = RG_BUF_SRC, .off = at_block(g, s, v), .len_bytes = s->piece.len};

	if (s->touched & BIT(v)) {
		uint32_t farther = (uint32_t)__builtin_popcountll(s->combined >> v) - 1;

		part.buf = RG_BUF_TMP;
		part.off = farther * s->piece.len;
	}
	return part;
}

/* What comes is combined with that, into scratch. */
static struct rg_round_part combined(const struct rg_gen *g, const struct state *s, uint32_t v)
{
	const struct rg_round_part own = partial(g, s, v);
	struct state after = *s;
	struct rg_round_part part;

	after.touched = s->combined;
	part = partial(g, &after, v);
	part.reduce = true;
	part.own = own.buf;
	part.own_off = own.off;
	return part;
}

static void reduce_slice(struct rg_gen *g, uint64_t i, void *arg)
{
	struct state *s = arg;
	struct rg_round_part put[RG_REDUCE_MAX], take[RG_REDUCE_MAX];

	s->piece = rg_gen_slice(g->problem, s->block, i);
	s->touched = 0;
	for (uint32_t j = s->distances->nrounds; j-- > 0;) {
		uint32_t d = s->distances->round[j].distance;
		uint64_t set = s->distances->round[j].set;
		struct rg_round round = {
			.to = (g->rank + g->nranks - d) % g->nranks,
			.from = (g->rank + d) % g->nranks,
			.put = put,
			.nput = list(g, s, set, d, partial, put),
			.take = take,
			.ntake = list(g, s, set, 0, combined, take),
			.last = j == 0,
			.stage = s->stage,
		};

		if (j == 0) {
			take[0].buf = RG_BUF_DST;
			take[0].off = s->piece.off;
		}
		rg_round(g, &round);
		s->touched |= set;
	}
}

int rg_distances_allgather(const struct rg_problem *problem, uint32_t rank,
			   const struct rg_distances *distances, struct rg_sink *sink,
			   struct rg_schedule_needs *needs_out, struct rg_err *err)
{
	struct state s = {.distances = distances, .block = rg_problem_block_bytes(problem)};
	struct rg_gen g;

	rg_gen_open(&g, problem, rank, sink, err);
	rg_gen_loop(&g, rg_gen_nslices(problem, s.block), gather_slice, &s);
	return rg_gen_close(&g, needs_out);
}

int rg_distances_reducescatter(const struct rg_problem *problem, uint32_t rank,
			       const struct rg_distances *distances, struct rg_sink *sink,
			       struct rg_schedule_needs *needs_out, struct rg_err *err)
{
	struct state s = {.distances = distances, .block = rg_problem_block_bytes(problem)};
	uint64_t most = rg_gen_slice(problem, s.block, 0).len;
	struct rg_gen g;

	for (uint32_t j = 0; j < distances->nrounds; j++)
		s.combined |= distances->round[j].set;
	s.stage = rg_round_stage((uint64_t)__builtin_popcountll(s.combined) * most);
	rg_gen_open(&g, problem, rank, sink, err);
	if (!rg_gen_alone(&g, s.block)) {
		g.tmp_bytes = s.stage;
		rg_gen_loop(&g, rg_gen_nslices(problem, s.block), reduce_slice, &s);
	}
	return rg_gen_close(&g, needs_out);
}

uint64_t rg_distances_sent_bytes(const struct rg_problem *problem)
{
	return rg_problem_block_bytes(problem) * (problem->layout.nranks - 1);
}
