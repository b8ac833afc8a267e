/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * All-reduce after Rabenseifner: reduce-scatter by recursive halving, then all-gather by recursive
 * doubling.
 *
 * Steps 2 log2 p per chunk, one more each way where p is no power of two. Bytes sent per rank about
 * 2 n (p - 1) / p, or n + 2 n (p' - 1) / p' with p' the largest power of two in p < p. Scratch
 * none: the destination accumulates. Any p. Reduced as a binary tree over the ranks, the
 * lower group first on both sides, and then only copied: every rank has the same bits.
 *
 * Chunks of the vector, of two slices (one where ranks are folded), go through all rounds one after
 * the other, so that each message fits one slot and stays in the cache. In round j a rank halves
 * the range that it still reduces with the rank at distance p' / 2^(j + 1). The last halving
 * writes its result to the destination and into the slot of the first doubling in one move; there
 * both ranks of a pair free a slot that the other one waits for, so a credit of 2 is needed.
 * Folding as in fold.h. Source: [Rabenseifner04], [Thakur05, section 4.2].
 */
#include "config.h"

#include "algorithms.h"
#include "fold.h"
#include "gen.h"

struct halving {
	uint64_t chunk, total; /* bytes */
	struct rg_fold fold;
};

static int halving_check(const struct rg_problem *p, struct rg_err *err)
{
	return rg_gen_check_credit(&rg_allreduce_rabenseifner, p, RG_GEN_RANKS, err);
}

static uint64_t chunk_bytes(const struct rg_problem *p, const struct rg_fold *f)
{
	return rg_gen_slice_bytes(p) * (f->extra ? 1 : 2);
}

/*
 * Halves a range, at a multiple of 64 bytes while there is that much for every rank: the half that
 * number v keeps and the one that it gives away, bit being the distance.
 */
static void halve(struct rg_gen_piece r, uint64_t unit, uint32_t v, uint32_t bit,
		  struct rg_gen_piece *keep_out, struct rg_gen_piece *give_out)
{
	uint64_t half = (r.len / 2 + unit - 1) / unit * unit;
	struct rg_gen_piece low = {r.off, half < r.len ? half : r.len};
	struct rg_gen_piece high = {r.off + low.len, r.len - low.len};

	*keep_out = v & bit ? high : low;
	*give_out = v & bit ? low : high;
}

static uint64_t unit_of(const struct rg_problem *p, const struct rg_fold *f, uint64_t len)
{
	uint64_t line = p->elem_bytes < 64 ? 64 : p->elem_bytes;

	return len >= line * f->n ? line : p->elem_bytes;
}

static void put(struct rg_gen *g, uint32_t to, enum rg_buf from, struct rg_gen_piece r)
{
	rg_gen_copy(g, (struct rg_ref){RG_BUF_OUT, to}, 0, (struct rg_ref){from, g->rank}, r.off,
		    r.len);
}

static void take(struct rg_gen *g, uint32_t from, struct rg_gen_piece r)
{
	rg_gen_copy(g, (struct rg_ref){RG_BUF_DST, g->rank}, r.off,
		    (struct rg_ref){RG_BUF_IN, from}, 0, r.len);
}

/* own and what comes from peer -> the destination and, in the last halving, the peer's slot. */
static void reduce(struct rg_gen *g, enum rg_buf own, uint32_t peer, struct rg_gen_piece r,
		   bool last)
{
	const struct rg_ref mine = {own, g->rank}, theirs = {RG_BUF_IN, peer};
	const struct rg_ref src[2] = {peer < g->rank ? theirs : mine,
				      peer < g->rank ? mine : theirs};
	const struct rg_ref dst[2] = {{RG_BUF_DST, g->rank}, {RG_BUF_OUT, peer}};

	rg_gen_move(g, &(struct rg_gen_move){.src = src,
					     .nsrc = 2,
					     .dst = dst,
					     .ndst = last ? 2 : 1,
					     .src_off = r.off,
					     .dst_off = r.off,
					     .len_bytes = r.len,
					     .last = last});
}

static void rounds(struct rg_gen *g, const struct rg_fold *f, struct rg_gen_piece r,
		   enum rg_buf own)
{
	uint64_t unit = unit_of(g->problem, f, r.len);
	struct rg_gen_piece give[RG_GEN_RANKS_LOG2], kept[RG_GEN_RANKS_LOG2];
	uint32_t n = 0;

	for (uint32_t bit = f->n / 2; bit; bit /= 2, n++) {
		uint32_t peer = rg_fold_peer(f, bit);

		halve(r, unit, f->v, bit, &kept[n], &give[n]);
		put(g, peer, own, give[n]);
		reduce(g, own, peer, kept[n], bit == 1);
		r = kept[n];
		own = RG_BUF_DST;
	}
	for (uint32_t bit = 1; bit < f->n; bit *= 2) {
		n--;
		if (bit > 1)
			put(g, rg_fold_peer(f, bit), RG_BUF_DST, kept[n]);
		take(g, rg_fold_peer(f, bit), give[n]);
	}
}

static void chunk(struct rg_gen *g, uint64_t i, void *arg)
{
	const struct halving *h = arg;
	const struct rg_fold *f = &h->fold;
	enum rg_buf own = RG_BUF_SRC;
	struct rg_gen_piece r = {.off = i * h->chunk};

	r.len = h->total - r.off < h->chunk ? h->total - r.off : h->chunk;
	if (!f->inside) {
		put(g, f->partner, RG_BUF_SRC, r);
		take(g, f->partner, r);
		return;
	}
	if (f->partner != RG_FOLD_NOBODY) {
		reduce(g, own, f->partner, r, false);
		own = RG_BUF_DST;
	}
	rounds(g, f, r, own);
	if (f->partner != RG_FOLD_NOBODY)
		put(g, f->partner, RG_BUF_DST, r);
}

static int halving_generate(const struct rg_problem *p, uint32_t rank, struct rg_sink *sink,
			    struct rg_schedule_needs *needs_out, struct rg_err *err)
{
	struct halving h = {
		.total = rg_problem_block_bytes(p),
		.fold = rg_fold_of(p->layout.nranks, rank),
	};
	struct rg_gen g;

	h.chunk = chunk_bytes(p, &h.fold);
	rg_gen_open(&g, p, rank, sink, err);
	if (g.nranks == 1 && !p->in_place)
		rg_gen_copy(&g, (struct rg_ref){RG_BUF_DST, rank}, 0,
			    (struct rg_ref){RG_BUF_SRC, rank}, 0, h.total);
	else if (g.nranks > 1)
		rg_gen_loop(&g, (h.total + h.chunk - 1) / h.chunk, chunk, &h);
	return rg_gen_close(&g, needs_out);
}

/* What number v sends of a chunk of len bytes: what it gives away, and later what it has. */
static uint64_t chunk_sent(const struct rg_problem *p, const struct rg_fold *f, uint64_t len)
{
	uint64_t unit = unit_of(p, f, len), sent = f->partner == RG_FOLD_NOBODY ? 0 : len;
	struct rg_gen_piece r = {0, len}, give;

	if (!f->inside)
		return len;
	for (uint32_t bit = f->n / 2; bit; bit /= 2) {
		halve(r, unit, f->v, bit, &r, &give);
		sent += give.len + r.len;
	}
	return sent;
}

static uint64_t halving_sent_bytes(const struct rg_problem *p)
{
	uint64_t total = rg_problem_block_bytes(p), most = 0;

	for (uint32_t r = 0; r < p->layout.nranks; r++) {
		struct rg_fold f = rg_fold_of(p->layout.nranks, r);
		uint64_t each = chunk_bytes(p, &f);
		uint64_t sent =
			total / each * chunk_sent(p, &f, each) + chunk_sent(p, &f, total % each);

		most = most > sent ? most : sent;
	}
	return most;
}

/* Where nobody is folded and all halves are equal. */
static struct rg_symmetry halving_symmetry(const struct rg_problem *p)
{
	struct rg_fold f = rg_fold_of(p->layout.nranks, 0);
	uint64_t chunk = chunk_bytes(p, &f), rest = rg_problem_block_bytes(p) % chunk;

	if (f.extra || chunk % (unit_of(p, &f, chunk) * f.n) || rest % (unit_of(p, &f, rest) * f.n))
		return (struct rg_symmetry){0};
	return (struct rg_symmetry){RG_SYMMETRY_FLIP, 1};
}

const struct rg_algorithm rg_allreduce_rabenseifner = {
	.name = "rabenseifner",
	.coll = RG_COLL_ALLREDUCE,
	.summary = "reduce-scatter by recursive halving, then all-gather by recursive doubling",
	.steps = "2 log2(p) s, not a power of two: at most 2 floor(log2(p)) + 2",
	.bytes = "2n (p-1)/p, not a power of two: up to 3n",
	.ranks = "any",
	.order = "binary tree, equal on all ranks",
	.source = "[Rabenseifner04], [Thakur05, section 4.2]",
	.protocols = 1u << RG_PROTOCOL_SLOT | 1u << RG_PROTOCOL_WORD,
	.check = halving_check,
	.generate = halving_generate,
	.sent_bytes = halving_sent_bytes,
	.symmetry = halving_symmetry,
};
