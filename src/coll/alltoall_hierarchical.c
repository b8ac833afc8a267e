/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * All-to-all, hierarchical: blocks for another node are first gathered at one member of the own
 * node, who sends all of the node to the rank that they are for. So only ranks of one rail talk
 * between nodes, in fewer and longer messages.
 *
 * Steps 2: within the node, between nodes; 1 where all nodes have one rank, or there is one node.
 * Bytes sent per rank, with N nodes of L ranks: n (N - 1) / N off the node, which is no more than
 * any all-to-all sends, and n (L - 1) / L within it. Scratch a slice of every block that passes
 * through this rank, about those of one vector, and two to pack messages. Any p on any nodes.
 * Reduces nothing.
 *
 * The gateway to a rank of another node is the member with that rank's index (nodes.h) where nodes
 * are alike; else indices are shifted by the number of that node times its size, so that nodes with
 * few ranks do not all have the same gateway. A gateway keeps the blocks of all members for one
 * rank side by side, its own too: so a message between nodes is one run of memory, and in place
 * nothing is overwritten before it is sent.
 *
 * In the first step a member is sent the block that is for itself, and those that it passes on. The
 * messages of a step are made at once, slice by slice of all blocks (rounds.h); to other nodes from
 * the next one on, so that not all begin with the same.
 * Source: [NCCL-PXN].
 */
#include "config.h"

#include "algorithms.h"
#include "alltoall.h"
#include "nodes.h"
#include "rounds.h"

#include "railgauge/base/mem.h"

#include <string.h>

struct passage {
	struct rg_nodes nodes;
	uint32_t node, index, size; /* this rank's node, place in it, members of it */
	bool direct;		    /* blocks for other nodes leave straight from the source */
	/*
	 * The ranks of other nodes by the member that is the gateway to them, from the next node
	 * on: those of member i are [first[i], first[i + 1]) of served.
	 */
	uint32_t *served, *first; /* owned, [nranks], [nranks + 1] */
	uint64_t number;	  /* of the slice of each block that is under way */
	uint64_t stride;	  /* of slices in scratch: the longest one */
	uint64_t stage;
	struct rg_round_part *put, *take; /* owned, of one step */
	struct rg_round *rounds;	  /* owned, likewise */
	uint32_t nrounds, nput, ntake;
};

static int hierarchical_check(const struct rg_problem *p, struct rg_err *err)
{
	return rg_alltoall_check(&rg_alltoall_hierarchical, p, RG_GEN_RANKS, err);
}

/* All that is the same for all ranks. To be closed also after RG_ERR_NO_MEMORY. */
static int passage_open(struct passage *s, const struct rg_problem *p, struct rg_err *err)
{
	uint32_t n = p->layout.nranks;
	int rc;

	*s = (struct passage){.stride = rg_gen_slice(p, rg_block_longest(p), 0).len};
	rc = rg_nodes_open(&p->layout, &s->nodes, err);
	if (rc)
		return rc;
	s->served = rg_alloc(n * sizeof(*s->served));
	s->first = rg_alloc((n + 1) * sizeof(*s->first));
	if (!s->served || !s->first)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory to generate a schedule");
	return 0;
}

static void passage_close(struct passage *s)
{
	rg_nodes_close(&s->nodes);
	rg_free(s->served);
	rg_free(s->first);
	rg_free(s->put);
	rg_free(s->take);
	rg_free(s->rounds);
}

/* Which member of a node passes on what is for a rank of another node. */
static uint32_t gateway(const struct passage *s, uint32_t node, uint32_t rank)
{
	const struct rg_nodes *nodes = &s->nodes;
	uint32_t there = nodes->node[rank];

	return (nodes->index[rank] + there * nodes->size[there]) % nodes->size[node];
}

/* Puts a rank in the place of the kth one that is passed on at all: 0 counts, 1 lists. */
static void serve(struct passage *s, bool list)
{
	const struct rg_nodes *nodes = &s->nodes;

	for (uint32_t k = 1; k < nodes->nnodes; k++) {
		uint32_t node = (s->node + k) % nodes->nnodes;

		for (uint32_t i = 0; i < nodes->size[node]; i++) {
			uint32_t rank = rg_nodes_member(nodes, node, i);
			uint32_t at = gateway(s, s->node, rank);

			if (list)
				s->served[s->first[at]] = rank;
			s->first[list ? at : at + 1]++;
		}
	}
}

static void passage_of(struct passage *s, const struct rg_problem *p, uint32_t rank)
{
	s->node = s->nodes.node[rank];
	s->index = s->nodes.index[rank];
	s->size = s->nodes.size[s->node];
	s->direct = s->size == 1 && !p->in_place;
	memset(s->first, 0, (s->size + 1) * sizeof(*s->first));
	serve(s, false);
	for (uint32_t i = 0; i < s->size; i++)
		s->first[i + 1] += s->first[i];
	serve(s, true);
	/* Each begins where the one before it ends now. */
	for (uint32_t i = s->size; i > 0; i--)
		s->first[i] = s->first[i - 1];
	s->first[0] = 0;
}

