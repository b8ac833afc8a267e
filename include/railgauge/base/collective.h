/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The vocabulary of collectives: names, what "size" means, and the bandwidth definitions. They are
 * nccl-tests' (its doc/PERFORMANCE.md), so that numbers can be laid side by side.
 *
 * With p ranks and S the size in bytes (the larger of a rank's two buffers):
 *
 *   collective      source [elements]  destination   busbw / algbw   S is
 *   allreduce       [n]                [n]           2 (p-1) / p     n
 *   reduce          [n]                [n] at root   1               n
 *   reducescatter   [p][n/p]           [n/p]         (p-1) / p       the whole source
 *   allgather       [n/p]              [p][n/p]      (p-1) / p       the whole destination
 *   gather          [n/p]              [p][n/p]      (p-1) / p       the whole destination
 *                                      at root
 *   scatter         [p][n/p] at root   [n/p]         (p-1) / p       the whole source
 *   alltoall        [p][n/p]           [p][n/p]      (p-1) / p       either
 *   alltoallv       rows of a traffic  columns       see below       the busiest rank's
 *                   matrix             of it                         larger buffer
 *   broadcast       [n] at root        [n]           1               n
 *   sendrecv        [n]                [n]           1               n (to rank+1, from rank-1)
 *   barrier         none               none          (no bandwidth)  0
 *
 * All-to-all-v, which nccl-tests does not have, is about a traffic matrix (base/matrix.h): the
 * ranks' buffers have different sizes, and n is the elements of the largest one. Its busbw counts
 * what the busiest rank sends to others, or receives from them if that is more: in an all-to-all of
 * equal blocks (p-1) / p of S.
 *
 * algbw = S / time; GB/s is 1e9 bytes per second. Where n is no multiple of p, n/p is rounded down
 * and S with it, as nccl-tests does. Pure functions and constant tables.
 */
#ifndef RAILGAUGE_BASE_COLLECTIVE_H
#define RAILGAUGE_BASE_COLLECTIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RG_COLL_LIST(X)                   \
	X(ALLREDUCE, "allreduce")         \
	X(REDUCE, "reduce")               \
	X(REDUCESCATTER, "reducescatter") \
	X(ALLGATHER, "allgather")         \
	X(GATHER, "gather")               \
	X(SCATTER, "scatter")             \
	X(ALLTOALL, "alltoall")           \
	X(ALLTOALLV, "alltoallv")         \
	X(BROADCAST, "broadcast")         \
	X(SENDRECV, "sendrecv")           \
	X(BARRIER, "barrier")

enum rg_coll {
#define RG_COLL_ENUM(name, word) RG_COLL_##name,
	RG_COLL_LIST(RG_COLL_ENUM)
#undef RG_COLL_ENUM
		RG_COLL_COUNT
};

const char *rg_coll_name(enum rg_coll coll);
extern const char *const rg_coll_words[]; /* NULL-terminated, in enum order */

/* Does the collective combine data (so that -o matters), has it a root (-r)? */
bool rg_coll_reduces(enum rg_coll coll);
bool rg_coll_has_root(enum rg_coll coll);

/* Has this rank a source, and a destination? Some collectives give them to the root alone. */
bool rg_coll_has_src(enum rg_coll coll, uint32_t rank, uint32_t root);
bool rg_coll_has_dst(enum rg_coll coll, uint32_t rank, uint32_t root);

/*
 * Elements of one block: what one rank contributes per peer. n/p rounded down where a buffer is
 * made of blocks ([p][n/p]), else n; 0 for barrier. total_count is n above.
 */
uint64_t rg_coll_block_count(enum rg_coll coll, uint64_t total_count, uint32_t nranks);

/*
 * Elements of one rank's source and destination buffer, from the block; of a rank that has one. The
 * most that any has for alltoallv.
 */
uint64_t rg_coll_src_count(enum rg_coll coll, uint64_t block_count, uint32_t nranks);
uint64_t rg_coll_dst_count(enum rg_coll coll, uint64_t block_count, uint32_t nranks);

/* busbw / algbw; 0 for alltoallv, where it depends on the traffic: rg_matrix_crossing / n. */
double rg_coll_bus_factor(enum rg_coll coll, uint32_t nranks);

#endif
