/* SPDX-License-Identifier: BSD-3-Clause */
/* Ranks over verbs-ud on made-up devices. Rank r is on device fake<r>. */
#ifndef TESTS_TRANSPORT_UD_RANKS_H
#define TESTS_TRANSPORT_UD_RANKS_H

#include "fake_verbs.h"
#include "ranks.h"

#include "railgauge/transport/verbs.h"

#define ONE_S UINT64_C(1000000000)

extern struct rg_verbs_options ud_options[RANKS];
extern const char *const ud_names[RANKS]; /* of devices */

void ud_prepare(struct rank ranks[RANKS], int (*body)(struct rank *r), uint64_t timeout_ns);

/* Prepares and runs, fails the test with a rank's words, and looks for what is left. */
void ud_run(int (*body)(struct rank *r), uint64_t timeout_ns);

/* For cmocka: the four usual devices. */
int ud_reset(void **state);

/* Connected, and all have seen each other's first signal. */
int ud_begin(struct rank *r);

/* Nobody has anything to send until somebody puts or signals. */
int ud_come_to_rest(struct rank *r);

/* Until peer_alive says something of the peer. */
int ud_wait_until_gone(struct rank *r, uint32_t peer);

#endif
