/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Bounds of a network: how fast could a collective over several nodes be at best? Pure functions of
 * plain numbers, beside those of bound.h for the memory within a node.
 *
 *   what must cross (below)  +  what each node's port can do (struct rg_port)  ->  rg_bound_network
 *
 * A node is a set of ranks that reach each other without the network. What it takes in or gives out
 * in a time t is at most burst + rate * t (a leaky bucket; where nothing shapes, burst is 0). So an
 * amount of bytes that must enter it within k operations takes (bytes - burst) / rate at least.
 * Nothing is assumed about how nodes are wired: pairs may be
 * slower than their ports, data may be passed on by a third node, several nodes may share a cable.
 * All of that only makes things slower, and the bound holds.
 *
 * Derivations, with p ranks, n > 1 nodes, P of the ranks on the node, S the size in bytes of
 * base/collective.h, b = S / p; per operation:
 *
 *                  enters a node      leaves a node      crosses in all
 *   allreduce      S                  S                  2 (n - 1) S
 *   reducescatter  P b                (p - P) b          (n - 1) S
 *   allgather      (p - P) b          P b                (n - 1) S
 *   alltoall       P (p - P) b        P (p - P) b
 *   alltoallv      what ranks else-   what its ranks
 *                  where send to its  send elsewhere
 *   reduce         S at the root's    S at the others    (n - 1) S
 *   broadcast      S at the others    S at the root's    (n - 1) S
 *   gather         (p - P) b at the   P b at the others
 *                  root's
 *   scatter        P b at the others  (p - P) b at the
 *                                     root's
 *   sendrecv       S per rank whose   S per rank whose
 *                  predecessor is     successor is
 *                  elsewhere          elsewhere
 *   barrier        0                  0
 *
 * An element of a result is a value, whole or combined from several ranks' values, and moves as one
 * (no algorithm codes several values into fewer bytes, for those are not known to depend on each
 * other). What a node's ranks get for themselves counts once, since they share it without the
 * network; ranks of one node can combine what they give.
 *
 * allgather, gather, scatter, alltoall, alltoallv, broadcast, sendrecv: each value that a node's
 * ranks receive and that begins elsewhere enters the node; each that is wanted elsewhere leaves it
 * once at least. reduce, reducescatter, allreduce: each element of a result depends on a value of
 * every node, so something for it leaves every node that does not keep the result, and enters each
 * that wants it.
 *
 * In all, per element of a reduction whose result is wanted on one node: each of the n - 1 others
 * sends at least once, n - 1 crossings. Of an all-reduce: take the first moment at which some node
 * has the whole. By then each of the n - 1 others has sent at least once. A message has one
 * receiver, so none of the others is complete yet, and each receives at least once more: 2 (n - 1)
 * [Chan07, section 3, has it for vectors and equal nodes]. In allgather and broadcast it is the sum
 * over the nodes of what enters. A crossing leaves one node and enters another, so the sum is bound
 * by all ports together, on either side. With equal ports an all-reduce needs 2 (n - 1) / n S at
 * each; with unequal ones the slow may take part with S alone, and the bound is what holds for any
 * share: the larger of S at the slowest port and 2 (n - 1) S at all together.
 *
 * Latency. What is known of a way is half of the round trip, and one of the two ways may be the
 * shorter one. So it counts only where data must both enter a node and leave it: the longer way is
 * at least that half. (A node's shortest way in and its shortest way out are taken to be together
 * no less than its shortest round trip: they would be where one neighbour is near in one direction,
 * and another in the other.) In a collective without a root that is so for each node, and the
 * farthest from its nearest neighbour counts. There an operation begins at a rank when the one
 * before is complete, and needs what others began to send then; so it counts for each operation.
 * Where there is a root data go one way, and operations may be pipelined: no latency is in that
 * bound, nor in the time that bytes take to pass a port. A rank of sendrecv waits for its
 * predecessor alone; so latency counts once, and k operations on end are a chain back over k ranks:
 * of c boundaries between nodes in the whole ring, some chain has k c / p at least, as often into a
 * node as out. Of an all-to-all-v it counts once for a node that both sends and receives, and for
 * each operation between two ranks that send to each other.
 *
 * Multicast: a message has several receivers then, so what crosses in all is counted where it
 * enters, as it is; of what leaves only the root's node is known, which sends S.
 *
 * In place moves the same: what is in place is in place on its own node.
 */
#ifndef RAILGAUGE_MODEL_BOUND_NETWORK_H
#define RAILGAUGE_MODEL_BOUND_NETWORK_H

#include "railgauge/base/collective.h"
#include "railgauge/model/bound.h"

#include <stdbool.h>
#include <stdint.h>

/* What one node can take in and give out over the network. Bytes are payload. */
struct rg_port {
	uint32_t nranks;			/* of the node, >= 1 */
	double in_Bps, out_Bps;			/* 0: not known, and no bound comes from there */
	double in_burst_bytes, out_burst_bytes; /* what may pass at once beyond the rate */
	double latency_ns; /* half of the round trip to the nearest other node; 0: not known */
};

/* What one node gets to another while nothing else is sent; not needed for bounds. */
struct rg_network_pair {
	uint32_t from, to;  /* nodes */
	double rate_Bps;    /* 0: not known, likewise below */
	double burst_bytes; /* what passes at once beyond the rate */
	double latency_ns;  /* half of the least round trip */
};

/* A network as it was calibrated. Whoever made it owns the arrays. */
struct rg_network {
	uint32_t nnodes, nranks, npairs;
	struct rg_port *ports;	       /* [nnodes] */
	uint32_t *node;		       /* [nranks]: the node of each rank, below nnodes */
	struct rg_network_pair *pairs; /* [npairs] */
};

/* What is bounded. */
struct rg_network_problem {
	enum rg_coll coll;
	uint64_t size_bytes; /* S */
	/* alltoallv, else NULL: elements from each rank to each (base/matrix.h), borrowed. */
	const uint64_t *counts;
	uint32_t elem_bytes;
	uint32_t root;	       /* of collectives that have one */
	bool root_rotates;     /* over all ranks; where it begins is not known */
	bool multicast;	       /* what leaves a node once may enter all others */
	uint32_t ops;	       /* operations of a repetition, k >= 1 */
	double clock_error_ns; /* that the time may be too short by: clocks of several hosts */
};

/* Bytes that must enter and leave one node in one operation whose root is root. */
struct rg_crossing {
	double in_bytes, out_bytes;
};
struct rg_crossing rg_crossing_of(const struct rg_network_problem *problem,
				  const struct rg_network *network, uint32_t node, uint32_t root);

/* Bytes that cross between nodes in one operation, as far as a sum says more than the nodes. */
double rg_crossing_total(const struct rg_network_problem *problem,
			 const struct rg_network *network);

/*
 * The bound per operation; its name is "node-in" or "node-out" (one node's port), "nodes-in" or
 * "nodes-out" (all together) or "network-latency". None where there is one node, where nothing must
 * move, and where nothing is known.
 *
 * Where the root rotates, what the worst beginning of the rotation leaves to each port; for k = 1
 * the least over all roots.
 */
struct rg_bound rg_bound_network(const struct rg_network_problem *problem,
				 const struct rg_network *network);

#endif
