/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "butterfly.h"

#include "swing.h"

#include "railgauge/base/mem.h"

#include <string.h>

#define NEVER UINT8_MAX

/*
 * In which step a member at distance i from a block's own joins the tree of that block, the last
 * steps being nearest to the root: step_out[i], [even], for an even member and the block i away.
 * reached is room for [2^nsteps] distances, doubled in each step: those to the members that have
 * the block then, from the one of them that the step is taken at.
 */
static void grow_tree(const struct rg_butterfly *b, int64_t *reached, uint8_t *step_out)
{
	uint32_t n = 1;

	memset(step_out, NEVER, b->even);
	reached[0] = 0;
	step_out[0] = (uint8_t)b->nsteps;
	for (uint32_t s = b->nsteps; s-- > 0; n *= 2) {
		int64_t rho = rg_swing_distance(s);

		for (uint32_t k = 0; k < n; k++) {
			uint32_t i;

			/* To the peer, who is of the other parity, and on from there. */
			reached[n + k] = rho - reached[k];
			i = rg_swing_around(reached[n + k], b->even);
			if (step_out[i] == NEVER)
				step_out[i] = (uint8_t)s;
		}
	}
}

/* Lists the distances by steps. */
static void list_give(struct rg_butterfly *b, const uint8_t *step)
{
	uint32_t at[RG_GEN_RANKS_LOG2 + 1];

	for (uint32_t i = 1; i < b->even; i++)
		b->first[step[i] + 1]++;
	for (uint32_t s = 0; s < b->nsteps; s++)
		b->first[s + 1] += b->first[s];
	memcpy(at, b->first, sizeof(at));
	for (uint32_t i = 1; i < b->even; i++)
		b->give[at[step[i]]++] = i;
}

/* Where the first of n ascending numbers is that is not below `bound`. */
static uint32_t split_at(const uint32_t *list, uint32_t n, uint32_t bound)
{
	uint32_t low = 0;

	while (low < n) {
		uint32_t middle = low + (n - low) / 2;

		if (list[middle] < bound)
			low = middle + 1;
		else
			n = middle;
	}
	return low;
}

/*
 * What the peer of step s gives, seen from here: rho(s) - i for its i, so they ascend as its i
 * descend from rho(s) around the circle.
 */
static void list_get(struct rg_butterfly *b)
{
	memset(b->until, NEVER, b->even);
	for (uint32_t s = b->nsteps; s-- > 0;) {
		uint32_t rho = rg_swing_around(rg_swing_distance(s), b->even);
		uint32_t n = b->first[s + 1] - b->first[s];
		const uint32_t *give = b->give + b->first[s];
		uint32_t *get = b->get + b->first[s], split = split_at(give, n, rho + 1);

		for (uint32_t k = 0; k < n; k++) {
			uint32_t i = give[k < split ? split - 1 - k : split + n - 1 - k];

			get[k] = rho < i ? rho + b->even - i : rho - i;
			b->until[get[k]] = (uint8_t)s;
		}
	}
}

static int open_lists(struct rg_butterfly *b, struct rg_err *err)
{
	int64_t *reached = rg_alloc(((size_t)1 << b->nsteps) * sizeof(*reached));
	uint8_t *step = rg_alloc(b->even);
	int rc = 0;

	b->give = rg_alloc(b->even * sizeof(*b->give));
	b->get = rg_alloc(b->even * sizeof(*b->get));
	b->until = rg_alloc(b->even);
	if (!reached || !step || !b->give || !b->get || !b->until) {
		rc = rg_err_set(err, RG_ERR_NO_MEMORY, "no memory to generate a schedule");
	} else {
		grow_tree(b, reached, step);
		list_give(b, step);
		list_get(b);
	}
	for (uint32_t s = 0; s < b->nsteps; s++) {
		uint32_t n = b->first[s + 1] - b->first[s];

		b->room = b->room > n ? b->room : n;
	}
	rg_free(reached);
	rg_free(step);
	return rc;
}

int rg_butterfly_open(struct rg_butterfly *b, uint32_t n, struct rg_err *err)
{
	int rc = 0;

	*b = (struct rg_butterfly){.n = n, .even = n & ~1u, .room = 1};
	b->nsteps = rg_swing_steps(b->even);
	b->runs = (b->even & (b->even - 1)) == 0;
	if (!b->runs)
		rc = open_lists(b, err);
	b->parts = rg_alloc(2 * (size_t)b->room * sizeof(*b->parts));
	if (!rc && !b->parts)
		rc = rg_err_set(err, RG_ERR_NO_MEMORY, "no memory to generate a schedule");
	return rc;
}

void rg_butterfly_close(struct rg_butterfly *b)
{
	rg_free(b->give);
	rg_free(b->get);
	rg_free(b->until);
	rg_free(b->parts);
	*b = (struct rg_butterfly){0};
}

