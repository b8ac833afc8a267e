/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * All-reduce, hierarchical: reduce-scatter within each node, all-reduces between nodes that go over
 * all rails at once, all-gather within each node.
 *
 * Steps per chunk 2 within nodes, and between N nodes 2 ceil(log2 N') (butterfly.h). Bytes sent per
 * rank about 2 n (p - 1) / p where nodes are alike; of these, with L ranks per node, only
 * 2 n / L (N - 1) / N leave it. Scratch two slices, where messages between nodes are packed. Any p
 * on nodes of up to 64 ranks; on one node only the first and the last part are left, with one rank
 * per node the middle one. Reduced in the order of members within the node (nodes.h), then along
 * trees over nodes, and only copied from there on: every rank has the same bits.
 *
 * A chunk is cut into as many parts as the smallest node has members. Each part has one member of
 * every node, who reduces it for the node, and takes part in its all-reduce with those of the other
 * nodes. Where nodes are alike, everybody has one part and these are on the same rail. Members of
 * larger nodes may have none: more rails would not help, as those of the smallest node carry all
 * that must reach it. Part and chunk are such that blocks between nodes are one slice.
 *
 * Within a node there are as many messages on every link, empty ones included, since one move takes
 * them from all. All ranks go through chunks, parts of the work and rounds in one order, so nobody
 * waits in a circle.
 *
 * Source: [Cho19], with rails; the parts as in [Rabenseifner04] and [DeSensi24].
 */
#include "config.h"

#include "algorithms.h"
#include "butterfly.h"
#include "nodes.h"

#include "railgauge/device/reduce.h"

struct hierarchy {
	struct rg_nodes nodes;
	struct rg_butterfly between; /* nodes; its ranks are set when it is gone through */
	uint32_t node, index, size;  /* this rank's node, place in it, members of it */
	uint32_t part;		     /* that is gone through between nodes */
	uint64_t chunk, total;	     /* bytes */
	uint64_t lag;		     /* slices between putting and taking within the node */
	struct rg_gen_piece all;     /* the present chunk */
};

static int hierarchical_check(const struct rg_problem *p, struct rg_err *err)
{
	struct rg_nodes nodes;
	uint32_t largest;
	int rc = rg_gen_check(&rg_allreduce_hierarchical, p, RG_GEN_RANKS, err);

	if (rc || p->layout.nranks <= RG_REDUCE_MAX)
		return rc;
	rc = rg_nodes_open(&p->layout, &nodes, err);
	if (rc)
		return rc;
	largest = nodes.largest;
	rg_nodes_close(&nodes);
	if (largest <= RG_REDUCE_MAX)
		return 0;
	return rg_err_set(err, RG_ERR_UNSUPPORTED,
			  "allreduce hierarchical works for up to %d ranks per node, not %u",
			  RG_REDUCE_MAX, largest);
}

/* Which member of a node of that size has a part. */
static uint32_t owner_of(const struct hierarchy *h, uint32_t size, uint32_t part)
{
	return part * size / h->nodes.smallest;
}

/* The rank of a node that has the present part. */
static uint32_t rank_of(const void *arg, uint32_t node)
{
	const struct hierarchy *h = arg;

	return rg_nodes_member(&h->nodes, node, owner_of(h, h->nodes.size[node], h->part));
}

static void hierarchy_close(struct hierarchy *h)
{
	rg_butterfly_close(&h->between);
	rg_nodes_close(&h->nodes);
}

/* All that is the same for all ranks. To be closed also after RG_ERR_NO_MEMORY. */
static int hierarchy_open(struct hierarchy *h, const struct rg_problem *p, struct rg_err *err)
{
	int rc;

	*h = (struct hierarchy){0};
	rc = rg_nodes_open(&p->layout, &h->nodes, err);
	if (rc)
		return rc;
	h->total = rg_problem_block_bytes(p);
	h->chunk = rg_gen_slice_bytes(p) * h->nodes.smallest * h->nodes.nnodes;
	h->lag = rg_gen_credit(p) >= 2;
	rc = rg_butterfly_open(&h->between, h->nodes.nnodes, err);
	h->between.rank_of = rank_of;
	h->between.arg = h;
	return rc;
}

static void hierarchy_of(struct hierarchy *h, uint32_t rank)
{
	h->node = h->nodes.node[rank];
	h->index = h->nodes.index[rank];
	h->size = h->nodes.size[h->node];
	h->between.me = h->node;
}

static struct rg_gen_piece part_of(const struct rg_problem *p, const struct hierarchy *h,
				   uint32_t part)
{
	struct rg_gen_piece piece = rg_gen_cut(p, h->all.len, h->nodes.smallest, part);

	piece.off += h->all.off;
	return piece;
}

/* The part of one member of this rank's node, or nothing. */
static struct rg_gen_piece range_of(const struct rg_problem *p, const struct hierarchy *h,
				    uint32_t index)
{
	for (uint32_t part = 0; part < h->nodes.smallest; part++) {
		if (owner_of(h, h->size, part) == index)
			return part_of(p, h, part);
	}
	return (struct rg_gen_piece){0, 0};
}

/* Slice i of a member's range; empty past its end. */
static struct rg_gen_piece slice_of(const struct rg_gen *g, const struct hierarchy *h,
				    uint32_t index, uint64_t i)
{
	struct rg_gen_piece range = range_of(g->problem, h, index);
	struct rg_gen_piece slice = rg_gen_slice(g->problem, range.len, i);

	slice.off += range.off;
	return slice;
}

/* As many as the longest part takes. */
static uint64_t slices_within(const struct rg_gen *g, const struct hierarchy *h)
{
	return rg_gen_nslices(g->problem, part_of(g->problem, h, 0).len);
}

/* This rank's range is combined from all members of the node, the others' are sent to them. */
static void reduce_within(struct rg_gen *g, const struct hierarchy *h)
{
	const struct rg_ref src = {RG_BUF_SRC, g->rank}, dst = {RG_BUF_DST, g->rank};
	uint64_t nslices = slices_within(g, h);
	struct rg_ref from[RG_REDUCE_MAX];
	struct rg_gen_piece piece;

	for (uint32_t k = 0; k < h->size; k++)
		from[k] = k == h->index ? src
					: (struct rg_ref){RG_BUF_IN,
							  rg_nodes_member(&h->nodes, h->node, k)};
	for (uint64_t i = 0; i < nslices + h->lag; i++) {
		for (uint32_t k = 0; k < h->size && i < nslices; k++) {
			piece = slice_of(g, h, k, i);
			if (k != h->index)
				rg_gen_copy(g, (struct rg_ref){RG_BUF_OUT, from[k].rank}, 0, src,
					    piece.off, piece.len);
		}
		if (i < h->lag)
			continue;
		piece = slice_of(g, h, h->index, i - h->lag);
		rg_gen_move(g, &(struct rg_gen_move){.src = from,
						     .nsrc = h->size,
						     .dst = &dst,
						     .ndst = 1,
						     .src_off = piece.off,
						     .dst_off = piece.off,
						     .len_bytes = piece.len,
						     .last = h->nodes.nnodes == 1});
	}
}

/* This rank's range goes to all members of the node, and theirs come. */
static void gather_within(struct rg_gen *g, const struct hierarchy *h)
{
	const struct rg_ref own = {RG_BUF_DST, g->rank};
	uint64_t nslices = slices_within(g, h);
	struct rg_ref to[RG_REDUCE_MAX];
	struct rg_gen_piece piece;
	uint32_t nto = 0;

	for (uint32_t k = 0; k < h->size; k++) {
		if (k != h->index)
			to[nto++] =
				(struct rg_ref){RG_BUF_OUT, rg_nodes_member(&h->nodes, h->node, k)};
	}
	for (uint64_t i = 0; i < nslices + h->lag; i++) {
		piece = slice_of(g, h, h->index, i);
		if (i < nslices)
			rg_gen_move(g, &(struct rg_gen_move){.src = &own,
							     .nsrc = 1,
							     .dst = to,
							     .ndst = nto,
							     .src_off = piece.off,
							     .len_bytes = piece.len});
		for (uint32_t k = 0; k < h->size && i >= h->lag; k++) {
			uint32_t from = rg_nodes_member(&h->nodes, h->node, k);

			piece = slice_of(g, h, k, i - h->lag);
			if (k != h->index)
				rg_gen_copy(g, own, piece.off, (struct rg_ref){RG_BUF_IN, from}, 0,
					    piece.len);
		}
	}
}

static void reduce_between(struct rg_gen *g, struct hierarchy *h, uint32_t part)
{
	h->part = part;
	rg_butterfly_allreduce(g, &h->between, part_of(g->problem, h, part),
			       h->size > 1 ? RG_BUF_DST : RG_BUF_SRC, 0);
}

static void chunk(struct rg_gen *g, uint64_t i, void *arg)
{
	struct hierarchy *h = arg;

	h->all.off = i * h->chunk;
	h->all.len = h->total - h->all.off < h->chunk ? h->total - h->all.off : h->chunk;
	if (h->size > 1)
		reduce_within(g, h);
	for (uint32_t part = 0; part < h->nodes.smallest; part++) {
		if (owner_of(h, h->size, part) == h->index)
			reduce_between(g, h, part);
	}
	if (h->size > 1)
		gather_within(g, h);
}

static int hierarchical_generate(const struct rg_problem *p, uint32_t rank, struct rg_sink *sink,
				 struct rg_schedule_needs *needs_out, struct rg_err *err)
{
	struct hierarchy h;
	struct rg_gen g;
	int rc = hierarchy_open(&h, p, err);

	if (!rc) {
		hierarchy_of(&h, rank);
		rg_gen_open(&g, p, rank, sink, err);
		if (!rg_gen_alone(&g, h.total))
			rg_gen_loop(&g, (h.total + h.chunk - 1) / h.chunk, chunk, &h);
		rc = rg_gen_close(&g, needs_out);
	}
	hierarchy_close(&h);
	return rc;
}

/* Of a chunk: others' ranges, the own one to all others, and what goes between nodes. */
static uint64_t chunk_sent(const struct rg_problem *p, struct hierarchy *h, uint64_t len)
{
	uint64_t own;

	h->all = (struct rg_gen_piece){0, len};
	own = range_of(p, h, h->index).len;
	return len - own + (h->size - 1) * own + rg_butterfly_sent_bytes(p, &h->between, own);
}

static uint64_t hierarchical_sent_bytes(const struct rg_problem *p)
{
	uint64_t most = 0;
	struct hierarchy h;

	if (hierarchy_open(&h, p, NULL))
		most = UINT64_MAX;
	for (uint32_t r = 0; r < p->layout.nranks && most != UINT64_MAX; r++) {
		uint64_t sent;

		hierarchy_of(&h, r);
		sent = h.total / h.chunk * chunk_sent(p, &h, h.chunk) +
		       chunk_sent(p, &h, h.total % h.chunk);
		most = most > sent ? most : sent;
	}
	hierarchy_close(&h);
	return most;
}

/* Do nodes 2, 4 ... further on do the same with a chunk of that length? */
static bool repeats(const struct rg_problem *p, const struct hierarchy *h, uint64_t len)
{
	for (uint32_t part = 0; part < h->nodes.smallest; part++) {
		uint64_t own = rg_gen_cut(p, len, h->nodes.smallest, part).len;

		if (!rg_butterfly_repeats(p, h->nodes.nnodes, own))
			return false;
	}
	return true;
}

/* From one node to the next but one, where nodes are alike. */
static struct rg_symmetry hierarchical_symmetry(const struct rg_problem *p)
{
	struct rg_symmetry symmetry = {0};
	struct hierarchy h;

	if (!hierarchy_open(&h, p, NULL) && h.nodes.nnodes > 1 && repeats(p, &h, h.chunk) &&
	    repeats(p, &h, h.total % h.chunk))
		symmetry.unit = 2 * rg_nodes_alike(&h.nodes);
	symmetry.kind = symmetry.unit ? RG_SYMMETRY_SHIFT : RG_SYMMETRY_NONE;
	hierarchy_close(&h);
	return symmetry;
}

const struct rg_algorithm rg_allreduce_hierarchical = {
	.name = "hierarchical",
	.coll = RG_COLL_ALLREDUCE,
	.summary = "reduce-scatter on each of N nodes, all-reduces between them over all rails, "
		   "all-gather on each",
	.steps = "(2 + 2 ceil(log2(N))) s/p",
	.bytes = "2n (p-1)/p, of it 2n/L (N-1)/N off the node of L ranks",
	.ranks = "any, 64 per node at most",
	.order = "nodes, then trees, equal on all ranks",
	.source = "[Cho19], [Rabenseifner04], [DeSensi24]",
	.protocols = 1u << RG_PROTOCOL_SLOT | 1u << RG_PROTOCOL_WORD,
	.check = hierarchical_check,
	.generate = hierarchical_generate,
	.sent_bytes = hierarchical_sent_bytes,
	.symmetry = hierarchical_symmetry,
};
