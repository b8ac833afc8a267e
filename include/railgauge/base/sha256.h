/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * SHA-256 [FIPS180-4] and HMAC-SHA-256 [RFC2104], for the proof that a peer belongs to the job
 * (launch/star.h) and for names derived from content. Our own, so that no crypto library is needed
 * for a few hundred bytes per job; it is written for clarity, not for speed.
 *
 * Plain data, no allocation, nothing fails or blocks. All functions may run concurrently on
 * different structs.
 */
#ifndef RAILGAUGE_BASE_SHA256_H
#define RAILGAUGE_BASE_SHA256_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RG_SHA256_BYTES 32

/* A hash under way. Contents are private. */
struct rg_sha256 {
	uint32_t h[8];
	uint64_t len_bytes; /* hashed so far; at most 2^61 - 1 */
	uint8_t block[64];
};

void rg_sha256_init(struct rg_sha256 *s);
void rg_sha256_add(struct rg_sha256 *s, const void *data, size_t len_bytes);

/* Writes the digest and wipes s, which must be initialised again before its next use. */
void rg_sha256_end(struct rg_sha256 *s, uint8_t digest_out[RG_SHA256_BYTES]);

/* The same for HMAC; the key may have any length. */
struct rg_hmac {
	struct rg_sha256 inner;
	struct rg_sha256 outer;
};

void rg_hmac_init(struct rg_hmac *m, const void *key, size_t key_bytes);
void rg_hmac_add(struct rg_hmac *m, const void *data, size_t len_bytes);
void rg_hmac_end(struct rg_hmac *m, uint8_t mac_out[RG_SHA256_BYTES]);

/*
 * Are the two equal? Takes the same time wherever they differ, so that a peer cannot find a MAC
 * byte by byte.
 */
bool rg_equal_constant_time(const void *a, const void *b, size_t len_bytes);

/* 2 * len_bytes lower-case hexadecimal digits and a zero into text[2 * len_bytes + 1]. */
void rg_hex(const void *data, size_t len_bytes, char *text);

#endif
