/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What generators are written with: one primitive for messages, signals for windows, and loops.
 *
 * A generator opens a rg_gen, calls the functions below in the order in which things happen, and
 * closes it. Errors of the sink are kept: after the first one all calls do nothing, and close
 * returns it. So generators need no error handling of their own.
 *
 * rg_gen_move counts messages per peer and channel and adds the waits and signals that the protocol
 * asks for:
 *
 *   SLOT   WAIT READY per IN, WAIT FREE per OUT, the move, SIGNAL READY per OUT, SIGNAL FREE per IN
 *   WORD   WAIT LL_FREE per OUT, the move (which waits for its words), SIGNAL LL_FREE per IN
 */
#ifndef RG_COLL_GEN_H
#define RG_COLL_GEN_H

#include "railgauge/coll/schedule.h"

/*
 * The most ranks that a row without a limit of its own takes: distances between ranks, and their
 * multiples by a radix, fit 32 bits.
 */
#define RG_GEN_RANKS	  (UINT32_C(1) << 24)
#define RG_GEN_RANKS_LOG2 24

struct rg_gen {
	const struct rg_problem *problem; /* borrowed */
	uint32_t rank, nranks;
	uint32_t channel;   /* of the steps to come; the generator sets it */
	bool words;	    /* protocol of the messages to come: WORD rather than SLOT */
	uint64_t tmp_bytes; /* scratch needed; the generator sets it */

	struct rg_sink *sink; /* borrowed; swapped while a loop is being captured */
	struct rg_err *err;   /* borrowed */
	int rc;
	uint32_t *sent, *received;    /* owned, [channels][nranks][2]: SLOT, WORD */
	uint32_t *signals;	      /* owned, [channels][nranks][2]: SYNC told, heard */
	struct rg_step counter, move; /* the last ones; what no step of a kind has is zero */
};

/* Takes channel 0 and the problem's protocol. On failure rg_gen_close is still to be called. */
void rg_gen_open(struct rg_gen *g, const struct rg_problem *problem, uint32_t rank,
		 struct rg_sink *sink, struct rg_err *err);

/* Returns the first error, else 0 and the needs. */
int rg_gen_close(struct rg_gen *g, struct rg_schedule_needs *needs_out);

/* Memory of the generator's own, for rg_free. NULL: there is none, and g has the error. */
void *rg_gen_alloc(struct rg_gen *g, size_t count, size_t each_bytes);

/* The sources and destinations of one move; see struct rg_step. */
struct rg_gen_move {
	const struct rg_ref *src, *dst;
	uint32_t nsrc, ndst;
	uint64_t src_off, dst_off;
	int64_t src_stride;
	uint64_t len_bytes;
	bool last;     /* RG_STEP_LAST */
	bool at_once;  /* RG_STEP_AT_ONCE */
	uint64_t part; /* of RG_SYMMETRY_SHIFT_PARTS */
};

/*
 * All IN references must have seen equally many messages, likewise all OUT references: that is so
 * where the ranks named do the same (else RG_ERR_INTERNAL).
 */
void rg_gen_move(struct rg_gen *g, const struct rg_gen_move *move);

/* One source, one destination. A zero length that is no message does nothing. */
void rg_gen_copy(struct rg_gen *g, struct rg_ref dst, uint64_t dst_off, struct rg_ref src,
		 uint64_t src_off, uint64_t len_bytes);

/* With one rank alone: copies the whole source to the destination, out of place. True if so. */
bool rg_gen_alone(struct rg_gen *g, uint64_t len_bytes);

/* Window protocol: counters ENTER and DONE move by one per operation. lag: see struct rg_step. */
void rg_gen_signal(struct rg_gen *g, uint32_t peer, enum rg_ctr ctr);
void rg_gen_wait(struct rg_gen *g, uint32_t peer, enum rg_ctr ctr, uint32_t lag);

/* To and from all other ranks, beginning with the next one. */
void rg_gen_signal_all(struct rg_gen *g, enum rg_ctr ctr);
void rg_gen_wait_all(struct rg_gen *g, enum rg_ctr ctr, uint32_t lag);

/* SYNC moves by one per call. */
void rg_gen_sync_signal(struct rg_gen *g, uint32_t peer);
void rg_gen_sync_wait(struct rg_gen *g, uint32_t peer);

/*
 * Calls body(g, i, arg) for i = 0 .. n-1 in order. Runs of iterations that differ only by constant
 * strides reach the sink as one RG_STEP_LOOP; the steps that happen are the same.
 */
void rg_gen_loop(struct rg_gen *g, uint64_t n,
		 void (*body)(struct rg_gen *g, uint64_t i, void *arg), void *arg);

/*
 * Largest message of the problem's protocol in bytes, a multiple of 64 (or of elem_bytes for WORD).
 * READ: how much of one source is in scratch at a time.
 */
uint64_t rg_gen_slice_bytes(const struct rg_problem *problem);

/* How many messages len_bytes bytes take, and the i-th piece of them; empty past the end. */
struct rg_gen_piece {
	uint64_t off, len; /* bytes */
};
uint64_t rg_gen_nslices(const struct rg_problem *problem, uint64_t len_bytes);
struct rg_gen_piece rg_gen_slice(const struct rg_problem *problem, uint64_t len_bytes, uint64_t i);

/*
 * Cuts len bytes into n parts as evenly as can be, at multiples of 64 bytes (of elem_bytes where
 * that is more, or len is too short for that). With len <= n slices no part is longer than a slice.
 */
struct rg_gen_piece rg_gen_cut(const struct rg_problem *problem, uint64_t len, uint32_t n,
			       uint32_t i);

/* Part r of a vector of one block among all ranks, as rg_part has it; in bytes. */
struct rg_gen_piece rg_gen_part(const struct rg_problem *problem, uint32_t r);

/*
 * Messages that may be on the way to one peer before a sender can be made to wait, at worst: a
 * reader may hold back credit_batch - 1 freed slots. At least 1.
 */
uint32_t rg_gen_credit(const struct rg_problem *problem);

/* The refs of all ranks in rank order: OTHERS of kind buf, this rank as `own`. list[nranks]. */
void rg_gen_all(const struct rg_gen *g, enum rg_buf others, enum rg_buf own, struct rg_ref *list);

/*
 * Whom a rank exchanges with in round 0 .. p-1: for p a power of two r ^ round, else round - r mod
 * p. Partners are mutual, and every rank is its own in exactly one round [Thakur05, section 4].
 */
uint32_t rg_gen_partner(const struct rg_gen *g, uint32_t round);

/*
 * Checks that most rows share: protocol offered, access and caps fit, nranks within max_ranks, and
 * a radix that makes sense where the row has one.
 */
int rg_gen_check(const struct rg_algorithm *algorithm, const struct rg_problem *problem,
		 uint32_t max_ranks, struct rg_err *err);

/* Likewise, for rows that need a credit of 2, other than with windows. */
int rg_gen_check_credit(const struct rg_algorithm *algorithm, const struct rg_problem *problem,
			uint32_t max_ranks, struct rg_err *err);

/* The radix and the window that hold: the problem's, or else the row's. */
uint32_t rg_gen_radix(const struct rg_algorithm *algorithm, const struct rg_problem *problem);
uint32_t rg_gen_window(const struct rg_algorithm *algorithm, const struct rg_problem *problem);

#endif
