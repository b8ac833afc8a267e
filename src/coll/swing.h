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

static inline uint32_t rg_swing_peer(uint32_t i, uint32_t s, uint32_t n)
{
	int64_t rho = 0;

	for (uint32_t k = 0; k <= s; k++)
		rho = 1 - 2 * rho;
	rho = ((int64_t)i + (i % 2 ? -rho : rho)) % n;
	return (uint32_t)(rho < 0 ? rho + n : rho);
}

#endif
