/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The prover's state, shared by its files:
 *
 *   prover.c         the sequence: which rank enters, steps, and leaves an operation
 *   prover_steps.c   the steps of one rank, generated and kept as a list per channel
 *   prover_clock.c   vector clocks, their snapshots, and the two accesses (read, write)
 *   prover_memory.c  user buffers and scratch; what the user does before and after an operation
 *   prover_link.c    counters, credits and messages
 *   prover_move.c    RG_STEP_MOVE
 *
 * An *agent* is one stream: (rank, channel). Its clock counts what it has published.
 */
#ifndef RG_COLL_PROVER_STATE_H
#define RG_COLL_PROVER_STATE_H

#include "railgauge/coll/prover.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * An access: when (the agent's own clock, bits 0-31), who (agent, bits 32-47), in which operation
 * (bits 48-54), and whether it was the user (bit 55). 0: never. A read may instead be bit 63 and
 * the number of a vector with the clock of every agent's last read.
 */
#define ACCESS_CLOCK(a) ((uint32_t)(a))
#define ACCESS_AGENT(a) ((uint32_t)((a) >> 32) & 0xffff)
#define ACCESS_OP(a)	((uint32_t)((a) >> 48) & 0x7f)
#define ACCESS_USER	(UINT64_C(1) << 55)
#define ACCESS_SHARED	(UINT64_C(1) << 63)
#define NO_VECTOR	UINT32_MAX

/* What one element holds: a set of contributions, all of the same operation and index. */
struct value {
	uint64_t ranks; /* bit per contributing rank; 0: nobody wrote here */
	uint64_t order; /* hash of how they were combined */
	uint32_t index; /* in the contributors' source */
	uint8_t op;
	bool divided;
};

struct cell {
	struct value value;
	uint64_t write, read; /* accesses */
};

enum region_kind { REGION_SRC, REGION_DST, REGION_TMP, REGION_KINDS };

struct region {
	struct cell *cells; /* owned, [n] */
	uint64_t n;
	enum region_kind kind; /* for messages */
	uint32_t rank, pair;
};

/* Values that a counter had, each with what its writer had seen by then; oldest first. */
struct history {
	struct signal {
		int64_t value;
		uint32_t vector;
		uint32_t depth;
	} * entries; /* owned, [cap] */
	uint32_t head, n, cap;
	int64_t now;	/* value last signalled */
	int64_t waited; /* largest value waited for: nothing new to learn below it */
};

/* One slot of a ring and the message in it. */
struct slot {
	struct value *values; /* owned, [cap] */
	uint32_t cap, n;      /* n: elements of the message */
	int64_t next;	      /* number of the message + 1; 0: none yet */
	uint64_t write, read; /* accesses */
	uint32_t vector;      /* word messages: what the put published; else NO_VECTOR */
	uint32_t depth;
};

/* All messages of one kind (slot or word) over one link, in absolute numbers. */
struct pipe {
	struct slot *slots; /* owned, [slots]; NULL before the first */
	int64_t sent, received, freed;
	int64_t sent_start, received_start; /* when the writer and reader entered their operation */
};

/* How far ENTER, DONE and SYNC moved, and their values when the operation began. */
struct moved {
	int64_t start[RG_CTR_COUNT], now[RG_CTR_COUNT];
};

/* What one side of a link did in one operation, for comparison with the other. */
struct tally {
	uint32_t sent[2], received[2];
	uint32_t told[RG_CTR_COUNT], heard[RG_CTR_COUNT];
};

/* Writer -> reader on one channel. Counters of FREE speak of the pipes of the opposite link. */
struct link {
	struct history history[RG_CTR_COUNT];
	struct pipe pipe[2]; /* [0] slot messages, [1] word messages */
	struct moved told, heard;
};

/* The steps of one rank in its present operation. */
struct steps {
	struct listed {
		struct rg_step step;
		uint32_t next;		 /* of the same channel; UINT32_MAX: the last */
		uint32_t src_at, dst_at; /* into refs, until all are known */
	} * list;			 /* owned, [cap] */
	uint32_t n, cap;
	struct rg_ref *refs; /* owned, [refs_cap] */
	uint32_t nrefs, refs_cap;
	uint32_t *at;	/* owned, [channels]: the step that each channel does next */
	uint32_t *last; /* owned, [channels]: while listing */
};

struct rank {
	uint32_t id;
	uint32_t op; /* present operation; nops: done with all */
	bool inside; /* entered it */
	struct steps steps;
	struct region tmp;
	uint64_t sent_bytes; /* of the present operation */
};

/* One operation, with what follows from its problem. */
struct plan {
	const struct rg_algorithm *algorithm;
	const struct rg_problem *problem;
	uint64_t src_n, dst_n;		 /* elements */
	uint64_t src_at, dst_at;	 /* where they begin in their regions */
	enum region_kind src_in, dst_in; /* in place both are the same */
	uint32_t pair;
	uint32_t handed_at; /* the operation whose entry hands the destination over; NEVER: start */
	uint64_t *orders;   /* owned, [dst_n] of an all-reduce: as the first rank combined them */
	uint64_t most_sent; /* bytes, over ranks that are done */
	uint32_t ranks_done;
	uint32_t entered[RG_PROVER_RANKS_MAX]; /* each rank's clock when it entered; 0: not yet */
};
#define NEVER UINT32_MAX

