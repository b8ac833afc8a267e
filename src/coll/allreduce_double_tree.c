/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * All-reduce over two binary trees, each for half of the vector: reduced up to the root and passed
 * down again, in slices that follow each other. Who has children in one tree is a leaf of the
 * other (save one rank where p is odd), so all links are used in both directions.
 *
 * Steps 2 ceil(log2 p) for the first slice, then one more per slice. Bytes sent per rank at most
 * 2 n: by who has two children in one tree. Scratch one slice per channel. Any p. Reduced
 * in the order of the tree, at each rank the lower child first, and then only copied: every rank
 * has the same bits.
 *
 * The first tree is over positions 0 .. p - 1: the parent of x > 0 is x without its lowest bit and
 * with the next one set or, where that is not below p, without its lowest bit. So odd positions are
 * leaves and nobody is deeper than d = ceil(log2 p). The second tree is the first in a mirror for
 * even p, shifted by one for odd p.
 *
 * Time goes in ticks. At depth e a rank passes slice i up in tick i + d - e and down in i + d + e;
 * so every message is put in one tick and taken in the next, and within a tick all ranks do the
 * same in one order: up the first tree, up the second, down the first, down the second. Thus ranks
 * that are neighbours in both trees take messages in the order in which they are put. With a credit
 * of 2 a put waits for what its receiver has taken before this tick or, between such neighbours,
 * takes in the same turn of this tick, and so for nobody who is farther back on the way. Every
 * channel has two trees of its own for its part of the vector.
 *
 * One move can name two children only where as many messages go to and from both of them. Where one
 * of them is a neighbour in both trees, and the other is not, there are two moves.
 *
 * Source: [Sanders09]; the trees are those of [NCCL-trees].
 */
#include "config.h"

#include "algorithms.h"
#include "gen.h"

#define NOBODY	     UINT32_MAX
#define CHILDREN_MAX 2

/* One rank's place in one tree, and the part of the vector that goes through it. */
struct tree {
	uint64_t off, len; /* bytes */
	uint64_t depth;
	uint32_t parent; /* NOBODY: this is the root */
	uint32_t nchildren, child[CHILDREN_MAX];
	bool apart; /* the children need a move each */
};

struct trees {
	struct tree tree[2];
	uint64_t deepest;
};

static int trees_check(const struct rg_problem *p, struct rg_err *err)
{
	return rg_gen_check_credit(&rg_allreduce_double_tree, p, RG_GEN_RANKS, err);
}

/* The position of a rank in tree t, and the rank at a position. */
static uint32_t position(uint32_t rank, uint32_t t, uint32_t p)
{
	if (t == 0)
		return rank;
	return p % 2 ? (rank + p - 1) % p : p - 1 - rank;
}

static uint32_t rank_at(uint32_t x, uint32_t t, uint32_t p)
{
	if (t == 0)
		return x;
	return p % 2 ? (x + 1) % p : p - 1 - x;
}

static uint32_t parent_of(uint32_t x, uint32_t p)
{
	uint32_t bit = x & -x, above = (x ^ bit) | bit << 1;

	return above < p ? above : x ^ bit;
}

/*
 * Those whose parent is x, in ascending order. With b the lowest bit of x they are x - b / 2, and
 * the first of x + b / 2, x + b / 4 ... that is below p. The root has the largest power of two.
 */
static uint32_t children_of(uint32_t x, uint32_t p, uint32_t out[CHILDREN_MAX])
{
	uint32_t d = x ? (x & -x) / 2 : RG_GEN_RANKS, n = 0;

	if (x && d)
		out[n++] = x - d;
	while (d && x + d >= p)
		d /= 2;
	if (d)
		out[n++] = x + d;
	return n;
}

static void find_place(uint32_t rank, uint32_t t, uint32_t p, struct tree *out)
{
	uint32_t x = position(rank, t, p);

	out->depth = 0;
	for (uint32_t up = x; up; up = parent_of(up, p))
		out->depth++;
	out->parent = x ? rank_at(parent_of(x, p), t, p) : NOBODY;
	out->nchildren = children_of(x, p, out->child);
	for (uint32_t k = 0; k < out->nchildren; k++)
		out->child[k] = rank_at(out->child[k], t, p);
}

static bool is_neighbour(const struct tree *t, uint32_t rank)
{
	return t->parent == rank || (t->nchildren > 0 && t->child[0] == rank) ||
	       (t->nchildren > 1 && t->child[1] == rank);
}

static void find_places(const struct rg_problem *p, uint32_t rank, uint32_t channel,
			struct trees *out)
{
	uint32_t n = p->layout.nranks;
	uint64_t first, count;

	rg_part(p->count, p->params.channels, channel, &first, &count);
	out->deepest = 0;
	for (uint32_t span = 1; span < n; span *= 2)
		out->deepest++;
	for (uint32_t t = 0; t < 2; t++) {
		struct tree *tree = &out->tree[t];

		rg_part(count, 2, t, &tree->off, &tree->len);
		tree->off = (first + tree->off) * p->elem_bytes;
		tree->len *= p->elem_bytes;
		find_place(rank, t, n, tree);
	}
	for (uint32_t t = 0; t < 2; t++) {
		const struct tree *other = &out->tree[!t];
		struct tree *tree = &out->tree[t];

		tree->apart = tree->nchildren == 2 && is_neighbour(other, tree->child[0]) !=
							      is_neighbour(other, tree->child[1]);
	}
}

