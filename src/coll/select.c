/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The default choice of algorithm and protocol.
 *
 * Rows are tried in order; the first one that fits the collective, the access, the number of ranks,
 * the place and the size, and whose algorithm accepts the problem, is taken. The limits are
 * measured on 2 to 16 ranks within one node; `railgauge tune` replaces them by measurements of
 * the machine at hand.
 *
 * Words carry short messages, because they need no counter. Above, windows save the copy through
 * slots; but where windows in place need a copy of everything (all-to-all, send and receive), slots
 * that stay in the cache are the lesser traffic.
 */
#include "config.h"

#include "railgauge/coll/schedule.h"

/* A row with protocol READ fits where trying found that reading pays. */
struct rule {
	enum rg_coll coll;
	enum rg_access access;
	uint32_t max_ranks;
	uint64_t max_bytes; /* of one message (rg_problem_message_bytes) */
	const char *algorithm;
	enum rg_protocol protocol;
	bool not_in_place;
	bool persistent; /* only where buffers are */
	bool far;	 /* only where peers are not mapped */
	bool nodes;	 /* only on several nodes that several ranks share */
};

/*
 * Longest word message, and longest slot message where windows are the alternative. Two ranks:
 * words win at 8 B, slots at 64 B (0.109 us against 0.116), windows at 2 KiB (0.198 against 0.215);
 * windows that were handed over before win at any size. results/2026-11-shm/protocols.txt.
 */
#define WORDS 32
#define SLOTS 1024

/*
 * From four ranks on log2(p) rounds with one partner each are fewer messages than one round with
 * all: up to here always, and longer where there are many ranks. 8 ranks, 8 B: 0.90 us, one-shot
 * 1.14; 16 ranks 1.32 and 2.62. results/2026-11-16-cores.txt.
 */
#define ROUNDS 128

/*
 * Over sockets a round costs more than adding twice as much: 2 ranks, 64 KiB: 1.41 times MPI's
 * speed in one round, 1.28 in two; 256 KiB: 1.57 and 1.44. results/2026-11-tcp.txt.
 */
#define FAR 262144

/*
 * Between nodes the bytes that leave one count, for short vectors the rounds. Four hosts with two
 * ranks each, one behind 200 Mbit/s: recursive doubling takes 0.91 of the time of hierarchical for
 * 1 KiB, 2.6 times as much from 64 KiB on; two-shot twice as much. results/2026-11-hosts.
 */
#define NODES 2048

#define ANY  UINT64_MAX
#define MANY UINT32_MAX

