/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/base/sha256.h"

#include <string.h>

/* Fractional parts of the cube roots of the first 64 primes [FIPS180-4, 4.2.2]. */
static const uint32_t k[64] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
	0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
	0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
	0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
	0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
	0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
	0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
	0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
	0xc67178f2,
};

static uint32_t rotr(uint32_t x, unsigned n)
{
	return x >> n | x << (32 - n);
}

static uint32_t load_be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void store_be32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

/* One block [FIPS180-4, 6.2.2]; v[0..7] are its a..h. */
static void compress(uint32_t h[8], const uint8_t block[64])
{
	uint32_t w[64], v[8];

	for (int t = 0; t < 16; t++)
		w[t] = load_be32(block + 4 * t);
	for (int t = 16; t < 64; t++) {
		uint32_t s0 = rotr(w[t - 15], 7) ^ rotr(w[t - 15], 18) ^ w[t - 15] >> 3;
		uint32_t s1 = rotr(w[t - 2], 17) ^ rotr(w[t - 2], 19) ^ w[t - 2] >> 10;

		w[t] = w[t - 16] + s0 + w[t - 7] + s1;
	}
	memcpy(v, h, sizeof(v));
	for (int t = 0; t < 64; t++) {
		uint32_t s1 = rotr(v[4], 6) ^ rotr(v[4], 11) ^ rotr(v[4], 25);
		uint32_t ch = (v[4] & v[5]) ^ (~v[4] & v[6]);
		uint32_t t1 = v[7] + s1 + ch + k[t] + w[t];
		uint32_t s0 = rotr(v[0], 2) ^ rotr(v[0], 13) ^ rotr(v[0], 22);
		uint32_t maj = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);

		memmove(v + 1, v, 7 * sizeof(v[0]));
		v[4] += t1;
		v[0] = t1 + s0 + maj;
	}
	for (int i = 0; i < 8; i++)
		h[i] += v[i];
}

void rg_sha256_init(struct rg_sha256 *s)
{
	/* Fractional parts of the square roots of the first 8 primes [FIPS180-4, 5.3.3]. */
	static const uint32_t h0[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
				       0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

	memset(s, 0, sizeof(*s));
	memcpy(s->h, h0, sizeof(h0));
}

void rg_sha256_add(struct rg_sha256 *s, const void *data, size_t len_bytes)
{
	const uint8_t *p = data;

	while (len_bytes > 0) {
		size_t used = s->len_bytes % 64;
		size_t n = 64 - used < len_bytes ? 64 - used : len_bytes;

		memcpy(s->block + used, p, n);
		s->len_bytes += n;
		p += n;
		len_bytes -= n;
		if (used + n == 64)
			compress(s->h, s->block);
	}
}

void rg_sha256_end(struct rg_sha256 *s, uint8_t digest_out[RG_SHA256_BYTES])
{
	static const uint8_t pad[64] = {0x80};
	uint64_t len_bits = 8 * s->len_bytes;
	size_t used = s->len_bytes % 64;
	uint8_t length[8];

	rg_sha256_add(s, pad, used < 56 ? 56 - used : 120 - used);
	store_be32(length, (uint32_t)(len_bits >> 32));
	store_be32(length + 4, (uint32_t)len_bits);
	rg_sha256_add(s, length, sizeof(length));
	for (int i = 0; i < 8; i++)
		store_be32(digest_out + 4 * i, s->h[i]);
	explicit_bzero(s, sizeof(*s));
}

void rg_hmac_init(struct rg_hmac *m, const void *key, size_t key_bytes)
{
	uint8_t block[64] = {0};

	rg_sha256_init(&m->inner);
	rg_sha256_init(&m->outer);
	if (key_bytes > sizeof(block)) {
		struct rg_sha256 s;

		rg_sha256_init(&s);
		rg_sha256_add(&s, key, key_bytes);
		rg_sha256_end(&s, block);
	} else if (key_bytes > 0) {
		memcpy(block, key, key_bytes);
	}
	for (size_t i = 0; i < sizeof(block); i++)
		block[i] ^= 0x36;
	rg_sha256_add(&m->inner, block, sizeof(block));
	for (size_t i = 0; i < sizeof(block); i++)
		block[i] ^= 0x36 ^ 0x5c;
	rg_sha256_add(&m->outer, block, sizeof(block));
	explicit_bzero(block, sizeof(block));
}

void rg_hmac_add(struct rg_hmac *m, const void *data, size_t len_bytes)
{
	rg_sha256_add(&m->inner, data, len_bytes);
}

void rg_hmac_end(struct rg_hmac *m, uint8_t mac_out[RG_SHA256_BYTES])
{
	uint8_t digest[RG_SHA256_BYTES];

	rg_sha256_end(&m->inner, digest);
	rg_sha256_add(&m->outer, digest, sizeof(digest));
	rg_sha256_end(&m->outer, mac_out);
}

bool rg_equal_constant_time(const void *a, const void *b, size_t len_bytes)
{
	const volatile uint8_t *x = a, *y = b; /* volatile: no early exit by the compiler */
	uint8_t differ = 0;

	for (size_t i = 0; i < len_bytes; i++)
		differ |= x[i] ^ y[i];
	return differ == 0;
}

void rg_hex(const void *data, size_t len_bytes, char *text)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *p = data;

	for (size_t i = 0; i < len_bytes; i++) {
		text[2 * i] = digits[p[i] >> 4];
		text[2 * i + 1] = digits[p[i] & 15];
	}
	text[2 * len_bytes] = '\0';
}
