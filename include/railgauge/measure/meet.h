/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Meeting: a quick exchange of small records among all ranks, between repetitions.
 *
 * The rendezvous is reliable but slow (sockets, locks); thousands of repetitions need something in
 * the order of a microsecond. Where the transport maps its peers' memory, each rank has a small
 * window with its record and a sequence number, and the others read it from there; elsewhere the
 * rendezvous is used. It is never used inside a timed part.
 *
 *      rank a: record, then sequence = n  --->  all others wait for a's sequence >= n, copy
 *
 * Records alternate between two places. That is enough: exchange n + 2 overwrites the record of
 * exchange n, and a rank begins it only after it has seen everybody's sequence n + 1, which each
 * rank stores after it has copied all records of exchange n.
 *
 * One thread per object. Every exchange ends within the deadline given at open; a peer that is gone
 * or has given up is named. After a failure an object is of no more use.
 */
#ifndef RAILGAUGE_MEASURE_MEET_H
#define RAILGAUGE_MEASURE_MEET_H

#include "railgauge/base/err.h"
#include "railgauge/launch/rendezvous.h"
#include "railgauge/transport/transport.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RG_MEET_BYTES 256 /* of a record, at most */

struct rg_meet;

/*
 * Collective. ep (NULL: none) and rdv are borrowed and outlive the object. deadline_ns is the
 * length of every later exchange. crowded: there are more ranks than cores, so waiting gives the
 * core away at once. RG_ERR_NO_MEMORY, and what window_open and the rendezvous return.
 */
int rg_meet_open(struct rg_rendezvous *rdv, struct rg_endpoint *ep, uint64_t deadline_ns,
		 bool crowded, struct rg_meet **meet_out, struct rg_err *err);

/*
 * This rank comes to no further exchange: the others, if they wait for one, get RG_ERR_PEER. Not
 * collective. NULL is allowed, as below.
 */
void rg_meet_leave(struct rg_meet *meet);

/*
 * Leaves, and frees. Where ranks are threads the others look into this rank's memory: then all must
 * have ended their last exchange.
 */
void rg_meet_close(struct rg_meet *meet);

/*
 * mine[len_bytes] of every rank into all[nranks][len_bytes]; len_bytes <= RG_MEET_BYTES and equal
 * on all ranks. Blocks; sleeps only when a peer is later than a millisecond. RG_ERR_TIMEOUT,
 * RG_ERR_PEER.
 */
int rg_meet_exchange(struct rg_meet *meet, const void *mine, void *all, size_t len_bytes,
		     struct rg_err *err);

/*
 * How long a cache line takes from one rank to the next (rg_calibrate_line): the least over all
 * neighbours in rank order, one pair after the other; collective, equal on all ranks. 0 where it
 * cannot be told: one rank, no mapped memory, more ranks than cores. Once per object.
 */
int rg_meet_line(struct rg_meet *meet, double *one_way_ns_out, struct rg_err *err);

/* Does an exchange go through memory (so that its end is a common start for all ranks)? */
bool rg_meet_is_quick(const struct rg_meet *meet);

#endif
