/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "distances.h"
#include "rounds.h"

#include "railgauge/base/mem.h"

static void add_round(struct rg_distances *d, uint32_t distance, uint32_t shift, uint32_t count)
{
	uint32_t j = d->nrounds++;

	d->round[j].distance = distance;
	d->round[j].set = (struct rg_distances_set){shift, count};
	if (j == 0 || shift < d->all.shift || (shift == d->all.shift && count > d->all.count))
		d->all = d->round[j].set;
}

void rg_distances_bruck(uint32_t nranks, struct rg_distances *out)
{
	*out = (struct rg_distances){0};
	for (uint32_t d = 1; d < nranks; d *= 2)
		add_round(out, d, 0, nranks - d < d ? nranks - d : d);
}

/* In the round of distance d = 2^i every v that is a multiple of 2 d, up to nranks - d. */
void rg_distances_pat(uint32_t nranks, struct rg_distances *out)
{
	uint32_t i = 0;

	*out = (struct rg_distances){0};
	while (UINT32_C(2) << i < nranks)
		i++;
	for (i++; i > 0 && nranks > 1; i--) {
		uint32_t d = UINT32_C(1) << (i - 1);

		add_round(out, d, i, (nranks - d - 1) / (2 * d) + 1);
	}
}

/* A slice of every block. */
struct state {
	const struct rg_distances *distances;
	uint64_t block;		   /* bytes */
	struct rg_gen_piece piece; /* of each block */
	/* Reduce-scatter: how many of distances->all are combined here so far, the first ones. */
	uint32_t ncombined;
	uint64_t stage;
	struct rg_round_part *put, *take; /* owned: room for the largest set */
};

/* Room for the parts of a round. */
static void open_parts(struct rg_gen *g, struct state *s)
{
	uint32_t most = 0;

	for (uint32_t j = 0; j < s->distances->nrounds; j++) {
		uint32_t count = s->distances->round[j].set.count;

		most = most > count ? most : count;
	}
	s->put = rg_gen_alloc(g, most, sizeof(*s->put));
	s->take = rg_gen_alloc(g, most, sizeof(*s->take));
}

static void close_parts(struct state *s)
{
	rg_free(s->put);
	rg_free(s->take);
}

static uint64_t at_block(const struct rg_gen *g, const struct state *s, uint32_t v)
{
	return (g->rank + g->nranks - v) % g->nranks * s->block + s->piece.off;
}

/*
 * The blocks v + shift, for v in the set, from the farthest on: so blocks follow each other in
 * memory where they can. part says what one of them is.
 */
static uint32_t
list(const struct rg_gen *g, const struct state *s, struct rg_distances_set set, uint32_t shift,
     struct rg_round_part (*part)(const struct rg_gen *g, const struct state *s, uint32_t v),
     struct rg_round_part *parts)
{
	for (uint32_t k = 0; k < set.count; k++)
		parts[k] = part(g, s, ((set.count - 1 - k) << set.shift) + shift);
	return set.count;
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

	s->piece = rg_gen_slice(g->problem, s->block, i);
	if (!g->problem->in_place)
		rg_gen_copy(g, (struct rg_ref){RG_BUF_DST, g->rank}, at_block(g, s, 0),
			    (struct rg_ref){RG_BUF_SRC, g->rank}, s->piece.off, s->piece.len);
	for (uint32_t j = 0; j < s->distances->nrounds; j++) {
		uint32_t d = s->distances->round[j].distance;
		struct rg_distances_set set = s->distances->round[j].set;

		rg_round(g, &(struct rg_round){
				    .to = (g->rank + d) % g->nranks,
				    .from = (g->rank + g->nranks - d) % g->nranks,
				    .put = s->put,
				    .nput = list(g, s, set, 0, gathered, s->put),
				    .take = s->take,
				    .ntake = list(g, s, set, d, gathered, s->take),
			    });
	}
}

/* Reduce-scatter: where what there is of a block lies; in scratch in the order of list. */
static struct rg_round_part partial(const struct rg_gen *g, const struct state *s, uint32_t v)
{
	struct rg_distances_set all = s->distances->all;
	struct rg_round_part part = {
		.buf = RG_BUF_SRC, .off = at_block(g, s, v), .len_bytes = s->piece.len};
	uint32_t k = v >> all.shift;

	if (k < s->ncombined && k << all.shift == v) {
		part.buf = RG_BUF_TMP;
		part.off = (all.count - 1 - k) * s->piece.len;
	}
	return part;
}

/* What comes is combined with that, into scratch. */
static struct rg_round_part combined(const struct rg_gen *g, const struct state *s, uint32_t v)
{
	const struct rg_round_part own = partial(g, s, v);
	struct state after = *s;
	struct rg_round_part part;

	after.ncombined = s->distances->all.count;
	part = partial(g, &after, v);
	part.reduce = true;
	part.own = own.buf;
	part.own_off = own.off;
	return part;
}

static void reduce_slice(struct rg_gen *g, uint64_t i, void *arg)
{
	struct state *s = arg;

	s->piece = rg_gen_slice(g->problem, s->block, i);
	s->ncombined = 0;
	for (uint32_t j = s->distances->nrounds; j-- > 0;) {
		uint32_t d = s->distances->round[j].distance;
		struct rg_distances_set set = s->distances->round[j].set;
		struct rg_round round = {
			.to = (g->rank + g->nranks - d) % g->nranks,
			.from = (g->rank + d) % g->nranks,
			.put = s->put,
			.nput = list(g, s, set, d, partial, s->put),
			.take = s->take,
			.ntake = list(g, s, set, 0, combined, s->take),
			.last = j == 0,
			.stage = s->stage,
		};

		if (j == 0) {
			s->take[0].buf = RG_BUF_DST;
			s->take[0].off = s->piece.off;
		}
		rg_round(g, &round);
		if (set.shift == s->distances->all.shift && set.count > s->ncombined)
			s->ncombined = set.count;
	}
}

int rg_distances_allgather(const struct rg_problem *problem, uint32_t rank,
			   const struct rg_distances *distances, struct rg_sink *sink,
			   struct rg_schedule_needs *needs_out, struct rg_err *err)
{
	struct state s = {.distances = distances, .block = rg_problem_block_bytes(problem)};
	struct rg_gen g;

	rg_gen_open(&g, problem, rank, sink, err);
	open_parts(&g, &s);
	rg_gen_loop(&g, rg_gen_nslices(problem, s.block), gather_slice, &s);
	close_parts(&s);
	return rg_gen_close(&g, needs_out);
}

int rg_distances_reducescatter(const struct rg_problem *problem, uint32_t rank,
			       const struct rg_distances *distances, struct rg_sink *sink,
			       struct rg_schedule_needs *needs_out, struct rg_err *err)
{
	struct state s = {.distances = distances, .block = rg_problem_block_bytes(problem)};
	uint64_t most = rg_gen_slice(problem, s.block, 0).len;
	struct rg_gen g;

	s.stage = rg_round_stage(distances->all.count * most);
	rg_gen_open(&g, problem, rank, sink, err);
	open_parts(&g, &s);
	if (!rg_gen_alone(&g, s.block)) {
		g.tmp_bytes = s.stage;
		rg_gen_loop(&g, rg_gen_nslices(problem, s.block), reduce_slice, &s);
	}
	close_parts(&s);
	return rg_gen_close(&g, needs_out);
}

uint64_t rg_distances_sent_bytes(const struct rg_problem *problem)
{
	return rg_problem_block_bytes(problem) * (problem->layout.nranks - 1);
}
