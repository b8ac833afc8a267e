/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * All-reduce, ring: reduce-scatter and all-gather around a ring, each message taken, combined and
 * passed on in one move.
 *
 * Steps 2 (p - 1) per slice. Bytes sent per rank at most 2 n - (2 smallest blocks of each channel),
 * about 2 n (p - 1) / p. Scratch none. Any p; with fewer elements than ranks some messages are
 * empty. Block b is reduced in ring order from rank b on, by one rank after the other, and then
 * only copied: every rank has the same bits, but they depend on p.
 *
 * The vector is cut into one part per channel, each part into p blocks. Every channel is a ring of
 * its own. In step s rank r works on block r - s; in step p - 1 it completes block r + 1.
 * Source: [Patarasuk09].
 */
#include "config.h"

#include "algorithms.h"
#include "gen.h"
#include "ring.h"

struct ring_part {
	uint64_t first, count; /* elements of this channel */
};

static int ring_check(const struct rg_problem *p, struct rg_err *err)
{
	return rg_gen_check_credit(&rg_allreduce_ring, p, RG_GEN_RANKS, err);
}

/* Block b of the channel's part, in bytes of the vector. */
static void block(const struct rg_problem *p, const struct ring_part *part, uint32_t b,
		  uint64_t *off_out, uint64_t *len_out)
{
	uint64_t first, count;

	rg_part(part->count, p->layout.nranks, b, &first, &count);
	*off_out = (part->first + first) * p->elem_bytes;
	*len_out = count * p->elem_bytes;
}

static void step(struct rg_gen *g, uint64_t slice, uint32_t s, void *arg)
{
	const struct ring_part *part = arg;
	uint32_t p = g->nranks, last = 2 * p - 2, b = (g->rank + 2 * p - s) % p;
	const struct rg_ref in = {RG_BUF_IN, rg_ring_left(g)};
	const struct rg_ref src[2] = {in, {RG_BUF_SRC, g->rank}};
	const struct rg_ref dst[2] = {{RG_BUF_OUT, rg_ring_right(g)}, {RG_BUF_DST, g->rank}};
	struct rg_gen_move m = {.src = src, .nsrc = 2, .dst = dst, .ndst = 1};
	struct rg_gen_piece piece;
	uint64_t off, len;

	block(g->problem, part, b, &off, &len);
	piece = rg_gen_slice(g->problem, len, slice);
	m.src_off = m.dst_off = off + piece.off;
	m.len_bytes = piece.len;
	if (s == 0)
		m.src = &src[1];
	if (s == 0 || s >= p)
		m.nsrc = 1;
	if (s >= p - 1)
		m.ndst = 2;
	if (s == last) {
		m.dst = &dst[1];
		m.ndst = 1;
	}
	m.last = s == p - 1;
	m.part = (slice * g->problem->params.channels + g->channel) * p + b;
	rg_gen_move(g, &m);
}

static void channel_part(const struct rg_problem *p, uint32_t channel, struct ring_part *out)
{
	rg_part(p->count, p->params.channels, channel, &out->first, &out->count);
}

static int ring_generate(const struct rg_problem *p, uint32_t rank, struct rg_sink *sink,
			 struct rg_schedule_needs *needs_out, struct rg_err *err)
{
	struct rg_gen g;

	rg_gen_open(&g, p, rank, sink, err);
	if (g.nranks == 1 && !p->in_place)
		rg_gen_copy(&g, (struct rg_ref){RG_BUF_DST, rank}, 0,
			    (struct rg_ref){RG_BUF_SRC, rank}, 0, rg_problem_block_bytes(p));
	for (uint32_t c = 0; c < p->params.channels && g.nranks > 1; c++) {
		struct ring_part part;
		uint64_t off, largest;

		g.channel = c;
		channel_part(p, c, &part);
		block(p, &part, 0, &off, &largest);
		rg_ring_steps(&g, rg_gen_nslices(p, largest), 2 * g.nranks - 1, step, &part);
	}
	return rg_gen_close(&g, needs_out);
}

/* In both halves a rank sends all blocks but one: r + 1 first, then r + 2. */
static uint64_t ring_sent_bytes(const struct rg_problem *p)
{
	uint32_t n = p->layout.nranks;
	uint64_t most = 0;

	for (uint32_t r = 0; r < n && n > 1; r++) {
		uint64_t sent = 0;

		for (uint32_t c = 0; c < p->params.channels; c++) {
			struct ring_part part;
			uint64_t off, a, b;

			channel_part(p, c, &part);
			block(p, &part, (r + 1) % n, &off, &a);
			block(p, &part, (r + 2) % n, &off, &b);
			sent += 2 * part.count * p->elem_bytes - a - b;
		}
		most = most > sent ? most : sent;
	}
	return most;
}

/* All blocks of a channel may be as long as each other: the last one is the shortest. */
static struct rg_symmetry ring_symmetry(const struct rg_problem *p)
{
	for (uint32_t c = 0; c < p->params.channels; c++) {
		struct ring_part part;
		uint64_t off, longest, shortest;

		channel_part(p, c, &part);
		block(p, &part, 0, &off, &longest);
		block(p, &part, p->layout.nranks - 1, &off, &shortest);
		if (longest != shortest)
			return (struct rg_symmetry){RG_SYMMETRY_SHIFT_PARTS, 1};
	}
	return (struct rg_symmetry){RG_SYMMETRY_SHIFT, 1};
}

const struct rg_algorithm rg_allreduce_ring = {
	.name = "ring",
	.coll = RG_COLL_ALLREDUCE,
	.summary = "blocks travel around a ring per channel, first reduced, then copied",
	.steps = "2 (p-1) s",
	.bytes = "2n (p-1)/p",
	.ranks = "any",
	.order = "ring order, equal on all ranks",
	.source = "[Patarasuk09]",
	.protocols = 1u << RG_PROTOCOL_SLOT | 1u << RG_PROTOCOL_WORD,
	.check = ring_check,
	.generate = ring_generate,
	.sent_bytes = ring_sent_bytes,
	.symmetry = ring_symmetry,
};