/* How many ranks a member of this rank's node is the gateway to, and the nth of them. */
static uint32_t nserved(const struct passage *s, uint32_t index)
{
	return s->first[index + 1] - s->first[index];
}

static uint32_t served(const struct passage *s, uint32_t index, uint32_t nth)
{
	return s->served[s->first[index] + nth];
}

/* The slices of this rank's block for another rank, and of that one's for this rank. */
static struct rg_round_part block_to(const struct rg_gen *g, const struct passage *s, uint32_t rank)
{
	struct rg_gen_piece piece = rg_block_src_slice(g->problem, g->rank, rank, s->number);

	return (struct rg_round_part){.buf = RG_BUF_SRC, .off = piece.off, .len_bytes = piece.len};
}

static struct rg_round_part block_from(const struct rg_gen *g, const struct passage *s,
				       uint32_t rank)
{
	struct rg_gen_piece piece = rg_block_dst_slice(g->problem, rank, g->rank, s->number);

	return (struct rg_round_part){.buf = RG_BUF_DST, .off = piece.off, .len_bytes = piece.len};
}

/* In scratch: member `index`'s for `rank`, the nth that this one is the gateway to. */
static struct rg_round_part passed(const struct rg_gen *g, const struct passage *s, uint32_t nth,
				   uint32_t rank, uint32_t index)
{
	struct rg_round_part part = {
		.buf = RG_BUF_TMP,
		.off = (uint64_t)nth * s->size * s->stride,
	};

	if (g->problem->coll != RG_COLL_ALLTOALLV) {
		uint64_t len = rg_problem_block_bytes(g->problem);

		part.len_bytes = rg_gen_slice(g->problem, len, s->number).len;
		part.off += index * part.len_bytes;
		return part;
	}
	for (uint32_t k = 0; k <= index; k++) {
		uint32_t member = rg_nodes_member(&s->nodes, s->node, k);
		uint64_t len = rg_block_len(g->problem, member, rank);

		part.off += part.len_bytes;
		part.len_bytes = rg_gen_slice(g->problem, len, s->number).len;
	}
	return part;
}

static struct rg_round *new_round(struct passage *s)
{
	struct rg_round *round = &s->rounds[s->nrounds++];

	*round = (struct rg_round){
		.put = s->put + s->nput, .take = s->take + s->ntake, .stage = s->stage};
	return round;
}

/* To what a round puts, to what it takes; empty slices would only be in the way. */
static void add_put(struct passage *s, struct rg_round *round, struct rg_round_part part)
{
	if (part.len_bytes)
		s->put[s->nput++] = part;
	round->nput = (uint32_t)(s->put + s->nput - round->put);
}

static void add_take(struct passage *s, struct rg_round *round, struct rg_round_part part)
{
	if (part.len_bytes)
		s->take[s->ntake++] = part;
	round->ntake = (uint32_t)(s->take + s->ntake - round->take);
}

/* First step: everything to and from one other member of the node. */
static void within(const struct rg_gen *g, struct passage *s, uint32_t index)
{
	uint32_t peer = rg_nodes_member(&s->nodes, s->node, index);
	struct rg_round *round = new_round(s);

	round->to = round->from = peer;
	add_put(s, round, block_to(g, s, peer));
	add_take(s, round, block_from(g, s, peer));
	for (uint32_t k = 0; k < nserved(s, index); k++)
		add_put(s, round, block_to(g, s, served(s, index, k)));
	for (uint32_t k = 0; k < nserved(s, s->index); k++)
		add_take(s, round, passed(g, s, k, served(s, s->index, k), index));
}

/* Second step: all members' blocks to the nth rank that this one is the gateway to. */
static void out(const struct rg_gen *g, struct passage *s, uint32_t nth, uint32_t rank)
{
	struct rg_round *round = new_round(s);

	round->to = rank;
	for (uint32_t k = 0; k < s->size; k++)
		add_put(s, round, s->direct ? block_to(g, s, rank) : passed(g, s, nth, rank, k));
}

/* And those of another node's members to this rank. */
static void in(const struct rg_gen *g, struct passage *s, uint32_t node)
{
	struct rg_round *round = new_round(s);

	round->from = rg_nodes_member(&s->nodes, node, gateway(s, node, g->rank));
	for (uint32_t k = 0; k < s->nodes.size[node]; k++)
		add_take(s, round, block_from(g, s, rg_nodes_member(&s->nodes, node, k)));
}

static void begin(struct passage *s)
{
	s->nrounds = s->nput = s->ntake = 0;
}

/* What stays here: the own block, and the own ones that this rank passes on. */
static void copy_own(struct rg_gen *g, const struct passage *s)
{
	rg_block_own_slice(g, s->number);
	for (uint32_t k = 0; k < nserved(s, s->index) && !s->direct; k++) {
		uint32_t rank = served(s, s->index, k);
		struct rg_round_part mine = block_to(g, s, rank);

		rg_gen_copy(g, (struct rg_ref){RG_BUF_TMP, g->rank},
			    passed(g, s, k, rank, s->index).off, (struct rg_ref){mine.buf, g->rank},
			    mine.off, mine.len_bytes);
	}
}

