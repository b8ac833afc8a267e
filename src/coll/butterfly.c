/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "butterfly.h"

#include "swing.h"

#define BIT(i) (UINT64_C(1) << (i))

/* Goes through the tree of one block; reached_out[s]: who is in it when step s is still to come. */
static void grow_tree(struct rg_butterfly *b, uint32_t block, uint64_t *reached_out)
{
	uint64_t reached = BIT(block);

	for (uint32_t s = b->nsteps; s-- > 0;) {
		uint64_t more = 0;

		reached_out[s] = reached;
		for (uint32_t i = 0; i < b->even; i++) {
			uint32_t peer = rg_swing_peer(i, s, b->even);

			if (!(reached & BIT(i)) || reached & BIT(peer))
				continue;
			more |= BIT(peer);
			if (peer == b->me)
				b->give[s] |= BIT(block);
			if (i == b->me)
				b->get[s] |= BIT(block);
		}
		reached |= more;
	}
}

/*
 * For a power of two: the tree of a block, before step s, has the members that keep it until then,
 * and they keep the same blocks, whose places differ in the last steps only. In each step the half
 * with the lowest block comes first.
 */
static uint32_t place_of(const struct rg_butterfly *b, const uint64_t *reached)
{
	uint64_t before = BIT(b->even) - 1;
	uint32_t place = 0;

	if (b->even == 64)
		before = UINT64_MAX;
	for (uint32_t s = 0; s < b->nsteps; s++) {
		bool second = __builtin_ctzll(reached[s]) != __builtin_ctzll(before);

		place = 2 * place + second;
		before = reached[s];
	}
	return place;
}

void rg_butterfly_init(struct rg_butterfly *b, const uint32_t *ranks, uint32_t n, uint32_t me)
{
	uint64_t reached[RG_BUTTERFLY_STEPS];

	*b = (struct rg_butterfly){.ranks = ranks, .n = n, .me = me, .even = n & ~1u};
	b->nsteps = rg_swing_steps(b->even);
	for (uint32_t block = 0; block < n; block++) {
		b->place[block] = (uint8_t)block;
		if (block == b->even)
			continue;
		grow_tree(b, block, reached);
		if ((b->even & (b->even - 1)) == 0)
			b->place[block] = (uint8_t)place_of(b, reached);
	}
}

/* A call of rg_butterfly_allreduce. */
struct work {
	const struct rg_butterfly *b;
	struct rg_gen_piece all;
	enum rg_buf own;
	uint64_t raw; /* blocks that were not combined yet: they lie in `own` */
	uint64_t stage;
};

static struct rg_gen_piece piece_of(const struct rg_problem *p, const struct rg_butterfly *b,
				    uint64_t len_bytes, uint32_t block)
{
	return rg_gen_cut(p, len_bytes, b->n, b->place[block]);
}

static struct rg_gen_piece block_of(const struct rg_gen *g, const struct work *w, uint32_t block)
{
	struct rg_gen_piece piece = piece_of(g->problem, w->b, w->all.len, block);

	piece.off += w->all.off;
	return piece;
}

/* Lists a set of blocks by their places; returns how many. */
static uint32_t list(const struct rg_gen *g, const struct work *w, uint64_t set, bool reduce,
		     struct rg_round_part *parts)
{
	uint32_t block_at[RG_REDUCE_MAX], n = 0;

	for (uint32_t i = 0; i < w->b->n; i++)
		block_at[w->b->place[i]] = i;
	for (uint32_t i = 0; i < w->b->n; i++) {
		uint32_t block = block_at[i];
		struct rg_gen_piece piece = block_of(g, w, block);
		enum rg_buf where = w->raw & BIT(block) ? w->own : RG_BUF_DST;

		if (!(set & BIT(block)))
			continue;
		parts[n++] = (struct rg_round_part){
			.buf = reduce ? RG_BUF_DST : where,
			.off = piece.off,
			.len_bytes = piece.len,
			.reduce = reduce,
			.own = where,
			.own_off = piece.off,
		};
	}
	return n;
}

