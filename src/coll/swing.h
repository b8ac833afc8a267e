/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The peers of the Swing and Bine butterflies.
 *
 * In step s number i talks to i + rho(s) if i is even, else i - rho(s), modulo n, n being even,
 * with rho(s) = 1 - 2 + 4 ... + (-2)^s = 1, -1, 3, -5, 11 ...: neighbours at distances that are two
 * thirds of those of recursive doubling, on either side in turn. Peers are mutual, as rho is odd.
 * Going through the steps from the last to the first, everybody is reached from anybody, for any
 * even n after ceil(log2 n) steps, where n is a power of two without meeting anybody twice.
 * Source: [DeSensi24, section 3], [DeSensi25].
 */
#ifndef RG_COLL_SWING_H
#define RG_COLL_SWING_H

#include <stdint.h>

static inline uint32_t rg_swing_steps(uint32_t n)
{
	uint32_t steps = 0;

	while (UINT32_C(1) << steps < n)
		steps++;
	return steps;
}

/* rho(s). */
static inline int64_t rg_swing_distance(uint32_t s)
{
	int64_t rho = 0;

	for (uint32_t k = 0; k <= s; k++)
		rho = 1 - 2 * rho;
	return rho;
}

/* x modulo n, of which it is a few at most. */
static inline uint32_t rg_swing_around(int64_t x, uint32_t n)
{
	while (x < 0)
		x += n;
	while (x >= n)
		x -= n;
	return (uint32_t)x;
}

static inline uint32_t rg_swing_peer(uint32_t i, uint32_t s, uint32_t n)
{
	int64_t rho = rg_swing_distance(s);

	return rg_swing_around(i % 2 ? i - rho : i + rho, n);
}

/*
 * n a power of two. Who has met whom once all steps above s are gone through, from the last one on,
 * is a group; this is the least number of v's. Since 3 rho(k) = 1 mod 2^(k + 1), numbers of one
 * group are, mod m = 2^(s + 2), an even one and that plus 1/3; all that are one of these two belong
 * to it. After no step (m > n) everybody is alone.
 */
static inline uint32_t rg_swing_least(uint32_t v, uint32_t s, uint32_t n)
{
	const uint32_t third = 0xaaaaaaab; /* 3 * third = 1 mod 2^32 */
	uint32_t mask = (UINT32_C(4) << s) - 1, even, odd;

	if (mask >= n)
		return v;
	even = (v % 2 ? v - third : v) & mask;
	odd = (even + third) & mask;
	return even < odd ? even : odd;
}

#endif