static const struct rule rules[] = {
	{RG_COLL_ALLREDUCE, RG_ACCESS_PRIVATE, 64, NODES, "recursive_doubling", RG_PROTOCOL_SLOT,
	 .nodes = true},
	{RG_COLL_ALLREDUCE, RG_ACCESS_PRIVATE, 64, ANY, "hierarchical", RG_PROTOCOL_SLOT,
	 .nodes = true},
	{RG_COLL_ALLREDUCE, RG_ACCESS_WINDOW, 3, WORDS, "oneshot", RG_PROTOCOL_WORD},
	{RG_COLL_ALLREDUCE, RG_ACCESS_WINDOW, 3, SLOTS, "oneshot", RG_PROTOCOL_SLOT},
	{RG_COLL_ALLREDUCE, RG_ACCESS_WINDOW, 64, ROUNDS, "recursive_doubling", RG_PROTOCOL_WORD},
	{RG_COLL_ALLREDUCE, RG_ACCESS_WINDOW, 8, SLOTS, "oneshot", RG_PROTOCOL_SLOT},
	{RG_COLL_ALLREDUCE, RG_ACCESS_WINDOW, 64, SLOTS, "recursive_doubling", RG_PROTOCOL_WORD},
	{RG_COLL_ALLREDUCE, RG_ACCESS_WINDOW, 64, ANY, "twoshot", RG_PROTOCOL_WINDOW},
	{RG_COLL_ALLREDUCE, RG_ACCESS_PRIVATE, 3, WORDS, "oneshot", RG_PROTOCOL_WORD},
	{RG_COLL_ALLREDUCE, RG_ACCESS_PRIVATE, 3, FAR, "oneshot", RG_PROTOCOL_SLOT, .far = true},
	{RG_COLL_ALLREDUCE, RG_ACCESS_PRIVATE, 3, 8192, "oneshot", RG_PROTOCOL_SLOT},
	{RG_COLL_ALLREDUCE, RG_ACCESS_PRIVATE, 64, ROUNDS, "recursive_doubling", RG_PROTOCOL_WORD},
	{RG_COLL_ALLREDUCE, RG_ACCESS_PRIVATE, 8, SLOTS, "oneshot", RG_PROTOCOL_SLOT},
	{RG_COLL_ALLREDUCE, RG_ACCESS_PRIVATE, 64, SLOTS, "recursive_doubling", RG_PROTOCOL_WORD},
	{RG_COLL_ALLREDUCE, RG_ACCESS_PRIVATE, 64, 8192, "recursive_doubling", RG_PROTOCOL_SLOT},
	{RG_COLL_ALLREDUCE, RG_ACCESS_PRIVATE, 64, ANY, "pull", RG_PROTOCOL_READ},
	{RG_COLL_ALLREDUCE, RG_ACCESS_PRIVATE, 64, ANY, "twoshot", RG_PROTOCOL_SLOT},

	/* NEEDSWORK: the limits are those of similar collectives, not measured for this one. */
	{RG_COLL_REDUCE, RG_ACCESS_WINDOW, 8, WORDS, "direct", RG_PROTOCOL_WORD},
	{RG_COLL_REDUCE, RG_ACCESS_WINDOW, 64, WORDS, "knomial", RG_PROTOCOL_WORD},
	{RG_COLL_REDUCE, RG_ACCESS_WINDOW, 8, SLOTS, "direct", RG_PROTOCOL_SLOT},
	{RG_COLL_REDUCE, RG_ACCESS_WINDOW, 64, SLOTS, "knomial", RG_PROTOCOL_SLOT},
	{RG_COLL_REDUCE, RG_ACCESS_WINDOW, 64, ANY, "direct", RG_PROTOCOL_WINDOW},
	{RG_COLL_REDUCE, RG_ACCESS_PRIVATE, 8, WORDS, "direct", RG_PROTOCOL_WORD},
	{RG_COLL_REDUCE, RG_ACCESS_PRIVATE, 64, WORDS, "knomial", RG_PROTOCOL_WORD},
	{RG_COLL_REDUCE, RG_ACCESS_PRIVATE, 8, SLOTS, "direct", RG_PROTOCOL_SLOT},
	{RG_COLL_REDUCE, RG_ACCESS_PRIVATE, 64, 8192, "knomial", RG_PROTOCOL_SLOT},
	{RG_COLL_REDUCE, RG_ACCESS_PRIVATE, 64, ANY, "pull", RG_PROTOCOL_READ},
	{RG_COLL_REDUCE, RG_ACCESS_PRIVATE, 64, ANY, "scatter_gather", RG_PROTOCOL_SLOT},

	{RG_COLL_REDUCESCATTER, RG_ACCESS_WINDOW, MANY, WORDS, "direct", RG_PROTOCOL_WORD},
	{RG_COLL_REDUCESCATTER, RG_ACCESS_WINDOW, MANY, SLOTS, "direct", RG_PROTOCOL_SLOT},
	{RG_COLL_REDUCESCATTER, RG_ACCESS_WINDOW, MANY, ANY, "direct", RG_PROTOCOL_WINDOW},
	{RG_COLL_REDUCESCATTER, RG_ACCESS_PRIVATE, MANY, WORDS, "direct", RG_PROTOCOL_WORD},
	{RG_COLL_REDUCESCATTER, RG_ACCESS_PRIVATE, 64, ANY, "pull", RG_PROTOCOL_READ},
	{RG_COLL_REDUCESCATTER, RG_ACCESS_PRIVATE, MANY, ANY, "direct", RG_PROTOCOL_SLOT},

	{RG_COLL_ALLGATHER, RG_ACCESS_WINDOW, MANY, ANY, "direct", RG_PROTOCOL_WINDOW, false, true},
	{RG_COLL_ALLGATHER, RG_ACCESS_WINDOW, MANY, WORDS, "direct", RG_PROTOCOL_WORD},
	{RG_COLL_ALLGATHER, RG_ACCESS_WINDOW, MANY, SLOTS, "direct", RG_PROTOCOL_SLOT},
	{RG_COLL_ALLGATHER, RG_ACCESS_WINDOW, MANY, ANY, "direct", RG_PROTOCOL_WINDOW},
	{RG_COLL_ALLGATHER, RG_ACCESS_PRIVATE, MANY, WORDS, "direct", RG_PROTOCOL_WORD},
	{RG_COLL_ALLGATHER, RG_ACCESS_PRIVATE, MANY, ANY, "pull", RG_PROTOCOL_READ},
	{RG_COLL_ALLGATHER, RG_ACCESS_PRIVATE, 8, ANY, "direct", RG_PROTOCOL_SLOT},
	{RG_COLL_ALLGATHER, RG_ACCESS_PRIVATE, MANY, 8192, "direct", RG_PROTOCOL_SLOT},
	{RG_COLL_ALLGATHER, RG_ACCESS_PRIVATE, MANY, ANY, "ring", RG_PROTOCOL_SLOT},
	{RG_COLL_ALLGATHER, RG_ACCESS_PRIVATE, MANY, ANY, "direct", RG_PROTOCOL_SLOT},

	/* NEEDSWORK: likewise, for both. */
	{RG_COLL_GATHER, RG_ACCESS_WINDOW, 8, WORDS, "linear", RG_PROTOCOL_WORD},
	{RG_COLL_GATHER, RG_ACCESS_WINDOW, 64, WORDS, "knomial", RG_PROTOCOL_WORD},
	{RG_COLL_GATHER, RG_ACCESS_WINDOW, MANY, WORDS, "linear", RG_PROTOCOL_WORD},
	{RG_COLL_GATHER, RG_ACCESS_WINDOW, MANY, SLOTS, "linear", RG_PROTOCOL_SLOT},
	{RG_COLL_GATHER, RG_ACCESS_WINDOW, MANY, ANY, "linear", RG_PROTOCOL_WINDOW},
	{RG_COLL_GATHER, RG_ACCESS_PRIVATE, 8, WORDS, "linear", RG_PROTOCOL_WORD},
	{RG_COLL_GATHER, RG_ACCESS_PRIVATE, 64, WORDS, "knomial", RG_PROTOCOL_WORD},
	{RG_COLL_GATHER, RG_ACCESS_PRIVATE, MANY, WORDS, "linear", RG_PROTOCOL_WORD},
	{RG_COLL_GATHER, RG_ACCESS_PRIVATE, MANY, ANY, "pull", RG_PROTOCOL_READ},
	{RG_COLL_GATHER, RG_ACCESS_PRIVATE, MANY, ANY, "linear", RG_PROTOCOL_SLOT},

	{RG_COLL_SCATTER, RG_ACCESS_WINDOW, 8, WORDS, "linear", RG_PROTOCOL_WORD},
	{RG_COLL_SCATTER, RG_ACCESS_WINDOW, 64, WORDS, "knomial", RG_PROTOCOL_WORD},
	{RG_COLL_SCATTER, RG_ACCESS_WINDOW, MANY, WORDS, "linear", RG_PROTOCOL_WORD},
	{RG_COLL_SCATTER, RG_ACCESS_WINDOW, MANY, SLOTS, "linear", RG_PROTOCOL_SLOT},
	{RG_COLL_SCATTER, RG_ACCESS_WINDOW, MANY, ANY, "linear", RG_PROTOCOL_WINDOW},
	{RG_COLL_SCATTER, RG_ACCESS_PRIVATE, 8, WORDS, "linear", RG_PROTOCOL_WORD},
	{RG_COLL_SCATTER, RG_ACCESS_PRIVATE, 64, WORDS, "knomial", RG_PROTOCOL_WORD},
	{RG_COLL_SCATTER, RG_ACCESS_PRIVATE, MANY, WORDS, "linear", RG_PROTOCOL_WORD},
	{RG_COLL_SCATTER, RG_ACCESS_PRIVATE, MANY, ANY, "pull", RG_PROTOCOL_READ},
	{RG_COLL_SCATTER, RG_ACCESS_PRIVATE, MANY, ANY, "linear", RG_PROTOCOL_SLOT},

	{RG_COLL_ALLTOALL, RG_ACCESS_WINDOW, MANY, ANY, "pairwise", RG_PROTOCOL_WINDOW, true, true},
	{RG_COLL_ALLTOALL, RG_ACCESS_WINDOW, MANY, WORDS, "pairwise", RG_PROTOCOL_WORD},
	{RG_COLL_ALLTOALL, RG_ACCESS_WINDOW, MANY, SLOTS, "pairwise", RG_PROTOCOL_SLOT},
	{RG_COLL_ALLTOALL, RG_ACCESS_WINDOW, MANY, ANY, "pairwise", RG_PROTOCOL_WINDOW, true},
	{RG_COLL_ALLTOALL, RG_ACCESS_WINDOW, MANY, ANY, "pull", RG_PROTOCOL_READ},
	{RG_COLL_ALLTOALL, RG_ACCESS_WINDOW, MANY, ANY, "pairwise", RG_PROTOCOL_SLOT},
	{RG_COLL_ALLTOALL, RG_ACCESS_PRIVATE, MANY, WORDS, "pairwise", RG_PROTOCOL_WORD},
	{RG_COLL_ALLTOALL, RG_ACCESS_PRIVATE, MANY, ANY, "pull", RG_PROTOCOL_READ},
	{RG_COLL_ALLTOALL, RG_ACCESS_PRIVATE, MANY, ANY, "pairwise", RG_PROTOCOL_SLOT},

	{RG_COLL_BROADCAST, RG_ACCESS_WINDOW, 8, WORDS, "direct", RG_PROTOCOL_WORD},
	{RG_COLL_BROADCAST, RG_ACCESS_WINDOW, MANY, WORDS, "binomial", RG_PROTOCOL_WORD},
	{RG_COLL_BROADCAST, RG_ACCESS_WINDOW, MANY, ANY, "direct", RG_PROTOCOL_WINDOW},
	{RG_COLL_BROADCAST, RG_ACCESS_PRIVATE, 8, WORDS, "direct", RG_PROTOCOL_WORD},
	{RG_COLL_BROADCAST, RG_ACCESS_PRIVATE, MANY, WORDS, "binomial", RG_PROTOCOL_WORD},
	{RG_COLL_BROADCAST, RG_ACCESS_PRIVATE, MANY, ANY, "pull", RG_PROTOCOL_READ},
	{RG_COLL_BROADCAST, RG_ACCESS_PRIVATE, 8, ANY, "direct", RG_PROTOCOL_SLOT},
	{RG_COLL_BROADCAST, RG_ACCESS_PRIVATE, MANY, ANY, "binomial", RG_PROTOCOL_SLOT},

	{RG_COLL_SENDRECV, RG_ACCESS_WINDOW, MANY, ANY, "direct", RG_PROTOCOL_WINDOW, true, true},
	{RG_COLL_SENDRECV, RG_ACCESS_WINDOW, MANY, WORDS, "direct", RG_PROTOCOL_WORD},
	{RG_COLL_SENDRECV, RG_ACCESS_WINDOW, MANY, SLOTS, "direct", RG_PROTOCOL_SLOT},
	{RG_COLL_SENDRECV, RG_ACCESS_WINDOW, MANY, ANY, "direct", RG_PROTOCOL_WINDOW, true},
	{RG_COLL_SENDRECV, RG_ACCESS_WINDOW, MANY, ANY, "pull", RG_PROTOCOL_READ},
	{RG_COLL_SENDRECV, RG_ACCESS_WINDOW, MANY, ANY, "direct", RG_PROTOCOL_SLOT},
	{RG_COLL_SENDRECV, RG_ACCESS_PRIVATE, MANY, WORDS, "direct", RG_PROTOCOL_WORD},
	{RG_COLL_SENDRECV, RG_ACCESS_PRIVATE, MANY, ANY, "pull", RG_PROTOCOL_READ},
	{RG_COLL_SENDRECV, RG_ACCESS_PRIVATE, MANY, ANY, "direct", RG_PROTOCOL_SLOT},

	{RG_COLL_BARRIER, RG_ACCESS_WINDOW, MANY, ANY, "dissemination", RG_PROTOCOL_SLOT},
	{RG_COLL_BARRIER, RG_ACCESS_PRIVATE, MANY, ANY, "dissemination", RG_PROTOCOL_SLOT},
};

