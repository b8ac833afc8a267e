/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "network_rounds.h"

static uint32_t groups(uint32_t nnodes)
{
	return (nnodes + NETWORK_GROUP - 1) / NETWORK_GROUP;
}

/* Where a group begins: sizes differ by one at most. */
static uint32_t begin_of(uint32_t nnodes, uint32_t group)
{
	uint32_t n = groups(nnodes);

	return (uint32_t)(((uint64_t)group * nnodes + n - 1) / n);
}

uint32_t rg_network_group(uint32_t nnodes, uint32_t node, uint32_t *first_out)
{
	uint32_t group = (uint32_t)((uint64_t)node * groups(nnodes) / nnodes);

	*first_out = begin_of(nnodes, group);
	return begin_of(nnodes, group + 1) - *first_out;
}

static uint32_t largest(uint32_t nnodes)
{
	return (nnodes + groups(nnodes) - 1) / groups(nnodes);
}

static uint32_t even(uint32_t n)
{
	return n + n % 2;
}

/* Rounds that all ordered pairs of a group of n take. */
static uint32_t pair_rounds(uint32_t nnodes, uint32_t n)
{
	return nnodes <= NETWORK_ALONE ? n * (n - 1) : 2 * (even(n) - 1);
}

uint32_t rg_network_rounds(uint32_t nnodes)
{
	uint32_t n;

	if (nnodes < 2)
		return 0;
	n = largest(nnodes);
	return pair_rounds(nnodes, n) + (n > 2 ? 2 * n : 0);
}

enum network_kind rg_network_kind(uint32_t nnodes, uint32_t round)
{
	uint32_t n = largest(nnodes), pairs = pair_rounds(nnodes, n);

	if (round < pairs)
		return NETWORK_PAIR;
	return round < pairs + n ? NETWORK_IN : NETWORK_OUT;
}

/*
 * Of m nodes (m even) in a round-robin tournament, whom does node i meet on day d? The last one
 * stays, the others go round.
 */
static uint32_t opponent(uint32_t m, uint32_t day, uint32_t i)
{
	uint32_t other;

	if (i == m - 1) /* j with 2 j = day, modulo m - 1 */
		return day % 2 ? (day + m - 1) / 2 : day / 2;
	other = (day + (m - 1) - i) % (m - 1);
	return other == i ? m - 1 : other;
}

/* From node a to node b of a group of n. */
static bool pair_flow(uint32_t nnodes, uint32_t n, uint32_t round, uint32_t a, uint32_t b)
{
	if (round >= pair_rounds(nnodes, n))
		return false; /* a smaller group is done before others */
	if (nnodes <= NETWORK_ALONE)
		return a == round / (n - 1) && b == round % (n - 1) + (round % (n - 1) >= a);
	return opponent(even(n), round / 2, a) == b && (a < b) == !(round % 2);
}

bool rg_network_flow(uint32_t nnodes, uint32_t round, uint32_t from, uint32_t to)
{
	uint32_t n = largest(nnodes), pairs = pair_rounds(nnodes, n), first, other, size;

	size = rg_network_group(nnodes, from, &first);
	rg_network_group(nnodes, to, &other);
	if (first != other || from == to)
		return false;
	from -= first;
	to -= first;
	switch (rg_network_kind(nnodes, round)) {
	case NETWORK_PAIR:
		return pair_flow(nnodes, size, round, from, to);
	case NETWORK_IN:
		return to == round - pairs;
	case NETWORK_OUT:
		return from == round - pairs - n;
	}
	return false;
}
