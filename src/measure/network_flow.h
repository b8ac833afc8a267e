/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One rank's part in a flow of a calibration: it plays ping-pong, sends, or receives and counts.
 *
 * The receiver leads. On each stream it sends one byte: FLOW_PING is sent back, FLOW_BURST asks for
 * FLOW_BURST_BYTES, FLOW_END ends that; FLOW_GO asks for data, FLOW_STOP for their end. Data are
 * zeros; the last byte before the end is not.
 *
 * One thread. Nothing here outlives its call. A peer that closes is RG_ERR_PEER, one that neither
 * sends nor takes anything for deadline_ns RG_ERR_TIMEOUT; both name it. So does RG_ERR_TIMEOUT if
 * this rank's kernel had no memory for as long (ENOBUFS, ENOMEM), and says so.
 */
#ifndef RG_MEASURE_NETWORK_FLOW_H
#define RG_MEASURE_NETWORK_FLOW_H

#include "railgauge/base/err.h"
#include "railgauge/transport/transport.h"

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#define FLOW_PING  'p'
#define FLOW_BURST 'b'
#define FLOW_END   'e'
#define FLOW_GO	   'g'
#define FLOW_STOP  's'

#define FLOW_BURST_BYTES ((size_t)128 << 10)

/* What is handed to the kernel, or taken, in one call: it stays in the caches. */
#define FLOW_BLOCK_BYTES ((size_t)256 << 10)

/* The streams of this rank that take part, each with one peer. */
struct flow {
	const struct rg_endpoint *ep; /* borrowed, as all here: for names */
	uint32_t n;
	int *fds;	     /* [n] */
	uint32_t *peers;     /* [n] */
	uint8_t *states;     /* [n], private */
	int *lacks;	     /* [n], private: errno of a send without memory in the kernel, or 0 */
	struct pollfd *poll; /* [n], private */
	uint8_t *send_block; /* [FLOW_BLOCK_BYTES], zeros */
	uint8_t *take_block; /* [FLOW_BLOCK_BYTES] */
	bool sleeps;	     /* who waits sleeps at once, instead of asking again */
	uint64_t deadline_ns;
	uint64_t discard_ns, window_ns;
};

#define FLOW_POINTS	 12
#define FLOW_FIRST_BYTES ((uint64_t)16 << 10) /* of the first point, then twice as many */

struct flow_point {
	uint64_t bytes, ns; /* so many had come so long after the go; 0: not so many */
};

/* What one receiver saw. Plain bytes, to be exchanged. */
struct flow_tally {
	uint64_t receives;    /* it was a receiver */
	double rate_Bps[2];   /* of the windows; 0: they did not come to their end */
	uint64_t arrivals[2]; /* in them */
	struct flow_point points[FLOW_POINTS];
};

/*
 * On the first stream, with rg_flow_echo at the other end. Half of the least round trip of one
 * byte; and of some bursts of FLOW_BURST_BYTES with pauses between them the quickest arrivals.
 */
int rg_flow_ping(const struct flow *flow, double *latency_ns_out,
		 struct flow_point points_out[FLOW_POINTS], struct rg_err *err);
int rg_flow_echo(const struct flow *flow, struct rg_err *err);

/* Of either, at each index, what came earlier, into points. */
void rg_flow_quickest(struct flow_point points[FLOW_POINTS],
		      const struct flow_point more[FLOW_POINTS]);

/*
 * On all streams. *disturbed_out: the processor was what limited this rank, and others had it for
 * some of the time, so the rate says nothing about the network.
 */
int rg_flow_send(const struct flow *flow, bool *disturbed_out, struct rg_err *err);
int rg_flow_receive(const struct flow *flow, struct flow_tally *tally_out, bool *disturbed_out,
		    struct rg_err *err);

/* --- for its own test --- */

/* Of some time, how much of it there was nothing to do, or a wait for a processor. */
struct flow_effort {
	uint64_t wall_ns, idle_ns, waited_ns;
};
bool rg_flow_is_disturbed(const struct flow_effort *effort);

/* What counts while data arrive. */
struct flow_count {
	uint64_t start_ns, discard_ns, window_ns;
	uint64_t bytes, last_ns;	    /* in all; the last arrival */
	uint64_t taking_ns;		    /* since then there was always more; 0: there is none */
	uint64_t mark_ns[3], mark_bytes[3]; /* where the windows begin and end */
	uint32_t nmarks, npoints;
	struct flow_tally tally;
};

/* n bytes that were taken at a time. */
void rg_flow_account(struct flow_count *count, uint64_t now_ns, uint64_t n);

/*
 * Nothing is left to take: what was taken last had only just arrived. A window begins and ends
 * there, and not among what had gathered while this rank was away. Where there has been more to
 * take for an eighth of a window, it ends where it should.
 */
void rg_flow_drained(struct flow_count *count);

/* Have both windows ended, or will they not? */
bool rg_flow_is_over(const struct flow_count *count, uint64_t now_ns);

#endif
