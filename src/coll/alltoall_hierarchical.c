/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * All-to-all, hierarchical: blocks for another node are first gathered at one member of the own
 * node, who sends all of the node to the rank that they are for. So only ranks of one rail talk
 * between nodes, in fewer and longer messages.
 *
 * Steps 2: within the node, between nodes; 1 where all nodes have one rank, or there is one node.
 * Bytes sent per rank, with N nodes of L ranks: n (N - 1) / N off the node, which is no more than
 * any all-to-all sends, and n (L - 1) / L within it. Scratch a slice of every block that passes
 * through this rank, about those of one vector, and two to pack messages. Any p up to 64 on any
 * nodes. Reduces nothing.
 *
 * The gateway to a rank of another node is the member with that rank's index (nodes.h) where nodes
 * are alike; else indices are shifted by the number of that node times its size, so that nodes with
 * few ranks do not all have the same gateway. A gateway keeps the blocks of all members for one
 * rank side by side, its own too: so a message between nodes is one run of memory, and in place
 * nothing is overwritten before it is sent.
 *
 * In the first step a member is sent the block that is for itself, and those that it passes on. The
 * messages of a step are made at once, slice by slice of all blocks (rounds.h).
 * Source: [NCCL-PXN].
 */
#include "config.h"

#include "algorithms.h"
#include "nodes.h"
#include "rounds.h"

#include "railgauge/base/mem.h"

struct passage {
	struct rg_nodes nodes;
	uint32_t node, index, size; /* this rank's node, place in it, members of it */
	bool direct;		    /* blocks for other nodes leave straight from the source */
	uint64_t block;		    /* bytes */
	struct rg_gen_piece piece;  /* of each block */
	uint64_t stage;
	struct rg_round_part *put, *take; /* owned, of one step */
	struct rg_round rounds[RG_ROUNDS_MAX];
	uint32_t nrounds, nput, ntake;
};

static int hierarchical_check(const struct rg_problem *p, struct rg_err *err)
{
	return rg_gen_check(&rg_alltoall_hierarchical, p, RG_REDUCE_MAX, err);
}

static void passage_init(struct passage *s, const struct rg_problem *p, uint32_t rank)
{
	*s = (struct passage){.block = rg_problem_block_bytes(p)};
	rg_nodes_of(&p->layout, &s->nodes);
	s->node = s->nodes.node[rank];
	s->index = s->nodes.index[rank];
	s->size = s->nodes.size[s->node];
	s->direct = s->size == 1 && !p->in_place;
}

/* Which member of a node passes on what is for a rank of another node. */
static uint32_t gateway(const struct rg_nodes *nodes, uint32_t node, uint32_t rank)
{
	uint32_t there = nodes->node[rank];

	return (nodes->index[rank] + there * nodes->size[there]) % nodes->size[node];
}

/* Is that member of this rank's node the gateway to a rank? */
static bool passes_on(const struct passage *s, uint32_t index, uint32_t rank)
{
	return s->nodes.node[rank] != s->node && gateway(&s->nodes, s->node, rank) == index;
}

/* How many ranks a member of this rank's node is the gateway to. */
static uint32_t served(const struct passage *s, uint32_t nranks, uint32_t index)
{
	uint32_t n = 0;

	for (uint32_t d = 0; d < nranks; d++)
		n += passes_on(s, index, d);
	return n;
}

static struct rg_round_part block_of(const struct passage *s, enum rg_buf buf, uint32_t rank)
{
	return (struct rg_round_part){
		.buf = buf, .off = rank * s->block + s->piece.off, .len_bytes = s->piece.len};
}

/* In scratch: member `index`'s block for the nth rank that this one is the gateway to. */
static struct rg_round_part passed(const struct passage *s, uint32_t nth, uint32_t index)
{
	return (struct rg_round_part){
		.buf = RG_BUF_TMP,
		.off = ((uint64_t)nth * s->size + index) * s->piece.len,
		.len_bytes = s->piece.len,
	};
}

static struct rg_round *new_round(struct passage *s)
{
	struct rg_round *round = &s->rounds[s->nrounds++];

	*round = (struct rg_round){
		.put = s->put + s->nput, .take = s->take + s->ntake, .stage = s->stage};
	return round;
}

/* First step: everything to and from one other member of the node. */
static void within(const struct rg_gen *g, struct passage *s, uint32_t index)
{
	uint32_t peer = rg_nodes_member(&s->nodes, s->node, index), nth = 0;
	struct rg_round *round = new_round(s);

	round->to = round->from = peer;
	s->put[s->nput++] = block_of(s, RG_BUF_SRC, peer);
	s->take[s->ntake++] = block_of(s, RG_BUF_DST, peer);
	for (uint32_t d = 0; d < g->nranks; d++) {
		if (passes_on(s, index, d))
			s->put[s->nput++] = block_of(s, RG_BUF_SRC, d);
		if (passes_on(s, s->index, d))
			s->take[s->ntake++] = passed(s, nth++, index);
	}
	round->nput = (uint32_t)(s->put + s->nput - round->put);
	round->ntake = (uint32_t)(s->take + s->ntake - round->take);
}