/*
 * Which of the n parts of the stretch a block is. For a power of two, blocks that a member keeps
 * until some step lie side by side: in each step the half with the lowest block comes first.
 */
static uint32_t place_of(const struct rg_butterfly *b, uint32_t block)
{
	uint32_t place = 0, before = 0;

	if (!b->runs || block == b->even)
		return block;
	for (uint32_t s = 0; s < b->nsteps; s++) {
		uint32_t least = rg_swing_least(block, s, b->even);

		place = 2 * place + (least != before);
		before = least;
	}
	return place;
}

/* A call of rg_butterfly_allreduce. */
struct work {
	const struct rg_butterfly *b;
	struct rg_gen_piece all;
	enum rg_buf own; /* where what was not combined yet lies */
	uint64_t stage;
};

static uint32_t rank_of(const struct work *w, uint32_t member)
{
	return w->b->rank_of(w->b->arg, member);
}

static struct rg_gen_piece piece_of(const struct rg_problem *p, const struct rg_butterfly *b,
				    uint64_t len_bytes, uint32_t block)
{
	return rg_gen_cut(p, len_bytes, b->n, place_of(b, block));
}

static struct rg_gen_piece block_of(const struct rg_gen *g, const struct work *w, uint32_t block)
{
	struct rg_gen_piece piece = piece_of(g->problem, w->b, w->all.len, block);

	piece.off += w->all.off;
	return piece;
}

/* The blocks that `member` keeps after step s, of a power of two. */
static struct rg_gen_piece run_of(const struct rg_problem *p, const struct rg_butterfly *b,
				  uint64_t len_bytes, uint32_t member, uint32_t s)
{
	uint32_t n = UINT32_C(1) << (b->nsteps - 1 - s), first = place_of(b, member) & ~(n - 1);
	struct rg_gen_piece piece = rg_gen_cut(p, len_bytes, b->n, first);
	struct rg_gen_piece last = rg_gen_cut(p, len_bytes, b->n, first + n - 1);

	piece.len = last.off + last.len - piece.off;
	return piece;
}

/* The block that is i away from this member. */
static uint32_t away(const struct rg_butterfly *b, uint32_t i)
{
	return rg_swing_around(b->me % 2 ? (int64_t)b->me - i : (int64_t)b->me + i, b->even);
}

/* One step: what this member hands over, and what it gets. */
struct step {
	uint32_t s;
	bool reduce; /* else it is the way back: what was got is handed over */
};

static struct rg_round_part part_of(const struct work *w, struct rg_gen_piece piece, bool raw,
				    bool reduce)
{
	enum rg_buf where = raw ? w->own : RG_BUF_DST;

	return (struct rg_round_part){
		.buf = reduce ? RG_BUF_DST : where,
		.off = w->all.off + piece.off,
		.len_bytes = piece.len,
		.reduce = reduce,
		.own = where,
		.own_off = w->all.off + piece.off,
	};
}

/* Lists blocks by their places, from the lowest on; returns how many parts they are. */
static uint32_t list(const struct rg_gen *g, const struct work *w, struct step t, bool get,
		     struct rg_round_part *parts)
{
	const struct rg_butterfly *b = w->b;
	const uint32_t *list;
	uint32_t n, split;
	bool reduce = t.reduce && get, odd = b->me % 2;

	if (b->runs) {
		uint32_t peer = rg_swing_peer(b->me, t.s, b->even);
		uint32_t keeps = get == t.reduce ? b->me : peer;

		parts[0] = part_of(w, run_of(g->problem, b, w->all.len, keeps, t.s),
				   t.reduce && t.s == 0, reduce);
		return 1;
	}
	list = (get == t.reduce ? b->get : b->give) + b->first[t.s];
	n = b->first[t.s + 1] - b->first[t.s];
	/* Block 0 is me away from an odd member, and even - me from an even one. */
	split = split_at(list, n, odd ? b->me + 1 : b->even - b->me);
	for (uint32_t k = 0; k < n; k++) {
		uint32_t at = odd ? split + n - 1 - k : split + k, i = list[at < n ? at : at - n];

		parts[k] = part_of(w, piece_of(g->problem, b, w->all.len, away(b, i)),
				   t.reduce && b->until[i] >= t.s, reduce);
	}
	return n;
}

static void exchange(struct rg_gen *g, const struct work *w, struct step t)
{
	const struct rg_butterfly *b = w->b;
	struct rg_round_part *put = b->parts, *take = b->parts + b->room;
	uint32_t peer = rank_of(w, rg_swing_peer(b->me, t.s, b->even));
	const struct rg_round round = {
		.to = peer,
		.from = peer,
		.put = put,
		.nput = list(g, w, t, false, put),
		.take = take,
		.ntake = list(g, w, t, true, take),
		.last = t.reduce && t.s + 1 == b->nsteps && b->even == b->n,
		.stage = w->stage,
	};

	rg_round(g, &round);
}

