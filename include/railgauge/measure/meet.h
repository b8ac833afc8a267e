/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Meeting: a quick exchange of small records among all ranks, between repetitions; and the
 * comparison of their clocks.
 *
 * The rendezvous is reliable but slow (sockets, locks, rank 0 in the middle); thousands of
 * repetitions need something in the order of what a message takes. There are three ways, by what
 * the job's transport does; none is ever used inside a timed part.
 *
 * *Boards*, where it maps its peers' memory: each rank has a small window with its record and a
 * sequence number, and the others read it from there.
 *
 *      rank a: record, then sequence = n  --->  all others wait for a's sequence >= n, copy
 *
 * *Links*, where it moves data otherwise: a small endpoint of the same transport beside the job's,
 * whose counters are the meeting's own. Records are gathered as in [Bruck97]: a rank that holds
 * those of m ranks, itself the first, gets m more from each of the ranks m, 2m and 3m further on
 * and gives its own to those before, which makes 4m of it.
 *
 *      4 ranks: 1 round; 16: 2; 1024: 5;  at most 3 messages each way per round and rank
 *
 * With latency L and o for each sending or receiving, n ranks take log_r(n) (L + 2 (r - 1) o) if
 * each has r - 1 partners in a round: for L = 7 o, as sockets over an Ethernet have it, 4 is the
 * best r (per doubling of n: 9 o for 2, 6.5 o for 4, 7 o for 8), and up to 4 ranks it is one
 * message each. The links also make a tree in which each rank reaches rank 0's clock: its parent
 * has the rank's number without its highest digit, of base 4.
 *
 * *The rendezvous* itself, where there is no transport that moves data.
 *
 * Records alternate between two places. That is enough: exchange n + 2 overwrites the record of
 * exchange n, and a rank begins it only after it has everybody's record n + 1, which each rank
 * gives after it has copied all records of exchange n.
 *
 * One thread per object. Every exchange ends within the deadline given at open; a peer that is gone
 * or has given up is named: by boards and by the rendezvous it is known to all, by links to those
 * that are linked, who give up and so tell their own. After a failure an object is of no more use.
 */
#ifndef RAILGAUGE_MEASURE_MEET_H
#define RAILGAUGE_MEASURE_MEET_H

#include "railgauge/base/err.h"
#include "railgauge/launch/rendezvous.h"
#include "railgauge/measure/clocks.h"
#include "railgauge/transport/transport.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RG_MEET_BYTES 256 /* of a record, at most */

struct rg_meet;

/*
 * Collective. ep (NULL: none) and rdv are borrowed and outlive the object. deadline_ns is the
 * length of every later wait for a peer. crowded: there are more ranks than cores, so waiting gives
 * the core away at once. RG_ERR_NO_MEMORY, and what the transport's collective operations, connect
 * and the rendezvous return.
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
 * on all ranks. Blocks; sleeps only when a peer is later than a millisecond (boards), or than what
 * the transport's patience is (links). RG_ERR_TIMEOUT, RG_ERR_PEER, RG_ERR_SYSTEM.
 */
int rg_meet_exchange(struct rg_meet *meet, const void *mine, void *all, size_t len_bytes,
		     struct rg_err *err);

/*
 * Collective: every rank compares its clock with rank 0's, which is the common one, along the tree.
 * Takes about 30 trips per 4-fold of ranks. Ranks end it one after the other: an exchange must
 * follow before anybody leaves, or those that still compare take it for giving up.
 * RG_ERR_UNSUPPORTED where there is no transport that moves data; else as rg_meet_exchange, the
 * first time as rg_meet_open.
 */
int rg_meet_compare_clocks(struct rg_meet *meet, struct rg_common_clock *clock, struct rg_err *err);

/*
 * How long a cache line takes from one rank to the next (rg_calibrate_line): the least over all
 * neighbours in rank order, one pair after the other; collective, equal on all ranks. 0 where it
 * cannot be told: one rank, no mapped memory, more ranks than cores. Once per object.
 */
int rg_meet_line(struct rg_meet *meet, double *one_way_ns_out, struct rg_err *err);

/*
 * Which way exchanges go. The end of a quick one (boards, links) is a start for all ranks within
 * what a message takes.
 */
enum rg_meet_way { RG_MEET_RENDEZVOUS, RG_MEET_BOARDS, RG_MEET_LINKS };
enum rg_meet_way rg_meet_way(const struct rg_meet *meet);

/* The meeting's own endpoint, borrowed; NULL: it has no links. */
const struct rg_endpoint *rg_meet_endpoint(const struct rg_meet *meet);

#endif