/* One step: hands over a set of blocks and gets another one, to be combined or as it is. */
static void step(struct rg_gen *g, struct work *w, uint32_t s, uint64_t give, uint64_t get,
		 bool reduce)
{
	struct rg_round_part put[RG_REDUCE_MAX], take[RG_REDUCE_MAX];
	uint32_t peer = w->b->ranks[rg_swing_peer(w->b->me, s, w->b->even)];
	const struct rg_round round = {
		.to = peer,
		.from = peer,
		.put = put,
		.nput = list(g, w, give, false, put),
		.take = take,
		.ntake = list(g, w, get, reduce, take),
		.last = reduce && s + 1 == w->b->nsteps && w->b->even == w->b->n,
		.stage = w->stage,
	};

	rg_round(g, &round);
	w->raw &= ~get;
}

static void put_block(struct rg_gen *g, const struct work *w, uint32_t to, uint32_t block)
{
	struct rg_gen_piece piece = block_of(g, w, block);

	rg_gen_copy(g, (struct rg_ref){RG_BUF_OUT, w->b->ranks[to]}, 0,
		    (struct rg_ref){w->raw & BIT(block) ? w->own : RG_BUF_DST, g->rank}, piece.off,
		    piece.len);
}

static void take_block(struct rg_gen *g, const struct work *w, uint32_t from, uint32_t block)
{
	struct rg_gen_piece piece = block_of(g, w, block);

	rg_gen_copy(g, (struct rg_ref){RG_BUF_DST, g->rank}, piece.off,
		    (struct rg_ref){RG_BUF_IN, w->b->ranks[from]}, 0, piece.len);
}

/* Combines the own block with what comes for it. */
static void reduce_block(struct rg_gen *g, struct work *w, uint32_t from, bool last)
{
	struct rg_gen_piece piece = block_of(g, w, w->b->me);
	const struct rg_ref dst = {RG_BUF_DST, g->rank};
	const struct rg_ref src[2] = {{RG_BUF_IN, w->b->ranks[from]},
				      {w->raw & BIT(w->b->me) ? w->own : RG_BUF_DST, g->rank}};

	rg_gen_move(g, &(struct rg_gen_move){.src = src,
					     .nsrc = 2,
					     .dst = &dst,
					     .ndst = 1,
					     .src_off = piece.off,
					     .dst_off = piece.off,
					     .len_bytes = piece.len,
					     .last = last});
	w->raw &= ~BIT(w->b->me);
}

/* The last of an odd number of members. */
static void stand_aside(struct rg_gen *g, struct work *w)
{
	uint32_t even = w->b->even;

	for (uint32_t i = 0; i < even; i++)
		put_block(g, w, i, i);
	for (uint32_t i = 0; i < even; i++)
		reduce_block(g, w, i, i + 1 == even);
	for (uint32_t i = 0; i < even; i++)
		put_block(g, w, i, w->b->me);
	for (uint32_t i = 0; i < even; i++)
		take_block(g, w, i, i);
}

void rg_butterfly_allreduce(struct rg_gen *g, const struct rg_butterfly *b, struct rg_gen_piece all,
			    enum rg_buf own, uint64_t stage)
{
	struct work w = {.b = b, .all = all, .own = own, .raw = UINT64_MAX, .stage = stage};
	bool odd = b->even < b->n;

	if (b->n == 1)
		return;
	if (b->me == b->even) {
		stand_aside(g, &w);
		return;
	}
	if (odd)
		put_block(g, &w, b->even, b->even);
	for (uint32_t s = 0; s < b->nsteps; s++)
		step(g, &w, s, b->give[s], b->get[s], true);
	if (odd) {
		reduce_block(g, &w, b->even, true);
		put_block(g, &w, b->even, b->me);
	}
	w.raw = 0;
	for (uint32_t s = b->nsteps; s-- > 0;)
		step(g, &w, s, b->get[s], b->give[s], false);
	if (odd)
		take_block(g, &w, b->even, b->even);
}

uint64_t rg_butterfly_sent_bytes(const struct rg_problem *problem, const struct rg_butterfly *b,
				 uint64_t len_bytes)
{
	uint64_t sent = 0;

	for (uint32_t block = 0; block < b->n && b->n > 1; block++) {
		uint64_t len = piece_of(problem, b, len_bytes, block).len, times = 0;

		for (uint32_t s = 0; s < b->nsteps; s++)
			times += (b->give[s] >> block & 1) + (b->get[s] >> block & 1);
		if (b->me == b->even)
			times = block == b->me ? b->even : 1;
		else if (b->even < b->n)
			times += block == b->me || block == b->even;
		sent += times * len;
	}
	return sent;
}
