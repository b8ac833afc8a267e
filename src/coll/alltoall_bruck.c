/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * All-to-all, Bruck: blocks travel by the digits of their distance, together with others that have
 * the same digit: few messages, for short blocks.
 *
 * Steps ceil(log_k p) per slice of a block, k being the radix, with k - 1 messages at once in each.
 * Bytes sent per rank b times the nonzero digits of 1 .. p - 1, b being one block: about
 * n (k - 1) / k log_k p. Scratch a slice of every block, and two to pack messages. Any p, any radix
 * from 2 to 64; 2 unless asked for. A radix of p sends every block straight to its destination.
 * Reduces nothing.
 *
 * Block j of a rank, j = 1 .. p - 1, is for the rank at distance j. With j written to the base k,
 * in round i all blocks with digit z in place i go over a distance of z k^i, for all z = 1 .. k - 1
 * at once, and keep their numbers. A block is sent out of the source as long as it has not moved,
 * and taken into the destination when no digit is left; in between it is in scratch, where blocks
 * of one number take the same place. So nothing is rotated. In place all is copied to scratch
 * first.
 *
 * The slices of a block take all rounds one after the other; short blocks share a message
 * (rounds.h). Blocks of different lengths do so in other ways where they are sent than where they
 * are taken: what is taken would come upon what waits to be sent, if a block did not take two
 * places in scratch in turns.
 *
 * Source: [Bruck97], index operation, for k - 1 ports.
 */
#include "config.h"

#include "algorithms.h"
#include "alltoall.h"
#include "rounds.h"

#include "railgauge/base/mem.h"

#define RADIX_MAX 64

struct bruck {
	uint32_t radix;
	uint64_t number; /* of the slice of each block that is under way */
	uint64_t stride; /* of slices in scratch: the longest one */
	uint64_t other;	 /* from one of the two places that a block takes in scratch to the other */
	uint64_t stage;
	struct rg_round_part *put, *take; /* owned: [nranks], of the rounds that are made at once */
};

static int bruck_check(const struct rg_problem *p, struct rg_err *err)
{
	return rg_alltoall_check(&rg_alltoall_bruck, p, RG_GEN_RANKS, err);
}

/* Block j after it has gone over `moved` of its distance, in scratch of the rank where it is. */
static struct rg_round_part underway(const struct rg_gen *g, const struct bruck *b, uint32_t j,
				     uint32_t moved)
{
	uint32_t from = (g->rank + g->nranks - moved) % g->nranks, moves = 0;
	uint64_t len = rg_block_len(g->problem, from, (from + j) % g->nranks);

	for (uint32_t rest = moved; rest; rest /= b->radix)
		moves += rest % b->radix > 0;
	return (struct rg_round_part){
		.buf = RG_BUF_TMP,
		.off = j * b->stride + moves % 2 * b->other,
		.len_bytes = rg_gen_slice(g->problem, len, b->number).len,
	};
}

/* Where block j lies before it is sent in the round of this unit, k^i. */
static struct rg_round_part before(const struct rg_gen *g, const struct bruck *b, uint32_t j,
				   uint32_t unit)
{
	struct rg_round_part part = underway(g, b, j, j % unit);

	if (!g->problem->in_place && !(j % unit)) {
		uint32_t to = (g->rank + j) % g->nranks;

		part.buf = RG_BUF_SRC;
		part.off = rg_block_src_slice(g->problem, g->rank, to, b->number).off;
	}
	return part;
}

/* And where the block of that number goes that is taken. */
static struct rg_round_part after(const struct rg_gen *g, const struct bruck *b, uint32_t j,
				  uint32_t unit)
{
	struct rg_round_part part = underway(g, b, j, j % (unit * b->radix));

	if (j < unit * b->radix) {
		uint32_t from = (g->rank + g->nranks - j) % g->nranks;

		part.buf = RG_BUF_DST;
		part.off = rg_block_dst_slice(g->problem, from, g->rank, b->number).off;
	}
	return part;
}

/* The blocks with digit z, for all z one after the other. */
static void round_of(struct rg_gen *g, const struct bruck *b, uint32_t unit)
{
	struct rg_round rounds[RADIX_MAX];
	uint32_t n = 0, parts = 0;

	for (uint32_t z = 1; z < b->radix && z * unit < g->nranks; z++) {
		uint32_t first = parts;

		for (uint32_t all = z * unit; all < g->nranks; all += unit * b->radix) {
			for (uint32_t j = all; j < all + unit && j < g->nranks; j++) {
				b->put[parts] = before(g, b, j, unit);
				b->take[parts++] = after(g, b, j, unit);
			}
		}
		rounds[n++] = (struct rg_round){
			.to = (g->rank + z * unit) % g->nranks,
			.from = (g->rank + g->nranks - z * unit) % g->nranks,
			.put = b->put + first,
			.nput = parts - first,
			.take = b->take + first,
			.ntake = parts - first,
			.stage = b->stage,
		};
	}
	rg_rounds(g, rounds, n);
}

