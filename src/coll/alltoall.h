/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What all-to-all and all-to-all-v share: they differ only in whether the blocks that ranks
 * exchange are equally long. So the generators below ask for the block of a pair of ranks.
 *
 * All ranks know all counts, as after they were exchanged. So one that passes on the blocks of
 * others knows their lengths as well, and an empty block is no message.
 *
 * With windows, and where the receiver reads, a pair of which one sends the other nothing needs no
 * counters for that way; with persistent buffers they move all the same, since entering one
 * operation hands over the destination of the next, which may have other blocks.
 */
#ifndef RG_COLL_ALLTOALL_H
#define RG_COLL_ALLTOALL_H

#include "gen.h"

/* Bytes of what goes from one rank to another. */
uint64_t rg_block_len(const struct rg_problem *problem, uint32_t from, uint32_t to);

/* Where it is in the one's source, in the other's destination. */
struct rg_gen_piece rg_block_src(const struct rg_problem *problem, uint32_t from, uint32_t to);
struct rg_gen_piece rg_block_dst(const struct rg_problem *problem, uint32_t from, uint32_t to);

/* Likewise slice i of it; empty past the end. */
struct rg_gen_piece rg_block_src_slice(const struct rg_problem *problem, uint32_t from, uint32_t to,
				       uint64_t i);
struct rg_gen_piece rg_block_dst_slice(const struct rg_problem *problem, uint32_t from, uint32_t to,
				       uint64_t i);

/* Bytes of the longest block of all, those that stay where they are too. */
uint64_t rg_block_longest(const struct rg_problem *problem);

/* What the rank that sends most to others sends, each block straight to its destination. */
uint64_t rg_block_sent_bytes(const struct rg_problem *problem);

/* Are there counters for the way from one rank to another? */
bool rg_block_counts(const struct rg_problem *problem, uint32_t from, uint32_t to);

/* The own block, or slice i of it, goes straight to its place; in place it is there. */
void rg_block_own(struct rg_gen *g);
void rg_block_own_slice(struct rg_gen *g, uint64_t i);

/* rg_gen_check; in place as much must come as goes. */
int rg_alltoall_check(const struct rg_algorithm *algorithm, const struct rg_problem *problem,
		      uint32_t max_ranks, struct rg_err *err);

/* Each in the file alltoall_<name>.c, which says how it works. */
int rg_alltoall_pairwise_generate(const struct rg_problem *problem, uint32_t rank,
				  struct rg_sink *sink, struct rg_schedule_needs *needs_out,
				  struct rg_err *err);
int rg_alltoall_pull_generate(const struct rg_problem *problem, uint32_t rank, struct rg_sink *sink,
			      struct rg_schedule_needs *needs_out, struct rg_err *err);
int rg_alltoall_hierarchical_generate(const struct rg_problem *problem, uint32_t rank,
				      struct rg_sink *sink, struct rg_schedule_needs *needs_out,
				      struct rg_err *err);
uint64_t rg_alltoall_hierarchical_sent_bytes(const struct rg_problem *problem);

/* window: of the row, as rg_gen_window has it. */
int rg_alltoall_linear_generate(const struct rg_problem *problem, uint32_t rank, uint32_t window,
				struct rg_sink *sink, struct rg_schedule_needs *needs_out,
				struct rg_err *err);

/* radix: likewise. */
int rg_alltoall_bruck_generate(const struct rg_problem *problem, uint32_t rank, uint32_t radix,
			       struct rg_sink *sink, struct rg_schedule_needs *needs_out,
			       struct rg_err *err);
uint64_t rg_alltoall_bruck_sent_bytes(const struct rg_problem *problem, uint32_t radix);

#endif
