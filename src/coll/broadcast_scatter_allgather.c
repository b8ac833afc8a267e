/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Broadcast, scatter and all-gather (van de Geijn): the root's vector is scattered down a binomial
 * tree, and the parts are then gathered by everybody; for long vectors.
 *
 * Steps floor(log2 (p + 1)) + ceil(log2 p) - 1 per chunk. Bytes sent at most 2 n (p - 1) / p, by
 * the root. Scratch two slices to pack messages. Any p, any root. No reduction.
 *
 * Chunks of p slices, one part per rank, go through all rounds one after the other. With v = rank -
 * root (mod p), the scatter brings parts v .. v + b - 1 to rank v, b being the lowest bit of v, all
 * to the root. The all-gather is Bruck's: over distances d = 1, 2, 4 ... rank v gets parts v + d ..
 * v + 2 d - 1 (mod p) from v + d, except those that the scatter left there. So the root is sent
 * nothing.
 *
 * Source: [Barnett94]; [Thakur05, section 3.3].
 */
#include "config.h"

#include "algorithms.h"
#include "rounds.h"

#include "railgauge/base/mem.h"

struct scattered {
	uint32_t n, v;
	uint64_t total, chunk;		  /* bytes */
	struct rg_gen_piece all;	  /* the present chunk */
	struct rg_round_part *put, *take; /* owned: [n], of one round */
};

static int scattered_check(const struct rg_problem *p, struct rg_err *err)
{
	return rg_gen_check(&rg_broadcast_scatter_allgather, p, RG_GEN_RANKS, err);
}

/* How many parts from v on the scatter brings to v. */
static uint32_t brought(uint32_t v, uint32_t n)
{
	uint32_t bit = v & -v;

	return v && bit < n - v ? bit : n - v;
}

static bool is_brought(uint32_t part, uint32_t v, uint32_t n)
{
	return part >= v && part < v + brought(v, n);
}

/* Where part i lies in the root's source or this rank's destination. */
static struct rg_round_part part_of(const struct rg_gen *g, const struct scattered *s, uint32_t i)
{
	struct rg_gen_piece piece = rg_gen_cut(g->problem, s->all.len, s->n, i);

	return (struct rg_round_part){
		.buf = s->v ? RG_BUF_DST : RG_BUF_SRC,
		.off = s->all.off + piece.off,
		.len_bytes = piece.len,
	};
}

static uint32_t rank_of(const struct rg_gen *g, uint32_t v)
{
	return (v + g->problem->root) % g->nranks;
}

/* The parts that the scatter brings to v. */
static uint32_t list_brought(const struct rg_gen *g, const struct scattered *s, uint32_t v,
			     struct rg_round_part *parts)
{
	uint32_t count = brought(v, s->n);

	for (uint32_t i = 0; i < count; i++)
		parts[i] = part_of(g, s, v + i);
	return count;
}

/* The parts that v gets over distance d. */
static uint32_t list_gathered(const struct rg_gen *g, const struct scattered *s, uint32_t v,
			      uint32_t d, struct rg_round_part *parts)
{
	uint32_t count = 0;

	for (uint32_t i = d; i < 2 * d && i < s->n; i++) {
		uint32_t part = (v + i) % s->n;

		if (!is_brought(part, v, s->n))
			parts[count++] = part_of(g, s, part);
	}
	return count;
}

static void scatter(struct rg_gen *g, const struct scattered *s)
{
	uint32_t top = 1;

	while (2 * top < s->n)
		top *= 2;
	for (uint32_t d = top; d; d /= 2) {
		struct rg_round round = {0};

		if (s->v % (2 * d) == d) {
			round.from = rank_of(g, s->v - d);
			round.take = s->take;
			round.ntake = list_brought(g, s, s->v, s->take);
		} else if (s->v % (2 * d) == 0 && s->v + d < s->n) {
			round.to = rank_of(g, s->v + d);
			round.put = s->put;
			round.nput = list_brought(g, s, s->v + d, s->put);
		}
		rg_round(g, &round);
	}
}

