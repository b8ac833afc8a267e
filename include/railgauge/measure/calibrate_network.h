/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Calibration of the network: what each node can take in and give out, and what each gets to each
 * other, as upper limits for model/bound_network.h.
 *
 * A node is a set of ranks that the endpoint joins by memory (mixed); with tcp each rank is one,
 * since it talks over sockets to every other, be it to the same host. What is measured are plain
 * streams (transport/stream.h), not the transport: a transport that vouched for itself would never
 * be found slow. They run between the addresses that the transport uses, with its congestion
 * control and its proof, and are closed at the end.
 *
 * From one node to another as many streams run at once as the larger of the two has ranks, spread
 * over the ranks of both: what one stream or one process cannot fill, those that the job has
 * together may. That also covers ranks of one node that use different interfaces.
 *
 * It goes in rounds (rg_network_rounds), of which each is some flows from nodes to nodes:
 *
 *   pairs   up to 4 nodes: each ordered pair alone. Up to 8: all ordered pairs in rounds of
 *           disjoint pairs, of which each node has one.
 *   in      one node receives from all others at once (not with two nodes, where that is a pair)
 *   out     one node sends to all others at once
 *
 * Of more than 8 nodes, groups of 4 to 8 neighbours in the order of ranks do that, all groups at
 * once: pairs of other groups are not measured, and the number of rounds does not grow. So a node's
 * latency is not known then: its nearest node may be in another group. Neighbours
 * are likely to share a switch; but where groups share a link that is narrower than their ports, a
 * port's rate may come out too low and the bound too high, which a fraction above RG_BOUND_ERROR
 * then tells.
 *
 * Before the flows of a pair, its first ranks play ping-pong with one byte, asking the socket and
 * never sleeping; half of the least round trip is the latency. Then come four bursts of 128 KiB
 * with pauses of 5 ms: the beginning of a flow, of which one alone might be held up.
 *
 * A flow. The receivers ask for it, the senders send until they are told to stop, and what is then
 * under way is read as well. The first RG_NETWORK_DISCARD_NS do not count: TCP finds its window,
 * and a token bucket is emptied. Then come two windows of RG_NETWORK_WINDOW_NS, from arrival to
 * arrival; the rate is that of the better one, summed over receivers: the limit must not be lowered
 * by what else happened. Each receiver has windows of its own; where a node has several and they do
 * not lie over each other, the sum may be more than its port did at any one time. A limit it stays,
 * but the bound is then lower than it could be. A round in which a receiver saw fewer than
 * RG_NETWORK_ARRIVALS arrivals in a window, or in which the second window brought half as much
 * again as the first (TCP still grows), is repeated once with times four times as long, but no more
 * than eight rounds of a calibration are; if that does not help, or is not done, the rate is not
 * known.
 *
 * A node's rate is the highest of all rounds in which it received (or sent), since what it did once
 * it can do; it is not known unless that from (or to) all others at once is, and nothing disturbed
 * it. A flow is disturbed if one of its ranks was busy with it for more than a fifth of the time
 * and waited for a processor for more than a tenth: on a quiet machine it would be faster, and a
 * limit must hold there, too. Where all ranks are on one host there are no ports but loopback, and
 * what one reached counts for all.
 *
 * The burst is how far the beginning of a pair's flow, or a burst, was ahead of the rate: the most,
 * over some points in time, of bytes that had come minus rate times the time since the first could
 * have come; 0 where none of them was ahead by 10 %. A node's is the sum over its pairs, at its own
 * rate, since each of the others may have a bucket of its own; an upper limit where the node itself
 * has the only one. Pairs that are not measured are taken to be like the others of the node.
 */
#ifndef RAILGAUGE_MEASURE_CALIBRATE_NETWORK_H
#define RAILGAUGE_MEASURE_CALIBRATE_NETWORK_H

#include "railgauge/base/err.h"
#include "railgauge/model/bound_network.h"
#include "railgauge/transport/transport.h"

#include <stdbool.h>
#include <stdint.h>

#define RG_NETWORK_DISCARD_NS UINT64_C(30000000)
#define RG_NETWORK_WINDOW_NS  UINT64_C(80000000)
#define RG_NETWORK_ARRIVALS   8

struct rg_network_config {
	uint64_t deadline_ns;		/* length of each wait for a peer */
	bool crowded;			/* more ranks than cores: who waits sleeps */
	bool one_host;			/* all ranks share one, and its loopback */
	uint64_t discard_ns, window_ns; /* equal on all ranks; 0: the times above */
	/* Called on every rank after each round; may be NULL. */
	void (*progress)(void *arg, uint32_t done, uint32_t total);
	void *progress_arg; /* borrowed */
};

/*
 * (collective) Measures; the result is equal on all ranks, and released by rg_network_release.
 * Where the endpoint has no sockets, or reaches all ranks by memory, it is a network of one node
 * and nothing is measured. Takes about as long as rg_calibrate_network_cost_ns says, and 512 KiB.
 * RG_ERR_NO_MEMORY, RG_ERR_LIMIT (open files), RG_ERR_SYSTEM, RG_ERR_TIMEOUT, RG_ERR_PEER naming
 * the rank.
 */
int rg_calibrate_network(struct rg_endpoint *ep, const struct rg_network_config *config,
			 struct rg_network *out, struct rg_err *err);
void rg_network_release(struct rg_network *network); /* a zeroed struct is allowed */

/* How long rg_calibrate_network will take with so many nodes, without its waits and repeats. */
uint64_t rg_calibrate_network_cost_ns(uint32_t nnodes);

#endif
