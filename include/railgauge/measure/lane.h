/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Lanes: how a rank and the one that it is paired with exchange messages, for those who measure
 * pairs (measure/pairs.h). A lane is one rank's end; it meets one peer after the other.
 *
 *   rg_lane_transport_open, rg_lane_verbs_open -> (meet -> (prepare -> pingpong, stream) ...) ...
 *     -> close
 *
 * There are two kinds. *transport* puts and signals over an endpoint of transport/transport.h, so
 * it works wherever a transport does. *verbs* posts work requests to queue pairs of its own, with
 * what perftest lets one choose: operation, queue pairs, inline data, work requests under way,
 * lists of them, moderation of completions, several devices at once.
 *
 * What is timed is in pingpong and stream: these do not allocate, and while messages go make no
 * system calls but the transport's (said in its ops; a soft device's doorbell is one). Who waits
 * does: yields once a wait has lasted, with a soft device at once, since what it waits for is done
 * by the kernel on these processors; looks at the devices' events now and then; and sleeps through
 * a stream in which it has neither to send nor to take anything. Every wait in them ends after
 * wait_ns without any progress.
 *
 * A lane belongs to one thread. Functions marked (collective) are called by all ranks in the same
 * order; the others by the two of a pair.
 */
#ifndef RAILGAUGE_MEASURE_LANE_H
#define RAILGAUGE_MEASURE_LANE_H

#include "railgauge/base/err.h"
#include "railgauge/measure/series.h"
#include "railgauge/transport/transport.h"

#include <stdbool.h>
#include <stdint.h>

#define RG_LANE_OP_LIST(X)                                                                       \
	X(WRITE, "write")	  /* into the peer's memory; who looks at the memory finds it */ \
	X(WRITE_IMM, "write-imm") /* the same with immediate data, which complete a receive */   \
	X(SEND, "send")		  /* into the memory of a receive that the peer has posted */    \
	X(READ, "read")		  /* out of the peer's memory */

enum rg_lane_op {
#define RG_LANE_OP_ENUM(name, word) RG_LANE_OP_##name,
	RG_LANE_OP_LIST(RG_LANE_OP_ENUM)
#undef RG_LANE_OP_ENUM
		RG_LANE_OP_COUNT
};
extern const char *const rg_lane_op_words[]; /* NULL-terminated, in enum order */

#define RG_LANE_RAILS_MAX  16
#define RG_LANE_ALL_RAILS  (-1)
#define RG_LANE_NAME_BYTES 32
#define RG_LANE_NICS_BYTES 640

/* What messages are like. Equal on both ranks of a pair. */
struct rg_lane_load {
	enum rg_lane_op op;
	uint64_t size_bytes;  /* 1 to the lane's max_bytes */
	int32_t rail;	      /* RG_LANE_ALL_RAILS: messages take them in turn */
	uint32_t outstanding; /* messages under way at most; verbs: of each queue pair */
	uint32_t post_list;   /* verbs: requests posted together, at most outstanding; else 1 */
	bool stream;	      /* stream is called, not pingpong */
};

/* What goes through stream. */
struct rg_lane_flow {
	uint64_t out, in; /* messages from here and to here */
	uint64_t block;	  /* a duration is recorded for each so many of out; at least 1 */
};

struct rg_lane;

/* Every member is mandatory. */
struct rg_lane_ops {
	const char *name; /* "transport", "verbs" */

	/*
	 * (collective) From now on the peer is this one; RG_TOURNAMENT_NOBODY: none, but this rank
	 * takes part in what the others exchange. All or none.
	 */
	int (*meet)(struct rg_lane *lane, uint32_t peer, struct rg_err *err);

	/*
	 * Makes ready for such messages; not timed. RG_ERR_UNSUPPORTED (an operation, several
	 * rails), RG_ERR_LIMIT, RG_ERR_SYSTEM.
	 */
	int (*prepare)(struct rg_lane *lane, const struct rg_lane_load *load, struct rg_err *err);

	/*
	 * n messages there and n back, one at a time: first says who begins. The one that begins
	 * records the duration of each round trip (series; NULL: nobody does). Of a read there is
	 * no way back: the one that begins reads n times, the other does nothing. RG_ERR_TIMEOUT,
	 * RG_ERR_PEER.
	 */
	int (*pingpong)(struct rg_lane *lane, const struct rg_lane_load *load, uint64_t n,
			bool first, struct rg_series *series, struct rg_err *err);