struct prover {
	uint32_t nops, nranks, channels, nagents, pairs, elem_bytes;
	struct rg_geometry geometry;
	struct plan plans[RG_PROVER_OPS_MAX];
	struct rank ranks[RG_PROVER_RANKS_MAX];
	struct region *regions; /* owned, [nranks][pairs][2] */
	struct link *links;	/* owned, [channels][writer][reader] */
	struct tally *tallies;	/* owned, [links][nops] */
	uint32_t *clocks;	/* owned, [nagents][nagents] */
	uint32_t *depths;	/* owned, [nagents] */

	/* Vectors of clocks: snapshots of signals, and readers of shared elements. */
	uint32_t *vectors; /* owned, [vectors_cap][nagents] */
	uint32_t *unused;  /* owned, [vectors_cap]: stack of free numbers */
	uint32_t nunused, vectors_cap;

	struct value *acc; /* owned, [acc_cap]: result of the present move */
	uint64_t acc_cap;

	/* Where we are, for messages. */
	const struct rank *rank;
	int64_t step; /* -1: the user acts */
	bool refused; /* err was filled here, not by a generator */
	struct rg_prover_report report;
	struct rg_err *err; /* borrowed */
};

/* prover.c: fills err with place and words, returns RG_ERR_INTERNAL. */
int rg_prover_wrong(struct prover *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int rg_prover_no_memory(struct prover *p);

/* Makes room for n entries of `each` bytes; new ones are zero. *cap is in entries. */
int rg_prover_grow(struct prover *p, void *array, uint32_t *cap, uint64_t n, size_t each);

/* prover_steps.c */
int rg_prover_list_steps(struct prover *p, struct rank *r);
void rg_prover_free_steps(struct steps *s);

/* prover_clock.c */
static inline uint32_t *rg_prover_clock(const struct prover *p, uint32_t agent)
{
	return p->clocks + (size_t)agent * p->nagents;
}

static inline uint32_t rg_prover_agent(const struct prover *p, uint32_t rank, uint32_t channel)
{
	return rank * p->channels + channel;
}

/* The access that an agent makes now. */
static inline uint64_t rg_prover_now(const struct prover *p, uint32_t agent)
{
	return (uint64_t)p->rank->op << 48 | (uint64_t)agent << 32 |
	       rg_prover_clock(p, agent)[agent];
}

/* Is the access (not SHARED) known to the owner of this clock? */
static inline bool rg_prover_knows(const uint32_t *clock, uint64_t access)
{
	return clock[ACCESS_AGENT(access)] >= ACCESS_CLOCK(access);
}

/*
 * Notes an access. Returns 0, or the earlier access that may happen at the same time; or NO_ROOM.
 */
#define NO_ROOM UINT64_MAX
uint64_t rg_prover_read(struct prover *p, struct cell *cell, uint32_t agent, uint64_t now);
uint64_t rg_prover_write(struct prover *p, struct cell *cell, uint32_t agent, uint64_t now);

/* Publishes an agent's clock: *out is a vector with it, the agent's next accesses come after. */
int rg_prover_publish(struct prover *p, uint32_t agent, uint32_t *out);
void rg_prover_learn(struct prover *p, uint32_t agent, uint32_t vector, uint32_t depth);
void rg_prover_drop_vector(struct prover *p, uint32_t vector);

/* All channels of a rank have ended: each knows what all know. */
void rg_prover_join_channels(struct prover *p, uint32_t rank);

/* prover_memory.c */
int rg_prover_open_memory(struct prover *p);
void rg_prover_close_memory(struct prover *p);
void rg_prover_user_start(struct prover *p, const struct rank *r);
int rg_prover_user_before(struct prover *p, const struct rank *r);
int rg_prover_user_after(struct prover *p, const struct rank *r);
int rg_prover_open_tmp(struct prover *p, struct rank *r, uint64_t tmp_bytes);

/*
 * The elements that a reference means: *region_out and the first of n, after checking bounds and
 * rights. ref is SRC, DST or TMP.
 */
int rg_prover_resolve(struct prover *p, struct rg_ref ref, bool write, uint64_t off_bytes,
		      uint64_t n, struct region **region_out, uint64_t *first_out);

/* Words for an element and for a party, for messages. */
struct words {
	char text[96];
};
struct words rg_prover_element(const struct region *region, uint64_t i);
struct words rg_prover_party(const struct prover *p, uint64_t access);

/* prover_link.c */
static inline struct link *rg_prover_link(const struct prover *p, uint32_t channel, uint32_t writer,
					  uint32_t reader)
{
	return &p->links[((size_t)channel * p->nranks + writer) * p->nranks + reader];
}

int rg_prover_open_links(struct prover *p);
void rg_prover_close_links(struct prover *p);
void rg_prover_enter_links(struct prover *p, uint32_t rank);
int rg_prover_leave_links(struct prover *p, const struct rank *r);
int rg_prover_signal(struct prover *p, const struct rg_step *s);
/* *ready_out: whether the step is done; else it is to be tried again later. */
int rg_prover_wait(struct prover *p, const struct rg_step *s, bool *ready_out);
/* "counter READY from rank 3: 4, which reached 2" for a blocked WAIT. */
struct words rg_prover_waits_for(const struct prover *p, uint32_t rank, const struct rg_step *s);

bool rg_prover_words_here(const struct prover *p, const struct rg_step *s);
int rg_prover_take(struct prover *p, const struct rg_step *s, uint32_t from,
		   const struct value **values_out);
int rg_prover_put(struct prover *p, const struct rg_step *s, uint32_t to,
		  const struct value *values);

/* prover_move.c */
int rg_prover_move(struct prover *p, const struct rg_step *s, bool *ready_out);
uint64_t rg_prover_leaf(uint32_t rank);
uint64_t rg_prover_combine(uint64_t hash, uint64_t order);

#endif
