/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The lane over queue pairs of its own: what lane_verbs.c (opening, closing), lane_verbs_meet.c
 * (queue pairs anew for each peer), lane_verbs_queue.c (requests and completions) and
 * lane_verbs_run.c (there and back, streams) share.
 */
#ifndef RG_MEASURE_LANE_VERBS_H
#define RG_MEASURE_LANE_VERBS_H

#include "railgauge/base/mem.h"
#include "railgauge/measure/lane.h"
#include "railgauge/transport/verbs.h"

#include <infiniband/verbs.h>

#define POLL_BATCH 16
#define CONTROL_ID UINT64_MAX /* wr_id of the word to the peer */
#define ASK_NS	   50000000   /* who waits asks the device that often what happened */
#define LOOK_TURNS 64	      /* of waiting, between two looks at the clock */

/* One queue pair and its peer's. */
struct queue {
	struct ibv_qp *qp; /* owned */
	struct rg_verbs_address mine, theirs;
	struct ibv_send_wr *wrs;    /* [depth]: borrowed from the rail, chained */
	uint8_t *sink;		    /* borrowed from the lane: where its messages come to */
	struct ibv_sge sge;	    /* of sends */
	struct ibv_sge receive_sge; /* of receives of sends */
	uint32_t under_way;	    /* messages posted and not known to be done */
	uint32_t unsignalled;	    /* of these, those since the last that makes a completion */
	uint32_t receives;	    /* posted */
	bool last_posted;	    /* its last message of this stream */
};

/*
 * What a rank lets its peer reach by a rail: exchanged. Sinks have two keys: a message whose last
 * byte is looked at must come in order, one of a stream need not.
 */
struct reach {
	uint64_t source, sinks, control; /* addresses */
	uint32_t source_key, sink_key, ordered_key, control_key;
};

struct rail {
	struct rg_verbs_device *device;		/* owned by the lane's array */
	struct ibv_mr *source, *sink, *control; /* held */
	struct ibv_mr *ordered; /* held: the sinks, without relaxed ordering if that matters */
	struct ibv_cq *send_cq, *recv_cq; /* owned */
	struct reach peer;		  /* what it may reach there */
	struct queue *queues;		  /* owned, [nqueues] */
	struct ibv_send_wr *wrs;	  /* owned, [nqueues][depth] */
	struct ibv_recv_wr *receives;	  /* owned, [recv_depth], chained */
};

/*
 * What the two tell each other beside messages, by an inline write of 8 bytes to the other's memory
 * once all of a stream is done: how many streams were.
 */
struct control {
	_Alignas(64) volatile uint64_t come; /* written by the peer */
	_Alignas(64) uint64_t told;	     /* sent from */
};

struct verbs_lane {
	struct rg_lane lane;	   /* first */
	struct rg_rendezvous *rdv; /* borrowed */
	const struct rg_verbs_options *options;
	enum rg_lane_op op;
	uint64_t deadline_ns;
	bool soft; /* a device is: the kernel does its work, on these processors */
	struct rg_verbs_device *devices[RG_VERBS_DEVICES_MAX]; /* owned */
	struct rail rails[RG_LANE_RAILS_MAX];
	uint32_t nqueues;	    /* of each rail */
	uint32_t depth, recv_depth; /* of each queue pair */
	uint8_t *memory;	    /* owned: source, and behind it the sinks */
	uint64_t part_bytes;	    /* from one to the next: pages of max_bytes */
	uint32_t nsinks;	    /* of all rails: their queue pairs have them in turn */
	uint32_t came_by;	    /* the first rail of the last call */
	uint64_t came_to;	    /* its queue pairs from there on that had messages to here */
	struct control *control;    /* owned */
	uint64_t heard;		    /* of control->come */
	uint64_t early;		    /* messages received that nobody has asked for yet */
	uint8_t mark;		    /* last byte of the last message that the peer finds by it */
	uint8_t mark_seen;	    /* and of the last one found here */
	struct rg_verbs_peer peer;  /* for words */
	char peer_node[64];
	uint32_t meetings;
};

/* (collective) The member of the lane; and what is left of the last meeting. */
int verbs_meet(struct rg_lane *lane, uint32_t peer, struct rg_err *err);
void verbs_close_queues(struct verbs_lane *v);

/* What happened here happens on all ranks: 0 everywhere, or a code with words. */
int verbs_agree(struct verbs_lane *v, int rc, struct rg_err *err);
uint64_t verbs_deadline(const struct verbs_lane *v); /* of an exchange that begins now */

int verbs_prepare(struct rg_lane *lane, const struct rg_lane_load *load, struct rg_err *err);
int verbs_pingpong(struct rg_lane *lane, const struct rg_lane_load *load, uint64_t n, bool first,
		   struct rg_series *series, struct rg_err *err);
int verbs_stream(struct rg_lane *lane, const struct rg_lane_load *load,
		 const struct rg_lane_flow *flow, struct rg_series *series,
		 uint64_t *elapsed_ns_out, struct rg_err *err);

/* Receives up to recv_depth on a queue pair, if the operation takes any. */
int verbs_post_receives(struct verbs_lane *v, struct rail *rail, struct queue *q,
			struct rg_err *err);

/* One wait: zeroed at its begin, and when anything has happened. */
struct patience {
	uint32_t turns;
	uint64_t since_ns, asked_ns;
};

/* A turn of waiting in vain: yields, asks the devices, and ends at the lane's wait_ns. 0 or a code.
 */
int verbs_look(struct verbs_lane *v, struct patience *p, struct rg_err *err);

static inline int verbs_wait_turn(struct verbs_lane *v, struct patience *p, struct rg_err *err)
{
	return ++p->turns % LOOK_TURNS ? 0 : verbs_look(v, p, err);
}

/* The words for a wait that was too long; RG_ERR_TIMEOUT. */
int verbs_give_up(const struct verbs_lane *v, uint64_t waited_ns, struct rg_err *err);

/* What the devices have to say: a port that went down explains more than a wait in vain. */
int verbs_ask_devices(struct verbs_lane *v, struct rg_err *err);

/* Sends that are known to be done by now: their number, or a code. */
int64_t verbs_reap_sends(struct verbs_lane *v, struct rail *rail, bool *control_out,
			 struct rg_err *err);

/* Messages that have come by now, likewise; what they took is posted again in portions. */
int64_t verbs_reap_receives(struct verbs_lane *v, struct rail *rail, struct rg_err *err);

/*
 * n messages in one list. With more than `full` under way there is no room for the next list, so
 * the end of this one makes a completion if that many would make none; so does the queue pair's
 * last message.
 */
int verbs_post(struct verbs_lane *v, struct rail *rail, struct queue *q, uint32_t n, uint32_t full,
	       bool last, struct rg_err *err);
int verbs_post_failed(const struct rail *rail, int e, struct rg_err *err);

#endif