static void gather(struct rg_gen *g, const struct scattered *s)
{
	for (uint32_t d = 1; d < s->n; d *= 2) {
		uint32_t below = (s->v + s->n - d) % s->n;

		rg_round(g, &(struct rg_round){
				    .to = rank_of(g, below),
				    .from = rank_of(g, (s->v + d) % s->n),
				    .put = s->put,
				    .nput = list_gathered(g, s, below, d, s->put),
				    .take = s->take,
				    .ntake = list_gathered(g, s, s->v, d, s->take),
			    });
	}
}

static void chunk(struct rg_gen *g, uint64_t i, void *arg)
{
	struct scattered *s = arg;

	s->all.off = i * s->chunk;
	s->all.len = s->total - s->all.off < s->chunk ? s->total - s->all.off : s->chunk;
	scatter(g, s);
	gather(g, s);
	if (!s->v && !g->problem->in_place)
		rg_gen_copy(g, (struct rg_ref){RG_BUF_DST, g->rank}, s->all.off,
			    (struct rg_ref){RG_BUF_SRC, g->rank}, s->all.off, s->all.len);
}

static int scattered_generate(const struct rg_problem *p, uint32_t rank, struct rg_sink *sink,
			      struct rg_schedule_needs *needs_out, struct rg_err *err)
{
	uint32_t n = p->layout.nranks;
	struct scattered s = {
		.n = n,
		.v = (rank + n - p->root) % n,
		.total = rg_problem_block_bytes(p),
		.chunk = rg_gen_slice_bytes(p) * n,
	};
	struct rg_gen g;

	rg_gen_open(&g, p, rank, sink, err);
	s.put = rg_gen_alloc(&g, n, sizeof(*s.put));
	s.take = rg_gen_alloc(&g, n, sizeof(*s.take));
	if (!rg_gen_alone(&g, s.total))
		rg_gen_loop(&g, (s.total + s.chunk - 1) / s.chunk, chunk, &s);
	rg_free(s.put);
	rg_free(s.take);
	return rg_gen_close(&g, needs_out);
}

/* What v sends of a chunk: down the tree, and what the rank d below it still lacks. */
static uint64_t chunk_sent(const struct rg_problem *p, uint32_t v, uint64_t len)
{
	uint32_t n = p->layout.nranks;
	uint64_t sent = 0;

	for (uint32_t d = 1; d < n; d *= 2) {
		uint32_t below = (v + n - d) % n, down = 0;

		if (v % (2 * d) == 0 && v + d < n)
			down = brought(v + d, n);
		for (uint32_t i = v + d; i < v + d + down; i++)
			sent += rg_gen_cut(p, len, n, i).len;
		for (uint32_t i = d; i < 2 * d && i < n; i++) {
			uint32_t part = (below + i) % n;

			if (!is_brought(part, below, n))
				sent += rg_gen_cut(p, len, n, part).len;
		}
	}
	return sent;
}

static uint64_t scattered_sent_bytes(const struct rg_problem *p)
{
	uint64_t total = rg_problem_block_bytes(p), most = 0;
	uint64_t each = rg_gen_slice_bytes(p) * p->layout.nranks;

	for (uint32_t v = 0; v < p->layout.nranks; v++) {
		uint64_t sent =
			total / each * chunk_sent(p, v, each) + chunk_sent(p, v, total % each);

		most = most > sent ? most : sent;
	}
	return most;
}

const struct rg_algorithm rg_broadcast_scatter_allgather = {
	.name = "scatter_allgather",
	.coll = RG_COLL_BROADCAST,
	.summary = "parts of the vector down a binomial tree, then gathered by all",
	.steps = "(floor(log2(p+1)) + ceil(log2(p)) - 1) s/p",
	.bytes = "2n (p-1)/p by the root",
	.ranks = "any",
	.order = "none",
	.source = "[Barnett94], [Thakur05, section 3.3]",
	.protocols = 1u << RG_PROTOCOL_SLOT | 1u << RG_PROTOCOL_WORD,
	.check = scattered_check,
	.generate = scattered_generate,
	.sent_bytes = scattered_sent_bytes,
};
