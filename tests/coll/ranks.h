/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ranks as threads, their buffers, and an oracle: what tests that run programs share.
 *
 * Data depend on rank, index and operation, and are small integers. What is written into a
 * destination before an operation (poison) is no result of any.
 */
#ifndef TESTS_COLL_RANKS_H
#define TESTS_COLL_RANKS_H

#include "railgauge/coll/executor.h"

#include <stdint.h>

#define MAX_RANKS 9

/* One rank, within its own thread. */
struct rank {
	struct rg_rendezvous *rdv;
	struct rg_endpoint *ep;
	struct rg_executor *x;
	uint32_t drawn; /* state of draw; differs between ranks */
	struct rg_err err;
};

/*
 * Calls body on nranks threads with small slots and rings, so that everything wraps, and fails the
 * test with `what` and the text of a rank if one returns nonzero. body and what may use arg.
 */
void run_ranks(uint32_t nranks, uint32_t first_sequence, int (*body)(struct rank *r, void *arg),
	       void *arg, const char *what);

/* The geometry that run_ranks takes. */
extern const struct rg_geometry small_geometry;

/* nranks ranks on one node (0), on pairs (1), or on nodes of several sizes in no order (2). */
struct rg_layout layout_of(uint32_t nranks, uint32_t which);
/* What run_ranks opens: inproc, unless a test says otherwise. */
extern const struct rg_transport_ops *rank_transport;
/* A rank's options of verbs; NULL: the defaults. */
extern const struct rg_verbs_options *(*rank_verbs)(uint32_t rank);

/* Slots of 1 KiB and of 16 KiB; run_ranks takes the former unless a test says otherwise. */
extern const struct rg_geometry large_geometry, *rank_geometry;

/* A number below n: the same sequence everywhere for the same state. */
uint32_t draw(uint32_t *state, uint32_t n);

/* All ranks are here. */
int meet(struct rank *r);

/* As meet, but whatever happened: called before closing what others may still be writing into. */
void part(struct rank *r);

/*
 * Of an all-to-all-v: drawn counts of up to `most` elements, as fits p->in_place, into `counts`,
 * which the problem borrows. Other problems stay as they are.
 */
#define PAIRS_MAX (MAX_RANKS * MAX_RANKS)
void set_counts(struct rg_problem *p, uint64_t most, uint32_t *state, uint64_t *counts);

/* A pair of buffers. In place, src stands for both. */
struct place {
	struct rg_endpoint *ep; /* borrowed */
	struct rg_buffer src, dst;
	struct rg_window *src_window, *dst_window;
};

/* Room for bytes in both buffers. Windows are opened by all ranks in the same order. */
int open_place(struct rank *r, uint64_t bytes, struct place *out);
void close_place(struct place *place);

/* Bytes of the larger buffer of a problem. */
uint64_t place_bytes(const struct rg_problem *p);

/* The two halves of preparing operation op: poisons the destination, fills the source. */
void poison(const struct rank *r, const struct rg_problem *p, struct place *place);
void fill(const struct rank *r, const struct rg_problem *p, struct place *place, uint32_t op);

struct rg_run_args args_of(const struct rank *r, const struct rg_problem *p,
			   const struct place *place);

/*
 * So many operations on a problem, each checked, from the opening of the program to the end of all.
 * Nobody goes before all are done.
 */
int run_problem(struct rank *r, const struct rg_algorithm *algorithm, const struct rg_problem *p,
		uint32_t ops);

/* 0, or RG_ERR_WRONG_DATA in r->err. */
int check(struct rank *r, const struct rg_problem *p, const struct place *place, uint32_t op);

#endif
