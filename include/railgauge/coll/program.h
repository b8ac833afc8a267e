/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Programs: a schedule bound to an endpoint, as an array of 64-byte instructions.
 *
 * An instruction names (base index, offset, counter index, op) against tables of the program and
 * holds no pointer, so that a GPU block can interpret the same array with its own tables while a
 * CPU does the network steps. Loops are unrolled here. A program is built once, outside timing, and
 * run any number of times by the executor, on any buffers of the same shape.
 */
#ifndef RAILGAUGE_COLL_PROGRAM_H
#define RAILGAUGE_COLL_PROGRAM_H

#include "railgauge/base/err.h"
#include "railgauge/coll/schedule.h"
#include "railgauge/device/reduce.h"

#include <stdint.h>

enum rg_insn_op {
	RG_INSN_END,	   /* the stream is done */
	RG_INSN_WAIT,	   /* a counter in my memory */
	RG_INSN_WAIT_FREE, /* FREE or LL_FREE: looks at the last value seen first */
	RG_INSN_SIGNAL,
	RG_INSN_SIGNAL_FREE, /* FREE or LL_FREE: may be held back up to credit_batch messages */
	RG_INSN_COPY,	     /* one source, one destination, no words, no scale */
	RG_INSN_MOVE,	     /* n sources, m destinations, no words */
	RG_INSN_READ,	     /* a copy out of a peer's memory, which the transport does */
	RG_INSN_POST,	     /* says where a message is wanted that a later TAKE or PUT takes */
	RG_INSN_TAKE,	     /* a COPY of a message that may have been placed */
	RG_INSN_PUT,	    /* a move with slots of peers that are not mapped: computed, then put */
	RG_INSN_PUT_WORDS,  /* one source in memory, some destinations are word messages */
	RG_INSN_TAKE_WORDS, /* any other move with words: waits for those it takes */
};

enum rg_insn_flags {
	RG_INSN_SCALE = 1 << 0,	  /* divide by the number of ranks (averages) */
	RG_INSN_WORDS = 1 << 1,	  /* LL_FREE rather than FREE */
	RG_INSN_PLACE = 1 << 2,	  /* ENTER tells, or learns, where the buffers are */
	RG_INSN_POSTED = 1 << 3,  /* PUT: its source is a message that may have been placed */
	RG_INSN_LASTS = 1 << 4,	  /* PUT: what it puts stays as it is until the run is done */
	RG_INSN_AT_ONCE = 1 << 5, /* PUT: to all other ranks, of the same data, by put_all */
};

/*
 * A message put into a slot of a peer that is not mapped carries its READY with it, so the SIGNAL
 * READY that follows in the schedule is no instruction. A message from such a peer that is only
 * copied to one place in this rank's memory is posted there (rg_posted), if it is long enough
 * (post_bytes), as soon as nothing before touches that place and its entry is free; not in programs
 * of several channels, whose order among each other is not looked at.
 *
 * Where the transport sends long puts straight (rg_endpoint's straight_bytes), those are lasting
 * whose data no later instruction writes over. They are put from memory of this rank: a message
 * that is passed on from its place here, when it has been copied there, since its slot is given
 * back; a result from its place, too.
 */
struct rg_insn {
	uint8_t op;		  /* enum rg_insn_op */
	uint8_t flags;		  /* enum rg_insn_flags */
	uint8_t nsrc, ndst;	  /* COPY, MOVE, READ, TAKE, PUT, *_WORDS */
	uint16_t src, dst;	  /* first index into the base table; the others follow */
	uint16_t link;		  /* WAIT, SIGNAL, POST: index into the link table */
	uint16_t ctr;		  /* WAIT, SIGNAL: enum rg_ctr */
	uint32_t in_msg, out_msg; /* relative numbers of the messages named by IN and OUT entries */
	uint32_t pad;		  /* zero */
	uint64_t src_off, dst_off; /* bytes, for entries that are not slots */
	int64_t src_stride;
	uint64_t len_bytes;
	int64_t value; /* WAIT, SIGNAL: relative to the start of the run */
};
_Static_assert(sizeof(struct rg_insn) == 64, "an instruction is 64 bytes");

/* One entry of the base table: what a reference means, before addresses are known. */
struct rg_base {
	uint8_t buf; /* enum rg_buf */
	uint8_t words;
	uint16_t link; /* IN, OUT, and what is read of a peer: index into the link table */
	uint32_t rank; /* SRC, DST */
};

/* One link that the program uses, and how far one run moves its numbers. */
struct rg_program_link {
	uint32_t peer, channel;
	uint32_t sent[2], received[2]; /* messages per run: [0] slot, [1] word */
	/* How far one run moves ENTER, DONE and SYNC: as signalled to, and waited for from, the
	 * peer. */
	uint32_t told[RG_CTR_COUNT], heard[RG_CTR_COUNT];
};

/* Messages shorter than this stay in the caches in any case. */
#define RG_STREAM_SLOT_BYTES 4096

struct rg_program {
	struct rg_endpoint *ep; /* borrowed; outlives the program */
	const struct rg_algorithm *algorithm;
	struct rg_problem problem;
	uint32_t rank;

	struct rg_insn *insns; /* owned */
	uint32_t ninsns;
	uint32_t *stream_first; /* owned, [nstreams]: where each channel's instructions begin */
	uint32_t nstreams;
	struct rg_base *bases; /* owned */
	uint32_t nbases;
	struct rg_program_link *links; /* owned */
	uint32_t nlinks;
	uint64_t channel_mask; /* programs with a common channel run one after another */
	uint64_t tmp_bytes;

	/* Bound element operations. */
	enum rg_type type;
	enum rg_op op;
	rg_reduce_fn *reduce;
	uint32_t elem_shift; /* an element has 1 << elem_shift bytes */
	bool stream;	     /* user buffers are written with streaming stores */
	bool puts;	     /* there are RG_INSN_PUT */
	bool words;	     /* there are word messages */
	bool counters;	     /* ENTER, DONE or SYNC are signalled, or waited for */
	bool stream_slots;   /* so are the slots of messages that are long enough; there are some */
};

/*
 * Generates, connects the links that the schedule names, and builds. type has elem_bytes of the
 * problem. first_channel shifts the channels. stream_from_bytes: user buffers are written with
 * streaming stores when one operation touches more bytes of them on this rank than that
 * (rg_stream_threshold_bytes), except where a reduction over windows replaces its sources. A
 * problem without a byte to move, barriers excepted, gives an empty program: its runs are done when
 * they start. Not collective by itself, but every rank builds the same problems in the same order.
 * RG_ERR_UNSUPPORTED (check's reason, channels that the endpoint does not have), RG_ERR_NO_MEMORY,
 * RG_ERR_LIMIT (tables), RG_ERR_INTERNAL (another number of ranks), or connect's.
 */
int rg_program_open(struct rg_endpoint *ep, const struct rg_algorithm *algorithm,
		    const struct rg_problem *problem, enum rg_type type, enum rg_op op,
		    uint32_t first_channel, uint64_t stream_from_bytes, struct rg_program **out,
		    struct rg_err *err);
void rg_program_close(struct rg_program *program); /* NULL is allowed */

#endif
