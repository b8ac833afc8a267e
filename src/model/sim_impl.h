/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The simulation's parts:
 *
 *   sim_shape.c   costs, and what ops have in common
 *   sim_list.c    the steps of one rank -> what it does, as a list of ops
 *   sim_pack.c    that list -> one packed list per channel
 *   sim_tape.c    packed lists of ops
 *   sim_flight.c  messages that were sent and not received yet, packed
 *   sim_check.c   what cannot be simulated
 *   simulate.c    carries out the ops of all ranks
 *
 *   sim_symmetry.c  which ranks stand for all others
 *   sim_lockstep.c  carries out the ops of ranks that all do the same, without all of the above
 *
 * A *stream* is one channel of a rank that stands for others; its number is channel * nreps + rank.
 */
#ifndef RG_MODEL_SIM_IMPL_H
#define RG_MODEL_SIM_IMPL_H

#include "railgauge/model/simulate.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* --- costs (sim_shape.c) --- */

/* Those per byte are not rounded; their products are, to a femtosecond. */
struct hop_costs {
	int64_t latency_fs, overhead_fs, gap_fs;
	double byte_fs;
};

struct sim_costs {
	struct hop_costs hop[RG_HOP_COUNT];
	double copy_fs, reduce_fs;
};

/* Of one cost; a time within RG_SIM_FS_MAX and a few of them are below 2^63. */
#define SIM_COST_MAX (RG_SIM_FS_MAX / 8)

/* RG_ERR_RANGE. */
int sim_costs_of(const struct rg_costs *in, struct sim_costs *out, struct rg_err *err);
int sim_fs(double fs, int64_t *out, struct rg_err *err);
int sim_too_long(struct rg_err *err); /* sets and returns it */

/* --- ops (their shapes: sim_shape.c) --- */

enum act {
	ACT_SEND,  /* a message to peer */
	ACT_TAKE,  /* a message from peer: waits until it is there */
	ACT_GRANT, /* a credit to peer */
	ACT_NEED,  /* a credit from peer: waits likewise */
	ACT_END,   /* of the stream */
};

/*
 * What a message is: the counter that announces it (enum rg_ctr; FREE and LL_FREE are credits), or
 * a word message. Those of one kind between two streams are numbered.
 */
#define KIND_WORD  RG_CTR_COUNT
#define KIND_COUNT (RG_CTR_COUNT + 1)

static inline bool is_credit(uint8_t kind)
{
	return kind == RG_CTR_FREE || kind == RG_CTR_LL_FREE;
}

/* All of an op that many ops have in common. */
struct shape {
	int64_t work_fs;   /* what the processor does before it */
	int64_t serial_fs; /* SEND: (k - 1) G */
	uint64_t bytes;	   /* SEND */
	uint8_t act;	   /* enum act */
	uint8_t kind;	   /* see above; 0 for END */
	uint8_t hop;	   /* enum rg_hop */
	uint8_t pad[5];	   /* zero: shapes are compared as memory */
};

struct op {
	uint32_t shape; /* number in the table of shapes */
	uint32_t peer;
	uint32_t n; /* number of the message or credit */
};

/* The different shapes; zeroed at first. */
struct shapes {
	struct shape *list; /* owned, [cap] */
	uint32_t n, cap;
	uint32_t *slots; /* owned, [nslots]: open hashing, number + 1, 0 for none */
	uint32_t nslots; /* a power of two */
};
void shapes_release(struct shapes *shapes);
/* The shape's number, old or new. RG_ERR_NO_MEMORY. */
int shapes_number(struct shapes *shapes, const struct shape *shape, uint32_t *out,
		  struct rg_err *err);

/* --- which ranks stand for all others (sim_symmetry.c) --- */

/* What the algorithm says about its steps. */
static inline struct rg_symmetry sim_claim(const struct rg_algorithm *algorithm,
					   const struct rg_problem *problem)
{
	return algorithm->symmetry ? algorithm->symmetry(problem) : (struct rg_symmetry){0};
}

/* Do all steps follow from those of rank 0? */
static inline bool sim_is_one_for_all(struct rg_symmetry claim)
{
	return claim.unit == 1 &&
	       (claim.kind == RG_SYMMETRY_SHIFT || claim.kind == RG_SYMMETRY_FLIP);
}

