/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The prover: carries out a sequence of operations of all ranks symbolically, without a network,
 * and says whether every possible interleaving gives the right result.
 *
 * In: algorithms with their problems. Out: 0, or one line that names the algorithm, the number of
 * ranks, the operation, the rank, its step, the element or message, and the other party. Pure: no
 * global state, may run concurrently, never blocks. Works for 1 to 64 ranks.
 *
 * Why one execution proves all. The steps of a stream (one rank, one channel) are fixed before it
 * runs: nothing is decided by what is read. A stream can only be held up by a WAIT for a counter,
 * or by words that have not come; each counter and each message has one writer, counters only
 * grow, and a message stays until its reader has freed it. So a step that may go ahead now may go
 * ahead later as well, whatever the others do in between: as in a Kahn network, all executions that
 * run until nothing can move carry out the same steps, and if one gets stuck, all do. What differs
 * is only how late a WAIT notices; the least that it can rely on is the first signal that reached
 * its value. That relation (program order, plus an edge from that signal to the WAIT, plus an edge
 * from the put of a word message to the step that takes it) is the same in all executions, and
 * vector clocks over one greedy execution compute it exactly. Two accesses to the same memory that
 * it does not order, at least one a write, do happen in either order in some execution: an error,
 * even where this execution did the harmless one. If there is none, every read sees the same
 * write in all executions, so the values seen here are the values.
 *
 * Two different worst cases are taken at once, because neither can help the other: readers hold
 * back FREE and LL_FREE as long as they may (a sender sees credit_batch - 1 fewer than were
 * signalled), which decides whether somebody gets stuck; while a WAIT joins the clock of the
 * earliest signal of its value, held back or not, which decides what is ordered.
 *
 * Checked:
 *  - Results: every element of every destination is what the collective's definition says, as the
 *    exact set of contributions (operation, rank, index). Reducing one twice, mixing operations
 *    or indices, reading what nobody wrote, or leaving a part unwritten is an error. Averages
 *    are divided exactly once (RG_STEP_LAST). Nothing outside the buffers is touched.
 *  - Bits: all ranks of an all-reduce combine each element in the same order; rows whose `order`
 *    is "rank order" in one pass over the ranks from 0 on.
 *  - Barriers: a rank that leaves knows that all have entered.
 *  - Reads (protocol READ): plain copies, of memory of a rank whose ENTER of this operation was
 *    waited for on the same channel, since that tells the place.
 *  - No deadlock under the credit policy.
 *  - Happens-before on slots, TMP and user buffers, per element. The user is part of it: before an
 *    operation every rank writes its source and poisons its destination, after it the rank reads
 *    the destination and overwrites both.
 *  - Counters: never lowered; READY announces only what was put and FREE only what was read; all
 *    messages put are announced, taken in order and freed within their operation; both ends of
 *    every link count the same; a message has the same length at both ends and fits its slot.
 *  - Bytes put into peers' memory, the most over all ranks, equal the row's sent_bytes.
 *
 * Persistent buffers (rg_params.persistent): the destination of such an operation is handed over
 * when the rank enters the previous operation of the sequence with the same algorithm, and before
 * the start if there is none. Its pair must not be used in between, so there must be 2 or more.
 */
#ifndef RAILGAUGE_COLL_PROVER_H
#define RAILGAUGE_COLL_PROVER_H

#include "railgauge/base/err.h"
#include "railgauge/coll/schedule.h"

#include <stdint.h>

#define RG_PROVER_RANKS_MAX 64
#define RG_PROVER_OPS_MAX   16

/* One operation of a sequence. */
struct rg_prover_op {
	const struct rg_algorithm *algorithm; /* borrowed during the call */
	struct rg_problem problem;
};

/* What was proved. */
struct rg_prover_report {
	uint64_t steps; /* of all ranks and operations, loops unrolled */
	/* Longest chain of signals and word messages over all operations; FREE does not count. */
	uint64_t rounds;
	uint64_t races_checked; /* accesses to elements and messages that were compared */
};

/*
 * Proves nops operations, one after the other on every rank, without any barrier in between.
 * Operation i uses pair i % nbuffers of source and destination. All problems have the same nranks,
 * elem_bytes and geometry (slots need not be powers of two here). report_out may be NULL.
 *
 * RG_ERR_INTERNAL: a mistake in a schedule, in words. RG_ERR_UNSUPPORTED: an algorithm's check
 * refuses its problem. RG_ERR_INVALID: the sequence itself is nonsense. RG_ERR_NO_MEMORY. Errors
 * of generators come through with a prefix.
 */
int rg_prover_run(const struct rg_prover_op *ops, uint32_t nops, uint32_t nbuffers,
		  struct rg_prover_report *report_out, struct rg_err *err);

#endif
