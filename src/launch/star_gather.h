/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How rank 0 collects the peers: what star_listen.c (who may connect, and for how long) and
 * star_admit.c (what a connection says) share. Private to src/launch.
 */
#ifndef RG_LAUNCH_STAR_GATHER_H
#define RG_LAUNCH_STAR_GATHER_H

#include "star_impl.h"

#define PLACES 64 /* for connections that have not proved themselves */

/* A connection that has not proved itself. */
struct stranger {
	int fd; /* owned; -1: the place is free */
	uint64_t since_ns, limit_ns;
	enum wire_kind expects; /* WIRE_HELLO, then WIRE_PROOF */
	size_t got;		/* bytes of m */
	struct {
		struct wire_head head; /* wire order */
		union {
			struct wire_hello hello;
			struct wire_proof proof;
		} body;
	} m;
	struct wire_hello hello; /* wire order, kept for the proof */
	struct wire_challenge challenge;
	char address[WIRE_ADDRESS_BYTES];
};

_Static_assert(offsetof(struct stranger, m.body) - offsetof(struct stranger, m) ==
		       sizeof(struct wire_head),
	       "no padding between head and body");

struct gathering {
	struct star *star;
	const struct rg_star_config *config;
	int listener; /* owned */
	char address[WIRE_ADDRESS_BYTES];
	uint32_t njoined;  /* of nranks - 1 */
	uint32_t nlost;	   /* came, but left or contradicted */
	struct rg_err why; /* the first contradiction; the job has failed */
	uint64_t end_ns;   /* the deadline, or less once the job has failed */
	uint64_t limit_ns;
	struct stranger *strangers; /* [PLACES], owned */
	struct pollfd *polls;	    /* [1 + PLACES + nranks], owned: listener, strangers, peers */
	struct pollfd *open_polls;  /* likewise: those of polls with a descriptor */
	char build[RG_BUILD_BYTES];
	char host[WIRE_HOST_BYTES];
	/* The last one turned away for its proof, to be named if its rank never comes. */
	bool refused;
	uint32_t refused_rank;
	char refused_address[WIRE_ADDRESS_BYTES];
};

/* Closes a stranger's connection; why (NULL: no reason) is logged. */
void star_drop(struct stranger *s, const char *why);

/* The job has failed, whatever comes now; the first reason stays. */
void star_lose(struct gathering *g, int code, const char *text);

/* Reads what a stranger says, and admits or drops it; only our own troubles are failures. */
int star_hear_stranger(struct gathering *g, struct stranger *s, struct rg_err *err);

#endif