/*
 * Ranks 0 .. nreps - 1 do. What the algorithm says about its steps holds for a schedule in time as
 * far as the nodes are alike, too.
 */
struct sim_symmetry {
	enum rg_symmetry_kind kind; /* SHIFT, FLIP, or NONE: nreps is nranks */
	uint32_t nranks, nreps;
};
/* RG_ERR_NO_MEMORY. */
int sim_symmetry_of(const struct rg_algorithm *algorithm, const struct rg_problem *problem,
		    struct sim_symmetry *out, struct rg_err *err);

/* Where a symmetry moves a rank. */
static inline uint32_t sim_moved(enum rg_symmetry_kind kind, uint32_t nranks, uint32_t rank,
				 uint32_t by)
{
	if (kind == RG_SYMMETRY_FLIP)
		return rank ^ by;
	return rank + by < nranks ? rank + by : rank + by - nranks;
}

static inline uint32_t sim_stands_for(const struct sim_symmetry *s, uint32_t rank)
{
	return rank < s->nreps ? rank : rank % s->nreps;
}

/* What rank x is to the one that stands for `rank`: as x is to rank. */
static inline uint32_t sim_image(const struct sim_symmetry *s, uint32_t rank, uint32_t x)
{
	uint32_t shift = rank - sim_stands_for(s, rank);

	if (s->kind == RG_SYMMETRY_FLIP)
		return x ^ shift;
	return x >= shift ? x - shift : x + s->nranks - shift;
}

/* --- packed lists (sim_tape.c) --- */

/*
 * A tape holds lists of ops as tokens: a number of ops as they are, or so many ops of which each
 * continues what was `period` and 2 * `period` before: the same shape, and peer and n in an equal
 * stride. Peers stride around the circle of ranks, or in peer ^ rank.
 */
struct tape {
	uint32_t *words; /* owned, [cap] */
	size_t n, cap;
};
void tape_release(struct tape *tape);

/* Appends a list that ends with ACT_END; it begins at tape->n as it was. RG_ERR_LIMIT, _NO_MEMORY.
 */
int tape_write(struct tape *tape, const struct op *ops, size_t nops, uint32_t rank, uint32_t nranks,
	       struct rg_err *err);

#define TAPE_PERIOD_MAX 64

/* Reads one list. */
struct cursor {
	size_t at;     /* in words */
	uint32_t left; /* ops of the present token */
	uint16_t period;
	bool flips;   /* strides in peer ^ rank */
	uint32_t pos; /* ops read so far */
	struct op past[2 * TAPE_PERIOD_MAX];
};
void tape_begin(struct cursor *cursor, size_t at);
/* Not beyond ACT_END. */
struct op tape_next(const struct tape *tape, struct cursor *cursor, uint32_t rank, uint32_t nranks);

/* --- what cannot be simulated (sim_check.c) --- */

/* RG_ERR_RANGE, RG_ERR_UNSUPPORTED, or as the row's check. */
int sim_check(const struct rg_algorithm *algorithm, const struct rg_problem *problem,
	      struct rg_err *err);

/* --- messages under way (sim_flight.c) --- */

/*
 * A run is a number of messages of one stream that differ by equal strides. Messages are found by
 * what identifies them, so their order among several receivers is free.
 */
struct run {
	int64_t first_fs, step_fs; /* when they are there */
	int64_t serial_fs;
	uint32_t peer, n; /* of the first */
	int32_t peer_step, flip_step, n_step;
	uint32_t count, left;
	uint32_t next; /* of the same stream; NO_RUN: the last */
	uint8_t kind;
	bool strides, flips; /* the peers are found by peer_step, by flip_step */
};
#define NO_RUN UINT32_MAX

/*
 * The runs of one stream, each list in the order in which they were sent; {NO_RUN, NO_RUN} at
 * first. Credits are under way for long, as they are needed much later, and would have to be passed
 * over by all who look for a message.
 */
struct flight {
	struct flight_list {
		uint32_t head, tail;
	} list[2]; /* messages, credits */
};