/* What is not sent at all, or in place would be overwritten. */
static void prepare(struct rg_gen *g, const struct bruck *b)
{
	rg_block_own_slice(g, b->number);
	for (uint32_t j = 1; j < g->nranks && g->problem->in_place; j++) {
		struct rg_gen_piece piece = rg_block_src_slice(
			g->problem, g->rank, (g->rank + j) % g->nranks, b->number);

		rg_gen_copy(g, (struct rg_ref){RG_BUF_TMP, g->rank}, j * b->stride,
			    (struct rg_ref){RG_BUF_SRC, g->rank}, piece.off, piece.len);
	}
}

static void slice(struct rg_gen *g, uint64_t i, void *arg)
{
	struct bruck *b = arg;

	b->number = i;
	prepare(g, b);
	for (uint32_t unit = 1; unit < g->nranks; unit *= b->radix)
		round_of(g, b, unit);
}

int rg_alltoall_bruck_generate(const struct rg_problem *p, uint32_t rank, uint32_t radix,
			       struct rg_sink *sink, struct rg_schedule_needs *needs_out,
			       struct rg_err *err)
{
	uint64_t longest = rg_block_longest(p), room;
	struct bruck b = {.radix = radix, .stride = rg_gen_slice(p, longest, 0).len};
	struct rg_gen g;

	room = p->layout.nranks * b.stride;
	if (p->coll == RG_COLL_ALLTOALLV)
		b.other = room;
	b.stage = rg_round_stage(room + b.other);
	rg_gen_open(&g, p, rank, sink, err);
	b.put = rg_gen_alloc(&g, p->layout.nranks, sizeof(*b.put));
	b.take = rg_gen_alloc(&g, p->layout.nranks, sizeof(*b.take));
	if (g.nranks == 1) {
		rg_block_own(&g);
	} else {
		g.tmp_bytes = b.stage;
		rg_gen_loop(&g, rg_gen_nslices(p, longest), slice, &b);
	}
	rg_free(b.put);
	rg_free(b.take);
	return rg_gen_close(&g, needs_out);
}

static int bruck_generate(const struct rg_problem *p, uint32_t rank, struct rg_sink *sink,
			  struct rg_schedule_needs *needs_out, struct rg_err *err)
{
	uint32_t radix = rg_gen_radix(&rg_alltoall_bruck, p);

	return rg_alltoall_bruck_generate(p, rank, radix, sink, needs_out, err);
}

/* What a rank sends, its own blocks and those under way, in all rounds. */
static uint64_t sent_bytes(const struct rg_problem *p, uint32_t rank, uint32_t radix)
{
	uint32_t n = p->layout.nranks;
	uint64_t sum = 0;

	for (uint32_t unit = 1; unit < n; unit *= radix) {
		for (uint32_t j = unit; j < n; j++) {
			uint32_t from = (rank + n - j % unit) % n;

			sum += j / unit % radix ? rg_block_len(p, from, (from + j) % n) : 0;
		}
	}
	return sum;
}

uint64_t rg_alltoall_bruck_sent_bytes(const struct rg_problem *p, uint32_t radix)
{
	uint32_t n = p->coll == RG_COLL_ALLTOALLV ? p->layout.nranks : 1; /* else all alike */
	uint64_t most = 0;

	for (uint32_t r = 0; r < n; r++) {
		uint64_t sent = sent_bytes(p, r, radix);

		most = most > sent ? most : sent;
	}
	return most;
}

static uint64_t bruck_sent_bytes(const struct rg_problem *p)
{
	return rg_alltoall_bruck_sent_bytes(p, rg_gen_radix(&rg_alltoall_bruck, p));
}

/* No two blocks of a message lie side by side in the source or the destination, whoever it is. */
static struct rg_symmetry bruck_symmetry(const struct rg_problem *p)
{
	return (struct rg_symmetry){RG_SYMMETRY_SHIFT, 1};
}

const struct rg_algorithm rg_alltoall_bruck = {
	.name = "bruck",
	.coll = RG_COLL_ALLTOALL,
	.summary = "blocks travel by the digits of their distance to the base k (radix, 2)",
	.steps = "ceil(log_k(p)) s",
	.bytes = "n (k-1)/k log_k(p)",
	.ranks = "any",
	.order = "none",
	.source = "[Bruck97, index]",
	.protocols = 1u << RG_PROTOCOL_SLOT | 1u << RG_PROTOCOL_WORD,
	.radix = 2,
	.check = bruck_check,
	.generate = bruck_generate,
	.sent_bytes = bruck_sent_bytes,
	.symmetry = bruck_symmetry,
};
