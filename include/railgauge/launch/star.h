/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rendezvous over TCP: rank 0 listens on one address, the others connect to it, and every exchange
 * goes through rank 0. The environment (job_env.h) says who is who; here everything is explicit.
 *
 * Joining. A connection proves that it knows the job's secret before anything else is believed:
 *
 *   peer -> rank 0   HELLO      its rank, its rank count, its build, its host, a nonce
 *   rank 0 -> peer   CHALLENGE  a nonce
 *   peer -> rank 0   PROOF      HMAC-SHA-256(secret, "railgauge peer" | HELLO | CHALLENGE)
 *   rank 0 -> peer   WELCOME    when all ranks are there: its build and host, the job's nonce, and
 *                               HMAC-SHA-256(secret, "railgauge rank0" | HELLO | CHALLENGE | ...)
 *
 * Labels are zero-padded to 16 bytes. The two labels keep one side's proof from serving as the
 * other's. Messages have fixed sizes (src/launch/wire.h). A connection that says something else,
 * says too much, or takes longer than peer_limit_ns is dropped; it costs the job nothing but one of
 * 64 places meanwhile, and when others wait for one, not even that for long. What follows the
 * handshake is neither encrypted nor signed: whoever can alter the traffic of the job's hosts can
 * alter these words too, as in every launcher.
 *
 * The job key is HMAC-SHA-256(secret, "railgauge job" | job's nonce); rank 0 draws that nonce.
 *
 * Failures. Whichever rank fails first, rank 0 tells the others with its words; a rank whose
 * process ends is noticed by its closed connection (RG_ERR_PEER with its rank and host). Ranks
 * other than 0 wait up to one second beyond a deadline for rank 0's word on who is missing.
 */
#ifndef RAILGAUGE_LAUNCH_STAR_H
#define RAILGAUGE_LAUNCH_STAR_H

#include "railgauge/base/err.h"
#include "railgauge/launch/rendezvous.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An exchange larger than this in all (nranks x length) is refused with RG_ERR_LIMIT. */
#define RG_STAR_MAX_BYTES ((size_t)1 << 30)

/* All pointers are borrowed until rg_star_open returns. */
struct rg_star_config {
	uint32_t rank;
	uint32_t nranks;
	const char *host; /* rank 0's address or name; it listens there and nowhere else */
	uint16_t port;
	bool port_held; /* the launcher holds the port with SO_REUSEPORT: share it */
	const void *secret;
	size_t secret_bytes;
	const char *build;	/* NULL: rg_build_id() */
	uint64_t peer_limit_ns; /* for one connection to prove itself; 0: 5 s */
	bool *told_out;		/* NULL, or true on a failure that rank 0 told this rank of */
};

/*
 * Collective: returns when all ranks have joined, or on the first failure.
 * RG_ERR_INVALID   host is no name or address, or a wildcard
 * RG_ERR_SYSTEM    rank 0 cannot listen there (the text says why: not an address of this host, ...)
 * RG_ERR_DENIED    a peer does not know the secret; names its address
 * RG_ERR_MISMATCH  other build, other rank count, or one rank twice; names the ranks and hosts
 * RG_ERR_TIMEOUT   names the ranks that did not come
 * RG_ERR_PEER      a rank left before all were there
 * RG_ERR_LIMIT     not enough file descriptors; RG_ERR_NO_MEMORY
 * The name of host is resolved without a deadline.
 */
int rg_star_open(const struct rg_star_config *config, uint64_t deadline_ns,
		 struct rg_rendezvous **rdv_out, struct rg_err *err);

/*
 * For a launcher: finds a free port of 127.0.0.1 and keeps it from everybody but rank 0 of this
 * user (port_held above) until *fd_out is closed. Nothing listens on it, so early peers are refused
 * and try again; and no connection of another program is given it as its own port.
 * RG_ERR_SYSTEM.
 */
int rg_port_hold(uint16_t *port_out, int *fd_out, struct rg_err *err);

#endif
