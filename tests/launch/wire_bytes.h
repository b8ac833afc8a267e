/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the tests of strangers share: a rank of a job of two, and messages written byte by byte.
 */
#ifndef TESTS_LAUNCH_WIRE_BYTES_H
#define TESTS_LAUNCH_WIRE_BYTES_H

#include "railgauge/launch/star.h"

#include <pthread.h>
#include <stdint.h>

#define SECONDS	    ((uint64_t)1000000000)
#define LONG_NS	    (60 * SECONDS)
#define HEAD_BYTES  16
#define HELLO_BYTES 168

extern const char secret[17];

struct rank {
	struct rg_star_config config;
	int rc;
	struct rg_err err;
	pthread_t thread;
};

struct rank make_rank(uint32_t rank, uint16_t port);

/* Of a struct rank: opens, meets the others, closes; rc and err say how that went. */
void *join_job(void *arg);

/* Big-endian. */
void put_be(uint8_t *to, uint32_t v, int bytes);

/* The head of a message, HEAD_BYTES of it. */
void put_head(uint8_t *to, uint32_t kind, uint32_t len_bytes);

/* Waits for the other side to close; what it says meanwhile is thrown away. */
void wait_for_close(int s);

#endif
