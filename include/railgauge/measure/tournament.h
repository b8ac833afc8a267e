/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Tournament: every rank meets every other one, in rounds in which nobody meets two, so that pairs
 * that run at the same time have no rank in common.
 *
 * The circle method. With m ranks, m even, ranks i and j below m - 1 meet in the round r for which
 * i + j = 2 r modulo m - 1; since m - 1 is odd there is exactly one such round for each pair. In
 * each round one rank is left for whom j would be i, which is r, and it meets rank m - 1. With an
 * odd number of ranks m is one more, and who would meet rank m - 1 has nothing to do. So there are
 * n - 1 rounds of n / 2 pairs if n is even, and n rounds of (n - 1) / 2 if it is odd: the fewest
 * possible.
 *
 * Pure functions of a few operations.
 */
#ifndef RAILGAUGE_MEASURE_TOURNAMENT_H
#define RAILGAUGE_MEASURE_TOURNAMENT_H

#include <stdint.h>

#define RG_TOURNAMENT_NOBODY UINT32_MAX

/* Rounds of n ranks: 0 of fewer than 2. */
uint32_t rg_tournament_rounds(uint32_t n);

/*
 * Whom rank (below n) meets in a round (below rg_tournament_rounds(n)); RG_TOURNAMENT_NOBODY: it
 * has nothing to do.
 */
uint32_t rg_tournament_opponent(uint32_t n, uint32_t round, uint32_t rank);

#endif
