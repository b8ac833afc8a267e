/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/measure/tournament.h"

uint32_t rg_tournament_rounds(uint32_t n)
{
	return n < 2 ? 0 : n - 1 + n % 2;
}

uint32_t rg_tournament_opponent(uint32_t n, uint32_t round, uint32_t rank)
{
	uint64_t circle = rg_tournament_rounds(n); /* ranks on it: odd */
	uint64_t opponent;

	if (rank == circle) /* the one outside of it, with an even number of ranks */
		return round;
	opponent = (2 * (uint64_t)round + circle - rank) % circle;
	if (opponent != rank)
		return (uint32_t)opponent;
	return n % 2 ? RG_TOURNAMENT_NOBODY : (uint32_t)circle;
}
