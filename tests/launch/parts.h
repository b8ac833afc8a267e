/* SPDX-License-Identifier: BSD-3-Clause */
/* Ranks of a rendezvous over TCP as threads of one process, for its tests. */
#ifndef TESTS_LAUNCH_PARTS_H
#define TESTS_LAUNCH_PARTS_H

#include "railgauge/launch/star.h"

#include <pthread.h>
#include <stdint.h>

#define MAX_RANKS 9
#define SECONDS	  ((uint64_t)1000000000)
#define LONG_NS	  (60 * SECONDS)

extern const char secret[];

/* One rank of a test's job. */
struct part {
	struct rg_star_config config;
	uint64_t open_ns; /* how long it may take to join */
	int (*body)(struct rg_rendezvous *rdv, struct rg_err *err); /* NULL: only join */
	int open_rc, rc;
	struct rg_err err;
	uint8_t key[32];
	pthread_t thread;
};

/* nranks parts that fit together; *fd_out holds their port. */
void prepare(struct part *parts, uint32_t nranks,
	     int (*body)(struct rg_rendezvous *, struct rg_err *), int *fd_out);

/* Joins, does the body, leaves: a struct part *, as a thread's main function. */
void *run_part(void *arg);

/* Runs the first n at the same time, to their ends. */
void run(struct part *parts, uint32_t n);

void assert_all_ok(const struct part *parts, uint32_t n);
void assert_says(const struct part *p, int code, const char *words);

#endif
