/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The problem that an algorithm solves: one const struct of plain integers, no transport in it.
 *
 * An algorithm is a pure function from (problem, rank) to steps (schedule.h). Buffers have the
 * shapes of base/collective.h, in elements of elem_bytes. In place means what nccl-tests means by
 * it: the destination is the source, or (allgather, gather, reducescatter, scatter) the smaller of
 * the two is this rank's block of the larger. A rank that has no destination leaves its source as
 * it is.
 */
#ifndef RAILGAUGE_COLL_PROBLEM_H
#define RAILGAUGE_COLL_PROBLEM_H

#include "railgauge/base/collective.h"
#include "railgauge/base/err.h"
#include "railgauge/transport/transport.h"

#include <stdbool.h>
#include <stdint.h>

/* What peers may do with the user's buffers. */
enum rg_access {
	RG_ACCESS_PRIVATE, /* nothing: data pass through slots, or the kernel reads them (READ) */
	RG_ACCESS_WINDOW,  /* windows, mapped (RG_CAP_MAPPED): read and written in place */
};

/*
 * How data travel. SLOT: messages in slots, announced by a counter. WORD: small messages of 8-byte
 * words (RG_CAP_WORD8). WINDOW: straight between user buffers (RG_ACCESS_WINDOW). READ: the
 * receiver has the kernel copy out of the sender's buffer, whatever its access (RG_CAP_READ).
 */
enum rg_protocol {
	RG_PROTOCOL_SLOT,
	RG_PROTOCOL_WORD,
	RG_PROTOCOL_WINDOW,
	RG_PROTOCOL_READ,
	RG_PROTOCOL_COUNT
};

/*
 * Where the ranks sit; nodes may have different numbers of them. NULL arrays mean: all on one node,
 * local index and rail equal to the rank. Only the hierarchical rows look at more than nranks.
 */
struct rg_layout {
	uint32_t nranks;
	const uint32_t *node;  /* [nranks], borrowed */
	const uint32_t *local; /* [nranks], borrowed: index within the node */
	const uint32_t *rail;  /* [nranks], borrowed: which of the node's adapters is its own */
};

struct rg_params {
	enum rg_protocol protocol;
	uint32_t channels;    /* independent streams, >= 1 (k rings) */
	uint32_t slice_bytes; /* largest piece put into one slot; 0: what the slot holds */
	/*
	 * SLOT: messages from 4 KiB on are written past the caches, and so come from memory. Pays
	 * on some machines where a line that the peer's core has changed is slow to come by; to be
	 * tried (measure/paths.h).
	 */
	bool stream_slots;
	/*
	 * Of rows that have them (schedule.h), else without effect; 0: the row's default. radix:
	 * how many ranks, or subtrees, a round joins, 2 to 64. window: to how many peers a rank
	 * sends before it takes from the first.
	 */
	uint32_t radix;
	uint32_t window;
	/* The default choice takes READ rather than SLOT: to be tried (measure/paths.h). */
	bool read;
	/*
	 * WINDOW: a put into a peer's destination waits until the peer entered this operation
	 * (false: clear to send), or only the previous one on this channel (true: persistent
	 * buffers). With true the caller promises that entering one operation hands over the
	 * destination of the next (buffers alternate).
	 */
	bool persistent;
};

struct rg_problem {
	enum rg_coll coll;
	struct rg_layout layout;
	uint64_t count; /* elements of one block (base/collective.h) */
	/*
	 * alltoallv, else NULL: elements from each rank to each (base/matrix.h), of which count is
	 * the busiest; [nranks][nranks], borrowed by the problem and all programs made of it. In
	 * place as much comes as goes, and takes its place.
	 */
	const uint64_t *counts;
	uint32_t elem_bytes; /* at least 1; what is not cut */
	uint32_t root;
	bool in_place;
	enum rg_access access;
	uint32_t caps; /* of the transport, enum rg_cap */
	struct rg_geometry geometry;
	struct rg_params params;
};

const char *rg_protocol_name(enum rg_protocol protocol);
extern const char *const rg_protocol_words[]; /* NULL-terminated, in enum order */

/* The size S of base/collective.h: bytes of the larger of a rank's buffers. */
static inline uint64_t rg_problem_size_bytes(const struct rg_problem *p)
{
	uint64_t src = rg_coll_src_count(p->coll, p->count, p->layout.nranks);
	uint64_t dst = rg_coll_dst_count(p->coll, p->count, p->layout.nranks);

	return (src > dst ? src : dst) * p->elem_bytes;
}

/* Elements of a rank's source and destination; 0 where it has none. */
uint64_t rg_problem_src_count(const struct rg_problem *problem, uint32_t rank);
uint64_t rg_problem_dst_count(const struct rg_problem *problem, uint32_t rank);

/* Bytes of one block. */
static inline uint64_t rg_problem_block_bytes(const struct rg_problem *p)
{
	return p->count * p->elem_bytes;
}

/* Bytes of the longest block that goes from one rank to another the direct way. */
uint64_t rg_problem_message_bytes(const struct rg_problem *problem);

/*
 * Cuts len elements into n parts as evenly as alignment allows: part i is [*first_out, +
 * *count_out). Parts begin at multiples of 64 elements while len >= 64 n, so that they begin on
 * cache lines and vector boundaries; else of 1. Later parts may be empty. The parts cover
 * everything once.
 */
void rg_part(uint64_t len, uint32_t n, uint32_t i, uint64_t *first_out, uint64_t *count_out);

#endif