/* Several nodes, at least one of which has several ranks. */
static bool shares_nodes(const struct rg_layout *l)
{
	bool several = false, shared = false;

	for (uint32_t r = 1; l->node && r < l->nranks; r++) {
		several |= l->node[r] != l->node[0];
		for (uint32_t q = 0; q < r && !shared; q++)
			shared = l->node[q] == l->node[r];
	}
	return several && shared;
}

/* All-to-all-v goes by the rules of all-to-all, and by its longest message. */
static bool fits(const struct rule *r, const struct rg_problem *p)
{
	enum rg_coll like = p->coll == RG_COLL_ALLTOALLV ? RG_COLL_ALLTOALL : p->coll;

	if (r->protocol == RG_PROTOCOL_READ && !p->params.read)
		return false;
	if (r->far && p->caps & RG_CAP_MAPPED)
		return false;
	if (r->nodes && (p->layout.nranks > r->max_ranks || !shares_nodes(&p->layout)))
		return false;
	return r->coll == like && r->access == p->access && p->layout.nranks <= r->max_ranks &&
	       rg_problem_message_bytes(p) <= r->max_bytes && !(r->not_in_place && p->in_place) &&
	       !(r->persistent && !p->params.persistent);
}

int rg_algorithm_select(struct rg_problem *problem, const struct rg_algorithm **out,
			struct rg_err *err)
{
	struct rg_err why = {0}; /* of the last row that fits, which asks for least */

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		const struct rule *r = &rules[i];
		const struct rg_algorithm *a;
		struct rg_problem p = *problem;

		if (!fits(r, problem))
			continue;
		p.params.protocol = r->protocol;
		p.params.channels = 1;
		if (rg_algorithm_find(p.coll, r->algorithm, &a, &why) || a->check(&p, &why))
			continue;
		problem->params = p.params;
		*out = a;
		return 0;
	}
	return rg_err_set(err, RG_ERR_UNSUPPORTED,
			  "no algorithm for %s over %u ranks on this transport%s%s",
			  rg_coll_name(problem->coll), problem->layout.nranks,
			  why.text[0] ? ": " : "", why.text);
}
