/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A calibration of the network under way: between calibrate_network.c, which runs the rounds, and
 * network_account.c, which says what follows from what the receivers saw. All ranks account for the
 * same reports and so come to the same.
 */
#ifndef RG_MEASURE_NETWORK_IMPL_H
#define RG_MEASURE_NETWORK_IMPL_H

#include "railgauge/measure/calibrate_network.h"
#include "network_flow.h"
#include "network_rounds.h"

#include <stdbool.h>
#include <stdint.h>

/* What a rank tells the others after a round. */
struct report {
	double latency_ns;  /* it played ping-pong; else 0 */
	uint64_t disturbed; /* it had to wait for a processor */
	struct flow_tally tally;
};

struct network_work {
	struct rg_endpoint *ep; /* borrowed, as the next */
	const struct rg_network_config *config;
	struct rg_network net;	/* owned until it is handed out */
	uint32_t *local;	/* owned, [nranks]: a rank's number on its node */
	uint32_t mine;		/* this rank's node */
	uint32_t nstreams;	/* of this rank, to all nodes of the group */
	uint32_t *peers;	/* owned, [nstreams] */
	int *fds;		/* owned, [nstreams] */
	struct flow flow;	/* those of a round; arrays owned, [nstreams] */
	struct report *reports; /* owned, [nranks] */
	bool *all_in, *all_out; /* owned, [nnodes]: against all others, the rate is known */
	struct flow_point (*points)[FLOW_POINTS]; /* owned, [npairs]: of all receivers together */
	uint32_t repeats;
};

/* Should the round that was reported be repeated with longer times? */
bool rg_network_needs_longer(const struct network_work *w);

/* Adds what the reports of a round say. */
void rg_network_keep_round(struct network_work *w, uint32_t round);

/* After the last one: what the ports can do. */
void rg_network_conclude(struct network_work *w);

/* The rank that is number local of a node. */
uint32_t rg_network_rank(const struct network_work *w, uint32_t node, uint32_t local);

#endif