/* Second step: all members' blocks to the nth rank that this one is the gateway to. */
static void out(struct passage *s, uint32_t nth, uint32_t rank)
{
	struct rg_round *round = new_round(s);

	round->to = rank;
	round->nput = s->size;
	for (uint32_t k = 0; k < s->size; k++)
		s->put[s->nput++] = s->direct ? block_of(s, RG_BUF_SRC, rank) : passed(s, nth, k);
}

/* And those of another node's members to this rank. */
static void in(const struct rg_gen *g, struct passage *s, uint32_t node)
{
	struct rg_round *round = new_round(s);

	round->from = rg_nodes_member(&s->nodes, node, gateway(&s->nodes, node, g->rank));
	round->ntake = s->nodes.size[node];
	for (uint32_t k = 0; k < s->nodes.size[node]; k++)
		s->take[s->ntake++] = block_of(s, RG_BUF_DST, rg_nodes_member(&s->nodes, node, k));
}

static void begin(struct passage *s)
{
	s->nrounds = s->nput = s->ntake = 0;
}

/* What stays here: the own block, and the own ones that this rank passes on. */
static void copy_own(struct rg_gen *g, const struct passage *s)
{
	const struct rg_ref src = {RG_BUF_SRC, g->rank};
	uint64_t own = g->rank * s->block + s->piece.off;
	uint32_t nth = 0;

	if (!g->problem->in_place)
		rg_gen_copy(g, (struct rg_ref){RG_BUF_DST, g->rank}, own, src, own, s->piece.len);
	for (uint32_t d = 0; d < g->nranks && !s->direct; d++) {
		if (passes_on(s, s->index, d))
			rg_gen_copy(g, (struct rg_ref){RG_BUF_TMP, g->rank},
				    passed(s, nth++, s->index).off, src,
				    d * s->block + s->piece.off, s->piece.len);
	}
}

static void slice(struct rg_gen *g, uint64_t i, void *arg)
{
	struct passage *s = arg;
	uint32_t nth = 0;

	s->piece = rg_gen_slice(g->problem, s->block, i);
	copy_own(g, s);
	begin(s);
	for (uint32_t k = 1; k < s->size; k++)
		within(g, s, (s->index + k) % s->size);
	rg_rounds(g, s->rounds, s->nrounds);
	begin(s);
	for (uint32_t k = 1; k < s->nodes.nnodes; k++)
		in(g, s, (s->node + s->nodes.nnodes - k) % s->nodes.nnodes);
	for (uint32_t d = 0; d < g->nranks; d++) {
		if (passes_on(s, s->index, d))
			out(s, nth++, d);
	}
	rg_rounds(g, s->rounds, s->nrounds);
}

static int hierarchical_generate(const struct rg_problem *p, uint32_t rank, struct rg_sink *sink,
				 struct rg_schedule_needs *needs_out, struct rg_err *err)
{
	uint32_t nranks = p->layout.nranks, most;
	struct passage s;
	struct rg_gen g;

	passage_init(&s, p, rank);
	most = nranks + s.size * served(&s, nranks, s.index);
	s.put = rg_alloc(most * sizeof(*s.put));
	s.take = rg_alloc(most * sizeof(*s.take));
	rg_gen_open(&g, p, rank, sink, err);
	if (!s.put || !s.take) {
		g.rc = rg_err_set(err, RG_ERR_NO_MEMORY, "no memory to generate a schedule");
	} else if (!rg_gen_alone(&g, s.block)) {
		s.stage = rg_round_stage(s.size * served(&s, nranks, s.index) *
					 rg_gen_slice(p, s.block, 0).len);
		g.tmp_bytes = s.stage;
		rg_gen_loop(&g, rg_gen_nslices(p, s.block), slice, &s);
	}
	rg_free(s.put);
	rg_free(s.take);
	return rg_gen_close(&g, needs_out);
}

static uint64_t hierarchical_sent_bytes(const struct rg_problem *p)
{
	uint32_t nranks = p->layout.nranks;
	uint64_t most = 0;

	for (uint32_t r = 0; r < nranks; r++) {
		struct passage s;
		uint64_t blocks;

		passage_init(&s, p, r);
		blocks = s.size - 1 + (uint64_t)s.size * served(&s, nranks, s.index);
		for (uint32_t k = 0; k < s.size; k++)
			blocks += k == s.index ? 0 : served(&s, nranks, k);
		most = most > blocks ? most : blocks;
	}
	return most * rg_problem_block_bytes(p);
}

const struct rg_algorithm rg_alltoall_hierarchical = {
	.name = "hierarchical",
	.coll = RG_COLL_ALLTOALL,
	.summary = "blocks for a rank of another node meet on its rail, then leave in one message",
	.steps = "2",
	.bytes = "n (N-1)/N off each of N nodes, n (L-1)/L within it to L ranks",
	.ranks = "1 to 64",
	.order = "none",
	.source = "[NCCL-PXN]",
	.protocols = 1u << RG_PROTOCOL_SLOT | 1u << RG_PROTOCOL_WORD,
	.check = hierarchical_check,
	.generate = hierarchical_generate,
	.sent_bytes = hierarchical_sent_bytes,
};