/* What the children have, and the own source -> the parent; at the root, the destination. */
static void up(struct rg_gen *g, const struct tree *t, struct rg_gen_piece piece)
{
	const struct rg_ref tmp = {RG_BUF_TMP, g->rank};
	const struct rg_ref to = {t->parent == NOBODY ? RG_BUF_DST : RG_BUF_OUT,
				  t->parent == NOBODY ? g->rank : t->parent};
	struct rg_ref src[CHILDREN_MAX + 1];
	struct rg_gen_move m = {
		.src = src,
		.nsrc = t->nchildren + 1,
		.dst = &to,
		.ndst = 1,
		.src_off = piece.off,
		.dst_off = piece.off,
		.len_bytes = piece.len,
		.last = t->parent == NOBODY,
	};

	for (uint32_t k = 0; k < t->nchildren; k++)
		src[k] = (struct rg_ref){RG_BUF_IN, t->child[k]};
	src[t->nchildren] = (struct rg_ref){RG_BUF_SRC, g->rank};
	if (t->apart) {
		uint64_t slice = rg_gen_slice_bytes(g->problem), at = g->channel * slice;

		g->tmp_bytes = at + slice;
		rg_gen_move(g, &(struct rg_gen_move){.src = src + 1,
						     .nsrc = 2,
						     .dst = &tmp,
						     .ndst = 1,
						     .src_off = piece.off,
						     .dst_off = at,
						     .len_bytes = piece.len});
		src[1] = tmp;
		m.nsrc = 2;
		m.src_off = at;
	}
	rg_gen_move(g, &m);
}

/* The result from the parent -> the destination, where the root has it, and the children. */
static void down(struct rg_gen *g, const struct tree *t, struct rg_gen_piece piece)
{
	bool root = t->parent == NOBODY;
	const struct rg_ref own = {RG_BUF_DST, g->rank};
	const struct rg_ref from = {root ? RG_BUF_DST : RG_BUF_IN, root ? g->rank : t->parent};
	uint32_t together = t->nchildren - t->apart;
	struct rg_ref dst[CHILDREN_MAX + 1];
	struct rg_gen_move m = {
		.src = &from,
		.nsrc = 1,
		.dst = dst,
		.src_off = piece.off,
		.dst_off = piece.off,
		.len_bytes = piece.len,
	};

	for (uint32_t k = 0; k < together; k++)
		dst[m.ndst++] = (struct rg_ref){RG_BUF_OUT, t->child[k]};
	if (!root)
		dst[m.ndst++] = own;
	rg_gen_move(g, &m);
	if (t->apart)
		rg_gen_copy(g, (struct rg_ref){RG_BUF_OUT, t->child[together]}, 0, own, piece.off,
			    piece.len);
}

static void tick(struct rg_gen *g, uint64_t now, void *arg)
{
	const struct trees *trees = arg;

	for (uint32_t phase = 0; phase < 4; phase++) {
		const struct tree *t = &trees->tree[phase % 2];
		uint64_t delay = phase < 2 ? trees->deepest - t->depth : trees->deepest + t->depth;
		struct rg_gen_piece piece;

		if (now < delay || now - delay >= rg_gen_nslices(g->problem, t->len))
			continue;
		piece = rg_gen_slice(g->problem, t->len, now - delay);
		piece.off += t->off;
		(phase < 2 ? up : down)(g, t, piece);
	}
}

static int trees_generate(const struct rg_problem *p, uint32_t rank, struct rg_sink *sink,
			  struct rg_schedule_needs *needs_out, struct rg_err *err)
{
	struct trees trees;
	struct rg_gen g;

	rg_gen_open(&g, p, rank, sink, err);
	if (rg_gen_alone(&g, rg_problem_block_bytes(p)))
		return rg_gen_close(&g, needs_out);
	for (g.channel = 0; g.channel < p->params.channels; g.channel++) {
		find_places(p, rank, g.channel, &trees);
		rg_gen_loop(&g, rg_gen_nslices(p, trees.tree[0].len) + 2 * trees.deepest, tick,
			    &trees);
	}
	return rg_gen_close(&g, needs_out);
}

/* In each tree a rank sends to its parent and to its children. */
static uint64_t trees_sent_bytes(const struct rg_problem *p)
{
	uint64_t most = 0;

	for (uint32_t r = 0; r < p->layout.nranks && p->layout.nranks > 1; r++) {
		uint64_t sent = 0;

		for (uint32_t k = 0; k < 2 * p->params.channels; k++) {
			struct trees trees;
			const struct tree *t = &trees.tree[k % 2];

			find_places(p, r, k / 2, &trees);
			sent += t->len * (t->nchildren + (t->parent != NOBODY));
		}
		most = most > sent ? most : sent;
	}
	return most;
}

const struct rg_algorithm rg_allreduce_double_tree = {
	.name = "double_tree",
	.coll = RG_COLL_ALLREDUCE,
	.summary = "halves of the vector up and down two binary trees per channel, in slices",
	.steps = "2 ceil(log2(p)) + s - 1",
	.bytes = "2n",
	.ranks = "any",
	.order = "tree order, equal on all ranks",
	.source = "[Sanders09], [NCCL-trees]",
	.protocols = 1u << RG_PROTOCOL_SLOT | 1u << RG_PROTOCOL_WORD,
	.check = trees_check,
	.generate = trees_generate,
	.sent_bytes = trees_sent_bytes,
};
