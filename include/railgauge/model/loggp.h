/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a message costs: LogGP [Alexandrov95], which is LogP [Culler93] with a price for long ones.
 * Plain numbers; where they come from is the caller's business (a fit of measurements, fit.h, or a
 * data sheet).
 *
 * A message of k bytes that a rank sends at time t over a link of one class:
 *
 *   s = max(t, port)               the sender's port must be free
 *   t' = s + o                     so long its processor is busy
 *   port = s + g + (k - 1) G       when the port takes the next message
 *   a = s + o + (k - 1) G + L      when the last byte is there
 *
 * and its receiver, which begins to wait for it at time t:
 *
 *   e = max(a, port + (k - 1) G)   its port takes in one message at a time,
 *   port = e + g                   in the order in which the rank waits for them
 *   t' = max(t, e) + o
 *
 * k - 1 stands for 0 where k is 0. One message alone takes L + 2 o + (k - 1) G. Each rank has a
 * port out and a port in of its own for either class of link: an adapter that ranks share is not
 * modelled, nor is congestion between the ports (the network is as good as its links).
 *
 * The authors' G is a property of the link alone. What the processor does with the bytes is counted
 * apart, as [Hoefler10] does: copy_s and reduce_s, which are 0 in pure LogGP.
 */
#ifndef RAILGAUGE_MODEL_LOGGP_H
#define RAILGAUGE_MODEL_LOGGP_H

/* The two classes of link. */
enum rg_hop {
	RG_HOP_NODE,	/* between two ranks of one node */
	RG_HOP_NETWORK, /* between two nodes */
	RG_HOP_COUNT
};

/* One class of link; all are finite and at least 0. */
struct rg_loggp {
	double latency_s;  /* L */
	double overhead_s; /* o, at either end */
	double gap_s;	   /* g: the least time between two messages */
	double byte_s;	   /* G, seconds per byte: 1 / bandwidth */
};

struct rg_costs {
	struct rg_loggp hop[RG_HOP_COUNT];
	double copy_s;	 /* per byte and destination that a MOVE writes, slots included */
	double reduce_s; /* per byte and source of a MOVE beyond the first */
};

#endif
