/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the transports' tests share: ranks as threads of one process (shm finds a thread's memory as
 * it finds a process's), and what they do to each other.
 *
 * A case is a function run by every rank. It returns 0, or an error with words in its rank's err.
 */
#ifndef TESTS_TRANSPORT_RANKS_H
#define TESTS_TRANSPORT_RANKS_H

#include "railgauge/transport/transport.h"

#include <stdbool.h>
#include <stdint.h>

#define RANKS	 3
#define CHANNELS 2
#define TEN_S	 ((uint64_t)10000000000u)

struct rank {
	const struct rg_transport_ops *ops;
	struct rg_transport_config config;
	char names[16]; /* room for what config points to */
	struct rg_rendezvous *rdv;
	struct rg_endpoint *ep; /* opened and closed by run_ranks */
	int (*body)(struct rank *r);
	struct rg_err err;
	int rc;
};

#define MUST(r, cond)                                                                              \
	do {                                                                                       \
		if (!(cond))                                                                       \
			return rg_err_set(&(r)->err, RG_ERR_INTERNAL, "line %d: not %s", __LINE__, \
					  #cond);                                                  \
	} while (0)

/* CHANNELS channels, 4 slots of 4 KiB, 4 word slots of 256 bytes. */
extern const struct rg_transport_config small_config;

/*
 * The transports that are tried, NULL-terminated: all that work here; those by verbs only where
 * there are RDMA devices. RG_TEST_TRANSPORT names the only one; their options are those of
 * tests/verbs_words.h.
 */
const struct rg_transport_ops *const *transports_here(void);

/* Ranks of a transport that do body with small_config, and the environment's options. */
void prepare_ranks(struct rank ranks[RANKS], const struct rg_transport_ops *ops,
		   int (*body)(struct rank *r));

/*
 * Opens, runs the body, closes, on RANKS threads; each rank's result is in its rc and err. The
 * fail_nth-th allocation of all ranks together fails (base/mem.h); 0: none.
 */
void run_ranks(struct rank ranks[RANKS], unsigned long fail_nth);

/* Prepares and runs all transports, and fails the test with the text of a rank that failed. */
void every_transport(int (*body)(struct rank *r));

/* Does the transport promise that data arrive? */
bool moves_data(const struct rank *r);

uint32_t next(const struct rank *r);
uint32_t previous(const struct rank *r);

/* All ranks are here, and have handed over what they put and signalled. */
int meet(struct rank *r);

/* As meet, but whatever happened: called before closing what others may still be writing into. */
void part(struct rank *r);

/* All peers, this rank itself included, on all channels; from then on each takes what is sent. */
int connect_all(struct rank *r);

/* What a peer has signalled. */
uint64_t counter(const struct rank *r, uint32_t peer, uint32_t channel, enum rg_ctr ctr);

/* put and signal, over and over until they are taken, with progress in between. */
int put_all(struct rank *r, const struct rg_put *put);
int signal_all(struct rank *r, uint32_t peer, uint32_t channel, enum rg_ctr ctr, uint64_t value);

/* One turn of whoever waits: progress, and the idle-th turn without any in a row. */
int turn(struct rank *r, uint32_t *idle);

/* Waits for counter >= value on a channel as the executor does. */
int wait_on(struct rank *r, uint32_t peer, uint32_t channel, enum rg_ctr ctr, uint64_t value);

/* What all peers have put on channel 0 is here; SYNC moves to 1. */
int settle(struct rank *r);

/* wait_on channel 0. */
int wait_counter(struct rank *r, uint32_t peer, enum rg_ctr ctr, uint64_t value);

#endif