static void put_block(struct rg_gen *g, const struct work *w, uint32_t to, enum rg_buf buf,
		      uint32_t block)
{
	struct rg_gen_piece piece = block_of(g, w, block);

	rg_gen_copy(g, (struct rg_ref){RG_BUF_OUT, rank_of(w, to)}, 0,
		    (struct rg_ref){buf, g->rank}, piece.off, piece.len);
}

static void take_block(struct rg_gen *g, const struct work *w, uint32_t from, uint32_t block)
{
	struct rg_gen_piece piece = block_of(g, w, block);

	rg_gen_copy(g, (struct rg_ref){RG_BUF_DST, g->rank}, piece.off,
		    (struct rg_ref){RG_BUF_IN, rank_of(w, from)}, 0, piece.len);
}

/* Combines the own block, what there is of it being in `own`, with what comes for it. */
static void reduce_block(struct rg_gen *g, const struct work *w, uint32_t from, enum rg_buf own,
			 bool last)
{
	struct rg_gen_piece piece = block_of(g, w, w->b->me);
	const struct rg_ref dst = {RG_BUF_DST, g->rank};
	const struct rg_ref src[2] = {{RG_BUF_IN, rank_of(w, from)}, {own, g->rank}};

	rg_gen_move(g, &(struct rg_gen_move){.src = src,
					     .nsrc = 2,
					     .dst = &dst,
					     .ndst = 1,
					     .src_off = piece.off,
					     .dst_off = piece.off,
					     .len_bytes = piece.len,
					     .last = last});
}

/* The last of an odd number of members. */
static void stand_aside(struct rg_gen *g, const struct work *w)
{
	uint32_t even = w->b->even;

	for (uint32_t i = 0; i < even; i++)
		put_block(g, w, i, w->own, i);
	for (uint32_t i = 0; i < even; i++)
		reduce_block(g, w, i, i ? RG_BUF_DST : w->own, i + 1 == even);
	for (uint32_t i = 0; i < even; i++)
		put_block(g, w, i, RG_BUF_DST, w->b->me);
	for (uint32_t i = 0; i < even; i++)
		take_block(g, w, i, i);
}

void rg_butterfly_allreduce(struct rg_gen *g, const struct rg_butterfly *b, struct rg_gen_piece all,
			    enum rg_buf own, uint64_t stage)
{
	const struct work w = {.b = b, .all = all, .own = own, .stage = stage};
	bool odd = b->even < b->n;

	if (b->n == 1)
		return;
	if (b->me == b->even) {
		stand_aside(g, &w);
		return;
	}
	if (odd)
		put_block(g, &w, b->even, own, b->even);
	for (uint32_t s = 0; s < b->nsteps; s++)
		exchange(g, &w, (struct step){s, true});
	if (odd) {
		reduce_block(g, &w, b->even, RG_BUF_DST, true);
		put_block(g, &w, b->even, RG_BUF_DST, b->me);
	}
	for (uint32_t s = b->nsteps; s-- > 0;)
		exchange(g, &w, (struct step){s, false});
	if (odd)
		take_block(g, &w, b->even, b->even);
}

/* There and back in all steps. */
static uint64_t sent_in_steps(const struct rg_problem *p, const struct rg_butterfly *b,
			      uint64_t len_bytes)
{
	uint64_t sent = 0;

	for (uint32_t s = 0; s < b->nsteps; s++) {
		uint32_t peer = rg_swing_peer(b->me, s, b->even);

		if (b->runs)
			sent += run_of(p, b, len_bytes, peer, s).len +
				run_of(p, b, len_bytes, b->me, s).len;
		for (uint32_t k = b->first[s]; k < b->first[s + 1]; k++)
			sent += piece_of(p, b, len_bytes, away(b, b->give[k])).len +
				piece_of(p, b, len_bytes, away(b, b->get[k])).len;
	}
	return sent;
}

uint64_t rg_butterfly_sent_bytes(const struct rg_problem *p, const struct rg_butterfly *b,
				 uint64_t len_bytes)
{
	uint64_t own = piece_of(p, b, len_bytes, b->me).len;

	if (b->n == 1)
		return 0;
	if (b->me == b->even)
		return len_bytes - own + b->even * own;
	if (b->even < b->n)
		own += piece_of(p, b, len_bytes, b->even).len;
	else
		own = 0;
	return own + sent_in_steps(p, b, len_bytes);
}

bool rg_butterfly_repeats(const struct rg_problem *p, uint32_t n, uint64_t len_bytes)
{
	return (n & (n - 1)) == 0 &&
	       rg_gen_cut(p, len_bytes, n, 0).len == rg_gen_cut(p, len_bytes, n, n - 1).len;
}
