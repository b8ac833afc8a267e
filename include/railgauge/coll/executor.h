/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The executor: runs programs on an endpoint. start, progress and wait over many runs at once; a
 * WAIT of a program never blocks the thread. One thread per endpoint.
 *
 * Runs whose programs share a channel are carried out in the order in which they were started,
 * which must be the same on all ranks; others overlap. Between start and the end of a run the
 * source may be read and the destination is undefined. Between start and end nothing allocates, and
 * the only system calls are the transport's idle, wake and peer_alive when a peer is late, its read
 * (protocol READ), and whatever put, signal, flush and progress are where links are not mapped. A
 * run is done when its results are here and what it sent is the network's. Where links are not
 * mapped that is so when all that the endpoint has put is, that of other runs as well: flush says
 * no more, since runs share their peers' connections, whose frames leave in the order in which they
 * came. A peer that takes nothing holds up the end of runs that do not name it, but none of their
 * data.
 */
#ifndef RAILGAUGE_COLL_EXECUTOR_H
#define RAILGAUGE_COLL_EXECUTOR_H

#include "railgauge/base/err.h"
#include "railgauge/coll/program.h"

#include <stdbool.h>
#include <stdint.h>

/* The buffers of one run. */
struct rg_run_args {
	const void *src; /* borrowed until the run is done; NULL for barrier */
	void *dst;
	/*
	 * Under RG_ACCESS_WINDOW: the windows and offsets of src and dst, equal on all ranks
	 * (symmetric placement), mapped for every rank that the program names. Else NULL.
	 */
	const struct rg_window *src_window, *dst_window;
	uint64_t src_offset, dst_offset;
};

struct rg_executor;

/* State of one run. */
struct rg_run;

/*
 * At most max_runs runs are in flight at once. ep is borrowed and outlives the executor, which
 * outlives its runs. RG_ERR_NO_MEMORY.
 */
int rg_executor_open(struct rg_endpoint *ep, uint32_t max_runs, struct rg_executor **out,
		     struct rg_err *err);
void rg_executor_close(struct rg_executor *executor); /* NULL is allowed */

/*
 * Resources for running one program of the executor's endpoint: addresses, scratch. The program is
 * borrowed and outlives the run. Reusable any number of times, one run at a time.
 * RG_ERR_NO_MEMORY.
 */
int rg_run_open(struct rg_executor *executor, const struct rg_program *program, struct rg_run **out,
		struct rg_err *err);
void rg_run_close(struct rg_run *run); /* NULL is allowed; not while in flight */

/*
 * Queues the run, which is not in flight, and makes the first progress. args are copied. Never
 * blocks.
 */
void rg_run_start(struct rg_run *run, const struct rg_run_args *args);

/* Moves all runs of the executor along; true if anything happened. Never blocks. */
bool rg_executor_progress(struct rg_executor *executor);

/* Is the run done? Looks, and moves nothing. */
bool rg_run_test(const struct rg_run *run);

/*
 * Blocks: progresses until the run is done. After the endpoint's timeout without any progress of
 * this executor RG_ERR_TIMEOUT, or RG_ERR_PEER when a peer that is waited for is known to be gone;
 * both name the peer's rank and host, the collective and what is waited for, a timeout also how far
 * the peer is. Or the transport's error. The executor is then unusable, and so is its endpoint
 * where links are not mapped: it may still hold what a put borrowed, and places that messages were
 * to be received into. It must not be driven any more once buffers or runs are closed.
 */
int rg_run_wait(struct rg_run *run, struct rg_err *err);

/* start and wait: the fast path. */
int rg_run_once(struct rg_run *run, const struct rg_run_args *args, struct rg_err *err);

#endif
