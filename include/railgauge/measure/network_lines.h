/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a network could carry at best where it is reached by RDMA: nothing is measured (there are no
 * sockets to measure it with, and a transport that vouched for itself would never be found slow),
 * but ports tell at which rate their lines run, and the heads of packets are known.
 *
 *   lines of all ranks' endpoints (struct rg_line)  +  which rank is on which node
 *   + model/bound_verbs.h  ->  struct rg_network, for model/bound_network.h
 *
 * A node takes in and gives out at most what its ports carry together, each of which counts once,
 * whatever the number of ranks that use it: long writes at the largest packets, the least that
 * heads can take. Latencies, pairs and bursts are not known. A node of which a rank has a line of
 * unknown rate, or none, has ports of unknown rate.
 */
#ifndef RAILGAUGE_MEASURE_NETWORK_LINES_H
#define RAILGAUGE_MEASURE_NETWORK_LINES_H

#include "railgauge/base/err.h"
#include "railgauge/model/bound_network.h"
#include "railgauge/transport/transport.h"

#include <stdint.h>

/*
 * (collective) node[nranks] are the nodes, numbered from 0, where ranks of one node share its
 * adapters. The result is equal on all ranks, and released by rg_network_release. Where there is
 * one node, or no rank has a line, it is a network of no nodes. Blocks at most timeout_ns for each
 * exchange. RG_ERR_NO_MEMORY, and as rg_rendezvous_allgather.
 */
int rg_network_of_lines(const struct rg_endpoint *ep, const uint32_t *node, uint64_t timeout_ns,
			struct rg_network *out, struct rg_err *err);

/* Bytes of messages that a line carries per second each way, at most; 0: not known. Pure. */
double rg_line_goodput_Bps(const struct rg_line *line);

#endif
