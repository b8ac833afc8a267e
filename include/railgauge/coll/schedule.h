/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Schedules: what one rank does, as data.
 *
 * A generator calls a sink once per step. Steps of one channel happen in order; channels are
 * independent streams. The sink may store the steps (program.h makes a program of them), check
 * them (prover.h), count them, or simulate them without storing: a step and its arrays are valid
 * only during the call.
 *
 * Memory is named by references (kind, rank), never by address:
 *   SRC, DST  the user's buffers; of another rank only under RG_ACCESS_WINDOW, or with protocol
 *             READ as the one source of a copy to this rank's own memory, on a channel on which
 *             that rank's ENTER of this operation was waited for
 *   TMP       scratch of this rank and this operation (schedule's tmp_bytes)
 *   IN        the slot of a message from that rank: the step's in_msg-th of this operation, counted
 *             from 0 per peer, channel and kind (slot or word)
 *   OUT       the slot of a message to that rank (out_msg-th): the slot in the peer's memory
 * A message fills its slot from offset 0, so offsets apply to SRC, DST and TMP only.
 *
 * Counter values are relative to the operation's start: WAIT READY 1 is "the peer's first message
 * of this operation is here". They may be zero or negative: a sender of message n waits for
 * FREE >= n + 1 - slots, which speaks of messages of earlier operations.
 *
 * WORD messages announce themselves: a step with RG_STEP_WORDS waits for the words of its IN
 * references, and puts into OUT references need no signal.
 */
#ifndef RAILGAUGE_COLL_SCHEDULE_H
#define RAILGAUGE_COLL_SCHEDULE_H

#include "railgauge/base/err.h"
#include "railgauge/coll/problem.h"

#include <stdbool.h>
#include <stdint.h>

enum rg_buf { RG_BUF_SRC, RG_BUF_DST, RG_BUF_TMP, RG_BUF_IN, RG_BUF_OUT };

struct rg_ref {
	enum rg_buf buf;
	uint32_t rank; /* TMP: this rank */
};

enum rg_step_op {
	RG_STEP_WAIT,	/* until counter `ctr` from `peer` is >= start + value */
	RG_STEP_SIGNAL, /* set counter `ctr` at `peer` to start + value */
	RG_STEP_MOVE,	/* nsrc sources -> ndst destinations: one source is a copy, more a reduction
			 */
	RG_STEP_LOOP,	/* the following `body` steps, `repeat` times */
};

enum rg_step_flags {
	RG_STEP_WORDS = 1 << 0, /* IN and OUT references are word messages */
	RG_STEP_LAST = 1 << 1,	/* destinations get final values: averages are divided here */
	/* Of one source, to all other ranks: one put, where the transport has RG_CAP_MULTICAST. */
	RG_STEP_AT_ONCE = 1 << 2,
};

struct rg_step {
	enum rg_step_op op;
	uint32_t flags; /* enum rg_step_flags */
	uint32_t channel;

	/* WAIT, SIGNAL */
	uint32_t peer;
	enum rg_ctr ctr;
	int64_t value;
	/*
	 * WAIT on ENTER: how many operations behind is enough (0; 1 with persistent buffers). The
	 * counter still moves by `value` per operation; the wait is for start + value - lag.
	 */
	uint32_t lag;

	/*
	 * MOVE: element i of every destination becomes the reduction of element i of all sources,
	 * in the order of src[]. All lengths are len_bytes (0 is allowed: an empty message).
	 * Source k begins at src_off + k * src_stride.
	 */
	const struct rg_ref *src, *dst; /* borrowed during the sink's call */
	uint32_t nsrc, ndst;		/* 1 .. RG_REDUCE_MAX */
	uint64_t src_off;
	int64_t src_stride;
	uint64_t dst_off;
	uint64_t len_bytes;
	uint32_t in_msg, out_msg;
	/*
	 * For a row with RG_SYMMETRY_SHIFT_PARTS (else 0): what the MOVE is about, part i of group
	 * k being k * p + i.
	 */
	uint64_t part;

	/* LOOP: how many steps follow as its body, and how often they run. Loops do not nest. */
	uint32_t body;
	uint64_t repeat;

	/*
	 * In a body: what is added per iteration to value, src_off and dst_off, in_msg and out_msg,
	 * part.
	 */
	int64_t iter_value;
	int64_t iter_src_off, iter_dst_off;
	int32_t iter_in_msg, iter_out_msg;
	int64_t iter_part;
};

/* Where steps go. step returns 0 or an error, which ends the generation. */
struct rg_sink {
	int (*step)(struct rg_sink *sink, const struct rg_step *step, struct rg_err *err);
};

/* What a generator returns beside its steps. */
struct rg_schedule_needs {
	uint64_t tmp_bytes;
};

/*
 * How the ranks' steps resemble each other. SHIFT: rank (r + m) mod p does what rank r does, with
 * (x + m) mod p in the place of every rank x; FLIP: the same with r ^ m and x ^ m, p being a power
 * of two; for all m below p that are multiples of `unit`, which divides p. Everything is equal but
 * where in SRC, DST and TMP data lie, and where among the sources of a MOVE those stand that are no
 * messages.
 *
 * SHIFT_PARTS: SHIFT with a unit of 1, except that MOVEs differ in length. A MOVE is about a part
 * (struct rg_step), and as long as it; rank (r + m) mod p is about the part of the same group that
 * is m further on, mod p, than that of rank r.
 */
enum rg_symmetry_kind {
	RG_SYMMETRY_NONE,
	RG_SYMMETRY_SHIFT,
	RG_SYMMETRY_FLIP,
	RG_SYMMETRY_SHIFT_PARTS
};

struct rg_symmetry {
	enum rg_symmetry_kind kind;
	uint32_t unit; /* 0 for NONE */
};

/*
 * One way to solve one collective; a const row in rg_algorithms. Adding one is one file in
 * src/coll and one row.
 */
struct rg_algorithm {
	const char *name; /* "ring", unique within the collective */
	enum rg_coll coll;
	const char *summary;
	const char *steps; /* rounds as a formula of p (ranks) and s (slices) */
	const char
		*bytes; /* bytes sent per rank as a formula of n (bytes of S, collective.h) and p */
	const char *ranks;  /* which p, in words */
	const char *order;  /* order of reduction: "rank order" (bitwise equal for every p), "ring
			       order" ... or "none" */
	const char *source; /* tag and place, resolved in docs/REFERENCES.md */
	uint32_t protocols; /* bit per enum rg_protocol */
	/* What 0 in rg_params stands for, k and w in the formulas. 0: the row has no such. */
	uint32_t radix, window;

	/*
	 * Can it solve this problem? RG_ERR_UNSUPPORTED with the reason (ranks, caps, in place,
	 * message too long for the protocol), or RG_ERR_NO_MEMORY.
	 */
	int (*check)(const struct rg_problem *problem, struct rg_err *err);

	/*
	 * Pure: equal arguments give equal steps. check(problem) was 0. The sink's errors,
	 * RG_ERR_NO_MEMORY, or RG_ERR_INTERNAL for a mistake of the row; *needs_out is then as
	 * before.
	 */
	int (*generate)(const struct rg_problem *problem, uint32_t rank, struct rg_sink *sink,
			struct rg_schedule_needs *needs_out, struct rg_err *err);

	/*
	 * What the prover compares the steps with: the bytes that one rank puts into its peers'
	 * memory, the most over all ranks. UINT64_MAX: there is no memory to find out.
	 */
	uint64_t (*sent_bytes)(const struct rg_problem *problem);

	/*
	 * Optional (NULL: NONE): what holds for this problem. Worth saying where ranks have many
	 * steps: a simulation of very many ranks then needs to look at few of them.
	 */
	struct rg_symmetry (*symmetry)(const struct rg_problem *problem);
};

/* NULL-terminated; sorted by collective, then as they should be listed. */
extern const struct rg_algorithm *const rg_algorithms[];

/* RG_ERR_NOT_FOUND with a suggestion. */
int rg_algorithm_find(enum rg_coll coll, const char *name, const struct rg_algorithm **out,
		      struct rg_err *err);

/*
 * The default choice of algorithm, protocol and channels: the latter two are written into the
 * problem's params, the others of which are as the caller wants them. The thresholds are measured
 * constants, see src/coll/select.c. RG_ERR_UNSUPPORTED where no row takes the problem, which then
 * is as before.
 */
int rg_algorithm_select(struct rg_problem *problem, const struct rg_algorithm **out,
			struct rg_err *err);

/*
 * Unrolls loops on the way to another sink, which outlives it: for consumers that want plain steps.
 * Holds one body at a time, at most RG_LOOP_BODY_MAX steps; longer bodies, and loops within loops,
 * are RG_ERR_INTERNAL of its step. Opening: RG_ERR_NO_MEMORY.
 */
#define RG_LOOP_BODY_MAX 64
struct rg_unroll;
int rg_unroll_open(struct rg_sink *to, struct rg_unroll **out, struct rg_err *err);
struct rg_sink *rg_unroll_sink(struct rg_unroll *unroll); /* lives until close */
void rg_unroll_close(struct rg_unroll *unroll);		  /* NULL is allowed */

#endif