/* Room for the runs of all streams; zeroed at first. */
struct runs {
	struct run *list; /* owned, [cap] */
	uint32_t n, cap;
	uint32_t unused;		/* 1 + the first of a list, 0 for none */
	uint64_t nmessages[KIND_COUNT]; /* under way */
};
void runs_release(struct runs *runs);

struct message {
	uint8_t kind;
	uint32_t peer, n;
	int64_t there_fs, serial_fs;
};

/* sender is the rank. RG_ERR_LIMIT, RG_ERR_NO_MEMORY. */
int flight_add(struct runs *runs, struct flight *flight, uint32_t sender,
	       const struct message *message, struct rg_err *err);

/* Looks for message kind, peer (the receiver), n; fills the rest, and takes it off if asked to. */
bool flight_find(struct runs *runs, struct flight *flight, uint32_t sender, struct message *message,
		 bool take);

/* --- reading schedules (sim_list.c) --- */

/* An op before it is known which other ops are equal. */
struct entry {
	int64_t work_fs; /* of the processor, before it */
	uint64_t bytes;	 /* SEND */
	uint32_t peer, n;
	uint16_t channel;
	uint8_t act, kind;
};

/*
 * With RG_SYMMETRY_SHIFT_PARTS: which part an op's work and bytes are for, work per byte of it, and
 * how many bytes travel per byte of it. Of other ranks both are as the part's length says.
 */
struct about {
	uint64_t part;
	double work_fs;
	uint8_t bytes;
};

struct lister;

/* Room for one rank's list. What it is given is borrowed and outlives it. RG_ERR_NO_MEMORY. */
int lister_open(const struct rg_algorithm *algorithm, const struct rg_problem *problem,
		const struct sim_costs *costs, struct lister **out, struct rg_err *err);
void lister_close(struct lister *lister); /* NULL is allowed */

/* The ops of one rank, all channels in the order in which they are generated. */
struct listing {
	uint32_t rank;
	const struct entry *entries; /* [n], borrowed until the next run, as all below */
	size_t n;
	const struct about *about; /* [n], or NULL: no op is about a part */
	const uint64_t *parts;	   /* [nparts]: bytes of each part */
	size_t nparts;
	bool by_parts; /* what ops of other ranks take follows from the parts */
};

/*
 * The ops of a rank; where those of all follow from rank 0's by a symmetry, rank 0's, which are
 * generated once. The generator's errors, RG_ERR_RANGE, RG_ERR_NO_MEMORY.
 */
int lister_run(struct lister *lister, uint32_t rank, struct listing *out, struct rg_err *err);

/* --- ops onto a tape (sim_pack.c) --- */

/* The last shape of an act. */
struct known {
	int64_t work_fs;
	uint64_t bytes;
	uint32_t number;
	enum rg_hop hop;
	uint8_t kind;
	bool set;
};

/* Begins with what it borrows, and otherwise zeroed. */
struct packer {
	const struct rg_problem *problem;
	const struct sim_costs *costs;
	enum rg_symmetry_kind kind; /* by which ops follow from another rank's */
	struct shapes *shapes;
	struct tape *tape;
	struct op *ops; /* owned, [cap] */
	size_t cap;
	struct known known[ACT_END + 1];
};
void pack_release(struct packer *packer);

/*
 * Writes the streams of a rank onto the tape, starts[channels] where they begin. RG_ERR_RANGE,
 * RG_ERR_LIMIT, RG_ERR_NO_MEMORY.
 */
int pack(struct packer *packer, const struct listing *listing, uint32_t rank, size_t *starts,
	 struct rg_err *err);

/* --- all ranks in step (sim_lockstep.c) --- */

/*
 * Where all ranks do the same, and have one channel: each op is carried out by all ranks (those
 * that stand for others) before the next one. What an op takes was sent by an op before it, so this
 * is one of the orders of a Kahn network. No packing, no queue: a few nanoseconds per op. *done_out
 * is false, and nothing happened, where that is not so, or where so many messages are under way
 * that they do not fit RG_SIM_BYTES as they are. Errors as rg_sim_run.
 */
int sim_lockstep(const struct rg_algorithm *algorithm, const struct rg_problem *problem,
		 const struct sim_costs *costs, const struct sim_symmetry *symmetry, bool *done_out,
		 struct rg_sim_result *out, struct rg_err *err);

#endif
