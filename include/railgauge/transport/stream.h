/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Plain streams beside an endpoint: TCP connections between ranks that reach each other over
 * sockets, for those who measure what the network does without a transport's protocol.
 *
 * They are made as the endpoint makes its own: between the same addresses, through the same
 * listening socket (no other is opened), with the same congestion control, and only with who proves
 * the job's key. A stream is a socket that does not block, without Nagle's delay; it is the
 * caller's to use and to close, before or after the endpoint.
 *
 * An endpoint belongs to one thread, which calls these as well.
 */
#ifndef RAILGAUGE_TRANSPORT_STREAM_H
#define RAILGAUGE_TRANSPORT_STREAM_H

#include "railgauge/transport/transport.h"

#include <stdbool.h>
#include <stdint.h>

/* Does the endpoint reach that rank over sockets? Never itself. (mixed may do so over RDMA.) */
bool rg_stream_reaches(const struct rg_endpoint *ep, uint32_t peer);

/*
 * (collective) Nodes: sets of ranks that the endpoint joins without a network, numbered in the
 * order of their lowest ranks, and the number of each rank among those of its set;
 * node_out[nranks], local_out[nranks], equal on all ranks. Blocks at most the endpoint's timeout.
 * As rg_rendezvous_allgather.
 */
int rg_stream_nodes(struct rg_endpoint *ep, uint32_t *node_out, uint32_t *local_out,
		    uint32_t *nnodes_out, struct rg_err *err);

/*
 * (collective) Opens n streams, stream i to rank peers[i], into fds_out[n]. Ranks without any come
 * with n 0. A peer may be named several times, as often as it names this rank: then its k-th stream
 * to this rank is this rank's k-th to it. The lower rank connects. All or none: on failure of any
 * rank nothing is left open.
 *
 * Blocks until all ranks have all theirs, at most the endpoint's timeout per step.
 * RG_ERR_UNSUPPORTED (this transport has no sockets), RG_ERR_INVALID (a rank that is not reached
 * over sockets), RG_ERR_NO_MEMORY, RG_ERR_LIMIT (open files), RG_ERR_SYSTEM, RG_ERR_TIMEOUT (a peer
 * did not open its side), RG_ERR_PEER.
 */
int rg_streams_open(struct rg_endpoint *ep, const uint32_t *peers, uint32_t n, int *fds_out,
		    struct rg_err *err);

/* Closes those that are open and sets them to -1. */
void rg_streams_close(int *fds, uint32_t n);

#endif