	/*
	 * flow->out messages from here as fast as they go, while flow->in come; of a read those
	 * that are asked for here and there. *elapsed_ns_out: from the first one that is posted
	 * here until all from here are known to be done. Errors as pingpong.
	 */
	int (*stream)(struct rg_lane *lane, const struct rg_lane_load *load,
		      const struct rg_lane_flow *flow, struct rg_series *series,
		      uint64_t *elapsed_ns_out, struct rg_err *err);

	/*
	 * The least time that a message can take: one way (of a read there and back), or, of a
	 * stream, on average, both: in both directions at once; in ns. 0: not known.
	 */
	double (*bound_ns)(const struct rg_lane *lane, const struct rg_lane_load *load, bool both);

	/*
	 * Behind a pingpong or stream in which messages came here: where they came to, one place
	 * after the other. In the n-th lies the last one of those that came there, for the user to
	 * read until the next call. NULL: there are no more.
	 */
	const uint8_t *(*sink)(const struct rg_lane *lane, uint32_t n);

	void (*close)(struct rg_lane *lane); /* not collective */
};

/* The common head of every lane; an implementation embeds it first. Read-only for users. */
struct rg_lane {
	const struct rg_lane_ops *ops;
	uint32_t peer;	 /* RG_TOURNAMENT_NOBODY: none */
	uint32_t nrails; /* at least 1 */
	uint64_t max_bytes;
	uint64_t wait_ns;
	uint8_t *source; /* [max_bytes] what is sent: the user's to write between calls */
	/*
	 * The last bytes of a message, which the lane itself writes in pingpong where the peer
	 * looks at its memory; not to be compared with what was in source.
	 */
	uint32_t marks;
	const char *transport; /* its name, for results */
	/* Names of devices, here and at the peer; empty: there are none. */
	char rails[RG_LANE_RAILS_MAX][RG_LANE_NAME_BYTES];
	char peer_rails[RG_LANE_RAILS_MAX][RG_LANE_NAME_BYTES];
	char about[RG_LANE_RAILS_MAX][224]; /* how each rail reaches the peer, in words; or "" */
	char nics[RG_LANE_NICS_BYTES];	    /* what messages go by here, as rg_endpoint's */
	uint32_t qps, moderation, inline_bytes; /* what is used; 0: of no meaning */
};

void rg_lane_close(struct rg_lane *lane); /* NULL is allowed */

/*
 * (collective) Over an endpoint, borrowed, which grants RG_CAP_DATA. wait_ns: longest wait without
 * progress. RG_ERR_UNSUPPORTED (it moves no data), RG_ERR_NO_MEMORY, RG_ERR_LIMIT, and what its
 * window_open returns.
 */
int rg_lane_transport_open(struct rg_endpoint *ep, uint64_t max_bytes, uint64_t wait_ns,
			   struct rg_lane **out, struct rg_err *err);

struct rg_verbs_options;

struct rg_lane_verbs_config {
	const struct rg_verbs_options *options; /* borrowed; outlives the lane */
	enum rg_lane_op op;			/* of every load */
	uint32_t local, nlocal;			/* rank among those of its node */
	uint64_t max_bytes;			/* of a message */
	uint64_t wait_ns;			/* longest wait without progress */
	uint64_t deadline_ns;			/* length of any wait for all ranks */
};

/*
 * (collective) Over the rank's RDMA devices, one rail each: those of rg_verbs_devices_open, as many
 * on every rank. rdv is borrowed. A load's outstanding is at most options->depth, of each of
 * options->qps queue pairs per rail. RG_ERR_UNSUPPORTED (built without libibverbs), RG_ERR_MISMATCH
 * (ranks with different numbers of devices, or of another link layer), RG_ERR_NO_MEMORY,
 * RG_ERR_LIMIT and what the members of transport/verbs.h return.
 */
int rg_lane_verbs_open(struct rg_rendezvous *rdv, const struct rg_lane_verbs_config *config,
		       struct rg_lane **out, struct rg_err *err);

#endif
