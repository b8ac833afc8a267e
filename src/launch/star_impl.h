/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What star.c (the exchanges), star_listen.c (rank 0 collects the peers) and star_connect.c (a peer
 * finds rank 0) share. Private to src/launch.
 */
#ifndef RG_LAUNCH_STAR_IMPL_H
#define RG_LAUNCH_STAR_IMPL_H

#include "railgauge/launch/star.h"

#include "wire.h"

#include <netdb.h>
#include <poll.h>

#define STAR_PEER_LIMIT_NS ((uint64_t)5000000000) /* 5 s: a handshake is two round trips */

/*
 * Until when a peer waits for rank 0's word on who missed deadline_ns: both have the same deadline,
 * and only rank 0 knows the culprit.
 */
static inline uint64_t star_verdict_ns(uint64_t deadline_ns)
{
	return deadline_ns > UINT64_MAX - 1000000000u ? UINT64_MAX : deadline_ns + 1000000000u;
}

/* The other end of one connection. */
struct star_peer {
	int fd;	     /* owned; -1: none */
	bool broken; /* a message went out in part: nothing more can follow it */
	char host[WIRE_HOST_BYTES];
	char address[WIRE_ADDRESS_BYTES];

	/* Rank 0 only, from joining to WELCOME: what its proof covered. */
	struct wire_hello hello;
	struct wire_challenge challenge;

	/* Rank 0 only: the exchange under way. */
	struct wire_head head; /* as received so far */
	size_t head_got, body_got;
	uint32_t len_bytes; /* that the peer announced */
	bool done;
};

struct star {
	struct rg_rendezvous base;
	uint32_t exchange;	 /* number of the next one, modulo 2^32 */
	struct rg_err failure;	 /* the first one; every later operation repeats it */
	uint32_t npeers;	 /* rank 0: nranks, of which [0] is unused; else 1: rank 0 */
	struct star_peer *peers; /* [npeers], owned */
	struct pollfd *polls;	 /* rank 0: [nranks], owned */
	uint32_t *polled;	 /* rank 0: [nranks], whose entry each of polls is; owned */
};

/* Names this host in zero-padded wire form. */
void star_fill_host(char host[WIRE_HOST_BYTES]);

/* config's build, or ours, in zero-padded wire form. */
void star_fill_build(const struct rg_star_config *config, char build[RG_BUILD_BYTES]);

/* Fills nonce with random bytes. RG_ERR_SYSTEM. */
int star_nonce(uint8_t nonce[WIRE_NONCE_BYTES], struct rg_err *err);

/*
 * Resolves host and port; *list_out is freed with freeaddrinfo. RG_ERR_INVALID names the host and
 * the resolver's words.
 */
int star_resolve(const struct rg_star_config *config, struct addrinfo **list_out,
		 struct rg_err *err);

/*
 * Listens at config's host and port, and only there. host is this host's name, for messages; the
 * address is filled in for messages also on failure. RG_ERR_INVALID, RG_ERR_SYSTEM.
 */
int star_bind(const struct rg_star_config *config, const char *host, int *listener_out,
	      char address_out[WIRE_ADDRESS_BYTES], struct rg_err *err);

/* Fill peers; on failure those that joined have been told, and what was opened stays in peers. */
int star_listen(struct star *star, const struct rg_star_config *config, uint64_t deadline_ns,
		struct rg_err *err);
int star_connect(struct star *star, const struct rg_star_config *config, uint64_t deadline_ns,
		 struct rg_err *err);

#endif