static void slice(struct rg_gen *g, uint64_t i, void *arg)
{
	struct passage *s = arg;

	s->number = i;
	copy_own(g, s);
	begin(s);
	for (uint32_t k = 1; k < s->size; k++)
		within(g, s, (s->index + k) % s->size);
	rg_rounds(g, s->rounds, s->nrounds);
	begin(s);
	for (uint32_t k = 1; k < s->nodes.nnodes; k++)
		in(g, s, (s->node + s->nodes.nnodes - k) % s->nodes.nnodes);
	for (uint32_t k = 0; k < nserved(s, s->index); k++)
		out(g, s, k, served(s, s->index, k));
	rg_rounds(g, s->rounds, s->nrounds);
}

/* Room for the parts and rounds of either step. */
static void open_parts(struct rg_gen *g, struct passage *s)
{
	uint32_t passed_on = nserved(s, s->index);
	size_t parts = g->nranks + (size_t)s->size * (passed_on + 1);

	s->put = rg_gen_alloc(g, parts, sizeof(*s->put));
	s->take = rg_gen_alloc(g, parts, sizeof(*s->take));
	s->rounds = rg_gen_alloc(g, s->size + s->nodes.nnodes + passed_on, sizeof(*s->rounds));
	s->stage = rg_round_stage((uint64_t)s->size * passed_on * s->stride);
	g->tmp_bytes = s->stage;
}

int rg_alltoall_hierarchical_generate(const struct rg_problem *p, uint32_t rank,
				      struct rg_sink *sink, struct rg_schedule_needs *needs_out,
				      struct rg_err *err)
{
	struct passage s;
	struct rg_gen g;
	int rc = passage_open(&s, p, err);

	if (!rc) {
		passage_of(&s, p, rank);
		rg_gen_open(&g, p, rank, sink, err);
		if (g.nranks == 1) {
			rg_block_own(&g);
		} else {
			open_parts(&g, &s);
			rg_gen_loop(&g, rg_gen_nslices(p, rg_block_longest(p)), slice, &s);
		}
		rc = rg_gen_close(&g, needs_out);
	}
	passage_close(&s);
	return rc;
}

/* What a rank sends: to the members of its node, and for them. */
static uint64_t sent_bytes(const struct rg_problem *p, const struct passage *s, uint32_t rank)
{
	uint64_t sum = 0;

	for (uint32_t k = 0; k < s->size; k++) {
		uint32_t member = rg_nodes_member(&s->nodes, s->node, k);

		sum += k == s->index ? 0 : rg_block_len(p, rank, member);
		for (uint32_t i = 0; i < nserved(s, k) && k != s->index; i++)
			sum += rg_block_len(p, rank, served(s, k, i));
		for (uint32_t i = 0; i < nserved(s, s->index); i++)
			sum += rg_block_len(p, member, served(s, s->index, i));
	}
	return sum;
}

uint64_t rg_alltoall_hierarchical_sent_bytes(const struct rg_problem *p)
{
	uint64_t most = 0;
	struct passage s;

	if (passage_open(&s, p, NULL))
		most = UINT64_MAX;
	for (uint32_t r = 0; r < p->layout.nranks && most != UINT64_MAX; r++) {
		uint64_t sent;

		passage_of(&s, p, r);
		sent = sent_bytes(p, &s, r);
		most = most > sent ? most : sent;
	}
	passage_close(&s);
	return most;
}

/* From node to node, where nodes are alike. */
static struct rg_symmetry hierarchical_symmetry(const struct rg_problem *p)
{
	struct rg_symmetry symmetry = {0};
	struct rg_nodes nodes;

	if (rg_nodes_open(&p->layout, &nodes, NULL))
		return symmetry;
	symmetry.unit = rg_nodes_alike(&nodes);
	symmetry.kind = symmetry.unit ? RG_SYMMETRY_SHIFT : RG_SYMMETRY_NONE;
	rg_nodes_close(&nodes);
	return symmetry;
}

const struct rg_algorithm rg_alltoall_hierarchical = {
	.name = "hierarchical",
	.coll = RG_COLL_ALLTOALL,
	.summary = "blocks for a rank of another node meet on its rail, then leave in one message",
	.steps = "2",
	.bytes = "n (N-1)/N off each of N nodes, n (L-1)/L within it to L ranks",
	.ranks = "any",
	.order = "none",
	.source = "[NCCL-PXN]",
	.protocols = 1u << RG_PROTOCOL_SLOT | 1u << RG_PROTOCOL_WORD,
	.check = hierarchical_check,
	.generate = rg_alltoall_hierarchical_generate,
	.sent_bytes = rg_alltoall_hierarchical_sent_bytes,
	.symmetry = hierarchical_symmetry,
};
