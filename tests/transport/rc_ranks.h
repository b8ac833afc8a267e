/* SPDX-License-Identifier: BSD-3-Clause */
/* What the tests of verbs-rc on made-up devices share: ranks.h, with options and expectations. */
#ifndef TESTS_TRANSPORT_RC_RANKS_H
#define TESTS_TRANSPORT_RC_RANKS_H

#include "fake_verbs.h"
#include "ranks.h"

#include "railgauge/transport/verbs.h"

/* A cmocka setup: the four devices anew. */
int fresh_devices(void **state);

/* Runs all ranks, which must succeed and leave nothing open. options NULL: the defaults. */
void run_rc(int (*body)(struct rank *r), const struct rg_verbs_options *options);

/* The same with another geometry. */
void run_rc_as(int (*body)(struct rank *r), const struct rg_verbs_options *options,
	       const struct rg_geometry *geometry);

/* The same as run_rc, where all must fail with this code and these words. */
void run_rc_refused(const struct rg_verbs_options *options, int code, const char *words);

/* Message number `message` to the next rank, in its slot of channel 0. */
struct rg_put put_of(struct rank *r, const void *src, size_t len_bytes, uint64_t message);

/* Messages `from` to `to` - 1 round the ring, with credit. */
int exchange(struct rank *r, uint64_t from, uint64_t to, size_t len_bytes);

/* Turns until the peer is known to be gone; the words are in r->err. */
int wait_for_end(struct rank *r, uint32_t peer);

#endif
