/* SPDX-License-Identifier: BSD-3-Clause */
/* Counts of all kinds for an all-to-all-v. */
#ifndef TESTS_COLL_COUNTS_H
#define TESTS_COLL_COUNTS_H

#include <stdbool.h>
#include <stdint.h>

/* The test's own sequence of numbers below `below`. */
typedef uint32_t draw_fn(void *state, uint32_t below);

enum counts_kind {
	COUNTS_EQUAL,
	COUNTS_ANY,
	COUNTS_FEW,	 /* one in p is not empty, in the mean */
	COUNTS_TO_ONE,	 /* all send to one rank */
	COUNTS_FROM_ONE, /* one rank sends to all */
	COUNTS_STAY,	 /* nothing for others */
	COUNTS_NONE,	 /* nothing at all */
	COUNTS_ONE_LONG, /* one, and others of an element or none */
	COUNTS_KINDS
};

static inline uint64_t draw_count(enum counts_kind kind, uint64_t most, bool special,
				  draw_fn *number, void *state)
{
	switch (kind) {
	case COUNTS_EQUAL:
		return most;
	case COUNTS_ANY:
		return number(state, (uint32_t)most + 1);
	case COUNTS_ONE_LONG:
		return special ? most : number(state, most ? 2 : 1);
	case COUNTS_NONE:
		return 0;
	default:
		return special ? number(state, (uint32_t)most + 1) : 0;
	}
}

/* counts[p][p], of up to `most` elements each; where `even`, both ways as much. */
static inline void make_counts(uint64_t *counts, uint32_t p, uint64_t most, bool even,
			       draw_fn *number, void *state)
{
	enum counts_kind kind = number(state, COUNTS_KINDS);
	uint32_t one = number(state, p), other = number(state, p);

	for (uint32_t i = 0; i < p * p; i++) {
		uint32_t from = i / p, to = i % p;
		bool special = kind == COUNTS_FEW	 ? number(state, p) == 0
			       : kind == COUNTS_TO_ONE	 ? to == one
			       : kind == COUNTS_FROM_ONE ? from == one
			       : kind == COUNTS_STAY	 ? from == to
							 : from == one && to == other;

		counts[i] = draw_count(kind, most, special, number, state);
	}
	for (uint32_t i = 0; even && i < p * p; i++)
		counts[i] = counts[i / p > i % p ? i : i % p * p + i / p];
}

#endif
